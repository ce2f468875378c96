"""How far GFN1-xTB is from PBE, and which description of the difference holds for clusters left out.

``python -m ase_bimetal.lab.labels.level_difference`` prints the comparison as a Markdown table; with ``--write`` it
also writes the differences that the models ship with. Models made with the former one are then to be made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from ase import Atoms
from ase.io import iread

from ase_bimetal.files import write_whole
from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels.bulk import BARE, bare_clusters, bulk_metals
from ase_bimetal.lab.labels.corrections import ANCHORS, fragment_table, solve
from ase_bimetal.lab.labels.cp2k import METHOD
from ase_bimetal.lab.labels.pbe import PbeLabel, load_pbe
from ase_bimetal.lab.labels.support_pbe import SUPPORTS, SupportKind, load_support_pbe
from ase_bimetal.model.level import (
    ON_SUPPORT,
    SHIPPED,
    SHIPPED_SUPPORTS,
    LevelDifference,
    coordination_terms,
    is_support_term,
    level_terms,
    metal_coordination,
    support_terms,
)
from ase_bimetal.numbers import number
from ase_bimetal.structures.motifs import FAMILIES, PARTICLES, family_group
from ase_bimetal.system import as_system

_RIDGE = 0.1
#: A crystal has twelve neighbours.
_CLOSE_PACKED = np.array([12.0])


@dataclass(frozen=True)
class Difference:
    """PBE minus GFN1-xTB for one object.

    Attributes
    ----------
    name
        Record, anchor or crystal.
    prototype
        That of a labelled cluster; anchors and crystals are their own.
    family, dopant
        Motif and dopant of a labelled cluster; empty for anchors and crystals.
    value
        Formation energy with PBE minus that with GFN1-xTB [eV/metal].
    terms
        As of `ase_bimetal.model.level.level_terms`.
    n_metals
        Number of metal atoms.
    """

    name: str
    prototype: str
    family: str
    dopant: str
    value: float
    terms: dict[str, float]
    n_metals: int

    @property
    def is_label(self) -> bool:
        """Whether it is a labelled cluster, on which errors are measured."""
        return bool(self.family)


def differences(k_points: bool = False) -> list[Difference]:
    """Collect labels, anchors, bare clusters and crystals that have both energies.

    Parameters
    ----------
    k_points
        Whether the GFN1-xTB energies of crystals are those with k-points, and not the limit of growing particles.
    """
    return [*map(_of_label, load_pbe()), *_of_anchors(), *_of_bare_metal(k_points)]


def support_differences(kind: SupportKind) -> list[Difference]:
    """Collect pairs of metals on a kind of support that have both energies.

    They have the terms of their metals and those of `support_terms`: as small as it is here, the piece of a support
    would be read as a ligand. The prototype of a pair in a zeolite is its framework.
    """
    surroundings, rows = SUPPORTS[kind].surroundings, []
    for label in load_support_pbe(kind):
        site, metals = label.site, label.site.metals
        coordination = metal_coordination(metals, label.atoms.positions[: len(metals)])
        shares = {symbol: metals.count(symbol) / len(metals) for symbol in dict.fromkeys(metals)}
        on_support = support_terms(surroundings, metals, site.framework)
        terms = shares | coordination_terms(metals, coordination) | on_support
        group = site.framework or site.title
        rows.append(Difference(site.title, group, "", "", label.pbe - label.gfn1, terms, len(metals)))
    return rows


def fit_level(rows: Sequence[Difference]) -> LevelDifference:
    """Turn differences into the process that predicts others.

    Parameters
    ----------
    rows
        As `differences` gives them.
    """
    names = sorted({name for row in rows for name in row.terms})
    return LevelDifference(
        tuple(names),
        np.array([[row.terms.get(name, 0.0) for name in names] for row in rows]),
        np.array([row.value for row in rows]),
        np.array([row.n_metals for row in rows]),
        METHOD,
    )


def _of_label(label: PbeLabel) -> Difference:
    system = as_system(label.atoms)
    family, dopant = _family_and_dopant(label.prototype)
    value = label.pbe - label.gfn1
    return Difference(label.record, label.prototype, family, dopant, value, level_terms(system), system.n_metals)


def _family_and_dopant(prototype: str) -> tuple[str, str]:
    """Motif and dopant of a prototype's name.

    Examples
    --------
    >>> _family_and_dopant("M@Au24-centre-Pd-SH"), _family_and_dopant("M13-Cu-in-Ag-random-90-PH3-Br")
    (('M@Au24', 'Pd'), ('M13', 'Cu'))
    """
    family = max((name for name in FAMILIES | PARTICLES if prototype.startswith(f"{name}-")), key=len)
    return family_group(family), prototype[len(family) + 1 :].partition("-")[0]


def _of_anchors() -> list[Difference]:
    frames = list(iread(ANCHORS, ":"))
    tables = {key: fragment_table(frames, key) for key in ("energy_pbe_eV", "energy_gfn1_eV")}
    known, rows = tables["energy_pbe_eV"], []
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
        name = frame.info["name"]
        rows.append(Difference(name, name, "", "", pbe - gfn1, level_terms(system), system.n_metals))
    return rows


def _of_bare_metal(k_points: bool) -> list[Difference]:
    clusters = [
        Difference(
            c.name,
            c.name,
            "",
            "",
            c.pbe - c.gfn1,
            level_terms(as_system(Atoms(c.symbols, c.positions))),
            len(c.symbols),
        )
        for c in bare_clusters()
    ]
    crystals = [
        Difference(
            f"{m.symbol} crystal",
            f"{m.symbol} crystal",
            "",
            "",
            m.pbe - (m.gfn1_k_points if k_points else m.gfn1),
            {m.symbol: 1.0} | coordination_terms([m.symbol], _CLOSE_PACKED),
            BARE,
        )
        for m in bulk_metals()
    ]
    return clusters + crystals


Learner = Callable[[Sequence[Difference], Sequence[Difference]], np.ndarray]


def _linear(reads: Callable[[str], bool]) -> Learner:
    """Ridge regression on some of the terms."""

    def learn(known: Sequence[Difference], asked: Sequence[Difference]) -> np.ndarray:
        names = sorted({name for row in [*known, *asked] for name in row.terms if reads(name)})
        x, y = (np.array([[row.terms.get(n, 0.0) for n in names] for row in rows]) for rows in (known, asked))
        weights = np.array([float(row.n_metals) for row in known])
        found: np.ndarray = y @ solve(x, np.array([row.value for row in known]), weights, _RIDGE)
        return found

    return learn


def _process(known: Sequence[Difference], asked: Sequence[Difference]) -> np.ndarray:
    level = fit_level(known)
    return np.array([level.predict(row.terms)[0] for row in asked])


#: Form of the difference → how it predicts some objects from others.
FORMS: dict[str, Learner] = {
    "metals and donors": _linear(lambda name: not name.startswith("CN")),
    "and coordination by metal": _linear(lambda name: name != "CN"),
    "and mean coordination": _linear(lambda name: True),
    "Gaussian process on all of them": _process,
}
#: What is left out together.
GROUPS: dict[str, Callable[[Difference], str]] = {
    "prototype": lambda row: row.prototype,
    "dopant": lambda row: row.dopant,
    "family": lambda row: row.family,
}


def left_out(rows: Sequence[Difference], group: str) -> list[tuple[list[Difference], list[Difference]]]:
    """Divide rows into known and asked ones, group by group.

    One division for every group of labelled clusters.

    Parameters
    ----------
    rows
        As `differences` gives them.
    group
        Key of `GROUPS`.

    Returns
    -------
    list of tuple
        All rows but the labelled clusters of one group, and these clusters.
    """
    key = GROUPS[group]
    names = sorted({key(row) for row in rows if row.is_label})
    return [
        (
            [row for row in rows if not (row.is_label and key(row) == name)],
            [row for row in rows if row.is_label and key(row) == name],
        )
        for name in names
    ]


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
    errors = [
        np.array([row.value for row in asked]) - FORMS[form](known, asked) for known, asked in left_out(rows, group)
    ]
    return np.concatenate(errors)


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


def support_left_out(kind: SupportKind, others: Sequence[Difference]) -> pd.DataFrame:
    """Predict each pair on a support from others, and from clusters.

    Parameters
    ----------
    kind
        Key of `ase_bimetal.lab.labels.support_pbe.SUPPORTS`.
    others
        Of clusters and bare metal, as `differences` gives them.

    Returns
    -------
    pandas.DataFrame
        By pair: ``difference`` between the levels, ``mean`` and ``deviation`` from the other pairs, in a zeolite those
        of other frameworks, ``clusters`` from clusters alone [eV/metal], and whether they hold both metals
        (``shared``).
    """
    rows, clusters, found = support_differences(kind), fit_level(others), {}
    for row in rows:
        rest = [other for other in rows if other.prototype != row.prototype]
        mean, deviation = fit_level([*others, *rest]).predict(row.terms)
        plain = {name: value for name, value in row.terms.items() if not is_support_term(name)}
        known = {name for other in rest for name in other.terms}
        shared = all(name in known for name in row.terms if name.endswith(tuple(ON_SUPPORT.values())))
        found[row.name] = (row.value, mean, deviation, clusters.predict(plain)[0], shared)
    return pd.DataFrame.from_dict(found, "index", columns=["difference", "mean", "deviation", "clusters", "shared"])


def markdown_support(kind: SupportKind, others: Sequence[Difference]) -> str:
    """Write `support_left_out` as a Markdown table."""
    found = support_left_out(kind, others)
    source = "other frameworks" if kind == "zeolite" else "the other pairs"
    lines = [
        f"| pair | PBE − GFN1-xTB | from {source} | from clusters alone |",
        "| --- | --- | --- | --- |",
    ]
    for row in found.itertuples():
        cells = (number(row.difference), f"{number(row.mean)} ± {number(row.deviation)}", number(row.clusters))
        lines.append(f"| {row.Index} | " + " | ".join(cells) + " |")
    known = found[found.shared]
    errors = (number((known[name] - known.difference).abs().mean()) for name in ("mean", "clusters"))
    return "\n".join([*lines, f"| mean absolute error of {len(known)} | | " + " | ".join(errors) + " |"])


def main(write: Annotated[bool, typer.Option(help="Write the differences that the models ship with.")] = False) -> None:
    """Print the comparison."""
    rows = differences()
    n_labels = sum(row.is_label for row in rows)
    print(
        f"{n_labels} PBE labels, {len(rows) - n_labels} anchors, bare clusters and crystals; "
        "mean absolute error on the labels [eV/metal]\n"
    )
    print(markdown(rows))
    for kind in SUPPORTS:
        print(f"\npairs of metals on the support {kind!r} [eV/metal]\n\n{markdown_support(kind, rows)}")
    if write:
        write_whole(SHIPPED, fit_level(rows).to_json())
        with_supports = [*rows, *(row for kind in SUPPORTS for row in support_differences(kind))]
        write_whole(SHIPPED_SUPPORTS, fit_level(with_supports).to_json())


if __name__ == "__main__":
    typer.run(main)
