"""From a `BimetallicSystem` to the numbers the model reads, and many of them to one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from ase.data import atomic_numbers, covalent_radii

from ase_bimetal import elements
from ase_bimetal.descriptors import METALS_AROUND, ligand_log_p, metal_pairs, mixing_enthalpy
from ase_bimetal.ligands import Ligand
from ase_bimetal.neighbors import Pairs, pairs_within, smooth_step
from ase_bimetal.probes import METAL_PROBES, ligand_probe, metal_probes
from ase_bimetal.shell import CARBON_CONTACT, SECOND_SHELL_MARGIN, binds_alone, radii_of
from ase_bimetal.sites import Sites
from ase_bimetal.system import BimetallicSystem

#: Elements a donor atom can have, in the order of the one-hot code of nodes.
DONOR_ELEMENTS = ("S", "Se", "P", "C", "N", "O", "F", "Cl", "Br", "I", "H")
#: Their groups of the periodic table, the code of ligands: a halide nobody has seen is still a halide.
DONOR_GROUPS = (("C",), ("N", "P"), ("O", "S", "Se"), ("F", "Cl", "Br", "I"), ("H",))
#: Their radii [Å]: distance from gold in X–Au3(PH3)2 or L–Au3Cl(PH3) with GFN1-xTB, less gold's metallic radius.
DONOR_RADII = {"S": 0.85, "Se": 0.93, "P": 0.92, "C": 0.65, "N": 0.81, "O": 0.56, "F": 0.54, "Cl": 0.85, "Br": 0.95,
               "I": 1.11, "H": 0.10}  # fmt: skip
METAL_CUTOFF = METALS_AROUND  # Å
DONOR_CUTOFF = 4.0  # Å, wider than any bond, so that no edge appears or goes within the range of one
#: What would leave the graph at a distance fades out over so many Å before it: an edge, a carbon of a ring.
_EDGE_FADE, _CARBON_FADE, _MARGIN_FADE = 0.5, 0.2, 0.1
#: One end of a triple bond that is closer to metal by this much [Å] holds its ligand alone, and does not fade.
_CLOSER = 0.1
_CARBON_BOND = 1.7  # Å, longer than any bond of two carbons
CONTACT_CUTOFF = 3.5  # Å, between heavy atoms of the whole cluster
#: Mean and spread [eV] that standardise each of `METAL_PROBES`: those of the d block, rounded.
_PROBE_SCALES = ((-4.0, 1.6), (-2.5, 1.9), (-8.0, 2.6), (-5.0, 1.8), (-4.5, 1.2), (-4.0, 1.6), (-3.8, 1.1),
                 (-3.2, 0.9), (-4.4, 1.6), (-4.2, 1.0), (-1.3, 1.2), (-1.0, 1.3))  # fmt: skip
N_METAL_PROBES = len(METAL_PROBES)
N_METAL_FEATURES = N_METAL_PROBES + 2  # with electronegativity and radius
N_NODE_FEATURES = N_METAL_FEATURES + len(DONOR_ELEMENTS)
_KIND_WIDTH = len(DONOR_GROUPS) + 1  # with the bond to a triangle
N_LIGAND_FEATURES = len(DONOR_GROUPS) + 2  # with X type, L type
#: Means over the metals that tell how a core is bonded: see `bonding_features`.
BONDING = ("coordination", "root coordination", "band", "repulsion", "M-Au per root bond", "M-M per root bond",
           "neighbourhood")  # fmt: skip
#: How far bonds between metals and donors are from unstrained: see `donor_strain`.
STRAIN = ("repulsion at donors", "band at donors", "band at metals")
N_BASELINE_FEATURES = N_METAL_PROBES + 2 * _KIND_WIDTH + len(BONDING) + len(STRAIN)
#: Those that count donors per metal atom, by type and group.
DONOR_COUNTS = [N_METAL_PROBES + k * _KIND_WIDTH + group for k in (0, 1) for group in range(len(DONOR_GROUPS))]
#: Slopes [eV per eV] that the linear baseline is given and not fitted: a ligand that binds more strongly to a triangle
#: of the core's metals does so by as much in a cluster.
BASELINE_SLOPES = np.zeros(N_BASELINE_FEATURES)
BASELINE_SLOPES[[N_METAL_PROBES + k * _KIND_WIDTH - 1 for k in (1, 2)]] = 1.0
#: Bonds fade out around this distance, in units of the sum of the metallic radii, over this width.
_BOND_END, _BOND_FADE = 1.25, 0.06
#: Decay of hopping and of repulsion with distance in the same unit, as usual for second-moment potentials.
_HOPPING_DECAY, _REPULSION_DECAY = 5.0, 10.0
#: The neighbourhood of a metal ends here, over this width [Å]: three shells of a crystal.
_NEIGHBOURHOOD, _NEIGHBOURHOOD_FADE = 5.6, 0.08


class _Same:
    """An array that never changes, as a cache key that is equal to itself alone."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.array is self.array


