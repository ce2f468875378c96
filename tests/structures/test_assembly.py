"""Placing ligands: what is computed together equals what each pose and pair gives by itself."""

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal.errors import LigandError
from ase_bimetal.lab.labels.sampling import sample
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures import assembly
from ase_bimetal.structures.assembly import CONTACT_RADII, Piece, assemble, bridge_pieces, push_apart
from ase_bimetal.structures.cores import centred_gold, gold_under_sulfides, half_sandwich, with_diphosphines
from ase_bimetal.structures.motifs import Prototype
from ase_bimetal.system import as_system


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


@pytest.mark.parametrize(("core", "n", "span"), [(centred_gold("Pd", 8, 2), 3, 3.31), (half_sandwich("Pd"), 2, 2.85)])
def test_diphosphines_take_the_places_of_phosphines_in_pairs_of_neighbours(core, n, span):
    ends = [site.ends for site in with_diphosphines(core).sites if site.role == "diphosphine"]
    assert len(ends) == n
    assert [np.linalg.norm(a - b) for a, b in ends] == pytest.approx([span] * n, abs=0.02)
    bound = {tuple(end.round(3)) for pair in ends for end in pair}
    assert bound == {tuple(site.anchor.round(3)) for site in core.sites if site.role == "phosphine"}


@pytest.mark.parametrize(("name", "between"), [("dhpm", 3.1), ("dmpm", 3.15), ("dppm", 3.2), ("dppe", 4.0)])
def test_each_donor_of_a_diphosphine_has_a_metal_of_its_own(name, between):
    prototype = Prototype("M@Au8-diphosphine", "Pd", {"diphosphine": name, "halide": "Cl"})
    atoms = assemble(prototype)
    distances, metals = atoms.get_all_distances(), np.flatnonzero(atoms.arrays["fragment"] == 0)
    ends = [site.ends for site in prototype.core().sites if site.role == "diphosphine"]
    for k, pair in enumerate(ends, start=3):  # after the two chlorides
        donors = np.flatnonzero((atoms.arrays["fragment"] == k) & (atoms.symbols == "P"))
        held = [int(metals[distances[i, metals].argmin()]) for i in donors]
        assert len(donors) == 2
        assert [np.sort(distances[i, metals])[0] for i in donors] == pytest.approx([2.28, 2.28], abs=0.05)
        assert np.sort(distances[donors][:, metals])[:, 1].min() > 3.3
        assert distances[tuple(donors)] == pytest.approx(between, abs=0.5)
        np.testing.assert_allclose(sorted(atoms.positions[held].tolist()), sorted(pair.tolist()), atol=0.15)
    del atoms.info["ligand_smiles"]
    assert {ligand.name: n for ligand, n in as_system(atoms).ligands} == {name: 3, "Cl": 2}


def test_a_ligand_of_two_donors_turns_about_both():
    atoms = assemble(Prototype("M@Au8-diphosphine", "Pd", {"diphosphine": "dhpm", "halide": "Cl"}))
    turned = sample(atoms, 1, seed=0, kind="ligand torsion")
    shift = np.linalg.norm(turned.atoms.positions - atoms.positions, axis=1)
    assert turned.kind == "ligand torsion"
    np.testing.assert_allclose(shift[atoms.symbols == "P"], 0, atol=1e-9)
    assert shift[atoms.symbols == "C"].max() > 0.15


def test_lone_pairs_point_at_the_metals():
    ligand = Ligand.parse("dmpm")
    metals = np.array([[-1.45, 0, 0], [1.45, 0, 0]])
    pieces = bridge_pieces(ligand, 2.9)
    assert len(pieces) == 8
    for piece in pieces:
        for donor, metal in zip(piece.donors, metals, strict=True):
            to_metal = metal - piece.positions[donor]
            gaps = np.linalg.norm(piece.positions - piece.positions[donor], axis=1)
            bonded = piece.positions[(gaps > 0.1) & (gaps < 2.0)] - piece.positions[donor]
            lengths = np.linalg.norm(to_metal), np.linalg.norm(bonded, axis=1)
            angles = np.degrees(np.arccos(bonded @ to_metal / lengths[0] / lengths[1]))
            assert lengths[0] == pytest.approx(2.32, abs=0.06)
            assert len(angles) == 3
            assert angles.min() > 95


@pytest.mark.parametrize("name", ["PMe3", "SMe", "[S-]CC[S-]"])
def test_a_diphosphine_site_takes_ligands_of_two_donors_alone(name):
    with pytest.raises(LigandError, match="two donors such as dppm"):
        assemble(Prototype("M@Au8-diphosphine", "Pd", {"diphosphine": name, "halide": "Cl"}))


def test_two_sulfides_cap_opposite_faces_and_the_other_gold_atoms_bear_phosphines():
    core = gold_under_sulfides("Pd")
    sulfides = np.array([s.anchor + s.distance * s.direction for s in core.sites if s.role == "sulfide"])
    distances = np.linalg.norm(core.positions[:, None] - sulfides, axis=2)
    np.testing.assert_allclose(sulfides[0], -sulfides[1])
    np.testing.assert_allclose(np.sort(distances, axis=0)[:3], 2.40, atol=1e-9)
    assert np.sort(distances, axis=0)[3].min() > 3.8
    bearers = {
        int(np.linalg.norm(core.positions - s.anchor, axis=1).argmin()) for s in core.sites if s.role == "phosphine"
    }
    assert bearers == set(range(1, 13)) - set(np.flatnonzero((distances < 2.5).any(axis=1)).tolist())
    system = as_system(assemble(Prototype("M@Au12-sulfide", "Pd", {"phosphine": "PH3", "sulfide": "[S-2]"})))
    assert {ligand.name: n for ligand, n in system.ligands} == {"PH3": 6, "sulfide": 2}
    assert (system.geometry.impossible, system.geometry.unusual) == (None, ())
