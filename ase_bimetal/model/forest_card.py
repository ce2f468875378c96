"""The card beside the descriptor forest's table: how wide its intervals must be, and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ase_bimetal.files import DATASETS
from ase_bimetal.model.card import Errors
from ase_bimetal.model.card_json import Part, card_from

CARD = DATASETS / "descriptor_forest.json"


@dataclass(frozen=True)
class ForestRows(Part):
    """Number of rows that the descriptor forest learns: all, and one for each prototype."""

    all: int
    minima: int


@dataclass(frozen=True)
class Calibration(Part):
    """What the forest's intervals lack for rows of one kind of novelty.

    Attributes
    ----------
    errors
        Surroundings, or ``"all"`` → errors [eV/metal] of predictions out of fold.
    widening
        Surroundings, or ``"all"`` → how far both interval ends move outwards [eV/metal].
    """

    errors: Mapping[str, Errors]
    widening: Mapping[str, float]


@dataclass(frozen=True)
class ForestCard(Part):
    """The card of the descriptor forest, made by `ase_bimetal.lab.regressors.forest_card`.

    Attributes
    ----------
    digest
        Hash of table and settings.
    rows
        What the forest learns.
    calibration
        Kind of novelty → what intervals lack.
    level_error
        Surroundings → mean error of the labels' level against density-functional energies [eV/metal].
    donor_error
        What the level lacks beside that where it does not know the donors [eV/metal].
    """

    digest: str
    rows: ForestRows
    calibration: Mapping[str, Calibration]
    level_error: Mapping[str, float]
    donor_error: float

    @property
    def widenings(self) -> dict[str, Mapping[str, float]]:
        """Kind of novelty → widening by surroundings [eV/metal]."""
        return {name: one.widening for name, one in self.calibration.items()}


def read_forest_card(path: Path) -> ForestCard:
    """Read the card of the descriptor forest.

    Parameters
    ----------
    path
        ``descriptor_forest.json`` among the shipped data.

    Returns
    -------
    ForestCard
        The card.

    Raises
    ------
    WeightsError
        It is no JSON, or lacks a field.

    Examples
    --------
    >>> from ase_bimetal.files import DATASETS
    >>> card = read_forest_card(DATASETS / "descriptor_forest.json")
    >>> sorted(card.calibration)
    ['metal pair', 'prototype', 'surroundings']
    """
    return card_from(path, ForestCard)


__all__ = ["Calibration", "ForestCard", "read_forest_card"]
