"""The graph-only network: structure in, formation energy and an attention per atom out.

In the manner of DeepMoleNet (Liu et al., J. Phys. Chem. Lett. 2020): one edge-conditioned convolution whose weights
all steps share, a gated recurrent update, a sigmoid attention on atoms after the embedding and after each of six steps
(seven local levels), a Set2Set readout (the global level), and symmetry functions as auxiliary targets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ase_bimetal.errors import MissingDataError, UnsupportedElementError
from ase_bimetal.extras import name_extra
from ase_bimetal.model.encode import DONOR_ELEMENTS, N_METAL_FEATURES, metal_features
from ase_bimetal.model.symmetry_functions import SYMMETRY_FUNCTIONS
from ase_bimetal.neighbors import pairs_within
from ase_bimetal.system import BimetallicSystem

with name_extra():
    from torch_geometric.data import Batch, Data
    from torch_geometric.nn.aggr import Set2Set
    from torch_geometric.utils import to_dense_adj, to_dense_batch

EDGE_CUTOFF = 5.0  # Å, between heavy atoms
#: Non-metals that can be nodes, in the order of their one-hot code.
NON_METALS = (*DONOR_ELEMENTS, "B", "Si")
N_FEATURES = N_METAL_FEATURES + len(NON_METALS) + 1  # with the number of hydrogens


@dataclass(frozen=True)
class GCNNConfig:
    """Sizes of the network.

    Attributes
    ----------
    width
        Width of atom states.
    n_filters
        Rank of the edge network: hidden units that its last, linear layer mixes into a width × width matrix.
    n_distances
        Gaussians that a distance is spread over.
    n_steps
        Applications of the shared convolution; one more local level of attention than that.
    n_readouts
        Steps of Set2Set.
    """

    width: int = 48
    n_filters: int = 12
    n_distances: int = 24
    n_steps: int = 6
    n_readouts: int = 4

    def to_dict(self) -> dict[str, int]:
        """Give plain values for the model card."""
        return asdict(self)


@dataclass(frozen=True)
class GCNNOutput:
    """What the network says of a batch.

    ``energy`` (b,) standardised; ``attention`` (n, levels) in 0…1; ``symmetry`` (n, 20) standardised symmetry
    functions; n nodes of all graphs together.
    """

    energy: torch.Tensor
    attention: torch.Tensor
    symmetry: torch.Tensor


def heavy_atoms(system: BimetallicSystem) -> np.ndarray:
    """List the rows of all atoms but hydrogen.

    They are the nodes of the object's graph, in its order, shape (n,).
    """
    return np.array([i for i, symbol in enumerate(system.symbols) if symbol != "H"], dtype=int)


def on_all_atoms(system: BimetallicSystem, values: np.ndarray) -> np.ndarray:
    """Spread the nodes' values over all atoms.

    Values (n, …) become (N, …), NaN for hydrogen, which is no node.
    """
    whole = np.full((len(system.symbols), *values.shape[1:]), np.nan)
    whole[heavy_atoms(system)] = values
    return whole


def cluster_graph(system: BimetallicSystem) -> Data:
    """Build the graph of all heavy atoms.

    A hydrogen is counted on the heavy atom it is closest to.

    Parameters
    ----------
    system
        A cluster with coordinates of metal and ligands.

    Returns
    -------
    torch_geometric.data.Data
        ``x`` (n, N_FEATURES), ``edge_index`` (2, e), ``distance`` (e,) [Å], rows as in `heavy_atoms`.

    Raises
    ------
    MissingDataError
        No coordinates, or ligands without coordinates.
    UnsupportedElementError
        A non-metal without a code.
    """
    if not system.has_geometry or system.is_core_only:
        raise MissingDataError(
            "the graph network reads atoms, metal and ligand alike; this object lacks coordinates "
            "of its ligands. Allowed: whole clusters, or the multimodal model for bare cores"
            ". Use model='mml-gfn1-pbe', or add the atoms of the ligands"
        )
    rows = heavy_atoms(system)
    pairs = pairs_within(system.positions[rows], system.cell, system.pbc, EDGE_CUTOFF)
    nodes = torch.tensor(_node_features(system, rows), dtype=torch.float32)
    edges = torch.from_numpy(np.stack([pairs.second, pairs.first]))
    return Data(x=nodes, edge_index=edges, distance=torch.tensor(pairs.distance, dtype=torch.float32))


def _node_features(system: BimetallicSystem, rows: np.ndarray) -> np.ndarray:
    """Periodic properties of metals, a code for each non-metal, and the hydrogens an atom carries."""
    metals, hydrogens = set(system.metals.tolist()), _hydrogens(system, rows)
    nodes = np.zeros((len(rows), N_FEATURES))
    for row, atom in enumerate(rows.tolist()):
        symbol = system.symbols[atom]
        if atom in metals:
            nodes[row, :N_METAL_FEATURES] = metal_features(symbol)
        elif symbol in NON_METALS:
            nodes[row, N_METAL_FEATURES + NON_METALS.index(symbol)] = 1.0
        else:
            raise UnsupportedElementError(
                f"atom {atom}: no code for {symbol}; allowed: metals of groups 3 to 12, H, "
                f"{', '.join(NON_METALS)}. Use another tool for this element"
            )
        nodes[row, -1] = hydrogens[atom] / 2
    return nodes


def _hydrogens(system: BimetallicSystem, rows: np.ndarray) -> Counter[int]:
    """Heavy atom → number of hydrogens that are closer to it than to any other."""
    from scipy.spatial import cKDTree

    hydrogens = np.setdiff1d(np.arange(len(system.symbols)), rows)
    if not len(hydrogens):
        return Counter()
    _, nearest = cKDTree(system.positions[rows]).query(system.positions[hydrogens])
    return Counter(rows[nearest].tolist())


class SharedEdgeConvolution(nn.Module):
    """PyG's ``NNConv`` with summed messages, computed the short way.

    The edge network's last layer is linear, which makes the short way possible.

    NNConv makes a matrix A(e_ij) = Σ_k f_k(e_ij) W_k for each edge and sums A(e_ij)ᵀ x_j over neighbours. Summing
    f_k(e_ij) x_j over neighbours first and multiplying with W_k afterwards gives the same numbers, and was measured
    at a small part of the cost.
    """

    def __init__(self, width: int, n_filters: int) -> None:
        super().__init__()
        self.mix = nn.Linear(n_filters * width, width, bias=False)
        self.root = nn.Linear(width, width)

    def forward(self, states: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
        """Compute new messages (b, n, width).

        From states (b, n, width) and filters (b, n·n_filters, n).
        """
        gathered = (filters @ states).reshape(*states.shape[:2], -1)
        mixed: torch.Tensor = self.mix(gathered) + self.root(states)
        return mixed


class GCNN(nn.Module):
    """The network; parameters in `GCNNConfig`.

    Examples
    --------
    >>> from ase_bimetal import as_system, load_example
    >>> graph = cluster_graph(as_system(load_example("Au4Pd2(PET)8")))
    >>> GCNN(GCNNConfig())(graph).attention.shape == (graph.num_nodes, 7)
    True
    """

    def __init__(self, config: GCNNConfig) -> None:
        super().__init__()
        self.config = config
        width, levels = config.width, config.n_steps + 1
        self.embed = nn.Sequential(nn.Linear(N_FEATURES, width), nn.SiLU(), nn.Linear(width, width), nn.Tanh())
        self.filters = nn.Sequential(nn.Linear(config.n_distances, 32), nn.SiLU(), nn.Linear(32, config.n_filters))
        self.convolution = SharedEdgeConvolution(width, config.n_filters)
        self.update = nn.GRUCell(width, width)
        self.gates = nn.ModuleList(nn.Linear(2 * width, 1) for _ in range(levels))
        self.values = nn.ModuleList(nn.Linear(width, width) for _ in range(levels))
        self.readout = Set2Set(width, config.n_readouts)
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, 1))
        self.symmetry = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, len(SYMMETRY_FUNCTIONS)))

    def forward(self, graphs: Data) -> GCNNOutput:
        """Predict one graph or a PyG batch of them."""
        owner = graphs.batch if graphs.batch is not None else graphs.x.new_zeros(len(graphs.x), dtype=torch.long)
        size = int(owner.max()) + 1
        filters = self._dense_filters(graphs, owner, size)
        first = states = self.embed(graphs.x)
        gates = [self._gate(0, states, first)]
        read = self._weighed(0, gates[0], states)
        for level in range(1, self.config.n_steps + 1):
            dense, mask = to_dense_batch(states, owner, batch_size=size)
            states = self.update(F.relu(self.convolution(dense, filters)[mask]), states)
            gates.append(self._gate(level, states, first))
            read = read + self._weighed(level, gates[-1], states)
        energy = self.head(self.readout(read, owner, dim_size=size)).squeeze(-1)
        return GCNNOutput(energy, torch.cat(gates, dim=1), self.symmetry(states))

    def _gate(self, level: int, states: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """Attention of one local level, (n, 1) in 0…1."""
        return torch.sigmoid(self.gates[level](torch.cat([states, first], dim=1)))

    def _weighed(self, level: int, gate: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """What a level reads of each atom, (n, width), as long as its attention.

        Values are brought to one length first: otherwise the network can write how much an atom counts into the
        length of its value, and the attention means nothing.
        """
        return gate * F.layer_norm(self.values[level](states), (self.config.width,)) / (self.config.n_steps + 1)

    def _dense_filters(self, graphs: Data, owner: torch.Tensor, size: int) -> torch.Tensor:
        """Output of the edge network for all pairs, (b, n·n_filters, n); zero beyond the cutoff, smoothly."""
        centres = torch.linspace(0.5, EDGE_CUTOFF, self.config.n_distances, device=graphs.x.device)
        spread = torch.exp(-(((graphs.distance[:, None] - centres) / (centres[1] - centres[0])) ** 2))
        fade = 0.5 * (torch.cos(torch.pi * graphs.distance / EDGE_CUTOFF) + 1)
        weights = self.filters(spread) * fade[:, None]
        source, target = graphs.edge_index
        dense = to_dense_adj(torch.stack([target, source]), owner, weights, batch_size=size)
        filters: torch.Tensor = dense.permute(0, 1, 3, 2).reshape(size, -1, dense.shape[2])
        return filters


@torch.no_grad()
def evaluate_graphs(
    network: GCNN, graphs: Sequence[Data], mean: float, std: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Compute energies at the label level and attention.

    Returns
    -------
    tuple
        Formation energies (n,) [eV/metal], and for each graph its attention (nodes, levels) in 0…1.
    """
    order = np.argsort([graph.num_nodes for graph in graphs], kind="stable")
    energies, attention = np.empty(len(graphs)), [np.empty(0)] * len(graphs)
    for start in range(0, len(order), 32):
        rows = order[start : start + 32]
        output = network(Batch.from_data_list([graphs[i] for i in rows]))
        energies[rows] = output.energy.double().numpy() * std + mean
        parts = output.attention.split([graphs[i].num_nodes for i in rows])
        for row, part in zip(rows, parts, strict=True):
            attention[row] = part.double().numpy()
    return energies, attention


__all__ = ["GCNN", "GCNNConfig", "GCNNOutput", "cluster_graph", "evaluate_graphs", "heavy_atoms", "on_all_atoms"]
