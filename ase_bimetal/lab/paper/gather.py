"""Everything the page is made from, loaded and computed once from what ships."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal.descriptors import charge_transfer, environment_electronegativity
from ase_bimetal.errors import MissingDataError
from ase_bimetal.lab.labels.dataset import LabelSet, load_labels
from ase_bimetal.lab.labels.hosts import SHIPPED_HOSTS, load_hosts
from ase_bimetal.lab.paper.materials import assess_materials
from ase_bimetal.lab.regressors.labelled_table import labelled_rows
from ase_bimetal.lab.training.data import trainable
from ase_bimetal.lab.training.splits import random_split
from ase_bimetal.model.card import ModelCard
from ase_bimetal.model.forest import DescriptorForest, get_forest
from ase_bimetal.model.interface import require_predictions
from ase_bimetal.model.predictor import Predictor, get_predictor, level_shift
from ase_bimetal.model.table import DescriptorTable, read_table, surroundings
from ase_bimetal.structures.motifs import family_group
from ase_bimetal.system import BimetallicSystem, as_system


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The shipped model on the rows of its random test split.

    Attributes
    ----------
    truth, predicted
        (n,) label and prediction, both at the published level [eV/metal].
    family
        (n,) kind of core.
    same_labels
        Whether the model was trained on the labels that ship, so that it has never seen these rows.
    """

    truth: np.ndarray
    predicted: np.ndarray
    family: np.ndarray
    same_labels: bool


@dataclass(frozen=True, eq=False)
class PageData:
    """What the sections read.

    Attributes
    ----------
    labels
        One row per valid label of a cluster: ``family`` and ``energy``, PBE-referenced E_form [eV/metal].
    digest
        Of the labels.
    test
        The model on its test rows.
    card, model
        The model's card, and its name with hash.
    forest, table
        The descriptor forest and the rows it grows from.
    described
        The same rows with the terms of the bond-counting baseline, described again from the labels.
    charges
        One row per prototype: ``surroundings``, ``chi_env`` [Pauling], ``delta_q`` [e] (ΔQ_CT).
    materials
        Materials from the literature, of `ase_bimetal.lab.paper.materials.assess_materials`.
    """

    labels: pd.DataFrame
    digest: str
    test: HeldOut
    card: ModelCard
    model: str
    forest: DescriptorForest
    table: DescriptorTable
    described: DescriptorTable
    charges: pd.DataFrame
    materials: pd.DataFrame


def gather() -> PageData:
    """Load the shipped labels, models and tables, and predict what the page compares."""
    labels, predictor = load_labels(), get_predictor()
    firsts = labels.frame.sort_values("index").groupby("prototype", sort=True).head(1)
    systems = dict(zip(firsts.prototype, map(_with_charges, firsts.atoms, firsts.charges), strict=True))
    forest, table = get_forest(), read_table()
    hosts = load_hosts().frame if SHIPPED_HOSTS.is_file() else None
    extended = () if hosts is None else map(_with_charges, *_first_hosts(hosts))
    return PageData(
        labels=_labels(labels, systems, predictor.card),
        digest=labels.digest,
        test=_held_out(labels, predictor),
        card=predictor.card,
        model=predictor.checkpoint.name,
        forest=forest,
        table=table,
        described=labelled_rows(ids=set(table.rows.id)),
        charges=charge_rows([*systems.values(), *extended]),
        materials=assess_materials(forest, table),
    )


def charge_rows(systems: Iterable[BimetallicSystem]) -> pd.DataFrame:
    """Compute ΔQ_CT and χ_env of systems with charges.

    Bare metal, without surroundings, is left out.
    """
    rows = []
    for system in systems:
        if system.dopant is None:
            continue
        try:
            chi = environment_electronegativity(system)
        except MissingDataError:
            continue
        rows.append({"surroundings": surroundings(system), "chi_env": chi, "delta_q": charge_transfer(system)})
    return pd.DataFrame(rows, columns=["surroundings", "chi_env", "delta_q"])


def _with_charges(atoms: Any, charges: np.ndarray) -> BimetallicSystem:
    carrier = atoms.copy()
    carrier.set_initial_charges(charges)
    return as_system(carrier)


def _first_hosts(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Atoms and charges of each prototype's first configuration."""
    firsts = frame.sort_values("index").groupby("prototype", sort=True).head(1)
    return firsts.atoms, firsts.charges


def _labels(labels: LabelSet, systems: dict[str, BimetallicSystem], card: ModelCard) -> pd.DataFrame:
    """Labels at the published level; the shift of a prototype's parent is that of all its configurations."""
    shifts = {name: level_shift(system, card).value for name, system in systems.items()}
    frame = labels.frame
    energy = frame.formation_energy.to_numpy() + frame.prototype.map(shifts).to_numpy(dtype=float)
    return pd.DataFrame({"family": frame.family.map(family_group).to_numpy(), "energy": energy})


def _held_out(labels: LabelSet, predictor: Predictor) -> HeldOut:
    rows = trainable(labels.frame)
    test = rows.iloc[random_split(len(rows)).test]
    systems = [as_system(atoms) for atoms in test.atoms]
    shifts = np.array([level_shift(system, predictor.card).value for system in systems])
    predicted = [found.formation_energy_per_metal for found in require_predictions(predictor.predict(systems))]
    return HeldOut(
        truth=test.formation_energy.to_numpy() + shifts,
        predicted=np.array(predicted),
        family=test.family.map(family_group).to_numpy(),
        same_labels=predictor.card.data.digest == labels.digest,
    )


__all__ = ["PageData", "HeldOut", "charge_rows", "gather"]
