"""The conveyor runs what is due, in order, in a copy, and goes on after a failure."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ase_bimetal.errors import MissingDataError
from ase_bimetal.lab import build as conveyor
from ase_bimetal.lab.build import STEPS, Step, build

_DOUBLE = ("-c", "from pathlib import Path; Path('docs/b').write_text(Path('docs/a').read_text() * 2)")
_COUNT = ("-c", "from pathlib import Path; Path('docs/c').write_text(str(len(Path('docs/b').read_text())))")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout and two steps, the second of which reads what the first writes."""
    root = tmp_path / "checkout"
    for name in conveyor._COPIED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("") if "." in name else (root / name).mkdir()
    for name, text in {"a": "x", "b": "xx", "c": "2"}.items():
        (root / "docs" / name).write_text(text)
    steps = (Step("double", _DOUBLE, ("docs/a",), ("docs/b",)), Step("count", _COUNT, ("docs/b",), ("docs/c",)))
    monkeypatch.setattr(conveyor, "STEPS", steps)
    return root


def test_a_fresh_copy_is_up_to_date_and_new_input_runs_what_follows(checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    assert build(out, source=checkout) == []
    (out / "docs" / "a").write_text("yyy")
    assert build(out) == ["double", "count"]
    assert (out / "docs" / "c").read_text() == "6"
    assert build(out) == []
    assert (checkout / "docs" / "c").read_text() == "2"


def test_a_missing_result_is_made_again_and_one_step_can_be_asked_for(checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    build(out, source=checkout)
    (out / "docs" / "c").unlink()
    assert build(out) == ["count"]
    assert build(out, only="double") == ["double"]


def test_a_failure_leaves_the_step_due(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "copy"
    build(out, source=checkout)
    (out / "docs" / "a").write_text("zz")
    broken = Step("count", ("-c", "raise SystemExit(3)"), ("docs/b",), ("docs/c",))
    monkeypatch.setattr(conveyor, "STEPS", (conveyor.STEPS[0], broken))
    with pytest.raises(subprocess.CalledProcessError):
        build(out)
    assert not conveyor.STEPS[0].is_due(out) and broken.is_due(out)


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match="benchmarks"):
        build(tmp_path / "copy", source=tmp_path / "empty")
    assert not (tmp_path / "copy").exists()


def test_every_step_reads_what_the_repository_has_or_a_step_before_it_writes() -> None:
    root = Path(__file__).parents[2]
    assert len({step.name for step in STEPS}) == len(STEPS)
    for step in STEPS:
        for name in (*step.reads, *step.writes):
            assert (root / name).exists(), f"{step.name}: {name}"
        script = step.arguments[0]
        assert script.startswith("-") or (root / script).is_file()
