"""The multimodal model: systems in, formation energies with their uncertainty out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ase_bimetal import elements
from ase_bimetal.errors import (
    BimetalError,
    ReferenceStateError,
    UnsupportedElementError,
    UnsupportedSystemError,
    as_typed,
)
from ase_bimetal.formation import REFERENCE_STATES, correction_features, ligand_reference_energy
from ase_bimetal.geometry import require_plausible
from ase_bimetal.model.card import ModelCard
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, Checkpoint, load_checkpoint
from ase_bimetal.model.domain import flags as domain_flags
from ase_bimetal.model.domain import network_deviation, standard_deviation
from ase_bimetal.model.encode import Encoded, encode
from ase_bimetal.model.ensemble import member_outputs, stack
from ase_bimetal.model.interface import Failure, LabelModel, Prediction, describe
from ase_bimetal.model.level import level_of, level_terms
from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.system import BimetallicSystem
from ase_bimetal.workers import allow_forks


@dataclass(frozen=True)
class Shift:
    """What is added to an energy of the labels.

    It takes the energy to the published level and the reference state.

    Attributes
    ----------
    value
        To be added [eV per metal].
    deviation
        Its standard deviation [eV per metal].
    """

    value: float
    deviation: float


@dataclass(frozen=True)
class _Prepared:
    """What the networks read of a system, and the shift that follows their answer."""

    shift: Shift
    encoded: Encoded


class Predictor(LabelModel):
    """A loaded model that predicts lists of objects.

    Parameters
    ----------
    model
        Name of a shipped model or folder of one's own.
    device
        Where the networks run, such as ``"cpu"`` or ``"cuda"``.
    """

    def __init__(self, model: str | Path = DEFAULT_MODEL, device: str = "cpu") -> None:
        allow_forks()
        self.checkpoint: Checkpoint = load_checkpoint(model)
        self.card = self.checkpoint.card
        self.device = device
        self.network = stack(self.checkpoint.members).to(device)
        trained_with = self.card.encoder
        self.encoder = LigandEncoder(trained_with.source)
        self.encoder.require_digest(trained_with.digest)

    @property
    def name(self) -> str:
        """Model name with the first 8 digits of its hash."""
        return self.checkpoint.name

    @property
    def level(self) -> str:
        """Level of theory of the energies."""
        return self.card.level

    def covers(self, system: BimetallicSystem) -> bool:
        """Say whether the model describes such an object.

        It describes ligand-protected clusters of d-block metals with coordinates.
        """
        try:
            _check_supported(system)
        except BimetalError:
            return False
        return True

    def predict(
        self, systems: Sequence[BimetallicSystem], reference_state: str = "dimer"
    ) -> list[Prediction | Failure]:
        """Predict every system.

        An object that cannot be predicted gives its `Failure`; the others are not touched.

        Parameters
        ----------
        systems
            Ligand-protected clusters.
        reference_state
            ``"dimer"`` (default), ``"hydride"`` or ``"radical"``; other reference states are exact shifts of
            the first by stored fragment energies.
        """
        prepared = [self._prepare(system, reference_state) for system in systems]
        energies = iter(self._energies([item.encoded for item in prepared if isinstance(item, _Prepared)]))
        return [
            item if isinstance(item, Failure) else self._prediction(system, next(energies), item.shift, reference_state)
            for system, item in zip(systems, prepared, strict=True)
        ]

    def label_level(self, systems: Sequence[BimetallicSystem]) -> tuple[np.ndarray, np.ndarray]:
        """Predict energies of the labels' own level, as `LabelModel.label_level`."""
        energies = self._energies([encode(system, self.encoder.embed) for system in systems])
        deviations = [
            network_deviation(system, float(row.std(ddof=1)), self.card)
            for system, row in zip(systems, energies, strict=True)
        ]
        return energies.mean(axis=1), np.array(deviations)

    def _prepare(self, system: BimetallicSystem, reference_state: str) -> _Prepared | Failure:
        try:
            return _Prepared(level_shift(system, self.card, reference_state), encode(system, self.encoder.embed))
        except Exception as error:  # one object never costs the others
            return Failure(as_typed(error, f"encoding {system!r:.200}"))

    def _energies(self, encoded: Sequence[Encoded]) -> np.ndarray:
        """Energies (n, members) at the label level against the dimer [eV per metal]."""
        target = self.card.target
        energies: np.ndarray = member_outputs(self.network, encoded) * target.std + target.mean
        return energies

    def _prediction(
        self, system: BimetallicSystem, energies: np.ndarray, shift: Shift, reference_state: str
    ) -> Prediction:
        spread = float(energies.std(ddof=1))
        return Prediction(
            **describe(system),
            formation_energy_per_metal=float(energies.mean()) + shift.value,
            formation_energy_std=standard_deviation(system, spread, self.card, shift.deviation),
            reference_state=reference_state,
            level=self.level,
            model=self.name,
            flags=domain_flags(system, self.card),
        )


