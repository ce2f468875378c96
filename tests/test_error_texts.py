"""Errors name what is at fault and end with what to do next."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from pymatgen.core import Composition

from ase_bimetal import Ligand, MMLFormationCalculator, as_system, load_example, parse_ligands, predict
from ase_bimetal import descriptors as d
from ase_bimetal.errors import BimetalError
from ase_bimetal.featurizers import BimetallicDescriptors
from ase_bimetal.io.read import read_frames
from ase_bimetal.model.registry import get_model
from ase_bimetal.probes import ligand_probe, metal_probes
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.structures.formula import build_formula
from ase_bimetal.structures.roles import CO_LIGANDS, fill

#: An instruction, in the words that messages use for one.
NEXT_STEP = re.compile(
    r"\b(add|call|check|choose|correct|delete|give|install|leave|move|name|pass|put|relax|repair|run|set|take|use|write)\b",
    re.IGNORECASE,
)


def cluster() -> Atoms:
    return load_example("Au4Pd2(PET)8")


def bare(symbols: str, step: float = 2.8) -> Atoms:
    return Atoms(symbols, [[step * i, 0, 0] for i in range(len(Atoms(symbols)))])


def moved(atoms: Atoms, row: int, place: list[float]) -> Atoms:
    atoms.positions[row] = place
    return atoms


def charged() -> Atoms:
    atoms = cluster()
    atoms.info["charge"] = 2
    return atoms


def surface() -> Atoms:
    atoms = fcc111("Cu", (2, 2, 3), vacuum=8.0)
    atoms.symbols[0] = "Pt"
    return atoms


def replaced(symbol: str) -> Atoms:
    atoms = cluster()
    atoms.symbols[atoms.symbols == "Pd"] = symbol
    return atoms


#: Name → (a bad call, what its message must name).
BAD: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "unreadable SMILES": (lambda: Ligand.parse("C(C"), ("C(C", "info --ligands")),
    "misspelt ligand": (lambda: Ligand.parse("glutathion"), ("glutathion", "did you mean 'glutathione'")),
    "no donor": (lambda: Ligand.parse("CCCC"), ("CCCC", "no donor atom", "phosphine P")),
    "placeholder": (lambda: Ligand.parse("*S"), ("*S", "placeholder")),
    "metal in a ligand": (lambda: Ligand.parse("CS[Au]"), ("CS[Au]", "Au")),
    "counter-ion": (lambda: Ligand.parse("F[P-](F)(F)(F)(F)F"), ("F[P-]", "counter-ion")),
    "charged ligand": (lambda: Ligand.parse("C[N+](C)(C)CS"), ("C[N+]", "+1")),
    "two ligands in one": (lambda: Ligand.parse("CS.CS"), ("CS.CS", "several parts")),
    "indenyl": (lambda: Ligand.parse("[CH-]1C=Cc2ccccc21"), ("indenyl", "Cp*")),
    "impossible valence": (lambda: Ligand.parse("CS(C)(C)(C)(C)(C)C"), ("CS(C)(C)",)),
    "ambiguous": (lambda: Ligand.parse("SCN"), ("SCN", "thiocyanate")),
    "count": (lambda: parse_ligands({"PET": 0}), ("PET", "0")),
    "annotation": (lambda: parse_ligands(3), ("3", "dict")),
    "no metal": (lambda: as_system(Atoms("CH4", np.eye(5, 3) * 1.1)), ("CH4", "groups 3 to 12")),
    "atomic number": (lambda: as_system(Atoms(numbers=[200, 79], positions=[[0, 0, 0], [3, 0, 0]])), ("200", "atom 0")),
    "type": (lambda: as_system(42), ("42", "int", "ase.Atoms")),
    "formula as an object": (lambda: as_system("Au4Pd2"), ("'Au4Pd2'", "Composition")),
    "atoms on top of each other": (
        lambda: as_system(moved(cluster(), 1, cluster().positions[0].tolist())),
        ("0 (", "1 (", "0.000 Å"),
    ),
    "NaN": (lambda: as_system(moved(cluster(), 3, [np.nan, 0, 0])), ("atom 3", "nan")),
    "flat cell": (
        lambda: as_system(Atoms("AuPd", [[0, 0, 0], [2.7, 0, 0]], cell=[[5, 0, 0], [5, 0, 0], [0, 0, 5]], pbc=True)),
        ("no volume", "5.0"),
    ),
    "missing hydrogen": (
        lambda: as_system(Atoms("Au2SC", [[0, 0, 0], [2.7, 0, 0], [-2.3, 0, 0], [-3.0, 1.7, 0]])),
        ("S2", "C3", "hydrogen"),
    ),
    "wrong ligands": (lambda: as_system(bare("AuPdCl"), ligands={"Br": 1}), ("Br", "Cl")),
    "charge": (lambda: predict(charged()), ("+2", "charge")),
    "charge option": (lambda: as_system(cluster(), charge="kep"), ("kep", "ignore")),
    "composition of fractions": (lambda: as_system(Composition("Au0.5Pd0.5")), ("Au", "Pd", "fractional")),
    "bare metal for the network": (
        lambda: predict(bulk("Au", cubic=True), model="mml-gfn1-pbe"),
        ("alloy", "DescriptorFormationCalculator"),
    ),
    "bare metal": (lambda: predict(bulk("Au", cubic=True)), ("1 metal (Au)", "exactly two", "ligand_smiles")),
    "slab with ligands": (lambda: as_system(fcc111("Au", (2, 2, 3), vacuum=8.0), ligands={"PET": 2}), ("slab", "cell")),
    "p-block metal": (lambda: predict(replaced("Sn")), ("Sn", "groups 3 to 12")),
    "hydride of a surface": (lambda: predict(surface(), reference_state="hydride"), ("'hydride'", "'dimer'")),
    "composition": (lambda: predict(Composition("Au4Pd2S8C64H72"), ligands={"PET": 8}), ("composition", "coordinates")),
    "unknown model": (lambda: get_model("mml-2"), ("mml-2", "mml-gfn1-pbe")),
    "unknown option": (lambda: MMLFormationCalculator(modell="x"), ("modell", "model")),
    "donor without a probe": (lambda: ligand_probe(Ligand.parse("C[P-]C")), ("C[P-]C", "donor P")),
    "metal without a probe": (lambda: metal_probes("Na"), ("'Na'",)),
    "one metal": (lambda: d.reduced_distance(as_system(bulk("Au", cubic=True))), ("Au", "two metals")),
    "no coordinates": (lambda: d.metal_distance(as_system(Composition("Au4Pd2"))), ("coordinates", "composition")),
    "option of a descriptor": (lambda: d.metal_distance(as_system(cluster()), pairs="some"), ("some", "nearest")),
    "unknown preset": (lambda: BimetallicDescriptors.from_preset("best"), ("best", "allowed")),
    "unknown descriptor": (lambda: BimetallicDescriptors(["phi"]).feature_labels(), ("phi", "phi (-)")),
    "formula without ligands": (lambda: build_formula("Au4Pd2"), ("Au4Pd2", "parentheses")),
    "formula with a charge": (lambda: build_formula("[Au25(PET)18]-"), ("[Au25(PET)18]-", "neutral")),
    "formula that no motif has": (lambda: build_formula("Au5Pd(PET)9"), ("Au5Pd(PET)9", "nearest")),
    "unknown element in a formula": (lambda: build_formula("Au4Xx2(PET)8"), ("'Xx'",)),
    "file as a formula": (lambda: predict("cluster.xyz"), ("cluster.xyz", "ase.io.read")),
    "ligand on a motif": (lambda: fill("Au4M2", "PPh3", CO_LIGANDS), ("PPh3", "phosphine", "Au4M2")),
    "role of a motif": (lambda: fill("Au4M2", {"pi": "Cp"}, CO_LIGANDS), ("pi", "thiolate")),
    "screening without ligands": (lambda: ScreenConfig.make(dopants=["Pd"], ligands=[]), ("ligands",)),
    "unknown field of a screening": (lambda: ScreenConfig.make(dopant=["Pd"]), ("dopant",)),
    "missing file": (lambda: list(read_frames("none.xyz")), ("none.xyz",)),
    "unknown format": (lambda: list(read_frames("none.xyz", format="xyzz")), ("xyzz", "extxyz")),
}


@pytest.mark.parametrize("name", BAD)
def test_a_message_names_the_culprit_and_the_next_step(name):
    call, culprits = BAD[name]
    with pytest.raises(BimetalError) as caught:
        call()
    message = str(caught.value)
    for culprit in culprits:
        assert culprit in message
    assert NEXT_STEP.search(message), message
    assert "Traceback" not in message and len(message) < 2500


def test_there_are_many_kinds_of_bad_input():
    assert len(BAD) >= 40