@dataclass(frozen=True)
class _Frame:
    """A graph before its elements count, the same for all placements of metals on its sites: see `Graph`."""

    is_metal: np.ndarray
    presence: np.ndarray
    edges: np.ndarray
    distance: np.ndarray
    lengths: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Graph:
    """Nodes and directed edges of one object.

    ``nodes`` (n, f) features; ``is_metal`` (n,) bool; ``presence`` (n,) how much of each node is there, from 1 to 0;
    ``edges`` (2, e) source and target rows; ``lengths`` (e,) and ``stretches`` (e,), the same less the radii of the
    two atoms, in Å; ``weights`` (e,) how much each edge counts, from 1 to 0.
    """

    nodes: np.ndarray
    is_metal: np.ndarray
    presence: np.ndarray
    edges: np.ndarray
    lengths: np.ndarray
    stretches: np.ndarray
    weights: np.ndarray

    def first(self, n: int) -> Graph:
        """Cut out the graph of the first n nodes."""
        inside = (self.edges < n).all(axis=0)
        return Graph(
            self.nodes[:n],
            self.is_metal[:n],
            self.presence[:n],
            self.edges[:, inside],
            self.lengths[inside],
            self.stretches[inside],
            self.weights[inside],
        )


@dataclass(frozen=True)
class Encoded:
    """One system as the model reads it.

    Attributes
    ----------
    core
        Metal atoms, with their donors as a second shell where the coordinates hold them.
    cluster
        All heavy atoms, for the contrastive loss; None when not asked for.
    ligand_embedding
        (k, d) sentence embedding of each kind of ligand.
    ligand_features
        (k, N_LIGAND_FEATURES) group of the donor and type.
    ligand_count
        (k,) how many of each kind, a ligand of two donors counted twice.
    baseline
        (N_BASELINE_FEATURES,) what the linear baseline reads: see `baseline_features`.
    descriptors
        (2,) log P and H_mix, standardised.
    """

    core: Graph
    cluster: Graph | None
    ligand_embedding: np.ndarray
    ligand_features: np.ndarray
    ligand_count: np.ndarray
    baseline: np.ndarray
    descriptors: np.ndarray


@lru_cache(maxsize=256)
def metal_features(symbol: str) -> tuple[float, ...]:
    """Standardised bond probes, electronegativity and radius of a metal (length N_METAL_FEATURES)."""
    scaled = [(x - mean) / spread for x, (mean, spread) in zip(metal_probes(symbol), _PROBE_SCALES, strict=True)]
    return (*scaled, (elements.electronegativity(symbol) - 1.9) / 0.35, (elements.metallic_radius(symbol) - 137) / 10)


def baseline_features(system: BimetallicSystem, core: Graph) -> np.ndarray:
    """Compute what the linear baseline reads.

    Mean bond probes of the metals, the ligands per metal by kind, and the bonding.

    Shape (N_BASELINE_FEATURES,): the metals' mean standardised probes; counts per metal by type and group of the
    donor; the ligands' bonds to a triangle [eV], summed by type, per metal; `bonding_features`; `donor_strain`. The
    same for any order of atoms, and for the same object twice, far apart: nothing here knows how many metals there are.
    """
    counts = system.composition_metals
    probes = [metal_features(symbol)[:N_METAL_PROBES] for symbol in counts]
    metals = np.average(probes, axis=0, weights=list(counts.values()))
    symbols = sorted(system.metal_symbols)  # sums are then the same to the last bit
    shell = np.zeros((2, _KIND_WIDTH))
    for ligand, n in system.ligands:
        code = [*_group_code(ligand), ligand_probe(ligand, symbols)]
        shell += n * ligand.denticity * np.outer(_type_code(ligand), code)
    bonding = bonding_features(system.metal_symbols, core)
    return np.concatenate([metals, shell.ravel() / system.n_metals, bonding, donor_strain(core)])


