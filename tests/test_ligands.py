"""Ligands: one protonation state, donor and type, spellings that mean the same."""

import time

import pytest
from rdkit import Chem, rdBase

from ase_bimetal.errors import LigandError
from ase_bimetal.ligand_names import AMBIGUOUS, LIGAND_ALIASES
from ase_bimetal.ligands import LIGAND_NAMES, Ligand, formula_text, parse_ligands, total_formula

X_TYPE = {"S", "Se", "O", "Cl", "Br", "I", "F"}


@pytest.mark.parametrize("name", LIGAND_NAMES)
def test_every_name_reads_back(name):
    ligand = Ligand.parse(name)
    assert (ligand.name, ligand.smiles) == (name, LIGAND_NAMES[name])
    assert Ligand.parse(ligand.smiles) == ligand
    assert ligand.mol.GetAtomWithIdx(ligand.donor_index).GetSymbol() == ligand.donor
    through_carbon = "C≡C" in name or name.startswith("Cp") or name == "cyanide"
    assert (ligand.type == "X") == ((ligand.donor in X_TYPE and name != "SMe2") or through_carbon)


@pytest.mark.parametrize("text", [*LIGAND_NAMES, *LIGAND_ALIASES])
def test_no_name_spells_another_molecule(text):
    with rdBase.BlockLogs():
        spelled = Chem.MolFromSmiles(text)
    assert spelled is None or Chem.MolToSmiles(spelled) == Ligand.parse(text).smiles


