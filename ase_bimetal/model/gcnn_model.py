"""The graph-only model: formation energies of clusters, and what it looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ase_bimetal.errors import WeightsError, as_typed
from ase_bimetal.formation import ReferenceState
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.model.card import ModelCard
from ase_bimetal.model.checkpoint import member_of, model_name, read_weights
from ase_bimetal.model.domain import flags, unseen, with_level
from ase_bimetal.model.gcnn import GCNN, GCNNConfig, cluster_graph, evaluate_graphs, on_all_atoms
from ase_bimetal.model.interface import Failure, LabelModel, Prediction, describe
from ase_bimetal.model.predictor import Shift, level_shift, require_supported
from ase_bimetal.system import BimetallicSystem, as_system

if TYPE_CHECKING:
    from torch_geometric.data import Data

GRAPH_MODEL = "gcnn-gfn1-pbe"


@dataclass(frozen=True)
class GraphModel(LabelModel):
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
    >>> [found] = GraphModel.load().predict([as_system(load_example("Au4Pd2(PET)8"))])
    >>> found.level, found.reference_state, found.n_metals
    ('PBE-referenced GFN1-xTB', 'dimer', 6)
    """

    network: GCNN
    card: ModelCard

    @classmethod
    def load(cls, model: str | Path = GRAPH_MODEL) -> GraphModel:
        """Load a shipped model by name, or one's own by folder.

        Raises
        ------
        WeightsError
            No such model, altered weights, or a model of another kind.
        """
        tensors, card = read_weights(model)
        if set(card.config) != set(GCNNConfig().to_dict()):
            raise WeightsError(f"{card.name} is no graph-only model; allowed: {GRAPH_MODEL} or one trained like it")
        return cls(member_of(lambda: GCNN(GCNNConfig(**card.config)), tensors, 0), card)

    @property
    def name(self) -> str:
        """Model name with the first 8 digits of its hash."""
        return model_name(self.card)

    @property
    def level(self) -> str:
        """Level of theory of the energies."""
        return self.card.level

    def covers(self, system: BimetallicSystem) -> bool:
        """Say whether a cluster's ligands are in the coordinates.

        Other objects are not covered.
        """
        return isinstance(self._read(system, "dimer"), tuple)

    def predict(
        self, systems: Sequence[BimetallicSystem], reference_state: ReferenceState = "dimer"
    ) -> list[Prediction | Failure]:
        """Predict clusters from their graphs.

        Parameters
        ----------
        systems
            Whole clusters, ligands included.
        reference_state
            ``"dimer"``, ``"hydride"`` or ``"radical"``.
        """
        read = [self._read(system, reference_state) for system in systems]
        target = self.card.target
        graphs = [item[0] for item in read if not isinstance(item, Failure)]
        energies = iter(evaluate_graphs(self.network, graphs, target.mean, target.std)[0])
        return [
            item if isinstance(item, Failure) else self._prediction(system, next(energies), item[1], reference_state)
            for system, item in zip(systems, read, strict=True)
        ]

    def label_level(self, systems: Sequence[BimetallicSystem]) -> tuple[np.ndarray, np.ndarray]:
        """Predict energies of the labels' own level, as `LabelModel.label_level`."""
        target = self.card.target
        graphs = [cluster_graph(system) for system in systems]
        energies = evaluate_graphs(self.network, graphs, target.mean, target.std)[0]
        deviations = [self._left_out_error(system) for system in systems]
        return np.asarray(energies, dtype=float), np.array(deviations)

    def attention(self, item: object, ligands: LigandAnnotation | None = None) -> np.ndarray:
        """Compute each atom's attention at seven local levels.

        Returns
        -------
        numpy.ndarray
            Shape (atoms, 7), 0…1; NaN for hydrogen, which is no node of the graph.
        """
        [found] = self.attentions([as_system(item, ligands)])
        return found

    def attentions(self, systems: Sequence[BimetallicSystem]) -> list[np.ndarray]:
        """Compute `attention` of many clusters together."""
        for system in systems:
            require_supported(system)
        _, found = evaluate_graphs(self.network, [cluster_graph(system) for system in systems], 0.0, 1.0)
        return [on_all_atoms(system, attention) for system, attention in zip(systems, found, strict=True)]

    def _read(self, system: BimetallicSystem, reference_state: str) -> tuple[Data, Shift] | Failure:
        """Graph, and the shift to the published level."""
        try:
            return cluster_graph(system), level_shift(system, self.card, reference_state)
        except Exception as error:  # one object never costs the others
            return Failure(as_typed(error, f"encoding {system!r:.200}"))

    def _prediction(self, system: BimetallicSystem, energy: float, shift: Shift, reference_state: str) -> Prediction:
        return Prediction(
            **describe(system),
            formation_energy_per_metal=float(energy) + shift.value,
            formation_energy_std=with_level(self._left_out_error(system), self.card, shift.deviation),
            reference_state=reference_state,
            level=self.level,
            model=self.name,
            flags=flags(system, self.card),
        )

    def _left_out_error(self, system: BimetallicSystem) -> float:
        """Root mean square error [eV/metal] of left-out rows: of dopants where anything is new, else of random rows."""
        metrics = self.card.metrics
        is_new = bool(unseen(system, self.card.domain))
        split = "left-out dopants" if is_new and "left-out dopants" in metrics else "random"
        return metrics[split]["GCNN"]["RMSE"]


__all__ = ["GRAPH_MODEL", "GraphModel"]
