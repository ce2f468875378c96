"""Enumeration: complete, without doubles, with a reason for what is left out, and lazy."""

import inspect
import tracemalloc
from itertools import combinations, islice

import pytest

from ase_bimetal.errors import LigandError
from ase_bimetal.screening.candidates import Candidate, Skip, enumerate_candidates, required_shells
from ase_bimetal.screening.config import CO_LIGANDS, ScreenConfig, example_path
from ase_bimetal.structures.motifs import DOPANTS, FAMILIES
from ase_bimetal.structures.placements import core_of, dopant_sites, placements
from ase_bimetal.structures.roles import fill, motif_roles


def config(**fields) -> ScreenConfig:
    """A configuration with defaults that matter little."""
    return ScreenConfig.make(**{"dopants": ["Pd"], "ligands": ["SMe"], "motifs": ["Au4M2"]} | fields)


def candidates(found: ScreenConfig) -> list[Candidate]:
    return [item for item in enumerate_candidates(found) if isinstance(item, Candidate)]


def skips(found: ScreenConfig) -> list[Skip]:
    return [item for item in enumerate_candidates(found) if isinstance(item, Skip)]


def test_example_is_960_candidates_with_distinct_ids() -> None:
    found = list(enumerate_candidates(ScreenConfig.from_yaml(example_path())))
    assert all(isinstance(item, Candidate) for item in found)
    assert len({item.id for item in found}) == len(found) == 16 * 12 * 5


def test_metals_sit_on_the_motif_sites() -> None:
    [item] = candidates(config(hosts=["Ag"]))
    assert item.core_symbols == ("Ag",) * 4 + ("Pd",) * 2
    assert (item.composition, item.id) == ("Ag4Pd2", "Au4M2:Ag4Pd2:SMe:0")


def test_every_skip_says_why() -> None:
    found = config(
        hosts=["Au", "Hg"],
        dopants=["Au", "Pd", "Cd"],
        ligands=["SMe", "PPh3"],
        filters={"exclude_metals": ["Hg"], "exclude_restricted": True},
        dopant_counts=["motif", 5],
    )
    reasons = {item.id: item.reason for item in skips(found)}
    assert reasons["skip:*:Au:Au:*:*"] == "dopant Au is the host"
    assert reasons["skip:*:Au:Cd:*:*"] == "metal Cd is restricted by Directive 2011/65/EU"
    assert reasons["skip:*:Hg:*:*:*"] == "metal Hg is excluded"
    assert "PPh3 fits sites of role phosphine, axial; motif Au4M2 has thiolate" in reasons["skip:Au4M2:*:*:*:PPh3"]
    assert "at most half of the 6" in reasons["skip:Au4M2:*:*:2 metals, 5:*"]
    assert [item.id for item in candidates(found)] == ["Au4M2:Au4Pd2:SMe:0"]


def test_critical_metals_are_left_out_on_request() -> None:
    found = config(dopants=["Pd", "Ag", "Zn"], filters={"exclude_critical": True})
    assert [item.dopants for item in candidates(found)] == [("Ag",), ("Zn",)]


def test_the_same_shell_is_made_once() -> None:
    found = config(motifs=["Au4M2-capped"], ligands=["SMe", "PMe3", {"thiolate": "CS", "axial": "PMe3"}])
    assert len(candidates(found)) == 1
    assert [item.reason for item in skips(found)] == ["same shell as with SMe"] * 2


def test_triples_hold_three_metals_and_every_pair_of_dopants_once() -> None:
    found = candidates(config(dopants=["Pd", "Pt", "Ag"], metals_per_core=[2, 3], dopant_counts=["motif", 3]))
    triples = [item for item in found if len(item.dopants) == 2]
    assert {item.dopants for item in triples} == set(combinations(("Pd", "Pt", "Ag"), 2))
    assert {item.composition for item in triples if item.dopants == ("Pd", "Pt")} == {"Au4PdPt", "Au3PdPt2", "Au3Pd2Pt"}
    assert all(len(set(item.core_symbols)) == 3 for item in triples)


def test_triple_needs_two_dopant_sites() -> None:
    [skip] = skips(config(motifs=["M@Au12"], dopants=["Pd", "Pt"], metals_per_core=[3]))
    assert "at least 2" in skip.reason


