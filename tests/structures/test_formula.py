"""The formula door: reading, matching to motifs, building, and what is refused."""

import numpy as np
import pytest

from ase_bimetal import load_example
from ase_bimetal.errors import ChargedSystemError, FormulaError, LigandError, NoMetalError, UnknownElementError
from ase_bimetal.structures.formula import (
    RELAXED_EXAMPLE,
    ClusterFormula,
    _fitting,
    as_cluster,
    build_formula,
    nearest_formulas,
)
from ase_bimetal.structures.motifs import FAMILIES
from ase_bimetal.structures.placements import core_of
from ase_bimetal.structures.roles import CO_LIGANDS, motif_roles
from ase_bimetal.structures.template_errors import RELAXED_CORE, template_error
from ase_bimetal.system import as_system

PET, PPH3 = "SCCc1ccccc1", "c1ccc(P(c2ccccc2)c2ccccc2)cc1"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Au24Pd(PET)18", "Au24Pd(PET)18"),
        ("PdAu24(SC2H4Ph)18", "Au24Pd(PET)18"),
        ("[Pd@Au24(PET)18]", "Au24Pd(PET)18"),
        ("Au₂₄Pd(PET)₁₈", "Au24Pd(PET)18"),
        ("Au4Pd2(SCCc1ccccc1)8", "Au4Pd2(PET)8"),
        ("Au4Pd2 (PPh3)2 (PET)8", "Au4Pd2(PET)8(PPh3)2"),
        ("Au8Pd(P(4-FPh)3)6Cl2", "Au8Pd(P(4-FPh)3)6Cl2"),
        ("Au6Ir2Cp2(PMe3)4Br2", "Au6Ir2(Cp)2(PMe3)4Br2"),
        ("Au4Ag2(PET)4(PET)4", "Au4Ag2(PET)8"),
        ("Au24Pt(SCH2Ph)18", "Au24Pt(SCH2Ph)18"),
        ("Ag24Pt(SPhMe2)18", "Ag24Pt(SPhMe2)18"),
        ("Au24Pd(SG)18", "Au24Pd(glutathione)18"),
        ("Au24Pd(S-c-C6H11)18", "Au24Pd(SCy)18"),
        ("Ag28Cu(1,3-BDT)12(PPh3)4", "Ag28Cu(1,3-BDT)12(PPh3)4"),
        ("Au10Ag2(C≡C-tBu)9(dppe)2", "Au10Ag2(C≡CtBu)9(dppe)2"),
        ("Au4Pd2(CO)2(CN)4(SCN)4", "Au4Pd2(cyanide)4(thiocyanate)4(carbonyl)2"),
    ],
)
def test_formulas_are_read_as_chemists_write_them(text, written):
    assert str(ClusterFormula.parse(text)) == written


def test_host_is_the_more_frequent_metal_then_the_more_electronegative():
    assert ClusterFormula.parse("Ag2Au2Cu2(PET)8").metals == (("Au", 2), ("Ag", 2), ("Cu", 2))
    assert ClusterFormula.parse("Cu4Au2(PET)8").metals == (("Cu", 4), ("Au", 2))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", FormulaError, "is no formula"),
        ("Au4Pd2", FormulaError, "names no ligands"),
        ("(PET)8", NoMetalError, "no metal"),
        ("Au4Pd2(PET8", FormulaError, "not closed"),
        ("Au4Pd2(PET)8)", FormulaError, r"cannot read '\)'"),
        ("Au4Pd2(PET)0", FormulaError, "count 0"),
        ("Au4Pd2S8C64H72", FormulaError, "S is no metal"),
        ("Au4Xx2(PET)8", UnknownElementError, "Xx"),
        ("Au4Pd2(SR)8", LigandError, "SR"),
        ("[Au24Pd(PET)18]2-", ChargedSystemError, "neutral"),
        ("Au25(PET)18⁻", ChargedSystemError, "neutral"),
        ("[Au24Pd(PET)18]-2", ChargedSystemError, "neutral"),
    ],
)
def test_what_is_no_neutral_cluster_formula_is_refused(text, error, words):
    with pytest.raises(error, match=words):
        ClusterFormula.parse(text)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_motif_is_met_by_its_own_formula(family):
    core = core_of(family)
    n_dopants = core.symbols.count("M")
    shell = "".join(f"({CO_LIGANDS[role]}){count}" for role, count in motif_roles(family).items())
    formula = ClusterFormula.parse(f"Au{len(core.symbols) - n_dopants}Pt{n_dopants}{shell}")
    shells = dict(_fitting(formula))
    assert dict(shells[family].ligands) == {role: CO_LIGANDS[role] for role in motif_roles(family)}


