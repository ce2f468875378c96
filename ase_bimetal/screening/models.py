"""Who predicts a screening: the configured model for clusters, the descriptor forest for metals on a support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ase_bimetal.formation import ReferenceState
from ase_bimetal.model.interface import FormationModel
from ase_bimetal.model.registry import FOREST, get_model
from ase_bimetal.screening.supports import surroundings_of

if TYPE_CHECKING:
    from ase_bimetal.screening.config import ScreenConfig


@dataclass(frozen=True)
class ScreeningModel:
    """What predicts a screening.

    Attributes
    ----------
    model
        The model.
    reference_state
        Reference state asked of it.
    states
        Reference state of the surroundings, in words.
    """

    model: FormationModel
    reference_state: ReferenceState
    states: str

    @property
    def about(self) -> dict[str, str]:
        """What a results folder says of it."""
        return {"model": self.model.name, "level": self.model.level, "reference_state": self.states}


def model_of(config: ScreenConfig) -> ScreeningModel:
    """Load the model of a screening, once.

    It is loaded once in a process.
    """
    if not config.supports:
        return ScreeningModel(get_model(config.model, config.device), config.reference_state, config.reference_state)
    from ase_bimetal.model.forest import STATE_OF_SURROUNDINGS

    kinds = sorted({surroundings_of(support) for support in config.supports})
    return ScreeningModel(get_model(FOREST), "dimer", " or ".join(STATE_OF_SURROUNDINGS[kind] for kind in kinds))


__all__ = ["ScreeningModel", "model_of"]
