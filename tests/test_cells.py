"""Cells, charges and counts that killed the process, hung it, or raised what no caller expects."""

import signal

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from pymatgen.core import Composition, Lattice, Structure

from ase_bimetal import as_system
from ase_bimetal.errors import BimetalError, GeometryError, UnsupportedSystemError

PAIR = [[0, 0, 0], [0, 0, 2.7]]


@pytest.fixture(autouse=True)
def at_most_two_seconds():
    def stop(*_):
        raise AssertionError("took longer than 2 s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 4.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


BAD = [
    (np.eye(3) * 1e-6, "planes are 1e-06"),
    (np.eye(3) * 1e-300, None),
    (np.eye(3) * 0.3, "planes are 0.3"),
    ([[5, 0, 0], [5, 0, 0], [0, 0, 5]], "span no volume"),
    ([[5, 0, 0], [5, 1e-4, 0], [0, 0, 5]], "span no volume"),
    (np.diag([5, 5, np.nan]), "finite"),
    (np.diag([5, 5, np.inf]), "finite"),
    (np.diag([1e8, 5, 5]), "period of 1e"),
    ([[65e3, 0, 0], [0, 43e3, 0], [0, 0, 13e3]], "period of 65000"),
    (np.diag([1.2, 1.2, 1.2]), "2 atoms in a cell of 1.73"),
    (np.diag([1e300, 5, 5]), "period|finite"),
]


@pytest.mark.parametrize(("cell", "reason"), BAD)
@pytest.mark.parametrize("ligands", [None, {"PET": 2}])
def test_a_cell_that_is_no_lattice_is_refused(cell, reason, ligands):
    atoms = Atoms("AuPd", PAIR, cell=cell, pbc=True)
    if reason is None:  # zero to a computer: no cell at all
        assert not as_system(atoms, ligands).bonds.size
        return
    with pytest.raises(GeometryError, match=reason):  # and no warning of an overflow
        as_system(atoms, ligands)


def test_vectors_as_short_as_a_search_still_takes_for_periods_are_refused():
    """No component above 1e-8 Å, and the vector is: a search without this check never ends."""
    cell = np.array([[-8.3e-9, 8.3e-9, -2.6e-9], [-1.7e-9, 6.0e-9, -2.9e-9], [7.7e-9, 3.9e-9, 5.3e-9]])
    with pytest.raises(GeometryError, match="planes are 1.2.*e-08 Å apart"):
        as_system(Atoms("AuPd", PAIR, cell=cell, pbc=(True, True, False)))


@pytest.mark.parametrize("pbc", [(True, False, False), (True, True, False)])
def test_directions_that_do_not_repeat_are_not_looked_at(pbc):
    cell = np.diag([20.0, 20.0 if pbc[1] else np.float64(1e-3), 0.0])
    assert as_system(Atoms("AuPd", PAIR, cell=cell, pbc=pbc)).kind == "alloy"


@pytest.mark.parametrize(
    "atoms",
    [bulk("Au"), bulk("Cu", cubic=True), fcc111("Pt", (1, 1, 3), vacuum=5), bulk("Fe", "bcc", a=2.86) * (3, 1, 1)],
)
def test_real_cells_pass(atoms):
    assert as_system(atoms).n_metals == len(atoms)


def test_a_pymatgen_cell_is_looked_at_too():
    flat = Structure(Lattice([[5, 0, 0], [5, 1e-6, 0], [0, 0, 5]]), ["Au", "Pd"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    with pytest.raises(GeometryError, match="span no volume"):
        as_system(flat)


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e308])
def test_a_position_that_is_no_number_is_refused_without_a_warning(value):
    """pymatgen computes positions when they are asked for, and numpy warns of it."""
    with np.errstate(all="ignore"):
        crystal = Structure(np.eye(3) * 40.0, ["Au", "Pd"], [[0, 0, 0], [0.5, value, 0.5]])
    with pytest.raises(GeometryError, match=r"atom 1 \(Pd\) has a position that is not a finite number"):
        as_system(crystal)


def test_many_atoms_at_one_place_are_refused():
    positions = np.random.default_rng(0).normal(scale=0.5, size=(30_000, 3))
    with pytest.raises(GeometryError, match="at most 100"):
        as_system(Atoms(["Au"] * 30_000, positions))


@pytest.mark.parametrize("charges", [["a", "b"], [np.nan, 0.0], [[0.1, 0.2], [0.1, 0.2]]])
def test_charges_that_are_no_numbers_are_refused(charges):
    atoms = Atoms("AuPd", PAIR)
    atoms.set_array("charges", np.array(charges))
    with pytest.raises(BimetalError, match="charges"):
        as_system(atoms)


def test_a_composition_of_absurd_size_is_refused():
    with pytest.raises(UnsupportedSystemError, match="1000000 at most"):
        as_system(Composition({"Au": 10**12}))