# SMILES, donor, type, denticity and formula as bound, which is counted here and not taken from the SMILES.
NAMED = {
    "SnBu": ("CCCCS", "S", "X", 1, "C4H9S"),
    "SC6H13": ("CCCCCCS", "S", "X", 1, "C6H13S"),
    "SC8H17": ("CCCCCCCCS", "S", "X", 1, "C8H17S"),
    "SC10H21": ("CCCCCCCCCCS", "S", "X", 1, "C10H21S"),
    "SC12H25": ("CCCCCCCCCCCCS", "S", "X", 1, "C12H25S"),
    "SC18H37": ("CCCCCCCCCCCCCCCCCCS", "S", "X", 1, "C18H37S"),
    "S-c-C5H9": ("SC1CCCC1", "S", "X", 1, "C5H9S"),
    "SC6H11": ("SC1CCCCC1", "S", "X", 1, "C6H11S"),
    "S-Adm": ("SC12CC3CC(CC(C3)C1)C2", "S", "X", 1, "C10H15S"),
    "2-SAdm": ("SC1C2CC3CC(C2)CC1C3", "S", "X", 1, "C10H15S"),
    "SCH2Ph": ("SCc1ccccc1", "S", "X", 1, "C7H7S"),
    "SCH2PhtBu": ("CC(C)(C)c1ccc(CS)cc1", "S", "X", 1, "C11H15S"),
    "SPhMe2": ("Cc1ccc(S)c(C)c1", "S", "X", 1, "C8H9S"),
    "3,5-DMBT": ("Cc1cc(C)cc(S)c1", "S", "X", 1, "C8H9S"),
    "TBBT": ("CC(C)(C)c1ccc(S)cc1", "S", "X", 1, "C10H13S"),
    "SPh(CF3)2": ("FC(F)(F)c1cc(S)cc(C(F)(F)F)c1", "S", "X", 1, "C8H3F6S"),
    "2-SNap": ("Sc1ccc2ccccc2c1", "S", "X", 1, "C10H7S"),
    "SPy": ("Sc1ccccn1", "S", "X", 1, "C5H4NS"),
    "p-MBA": ("O=C(O)c1ccc(S)cc1", "S", "X", 1, "C7H5O2S"),
    "MUA": ("O=C(O)CCCCCCCCCCS", "S", "X", 1, "C11H21O2S"),
    "MSA": ("O=C(O)CC(S)C(=O)O", "S", "X", 1, "C4H5O4S"),
    "cysteine": ("NC(CS)C(=O)O", "S", "X", 1, "C3H6NO2S"),
    "NAC": ("CC(=O)NC(CS)C(=O)O", "S", "X", 1, "C5H8NO3S"),
    "glutathione": ("NC(CCC(=O)NC(CS)C(=O)NCC(=O)O)C(=O)O", "S", "X", 1, "C10H16N3O6S"),
    "captopril": ("CC(CS)C(=O)N1CCCC1C(=O)O", "S", "X", 1, "C9H14NO3S"),
    "tiopronin": ("CC(S)C(=O)NCC(=O)O", "S", "X", 1, "C5H8NO3S"),
    "penicillamine": ("CC(C)(S)C(N)C(=O)O", "S", "X", 1, "C5H10NO2S"),
    "1,3-BDT": ("[S-]c1cccc([S-])c1", "S", "X", 2, "C6H4S2"),
    "SeCH2CH2Ph": ("[SeH]CCc1ccccc1", "Se", "X", 1, "C8H9Se"),
    "PCy3": ("C1CCC(P(C2CCCCC2)C2CCCCC2)CC1", "P", "L", 1, "C18H33P"),
    "PPhMe2": ("CP(C)c1ccccc1", "P", "L", 1, "C8H11P"),
    "PPh2Me": ("CP(c1ccccc1)c1ccccc1", "P", "L", 1, "C13H13P"),
    "P(C8H17)3": ("CCCCCCCCP(CCCCCCCC)CCCCCCCC", "P", "L", 1, "C24H51P"),
    "TPPMS": ("O=S(=O)(O)c1cccc(P(c2ccccc2)c2ccccc2)c1", "P", "L", 1, "C18H15O3PS"),
    "P(OMe)3": ("COP(OC)OC", "P", "L", 1, "C3H9O3P"),
    "P(OPh)3": ("c1ccc(OP(Oc2ccccc2)Oc2ccccc2)cc1", "P", "L", 1, "C18H15O3P"),
    "dppm": ("c1ccc(P(CP(c2ccccc2)c2ccccc2)c2ccccc2)cc1", "P", "L", 2, "C25H22P2"),
    "dppe": ("c1ccc(P(CCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1", "P", "L", 2, "C26H24P2"),
    "dppp": ("c1ccc(P(CCCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1", "P", "L", 2, "C27H26P2"),
    "dppb": ("c1ccc(P(CCCCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1", "P", "L", 2, "C28H28P2"),
    "DPPBz": ("c1ccc(P(c2ccccc2)c2ccccc2P(c2ccccc2)c2ccccc2)cc1", "P", "L", 2, "C30H24P2"),
    "C≡C-tBu": ("C#CC(C)(C)C", "C", "X", 1, "C6H9"),
    "C≡CCy": ("C#CC1CCCCC1", "C", "X", 1, "C8H11"),
    "C≡CSiMe3": ("C#C[Si](C)(C)C", "C", "X", 1, "C5H9Si"),
    "cyanide": ("C#N", "C", "X", 1, "CN"),
    "thiocyanate": ("N#CS", "S", "X", 1, "CNS"),
    "acetate": ("CC(=O)O", "O", "X", 1, "C2H3O2"),
    "nitrate": ("O=[N+]([O-])O", "O", "X", 1, "NO3"),
    "CNtBu": ("[C-]#[N+]C(C)(C)C", "C", "L", 1, "C5H9N"),
    "IiPr": ("CC(C)N1[C]N(C(C)C)C=C1", "C", "L", 1, "C9H16N2"),
    "IMes": ("Cc1cc(C)c(N2[C]N(c3c(C)cc(C)cc3C)C=C2)c(C)c1", "C", "L", 1, "C21H24N2"),
    "IPr": ("CC(C)c1cccc(C(C)C)c1N1[C]N(c2c(C(C)C)cccc2C(C)C)C=C1", "C", "L", 1, "C27H36N2"),
    "BIBn": ("[C]1N(Cc2ccccc2)c2ccccc2N1Cc1ccccc1", "C", "L", 1, "C21H18N2"),
    "pyridine": ("c1ccncc1", "N", "L", 1, "C5H5N"),
    "SMe2": ("CSC", "S", "L", 1, "C2H6S"),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_a_name_means(name):
    ligand = Ligand.parse(name)
    found = (ligand.smiles, ligand.donor, ligand.type, ligand.denticity, formula_text(ligand.bound_formula))
    assert found == NAMED[name]


@pytest.mark.parametrize(("alias", "name"), [
    ("SBn", "SCH2Ph"), ("SCH2C6H5", "SCH2Ph"), ("S-nBu", "SnBu"), ("SHex", "SC6H13"), ("S-c-C6H11", "SCy"),
    ("CHT", "SCy"), ("1-SAdm", "SAdm"), ("SCH2CH2Ph", "PET"), ("SPhtBu", "TBBT"), ("2,4-DMBT", "SPhMe2"),
    ("DMBT", "SPhMe2"), ("4-MBA", "pMBA"), ("GSH", "glutathione"), ("SG", "glutathione"), ("Cys", "cysteine"),
    ("Capt", "captopril"), ("PMePh2", "PPh2Me"), ("PMe2Ph", "PPhMe2"), ("TPP", "PPh3"), ("POct3", "P(C8H17)3"),
    ("C≡C-Ph", "C≡CPh"), ("C2tBu", "C≡CtBu"), ("OAc", "acetate"), ("iPr2-bimy", "BIiPr"), ("Cl-", "Cl"),
])  # fmt: skip
def test_other_names(alias, name):
    assert Ligand.parse(alias).name == name


@pytest.mark.parametrize(("text", "meant"), [
    ("glutathion", "glutathione"), ("Glutathione", "glutathione"), ("cystein", "cysteine"), ("SCH2Phe", "SCH2Ph"),
    ("pph3", "PPh3"), ("SC12H26", "SC12H25"), ("dppz", "dppbz"), ("SNap", "2-SNap"),
    ("Captopril", "captopril"), ("hydrid", "hydride"),
])  # fmt: skip
def test_a_misspelt_name_is_asked_for(text, meant):
    with pytest.raises(LigandError, match="cannot read .* as a SMILES") as caught:
        Ligand.parse(text)
    assert f"(did you mean {meant!r}?)" in str(caught.value)
    assert "Run `ase-bimetal info --ligands` for the names" in str(caught.value)


@pytest.mark.parametrize("text", ["C[BH2]", "CC[SiH3]", "C1CC1", "c1ccccc1", "CB(C)C", "F[Si](F)(F)F"])
def test_an_unsupported_donor_is_answered_with_what_binds(text):
    with pytest.raises(LigandError) as caught:
        Ligand.parse(text)
    assert f"{text!r} has no donor atom" in str(caught.value)
    for allowed in ("thiol/selenol S–H or Se–H", "terminal alkyne", "phosphine P", "carbene", "pyridine"):
        assert allowed in str(caught.value)


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
        ("sulfide", "[S-2]", "S", "X", "S"),
        ("[S--]", "[S-2]", "S", "X", "S"),
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
        ("[Se-2]", "Se of charge -2"),
        ("[O-][Cl+3]([O-])([O-])[O-]", "Cl with 4 bonds, as triiodide or perchlorate: a counter-ion"),
        ("I[I-]I", "I with 2 bonds, as triiodide or perchlorate: a counter-ion"),
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


@pytest.mark.parametrize(
    ("text", "words", "molecule", "donor"),
    [
        ("CO", "names carbon monoxide but spells methanol; allowed: 'carbonyl' or 'OC'", "OC", "O"),
        ("SCN", "allowed: 'thiocyanate' .bound by S., 'N=C=S' .bound by N. or 'C.N.S'", "C(N)S", "S"),
        ("NCS", "allowed: 'N=C=S' .bound by N., 'thiocyanate' .bound by S. or 'C.N.S'", "C(N)S", "S"),
    ],
)
def test_an_ambiguous_text_is_refused_with_both_readings(text, words, molecule, donor):
    assert text in AMBIGUOUS
    with pytest.raises(LigandError, match=words):
        Ligand.parse(text)
    ligand = Ligand.parse(molecule)
    assert ligand.donor == donor == ligand.mol.GetAtomWithIdx(ligand.donor_index).GetSymbol()
    assert Ligand.parse(ligand.smiles) == ligand  # its own spelling is no name


@pytest.mark.parametrize("text", ["CS💥", "💥CS", "CS SCC", "CS\tname", "C\u200bS", "CS \u7c21"])
def test_what_rdkit_reads_past_is_an_error(text):
    with pytest.raises(LigandError, match="it holds"):
        Ligand.parse(text)


@pytest.mark.parametrize(
    "count",
    [10**400, -(10**400), 10**5000, float("inf"), float("nan"), 1.5, 0, True, "8"],
    ids=["400 digits", "minus 400 digits", "5000 digits", "inf", "nan", "1.5", "0", "True", "text"],
)
def test_a_count_that_is_none_is_a_ligand_error(count):
    with pytest.raises(LigandError, match=r"has count .{1,80}; allowed: a whole number from 1 to"):
        parse_ligands({"PET": count})


def test_a_molecule_of_thousands_of_atoms_is_refused_before_it_costs_seconds():
    start = time.process_time()
    with pytest.raises(LigandError, match=r"'CCC.*'… has 20001 atoms beside hydrogen; allowed: at most 2000"):
        Ligand.parse("C" * 20_000 + "S")
    assert time.process_time() - start < 2
    assert Ligand.parse("C" * 1999 + "S").donor == "S"
