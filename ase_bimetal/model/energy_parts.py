"""What a formation energy is made of: the energy of the labels' level, the step to PBE, and the reference state."""

from __future__ import annotations

from dataclasses import dataclass

from ase_bimetal.errors import ModelError
from ase_bimetal.formation import ReferenceState
from ase_bimetal.model.interface import FormationModel, LabelModel, require_dimer
from ase_bimetal.model.predictor import level_shift
from ase_bimetal.model.registry import AutoModel
from ase_bimetal.system import BimetallicSystem


@dataclass(frozen=True)
class EnergyParts:
    """Parts of E_form [eV per metal atom], which add up to it.

    Attributes
    ----------
    source
        What predicts the first part: ``"networks"`` or ``"forest"``.
    labels
        Level of theory of the labels that it learned.
    learned
        The energy at that level, against dimers or the surroundings without metal.
    learned_std
        One standard deviation of that against the labels, as the model gives it before any scale.
    scale
        What the model multiplies its standard deviations with, so that 90 % intervals hold.
    level
        From the level of the labels to the published one; 0 for a model of its own level.
    reference_state
        From dimers to the reference state asked for; 0 for dimers.
    """

    source: str
    labels: str
    learned: float
    learned_std: float
    scale: float
    level: float
    reference_state: float

    @property
    def total(self) -> float:
        """E_form [eV per metal atom]."""
        return self.learned + self.level + self.reference_state


def energy_parts(
    model: FormationModel, system: BimetallicSystem, reference_state: ReferenceState = "dimer"
) -> EnergyParts:
    """Take a prediction apart.

    Parameters
    ----------
    model
        A shipped model, one's own on top of a shipped one, or ``get_model("auto")``.
    system
        An object that it covers.
    reference_state
        Reference state of the ligands.

    Returns
    -------
    EnergyParts
        They add up to the model's E_form [eV per metal atom].

    Raises
    ------
    BimetalError
        The model does not predict the object, or not against this reference state.
    ModelError
        The model does not say what its energies are made of.

    Examples
    --------
    >>> from ase_bimetal import as_system, get_model, load_example
    >>> parts = energy_parts(get_model("auto"), as_system(load_example("Au4Pd2(PET)8")))
    >>> parts.source, parts.labels, parts.learned < parts.level, parts.reference_state
    ('networks', 'GFN1-xTB', True, 0.0)
    """
    if isinstance(model, AutoModel):
        model = model.first_for(system)
    if isinstance(model, LabelModel):
        return _of_networks(model, system, reference_state)
    return _of_forest(model, system, reference_state)


def _of_networks(model: LabelModel, system: BimetallicSystem, reference_state: ReferenceState) -> EnergyParts:
    card, level = model.card, level_shift(system, model.card).value
    shift = level_shift(system, card, reference_state).value - level
    energies, deviations = model.label_level([system])
    scale = (card.level_difference and card.level_difference.scale) or 1.0
    return EnergyParts("networks", card.data.labels, float(energies[0]), float(deviations[0]), scale, level, shift)


def _of_forest(model: FormationModel, system: BimetallicSystem, reference_state: ReferenceState) -> EnergyParts:
    from ase_bimetal.model.forest import DescriptorForest

    if not isinstance(model, DescriptorForest):
        raise ModelError(
            f"{model.name} does not say what its energies are made of; allowed: the shipped models, and "
            "models on top of them. Use model='auto'"
        )
    require_dimer(model.name, reference_state)
    estimate = model.estimate(system)  # its labels are on the level of density-functional energies themselves
    learned, deviation = estimate.formation_energy_per_metal, estimate.formation_energy_std
    return EnergyParts("forest", estimate.level, learned, deviation, 1.0, 0.0, 0.0)


__all__ = ["EnergyParts", "energy_parts"]
