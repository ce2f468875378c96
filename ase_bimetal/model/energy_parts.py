"""What a formation energy is made of: the networks' energy, the step to PBE, and the reference state."""

from __future__ import annotations

from dataclasses import dataclass

from ase_bimetal.formation import ReferenceState
from ase_bimetal.model.interface import Failure, LabelModel
from ase_bimetal.system import BimetallicSystem


@dataclass(frozen=True)
class EnergyParts:
    """Parts of E_form [eV per metal atom], which add up to it.

    Attributes
    ----------
    network
        What the networks predict: the energy at the level of the labels, against dimers.
    network_std
        One standard deviation of that against the labels.
    level
        From the level of the labels to the published one; 0 for a model of its own level.
    reference_state
        From dimers to the reference state asked for; 0 for dimers.
    """

    network: float
    network_std: float
    level: float
    reference_state: float

    @property
    def total(self) -> float:
        """E_form [eV per metal atom]."""
        return self.network + self.level + self.reference_state


def energy_parts(model: LabelModel, system: BimetallicSystem, reference_state: ReferenceState = "dimer") -> EnergyParts:
    """Take a prediction apart.

    Parameters
    ----------
    model
        The model.
    system
        An object that it covers.
    reference_state
        Reference state of the ligands.

    Raises
    ------
    BimetalError
        The model does not predict the object, or not against this reference state.

    Examples
    --------
    >>> from ase_bimetal import as_system, load_example
    >>> from ase_bimetal.model.predictor import get_predictor
    >>> parts = energy_parts(get_predictor(), as_system(load_example("Au4Pd2(PET)8")))
    >>> parts.network < parts.level, parts.reference_state
    (True, 0.0)
    """
    against_dimers = _energy(model, system, "dimer")
    network, deviation = (float(values[0]) for values in model.label_level([system]))
    shift = 0.0 if reference_state == "dimer" else _energy(model, system, reference_state) - against_dimers
    return EnergyParts(network, deviation, against_dimers - network, shift)


def _energy(model: LabelModel, system: BimetallicSystem, reference_state: ReferenceState) -> float:
    [found] = model.predict([system], reference_state)
    if isinstance(found, Failure):
        raise found.error
    return found.formation_energy_per_metal


__all__ = ["EnergyParts", "energy_parts"]
