"""Who predicts a screening: the multimodal network for clusters, the descriptor forest for metals on a support."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ase_bimetal.errors import BimetalError
from ase_bimetal.model.predictor import Failure, Prediction, get_predictor
from ase_bimetal.screening.columns import INTERVAL_90
from ase_bimetal.screening.supports import surroundings_of

if TYPE_CHECKING:
    from ase_bimetal.model.forest import DescriptorForest
    from ase_bimetal.screening.config import ScreenConfig
    from ase_bimetal.system import BimetallicSystem


@dataclass(frozen=True)
class Found:
    """A prediction with the ends of its 90 % interval [eV per metal atom]."""

    prediction: Prediction
    interval: tuple[float, float]


@dataclass(frozen=True)
class Model:
    """What predicts a screening.

    Attributes
    ----------
    name, level, reference
        Model with hash, level of theory, reference state of the surroundings.
    predict
        Systems to predictions or failures, one each.
    """

    name: str
    level: str
    reference: str
    predict: Callable[[Sequence[BimetallicSystem]], list[Found | Failure]]

    @property
    def about(self) -> dict[str, str]:
        """What a results folder says of it."""
        return {"model": self.name, "level": self.level, "reference": self.reference}


def model_of(config: ScreenConfig) -> Model:
    """The model of a screening, loaded once in a process."""
    return _forest(config) if config.supports else _network(config)


def _network(config: ScreenConfig) -> Model:
    predictor = get_predictor(config.model, config.device)

    def predict(systems: Sequence[BimetallicSystem]) -> list[Found | Failure]:
        """Predict together; the interval is symmetric."""
        found = predictor.predict(systems, config.reference)
        return [item if isinstance(item, Failure) else Found(item, _symmetric(item)) for item in found]

    return Model(predictor.checkpoint.name, predictor.card["level"], config.reference, predict)


def _symmetric(found: Prediction) -> tuple[float, float]:
    energy, half = found.formation_energy_per_metal, INTERVAL_90 * found.formation_energy_std
    return energy - half, energy + half


def _forest(config: ScreenConfig) -> Model:
    from ase_bimetal.model.forest import LEVEL_OTHER, REFERENCE_STATES, get_forest

    forest = get_forest()
    kinds = sorted({surroundings_of(support) for support in config.supports})
    states = " or ".join(REFERENCE_STATES[kind] for kind in kinds)
    return Model(forest.name, LEVEL_OTHER, states, lambda systems: [_estimate(forest, system) for system in systems])


def _estimate(forest: DescriptorForest, system: BimetallicSystem) -> Found | Failure:
    from ase_bimetal.descriptors import all_descriptors, is_accessible

    try:
        estimate = forest.estimate(system)
    except BimetalError as error:
        return Failure(error)
    descriptors = all_descriptors(system)
    phi = descriptors.get("phi (-)")
    prediction = Prediction(
        formation_energy_per_metal=estimate.formation_energy_per_metal,
        formation_energy_std=estimate.formation_energy_std,
        n_metals=system.n_metals,
        reference=estimate.reference,
        level=estimate.level,
        model=estimate.model,
        descriptors=descriptors,
        accessibility_index=phi,
        accessible=None if phi is None else is_accessible(system),
        level_error=estimate.level_error,
        flags=estimate.flags,
    )
    return Found(prediction, estimate.formation_energy_interval)


__all__ = ["Found", "Model", "model_of"]
