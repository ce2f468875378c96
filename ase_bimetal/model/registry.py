"""Models by name: the shipped ones, one's own by folder, and whichever covers an object."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, overload

from ase_bimetal.errors import BimetalError
from ase_bimetal.model.interface import Failure, FormationModel, Prediction
from ase_bimetal.system import BimetallicSystem, as_system

#: Takes for each object the first of `_ORDER` that covers it.
AUTO = "auto"
FOREST = "descriptor-forest"
DEFAULT = "mml-gfn1-pbe"
_ORDER = (DEFAULT, FOREST)


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
    ModelInfo("gcnn-gfn1-pbe", "ligand-protected clusters with the ligands in the coordinates, from the graph alone",
              "graph"),
    ModelInfo(FOREST, "any object of exactly two metals: clusters, zeolites, doped carbon, particles, surfaces",
              "train"),
)


def list_models() -> tuple[ModelInfo, ...]:
    """List the shipped models with what each predicts.

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

    Raises
    ------
    WeightsError
        No such model, or altered weights.
    """
    if model == AUTO:
        return AutoModel(tuple(_ORDER), device)
    if model == FOREST:
        from ase_bimetal.model.forest import get_forest

        return get_forest()
    return _network(model)(model, device)


def _network(model: str | Path) -> Callable[[str | Path, str], FormationModel]:
    """What loads a folder of weights: its card says of which kind they are."""
    from ase_bimetal.model.checkpoint import resolve

    card = json.loads((resolve(model) / "card.json").read_text())
    if "n_blocks" in card["config"]:
        from ase_bimetal.model.predictor import get_predictor

        return get_predictor
    from ase_bimetal.model.gcnn_model import GraphModel

    return lambda name, _: GraphModel.load(name)


class AutoModel(FormationModel):
    """For every object the first model that covers it; the prediction says which it was.

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
        """Whether any of the models does."""
        return any(get_model(name, self.device).covers(system) for name in self.names)

    def predict(self, systems: Sequence[BimetallicSystem], reference: str = "dimer") -> list[Prediction | Failure]:
        """Predict each with the first model that covers it, the last model where none does."""
        chosen = [self._choose(system) for system in systems]
        results: list[Prediction | Failure] = [Failure(BimetalError("no model"))] * len(systems)
        for name in self.names:
            rows = [i for i, choice in enumerate(chosen) if choice == name]
            if rows:
                found = get_model(name, self.device).predict([systems[i] for i in rows], reference)
                for i, result in zip(rows, found, strict=True):
                    results[i] = result
        return results

    def _choose(self, system: BimetallicSystem) -> str:
        covering = (name for name in self.names[:-1] if get_model(name, self.device).covers(system))
        return next(covering, self.names[-1])


@overload
def predict(
    objects: Iterable[object], model: str | Path = ..., ligands: object = ..., reference: str = ...,
    device: str = ..., errors: Literal["raise"] = ...,
) -> list[Prediction]: ...


@overload
def predict(
    objects: Iterable[object], model: str | Path = ..., ligands: object = ..., reference: str = ...,
    device: str = ..., *, errors: Literal["collect"],
) -> list[Prediction | Failure]: ...


def predict(
    objects: Iterable[object],
    model: str | Path = DEFAULT,
    ligands: object = None,
    reference: str = "dimer",
    device: str = "cpu",
    errors: Literal["raise", "collect"] = "raise",
) -> list[Prediction] | list[Prediction | Failure]:
    """Predict formation energies of Atoms, Structures, Molecules or BimetallicSystems.

    Parameters
    ----------
    objects
        The clusters.
    model
        Name of a shipped model (`list_models`), folder of one's own, or ``"auto"`` for the first that covers the
        object; every prediction names its model.
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
    found = iter(get_model(model, device).predict(good, reference))
    results = [next(found) if isinstance(s, BimetallicSystem) else s for s in systems]
    for result in results:
        if errors == "raise" and isinstance(result, Failure):
            raise result.error
    return results


__all__ = ["AUTO", "FOREST", "AutoModel", "ModelInfo", "get_model", "list_models", "predict"]
