"""Elemental references: what turns GFN1-xTB formation energies into PBE-referenced ones.

E_form(PBE) ≈ E_form(GFN1) + Σ_i x_i a_i + Σ_l y_l b_l, with x_i the fraction of metal i among the metals and y_l
the number of ligands of donor type l per metal; a and b by ridge regression on the anchors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read

from ase_bimetal.errors import MissingDataError
from ase_bimetal.formation import correction_features, formation_energy
from ase_bimetal.reference import label
from ase_bimetal.system import as_system

_DATA = Path(__file__).parent.parent / "datasets"
ANCHORS = _DATA / "anchors.extxyz"
ATOMS_PBE = _DATA / "atoms_pbe.json"
SHIPPED = _DATA / "elemental_references.json"
#: File names of the anchors' free molecules: SMILES of the free ligand → (free, dimer).
_MOLECULES = {"S": ("h2s", "hssh_r"), "P": ("ph3", None), "C#C": ("c2h2", "diyne"), "Cl": ("hcl", "cl2")}
_RIDGE = (0.003, 0.01, 0.03, 0.1, 0.3)


@dataclass(frozen=True)
class Anchor:
    """One small cluster with both energies: formation energies in eV per metal, dimer reference.

    ``features`` maps metal symbol → fraction and ``"S-X"``-like donor type → ligands per metal.
    """

    name: str
    pbe: float
    gfn1: float
    features: dict[str, float]


def load_anchors() -> list[Anchor]:
    """Anchors whose metals all have a PBE atom energy."""
    frames = read(ANCHORS, ":")
    tables = {key: _fragments(frames, key) for key in ("energy_pbe_eV", "energy_gfn1_eV")}
    known = set(tables["energy_pbe_eV"]["atoms"])
    clusters = [f for f in frames if f.info["kind"] == "anchor"]
    return [_anchor(f, tables) for f in clusters if set(as_system(f).metal_symbols) <= known]


def fit() -> dict:
    """Fit the corrections and their leave-one-out errors.

    Returns
    -------
    dict
        ``corrections`` [eV/metal], ``anchors`` per element or donor type, ``ridge``, ``spread`` of the elemental
        corrections (the uncertainty of an element without anchor), ``errors`` with the mean absolute difference
        of the anchors before and after the fit, leaving one anchor out, and leaving one element out.
    """
    anchors = load_anchors()
    names = sorted({name for anchor in anchors for name in anchor.features})
    x = np.array([[anchor.features.get(name, 0.0) for name in names] for anchor in anchors])
    y = np.array([anchor.pbe - anchor.gfn1 for anchor in anchors])
    ridge = min(_RIDGE, key=lambda r: np.abs(_leave_one_out(x, y, r)).mean())
    weights = _solve(x, y, ridge)
    elements = [i for i, name in enumerate(names) if "-" not in name]
    left_out = _leave_one_out(x, y, ridge)
    return {
        "equation": "E_form(PBE) = E_form(GFN1-xTB) + sum_i x_i a_i + sum_l y_l b_l",
        "unit": "eV per metal atom",
        "level": "PBE/DZVP-MOLOPT-SR-GTH (CP2K 2023.1)",
        "ridge": ridge,
        "corrections": dict(zip(names, weights.round(4).tolist(), strict=True)),
        "anchors": {name: int((x[:, i] > 0).sum()) for i, name in enumerate(names)},
        "spread": round(float(weights[elements].std(ddof=1)), 4),
        "errors": {
            "uncorrected MAE": round(float(np.abs(y).mean()), 4),
            "fitted MAE": round(float(np.abs(y - x @ weights).mean()), 4),
            "leave-one-anchor-out MAE": round(float(np.abs(left_out).mean()), 4),
            "leave-one-element-out MAE": _leave_one_element_out(x, y, elements, ridge),
        },
        "per anchor": {
            a.name: {"PBE": round(a.pbe, 4), "GFN1": round(a.gfn1, 4), "left out": round(float(e), 4)}
            for a, e in zip(anchors, left_out, strict=True)
        },
    }


def write(path: Path = SHIPPED) -> dict:
    """Fit and store the corrections."""
    fitted = fit()
    path.write_text(json.dumps(fitted, indent=1) + "\n")
    return fitted


def _anchor(atoms: Atoms, tables: dict[str, dict]) -> Anchor:
    system = as_system(atoms)
    ligands = {ligand.smiles: n for ligand, n in system.ligands}
    energies = {
        key: formation_energy(atoms.info[key], system.metal_symbols, ligands, table)
        for key, table in tables.items()
    }
    return Anchor(
        atoms.info["name"], energies["energy_pbe_eV"], energies["energy_gfn1_eV"], correction_features(system)
    )


def _fragments(frames: list[Atoms], key: str) -> dict:
    """The fragment table of `formation_energy` at one level."""
    energy = {f.info["name"]: f.info[key] for f in frames}
    pbe_atoms = {s: v["energy_eV"] for s, v in json.loads(ATOMS_PBE.read_text()).items()}
    at_pbe = key == "energy_pbe_eV"
    missing = {n for pair in _MOLECULES.values() for n in pair if n} - set(energy)
    if missing:
        raise MissingDataError(f"anchor file lacks the molecules {', '.join(sorted(missing))}")
    return {
        "atoms": pbe_atoms if at_pbe else {s: label.atom_energy(s) for s in pbe_atoms},
        "ligands": {
            smiles: {"free": energy[free], "dimer": energy[dimer] if dimer else None, "radical": None}
            for smiles, (free, dimer) in _MOLECULES.items()
        },
        "H2": energy["h2"],
    }


def _solve(x: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
    """Ridge weights without intercept: a shift common to all metals is carried by the a_i themselves."""
    return np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)


def _leave_one_out(x: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
    rows = np.arange(len(y))
    return np.array([y[i] - x[i] @ _solve(x[rows != i], y[rows != i], ridge) for i in rows])


def _leave_one_element_out(x: np.ndarray, y: np.ndarray, elements: list[int], ridge: float) -> float:
    """Mean absolute error on the anchors of an element none of whose anchors were fitted."""
    errors = []
    for column in elements:
        held = x[:, column] > 0
        if (~held).sum() >= 3:
            errors.extend(np.abs(y[held] - x[held] @ _solve(x[~held], y[~held], ridge)))
    return round(float(np.mean(errors)), 4)
