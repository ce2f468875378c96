"""Ligands: one protonation state, donor and type, spellings that mean the same."""

import pytest

from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import LIGAND_NAMES, Ligand, formula_text, parse_ligands, total_formula

X_TYPE = {"S", "Se", "Cl", "Br", "I", "F"}


@pytest.mark.parametrize("name", LIGAND_NAMES)
def test_every_name_reads_back(name):
    ligand = Ligand.parse(name)
    assert ligand.name == name
    assert Ligand.parse(ligand.smiles) == ligand
    assert ligand.mol.GetAtomWithIdx(ligand.donor_index).GetSymbol() == ligand.donor
    assert (ligand.type == "X") == (ligand.donor in X_TYPE or "C≡C" in name or name.startswith("Cp"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PET", "[S-]CCc1ccccc1"),
        ("PET", "C(CC1=CC=CC=C1)S"),
        ("TBBT", "CC(C)(C)C1=CC=C([S-])C=C1"),
        ("Cl", "[Cl-]"),
        ("Cl", "[H]Cl"),
        ("S", "[SH-]"),
        ("Cp", "[cH-]1cccc1"),
        ("Cp*", "CC1=C(C)[C-](C)C(C)=C1C"),
        ("C≡CPh", "[C-]#Cc1ccccc1"),
        ("CC(=O)O", "CC(=O)[O-]"),
        ("NC(CS)C(=O)O", "[NH3+]C(C[S-])C(=O)[O-]"),
        ("NHC", "Cn1cc[n+](C)[c-]1"),
        ("PMe3", "C[PH+](C)C"),
        ("SMe", "[13CH3]S"),
        ("SC(C)CC", "S[C@@H](C)CC"),
    ],
)
def test_equivalent_spellings(one, other):
    assert Ligand.parse(one) == Ligand.parse(other)


@pytest.mark.parametrize(
    ("text", "donor", "formula"),
    [
        ("S", "S", "HS"),
        ("PET", "S", "C8H9S"),
        ("Cl", "Cl", "Cl"),
        ("C≡CPh", "C", "C8H5"),
        ("Cp*", "C", "C10H15"),
        ("PPh3", "P", "C18H15P"),
        ("NHC", "C", "C5H8N2"),
        ("carbonyl", "C", "CO"),
        ("pMBA", "S", "C7H5O2S"),
    ],
)
def test_donor_and_formula_as_bound(text, donor, formula):
    ligand = Ligand.parse(text)
    assert (ligand.donor, formula_text(ligand.bound_formula)) == (donor, formula)


def test_charged_groups_that_are_part_of_the_molecule_stay():
    assert Ligand.parse("O=[N+]([O-])c1ccc(S)cc1").smiles == "O=[N+]([O-])c1ccc(S)cc1"


def test_only_cyclopentadienyl_is_a_face_ligand():
    assert [Ligand.parse(t).is_pi for t in ("Cp", "Cp*", "C≡CPh", "PET")] == [True, True, False, False]


def test_log_p_belongs_to_the_protonated_molecule():
    assert Ligand.parse("[S-]CCc1ccccc1").log_p == pytest.approx(2.16, abs=0.005)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C(C", "cannot read 'C\\(C'"),
        ("", "empty SMILES"),
        ("   ", "empty SMILES"),
        ("CCCC", "no donor atom; allowed: thiol"),
        ("CS.CS", "several parts"),
        ("C[N+](C)(C)CS", r"keeps charge \+1"),
        ("[Au]", "no donor"),
    ],
)
def test_bad_ligands_are_named(text, words):
    with pytest.raises(LigandError, match=words):
        Ligand.parse(text)


@pytest.mark.parametrize("spec", [3, {"PET": 0}, {"PET": 1.5}, {"PET": True}, [3], {3: 1}])
def test_bad_annotations_are_refused(spec):
    with pytest.raises(LigandError):
        parse_ligands(spec)


def test_annotations_are_merged_and_sorted():
    expected = parse_ligands({"PPh3": 2, "PET": 3})
    assert parse_ligands(["PET", "PPh3", "[S-]CCc1ccccc1", "PPh3", "SCCc1ccccc1"]) == expected
    assert parse_ligands({"PET": 1, "SCCc1ccccc1": 2, "PPh3": 2.0}) == expected
    assert formula_text(total_formula(expected)) == "C60H57P2S3"


def test_an_ambiguous_text_is_refused_with_both_readings():
    with pytest.raises(LigandError, match="allowed: 'carbonyl' or 'OC'"):
        Ligand.parse("CO")
    assert Ligand.parse("OC").donor == "O"
