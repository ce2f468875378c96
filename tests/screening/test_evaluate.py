"""A chunk that reads each template once gives the rows of candidates that are read one by one."""

import pytest

from ase_bimetal.screening import evaluate
from ase_bimetal.screening.candidates import enumerate_candidates, required_shells
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.screening.evaluate import Chunk, evaluate_chunk
from ase_bimetal.screening.templates import template_name
from ase_bimetal.structures.templates import build_template


def test_reading_a_template_once_changes_no_row(monkeypatch):
    config = ScreenConfig.make(
        dopants=["Pd", "Ni", "La", "Al"], ligands=["SMe"], motifs=["Au4M2"], dopant_counts=[1, 2], arrangements=3
    )
    templates = {template_name(*task): build_template(*task) for task in required_shells(config)}
    chunk = Chunk(0, tuple(enumerate_candidates(config)), templates, config)
    together = evaluate_chunk(chunk)
    monkeypatch.setattr(evaluate, "_exchange", lambda template: None)
    apart = evaluate_chunk(chunk)
    assert len(together) == len(apart) > 10 and {row["status"] for row in apart} >= {"ok", "failed"}
    for one, other in zip(together, apart, strict=True):
        for column, value in other.items():
            assert one[column] == (pytest.approx(value, abs=1e-6) if isinstance(value, float) else value), column
