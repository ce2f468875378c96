"""The page on what is read from a file: each row does what it says."""

import re
from pathlib import Path

import pytest

from ase_bimetal import errors
from ase_bimetal.geometry import require_plausible
from ase_bimetal.io import read_frames
from ase_bimetal.system import BimetallicSystem, as_system, split_clusters

PAGE = Path(__file__).parents[1] / "docs" / "reading.md"
CASES = Path(__file__).parent / "cases"


def rows() -> list[tuple[str, str, str, str]]:
    """What, said by, in these words, tried with."""
    cells = [
        [cell.strip() for cell in line.strip("|\n ").split(" | ")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    found = [
        (what, said, words.strip("`"), file)
        for what, _, said, words, file in cells
        if what != "in the file" and set(what) != {"-", " "}
    ]
    return [row for row in found if row[1] != "---"]


def test_the_page_has_rows_of_all_kinds():
    assert len(rows()) >= 30
    assert {said for _, said, _, _ in rows() if not said.startswith("`")} == {"object", "flag"}


@pytest.mark.parametrize(("what", "said", "words", "file"), rows(), ids=lambda text: str(text)[:40])
def test_a_row_holds(what, said, words, file):
    for frame in read_frames(CASES / file):
        if re.fullmatch(r"`\w+Error`", said):
            kind = getattr(errors, said.strip("`"))
            with pytest.raises(kind) as caught:
                _raised(frame.content)
            assert type(caught.value) is kind and words in str(caught.value)
            continue
        for system in _systems(frame.content):
            text = repr(system) if said == "object" else "\n".join((*system.notes, *system.geometry.unusual))
            if frame.name.endswith("@0") or said == "flag":
                assert words in text


def _systems(content: object) -> list[BimetallicSystem]:
    try:
        return [as_system(content)]
    except errors.SeveralClustersError:
        return split_clusters(content)


def _raised(content: object) -> None:
    if isinstance(content, errors.BimetalError):
        raise content
    require_plausible(as_system(content))
