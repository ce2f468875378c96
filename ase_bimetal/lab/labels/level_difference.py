"""How far GFN1-xTB is from PBE, and which description of the difference holds for clusters left out.

``python -m ase_bimetal.lab.labels.level_difference`` prints the comparison as a Markdown table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ase.io import read
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, DotProduct, WhiteKernel

from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels.bulk import BARE, bare_clusters, bulk_metals
from ase_bimetal.lab.labels.corrections import ANCHORS, fragment_table, solve
from ase_bimetal.lab.labels.level_terms import cluster_terms, level_terms
from ase_bimetal.lab.labels.pbe import PbeLabel, load_pbe
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.motifs import DOPANTS, FAMILIES
from ase_bimetal.system import as_system

_METALS = frozenset({"Au", "Ag", "Cu", *DOPANTS})
_RIDGE = 0.1
_NOISE = 0.05  # eV/metal, of a difference between two levels


@dataclass(frozen=True)
class Difference:
    """PBE minus GFN1-xTB for one object.

    Attributes
    ----------
    name
        Record, anchor or crystal.
    group
        Prototype; anchors and crystals are their own.
    family, dopant
        Motif and dopant of a labelled cluster; empty for anchors and crystals.
    value
        Formation energy with PBE minus that with GFN1-xTB [eV/metal].
    terms
        As of `ase_bimetal.lab.labels.level_terms.level_terms`, ligands by donor type.
    n_metals
        Number of metal atoms, the weight of the row.
    """

    name: str
    group: str
    family: str
    dopant: str
    value: float
    terms: dict[str, float]
    n_metals: int


def differences() -> list[Difference]:
    """Collect labels, anchors, bare clusters and crystals that have both energies."""
    return [*map(_of_label, load_pbe()), *_of_anchors(), *_of_bare_metal()]


def _of_label(label: PbeLabel) -> Difference:
    core = label.atoms[label.atoms.arrays["fragment"] == 0]
    terms = _by_donor(level_terms(core.get_chemical_symbols(), core.positions, label.atoms.info["ligand_smiles"]))
    family, dopant = _family_and_dopant(label.prototype)
    return Difference(label.record, label.prototype, family, dopant, label.pbe - label.gfn1, terms, len(core))


def _family_and_dopant(prototype: str) -> tuple[str, str]:
    """Motif and dopant of a prototype's name.

    Examples
    --------
    >>> _family_and_dopant("M@Au24-centre-Pd-SH"), _family_and_dopant("M13-Cu-in-Ag-random-90-PH3-Br")
    (('M@Au24-centre', 'Pd'), ('M13', 'Cu'))
    """
    family = max((name for name in FAMILIES if prototype.startswith(f"{name}-")), key=len)
    return family, prototype[len(family) + 1 :].partition("-")[0]


def _of_anchors() -> list[Difference]:
    frames = read(ANCHORS, ":")
    tables = {key: fragment_table(frames, key) for key in ("energy_pbe_eV", "energy_gfn1_eV")}
    known, found = tables["energy_pbe_eV"], []
    for frame in frames:
        if frame.info["kind"] != "anchor":
            continue
        system = as_system(frame)
        if set(system.metal_symbols) - set(known["atoms"]) or set(system.ligand_counts) - set(known["ligands"]):
            continue
        pbe, gfn1 = (
            formation_energy(frame.info[key], system.metal_symbols, system.ligand_counts, table)
            for key, table in tables.items()
        )
        name, terms = frame.info["name"], _by_donor(cluster_terms(frame))
        found.append(Difference(name, name, "", "", pbe - gfn1, terms, system.n_metals))
    return found


def _of_bare_metal() -> list[Difference]:
    clusters = [
        Difference(c.name, c.name, "", "", c.pbe - c.gfn1, level_terms(c.symbols, c.positions, {}), len(c.symbols))
        for c in bare_clusters()
    ]
    crystals = [
        Difference(f"{m.symbol} crystal", f"{m.symbol} crystal", "", "", m.pbe - m.gfn1,
                   {m.symbol: 1.0, f"CN {m.symbol}": 1.0, "CN": 1.0}, BARE)
        for m in bulk_metals()
    ]
    return clusters + crystals


def _by_donor(terms: dict[str, float]) -> dict[str, float]:
    """Terms with ligands summed by donor type, such as ``"S-X"``."""
    found: dict[str, float] = {}
    for name, value in terms.items():
        kind = name
        if not name.startswith("CN") and name not in _METALS:
            ligand = Ligand.parse(name)
            kind = f"{ligand.donor}-{ligand.type}"
        found[kind] = found.get(kind, 0.0) + value
    return found


_METALS = frozenset(
    ["Au", "Ag", "Cu", "Zn", "Cd", "Hg", "Ni", "Pd", "Pt", "Co", "Rh", "Ir", "Fe", "Ru", "Os", "Mn", "Re"]
)
Learner = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _ridge(x: np.ndarray, y: np.ndarray, weights: np.ndarray, asked: np.ndarray) -> np.ndarray:
    return asked @ solve(x, y, weights, _RIDGE)


def _gaussian_process(x: np.ndarray, y: np.ndarray, weights: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """A linear kernel for the sums, and a smooth one for what they miss."""
    kernel = DotProduct(1.0, "fixed") + 0.05 * RBF(0.5, "fixed") + WhiteKernel(1e-6, "fixed")
    noise = _NOISE**2 * 4 / weights  # a small molecule says less about a cluster
    return GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(x, y).predict(asked)


def _no_coordination(name: str) -> bool:
    return not name.startswith("CN")


#: Form of the difference → which terms it reads, and how it learns them.
FORMS: dict[str, tuple[Callable[[str], bool], Learner]] = {
    "metals and donors": (_no_coordination, _ridge),
    "and coordination by metal": (lambda name: name != "CN", _ridge),
    "and mean coordination": (lambda name: True, _ridge),
    "Gaussian process on all of them": (lambda name: True, _gaussian_process),
}
#: What is left out together.
GROUPS: dict[str, Callable[[Difference], str]] = {
    "prototype": lambda row: row.group,
    "dopant": lambda row: row.dopant,
    "family": lambda row: row.family,
}


def left_out_errors(rows: Sequence[Difference], form: str, group: str) -> np.ndarray:
    """Predict every labelled cluster from rows of other groups.

    Parameters
    ----------
    rows
        As `differences` gives them.
    form
        Key of `FORMS`.
    group
        Key of `GROUPS`.

    Returns
    -------
    numpy.ndarray
        True minus predicted difference (labels,) [eV/metal].
    """
    reads, learn = FORMS[form]
    names = sorted({name for row in rows for name in row.terms if reads(name)})
    x = np.array([[row.terms.get(name, 0.0) for name in names] for row in rows])
    y = np.array([row.value for row in rows])
    weights = np.array([float(row.n_metals) for row in rows])
    keys = np.array([GROUPS[group](row) for row in rows])
    labelled = np.array([bool(row.family) for row in rows])
    errors = np.zeros(len(rows))
    for key in set(keys[labelled]):
        out = (keys == key) & labelled
        errors[out] = y[out] - learn(x[~out], y[~out], weights[~out], x[out])
    return errors[labelled]


def markdown(rows: Sequence[Difference]) -> str:
    """Table of mean absolute errors [eV/metal] of every form and group."""
    lines = [
        "| form of PBE − GFN1-xTB | prototype left out | dopant left out | family left out |",
        "| --- | --- | --- | --- |",
    ]
    for form in FORMS:
        errors = (np.abs(left_out_errors(rows, form, group)).mean() for group in GROUPS)
        lines.append(f"| {form} | " + " | ".join(f"{error:.3f}" for error in errors) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the comparison."""
    rows = differences()
    n_labels = sum(bool(row.family) for row in rows)
    print(f"{n_labels} PBE labels, {len(rows) - n_labels} anchors, bare clusters and crystals; "
          "mean absolute error on the labels [eV/metal]\n")
    print(markdown(rows))


if __name__ == "__main__":
    main()