@lru_cache(maxsize=4)
def get_predictor(model: str | Path = DEFAULT_MODEL, device: str = "cpu") -> Predictor:
    """Load the predictor of a model, once."""
    return Predictor(model, device)


def level_shift(system: BimetallicSystem, card: ModelCard, reference_state: str = "dimer") -> Shift:
    """Find what is added to a label's energy.

    It takes the energy to the published level and the reference state.

    Parameters
    ----------
    system
        A ligand-protected cluster.
    card
        Its model's card: level difference and corrections, where it has them, and fragments.
    reference_state
        ``"dimer"``, ``"hydride"`` or ``"radical"``.

    Returns
    -------
    Shift
        Value and standard deviation [eV per metal].

    Raises
    ------
    BimetalError
        The system is not a cluster of d-block metals with coordinates, or the reference state is none of the three.
    """
    require_supported(system)
    difference = level_of(card)
    terms = correction_features(system) if difference is None else level_terms(system)
    value, deviation = (0.0, 0.0) if difference is None else difference.predict(terms)
    value += sum(card.own_corrections.get(name, 0.0) * x for name, x in terms.items())
    return Shift(value + _reference_shift(system, card, reference_state), deviation)


def require_supported(system: BimetallicSystem) -> None:
    """Refuse what no model of clusters describes.

    Raises
    ------
    BimetalError
        The system is not a cluster of d-block metals with coordinates that a cluster can have.
    """
    _check_supported(system)
    require_plausible(system)


def _reference_shift(system: BimetallicSystem, card: ModelCard, reference_state: str) -> float:
    """What takes an energy from the dimer to another reference state [eV per metal]."""
    if reference_state == "dimer":
        return 0.0
    if reference_state not in REFERENCE_STATES:
        raise ReferenceStateError(
            f"reference state {reference_state!r} cannot be predicted; allowed: {', '.join(REFERENCE_STATES)}"
        )
    fragments, shift = card.fragments, 0.0
    for ligand, count in system.ligands:
        to, origin = (ligand_reference_energy(ligand.smiles, fragments, r) for r in (reference_state, "dimer"))
        shift += count * (origin - to) / system.n_metals
    return shift


def _check_supported(system: BimetallicSystem) -> None:
    if system.kind != "cluster":
        raise UnsupportedSystemError(
            f"the multimodal model describes ligand-protected clusters; this object is of kind {system.kind!r}"
            f" and carries no ligands{''.join(f' ({note})' for note in system.notes)}. Use "
            "DescriptorFormationCalculator, which describes any bimetallic material, or annotate ligands in "
            "atoms.info['ligand_smiles'] if it has any"
        )
    if not system.has_geometry:
        raise UnsupportedSystemError(
            "a composition has no metal core to read; allowed: objects with coordinates"
            ". Give coordinates, or pass a formula with ligands such as 'Au4Pd2(PET)8'"
        )
    for symbol in set(system.metal_symbols):
        if not 3 <= elements.group(symbol) <= 12 or elements.period(symbol) < 4 or _is_f_block(symbol):
            raise UnsupportedElementError(
                f"metal {symbol} is not a d-block element; allowed: groups 3 to 12. Use another tool for this metal"
            )


def _is_f_block(symbol: str) -> bool:
    from ase.data import atomic_numbers

    return 57 <= atomic_numbers[symbol] <= 70 or atomic_numbers[symbol] >= 89
