"""The shipped graph-only model: formation energies of a list of clusters, and what it looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ase_bimetal.errors import BimetalError, WeightsError
from ase_bimetal.model.checkpoint import member_of, read_weights
from ase_bimetal.model.domain import flags
from ase_bimetal.model.gcnn import GCNN, GCNNConfig, cluster_graph, evaluate_graphs, on_all_atoms
from ase_bimetal.model.predictor import Failure, level_shift
from ase_bimetal.system import BimetallicSystem, as_system

GRAPH_MODEL = "gcnn-gfn1-pbe"


@dataclass(frozen=True)
class GraphPrediction:
    """Formation energy of one cluster from its graph alone.

    Attributes
    ----------
    formation_energy_per_metal
        E_form [eV per metal atom], negative = stable against atoms and free ligands.
    n_metals
        Number of metal atoms.
    reference
        Reference state of the ligands, see `ase_bimetal.formation.REFERENCES`.
    level
        Level of theory of the target.
    model
        Name and hash of the model.
    flags
        Sentences on what the number should not be trusted for.
    """

    formation_energy_per_metal: float
    n_metals: int
    reference: str
    level: str
    model: str
    flags: tuple[str, ...]

    @property
    def energy(self) -> float:
        """Total formation energy, E_form × N_metal [eV]."""
        return self.formation_energy_per_metal * self.n_metals


@dataclass(frozen=True)
class GraphModel:
    """A trained graph network with its card.

    Attributes
    ----------
    network
        In evaluation mode, on the CPU.
    card
        Data, level, splits, metrics, attention, limits, licence, and what predictions need.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> [found] = GraphModel.load().predict([load_example("Au4Pd2(PET)8")])
    >>> found.level, found.reference, found.n_metals
    ('PBE-referenced GFN1-xTB', 'dimer', 6)
    """

    network: GCNN
    card: dict[str, Any]

    @classmethod
    def load(cls, model: str | Path = GRAPH_MODEL) -> GraphModel:
        """Load a shipped model by name, or one's own by folder.

        Raises
        ------
        WeightsError
            No such model, altered weights, or a model of another kind.
        """
        tensors, card = read_weights(model)
        if set(card["config"]) != set(GCNNConfig().to_dict()):
            raise WeightsError(f"{card['name']} is no graph-only model; allowed: {GRAPH_MODEL} or one trained like it")
        return cls(member_of(GCNN(GCNNConfig(**card["config"])), tensors, 0), card)

    @property
    def name(self) -> str:
        """Model name with the first 8 digits of its hash."""
        return f"{self.card['name']}@{self.card['sha256'][:8]}"

    def predict(
        self, objects: Iterable[object], ligands: object = None, reference: str = "dimer", errors: str = "raise"
    ) -> list[GraphPrediction | Failure]:
        """Predict Atoms, Structures, Molecules or BimetallicSystems.

        Parameters
        ----------
        objects
            Whole clusters, ligands included.
        ligands
            Ligand annotation for objects that carry none.
        reference
            Reference state: ``"dimer"``, ``"hydride"`` or ``"radical"``.
        errors
            ``"raise"`` stops at the first bad object; ``"collect"`` returns a `Failure` in its place.

        Raises
        ------
        BimetalError
            An object cannot be read or is not what the network was made for.
        """
        if errors not in ("raise", "collect"):
            raise ValueError(f"errors={errors!r}; allowed: 'raise', 'collect'")
        read = [self._read(item, ligands, reference, errors) for item in objects]
        graphs = [item[1] for item in read if not isinstance(item, Failure)]
        target = self.card["target"]
        energies = iter(evaluate_graphs(self.network, graphs, target["mean"], target["std"])[0])
        return [
            item if isinstance(item, Failure) else self._prediction(item[0], next(energies) + item[2], reference)
            for item in read
        ]

    def attention(self, item: object, ligands: object = None) -> np.ndarray:
        """Attention of each atom at each of the seven local levels.

        Returns
        -------
        numpy.ndarray
            Shape (atoms, 7), 0…1; NaN for hydrogen, which is no node of the graph.
        """
        [found] = self.attentions([as_system(item, ligands)])
        return found

    def attentions(self, systems: Sequence[BimetallicSystem]) -> list[np.ndarray]:
        """As `attention`, of many clusters together."""
        for system in systems:
            level_shift(system, self.card)  # says what the network was not made for
        _, found = evaluate_graphs(self.network, [cluster_graph(system) for system in systems], 0.0, 1.0)
        return [on_all_atoms(system, attention) for system, attention in zip(systems, found, strict=True)]

    def _read(self, item: object, ligands: object, reference: str, errors: str) -> tuple | Failure:
        """System, graph, and the shift to the published level [eV per metal]."""
        try:
            system = as_system(item, ligands)
            shift = level_shift(system, self.card, reference)
            return system, cluster_graph(system), shift
        except BimetalError as error:
            if errors == "raise":
                raise
            return Failure(error)

    def _prediction(self, system: BimetallicSystem, energy: float, reference: str) -> GraphPrediction:
        return GraphPrediction(
            formation_energy_per_metal=float(energy),
            n_metals=system.n_metals,
            reference=reference,
            level=self.card["level"],
            model=self.name,
            flags=flags(system, self.card),
        )


__all__ = ["GRAPH_MODEL", "GraphModel", "GraphPrediction"]
