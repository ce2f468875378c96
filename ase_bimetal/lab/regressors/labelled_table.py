"""The table that the descriptor models learn from, made from the labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal.lab.labels.dataset import SHIPPED, load_labels
from ase_bimetal.lab.labels.hosts import SHIPPED_HOSTS, load_hosts
from ase_bimetal.lab.labels.level_difference import differences, fit_level
from ase_bimetal.lab.training.data import trainable
from ase_bimetal.model.bond_terms import bond_terms
from ase_bimetal.model.level import (
    ON_SUPPORT,
    SHIPPED_SUPPORTS,
    LevelDifference,
    level_terms,
    load_level_difference,
    support_terms,
)
from ase_bimetal.model.table import (
    COORDINATION,
    DEVIATION,
    NAMES,
    DescriptorTable,
    material_features,
    surroundings,
)
from ase_bimetal.system import BimetallicSystem, as_system


@dataclass(frozen=True)
class Shifts:
    """What refers GFN1-xTB energies to PBE, by what the metals stand in.

    Attributes
    ----------
    clusters
        For ligands. Of other hosts, such as oxides, it knows the metals alone.
    bare
        For bare metal; of crystals it knows energies with k-points.
    on_supports
        For metals on doped carbon or in a zeolite; it also knows pairs there.
    """

    clusters: LevelDifference
    bare: LevelDifference
    on_supports: LevelDifference

    def predict(self, kind: str, terms: Mapping[str, float]) -> tuple[float, float]:
        """Predict PBE minus GFN1-xTB.

        Parameters
        ----------
        kind
            As of `ase_bimetal.model.table.surroundings`.
        terms
            As of `shift_terms`.

        Returns
        -------
        tuple of float
            Mean and standard deviation [eV/metal].
        """
        if kind in ON_SUPPORT:
            return self.on_supports.predict(terms)
        return (self.bare if kind in ("bare particle", "bare solid") else self.clusters).predict(terms)


def shipped_shifts() -> Shifts:
    """Load those that the shipped table is made with."""
    return Shifts(
        load_level_difference(), fit_level(differences(k_points=True)), load_level_difference(SHIPPED_SUPPORTS)
    )


def shift_terms(system: BimetallicSystem) -> dict[str, float]:
    """Describe what the shift of an object depends on, its support included [1/metal]."""
    return level_terms(system) | support_terms(surroundings(system), system.metal_symbols)


def build_table(frame: pd.DataFrame, shifts: Shifts) -> DescriptorTable:
    """Describe labelled objects.

    Parameters
    ----------
    frame
        With columns ``id``, ``prototype``, ``family``, ``atoms`` and ``formation_energy`` [eV/metal], as of
        `ase_bimetal.lab.labels.dataset.load_labels` or `ase_bimetal.lab.labels.hosts.load_hosts`.
    shifts
        What refers the energies to PBE.

    Returns
    -------
    DescriptorTable
        The bimetallic rows, sorted by ``id``.
    """
    systems = [as_system(atoms) for atoms in frame.atoms]
    rows = [
        _row(record, system, shifts)
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
    labels: Path = SHIPPED,
    hosts: Path = SHIPPED_HOSTS,
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
    return build_table(_frame(labels, hosts, ids), shipped_shifts())


def labelled_systems(ids: Collection[str]) -> dict[str, BimetallicSystem]:
    """Load labelled objects by record."""
    frame = _frame(SHIPPED, SHIPPED_HOSTS, ids)
    return {record.id: as_system(record.atoms) for record in frame.itertuples()}


def _frame(labels: Path, hosts: Path, ids: Collection[str] | None) -> pd.DataFrame:
    columns = ["id", "prototype", "family", "atoms", "formation_energy"]
    frames = [trainable(load(path).frame)[columns] for load, path in ((load_labels, labels), (load_hosts, hosts))]
    frame = pd.concat(frames, ignore_index=True)
    return frame if ids is None else frame[frame.id.isin(ids)]


def _row(record: Any, system: BimetallicSystem, shifts: Shifts) -> dict[str, object]:
    terms, kind = shift_terms(system), surroundings(system)
    mean, deviation = shifts.predict(kind, terms)
    values = (record.id, record.prototype, record.family, kind, system.host, system.dopant)
    return (
        dict(zip(NAMES, values, strict=True))
        | material_features(system)
        | {COORDINATION: 12 * terms["CN"], "gfn1": record.formation_energy, "shift": mean, DEVIATION: deviation}
        | bond_terms(system)
    )


__all__ = ["Shifts", "build_table", "labelled_rows", "labelled_systems", "shift_terms", "shipped_shifts", "thin"]
