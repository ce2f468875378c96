"""A screening from configuration to rows: right numbers, reasons for failures, safe to kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ase_bimetal import predict
from ase_bimetal.errors import ScreenError
from ase_bimetal.model.predictor import Predictor
from ase_bimetal.screening import candidate_atoms, iter_results, load_results, run, screen, screen_info
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.screening.store import Store, schema
from ase_bimetal.structures.template_errors import RELAXED_CORE, template_error

SMALL = {"dopants": ["Pd", "Cu", "Hg"], "ligands": ["SMe"], "motifs": ["Au4M2"]}
# 96 candidates in chunks of two, so that a kill finds the run in the middle.
KILLED = """
import time
from ase_bimetal.screening import ScreenConfig, screen
from ase_bimetal.screening.store import Store
from ase_bimetal.structures.motifs import DOPANTS
config = ScreenConfig.make(dopants=DOPANTS, ligands=["SMe"], motifs=["Au4M2", "M@Au8"],
                           dopant_counts=["motif", 2], arrangements=2, chunk_size=2)
write = Store.write
def three(store, *chunk):
    if len(store.done()) == 3:
        time.sleep(3600)
    write(store, *chunk)
Store.write = three
screen(config, {out!r}, progress=False)
"""


def rows(out: Path) -> pd.DataFrame:
    return load_results(out).set_index(c.ID)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of three dopants in Au4M2(SMe)8."""
    out = tmp_path_factory.mktemp("small")
    screen(out=out, progress=False, **SMALL, prices={"Au": 2.0, "Pd": 1.0, "Cu": 0.0, "Hg": 0.0}, currency="EUR")
    return out


def test_rows_are_what_predict_says_of_the_same_atoms(small: Path) -> None:
    for name, row in rows(small).iterrows():
        [single] = predict([candidate_atoms(small, name)])
        assert row[c.FORMATION_ENERGY] == pytest.approx(single.formation_energy_per_metal, abs=1e-5)
        own = (row[c.FORMATION_ENERGY_STD] ** 2 - row[c.TEMPLATE_ERROR] ** 2) ** 0.5
        assert own == pytest.approx(single.formation_energy_std, abs=1e-4)
        assert row[c.TEMPLATE_ERROR] == template_error("Au4M2", RELAXED_CORE) > 0
        assert row[c.PHI] == pytest.approx(single.accessibility_index)
        assert row[c.MIXING_ENTHALPY] == single.descriptors["H_mix (kJ/mol)"]
        assert tuple(row[c.FLAGS]) == single.flags
        assert (row[c.MODEL], row[c.LEVEL]) == (single.model, single.level)
        assert row[c.REFERENCE_STATE] == single.reference_state


def test_a_row_says_what_it_is(small: Path) -> None:
    row = rows(small).loc["Au4M2:Au4Pd2:SMe:0"]
    assert row[[c.STATUS, c.HOST, c.DOPANTS, c.COMPOSITION, c.LIGANDS, c.FORMULA, c.GEOMETRY]].tolist() == [
        "ok",
        "Au",
        "Pd",
        "Au4Pd2",
        "8 SMe",
        "C8H24Au4Pd2S8",
        RELAXED_CORE,
    ]
    assert list(row[c.CRITICAL_METALS]) == ["Pd"]
    assert row[c.METAL_COST] == pytest.approx((4 * 196.967 * 2.0 + 2 * 106.42) / (4 * 196.967 + 2 * 106.42), rel=1e-4)
    width = row[c.FORMATION_ENERGY_HIGH] - row[c.FORMATION_ENERGY_LOW]
    assert width == pytest.approx(2 * 1.645 * row[c.FORMATION_ENERGY_STD])
    assert row[c.MISCIBLE] == (row[c.MIXING_ENTHALPY] < 0)


def test_every_column_is_there_with_its_unit(small: Path) -> None:
    frame = load_results(small)
    assert list(frame.columns) == [column.name for column in c.COLUMNS]
    assert frame.attrs["units"][c.FORMATION_ENERGY] == "eV/metal"
    assert frame.attrs["level"] == screen_info(small)["level"]
    assert schema().field(c.MIXING_ENTHALPY).metadata[b"unit"] == b"kJ/mol"


def test_one_bad_candidate_does_not_stop_the_rest(tmp_path: Path) -> None:
    # The model knows no lanthanides; the prediction fails, not the screening.
    summary = screen(out=tmp_path, progress=False, **SMALL | {"dopants": ["Pd", "Gd", "Pt"]})
    found = rows(tmp_path)
    assert (summary.n_ok, summary.n_failed) == (2, 1)
    bad = found.loc["Au4M2:Au4Gd2:SMe:0"]
    assert bad[c.STATUS] == c.FAILED
    assert "metal Gd is not a d-block element" in bad[c.REASON]
    assert bad[c.FORMULA] == "C8H24Au4Gd2S8"
    assert pd.isna(bad[c.FORMATION_ENERGY])


