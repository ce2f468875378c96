"""The card beside a model's weights: what the model is, what it was made of, and what its predictions need.

On disk it is a JSON object; here every part is a frozen dataclass with the same fields. A card that lacks a field is
refused with the field's name. `predict` needs the card, so its reader is of the standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, TypeVar, get_args, get_origin, get_type_hints

from ase_bimetal.errors import WeightsError
from ase_bimetal.files import write_whole

#: Errors [eV/metal] of one model on one split, by measure: MAE, RMSE, R2, n.
Errors = Mapping[str, float]
_Some = TypeVar("_Some")


class _Part:
    """An object of the JSON: its keys are the names of the fields, or those in their metadata."""

    @classmethod
    def from_json(cls, values: object, where: str) -> Self:
        """Read the part.

        Parameters
        ----------
        values
            The JSON object.
        where
            Names it in errors.

        Raises
        ------
        WeightsError
            A field is missing or cannot be read.
        """
        if not isinstance(values, Mapping):
            raise WeightsError(f"{where} must be a JSON object, not {values!r:.40}; {_NEXT}")
        found, types = {}, _types(cls)
        for item in fields(cls):  # type: ignore[arg-type]
            key = _key(item)
            place = f"{where}, field {key!r}"
            required = item.default is MISSING and item.default_factory is MISSING
            if key in values and (required or values[key] is not None):
                found[item.name] = _read(values[key], types[item.name], place)
            elif required:
                raise WeightsError(f"{place} is missing; {_NEXT}")
        return cls(**found)

    def as_json(self) -> dict[str, Any]:
        """Give the JSON object, without the fields that are not set."""
        found = {}
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            unset = not value if item.default_factory is not MISSING else value == item.default
            if not unset:
                found[_key(item)] = _plain(value)
        return found


_SomeCard = TypeVar("_SomeCard", bound=_Part)
_NEXT = "give the card that was written with the weights, reinstall ase-bimetal, or train the model anew"


def _key(item: Field[Any]) -> str:
    key: str = item.metadata.get("key", item.name)
    return key


def _types(part: type) -> dict[str, Any]:
    """Field → its type, without the None of one that may be missing."""
    hints = get_type_hints(part)
    return {
        name: next((a for a in get_args(hint) if a is not NoneType), hint) if isinstance(hint, UnionType) else hint
        for name, hint in hints.items()
    }


def _read(value: object, wanted: Any, place: str) -> Any:
    """Plain JSON as the type of a field."""
    kind = get_origin(wanted) or wanted
    if kind is Any:
        return value
    if issubclass(kind, _Part):
        return kind.from_json(value, place)
    if kind is Mapping and isinstance(value, dict) and (part := _part_in(wanted)):
        return {key: part.from_json(one, f"{place}, {key!r}") for key, one in value.items()}
    json_type: Any = {tuple: list, Mapping: dict, float: (int, float)}.get(kind, kind)
    if not isinstance(value, json_type):
        raise WeightsError(f"{place} cannot be read: {value!r:.40}; {_NEXT}")
    return kind(value) if kind in (tuple, float) else value


def _part_in(mapping: Any) -> type[_Part] | None:
    """Class of a mapping's values, if they are parts."""
    kind = get_args(mapping)[1]
    return kind if isinstance(kind, type) and issubclass(kind, _Part) else None


def _plain(value: Any) -> Any:
    if isinstance(value, _Part):
        return value.as_json()
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Target(_Part):
    """Mean and standard deviation of the training targets [eV per metal].

    The networks give energies in these units.
    """

    mean: float
    std: float


@dataclass(frozen=True)
class LabelsCard(_Part):
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
class Domain(_Part):
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
class Uncertainty(_Part):
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
class EncoderCard(_Part):
    """The ligand encoder that a model was trained with: name or folder, and sha256."""

    source: str
    digest: str


@dataclass(frozen=True)
class LevelCard(_Part):
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
class CorrectionsCard(_Part):
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
class ModelCard(_Part):
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
        return _present(self.ligand_encoder, self.name, "ligand_encoder")

    @property
    def deviations(self) -> Uncertainty:
        """Standard deviations of a multimodal model.

        Raises
        ------
        WeightsError
            The card has none.
        """
        return _present(self.uncertainty, self.name, "uncertainty")

    @property
    def own_corrections(self) -> Mapping[str, float]:
        """Element or donor type → correction [eV]; empty for a model without."""
        return {} if self.corrections is None else self.corrections.corrections


@dataclass(frozen=True)
class ForestRows(_Part):
    """Number of rows that the descriptor forest learns: all, and one for each prototype."""

    all: int
    minima: int


@dataclass(frozen=True)
class Calibration(_Part):
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

    def widening_in(self, surroundings: str) -> float:
        """Look up how far interval ends move [eV/metal].

        Both move outwards: by that of the surroundings, or of all rows.

        Parameters
        ----------
        surroundings
            Kind as of `ase_bimetal.model.table.surroundings`.
        """
        return self.widening.get(surroundings, self.widening["all"])


@dataclass(frozen=True)
class ForestCard(_Part):
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
        What the level lacks on supports beside that [eV/metal].
    metals_on_carbon
        Metals that have density-functional energies on doped carbon.
    """

    digest: str
    rows: ForestRows
    calibration: Mapping[str, Calibration]
    level_error: Mapping[str, float]
    donor_error: float
    metals_on_carbon: tuple[str, ...]


def _present(part: _Some | None, name: str, key: str) -> _Some:
    if part is None:
        raise WeightsError(f"card of {name}, field {key!r} is missing; {_NEXT}")
    return part


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
    return _card_from(path, ModelCard)


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
    return _card_from(path, ForestCard)


def _card_from(path: Path, kind: type[_SomeCard]) -> _SomeCard:
    where = f"card {path.parent.name}/{path.name}"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{where} cannot be read: {error}; {_NEXT}") from None
    return kind.from_json(values, where)


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
    "Calibration",
    "CorrectionsCard",
    "Domain",
    "EncoderCard",
    "Errors",
    "ForestCard",
    "LabelsCard",
    "LevelCard",
    "ModelCard",
    "Target",
    "Uncertainty",
    "read_card",
    "read_forest_card",
    "write_card",
]
