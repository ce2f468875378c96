"""The multimodal model as a featurizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ase_bimetal.featurizers.base import BimetallicFeaturizer
from ase_bimetal.formation import ReferenceState
from ase_bimetal.system import BimetallicSystem


class FormationEnergy(BimetallicFeaturizer):
    """Formation energy and its standard deviation [eV/metal].

    They are predicted by the multimodal model.

    Parameters
    ----------
    model
        Name of a shipped model or folder of one's own.
    reference_state
        Reference state of the ligands: ``"dimer"``, ``"hydride"`` or ``"radical"``.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> energy, deviation = FormationEnergy().featurize(load_example("Au4Pd2(PET)8"))
    >>> energy < 0 < deviation
    True
    """

    def __init__(self, model: str | Path = "mml-gfn1-pbe", reference_state: ReferenceState = "dimer") -> None:
        self.model = model
        self.reference_state = reference_state

    def labels(self) -> list[str]:
        """List names with units."""
        return ["E_form (eV/metal)", "E_form std (eV/metal)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Predict E_form and its standard deviation [eV/metal]."""
        from ase_bimetal.model.registry import predict

        [found] = predict([system], model=self.model, reference_state=self.reference_state)
        return [found.formation_energy_per_metal, found.formation_energy_std]