def test_an_unexpected_fault_costs_one_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Predictor.predict

    def breaks_on_copper(self: Predictor, systems: list, reference_state: str = "dimer") -> list:
        if any("Cu" in system.metal_symbols for system in systems):
            raise RuntimeError("out of memory")
        return good(self, systems, reference_state)

    monkeypatch.setattr(Predictor, "predict", breaks_on_copper)
    screen(out=tmp_path, progress=False, **SMALL)
    found = rows(tmp_path)
    assert found[c.STATUS].tolist() == ["ok", "failed", "ok"]
    assert found[c.REASON].iloc[1] == "ScreenError: RuntimeError: out of memory"


def test_a_template_that_cannot_be_built_costs_its_candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = run.cached_template

    def no_cap(motif: str, shell: object) -> object:
        if motif == "Au4M2-capped":
            raise RuntimeError("Bad Conformer Id")
        return build(motif, shell)

    monkeypatch.setattr(run, "cached_template", no_cap)
    summary = screen(out=tmp_path, progress=False, **SMALL | {"motifs": ["Au4M2", "Au4M2-capped"]})
    assert (summary.n_ok, summary.n_failed) == (3, 3)
    failed = load_results(tmp_path).query("status == 'failed'")
    assert failed[c.REASON].str.contains("assembling Au4M2-capped with SMe: Bad Conformer Id").all()
    with pytest.raises(ScreenError, match="has no geometry"):
        candidate_atoms(tmp_path, failed[c.ID].iloc[0])


def test_filters_mark_rows_and_keep_them(tmp_path: Path, small: Path) -> None:
    known = rows(small)
    limit = float(known[c.FORMATION_ENERGY].median()) + 1e-6
    screen(out=tmp_path, progress=False, **SMALL, filters={"formation_energy_below": limit, "miscible": True})
    found = rows(tmp_path)
    expected = (known[c.FORMATION_ENERGY] < limit) & (known[c.MIXING_ENTHALPY] < 0)
    assert found[c.PASSES].tolist() == expected.tolist()
    assert 0 < expected.sum() < len(expected)
    assert found[c.FILTER_REASON].notna().tolist() == (~expected).tolist()
    assert set(load_results(tmp_path, only_passing=True)[c.ID]) == set(expected[expected].index)


def test_a_second_run_does_nothing_again(small: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*") if path.is_file()}
    fields = screen_info(small)["config"]
    summary = screen(ScreenConfig.make(**fields), small, progress=False)
    assert (summary.n_reused, summary.n_ok) == (3, 3)
    assert {path: path.stat().st_mtime_ns for path in small.rglob("*") if path.is_file()} == before


def test_another_screening_is_kept_out_of_the_folder(small: Path) -> None:
    with pytest.raises(ScreenError, match="holds a screening with other dopants"):
        screen(out=small, progress=False, **SMALL | {"dopants": ["Pt"]})


def test_another_model_is_kept_out_of_the_folder(small: Path) -> None:
    config = ScreenConfig.make(**screen_info(small)["config"])
    with pytest.raises(ScreenError, match="was made with model"):
        Store(small).open(config, {"model": "mml-gfn1-pbe@00000000"})


def test_unknown_names_are_refused(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ScreenError, match="no candidate 'Au5'"):
        candidate_atoms(small, "Au5")
    with pytest.raises(ScreenError, match="unknown column 'energy'"):
        load_results(small, columns=["energy"])
    with pytest.raises(ScreenError, match="holds no screening"):
        load_results(tmp_path)


def test_results_come_in_batches(small: Path) -> None:
    together = pd.concat(iter_results(small, [c.ID, c.PHI]), ignore_index=True)
    assert_frame_equal(together, load_results(small, [c.ID, c.PHI]), check_flags=False)


def test_killed_run_goes_on_without_loss_or_doubles(tmp_path: Path, wait_until: Callable) -> None:
    out, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-c", KILLED.format(out=str(out))]
    child = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        wait_until(lambda: len(Store(out).done()) >= 3, child)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    survived = {path: path.stat().st_mtime_ns for path in Store(out).rows.glob("part-*.parquet")}
    config = ScreenConfig.make(**screen_info(out)["config"])
    assert len(survived) == 3
    (Store(out).rows / ".part-000040.parquet.partial").write_bytes(b"torn")

    summary = screen(config, out, progress=False)
    screen(config, whole, progress=False)
    assert summary.n_reused == 2 * len(survived)
    assert {path: path.stat().st_mtime_ns for path in survived} == survived
    assert rows(out).index.is_unique
    assert_frame_equal(rows(out), rows(whole), rtol=0, atol=1e-5)
