"""Ligands, donors and the metal core from bare coordinates.

The shell is cut into fragments by dropping the metal atoms and following covalent bonds. A fragment's bond orders
and charge are read from its connectivity alone, so that identical ligands are read once, and stretched bonds,
as in a thermally excited structure, do no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from ase_bimetal import elements
from ase_bimetal.errors import LigandError, PerceptionError
from ase_bimetal.ligands import Ligand, formula_text
from ase_bimetal.neighbors import Pairs

#: Two ligand atoms are bonded below this multiple of the sum of their covalent radii (Cordero et al. 2008). It
#: lies between the longest bonds of rattled ligands (1.2) and the shortest 1,3 contacts (1.5).
BOND_FACTOR = 1.3
# Heavy donors of neighbouring ligands (S…P, S…S, Br…Br) come closer than that without a bond.
_HEAVY_BOND_FACTOR, _HEAVY_ABOVE = 1.15, 10
#: A ligand atom touches a metal atom below this multiple.
CONTACT_FACTOR = 1.25
#: Carbon touches metal below this distance [Å] or the sum of radii: Cp rings and η²-alkynyls, but not S–CH2.
CARBON_CONTACT = 2.6
# An atom further out than its bonded neighbour by this share of the radii is second shell (C of M–N–C).
_SECOND_SHELL_MARGIN = 0.12
# A fused carbon sheet: larger than any common ligand, with many rings, held by several N or O.
_SHEET_MIN_HEAVY, _SHEET_MIN_RINGS, _SHEET_MIN_CONTACTS = 21, 4, 2
_BARE_ATOMS = {"H": "hydride", "O": "oxide", "S": "sulfide", "Se": "selenide", "N": "nitride", "C": "carbide"}
_HALIDES = ("F", "Cl", "Br", "I")


@dataclass(frozen=True, eq=False)
class Shell:
    """Everything but the metal, cut into fragments.

    Attributes
    ----------
    bonds
        Covalent bonds inside the shell as pairs of atom indices, each once, shape (n, 2).
    fragments
        Atom indices of each fragment, ascending.
    endless
        Whether each fragment runs through the periodic cell without end, as a framework does.
    """

    bonds: np.ndarray
    fragments: tuple[np.ndarray, ...]
    endless: tuple[bool, ...]


def find_metals(symbols: Sequence[str]) -> np.ndarray:
    """Indices of the atoms of the metal core.

    d-block, lanthanides and Ga, In, Sn, Tl, Pb, Bi. Aluminium counts unless the object is a silicate or oxide
    (oxygen together with silicon, or oxygen without carbon), where it belongs to the framework.

    Examples
    --------
    >>> find_metals(["Au", "Al", "S"]).tolist(), find_metals(["Cu", "Al", "Si", "O"]).tolist()
    ([0, 1], [0])
    """
    present = set(symbols)
    framework = "O" in present and ("Si" in present or "C" not in present)
    return np.array(
        [i for i, s in enumerate(symbols) if elements.is_metal(s) and not (s == "Al" and framework)], dtype=int
    )


def radii_of(symbols: Sequence[str]) -> np.ndarray:
    """Covalent radii [Å] (Cordero et al., Dalton Trans. 2008, 2832)."""
    return covalent_radii[[atomic_numbers[s] for s in symbols]]


def search_cutoff(symbols: Sequence[str]) -> float:
    """Distance [Å] within which every bond and metal contact of these elements lies."""
    return max(CARBON_CONTACT, 2 * BOND_FACTOR * float(radii_of(sorted(set(symbols))).max()))


def cut_shell(symbols: Sequence[str], metals: np.ndarray, pairs: Pairs) -> Shell:
    """Cut what is not metal into fragments.

    Parameters
    ----------
    symbols
        Element symbols, length N.
    metals
        Indices of the metal atoms.
    pairs
        All pairs within `search_cutoff`.
    """
    bonds = _bonds(symbols, metals, pairs)
    rest = np.setdiff1d(np.arange(len(symbols)), metals)
    graph = _graph(bonds, len(symbols))
    _, label = connected_components(graph, directed=False)
    order = rest[np.argsort(label[rest], kind="stable")]
    starts = np.flatnonzero(np.diff(label[order])) + 1
    fragments = tuple(np.split(order, starts)) if len(order) else ()
    crossing = bool(bonds.shift.any())
    endless = tuple(crossing and _is_endless(f, graph, bonds) for f in fragments)
    once = bonds.first < bonds.second
    return Shell(np.stack([bonds.first[once], bonds.second[once]], axis=1), fragments, endless)


def _bonds(symbols: Sequence[str], metals: np.ndarray, pairs: Pairs) -> Pairs:
    """Covalent bonds of the shell; hydrogen keeps only its shortest."""
    radii = radii_of(symbols)
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    heavy = np.array([atomic_numbers[s] > _HEAVY_ABOVE for s in symbols])
    factor = np.where(heavy[pairs.first] & heavy[pairs.second], _HEAVY_BOND_FACTOR, BOND_FACTOR)
    close = pairs.distance < factor * (radii[pairs.first] + radii[pairs.second])
    bonds = pairs.where(close & ~is_metal[pairs.first] & ~is_metal[pairs.second])
    is_hydrogen = np.array([s == "H" for s in symbols])
    shortest = np.full(len(symbols), np.inf)
    np.minimum.at(shortest, bonds.first, bonds.distance)
    limit = np.where(is_hydrogen, shortest + 1e-6, np.inf)
    return bonds.where((bonds.distance <= limit[bonds.first]) & (bonds.distance <= limit[bonds.second]))


def _graph(bonds: Pairs, n_atoms: int) -> csr_matrix:
    weight = np.ones(len(bonds.first))
    return csr_matrix((weight, (bonds.first, bonds.second)), shape=(n_atoms, n_atoms))


def _is_endless(fragment: np.ndarray, graph: csr_matrix, bonds: Pairs) -> bool:
    """Whether walking along bonds leads from an atom to its own periodic image."""
    order, parent = breadth_first_order(graph, fragment[0], directed=False)
    inside = bonds.where(np.isin(bonds.first, fragment))
    shift_of = {(a, b): s for a, b, s in zip(inside.first, inside.second, inside.shift, strict=True)}
    image = {order[0]: np.zeros(3, dtype=int)}
    for atom in order[1:]:
        image[atom] = image[parent[atom]] + shift_of[parent[atom], atom]
    return any(
        (image[b] != image[a] + s).any()
        for a, b, s in zip(inside.first, inside.second, inside.shift, strict=True)
    )


def is_extended(symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs) -> bool:
    """Whether the metal sits on a framework (zeolite, oxide, N-doped carbon) and not in a shell of ligands.

    True when a fragment runs through the cell, holds silicon with three or more oxygens, or is a large sheet of
    fused rings that touches metal by several N or O; also for a periodic solid with bare oxide ions.
    """
    if any(shell.endless):
        return True
    return any(_is_framework(f, symbols, metals, shell, pairs) for f in shell.fragments)


def _is_framework(
    fragment: np.ndarray, symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs
) -> bool:
    names = [symbols[i] for i in fragment]
    if len(fragment) == 1:
        return names == ["O"] and bool(pairs.shift.any())
    if "Si" in names and "O" in names:
        oxygens = Counter(int(a) for pair in shell.bonds for a, b in (pair, pair[::-1]) if symbols[b] == "O")
        return any(symbols[i] == "Si" and oxygens[int(i)] >= 3 for i in fragment)
    return _is_sheet(fragment, symbols, metals, shell, pairs)


def _is_sheet(
    fragment: np.ndarray, symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs
) -> bool:
    """Whether a fragment is a flake of doped carbon: many fused rings that hold metal by several N or O."""
    heavy = [int(i) for i in fragment if symbols[i] != "H"]
    rings = int(np.isin(shell.bonds, heavy).all(axis=1).sum()) - len(heavy) + 1
    if len(heavy) < _SHEET_MIN_HEAVY or rings < _SHEET_MIN_RINGS:
        return False
    contacts = metal_contacts(symbols, metals, shell, pairs)
    held_by = [symbols[i] for i in np.intersect1d(contacts[:, 0], heavy)]
    return len(held_by) >= _SHEET_MIN_CONTACTS and set(held_by) <= {"N", "O"}


def metal_contacts(
    symbols: Sequence[str],
    metals: np.ndarray,
    shell: Shell,
    pairs: Pairs,
    donors: frozenset[str] | None = None,
) -> np.ndarray:
    """Bonds from donor atoms to metal atoms, rows (donor index, metal index), each once.

    A donor is closer than `CONTACT_FACTOR` times the sum of covalent radii (carbon: `CARBON_CONTACT`), is no
    hydrogen (C–H…M contacts are not coordination) and no second-shell atom behind a closer one.

    Parameters
    ----------
    donors
        Elements that can be donors, from the ligands; None allows any non-metal but B, Si, Ge and hydrogen.
    """
    radii = radii_of(symbols)
    total = radii[pairs.first] + radii[pairs.second]
    names = np.array(symbols)
    limit = np.where(names[pairs.first] == "C", np.maximum(CARBON_CONTACT, total), CONTACT_FACTOR * total)
    shell_atom = np.array([_may_donate(s, donors) for s in symbols])
    shell_atom[metals] = False
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    keep = shell_atom[pairs.first] & is_metal[pairs.second] & (pairs.distance < limit)
    ratio = {}
    for a, m, r in zip(pairs.first[keep], pairs.second[keep], (pairs.distance / total)[keep], strict=True):
        ratio[int(a), int(m)] = min(float(r), ratio.get((int(a), int(m)), np.inf))
    return _first_shell(ratio, shell.bonds)


def _may_donate(symbol: str, donors: frozenset[str] | None) -> bool:
    if donors is not None:
        return symbol in donors
    return elements.group(symbol) >= 14 and symbol not in ("Si", "Ge")


def _first_shell(ratio: dict[tuple[int, int], float], bonds: np.ndarray) -> np.ndarray:
    """Drop contacts whose donor is bonded to an atom much closer to the same metal."""
    bonded: dict[int, list[int]] = {}
    for a, b in bonds.tolist():
        bonded.setdefault(a, []).append(b)
        bonded.setdefault(b, []).append(a)
    kept = [
        (a, m)
        for (a, m), r in ratio.items()
        if all(r < ratio.get((b, m), np.inf) + _SECOND_SHELL_MARGIN for b in bonded.get(a, []))
    ]
    return np.array(sorted(kept), dtype=int).reshape(-1, 2)


def perceive_ligands(symbols: Sequence[str], shell: Shell) -> tuple[tuple[Ligand, int], ...]:
    """Ligands of a cluster from the fragments of its shell, sorted by SMILES.

    Raises
    ------
    PerceptionError
        A fragment is no ligand with one donor; names the atoms and says how to annotate.

    Examples
    --------
    >>> from ase_bimetal.neighbors import pairs_within
    >>> xyz = np.array([[0.0, 0, 0], [2.4, 0, 0], [2.7, 1.3, 0]])
    >>> symbols = ["Au", "S", "H"]
    >>> pairs = pairs_within(xyz, np.zeros((3, 3)), (False,) * 3, search_cutoff(symbols))
    >>> shell = cut_shell(symbols, find_metals(symbols), pairs)
    >>> [(ligand.smiles, n) for ligand, n in perceive_ligands(symbols, shell)]
    [('S', 1)]
    """
    neighbours: dict[int, list[int]] = {}
    for a, b in shell.bonds.tolist():
        neighbours.setdefault(a, []).append(b)
    counts = Counter(_ligand_of(fragment.tolist(), symbols, neighbours) for fragment in shell.fragments)
    return tuple(sorted(counts.items(), key=lambda item: item[0].smiles))


def _ligand_of(fragment: list[int], symbols: Sequence[str], neighbours: dict[int, list[int]]) -> Ligand:
    names = [symbols[i] for i in fragment]
    skeleton = Chem.RWMol()
    row = {}
    for i in fragment:
        atom = Chem.Atom(symbols[i])
        atom.SetNoImplicit(True)
        row[i] = skeleton.AddAtom(atom)
    for i in fragment:
        for j in neighbours.get(i, []):
            skeleton.AddBond(row[i], row[j], Chem.BondType.SINGLE)
    try:
        return _read_skeleton(Chem.MolToSmiles(skeleton), tuple(sorted(names)))
    except LigandError as error:
        where = ", ".join(f"{s}{i}" for s, i in zip(names[:6], fragment, strict=False))
        raise PerceptionError(
            f"atoms {where}{', …' if len(fragment) > 6 else ''} ({formula_text(Counter(names))}): {error}; if the "
            "coordinates are right, name the ligands in atoms.info['ligand_smiles'] or ligands="
        ) from error


@lru_cache(maxsize=4096)
def _read_skeleton(skeleton: str, names: tuple[str, ...]) -> Ligand:
    """Ligand from a connectivity written as a SMILES of single bonds with all hydrogens."""
    if len(names) == 1 and names[0] in _HALIDES:
        return Ligand.parse(names[0])
    if len(names) == 1:
        raise LigandError(f"a bare {_BARE_ATOMS.get(names[0], names[0] + ' atom')} is no ligand in eq. (1)")
    mol = _with_bond_orders(skeleton, names)
    ligand = Ligand.parse(Chem.MolToSmiles(Chem.RemoveHs(mol)))
    if ligand.bound_formula != dict(Counter(names)):
        raise LigandError(
            f"a fragment with the hydrogens of {formula_text(Counter(names))} cannot be ligand {ligand.smiles!r}, "
            f"bound as {formula_text(ligand.bound_formula)}"
        )
    return ligand


def _with_bond_orders(skeleton: str, names: tuple[str, ...]) -> Chem.Mol:
    """Bond orders and charges: −1 for an odd number of electrons (an X ligand), 0 for an even one."""
    charge = -(sum(atomic_numbers[s] for s in names) % 2)
    options = Chem.SmilesParserParams()
    options.sanitize = options.removeHs = False
    mol = Chem.RWMol(Chem.MolFromSmiles(skeleton, options))
    for atom in mol.GetAtoms():
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(0)
    try:
        with rdBase.BlockLogs():
            rdDetermineBonds.DetermineBondOrders(mol, charge=charge, allowChargedFragments=True, embedChiral=False)
    except (ValueError, RuntimeError) as error:
        raise LigandError(f"no closed-shell structure with charge {charge} fits these bonds") from error
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        raise LigandError("its bonds leave unpaired electrons")
    return mol


__all__ = ["Shell", "cut_shell", "find_metals", "is_extended", "metal_contacts", "perceive_ligands"]