@pytest.mark.parametrize(("count", "expected"), [(1, 2), (2, 4), (3, 4)])
def test_inequivalent_placements_of_the_au4m2_core(count: int, expected: int) -> None:
    # The core is a square with two atoms on its axis: placements counted by hand.
    found = placements("Au4M2", (count,), 99)
    assert len(found) == expected
    assert all(sum(labels) == count for labels in found)


@pytest.mark.parametrize("motif", FAMILIES)
def test_first_placement_is_the_motif_own(motif: str) -> None:
    own = dopant_sites(motif)
    [labels] = placements(motif, (len(own),), 1)
    assert tuple(i for i, label in enumerate(labels) if label) == own


def test_placements_of_large_cores_are_drawn_and_repeatable() -> None:
    if "M55" not in FAMILIES:
        pytest.skip("no large motif")
    first = placements("M55", (16,), 5)
    placements.cache_clear()
    assert placements("M55", (16,), 5) == first
    assert len(set(first)) == 5


@pytest.mark.parametrize(
    ("motif", "ligand", "expected"),
    [
        ("Au4M2", "PET", {"thiolate": "PET"}),
        ("Au4M2-capped", "PPh3", {"thiolate": "SMe", "axial": "PPh3"}),
        ("M@Au8", "PPh3", {"phosphine": "PPh3", "halide": "Cl"}),
        ("M@Au8", "Br", {"phosphine": "PMe3", "halide": "Br"}),
        ("M@Au8", "C≡CPh", {"phosphine": "PMe3", "halide": "C≡CPh"}),
        ("M@Au8", "PET", {"phosphine": "PMe3", "halide": "PET"}),
        ("M@Au8", "NHC", {"phosphine": "NHC", "halide": "Cl"}),
        ("M@Au8-diphosphine", "dppm", {"diphosphine": "dppm", "halide": "Cl"}),
        ("M@Au8-diphosphine", "Br", {"diphosphine": "dhpm", "halide": "Br"}),
    ],
)
def test_ligand_fills_the_roles_it_fits(motif: str, ligand: str, expected: dict[str, str]) -> None:
    assert dict(fill(motif, ligand, CO_LIGANDS).ligands) == expected


@pytest.mark.parametrize(
    ("motif", "choice", "words"),
    [
        ("Au4M2", "C≡CPh", "fits sites of role halide"),
        ("M@Au8", "Cp*", "fits sites of role pi"),
        ("M@Au8", "F", "no metal–donor distance for F"),
        ("Au4M2", {"axial": "PPh3"}, "no role axial"),
        ("M@Au8", {"phosphine": "Cl"}, "does not fit"),
        ("M@Au8", "dppm", "dppm fits sites of role diphosphine; motif M@Au8 has halide, phosphine"),
        ("M@Au8-diphosphine", {"diphosphine": "PMe3"}, "does not fit"),
    ],
)
def test_ligand_that_fits_nowhere_is_refused(motif: str, choice: str | dict, words: str) -> None:
    with pytest.raises(LigandError, match=words):
        fill(motif, choice, CO_LIGANDS)


def test_role_without_ligand_is_named() -> None:
    with pytest.raises(LigandError, match="role halide; give it in co_ligands"):
        fill("M@Au8", "PPh3", {"thiolate": "SMe"})


@pytest.mark.parametrize("motif", FAMILIES)
def test_every_motif_role_has_a_default_co_ligand(motif: str) -> None:
    assert set(motif_roles(motif)) <= set(CO_LIGANDS)
    assert len(core_of(motif).symbols) > len(dopant_sites(motif)) > 0


def test_required_shells_are_those_of_the_candidates() -> None:
    found = config(motifs=["Au4M2", "M@Au8"], ligands=["SMe", "PPh3", "Cl"])
    used = {(item.motif, item.shell) for item in candidates(found)}
    assert used == set(required_shells(found))


def test_a_million_candidates_are_enumerated_one_by_one() -> None:
    huge = config(
        hosts=["Au", "Ag", "Cu", "Pt", "Pd", "Ni"],
        dopants=DOPANTS,
        motifs=["Au4M2", "M@Au8", "M@Au12"],
        ligands=["SMe", "SEt", "SPh", "PET", "SCy", "StBu"],
        metals_per_core=[2, 3],
        dopant_counts=["motif", 2, 3, 4],
        arrangements=30,
    )
    stream = enumerate_candidates(huge)
    assert inspect.isgenerator(stream)
    list(islice(stream, 1000))
    tracemalloc.start()
    counted = sum(1 for _ in islice(stream, 200_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counted == 200_000
    assert peak < 2_000_000
