"""Predict formation energies of many objects at once; the calculator is a batch of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monty.json import MSONable

from ase_bimetal import elements
from ase_bimetal import errors as error_classes
from ase_bimetal.descriptors import all_descriptors, is_accessible
from ase_bimetal.errors import BimetalError, ReferenceStateError, UnsupportedElementError, UnsupportedSystemError
from ase_bimetal.formation import REFERENCES, correction_features, ligand_reference_energy
from ase_bimetal.geometry import require_plausible
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, Checkpoint, load_checkpoint
from ase_bimetal.model.domain import flags as domain_flags
from ase_bimetal.model.domain import standard_deviation
from ase_bimetal.model.encode import Encoded, collate, encode
from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.system import BimetallicSystem, as_system
from ase_bimetal.workers import allow_forks

_BATCH = 64


@dataclass(frozen=True)
class Prediction(MSONable):
    """Formation energy of one object.

    Attributes
    ----------
    formation_energy_per_metal
        E_form [eV per metal atom], negative = stable against atoms and free ligands.
    formation_energy_std
        One standard deviation of it [eV per metal atom], conformally calibrated on held-out data: ±1.645 of it is
        meant to hold 90 % of the errors against the label level.
    n_metals
        Number of metal atoms.
    reference
        Reference state of the ligands, see `ase_bimetal.formation.REFERENCES`.
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
    level_error
        Mean error [eV per metal atom] of the level itself against density-functional anchors left out of the fit;
        systematic for an element or donor, and not part of `formation_energy_std`.
    flags
        Sentences on what the number should not be trusted for; empty when all is inside the training domain.
    """

    formation_energy_per_metal: float
    formation_energy_std: float
    n_metals: int
    reference: str
    level: str
    model: str
    descriptors: dict[str, float] = field(hash=False)
    accessibility_index: float | None
    accessible: bool | None
    level_error: float
    flags: tuple[str, ...]

    @property
    def energy(self) -> float:
        """Total formation energy, E_form × N_metal [eV]."""
        return self.formation_energy_per_metal * self.n_metals

    def as_dict(self) -> dict[str, Any]:
        """Every field in plain JSON types, as monty's encoder asks for it."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values |= {"flags": list(self.flags), "descriptors": dict(self.descriptors)}
        return {"@module": type(self).__module__, "@class": type(self).__name__} | values

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Prediction:
        """The prediction that `as_dict` wrote."""
        values = {item.name: d[item.name] for item in fields(cls)}
        return cls(**values | {"flags": tuple(d["flags"]), "descriptors": dict(d["descriptors"])})


@dataclass(frozen=True)
class Failure(MSONable):
    """Why one object of a batch has no prediction."""

    error: BimetalError

    @property
    def reason(self) -> str:
        """Name of the error and its message."""
        return f"{type(self.error).__name__}: {self.error}"

    def as_dict(self) -> dict[str, str]:
        """Class and message of the error, as monty's encoder asks for it."""
        named = {"error": type(self.error).__name__, "message": str(self.error)}
        return {"@module": type(self).__module__, "@class": type(self).__name__} | named

    @classmethod
    def from_dict(cls, d: Mapping[str, str]) -> Failure:
        """The failure that `as_dict` wrote; an error class that no longer exists becomes a `BimetalError`."""
        return cls(getattr(error_classes, d["error"], BimetalError)(d["message"]))


@dataclass(frozen=True)
class _Prepared:
    """What the networks read of a system, and the shift [eV per metal] that follows their answer."""

    shift: float
    encoded: Encoded


class Predictor:
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
        self.device = device
        self.members = [member.to(device) for member in self.checkpoint.members]
        self.encoder = LigandEncoder(self.card["ligand_encoder"]["source"])
        self.encoder.require_digest(self.card["ligand_encoder"]["digest"])

    @property
    def card(self) -> dict[str, Any]:
        """The model's card."""
        return self.checkpoint.card

    def predict(self, systems: Sequence[BimetallicSystem], reference: str = "dimer") -> list[Prediction | Failure]:
        """Predict; an object that cannot be predicted gives its `Failure`, the others are not touched.

        Parameters
        ----------
        systems
            Ligand-protected clusters.
        reference
            ``"dimer"`` (default), ``"hydride"`` or ``"radical"``; other reference states are exact shifts of
            the first by stored fragment energies.
        """
        prepared = [self._prepare(system, reference) for system in systems]
        energies = iter(self._energies([item.encoded for item in prepared if isinstance(item, _Prepared)]))
        return [
            item if isinstance(item, Failure) else self._prediction(system, next(energies) + item.shift, reference)
            for system, item in zip(systems, prepared, strict=True)
        ]

    def _prepare(self, system: BimetallicSystem, reference: str) -> _Prepared | Failure:
        try:
            return _Prepared(level_shift(system, self.card, reference), encode(system, self.encoder.embed))
        except BimetalError as error:
            return Failure(error)

    @torch.no_grad()
    def _energies(self, encoded: Sequence[Encoded]) -> np.ndarray:
        """Energies (n, members) at the label level with the dimer reference [eV per metal]."""
        target, rows = self.card["target"], []
        for start in range(0, len(encoded), _BATCH):
            batch = collate(encoded[start : start + _BATCH]).to(self.device)
            outputs = [member(batch).energy.double().cpu().numpy() for member in self.members]
            rows.append(np.stack(outputs, axis=1))
        return np.concatenate(rows) * target["std"] + target["mean"] if rows else np.empty((0, len(self.members)))

    def _prediction(self, system: BimetallicSystem, energies: np.ndarray, reference: str) -> Prediction:
        descriptors = all_descriptors(system)
        phi = descriptors.get("phi (-)")
        return Prediction(
            formation_energy_per_metal=float(energies.mean()),
            formation_energy_std=standard_deviation(system, float(energies.std(ddof=1)), self.card),
            n_metals=system.n_metals,
            reference=reference,
            level=self.card["level"],
            model=self.checkpoint.name,
            descriptors=descriptors,
            accessibility_index=phi,
            accessible=None if phi is None else is_accessible(system),
            level_error=self.card["elemental_references"]["errors"]["leave-one-anchor-out MAE"],
            flags=domain_flags(system, self.card),
        )