def test_a_diphosphine_is_built_from_its_formula():
    made = build_formula("Au8Pd(dppm)3Cl2")
    assert made.motif == "M@Au8-diphosphine"
    assert made.atoms.get_chemical_formula() == "C75H66Au8Cl2P6Pd"


def test_bundled_cluster_is_taken_relaxed():
    made = build_formula("Au4Pd2(PET)8")
    assert made.atoms == load_example("Au4Pd2(PET)8")
    assert (made.geometry, made.template_error, made.widened(0.03)) == (RELAXED_EXAMPLE, 0.0, 0.03)
    assert (made.notes, made.origin) == ((), "relaxed with GFN1-xTB, bundled example")


def test_template_is_built_with_the_metals_and_ligands_asked_for():
    made = build_formula("Ni2Au4(SMe)8(PMe3)2")
    system = as_system(made.atoms)
    assert made.motif == "Au4M2-capped"
    assert system.composition_metals == {"Au": 4, "Ni": 2}
    assert {ligand.name: count for ligand, count in system.ligands} == {"SMe": 8, "PMe3": 2}
    assert made.atoms.get_chemical_symbols()[:6] == ["Au"] * 4 + ["Ni"] * 2
    assert made.geometry == RELAXED_CORE
    assert made.origin == "motif Au4M2-capped, template, mean relaxed core"
    assert made.template_error == template_error("Au4M2-capped", RELAXED_CORE) > 0
    assert made.widened(0.05) == pytest.approx(np.hypot(0.05, made.template_error))
    assert made.notes == (
        "geometry built for the formula Au4Ni2(SMe)8(PMe3)2: motif Au4M2-capped, not relaxed",
        "a formula does not tell which sites the dopants take: they are at the motif's own",
    )


def test_notes_name_other_motifs_and_a_host_that_is_not_gold():
    notes = " | ".join(build_formula("Ag12Pt(PH3)8Cl4").notes)
    assert "motif M@Au12, not relaxed" in notes
    assert "the same formula has motif M13" in notes
    assert "core of a gold cluster with Ag in its place" in notes


def test_pure_metal_and_three_metals_are_built():
    assert as_system(as_cluster("Au6(SMe)8")).composition_metals == {"Au": 6}
    assert as_system(as_cluster("Au4PdAg(SMe)8")).composition_metals == {"Au": 4, "Pd": 1, "Ag": 1}


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("Au4Pd2(PET)7", ["Au4Pd2(PET)8", "Au4Pd2(PET)8(PMe3)2"]),
        ("Au23Pd(PET)18", ["Au24Pd(PET)18"]),
        ("Au11(PPh3)7Cl3", ["Au11(PPh3)7Cl3", "Au12(PPh3)8Cl3"]),
    ],
)
def test_what_no_motif_has_names_the_nearest(text, nearest):
    formula = ClusterFormula.parse(text)
    assert nearest_formulas(formula, len(nearest)) == nearest


def test_unbuildable_formula_lists_what_can_be_built():
    with pytest.raises(
        FormulaError,
        match=r"no motif has the formula Au4Pd2\(PET\)7; nearest that can be built: "
        r"Au4Pd2\(PET\)8, ",
    ):
        build_formula("Au4Pd2(PET)7")