def bonding_features(symbols: Sequence[str], core: Graph) -> np.ndarray:
    """Compute means of the second-moment picture of metallic bonding.

    Over the metals: shape (len(BONDING),).

    Coordination and its root; the band energy, root of the summed squared hoppings, and the pair repulsion, both with
    the strength of the M–M probes [eV] (Rosato, Guillopé and Legrand, Philos. Mag. A 1989, 59, 321); M–Au and M–M
    probes [eV] times the root of the coordination; (1 + number of metals within 5.6 Å)^(−1/3), which tells a small
    particle from a piece of a large one and stays what it is when a second cluster is far away.

    Parameters
    ----------
    symbols
        Symbols of the metals, in the order of the graph's first nodes.
    core
        From `core_graph`.
    """
    n = len(symbols)
    between_metals, first, second = _between_metals(_Same(core.edges), n)
    reduced, bonded = _bonds(core, between_metals)
    kinds, kind = _kinds(symbols)
    probes = np.array([metal_probes(symbol) for symbol in kinds])[kind]
    gold, own = (probes[:, METAL_PROBES.index(name)] for name in ("M-Au", "M-M"))
    squared = np.abs(own[first] * own[second])
    hopping = np.exp(-_HOPPING_DECAY * (reduced - 1))
    repelling = np.exp(-_REPULSION_DECAY * (reduced - 1))

    def over_bonds(values: np.ndarray) -> np.ndarray:
        return np.bincount(first, values, n)

    root = np.sqrt(over_bonds(bonded))
    band = np.sqrt(over_bonds(squared * hopping * bonded))
    repulsion = over_bonds(np.sqrt(squared) * repelling * bonded)
    neighbourhood = _neighbourhood(_Same(core.edges), _Same(core.lengths), n)
    means: np.ndarray = np.mean([root**2, root, band, repulsion, root * gold, root * own, neighbourhood], axis=1)
    return means


