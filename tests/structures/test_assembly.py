"""Placing ligands: what is computed together equals what each pose and pair gives by itself."""

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal.structures import assembly
from ase_bimetal.structures.assembly import CONTACT_RADII, Piece, assemble, push_apart
from ase_bimetal.structures.motifs import Prototype


def overlap_of_pairs(pose, piece):
    """Overlap of one pose with a piece, pair by pair."""
    total = 0.0
    for i, (symbol, place) in enumerate(zip(pose.symbols, pose.positions, strict=True)):
        if i in pose.donors:
            continue
        for other, there in zip(piece.symbols, piece.positions, strict=True):
            reach = CONTACT_RADII.get(symbol, 1.55) + CONTACT_RADII.get(other, 1.55)
            ratio = np.linalg.norm(place - there) / reach
            total += max(1 - ratio, 0) ** 2 + 50 * max(1 - ratio / 0.7, 0) ** 2
    return total


def test_overlap_of_all_poses_is_that_of_their_pairs():
    rng = np.random.default_rng(0)
    poses = [Piece(("S", "C", "H"), rng.normal(scale=2.0, size=(3, 3)), (0,)) for _ in range(20)]
    piece = Piece(("Au", "C", "H", "P"), np.vstack([rng.normal(scale=2.0, size=(3, 3)), [[50.0, 0, 0]]]))
    found = assembly._Cloud.of(poses).overlap(piece)
    assert found == pytest.approx([overlap_of_pairs(pose, piece) for pose in poses], abs=1e-9)
    assert found.max() > 0.1
    assert assembly._Cloud.of([Piece(("Cl",), np.zeros((1, 3)), (0,))]).overlap(piece).tolist() == [0.0]


def test_a_list_of_near_pairs_changes_no_geometry(monkeypatch):
    """With a skin as wide as the cluster every pair is listed once and for all."""
    crowded = assemble(Prototype("M@Au8", "Pd", {"phosphine": "PMe3", "halide": "Cl"}))
    rng = np.random.default_rng(1)
    crowded.positions += rng.normal(scale=0.6, size=crowded.positions.shape)
    monkeypatch.setattr(assembly, "_SKIN", 0.05)
    listed = push_apart(crowded)
    monkeypatch.setattr(assembly, "_SKIN", 1e3)
    np.testing.assert_allclose(listed.positions, push_apart(crowded).positions, atol=1e-6)
    furthest = np.linalg.norm(listed.positions - crowded.positions, axis=1).max()
    assert furthest > 0.1  # so that pairs were listed more than once


def test_atoms_that_meet_after_the_start_are_pushed_apart():
    """Two ligand atoms far beyond the first list of pairs, drawn together by a stretched bond in the array."""
    atoms = Atoms("HHHH", [[0, 0, 0], [0, 0, 0.4], [0, 0, 0.8], [0, 0, 1.2]])
    atoms.arrays["fragment"] = np.array([1, 2, 3, 4])
    apart = push_apart(atoms).get_all_distances()[np.triu_indices(4, 1)]
    assert apart.min() > 2 * CONTACT_RADII["H"] - 0.01


#: Sum of the squared coordinates [Å²] and the last atom's position [Å], as poses and pairs one by one gave them. The
#: minimiser stops a few thousandths of an Å elsewhere on another processor.
GOLDEN = {
    "Au4M2": ({"thiolate": "PET"}, 6133.635, [-0.988603, -5.570513, -2.114612]),
    "M@Au12": ({"phosphine": "PMe3", "halide": "Cl"}, 4301.4887, [-4.839821, -3.598581, 0.822533]),
    "M@Au8": ({"phosphine": "PPh3", "halide": "Cl"}, 11204.9354, [6.967095, -1.973763, -5.538316]),
}


@pytest.mark.parametrize("family", GOLDEN)
def test_assembled_clusters_are_what_they_were(family):
    shell, size, last = GOLDEN[family]
    positions = assemble(Prototype(family, "Pd", shell)).positions
    assert positions[-1] == pytest.approx(last, abs=0.01)
    assert (positions**2).sum() == pytest.approx(size, rel=1e-3)
