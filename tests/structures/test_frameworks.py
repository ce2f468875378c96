"""Zeolite frameworks and the pieces cut out of them."""

import numpy as np
import pytest

from ase_bimetal.errors import UnsupportedSystemError
from ase_bimetal.structures.frameworks import (
    RINGS,
    cut_out,
    formal_charge,
    framework,
    h_forms,
    place_metals,
    substituted,
)

_PIECES = [(code, size) for code, sizes in RINGS.items() for size in sizes]


def _bonds(atoms, limit=2.0):
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    return (distances < limit) & (distances > 0)


@pytest.mark.parametrize(("code", "n_silicon"), [("MFI", 96), ("MOR", 48)])
def test_every_silicon_has_four_oxygens_and_every_oxygen_two_silicons(code, n_silicon):
    crystal = framework(code)
    silicon = crystal.symbols == "Si"
    bonds = _bonds(crystal)
    assert silicon.sum() == n_silicon and len(crystal) == 3 * n_silicon
    assert (bonds[silicon][:, ~silicon].sum(axis=1) == 4).all()
    assert (bonds[~silicon][:, silicon].sum(axis=1) == 2).all()


def test_faujasite_uses_the_origin_of_the_atlas():
    crystal = framework("FAU")
    assert crystal.get_chemical_formula() == "O384Si192"
    near = crystal.get_distances(0, range(1, len(crystal)), mic=True)
    assert 1.5 < near.min() < 1.7


@pytest.mark.parametrize(("code", "size"), _PIECES)
def test_a_piece_is_a_ring_with_two_spheres_and_no_open_bond(code, size):
    piece = cut_out(code, size)
    atoms, ring = piece.atoms, np.arange(size)
    bonds = _bonds(atoms)
    for k, oxygen in enumerate(piece.ring_oxygens):
        assert set(np.flatnonzero(bonds[oxygen])) == {k, (k + 1) % size}
    silicon, oxygen = atoms.symbols == "Si", atoms.symbols == "O"
    assert (bonds[silicon].sum(axis=1) == 4).all()
    assert (bonds[oxygen][:, silicon].sum(axis=1) == 2).all()
    # Two spheres: each ring atom has four oxygens, and behind each of them another T atom with four bonds.
    assert (bonds[ring][:, oxygen].sum(axis=1) == 4).all()
    assert not piece.frozen[: 2 * size].any() and piece.frozen[atoms.symbols == "H"].all()
    charges = atoms.numbers.sum()
    assert charges % 2 == 0


@pytest.mark.parametrize(("code", "size", "reason"), [("ABC", 6, "allowed: MFI, MOR, FAU"), ("MOR", 6, "no ring of 6")])
def test_what_is_not_there_is_refused(code, size, reason):
    with pytest.raises(UnsupportedSystemError, match=reason):
        cut_out(code, size)


@pytest.mark.parametrize(("code", "size"), _PIECES)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_aluminium_obeys_loewenstein_and_takes_one_proton_each(code, size, count):
    piece = cut_out(code, size)
    atoms = substituted(piece, count)
    bonds = _bonds(atoms)
    aluminium = np.flatnonzero(atoms.symbols == "Al")
    assert len(aluminium) == count
    assert (bonds[:, aluminium] & (atoms.symbols == "O")[:, None]).sum(axis=1).max() == 1
    form = h_forms(atoms, 1)[0]
    protons = range(len(atoms), len(form))
    assert len(protons) == count
    holders = [int(form.get_distances(p, range(len(atoms))).argmin()) for p in protons]
    assert len(set(holders)) == count
    assert all(form.symbols[o] == "O" and bonds[o, aluminium].any() for o in holders)
    assert form.get_distance(protons[0], holders[0]) == pytest.approx(0.97, abs=1e-6)


def test_more_aluminium_than_the_ring_can_take_is_refused():
    with pytest.raises(UnsupportedSystemError, match="allowed: 1 to 4"):
        substituted(cut_out("FAU", 6), 5)


@pytest.mark.parametrize(("code", "size"), _PIECES)
@pytest.mark.parametrize("dopant", ["Ag", "Ni", "Y"])
def test_metals_find_oxygen_and_keep_apart(code, size, dopant):
    piece = cut_out(code, size)
    bare = substituted(piece, formal_charge("Cu") + formal_charge(dopant))
    atoms = place_metals(bare, piece, ("Cu", dopant))
    assert atoms.get_chemical_symbols()[:2] == ["Cu", dopant]
    assert 2.5 < atoms.get_distance(0, 1) < 5.0
    oxygens = np.flatnonzero(atoms.symbols == "O")
    for metal in (0, 1):
        nearest = np.sort(atoms.get_distances(metal, oxygens))
        assert 1.7 < nearest[0] < 2.6 and nearest[1] < 2.7
    assert np.allclose(atoms.positions[2:], bare.positions)
