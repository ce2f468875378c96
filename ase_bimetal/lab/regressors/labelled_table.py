"""The table that the descriptor models learn from, made from the labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal.files import DATASETS
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.lab.labels.level_difference import differences, fit_level
from ase_bimetal.lab.training.data import trainable
from ase_bimetal.model.bond_terms import bond_terms
from ase_bimetal.model.level import ON_SUPPORT, SHIPPED_SUPPORTS, level_terms, load_level_difference, support_terms
from ase_bimetal.model.table import (
    COORDINATION,
    DEVIATION,
    NAMES,
    DescriptorTable,
    material_features,
    surroundings,
)
from ase_bimetal.system import BimetallicSystem, as_system

#: System and its `level_terms` → what refers its GFN1-xTB energy to PBE, and the standard deviation of that [eV/metal].
Shift = Callable[[BimetallicSystem, Mapping[str, float]], tuple[float, float]]


def shift_to_pbe() -> Shift:
    """Learn what refers GFN1-xTB energies to PBE, by what the metals stand in.

    Clusters have the shipped level difference, bare metal one from crystals with k-points, and metals on doped carbon
    or in a zeolite the shipped one that also learned from pairs there. Of the donors of other hosts, such as oxides,
    nothing is known: there the first knows the metals alone.
    """
    shipped, bare = load_level_difference(), fit_level(differences(k_points=True))
    on_supports = load_level_difference(SHIPPED_SUPPORTS)

    def shift(system: BimetallicSystem, terms: Mapping[str, float]) -> tuple[float, float]:
        kind = surroundings(system)
        if kind in ON_SUPPORT:
            return on_supports.predict({**terms, **support_terms(kind, system.metal_symbols)})
        return (bare if system.kind == "alloy" else shipped).predict(terms)

    return shift


def build_table(frame: pd.DataFrame, shift: Shift) -> DescriptorTable:
    """Describe labelled objects.

    Parameters
    ----------
    frame
        With columns ``id``, ``prototype``, ``family``, ``atoms`` and ``formation_energy`` [eV/metal], as of
        `ase_bimetal.lab.labels.dataset.load_labels` or `ase_bimetal.lab.labels.hosts.load_hosts`.
    shift
        As of `shift_to_pbe`.

    Returns
    -------
    DescriptorTable
        The bimetallic rows, sorted by ``id``.
    """
    systems = [as_system(atoms) for atoms in frame.atoms]
    rows = [
        _row(record, system, shift)
        for record, system in zip(frame.itertuples(), systems, strict=True)
        if len(system.composition_metals) == 2
    ]
    table = pd.DataFrame(rows).sort_values("id", ignore_index=True)
    energy = table.gfn1 + table["shift"]
    table["minimum"] = (energy.groupby(table.prototype).rank(method="first") == 1).astype(int)
    return DescriptorTable(table)


def thin(table: DescriptorTable, per_prototype: int) -> DescriptorTable:
    """Keep each prototype's minimum and some configurations.

    The further ones are spread evenly over its metal–metal distances.

    Parameters
    ----------
    per_prototype
        Configurations to keep beside the minimum.
    """
    kept: list[int] = []
    for _, group in table.rows.groupby("prototype", sort=True):
        others = group[group.minimum == 0].sort_values(["D (Å)", "id"]).index.to_numpy()
        picks = np.unique(np.linspace(0, len(others) - 1, min(per_prototype, len(others))).round().astype(int))
        kept += [*group.index[group.minimum == 1], *others[picks]]
    keep = np.zeros(len(table.rows), dtype=bool)
    keep[kept] = True
    return table.where(keep)


def labelled_rows(
    labels: Path = DATASETS / "reference.json.xz",
    hosts: Path = DATASETS / "hosts.json.xz",
    ids: Collection[str] | None = None,
) -> DescriptorTable:
    """Tabulate all shipped labels.

    They are of nanoclusters, zeolites, sheets, particles and slabs.

    Rattles that strain the inside of ligands or host are left out, as they are for the multimodal model.

    Parameters
    ----------
    labels, hosts
        Packed labels of `ase_bimetal.lab.labels.dataset` and of `ase_bimetal.lab.labels.hosts`.
    ids
        Rows to describe; all by default. The lowest of a prototype is looked for among them.
    """
    columns = ["id", "prototype", "family", "atoms", "formation_energy"]
    frames = [trainable(load(path).frame)[columns] for load, path in ((load_labels, labels), (load_hosts, hosts))]
    frame = pd.concat(frames, ignore_index=True)
    if ids is not None:
        frame = frame[frame.id.isin(ids)]
    return build_table(frame, shift_to_pbe())


def _row(record: Any, system: BimetallicSystem, shift: Shift) -> dict[str, object]:
    terms = level_terms(system)
    mean, deviation = shift(system, terms)
    values = (record.id, record.prototype, record.family, surroundings(system), system.host, system.dopant)
    return (
        dict(zip(NAMES, values, strict=True))
        | material_features(system)
        | {COORDINATION: 12 * terms["CN"], "gfn1": record.formation_energy, "shift": mean, DEVIATION: deviation}
        | bond_terms(system)
    )


__all__ = ["build_table", "labelled_rows", "thin"]
