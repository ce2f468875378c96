"""The card beside a model's weights: what the model is, what it was made of, and what its predictions need.

On disk it is a JSON object; here every part is a frozen dataclass with the same fields. A card that lacks a field is
refused with the field's name. `predict` needs the card, so its reader is of the standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ase_bimetal.files import write_whole
from ase_bimetal.model.card_json import Part, card_from, present

#: Errors [eV/metal] of one model on one split, by measure: MAE, RMSE, R2, n.
Errors = Mapping[str, float]


@dataclass(frozen=True)
class Target(Part):
    """Mean and standard deviation of the training targets [eV per metal].

    The networks give energies in these units.
    """

    mean: float
    std: float


@dataclass(frozen=True)
class LabelsCard(Part):
    """The labels a model was trained on.

    Attributes
    ----------
    labels
        Level of theory.
    digest
        Hash of the data set.
    labelled, used
        Number of labels, and of those that were trained on or held out for tests.
    left_out
        Why labels were left out: one sentence, or one for each row.
    rejected, usable, prototypes
        Further counts, where they were taken.
    """

    labels: str
    digest: str
    labelled: int
    used: int
    left_out: Any = field(metadata={"key": "left out"})
    rejected: int | None = None
    usable: int | None = None
    prototypes: int | None = None


@dataclass(frozen=True)
class Domain(Part):
    """What a training set spans.

    Attributes
    ----------
    metals, ligands, families, stoichiometries
        Elements, canonical SMILES, names of families, and metals with ligands as of
        `ase_bimetal.model.domain.stoichiometry`.
    n_metals, ligands_per_metal, donor_contacts_per_metal
        Smallest and largest.
    """

    metals: tuple[str, ...]
    ligands: tuple[str, ...]
    families: tuple[str, ...]
    stoichiometries: tuple[str, ...]
    n_metals: tuple[int, int]
    ligands_per_metal: tuple[float, float]
    donor_contacts_per_metal: tuple[float, float]


@dataclass(frozen=True)
class Uncertainty(Part):
    """Standard deviations against the labels' own level [eV/metal].

    Attributes
    ----------
    floor
        Error of held-out rows.
    scale
        What the hypotenuse of floor and spread is multiplied with, so that 90 % intervals hold.
    outside
        Kind of novelty, such as ``"unseen_element"`` → standard deviation. On disk its keys stand beside ``floor``.
    """

    floor: float
    scale: float
    outside: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: object, where: str) -> Self:
        """Read the part, as every part; what is not inside is outside."""
        inside = super().from_json(values, where)
        assert isinstance(values, Mapping)
        outside = {key: float(value) for key, value in values.items() if key.startswith("unseen")}
        return cls(inside.floor, inside.scale, outside)

    def as_json(self) -> dict[str, Any]:
        """Give the JSON object, without the fields that are not set."""
        return {"floor": self.floor, "scale": self.scale, **self.outside}

    def of(self, novelties: Iterable[str], inside: float) -> float:
        """Find the standard deviation of an object with some novelties.

        It is the largest; a novelty that was never measured takes the largest of all.

        Parameters
        ----------
        novelties
            From `ase_bimetal.model.domain.unseen`.
        inside
            Standard deviation inside the training domain [eV/metal].
        """
        return max([inside, *(self.outside.get(key, max(self.outside.values(), default=inside)) for key in novelties)])


@dataclass(frozen=True)
class EncoderCard(Part):
    """The ligand encoder that a model was trained with: name or folder, and sha256."""

    source: str
    digest: str


@dataclass(frozen=True)
class LevelCard(Part):
    """The level difference that follows the networks.

    Attributes
    ----------
    sha256
        Of the file of the difference.
    counts
        Metal or donor type → number of objects behind it.
    level
        Level of theory that it leads to.
    labels
        Number of clusters among the objects.
    scale
        Of standard deviations, so that 90 % intervals hold left-out labels; None where the own data calibrate all.
    errors
        What was left out → errors [eV/metal] with coverage and half-width.
    """

    sha256: str
    counts: Mapping[str, int]
    level: str | None = None
    labels: int | None = None
    scale: float | None = None
    errors: Mapping[str, Errors] = field(default_factory=dict)


@dataclass(frozen=True)
class CorrectionsCard(Part):
    """Corrections of a model on own data.

    Attributes
    ----------
    corrections
        Element or donor type → what is added for each [eV].
    spread
        Standard deviation of those of metals [eV], for a metal without one.
    """

    corrections: Mapping[str, float]
    spread: float


@dataclass(frozen=True)
class ModelCard(Part):
    """The card of a network.

    Attributes
    ----------
    name, created, version, licence
        Of the model; the version is that of the package that trained it.
    level, unit, reference_state
        What it predicts.
    data, domain
        Labels it was trained on, and what they span.
    training
        Settings, in words or numbers.
    target
        Units of the networks' answers.
    metrics, folds, intervals
        Split → model → errors [eV/metal]; split → fold → model → errors; split → coverage and half-width.
    fragments
        Energies of free atoms and ligands [eV], as of `ase_bimetal.formation`.
    limits
        Sentences.
    uncertainty, ligand_encoder, level_difference
        As far as the kind of model has them.
    corrections, fine_tuned_from, fitted_fragments
        Of a model on own data.
    golden
        Example → E_form [eV/metal] that later versions must give.
    check, attention
        Of the graph-only model.
    config, members, sha256
        Sizes of a network, number of networks, and hash of the weights; `save_checkpoint` writes them.
    """

    name: str
    created: str
    version: str
    licence: str
    level: str
    unit: str
    reference_state: str = field(metadata={"key": "reference"})
    data: LabelsCard
    training: Mapping[str, Any]
    target: Target
    metrics: Mapping[str, Mapping[str, Errors]]
    domain: Domain
    fragments: Mapping[str, Any]
    limits: tuple[str, ...]
    folds: Mapping[str, Mapping[str, Mapping[str, Errors]]] = field(default_factory=dict)
    uncertainty: Uncertainty | None = None
    intervals: Mapping[str, Errors] = field(default_factory=dict)
    ligand_encoder: EncoderCard | None = None
    level_difference: LevelCard | None = None
    corrections: CorrectionsCard | None = field(default=None, metadata={"key": "elemental_references"})
    fine_tuned_from: str | None = None
    fitted_fragments: Mapping[str, float] = field(default_factory=dict, metadata={"key": "fitted_references"})
    golden: Mapping[str, float] = field(default_factory=dict)
    attention: Mapping[str, Any] = field(default_factory=dict)
    check: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    members: int = 0
    sha256: str = ""

    @property
    def encoder(self) -> EncoderCard:
        """The ligand encoder of a multimodal model.

        Raises
        ------
        WeightsError
            The card names none.
        """
        return present(self.ligand_encoder, self.name, "ligand_encoder")

    @property
    def deviations(self) -> Uncertainty:
        """Standard deviations of a multimodal model.

        Raises
        ------
        WeightsError
            The card has none.
        """
        return present(self.uncertainty, self.name, "uncertainty")

    @property
    def own_corrections(self) -> Mapping[str, float]:
        """Element or donor type → correction [eV]; empty for a model without."""
        return {} if self.corrections is None else self.corrections.corrections


def read_card(path: Path) -> ModelCard:
    """Read the card of a network.

    Parameters
    ----------
    path
        ``card.json`` in the folder of the weights.

    Returns
    -------
    ModelCard
        The card.

    Raises
    ------
    WeightsError
        It is no JSON, or lacks a field.

    Examples
    --------
    >>> from ase_bimetal.files import WEIGHTS
    >>> card = read_card(WEIGHTS / "mml-gfn1-pbe" / "card.json")
    >>> card.unit, card.data.labels
    ('eV per metal atom', 'GFN1-xTB')
    """
    return card_from(path, ModelCard)


def write_card(path: Path, card: ModelCard) -> None:
    """Write a card, whole or not at all.

    Parameters
    ----------
    path
        The file.
    card
        What to write.
    """
    write_whole(path, json.dumps(card.as_json(), indent=1, ensure_ascii=False) + "\n")


__all__ = [
    "CorrectionsCard",
    "Domain",
    "EncoderCard",
    "Errors",
    "LabelsCard",
    "LevelCard",
    "ModelCard",
    "Target",
    "Uncertainty",
    "read_card",
    "write_card",
]
