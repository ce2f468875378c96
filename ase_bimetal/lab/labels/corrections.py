"""Corrections: what turns GFN1-xTB formation energies into PBE-referenced ones.

E_form(PBE) ≈ E_form(GFN1) + Σ_i x_i a_i + Σ_l y_l b_l, with x_i the fraction of metal i among the metals and y_l
the number of ligands of donor type l per metal; a and b by ridge regression on the anchors, each weighted by its
number of metal atoms: clusters of several metals are what the corrections are used on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import iread

from ase_bimetal.errors import MissingDataError
from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.formation import correction_features, formation_energy
from ase_bimetal.lab.labels import label
from ase_bimetal.structures.motifs import DOPANTS
from ase_bimetal.system import BimetallicSystem, as_system

ANCHORS = DATASETS / "anchors.extxyz"
ATOMS_PBE = DATASETS / "atoms_pbe.json"
SHIPPED = DATASETS / "elemental_references.json"
#: File names of the anchors' free molecules: SMILES of the free ligand → (free, dimer).
MOLECULES = {
    "S": ("h2s", "hssh_r"),
    "P": ("ph3", None),
    "C#C": ("c2h2", "diyne"),
    "Cl": ("hcl", "cl2"),
    "Br": ("hbr", "br2"),
    "C1=CCC=C1": ("cph", "cpcp"),
    "[H][H]": ("h2", "h2"),
    "PCP": ("dhpm", None),
    label.SULFIDE.smiles: ("h2s", "s8"),
}
#: How much of a molecule counts as a dimer, where it is not all of it.
_SHARES = {"s8": label.S8_SHARE}
CLUSTER = 4  # metal atoms from which an anchor counts as a cluster
_RIDGE = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
# Okabe and Ito's colours, which can be told apart without red–green vision.
_COLOURS = {
    "uncorrected": "#999999",
    "fitted": "#56B4E9",
    "leave-one-anchor-out": "#0072B2",
    "leave-one-element-out": "#E69F00",
}


@dataclass(frozen=True)
class Anchor:
    """One small cluster with both energies: formation energies in eV per metal, dimer reference.

    ``features`` maps metal symbol → fraction and ``"S-X"``-like donor type → ligands per metal; ``n_metals`` counts
    its metal atoms.
    """

    name: str
    pbe: float
    gfn1: float
    features: dict[str, float]
    n_metals: int


def load_anchors() -> list[Anchor]:
    """Load the anchors that have all fragment energies.

    Their metals and ligands all have PBE energies.
    """
    frames = list(iread(ANCHORS, ":"))
    tables = {key: fragment_table(frames, key) for key in ("energy_pbe_eV", "energy_gfn1_eV")}
    known = tables["energy_pbe_eV"]
    clusters = [(f, as_system(f)) for f in frames if f.info["kind"] == "anchor"]
    return [
        _anchor(f, system, tables)
        for f, system in clusters
        if set(system.metal_symbols) <= set(known["atoms"]) and set(system.ligand_counts) <= set(known["ligands"])
    ]


def fit(anchors: list[Anchor] | None = None) -> dict[str, Any]:
    """Fit the corrections and their leave-one-out errors.

    Parameters
    ----------
    anchors
        The anchors to fit; by default the shipped ones.

    Returns
    -------
    dict
        ``corrections`` [eV/metal], ``anchors`` per element or donor type, ``ridge``, ``spread`` of the elemental
        corrections (the uncertainty of an element without anchor), ``without anchor`` (metals of the labelled
        clusters that have none), ``errors`` with the mean absolute difference of the anchors before and after the
        fit, leaving one anchor out (also over those of `CLUSTER` and more metals alone), and leaving one element
        out; the same ``per element or donor`` and
        ``per anchor``.
    """
    anchors = load_anchors() if anchors is None else anchors
    names = sorted({name for anchor in anchors for name in anchor.features})
    x = np.array([[anchor.features.get(name, 0.0) for name in names] for anchor in anchors])
    y = np.array([anchor.pbe - anchor.gfn1 for anchor in anchors])
    w = np.array([anchor.n_metals for anchor in anchors])
    ridge = best_ridge(x, y, w)
    weights = solve(x, y, w, ridge)
    elements = [i for i, name in enumerate(names) if "-" not in name]
    residuals = {
        "uncorrected": y,
        "fitted": y - x @ weights,
        "leave-one-anchor-out": leave_one_out(x, y, w, ridge),
    }
    without = [leave_element_out(x, y, w, column, ridge) for column in elements]
    return {
        "equation": "E_form(PBE) = E_form(GFN1-xTB) + sum_i x_i a_i + sum_l y_l b_l",
        "unit": "eV per metal atom",
        "level": "PBE/DZVP-MOLOPT-SR-GTH (CP2K 2023.1)",
        "ridge": ridge,
        "corrections": dict(zip(names, weights.round(4).tolist(), strict=True)),
        "anchors": {name: int((x[:, i] > 0).sum()) for i, name in enumerate(names)},
        "without anchor": sorted((set(DOPANTS) | {"Au", "Ag", "Cu"}) - set(names)),
        "spread": round(float(weights[elements].std(ddof=1)), 4),
        "errors": {f"{kind} MAE": _mean_abs(values) for kind, values in residuals.items()}
        | {
            "leave-one-anchor-out MAE of clusters": _mean_abs(residuals["leave-one-anchor-out"][w >= CLUSTER]),
            "leave-one-element-out MAE": _mean_abs(np.concatenate([e for e in without if len(e)])),
        },
        "per element or donor": _per_name(names, x, residuals, dict(zip(elements, without, strict=True))),
        "per anchor": {
            a.name: {"PBE": round(a.pbe, 4), "GFN1": round(a.gfn1, 4), "left out": round(float(e), 4)}
            for a, e in zip(anchors, residuals["leave-one-anchor-out"], strict=True)
        },
    }


def _per_name(
    names: list[str], x: np.ndarray, residuals: dict[str, Any], without: dict[int, np.ndarray]
) -> dict[str, Any]:
    """Mean absolute errors [eV/metal] over the anchors that hold an element or donor."""
    table = {}
    for i, name in enumerate(names):
        held = x[:, i] > 0
        table[name] = {f"{kind} MAE": _mean_abs(values[held]) for kind, values in residuals.items()}
        if len(without.get(i, ())):
            table[name]["leave-one-element-out MAE"] = _mean_abs(without[i])
    return table


def _mean_abs(values: np.ndarray) -> float:
    return round(float(np.abs(values).mean()), 4)


def write(path: Path = SHIPPED) -> dict[str, Any]:
    """Fit and store the corrections."""
    fitted = fit()
    write_whole(path, json.dumps(fitted, indent=1) + "\n")
    return fitted


def _anchor(atoms: Atoms, system: BimetallicSystem, tables: dict[str, dict[str, Any]]) -> Anchor:
    energies = {
        key: formation_energy(atoms.info[key], system.metal_symbols, system.ligand_counts, table)
        for key, table in tables.items()
    }
    return Anchor(
        atoms.info["name"],
        energies["energy_pbe_eV"],
        energies["energy_gfn1_eV"],
        correction_features(system),
        system.n_metals,
    )


def atom_energies() -> dict[str, float]:
    """Read PBE energies [eV] of isolated neutral atoms.

    Each is in its lowest multiplicity.
    """
    return {symbol: found["energy_eV"] for symbol, found in json.loads(ATOMS_PBE.read_text()).items()}


def fragment_table(frames: list[Atoms], key: str) -> dict[str, Any]:
    """Make the table of fragment energies at one level.

    It is that of `formation_energy`; ``key`` is the energy's name in ``Atoms.info``.
    """
    energy = {f.info["name"]: f.info[key] for f in frames if f.info["kind"] == "reference"}
    pbe_atoms = atom_energies()
    if "h2" not in energy:
        raise MissingDataError("anchor file lacks the molecule h2")
    return {
        "atoms": pbe_atoms if key == "energy_pbe_eV" else {s: label.atom_energy(s) for s in pbe_atoms},
        "ligands": {
            smiles: {
                "free": energy[free],
                "dimer": _SHARES.get(dimer, 1) * energy[dimer] if dimer else None,
                "radical": None,
            }
            for smiles, (free, dimer) in MOLECULES.items()
            if free in energy and (dimer is None or dimer in energy)
        },
        "H2": energy["h2"],
    }


def best_ridge(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Choose the ridge strength of the smallest error.

    The error is the weighted one of leaving each row out.
    """
    return min(_RIDGE, key=lambda ridge: np.average(np.abs(leave_one_out(x, y, weights, ridge)), weights=weights))


