"""Models by name: the shipped ones, one's own by folder, and whichever covers an object."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from ase_bimetal.errors import (
    BimetalError,
    FormulaError,
    MissingPackageError,
    OptionError,
    as_typed,
    require_options,
)
from ase_bimetal.extras import name_extra
from ase_bimetal.formation import ReferenceState
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.model.card import read_card
from ase_bimetal.model.interface import SYMMETRIC, Failure, FormationModel, Prediction
from ase_bimetal.system import BimetallicSystem, Charge, as_system
from ase_bimetal.workers import in_order

if TYPE_CHECKING:
    from ase_bimetal.structures.formula import FormulaCluster

#: Takes for each object the first of `_ORDER` that covers it.
AUTO = "auto"
FOREST = "descriptor-forest"
DEFAULT = "mml-gfn1-pbe"
_ORDER = (DEFAULT, FOREST)
_OPTIONS = ("model", "ligands", "reference_state", "device", "errors", "charge", "workers")
#: Objects that a worker is given at once: few enough that all end at about the same time.
_MOST_AT_ONCE = 32


@dataclass(frozen=True)
class ModelInfo:
    """One shipped model.

    Attributes
    ----------
    name
        By which `get_model` and ``predict(..., model=...)`` know it.
    objects
        What it predicts, in words.
    needs
        Extra of the package that it needs; empty for none.
    """

    name: str
    objects: str
    needs: str = ""


_SHIPPED = (
    ModelInfo(DEFAULT, "ligand-protected clusters of d-block metals, whole or as an annotated core"),
    ModelInfo(
        "gcnn-gfn1-pbe", "ligand-protected clusters with the ligands in the coordinates, from the graph alone", "graph"
    ),
    ModelInfo(
        FOREST, "any object of exactly two metals: clusters, zeolites, doped carbon, particles, surfaces", "train"
    ),
)


def list_models() -> tuple[ModelInfo, ...]:
    """List the shipped models with what each predicts.

    Returns
    -------
    tuple of ModelInfo
        The default model first.

    Examples
    --------
    >>> [model.name for model in list_models()]
    ['mml-gfn1-pbe', 'gcnn-gfn1-pbe', 'descriptor-forest']
    """
    return _SHIPPED


@lru_cache(maxsize=8)
def get_model(model: str | Path = DEFAULT, device: str = "cpu") -> FormationModel:
    """Load a model once.

    Parameters
    ----------
    model
        Name of a shipped model, ``"auto"``, or folder of one's own.
    device
        Where the networks run, such as ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    FormationModel
        The same object for the same arguments.

    Raises
    ------
    WeightsError
        No such model, or altered weights.

    Examples
    --------
    >>> get_model("mml-gfn1-pbe").level
    'PBE-referenced GFN1-xTB'
    """
    if model == AUTO:
        return AutoModel(tuple(_ORDER), device)
    if model == FOREST:
        drawn = random.getstate()
        from ase_bimetal.model.forest import get_forest

        random.setstate(drawn)  # rich draws a random number when scikit-learn imports it
        return get_forest()
    return _network(model)(model, device)


def _network(model: str | Path) -> Callable[[str | Path, str], FormationModel]:
    """What loads a folder of weights: its card says of which kind they are."""
    from ase_bimetal.model.checkpoint import resolve

    if "n_blocks" in read_card(resolve(model) / "card.json").config:
        from ase_bimetal.model.predictor import get_predictor

        return get_predictor
    from ase_bimetal.model.gcnn_model import GraphModel

    return lambda name, _: GraphModel.load(name)


class AutoModel(FormationModel):
    """The first model that covers each object.

    A prediction says which model it was.

    Parameters
    ----------
    names
        Models in the order of preference.
    device
        Where networks run.
    """

    def __init__(self, names: tuple[str, ...], device: str = "cpu") -> None:
        self.names, self.device = names, device

    @property
    def name(self) -> str:
        """That of the first model."""
        return get_model(self.names[0], self.device).name

    @property
    def level(self) -> str:
        """That of the first model."""
        return get_model(self.names[0], self.device).level

    def covers(self, system: BimetallicSystem) -> bool:
        """Say whether any of the models does.

        Parameters
        ----------
        system
            Any object.

        Returns
        -------
        bool
            Whether one of the models predicts it.
        """
        return any(get_model(name, self.device).covers(system) for name in self.names)

    def first_for(self, system: BimetallicSystem) -> FormationModel:
        """Load the model that an object is left to.

        Parameters
        ----------
        system
            Any object.

        Returns
        -------
        FormationModel
            The first that covers it, or the last.
        """
        return get_model(self._choose(system), self.device)

    def predict(
        self, systems: Sequence[BimetallicSystem], reference_state: ReferenceState = "dimer"
    ) -> list[Prediction | Failure]:
        """Predict each system with the first covering model.

        A flag says where it was not the first of them. Where none covers a cluster, the first model says why; other
        objects hear it from the last.
        """
        chosen = [self._choose(system) for system in systems]
        results: list[Prediction | Failure] = [Failure(BimetalError("no model"))] * len(systems)
        for name in self.names:
            rows = [i for i, choice in enumerate(chosen) if choice == name]
            if rows:
                found = self._answers(name, [systems[i] for i in rows], reference_state)
                for i, result in zip(rows, found, strict=True):
                    results[i] = result
        return results

    def _answers(
        self, name: str, systems: Sequence[BimetallicSystem], reference_state: ReferenceState
    ) -> list[Prediction | Failure]:
        """What one of the models says to the systems left to it."""
        first = get_model(self.names[0], self.device)
        if name == self.names[0]:
            return first.predict(systems, reference_state)
        try:
            with name_extra():
                found = get_model(name, self.device).predict(systems, reference_state)
        except MissingPackageError as error:
            found = [Failure(error)] * len(systems)
        answers: list[Prediction | Failure] = []
        for system, result in zip(systems, found, strict=True):
            if isinstance(result, Prediction):
                flag = f"predicted by {name}: {self.names[0]} does not cover this object ({_in_words(system)})"
                answers.append(replace(result, flags=(flag, *result.flags)))
            else:
                answers.append(first.predict([system], reference_state)[0] if system.kind == "cluster" else result)
        return answers

    def _choose(self, system: BimetallicSystem) -> str:
        covering = (name for name in self.names[:-1] if get_model(name, self.device).covers(system))
        return next(covering, self.names[-1])


def _in_words(system: BimetallicSystem) -> str:
    if system.kind == "cluster":
        return f"ligand-protected {', '.join(system.composition_metals)}"
    hint = "" if any(system.pbc) else "; annotate ligands in atoms.info['ligand_smiles'] if it has any"
    return f"no cluster with ligands{hint}"


@overload
def predict(
    objects: object,
    model: str | Path = ...,
    ligands: LigandAnnotation | None = ...,
    reference_state: ReferenceState = ...,
    device: str = ...,
    errors: Literal["raise"] = ...,
    charge: Charge = ...,
    workers: int = ...,
) -> list[Prediction]: ...


@overload
def predict(
    objects: object,
    model: str | Path = ...,
    ligands: LigandAnnotation | None = ...,
    reference_state: ReferenceState = ...,
    device: str = ...,
    *,
    errors: Literal["collect"],
    charge: Charge = ...,
    workers: int = ...,
) -> list[Prediction | Failure]: ...


def predict(
    objects: object,
    model: str | Path = AUTO,
    ligands: LigandAnnotation | None = None,
    reference_state: ReferenceState = "dimer",
    device: str = "cpu",
    errors: Literal["raise", "collect"] = "raise",
    charge: Charge = "refuse",
    workers: int = 1,
    **unknown: object,
) -> list[Prediction] | list[Prediction | Failure]:
    """Predict formation energies of Atoms, Structures, Molecules or BimetallicSystems.

    Parameters
    ----------
    objects
        The clusters: a list, or one object alone. A text is a formula such as ``"Au24Pd(PET)18"``, for which a
        cluster is built; files are read with `ase.io.read`.
    model
        ``"auto"`` for the first that covers the object, name of a shipped model (`list_models`), or folder of one's
        own; every prediction names its model.
    ligands
        Ligand annotation for objects that carry none: dict SMILES → count, list, or one string.
    reference_state
        Reference state: ``"dimer"``, ``"hydride"`` or ``"radical"``.
    device
        Where the networks run.
    errors
        ``"raise"`` stops at the first bad object; ``"collect"`` returns a `Failure` in its place.
    charge
        ``"refuse"`` objects that declare a charge, or ``"ignore"`` it: the number of the neutral object, flagged.
    workers
        Processes that share the objects, on the CPU; 1 = this one alone. Worth it from some hundred clusters on. Where
        Python starts processes anew, a script must call this under ``if __name__ == "__main__":``.

    Returns
    -------
    list of Prediction
        One for each object, in their order, with energies in eV per metal atom; with ``errors="collect"`` a `Failure`
        in place of each object that cannot be predicted.

    Raises
    ------
    BimetalError
        The first bad object's error, for ``errors="raise"``.
    OptionError
        A keyword does not exist, or workers are asked for that cannot be had.
    WeightsError
        No such model, or altered weights.
    WorkerError
        A worker process ended before its work was done.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> [result] = predict([load_example("Au4Pd2(PET)8")])
    >>> result.reference_state, result.n_metals
    ('dimer', 6)
    >>> [built] = predict("Au4Pt2(SMe)8")
    >>> built.flags[0]
    'geometry built for the formula Au4Pt2(SMe)8: motif Au4M2, not relaxed'
    """
    require_options("predict", unknown, _OPTIONS)
    if errors not in ("raise", "collect"):
        raise ValueError(f"errors={errors!r}; allowed: 'raise', 'collect'")
    settings = _Settings(model, ligands, reference_state, device, charge)
    results = _shared(list(_several(objects)), settings, workers)
    for result in results:
        if errors == "raise" and isinstance(result, Failure):
            raise result.error
    return results


@dataclass(frozen=True)
class _Settings:
    """The arguments of `predict` that are the same for all objects."""

    model: str | Path
    ligands: LigandAnnotation | None
    reference_state: ReferenceState
    device: str
    charge: Charge

    def predict(self, objects: Sequence[object]) -> list[Prediction | Failure]:
        """Predict objects in this process."""
        items = [_made(item, self.ligands, self.charge) for item in objects]
        good = [item.system for item in items if isinstance(item, _Item)]
        found = iter(get_model(self.model, self.device).predict(good, self.reference_state))
        return [item.finished(next(found)) if isinstance(item, _Item) else item for item in items]


def _shared(objects: Sequence[object], settings: _Settings, workers: int) -> list[Prediction | Failure]:
    """Predict objects in one process or several."""
    require_workers(workers, settings.device)
    if workers == 1 or len(objects) < 2:
        return settings.predict(objects)
    load_weights(settings.model, settings.device)
    size = min(_MOST_AT_ONCE, ceil(len(objects) / workers))
    parts = [objects[start : start + size] for start in range(0, len(objects), size)]
    done = in_order(settings.predict, parts, min(workers, len(parts)))
    return [result for _, results in done for result in results]


def load_weights(model: str | Path, device: str = "cpu") -> str:
    """Load a model's weights before processes are forked.

    They then have them, and a model that cannot be loaded is named once.

    Parameters
    ----------
    model, device
        As in `get_model`; of ``"auto"`` the first model is loaded.

    Returns
    -------
    str
        The model's name with its hash.

    Raises
    ------
    WeightsError
        No such model, or altered weights.
    """
    return get_model(model, device).name


def require_workers(workers: int, device: str) -> None:
    """Refuse a number of workers that cannot be had.

    Parameters
    ----------
    workers
        Processes; 1 = this one alone.
    device
        Where the networks run.

    Raises
    ------
    OptionError
        Less than one, or more than one on another device than the CPU.
    """
    if workers < 1:
        raise OptionError(f"workers={workers}; allowed: 1 or more. Pass workers=1")
    if workers > 1 and device != "cpu":
        raise OptionError(
            f"workers={workers} with device={device!r}; allowed: several workers on the CPU, or one on "
            "another device. Pass workers=1, or device='cpu'"
        )


@dataclass(frozen=True)
class _Item:
    """A system, and the cluster built for a formula that it comes from, if it does."""

    system: BimetallicSystem
    built: FormulaCluster | None = None

    def finished(self, result: Prediction | Failure) -> Prediction | Failure:
        """The result, with what the geometry of a formula adds to its ± and flags."""
        if self.built is None or isinstance(result, Failure):
            return result
        return with_geometry(result, self.built)


def with_geometry(found: Prediction, cluster: FormulaCluster) -> Prediction:
    """Add a built geometry's error and notes to a prediction.

    The geometry is the one built for a formula.

    Parameters
    ----------
    found
        Prediction for the built geometry.
    cluster
        What was built, and what is known of its error.

    Returns
    -------
    Prediction
        With a larger standard deviation [eV/metal], a symmetric interval and further flags.
    """
    std = cluster.widened(found.formation_energy_std)
    return replace(
        found, formation_energy_std=std, formation_energy_interval=SYMMETRIC, flags=(*found.flags, *cluster.notes)
    )


def _several(objects: object) -> Iterable[object]:
    """The objects of a list; one object alone is a list of one."""
    # of Atoms, Structures, Molecules and Compositions
    marks = ("get_chemical_symbols", "lattice", "spin_multiplicity", "reduced_formula")
    is_one = isinstance(objects, str | BimetallicSystem) or any(hasattr(objects, mark) for mark in marks)
    return objects if isinstance(objects, Iterable) and not is_one else [objects]


def _made(item: object, ligands: LigandAnnotation | None, charge: Charge) -> _Item | Failure:
    try:
        if not isinstance(item, str):
            return _Item(as_system(item, ligands, charge))
        if Path(item).suffix or "/" in item:
            raise FormulaError(
                f"{item!r} looks like a file; allowed: objects and formulas. Write predict(ase.io.read("
                f"{item!r}, ':')), or on the command line: ase-bimetal predict {item}"
            )
        from ase_bimetal.structures.formula import build_formula

        built = build_formula(item)
        return _Item(as_system(built.atoms, ligands), built)
    except Exception as error:  # one object never costs the others
        return Failure(as_typed(error, "reading the object"))


__all__ = [
    "AUTO",
    "FOREST",
    "AutoModel",
    "ModelInfo",
    "get_model",
    "list_models",
    "load_weights",
    "predict",
    "require_workers",
    "with_geometry",
]