@lru_cache(maxsize=16)
def _between_metals(edges: _Same, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the edges between the first n nodes, the metals, and both ends of each."""
    rows = np.flatnonzero((edges.array < n).all(axis=0))
    first, second = edges.array[:, rows]
    return rows, first, second


@lru_cache(maxsize=16)
def _neighbourhood(edges: _Same, lengths: _Same, n: int) -> np.ndarray:
    """(1 + number of metals within 5.6 Å)^(−1/3) of each metal (n,)."""
    rows, first, _ = _between_metals(edges, n)
    fading = 1 / (1 + np.exp((lengths.array[rows].astype(float) - _NEIGHBOURHOOD) / _NEIGHBOURHOOD_FADE))
    values: np.ndarray = (1 + np.bincount(first, fading, n)) ** (-1 / 3)
    return values


def _kinds(symbols: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The elements that occur, and for each atom which of them it is (n,)."""
    rows: dict[str, int] = {}
    kind = np.array([rows.setdefault(symbol, len(rows)) for symbol in symbols], dtype=int)
    return list(rows), kind


def donor_strain(core: Graph) -> np.ndarray:
    """Compare the bonds between metals and donors with unstrained ones.

    In the same picture: shape (len(STRAIN),).

    Pair repulsion over the donors, root of the summed squared hoppings over the donors and over the metals, each less
    its value at the sum of the radii, all bonds alike; summed, per metal. Zero for a core whose donors are not in the
    coordinates.
    """
    n_metals = int(core.is_metal.sum())
    to_donor = np.flatnonzero((core.edges[0] >= n_metals) & (core.edges[1] < n_metals))
    donor, metal = core.edges[:, to_donor]
    reduced, bonded = _bonds(core, to_donor)
    hopping = np.exp(-_HOPPING_DECAY * (reduced - 1))

    def band(ends: np.ndarray) -> float:
        return float(np.sum(np.sqrt(np.bincount(ends, bonded * hopping)) - np.sqrt(np.bincount(ends, bonded))))

    repulsion = float(np.sum(bonded * (np.exp(-_REPULSION_DECAY * (reduced - 1)) - 1)))
    return np.array([repulsion, band(donor), band(metal)]) / n_metals


def _bonds(core: Graph, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the chosen edges: length in units of the sum of the radii, and how much of a bond each is, from 1 to 0."""
    length = core.lengths[chosen].astype(float)
    reduced = length / (length - core.stretches[chosen])
    return reduced, core.weights[chosen] / (1 + np.exp((reduced - _BOND_END) / _BOND_FADE))


def without_donors(item: Encoded) -> Encoded:
    """Show a cluster as if only its metal core had coordinates."""
    baseline = item.baseline.copy()
    baseline[-len(STRAIN) :] = 0.0
    return replace(item, core=item.core.first(int(item.core.is_metal.sum())), baseline=baseline)


def encode(
    system: BimetallicSystem, embed: Callable[[Sequence[str]], np.ndarray], whole_cluster: bool = False
) -> Encoded:
    """Turn a ligand-protected cluster into arrays.

    Parameters
    ----------
    system
        The cluster; with or without its ligand atoms.
    embed
        SMILES → embeddings (k, d), such as `LigandEncoder.embed`.
    whole_cluster
        Whether to add the graph of all heavy atoms, used in training only.
    """
    embedding = embed([ligand.smiles for ligand, _ in system.ligands])
    features = np.array([[*_group_code(ligand), *_type_code(ligand)] for ligand, _ in system.ligands])
    descriptors = np.array([ligand_log_p(system) / 3.0, mixing_enthalpy(system) / 15.0])
    core = core_graph(system)
    return Encoded(
        core=core,
        cluster=_cluster_graph(system) if whole_cluster else None,
        ligand_embedding=np.asarray(embedding, dtype=np.float32),
        ligand_features=features.astype(np.float32),
        ligand_count=np.array([n * ligand.denticity for ligand, n in system.ligands], dtype=np.float32),
        baseline=baseline_features(system, core).astype(np.float32),
        descriptors=descriptors.astype(np.float32),
    )


def core_graph(system: BimetallicSystem) -> Graph:
    """Make the graph of the metal core and its donors.

    Metal pairs within 6 Å, metal–donor pairs within 4 Å. Nothing leaves it at once: edges and carbons of rings fade
    out before they do.
    """
    rows = np.concatenate([system.metals, system.donors]).astype(int)
    return _graph([system.symbols[i] for i in rows], _core_frame(Sites(system), system.donors.tobytes()))


@lru_cache(maxsize=32)
def _core_frame(sites: Sites, donors: bytes) -> _Frame:
    """The core's graph but its elements; `donors` are their rows, which depend on the metals."""
    system = sites.system
    rows = np.concatenate([system.metals, np.frombuffer(donors, dtype=system.donors.dtype)]).astype(int)
    n_metals = len(system.metals)
    pairs = (
        pairs_within(system.positions[rows], system.cell, system.pbc, METAL_CUTOFF)
        if donors
        else metal_pairs(sites, METAL_CUTOFF)
    )
    metals = (pairs.first < n_metals).astype(int) + (pairs.second < n_metals)
    near = pairs.where((metals == 2) | ((metals == 1) & (pairs.distance < DONOR_CUTOFF)))
    return _frame(n_metals, near, _presence(system, rows[n_metals:]), DONOR_CUTOFF, METAL_CUTOFF)


def _presence(system: BimetallicSystem, donors: np.ndarray) -> np.ndarray:
    """How much of each metal and donor is there (n,): all of it, but of a carbon about to lose its contacts."""
    presence = np.ones(len(system.metals) + len(donors))
    carbons = [int(i) for i in donors if system.symbols[i] == "C"]
    if carbons:
        fading = _carbon_presence(system)
        presence[len(system.metals) + np.searchsorted(donors, carbons)] = [fading[i] for i in carbons]
    return presence


def _carbon_presence(system: BimetallicSystem) -> dict[int, float]:
    """How much of each carbon in contact with metal is there.

    A ring or face binds through several carbons, which come and go as it slips: a contact fades out as its distance
    nears `CARBON_CONTACT`, and as a carbon next to it comes much closer to the same metal. So does that of one end of
    a triple bond, unless it is clearly the closer one.
    """
    symbols = np.array(system.symbols)
    rest = np.setdiff1d(np.arange(len(symbols)), system.metals)
    bonded = pairs_within(system.positions[rest], system.cell, system.pbc, _CARBON_BOND)
    bonds = np.stack([rest[bonded.first], rest[bonded.second]], axis=1)
    alone = binds_alone(system.symbols, bonds[bonds[:, 0] < bonds[:, 1]])
    beside: dict[int, list[int]] = {}
    for a, b in bonds[(symbols[bonds] == "C").all(axis=1)].tolist():
        beside.setdefault(a, []).append(b)
    distance = _metal_distances(system, rest[symbols[rest] == "C"])
    presence: dict[int, float] = {}
    for (carbon, metal), own in distance.items():
        limit = SECOND_SHELL_MARGIN * float(radii_of(["C", system.symbols[metal]]).sum())
        others = [distance.get((other, metal), METAL_CUTOFF) for other in beside.get(carbon, ())]
        steps = [(CARBON_CONTACT - own) / _CARBON_FADE, *((d + limit - own) / _MARGIN_FADE for d in others)]
        weight = float(np.prod(smooth_step(np.array(steps))))
        if alone[carbon]:
            weight = max(weight, float(smooth_step((min(others, default=np.inf) - own) / _CLOSER)))
        presence[carbon] = max(weight, presence.get(carbon, 0.0))
    return presence


def _metal_distances(system: BimetallicSystem, carbons: np.ndarray) -> dict[tuple[int, int], float]:
    """Distances [Å] of (carbon, metal) within 4 Å."""
    rows = np.concatenate([system.metals, carbons]).astype(int)
    pairs = pairs_within(system.positions[rows], system.cell, system.pbc, DONOR_CUTOFF)
    pairs = pairs.where((pairs.first >= len(system.metals)) & (pairs.second < len(system.metals)))
    distances: dict[tuple[int, int], float] = {}
    for a, m, d in zip(rows[pairs.first].tolist(), rows[pairs.second].tolist(), pairs.distance.tolist(), strict=True):
        distances[a, m] = min(d, distances.get((a, m), np.inf))
    return distances


def _cluster_graph(system: BimetallicSystem) -> Graph:
    """Graph of all heavy atoms within 3.5 Å; hydrogens add size and little else."""
    metals = set(system.metals.tolist())
    others = [i for i, s in enumerate(system.symbols) if i not in metals and s != "H"]
    rows = np.array([*system.metals, *others], dtype=int)
    pairs = pairs_within(system.positions[rows], system.cell, system.pbc, CONTACT_CUTOFF)
    frame = _frame(len(system.metals), pairs, np.ones(len(rows)), np.inf, np.inf)
    return _graph([system.symbols[i] for i in rows], frame)


def _frame(n_metals: int, pairs: Pairs, presence: np.ndarray, donor_end: float, metal_end: float) -> _Frame:
    """Some atoms, metals first; edges fade out towards their end [Å], between metals or to any other."""
    is_metal = np.arange(len(presence)) < n_metals
    ends = np.where(is_metal[pairs.first] & is_metal[pairs.second], metal_end, donor_end)
    weights = presence[pairs.first] * presence[pairs.second] * smooth_step((ends - pairs.distance) / _EDGE_FADE)
    return _Frame(
        is_metal,
        presence.astype(np.float32),
        np.stack([pairs.first, pairs.second]),
        pairs.distance,
        pairs.distance.astype(np.float32),
        weights.astype(np.float32),
    )


def _graph(symbols: Sequence[str], frame: _Frame) -> Graph:
    """The graph of atoms on a frame."""
    n_metals = int(frame.is_metal.sum())
    metals, metal = _kinds(symbols[:n_metals])
    others, other = _kinds(symbols[n_metals:])
    known = np.zeros((len(metals) + len(others), N_NODE_FEATURES), dtype=np.float32)
    known[: len(metals), :N_METAL_FEATURES] = [metal_features(symbol) for symbol in metals]
    if others:
        known[len(metals) :, N_METAL_FEATURES:] = [_donor_code(symbol) for symbol in others]
    radii = np.array([*(_radius(s, True) for s in metals), *(_radius(s, False) for s in others)])
    kind = np.concatenate([metal, other + len(metals)])
    radius = radii[kind]
    stretches = frame.distance - radius[frame.edges[0]] - radius[frame.edges[1]]
    return Graph(
        known[kind],
        frame.is_metal,
        frame.presence,
        frame.edges,
        frame.lengths,
        stretches.astype(np.float32),
        frame.weights,
    )


@lru_cache(maxsize=256)
def _radius(symbol: str, metal: bool) -> float:
    """Metallic radius of a metal, that of `DONOR_RADII` of a donor, covalent radius of any other element [Å]."""
    if metal:
        return elements.metallic_radius(symbol) / 100
    return DONOR_RADII.get(symbol, float(covalent_radii[atomic_numbers[symbol]]))


@lru_cache(maxsize=64)
def _donor_code(symbol: str) -> np.ndarray:
    return np.array([float(symbol == known) for known in DONOR_ELEMENTS])


def _type_code(ligand: Ligand) -> np.ndarray:
    return np.array([float(ligand.type == "X"), float(ligand.type == "L")])


def _group_code(ligand: Ligand) -> np.ndarray:
    return np.array([float(ligand.donor in group) for group in DONOR_GROUPS])


@dataclass(frozen=True)
class GraphBatch:
    """Graphs laid end to end.

    ``owner`` (n,) is each node's graph; the rest as in `Graph`, but each edge is there once.

    Messages go both ways, and both have the same length. A loop, an atom's edge to its own image, is there as often as
    in `Graph`, for the two directions cannot be told apart; it has half a weight, for it is run both ways.
    """

    nodes: torch.Tensor
    is_metal: torch.Tensor
    presence: torch.Tensor
    edges: torch.Tensor
    lengths: torch.Tensor
    stretches: torch.Tensor
    weights: torch.Tensor
    owner: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """Systems side by side; ``ligand_owner`` (k,) gives each ligand row's system, ``size`` their number."""

    core: GraphBatch
    cluster: GraphBatch | None
    ligand_embedding: torch.Tensor
    ligand_features: torch.Tensor
    ligand_count: torch.Tensor
    ligand_owner: torch.Tensor
    baseline: torch.Tensor
    descriptors: torch.Tensor
    size: int

    def to(self, device: str | torch.device) -> Batch:
        """Move the batch to another device."""
        if torch.device(device) == self.baseline.device:
            return self
        moved: dict[str, Any] = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in vars(self).items()}
        for name in ("core", "cluster"):
            graph = getattr(self, name)
            moved[name] = graph and GraphBatch(**{k: v.to(device) for k, v in vars(graph).items()})
        return Batch(**moved)


def collate(items: Sequence[Encoded]) -> Batch:
    """Lay encoded systems side by side."""
    with_cluster = all(item.cluster is not None for item in items)
    counts = [len(item.ligand_features) for item in items]
    return Batch(
        core=_join([item.core for item in items]),
        cluster=_join([item.cluster for item in items if item.cluster is not None]) if with_cluster else None,
        ligand_embedding=torch.from_numpy(np.concatenate([item.ligand_embedding for item in items])),
        ligand_features=torch.from_numpy(np.concatenate([item.ligand_features for item in items])),
        ligand_count=torch.from_numpy(np.concatenate([item.ligand_count for item in items])),
        ligand_owner=torch.from_numpy(np.repeat(np.arange(len(items)), counts)),
        baseline=torch.from_numpy(np.stack([item.baseline for item in items])),
        descriptors=torch.from_numpy(np.stack([item.descriptors for item in items])),
        size=len(items),
    )


def _join(graphs: Sequence[Graph]) -> GraphBatch:
    sizes = [len(graph.nodes) for graph in graphs]
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    edges = np.concatenate([g.edges + offset for g, offset in zip(graphs, offsets, strict=True)], axis=1)
    once = _once(_Same(graphs[0].edges)) if len(graphs) == 1 else np.flatnonzero(edges[0] <= edges[1])
    edges = edges[:, once]
    weights = np.concatenate([g.weights for g in graphs])[once] * np.where(edges[0] == edges[1], np.float32(0.5), 1)
    return GraphBatch(
        nodes=torch.from_numpy(np.concatenate([g.nodes for g in graphs])),
        is_metal=torch.from_numpy(np.concatenate([g.is_metal for g in graphs])),
        presence=torch.from_numpy(np.concatenate([g.presence for g in graphs])),
        edges=torch.from_numpy(edges),
        lengths=torch.from_numpy(np.concatenate([g.lengths for g in graphs])[once]),
        stretches=torch.from_numpy(np.concatenate([g.stretches for g in graphs])[once]),
        weights=torch.from_numpy(weights),
        owner=torch.from_numpy(np.repeat(np.arange(len(graphs)), sizes)),
    )


@lru_cache(maxsize=16)
def _once(edges: _Same) -> np.ndarray:
    """Rows of the edges of which each pair, and each loop, has one."""
    return np.flatnonzero(edges.array[0] <= edges.array[1])