def solve(x: np.ndarray, y: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """Solve for ridge weights (k,) without intercept.

    A shift common to all metals is carried by the a_i themselves.

    Parameters
    ----------
    x
        Features [-], shape (n, k).
    y
        Differences PBE − level [eV/metal], shape (n,).
    weights
        Weight of each row [-], shape (n,); only their ratios count.
    ridge
        Strength of the penalty on squared weights, against rows of mean weight 1 [-].
    """
    weighted = x * (weights / weights.mean())[:, None]
    return np.linalg.solve(weighted.T @ x + ridge * np.eye(x.shape[1]), weighted.T @ y)


def leave_one_out(x: np.ndarray, y: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """Compute errors (n,) of left-out rows [eV/metal].

    Each row is predicted from all others; parameters as in `solve`.
    """
    rows = np.arange(len(y))
    keep = [rows != i for i in rows]
    return np.array([y[i] - x[i] @ solve(x[keep[i]], y[keep[i]], weights[keep[i]], ridge) for i in rows])


def leave_element_out(x: np.ndarray, y: np.ndarray, weights: np.ndarray, column: int, ridge: float) -> np.ndarray:
    """Compute errors on the anchors of an unfitted element.

    None of its anchors are fitted; the result is empty if too few anchors are left.
    """
    held = x[:, column] > 0
    if (~held).sum() < 3:
        return np.array([])
    errors: np.ndarray = y[held] - x[held] @ solve(x[~held], y[~held], weights[~held], ridge)
    return errors


def draw(fitted: dict[str, Any], path: Path) -> None:
    """Draw the errors per element and donor.

    The bars are: uncorrected, fitted, anchor left out, element left out.
    """
    from matplotlib.figure import Figure

    names = sorted(fitted["anchors"], key=lambda n: ("-" in n, n))
    missing = fitted["without anchor"]
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    axes = figure.subplots()
    for shift, (kind, colour) in enumerate(_COLOURS.items()):
        values = [fitted["per element or donor"][n].get(f"{kind} MAE", np.nan) for n in names]
        axes.bar(np.arange(len(names)) + 0.2 * (shift - 1.5), values, 0.2, color=colour, label=kind)
    for k, name in enumerate(missing, start=len(names)):
        axes.text(k, 0.02, "no anchor", rotation=90, ha="center", va="bottom", color="0.35")
        names = [*names, name]
    labels = [f"{n}\n{fitted['anchors'].get(n, 0)}" for n in names]
    axes.set_xticks(range(len(names)), labels)
    axes.set_xlim(-0.7, len(names) - 0.3)
    axes.set_xlabel("element or donor (X: anionic, L: neutral), and its number of anchors")
    axes.set_ylabel("mean |E_form − PBE| (eV per metal atom)")
    axes.set_title("GFN1-xTB formation energies of the anchors against PBE/DZVP-MOLOPT-SR-GTH")
    figure.legend(loc="outside lower center", frameon=False, ncols=4)
    figure.savefig(path, dpi=130)
