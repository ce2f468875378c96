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


@pytest.mark.parametrize(
    ("text", "smiles", "donor", "kind", "formula"),
    [
        ("[C-]#N", "C#N", "C", "X", "CN"),
        ("O[N+](=O)[O-]", "O=[N+]([O-])O", "O", "X", "NO3"),
        ("O=[N+]([O-])[O-]", "O=[N+]([O-])O", "O", "X", "NO3"),
        ("[S-]C#N", "N#CS", "S", "X", "CNS"),
        ("[N-]=C=S", "N=C=S", "N", "X", "CNS"),
        ("NC(N)=S", "NC(N)=S", "S", "L", "CH4N2S"),
        ("C[P-]C", "C[P-]C", "P", "X", "C2H6P"),
        ("CPC", "CPC", "P", "L", "C2H7P"),
        ("CN=C(C)[N-]C", "CN=C(C)[N-]C", "N", "X", "C4H9N2"),
        ("[n-]1cccn1", "c1cn[n-]c1", "N", "X", "C3H3N2"),
        ("c1cc[nH]n1", "c1cn[nH]c1", "N", "L", "C3H4N2"),
        ("Fc1c(F)c(F)[c-]c(F)c1F", "Fc1[c-]c(F)c(F)c(F)c1F", "C", "X", "C6F5"),
        ("[N-]=[N+]=[N-]", "[N-]=[N+]=[N-]", "N", "X", "N3"),
        ("CS(=O)(=O)[O-]", "CS(=O)(=O)O", "O", "X", "CH3O3S"),
        ("O=C([O-])c1ccc([S-])cc1", "O=C(O)c1ccc(S)cc1", "S", "X", "C7H5O2S"),
        ("[O-]S(=O)(=O)CP", "O=S(=O)(O)CP", "P", "L", "CH5O3PS"),
        ("C[Si](C)(C)[S-]", "C[Si](C)(C)S", "S", "X", "C3H9SSi"),
        ("[H-]", "[H][H]", "H", "X", "H"),
        ("hydride", "[H][H]", "H", "X", "H"),
    ],
)
def test_anions_bind_where_their_charge_is(text, smiles, donor, kind, formula):
    ligand = Ligand.parse(text)
    assert (ligand.smiles, ligand.donor, ligand.type) == (smiles, donor, kind)
    assert formula_text(ligand.bound_formula) == formula
    assert Ligand.parse(smiles) == ligand


@pytest.mark.parametrize(
    ("text", "donors", "formula"),
    [
        ("[S-]c1cccc([S-])c1", ["S", "S"], "C6H4S2"),
        ("Sc1cccc(S)c1", ["S"], "C6H5S2"),
        ("dppm", ["P", "P"], "C25H22P2"),
        ("dppe", ["P", "P"], "C26H24P2"),
        ("CCN(CC)C(=S)[S-]", ["S"], "C5H10NS2"),
    ],
)
def test_ligands_with_two_donors(text, donors, formula):
    ligand = Ligand.parse(text)
    assert [ligand.mol.GetAtomWithIdx(i).GetSymbol() for i in ligand.donor_indices] == donors
    assert (ligand.denticity, formula_text(ligand.bound_formula)) == (len(donors), formula)
    assert Ligand.parse(ligand.smiles) == ligand


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
        ("CCCC", "no donor atom; allowed: X type .* thiol/selenol S–H"),
        ("CS.CS", "several parts"),
        ("C[N+](C)(C)CS", r"keeps charge \+1"),
        ("*S", "placeholder '\\*'"),
        ("*C#C", "placeholder '\\*'"),
        ("[Au]", "holds the metal Au"),
        ("CS->[Au]", "holds the metal Au"),
        ("CS[Au]", "holds the metal Au"),
        ("F[P-](F)(F)(F)(F)F", "counter-ion"),
        ("F[B-](F)(F)F", "counter-ion"),
        ("c1ccc([B-](c2ccccc2)(c2ccccc2)c2ccccc2)cc1", "counter-ion"),
        ("[CH-]1C=Cc2ccccc21", "indenyl"),
        ("c1ccc2[cH-]ccc2c1", "indenyl"),
        ("[S-2]", "S of charge -2"),
        ("[O-][Cl+3]([O-])([O-])[O-]", r"Cl of charge \+3"),
        ("N#N", "no donor"),
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


@pytest.mark.parametrize("text", ["CS💥", "💥CS", "CS SCC", "CS\tname", "C\u200bS", "CS \u7c21"])
def test_what_rdkit_reads_past_is_an_error(text):
    with pytest.raises(LigandError, match="it holds"):
        Ligand.parse(text)
