"""Bond strengths of single metals and ligands at the level of the labels: what the model knows of an element.

Periodic properties do not tell that a palladium atom binds by far less than a platinum atom; the energies of a few
molecules of two to fourteen atoms do, and they exist for every metal and every kind of donor, whether or not a
labelled cluster holds it. ``datasets/probes.json`` holds them; `ase_bimetal.lab.labels.probe_energies` makes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from ase_bimetal.errors import LigandError, UnknownElementError
from ase_bimetal.files import DATASETS
from ase_bimetal.ligands import Ligand

#: Probes of a metal M, each the energy of forming it from free atoms and free groups [eV], in the order of features.
METAL_PROBES = ("M-Au", "M-M", "Au4M2", "M-Cl", "M(Cl)2", "M-SH", "M(SH)2", "M(SH)4", "M-CCH", "M(CCH)2",
                "M-PH3", "M(PH3)2")  # fmt: skip
#: Metals whose triangles with a ligand are tabulated; any other metal counts as gold.
TRIANGLE_METALS = ("Cu", "Ag", "Au")


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, dict[str, float]]]:
    tables: dict[str, dict[str, dict[str, float]]] = json.loads((DATASETS / "probes.json").read_text(encoding="utf-8"))
    return tables


@lru_cache(maxsize=128)
def metal_probes(symbol: str) -> tuple[float, ...]:
    """Look up the energies of `METAL_PROBES` [eV].

    They are those of one metal.

    Raises
    ------
    UnknownElementError
        The element has none.

    Examples
    --------
    >>> metal_probes("Pd")[0] > metal_probes("Pt")[0]
    True
    """
    table = _tables()["metals"]
    if symbol not in table:
        raise UnknownElementError(
            f"no bond probes for element {symbol!r}; known: {', '.join(table)}. Choose one of these metals"
        )
    return tuple(table[symbol][name] for name in METAL_PROBES)


def ligand_probe(ligand: Ligand, metals: Sequence[str] = ("Au",)) -> float:
    """Look up a ligand's bond to metal triangles [eV].

    The triangles are in X–M3(PH3)2 or L–M3Cl(PH3); the result is a mean over ``metals``.

    Bromide costs more than chloride by 0.42 eV on gold and by 0.79 on silver. X-type ligands are counted from their
    dimer, L-type ligands from the free molecule. A ligand outside the table has the values of the tabulated ligands
    with the same donor and type whose donor's surroundings (two bonds wide) are most like its own: bonds to the donor
    are local.

    Raises
    ------
    LigandError
        No tabulated ligand has this donor and type.

    Examples
    --------
    >>> thiolate, other = (ligand_probe(Ligand.parse(smiles)) for smiles in ("CCCCS", "CCS"))
    >>> abs(thiolate - other) < 0.1
    True
    """
    on_triangle = _triangle_probes(ligand)
    return sum(on_triangle.get(metal, on_triangle["Au"]) for metal in metals) / len(metals)


@lru_cache(maxsize=1024)
def _triangle_probes(ligand: Ligand) -> dict[str, float]:
    """`ligand_probe` on each of `TRIANGLE_METALS` [eV]."""
    table = _tables()["ligands"]
    if ligand.smiles in table:
        return table[ligand.smiles]
    known = [Ligand.parse(smiles) for smiles in table]
    alike = [other for other in known if (other.donor, other.type) == (ligand.donor, ligand.type)]
    if not alike:
        kinds = ", ".join(sorted({f"{other.donor} ({other.type} type)" for other in known}))
        raise LigandError(
            f"no bond probes for ligand {ligand.smiles!r}, donor {ligand.donor} ({ligand.type} type); allowed: {kinds}"
            ". Choose a ligand with one of these donors, or use DescriptorFormationCalculator"
        )
    scores = [DataStructs.TanimotoSimilarity(_surroundings(ligand), _surroundings(other)) for other in alike]
    best = [table[other.smiles] for other, score in zip(alike, scores, strict=True) if score == max(scores)]
    return {metal: sum(row[metal] for row in best) / len(best) for metal in TRIANGLE_METALS}


@lru_cache(maxsize=256)
def _surroundings(ligand: Ligand) -> DataStructs.SparseBitVect:
    """Fingerprint of the donor and what lies within two bonds of it."""
    make = rdFingerprintGenerator.GetMorganGenerator(radius=2)
    bits: DataStructs.SparseBitVect = make.GetSparseFingerprint(ligand.mol, fromAtoms=[ligand.donor_index])
    return bits


__all__ = ["METAL_PROBES", "TRIANGLE_METALS", "ligand_probe", "metal_probes"]
