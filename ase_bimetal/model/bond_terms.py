"""Two baselines for scale: bond counting, and a sparse formula of products and ratios of the eight features."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ase_bimetal import elements
from ase_bimetal.descriptors import NEIGHBOUR_FACTOR, reduced
from ase_bimetal.neighbors import pairs_within
from ase_bimetal.system import BimetallicSystem

#: Neighbours of a metal atom in a close-packed solid [-].
_FULL_COORDINATION = 12
_DONORS = {
    "S": "S",
    "P": "P",
    "C": "C",
    "N": "N",
    "O": "O",
    "F": "halogen",
    "Cl": "halogen",
    "Br": "halogen",
    "I": "halogen",
}
_METAL_TERM = "metal bonds (eV/metal)"
_POLARITY, _METAL_POLARITY = "bond polarity (1/metal)", "metal bond polarity (1/metal)"
#: Terms of `bond_terms`, in order.
BOND_TERMS = (
    _METAL_TERM,
    _METAL_POLARITY,
    _POLARITY,
    *(f"{kind} bonds (1/metal)" for kind in ("S", "P", "C", "N", "O", "halogen", "other")),
)


def bond_terms(system: BimetallicSystem) -> dict[str, float]:
    """Compute what a bond-counting model sums up.

    The terms are per metal atom.

    The metal part is that of the square-root bond-cutting model, which comes from the second moment of the
    density of states: an atom with z of 12 neighbours keeps sqrt(z/12) of its cohesive energy (Yan et al., Nano
    Lett. 2018, 18, 2696, doi 10.1021/acs.nanolett.8b00670). Bonds to donors are counted by donor element; polar
    bonds gain in proportion to the squared difference of electronegativity (Pauling).

    Parameters
    ----------
    system
        An object with coordinates.

    Returns
    -------
    dict
        One value for each of `BOND_TERMS`.

    Examples
    --------
    >>> from ase.build import bulk
    >>> round(bond_terms(BimetallicSystem.from_atoms(bulk("Au")))["metal bonds (eV/metal)"], 2)
    -3.81
    """
    terms = dict.fromkeys(BOND_TERMS, 0.0) | _metal_terms(system)
    for donor, metal in system.bonds.tolist():
        a, b = system.symbols[donor], system.symbols[metal]
        terms[f"{_DONORS.get(a, 'other')} bonds (1/metal)"] += 1 / system.n_metals
        terms[_POLARITY] += _squared_difference(a, b) / system.n_metals
    return terms


def bond_model() -> Pipeline:
    """Make an untrained linear model of `bond_terms`.

    It has one energy for each kind of bond, slightly shrunk.
    """
    return make_pipeline(StandardScaler(), Ridge(alpha=1.0))


def sparse_terms(features: pd.DataFrame) -> pd.DataFrame:
    """List the candidates of the sparse formula.

    These are the features, their products, ratios to N_metal and D, D̃ and φ.

    Parameters
    ----------
    features
        (n, m) table with the eight features and no missing value.
    """
    columns = list(features)
    size, distance, radii = (next(c for c in columns if c.startswith(s)) for s in ("N_metal", "D (", "delta R"))
    terms = {name: features[name] for name in columns}
    terms |= {f"{a} × {b}": features[a] * features[b] for a, b in combinations_with_replacement(columns, 2)}
    for below in (size, distance):
        # A one-metal core has D = 0; the ratio is taken as 0 there, as D̃ is.
        safe = features[below].where(features[below] > 0)
        terms |= {f"{a} / {below}": (features[a] / safe).fillna(0.0) for a in columns if a != below}
    share = [reduced(d, r) for d, r in zip(features[distance], features[radii], strict=True)]
    terms["reduced distance"] = pd.Series(share, features.index)
    terms["phi"] = terms["reduced distance"] * features["chi_env (Pauling)"]
    return pd.DataFrame(terms)


def chosen_terms(pipeline: Pipeline) -> dict[str, float]:
    """List the terms that a sparse formula kept.

    Each has its weight [eV/metal per standard deviation], largest first.
    """
    names = pipeline.named_steps["scale"].feature_names_in_
    weights = pipeline.named_steps["model"].coef_
    order = np.argsort(-np.abs(weights))
    return {str(names[i]): float(weights[i]) for i in order if weights[i] != 0.0}


def _metal_terms(system: BimetallicSystem) -> dict[str, float]:
    """Cohesion by coordination [eV/metal] and squared electronegativity differences of metal–metal bonds."""
    symbols = system.metal_symbols
    radii = np.array([elements.metallic_radius(s) for s in symbols]) / 100
    found = pairs_within(
        system.positions[system.metals], system.cell, system.pbc, 2 * NEIGHBOUR_FACTOR * float(radii.max())
    )
    near = found.where(found.distance < NEIGHBOUR_FACTOR * (radii[found.first] + radii[found.second]))
    coordination = Counter(near.first.tolist())
    cohesion = [
        -elements.cohesive_energy(s) * np.sqrt(min(coordination[i], _FULL_COORDINATION) / _FULL_COORDINATION)
        for i, s in enumerate(symbols)
    ]
    polar = [_squared_difference(symbols[i], symbols[j]) for i, j in zip(near.first, near.second, strict=True)]
    return {_METAL_TERM: float(np.mean(cohesion)), _METAL_POLARITY: sum(polar) / 2 / len(symbols)}


def _squared_difference(a: str, b: str) -> float:
    return (elements.electronegativity(a) - elements.electronegativity(b)) ** 2


__all__ = ["BOND_TERMS", "bond_model", "bond_terms", "chosen_terms", "sparse_terms"]
