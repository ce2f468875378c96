"""Bonds, fragments and ligands from bare coordinates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from ase.data import atomic_numbers, covalent_radii
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds
from vesin import NeighborList

from ase_bimetal.errors import LigandError, PerceptionError
from ase_bimetal.ligands import Ligand

_BOND = 1.25  # atoms count as bonded up to this multiple of the sum of their covalent radii
_CHARGES = (0, -1, 1, -2)  # tried in turn on a bare fragment: an X ligand is perceived as its anion
_HALIDES = frozenset({"F", "Cl", "Br", "I"})


@dataclass(frozen=True)
class Bonds:
    """Bonded pairs of an object.

    ``first``, ``second`` (n,) atom rows, each pair in both directions; ``vectors`` (n, 3) from first to second
    in Å, through the cell where that is shorter.
    """

    first: np.ndarray
    second: np.ndarray
    vectors: np.ndarray


def find_bonds(symbols: Sequence[str], positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]) -> Bonds:
    """Pairs closer than 1.25 times the sum of their covalent radii, periodic where the cell is."""
    radii = covalent_radii[[atomic_numbers[s] for s in symbols]]
    search = NeighborList(cutoff=float(2 * _BOND * radii.max()), full_list=True)
    box = np.asarray(cell, dtype=float) if any(pbc) else np.zeros((3, 3))
    first, second, vectors, lengths = search.compute(np.asarray(positions), box, list(pbc), "ijDd")
    first, second = first.astype(int), second.astype(int)
    near = lengths < _BOND * (radii[first] + radii[second])
    return Bonds(first[near], second[near], vectors[near])


def fragments(n_atoms: int, bonds: Bonds, metals: set[int]) -> list[list[int]]:
    """Connected groups of atoms once the metals are taken away."""
    graph = nx.Graph()
    graph.add_nodes_from(i for i in range(n_atoms) if i not in metals)
    graph.add_edges_from(
        (i, j)
        for i, j in zip(bonds.first.tolist(), bonds.second.tolist(), strict=True)
        if i not in metals and j not in metals
    )
    return [sorted(group) for group in nx.connected_components(graph)]


def perceive_ligands(
    symbols: Sequence[str], positions: np.ndarray, bonds: Bonds, groups: Sequence[Sequence[int]]
) -> dict[Ligand, int]:
    """Ligands of a cluster: fragments of the same connectivity are read once.

    Raises
    ------
    PerceptionError
        A fragment that is no closed-shell ligand; names its atoms.
    """
    neighbours: dict[int, list[int]] = defaultdict(list)
    vectors: dict[tuple[int, int], np.ndarray] = {}
    for i, j, vector in zip(bonds.first.tolist(), bonds.second.tolist(), bonds.vectors, strict=True):
        neighbours[i].append(j)
        vectors[i, j] = vector
    known: dict[tuple, Ligand] = {}
    found: Counter[Ligand] = Counter()
    for group in groups:
        key = _fingerprint(symbols, group, neighbours)
        if key not in known:
            known[key] = _read_fragment(symbols, _unwrapped(positions, group, neighbours, vectors), group)
        found[known[key]] += 1
    return dict(found)


def _fingerprint(symbols: Sequence[str], group: Sequence[int], neighbours: dict[int, list[int]]) -> tuple:
    """Equal for fragments of the same atoms and bonds: element labels refined by their neighbours."""
    inside = set(group)
    labels = {i: symbols[i] for i in group}
    for _ in range(4):
        labels = {
            i: str(hash((labels[i], tuple(sorted(labels[j] for j in neighbours[i] if j in inside))))) for i in group
        }
    return tuple(sorted(labels.values()))


def _unwrapped(
    positions: np.ndarray,
    group: Sequence[int],
    neighbours: dict[int, list[int]],
    vectors: dict[tuple[int, int], np.ndarray],
) -> np.ndarray:
    """Positions of a fragment in one piece, walked along its bonds across cell borders."""
    inside, placed, queue = set(group), {group[0]: np.asarray(positions[group[0]])}, [group[0]]
    while queue:
        i = queue.pop()
        for j in neighbours[i]:
            if j in inside and j not in placed:
                placed[j] = placed[i] + vectors[i, j]
                queue.append(j)
    return np.array([placed[i] for i in group])


def _read_fragment(symbols: Sequence[str], positions: np.ndarray, group: Sequence[int]) -> Ligand:
    own = [symbols[i] for i in group]
    where = f"atoms {', '.join(str(i) for i in group[:6])}{' …' if len(group) > 6 else ''} ({''.join(own[:12])})"
    if len(own) == 1:
        if own[0] in _HALIDES:
            return Ligand.parse(own[0])
        raise PerceptionError(f"{where}: a bare {own[0]} atom is no ligand; allowed as single atoms: halides")
    for charge in _CHARGES:
        smiles = _smiles(own, positions, charge)
        if smiles is not None:
            try:
                return Ligand.parse(smiles)
            except LigandError as error:
                raise PerceptionError(f"{where}: {error}") from error
    raise PerceptionError(
        f"{where}: no closed-shell ligand fits these coordinates; annotate atoms.info['ligand_smiles'] instead"
    )


def _smiles(symbols: Sequence[str], positions: np.ndarray, charge: int) -> str | None:
    """SMILES of a bare fragment at a given charge, or None when its bonds do not work out."""
    block = f"{len(symbols)}\n\n" + "".join(
        f"{s} {x:.6f} {y:.6f} {z:.6f}\n" for s, (x, y, z) in zip(symbols, positions, strict=True)
    )
    with rdBase.BlockLogs():
        try:
            mol = Chem.MolFromXYZBlock(block)
            rdDetermineBonds.DetermineBonds(mol, charge=charge, allowChargedFragments=True, embedChiral=False)
        except ValueError:
            return None
        if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
            return None
        return Chem.MolToSmiles(Chem.RemoveHs(mol))
