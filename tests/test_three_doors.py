"""Every case through `predict`, the command line and pymatgen: one number, or one kind of error."""

import re
from pathlib import Path

import pytest
from ase import Atoms
from pymatgen.core import Lattice, Molecule, Structure
from typer.testing import CliRunner

from ase_bimetal import predict
from ase_bimetal.annotation import ANNOTATION_KEY, NOTES_KEY
from ase_bimetal.cli.app import app
from ase_bimetal.errors import BimetalError, SeveralClustersError
from ase_bimetal.io import read_frames
from ase_bimetal.model.interface import Failure, Prediction
from ase_bimetal.system import split_clusters

CASES = Path(__file__).parent / "cases"
FILES = sorted(path.name for path in CASES.iterdir())
Outcome = float | str


def outcome(result: Prediction | Failure) -> Outcome:
    return type(result.error).__name__ if isinstance(result, Failure) else result.formation_energy_per_metal


def by_predict(content: object) -> list[Outcome]:
    if isinstance(content, BimetalError):
        return [type(content).__name__]
    [found] = predict([content], errors="collect")
    if isinstance(found, Failure) and isinstance(found.error, SeveralClustersError):
        return [outcome(one) for one in predict(split_clusters(content), errors="collect")]
    return [outcome(found)]


def by_command_line(path: Path) -> list[Outcome]:
    """What each frame of a file comes to; of failed ones, the class of the error."""
    run = CliRunner().invoke(app, ["predict", str(path), "--output", "json", "--quiet"])
    assert run.exit_code in (0, 1), run.stderr
    energies = [float(value) for value in re.findall(r'"formation_energy_per_metal": (-?[\d.]+)', run.stdout)]
    names = re.findall(rf"^{re.escape(str(path))}@\S*(?: cluster \d+ of \d+)?: (\w+Error)", run.stderr, re.MULTILINE)
    return [*energies, *names]


def by_pymatgen(atoms: Atoms) -> list[Outcome]:
    """As a molecule, or as a structure where it has a cell; with annotation and charge where these have a place."""
    charge = atoms.info.get("charge", 0)
    if atoms.pbc.any():
        lattice = Lattice(atoms.cell.array, pbc=tuple(atoms.pbc.tolist()))
        content = Structure(lattice, list(atoms.symbols), atoms.positions, charge=charge, coords_are_cartesian=True)
    else:
        content = Molecule(list(atoms.symbols), atoms.positions, charge, charge_spin_check=False)
    if ANNOTATION_KEY in atoms.info:
        content.properties[ANNOTATION_KEY] = atoms.info[ANNOTATION_KEY]
    return by_predict(content)


@pytest.mark.parametrize("name", FILES)
def test_a_case_comes_out_the_same_through_every_door(name):
    frames = list(read_frames(CASES / name))
    expected = [one for frame in frames for one in by_predict(frame.content)]
    assert len(expected) >= len(frames)
    numbers, words = [x for x in expected if isinstance(x, float)], [x for x in expected if isinstance(x, str)]
    assert by_command_line(CASES / name) == [*(pytest.approx(x, abs=1e-5) for x in numbers), *words]
    for frame in frames:
        content = frame.content
        if not isinstance(content, Atoms) or "occupancy" in content.info or NOTES_KEY in content.info:
            continue  # what a file says of its sites does not go with a copy of its atoms
        again = [pytest.approx(x, abs=1e-5) if isinstance(x, float) else x for x in by_predict(content)]
        assert by_pymatgen(content) == again