def predict(
    objects: Iterable[object],
    model: str | Path = DEFAULT_MODEL,
    ligands: object = None,
    reference: str = "dimer",
    device: str = "cpu",
    errors: str = "raise",
) -> list[Prediction | Failure]:
    """Predict formation energies of Atoms, Structures, Molecules or BimetallicSystems.

    Parameters
    ----------
    objects
        The clusters.
    model
        Name of a shipped model or folder of one's own.
    ligands
        Ligand annotation for objects that carry none: dict SMILES → count, list, or one string.
    reference
        Reference state: ``"dimer"``, ``"hydride"`` or ``"radical"``.
    device
        Where the networks run.
    errors
        ``"raise"`` stops at the first bad object; ``"collect"`` returns a `Failure` in its place.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> [result] = predict([load_example("Au4Pd2(PET)8")])
    >>> result.reference, result.n_metals
    ('dimer', 6)
    """
    if errors not in ("raise", "collect"):
        raise ValueError(f"errors={errors!r}; allowed: 'raise', 'collect'")
    systems: list[BimetallicSystem | Failure] = []
    for item in objects:
        try:
            systems.append(as_system(item, ligands))
        except BimetalError as error:
            if errors == "raise":
                raise
            systems.append(Failure(error))
    good = [s for s in systems if isinstance(s, BimetallicSystem)]
    found = iter(get_predictor(model, device).predict(good, reference))
    results = [next(found) if isinstance(s, BimetallicSystem) else s for s in systems]
    for result in results:
        if errors == "raise" and isinstance(result, Failure):
            raise result.error
    return results


@lru_cache(maxsize=4)
def get_predictor(model: str | Path = DEFAULT_MODEL, device: str = "cpu") -> Predictor:
    """The predictor of a model, loaded once."""
    return Predictor(model, device)


def level_shift(system: BimetallicSystem, card: Mapping[str, Any], reference: str = "dimer") -> float:
    """What takes a label-level energy with the dimer reference to the published level and reference [eV per metal].

    Parameters
    ----------
    system
        A ligand-protected cluster.
    card
        A model card with `elemental_references` and `fragments`.
    reference
        ``"dimer"``, ``"hydride"`` or ``"radical"``.

    Raises
    ------
    BimetalError
        The system is not a cluster of d-block metals with coordinates, or the reference is none of the three.
    """
    _check_supported(system)
    require_plausible(system)
    corrections = card["elemental_references"]["corrections"]
    shift = sum(corrections.get(name, 0.0) * x for name, x in correction_features(system).items())
    if reference == "dimer":
        return shift
    if reference not in REFERENCES[:3]:
        raise ReferenceStateError(f"reference {reference!r} cannot be predicted; allowed: {', '.join(REFERENCES[:3])}")
    fragments = card["fragments"]
    for ligand, count in system.ligands:
        to, origin = (ligand_reference_energy(ligand.smiles, fragments, r) for r in (reference, "dimer"))
        shift += count * (origin - to) / system.n_metals
    return shift


def _check_supported(system: BimetallicSystem) -> None:
    if system.kind != "cluster":
        raise UnsupportedSystemError(
            f"the multimodal model describes ligand-protected clusters; this object is of kind {system.kind!r}"
            " and carries no ligands. Use DescriptorFormationCalculator, which describes any bimetallic material, or "
            "annotate ligands in atoms.info['ligand_smiles'] if it has any"
        )
    if not system.has_geometry:
        raise UnsupportedSystemError("a composition has no metal core to read; allowed: objects with coordinates")
    for symbol in set(system.metal_symbols):
        if not 3 <= elements.group(symbol) <= 12 or elements.period(symbol) < 4 or _is_f_block(symbol):
            raise UnsupportedElementError(f"metal {symbol} is not a d-block element; allowed: groups 3 to 12")


def _is_f_block(symbol: str) -> bool:
    from ase.data import atomic_numbers

    return 57 <= atomic_numbers[symbol] <= 70 or atomic_numbers[symbol] >= 89
