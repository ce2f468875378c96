"""What every model of formation energies is to the rest of the package, and a check that any model can be run through.

A model takes systems and gives one `Prediction` or `Failure` for each, in their order. One's own model needs `name`,
`level` and `estimate`; `check_model` says whether it keeps the promises.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from monty.json import MSONable

from ase_bimetal import errors as error_classes
from ase_bimetal.descriptors import ACCESSIBLE_ABOVE, all_descriptors
from ase_bimetal.errors import BimetalError, ModelError, ReferenceStateError
from ase_bimetal.formation import ReferenceState
from ase_bimetal.model.card import ModelCard
from ase_bimetal.model.domain import Z90
from ase_bimetal.system import BimetallicSystem

#: The interval that is not given: `Z90` standard deviations each way are filled in.
SYMMETRIC = (math.nan, math.nan)


@dataclass(frozen=True)
class Prediction(MSONable):
    """Formation energy of one object.

    Attributes
    ----------
    formation_energy_per_metal
        E_form [eV per metal atom], negative = stable against atoms and free ligands.
    formation_energy_std
        One standard deviation of it [eV per metal atom], conformally calibrated on left-out data: ±1.645 of it is
        meant to hold 90 % of the errors against the level of theory named beside it.
    n_metals
        Number of metal atoms.
    reference_state
        Reference state of the ligands, see `ase_bimetal.formation.REFERENCE_STATES`.
    level
        Level of theory of the target.
    model
        Name and hash of the model.
    descriptors
        Every descriptor the object has the data for, by name with unit.
    accessibility_index
        φ [-]; None when the object lacks what it needs.
    accessible
        Whether φ > −0.3; None without φ or with one metal only.
    flags
        Sentences on what the number should not be trusted for; empty when all is inside the training domain.
    formation_energy_interval
        Ends of the interval [eV per metal atom] that is meant to hold 90 % of the errors; by default symmetric,
        `Z90` standard deviations each way.
    """

    formation_energy_per_metal: float
    formation_energy_std: float
    n_metals: int
    reference_state: str
    level: str
    model: str
    descriptors: dict[str, float] = field(hash=False)
    accessibility_index: float | None
    accessible: bool | None
    flags: tuple[str, ...]
    formation_energy_interval: tuple[float, float] = SYMMETRIC

    def __post_init__(self) -> None:
        """Fill the symmetric interval where none is given."""
        if self.formation_energy_interval is None or math.isnan(self.formation_energy_interval[0]):
            half = Z90 * self.formation_energy_std
            ends = (self.formation_energy_per_metal - half, self.formation_energy_per_metal + half)
            object.__setattr__(self, "formation_energy_interval", ends)

    @property
    def energy(self) -> float:
        """Total formation energy, E_form × N_metal [eV]."""
        return self.formation_energy_per_metal * self.n_metals

    def as_dict(self) -> dict[str, Any]:
        """Give every field in plain JSON types.

        Monty's encoder asks for it.

        Returns
        -------
        dict
            Name of each field → value, with monty's marks of the class.
        """
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values |= {"flags": list(self.flags), "descriptors": dict(self.descriptors)}
        values["formation_energy_interval"] = list(self.formation_energy_interval)
        return {"@module": type(self).__module__, "@class": type(self).__name__} | values

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Prediction:
        """Rebuild the prediction that `as_dict` wrote.

        Parameters
        ----------
        d
            What `as_dict` wrote.

        Returns
        -------
        Prediction
            Equal to the one written.
        """
        values = {item.name: d[item.name] for item in fields(cls) if item.name in d}
        values |= {"flags": tuple(d["flags"]), "descriptors": dict(d["descriptors"])}
        values["formation_energy_interval"] = tuple(values.get("formation_energy_interval") or SYMMETRIC)
        return cls(**values)


@dataclass(frozen=True)
class Failure(MSONable):
    """Why one object of a batch has no prediction.

    Attributes
    ----------
    error
        The error that predicting the object alone would raise.

    Examples
    --------
    >>> Failure(ModelError("no number")).reason
    'ModelError: no number'
    """

    error: BimetalError

    @property
    def reason(self) -> str:
        """Name of the error and its message."""
        return f"{type(self.error).__name__}: {self.error}"

    def as_dict(self) -> dict[str, str]:
        """Give the error's class and message.

        Monty's encoder asks for it.

        Returns
        -------
        dict
            Name of the error's class and its message, with monty's marks of the class.
        """
        named = {"error": type(self.error).__name__, "message": str(self.error)}
        return {"@module": type(self).__module__, "@class": type(self).__name__} | named

    @classmethod
    def from_dict(cls, d: Mapping[str, str]) -> Failure:
        """Rebuild the failure that `as_dict` wrote.

        An error class that no longer exists becomes a `BimetalError`.

        Parameters
        ----------
        d
            What `as_dict` wrote.

        Returns
        -------
        Failure
            With an error of the same class.
        """
        return cls(getattr(error_classes, d["error"], BimetalError)(d["message"]))


class FormationModel(ABC):
    """A model of formation energies.

    Examples
    --------
    >>> from ase_bimetal import as_system, load_example
    >>> from ase_bimetal.model.registry import get_model
    >>> model = get_model("mml-gfn1-pbe")
    >>> system = as_system(load_example("Au4Pd2(PET)8"))
    >>> model.covers(system), model.level
    (True, 'PBE-referenced GFN1-xTB')
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Name with the first 8 digits of the hash."""

    @property
    @abstractmethod
    def level(self) -> str:
        """Level of theory of the energies."""

    @abstractmethod
    def predict(
        self, systems: Sequence[BimetallicSystem], reference_state: ReferenceState = "dimer"
    ) -> list[Prediction | Failure]:
        """Predict every system.

        One that cannot be predicted gives its `Failure`.

        Parameters
        ----------
        systems
            The objects.
        reference_state
            Reference state of the ligands, see `ase_bimetal.formation.REFERENCE_STATES`.

        Returns
        -------
        list
            One entry for each system, in their order.
        """

    def covers(self, system: BimetallicSystem) -> bool:
        """Say whether the model predicts objects like this one.

        Parameters
        ----------
        system
            Any object.

        Returns
        -------
        bool
            False where `predict` would give a `Failure`.
        """
        return isinstance(self.predict([system])[0], Prediction)


class LabelModel(FormationModel):
    """A model whose labels are of another level.

    A level difference follows its networks, which takes them to the published level.

    Attributes
    ----------
    card
        Its model card.
    """

    card: ModelCard

    @abstractmethod
    def label_level(self, systems: Sequence[BimetallicSystem]) -> tuple[np.ndarray, np.ndarray]:
        """Predict energies of the labels' own level.

        This is before the level difference.

        Parameters
        ----------
        systems
            Objects that the model covers.

        Returns
        -------
        tuple of numpy.ndarray
            Energies (n,) against the dimer and their standard deviations (n,) [eV/metal].

        Raises
        ------
        BimetalError
            A system cannot be predicted.
        """


def require_predictions(results: Sequence[Prediction | Failure]) -> list[Prediction]:
    """Give the predictions, or raise the first failure's error.

    Parameters
    ----------
    results
        What `FormationModel.predict` gave.

    Returns
    -------
    list of Prediction
        In the same order.

    Raises
    ------
    BimetalError
        Why the first object that failed has no prediction.
    """
    found = []
    for result in results:
        if isinstance(result, Failure):
            raise result.error
        found.append(result)
    return found


def describe(system: BimetallicSystem) -> dict[str, Any]:
    """Describe what depends on the object alone.

    These are fields of a prediction.

    Returns
    -------
    dict
        ``n_metals``, ``descriptors``, ``accessibility_index`` and ``accessible``.
    """
    descriptors = all_descriptors(system)
    phi = descriptors.get("phi (-)")
    return {
        "n_metals": system.n_metals,
        "descriptors": descriptors,
        "accessibility_index": phi,
        "accessible": None if phi is None else phi > ACCESSIBLE_ABOVE,
    }


def require_dimer(name: str, reference_state: str) -> None:
    """Refuse a reference state other than the dimer.

    The model was made for the dimer alone.

    Raises
    ------
    ReferenceStateError
        It is not ``"dimer"``.
    """
    if reference_state != "dimer":
        raise ReferenceStateError(
            f"{name} predicts against the dimer alone, not {reference_state!r}; allowed: "
            "'dimer'. For a ligand-protected cluster and another reference state, use the model "
            "'mml-gfn1-pbe'"
        )


def check_model(model: FormationModel, systems: Sequence[BimetallicSystem]) -> None:
    """Run a model through the promises of `FormationModel`.

    Parameters
    ----------
    model
        Any model.
    systems
        Two or more objects, of which the model predicts at least one.

    Raises
    ------
    ModelError
        Naming the promise that does not hold.

    Examples
    --------
    >>> from ase_bimetal import as_system, get_model, load_example
    >>> check_model(get_model(), [as_system(load_example("Au4Pd2(PET)8"))] * 2)
    """
    together = model.predict(systems)
    _promise(len(together) == len(systems), f"{len(systems)} systems gave {len(together)} results")
    _promise(any(isinstance(item, Prediction) for item in together), "no system was predicted")
    _promise("@" in model.name and bool(model.level), "name must be 'NAME@HASH' and level a text")
    for system, result in zip(systems, together, strict=True):
        _promise(isinstance(result, Prediction | Failure), f"{type(result).__name__} is no Prediction or Failure")
        _promise(model.covers(system) == isinstance(result, Prediction), "covers() and predict() disagree")
        if isinstance(result, Prediction):
            _check_prediction(result, model, system)
    alone = [model.predict([system])[0] for system in systems]
    for one, other in zip(alone, together, strict=True):
        same = (
            isinstance(one, Failure)
            or isinstance(other, Failure)
            or math.isclose(one.formation_energy_per_metal, other.formation_energy_per_metal, abs_tol=1e-5)
        )
        _promise(same, "a system gives another number in a batch than alone")


def _check_prediction(result: Prediction, model: FormationModel, system: BimetallicSystem) -> None:
    low, high = result.formation_energy_interval
    numbers = (result.formation_energy_per_metal, result.formation_energy_std, low, high)
    _promise(all(map(math.isfinite, numbers)), "a number is not finite")
    _promise(result.formation_energy_std > 0, "the standard deviation must be above 0")
    _promise(low <= result.formation_energy_per_metal <= high, "the interval leaves out its own energy")
    _promise(result.n_metals == system.n_metals, "n_metals is not that of the system")
    _promise(result.model == model.name, "the prediction names another model")


def _promise(holds: bool, sentence: str) -> None:
    if not holds:
        raise ModelError(sentence)


__all__ = [
    "SYMMETRIC",
    "Failure",
    "FormationModel",
    "LabelModel",
    "Prediction",
    "check_model",
    "describe",
    "require_dimer",
    "require_predictions",
]
