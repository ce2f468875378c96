"""Ligands, donors and the metal core from bare coordinates.

The shell is cut into fragments by dropping the metal atoms and following covalent bonds. A fragment without contact
to any metal is no ligand. The bond orders of the others are read from their connectivity and from the atoms that touch
metal alone, so that identical ligands are read once, and stretched bonds, as in a thermally excited structure, do no
harm. A fragment that lacks a hydrogen gets it back on the atom that touches metal, which leaves tautomers no choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from ase_bimetal import elements
from ase_bimetal.errors import LigandError, PerceptionError
from ase_bimetal.ligands import DONOR_KINDS, Ligand, formula_text
from ase_bimetal.neighbors import Pairs

#: Two ligand atoms are bonded below this multiple of the sum of their covalent radii (Cordero et al. 2008). It
#: lies between the longest bonds of rattled ligands (1.2) and the shortest 1,3 contacts (1.5).
BOND_FACTOR = 1.3
# Heavy donors of neighbouring ligands (S…P, S…S, Br…Br) come closer than that without a bond.
_HEAVY_BOND_FACTOR, _HEAVY_ABOVE = 1.15, 10
#: A ligand atom touches a metal atom below this multiple.
CONTACT_FACTOR = 1.25
# Metal that repeats through the cell is a slab or solid, and no chain, when its atoms have so many metal neighbours.
_SOLID_COORDINATION = 3
#: A fragment with no atom within this multiple of any metal is unbound (S–Au 3.6 Å), and two metal atoms further apart
#: (Au–Au 4.1 Å) do not make two parts one cluster.
APART_FACTOR = 1.5
#: An unbound atom within this multiple of another fragment was torn from it: hydrogen bonds begin at 1.75.
TORN_FACTOR = 1.65
#: Carbon touches metal below this distance [Å] or the sum of radii: Cp rings and η²-alkynyls, but not S–CH2.
CARBON_CONTACT = 2.6
# An atom further out than its bonded neighbour by this share of the radii is second shell (C of M–N–C).
_SECOND_SHELL_MARGIN = 0.12
# A fused carbon sheet: larger than any common ligand, with many rings, some atoms inside it (three neighbours with
# three neighbours each: none in dppz or phthalocyanine), held by several N or O.
_SHEET_MIN_HEAVY, _SHEET_MIN_RINGS, _SHEET_MIN_INNER, _SHEET_MIN_CONTACTS = 21, 4, 1, 2
# Metal atoms of an oxide have at least so many oxide ions around them on average; metal on top of it has fewer.
_OXIDE_COORDINATION = 3
# Of metals that are all in an oxide, one of this share is its cation, where two others are left to be the core.
_OXIDE_SHARE = 0.75
# RDKit tries combinations of valences one by one: usual ligands take less than a hundred, some would take hours.
_MAX_VALENCE_TRIALS = 2000
_BOND_TYPES = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
_BARE_ATOMS = {"H": "hydride", "O": "oxide", "S": "sulfide", "Se": "selenide", "N": "nitride", "C": "carbide"}
_HALIDES = ("F", "Cl", "Br", "I")
# Donors in the order in which they take back a hydrogen.
_DONOR_ORDER = ("S", "Se", "P", "C", "N", "O")
_WAY_OUT = ("if the coordinates are right, name the ligands in atoms.info['ligand_smiles'] or ligands=; if hydrogen "
            "atoms are missing, add them, or give the metal core alone with its ligands named")


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
    links
        The same bonds from both ends, with the cell shift of the second atom.
    """

    bonds: np.ndarray
    fragments: tuple[np.ndarray, ...]
    endless: tuple[bool, ...]
    links: Pairs


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
    metals = {s for s in present if elements.is_metal(s) and not (s == "Al" and framework)}
    return np.array([i for i, s in enumerate(symbols) if s in metals], dtype=int)


def radii_of(symbols: Sequence[str]) -> np.ndarray:
    """Covalent radii [Å] (Cordero et al., Dalton Trans. 2008, 2832)."""
    return covalent_radii[[atomic_numbers[s] for s in symbols]]


def search_cutoff(symbols: Sequence[str]) -> float:
    """Distance [Å] within which every bond, metal contact and metal–metal neighbour of these elements lies."""
    return max(CARBON_CONTACT, 2 * APART_FACTOR * float(radii_of(sorted(set(symbols))).max()))


def support_cations(symbols: Sequence[str], metals: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Indices of those metal atoms that are cations of an oxide and no part of the core.

    An element belongs to the oxide when its atoms have three oxide ions (oxygen without a non-metal neighbour) around
    them on average. When every metal does, as single atoms set into an oxide, an element of three quarters of them all
    is the cation, provided that two other elements are left; a doped oxide keeps its metals.

    Examples
    --------
    >>> from ase_bimetal.neighbors import pairs_within
    >>> symbols = ["Ti", "O", "O", "O", "Au"]
    >>> xyz = np.array([[0, 0, 0], [2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0], [0, 0, 4.1]])
    >>> pairs = pairs_within(xyz, np.zeros((3, 3)), (False,) * 3, search_cutoff(symbols))
    >>> support_cations(symbols, find_metals(symbols), pairs).tolist()
    [0]
    """
    names = np.array(symbols)
    elements_present = sorted(set(names[metals].tolist()))
    if "O" not in symbols or len(elements_present) < 2:
        return np.empty(0, dtype=int)
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    radii = radii_of(symbols)
    ratio = pairs.distance / (radii[pairs.first] + radii[pairs.second])
    covalent = (ratio < BOND_FACTOR) & ~is_metal[pairs.first] & ~is_metal[pairs.second]
    oxide = names == "O"
    oxide[pairs.first[covalent]] = False
    touching = is_metal[pairs.first] & oxide[pairs.second] & (ratio < CONTACT_FACTOR)
    count = np.bincount(pairs.first[touching], minlength=len(symbols))
    of_element = {s: metals[names[metals] == s] for s in elements_present}
    in_oxide = [s for s, rows in of_element.items() if count[rows].mean() >= _OXIDE_COORDINATION]
    if len(in_oxide) == len(elements_present):
        many = [s for s, rows in of_element.items() if len(rows) >= _OXIDE_SHARE * len(metals)]
        in_oxide = many if len(elements_present) > 2 else []
    return np.array(sorted(i for s in in_oxide for i in of_element[s].tolist()), dtype=int)


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
    return Shell(np.stack([bonds.first[once], bonds.second[once]], axis=1), fragments, endless, bonds)


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

    True when a fragment runs through the cell, holds cations of an oxide, holds silicon with three or more oxygens and
    binds by no sulfur, or is a large sheet of fused rings that touches metal by several N or O; also for a periodic
    solid with bare oxide ions.
    """
    if any(shell.endless):
        return True
    suspects = [f for f in shell.fragments if _may_be_framework(f, symbols, pairs)]
    if not suspects:
        return False
    held_by = _donors_by_fragment(suspects, metal_contacts(symbols, metals, shell, pairs))
    return any(
        _is_framework(f, [int(i) for i in donors], symbols, shell) for f, donors in zip(suspects, held_by, strict=True)
    )


def _may_be_framework(fragment: np.ndarray, symbols: Sequence[str], pairs: Pairs) -> bool:
    if len(fragment) == 1:
        return symbols[fragment[0]] == "O" and bool(pairs.shift.any())
    names = {symbols[i] for i in fragment}
    return {"Si", "O"} <= names or len(fragment) >= _SHEET_MIN_HEAVY or any(map(elements.is_metal, names))


def _donors_by_fragment(fragments: Sequence[np.ndarray], contacts: np.ndarray) -> list[np.ndarray]:
    return [np.intersect1d(contacts[:, 0], fragment) for fragment in fragments]


def _is_framework(fragment: np.ndarray, donors: Sequence[int], symbols: Sequence[str], shell: Shell) -> bool:
    names = [symbols[i] for i in fragment]
    if len(fragment) == 1:
        return bool(donors)
    if any(map(elements.is_metal, names)):
        return True
    if "Si" in names and "O" in names:
        oxygens = Counter(int(a) for pair in shell.bonds for a, b in (pair, pair[::-1]) if symbols[b] == "O")
        soft = any(symbols[i] in ("S", "Se", "P") for i in donors)
        return not soft and any(symbols[i] == "Si" and oxygens[int(i)] >= 3 for i in fragment)
    return _is_sheet(fragment, donors, symbols, shell)


def _is_sheet(fragment: np.ndarray, donors: Sequence[int], symbols: Sequence[str], shell: Shell) -> bool:
    """Whether a fragment is a flake of doped carbon: many fused rings that hold metal by several N or O."""
    heavy = [int(i) for i in fragment if symbols[i] != "H"]
    bonds = shell.bonds[np.isin(shell.bonds, heavy).all(axis=1)]
    rings = len(bonds) - len(heavy) + 1
    branched = np.flatnonzero(np.bincount(bonds.ravel()) == 3)
    inner = int((np.bincount(bonds[np.isin(bonds, branched).all(axis=1)].ravel()) == 3).sum())
    if len(heavy) < _SHEET_MIN_HEAVY or rings < _SHEET_MIN_RINGS or inner < _SHEET_MIN_INNER:
        return False
    held_by = [symbols[i] for i in donors]
    return len(held_by) >= _SHEET_MIN_CONTACTS and set(held_by) <= {"N", "O"}


def unbound_fragments(
    symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs
) -> list[np.ndarray]:
    """Fragments with no atom within `APART_FACTOR` of a metal: solvent, counter-ions, lattice water.

    The hydrogens of a molecule do not count: C–H…M is no bond.
    """
    radii, names = radii_of(symbols), np.array(symbols)
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    near = pairs.distance < APART_FACTOR * (radii[pairs.first] + radii[pairs.second])
    touching = np.zeros(len(symbols), dtype=bool)
    touching[pairs.first[near & is_metal[pairs.second]]] = True
    bonded = np.zeros(len(symbols), dtype=bool)
    bonded[shell.links.first] = True
    touching &= (names != "H") | ~bonded
    return [fragment for fragment in shell.fragments if not touching[fragment].any()]


def torn_bond(symbols: Sequence[str], loose: np.ndarray, metals: np.ndarray, pairs: Pairs) -> tuple[int, int] | None:
    """An unbound atom and the atom of another fragment that it was torn from; None where there is none.

    Parameters
    ----------
    loose
        Indices of all unbound atoms.
    """
    radii = radii_of(symbols)
    is_loose, is_metal = np.zeros((2, len(symbols)), dtype=bool)
    is_loose[loose] = True
    is_metal[metals] = True
    near = pairs.distance < TORN_FACTOR * (radii[pairs.first] + radii[pairs.second])
    torn = np.flatnonzero(near & is_loose[pairs.first] & ~is_loose[pairs.second] & ~is_metal[pairs.second])
    return (int(pairs.first[torn[0]]), int(pairs.second[torn[0]])) if len(torn) else None


@dataclass(frozen=True, eq=False)
class Parts:
    """How the atoms hang together through bonds, contacts and metal–metal neighbours.

    Attributes
    ----------
    members
        Atom indices of each part that holds metal.
    endless_metal
        Whether metal–metal neighbours, three or more an atom, run through the cell without end, as in a slab.
    endless
        Whether the whole does, as in a coordination polymer.
    """

    members: tuple[np.ndarray, ...]
    endless_metal: bool
    endless: bool


def parts_of(symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs) -> Parts:
    """Tell separate clusters from one, and endless solids from both.

    Parameters
    ----------
    pairs
        All pairs within `search_cutoff`.
    """
    radii = radii_of(symbols)
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    first, second = is_metal[pairs.first], is_metal[pairs.second]
    hydrogen = np.zeros(len(symbols), dtype=bool)
    hydrogen[[i for i, s in enumerate(symbols) if s == "H"]] = True
    hydrogen[np.setdiff1d(np.arange(len(symbols)), shell.links.first)] = False
    with_metal = pairs.where((first | second) & ~hydrogen[pairs.first] & ~hydrogen[pairs.second])
    ratio = with_metal.distance / (radii[with_metal.first] + radii[with_metal.second])
    near = _joined(with_metal.where(ratio < APART_FACTOR), shell.links)
    _, label = connected_components(_graph(near, len(symbols)), directed=False)
    members = tuple(np.flatnonzero(label == k) for k in dict.fromkeys(label[metals].tolist()))
    bonded = ratio < CONTACT_FACTOR
    whole = _joined(with_metal.where(bonded), shell.links)
    n_atoms = len(symbols)
    between = with_metal.where(bonded & is_metal[with_metal.first] & is_metal[with_metal.second])
    solid = len(between.first) >= _SOLID_COORDINATION * len(metals) and _runs_on(metals, between, n_atoms)
    return Parts(members, solid, solid or _runs_on(metals, whole, n_atoms))


def _joined(a: Pairs, b: Pairs) -> Pairs:
    return Pairs(*(np.concatenate([getattr(a, k), getattr(b, k)]) for k in ("first", "second", "distance", "shift")))


def _runs_on(starts: np.ndarray, links: Pairs, n_atoms: int) -> bool:
    """Whether the part around any of some atoms is endless."""
    if not links.shift.any():
        return False
    graph = _graph(links, n_atoms)
    _, label = connected_components(graph, directed=False)
    return any(_is_endless(np.flatnonzero(label == k), graph, links) for k in set(label[starts].tolist()))


def metal_contacts(
    symbols: Sequence[str],
    metals: np.ndarray,
    shell: Shell,
    pairs: Pairs,
    donors: frozenset[str] | None = None,
) -> np.ndarray:
    """Bonds from donor atoms to metal atoms, rows (donor index, metal index), each once.

    A donor is closer than `CONTACT_FACTOR` times the sum of covalent radii (carbon: `CARBON_CONTACT`), is no
    hydrogen (C–H…M contacts are not coordination) but a hydride, and no second-shell atom behind a closer one.

    Parameters
    ----------
    donors
        Elements that can be donors, from the ligands; None allows any non-metal but B, Si, Ge and hydrogen.
    """
    radii, names = radii_of(symbols), np.array(symbols)
    may_donate = {s: _may_donate(s, donors) for s in set(symbols)}
    shell_atom = np.array([may_donate[s] for s in symbols])
    shell_atom[metals] = False
    bonded = np.zeros(len(symbols), dtype=bool)
    bonded[shell.links.first] = True
    shell_atom[(names == "H") & bonded] = False
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    to_metal = pairs.where(shell_atom[pairs.first] & is_metal[pairs.second])
    total = radii[to_metal.first] + radii[to_metal.second]
    carbon = (names == "C")[to_metal.first]
    keep = to_metal.distance < np.where(carbon, np.maximum(CARBON_CONTACT, total), CONTACT_FACTOR * total)
    near, ratios = to_metal.where(keep), (to_metal.distance / total)[keep]
    ratio: dict[tuple[int, int], float] = {}
    for a, m, r in zip(near.first, near.second, ratios, strict=True):
        ratio[int(a), int(m)] = min(float(r), ratio.get((int(a), int(m)), np.inf))
    return _first_shell(ratio, shell.bonds)


def _may_donate(symbol: str, donors: frozenset[str] | None) -> bool:
    if donors is not None:
        return symbol in donors
    return symbol == "H" or elements.group(symbol) >= 14 and symbol not in ("Si", "Ge")


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


def perceive_ligands(
    symbols: Sequence[str], shell: Shell, contacts: np.ndarray
) -> tuple[tuple[Ligand, int], ...]:
    """Ligands of a cluster from the fragments of its shell, sorted by SMILES.

    Parameters
    ----------
    contacts
        Rows (donor index, metal index) for donors of any element, from `metal_contacts`.

    Raises
    ------
    PerceptionError
        A fragment is no ligand that binds as it does; names the atoms and says how to annotate.

    Examples
    --------
    >>> from ase_bimetal.neighbors import pairs_within
    >>> xyz = np.array([[0.0, 0, 0], [2.4, 0, 0], [2.7, 1.3, 0]])
    >>> symbols = ["Au", "S", "H"]
    >>> metals, pairs = find_metals(symbols), pairs_within(xyz, np.zeros((3, 3)), (False,) * 3, search_cutoff(symbols))
    >>> shell = cut_shell(symbols, metals, pairs)
    >>> contacts = metal_contacts(symbols, metals, shell, pairs)
    >>> [(ligand.smiles, n) for ligand, n in perceive_ligands(symbols, shell, contacts)]
    [('S', 1)]
    """
    neighbours: dict[int, list[int]] = {}
    for a, b in shell.bonds.tolist():
        neighbours.setdefault(a, []).append(b)
    touching = frozenset(contacts[:, 0].tolist())
    counts = Counter(_ligand_of(fragment.tolist(), symbols, neighbours, touching) for fragment in shell.fragments)
    return tuple(sorted(counts.items(), key=lambda item: item[0].smiles))


def _ligand_of(
    fragment: list[int], symbols: Sequence[str], neighbours: dict[int, list[int]], touching: frozenset[int]
) -> Ligand:
    skeleton = Chem.RWMol()
    row = {}
    for i in fragment:
        atom = Chem.Atom(symbols[i])
        atom.SetNoImplicit(True)
        atom.SetAtomMapNum(int(i in touching))
        row[i] = skeleton.AddAtom(atom)
    for i in fragment:
        for j in neighbours.get(i, []):
            skeleton.AddBond(row[i], row[j], Chem.BondType.SINGLE)
    try:
        return _read_skeleton(Chem.MolToSmiles(skeleton))
    except LigandError as error:
        names = [symbols[i] for i in fragment]
        where = ", ".join(f"{s}{i}" for s, i in zip(names[:6], fragment, strict=False))
        raise PerceptionError(
            f"atoms {where}{', …' if len(fragment) > 6 else ''} ({formula_text(Counter(names))}): {error}; {_WAY_OUT}"
        ) from error


@lru_cache(maxsize=4096)
def _read_skeleton(skeleton: str) -> Ligand:
    """Ligand from a connectivity written as a SMILES of single bonds with all hydrogens.

    Atoms that touch metal have atom map number 1.
    """
    mol = _skeleton_mol(skeleton)
    names = [atom.GetSymbol() for atom in mol.GetAtoms()]
    if len(names) == 1:
        return _single_atom(names[0])
    if _lacks_hydrogens(mol):
        raise LigandError("hydrogen atoms are missing")
    failure: LigandError | None = None
    for given in _places_of_hydrogens(mol):
        try:
            return _ligand_with(mol, given)
        except LigandError as error:
            failure = failure or error
    if failure is None or "H" not in names and "C" in names:
        raise LigandError("hydrogen atoms are missing, or its donor kind is none of those that exist: " + DONOR_KINDS)
    raise failure


def _skeleton_mol(skeleton: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(skeleton, sanitize=False)  # keeps hydrogens, too
    for atom in mol.GetAtoms():
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(0)
    return mol


def _single_atom(name: str) -> Ligand:
    if name in _HALIDES:
        return Ligand.parse(name)
    if name == "H":
        return Ligand.parse("hydride")
    what = f"a bare {_BARE_ATOMS.get(name, name + ' atom')} is no ligand in eq. (1)"
    if elements.group(name) in (14, 15, 16):
        what += ", or the hydrogen atoms and the rest of a ligand are missing"
    raise LigandError(what)


def _lacks_hydrogens(mol: Chem.Mol) -> bool:
    """Whether a fragment without hydrogen holds carbon that must have had some.

    So has carbon with one neighbour, other than in CO, CN and isocyanides, and carbon with two in a chain or ring.
    """
    atoms = list(mol.GetAtoms())
    if any(atom.GetSymbol() == "H" for atom in atoms):
        return False
    thin = [atom for atom in atoms if atom.GetSymbol() == "C" and atom.GetDegree() <= 2]
    rows = {atom.GetIdx() for atom in thin}
    return any(
        any(n.GetIdx() in rows or atom.GetDegree() == 1 and n.GetSymbol() not in ("N", "O") for n in
            atom.GetNeighbors()) for atom in thin
    )


def _places_of_hydrogens(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Where a fragment may have lost the hydrogens that make it an X ligand, most likely place first.

    One for an odd number of electrons, on an atom that touches metal if one can take it. For an even number two, on two
    thiolates that touch metal; else none (an L ligand); else two, on any two N or O, P, S or Se that touch metal.
    """
    able = [atom for atom in mol.GetAtoms() if atom.GetSymbol() in _DONOR_ORDER]
    donors = [atom for atom in able if atom.GetSymbol() != "C" or atom.GetDegree() < 4]
    donors.sort(key=lambda a: (not a.GetAtomMapNum(), _DONOR_ORDER.index(a.GetSymbol()), a.GetDegree()))
    if sum(atom.GetAtomicNum() for atom in mol.GetAtoms()) % 2:
        return [(atom.GetIdx(),) for atom in donors]
    pairs = [(a, b) for a, b in combinations(donors, 2) if a.GetSymbol() == b.GetSymbol() and a.GetAtomMapNum()]
    thiolates = [(a.GetIdx(), b.GetIdx()) for a, b in pairs if a.GetSymbol() in ("S", "Se") and not _geminal(a, b)]
    # Two carbons are an alkene or an arene on its face, and no dialkyl.
    others = [(a.GetIdx(), b.GetIdx()) for a, b in pairs if a.GetSymbol() != "C"]
    return [*thiolates, (), *(pair for pair in others if pair not in thiolates)]


def _geminal(a: Chem.Atom, b: Chem.Atom) -> bool:
    return bool({n.GetIdx() for n in a.GetNeighbors()} & {n.GetIdx() for n in b.GetNeighbors()})


def _ligand_with(skeleton: Chem.Mol, places: tuple[int, ...]) -> Ligand:
    """Ligand of a fragment that lost hydrogens from some of its atoms when it bound."""
    names = Counter(atom.GetSymbol() for atom in skeleton.GetAtoms())
    touching = {atom.GetSymbol() for atom in skeleton.GetAtoms() if atom.GetAtomMapNum()}
    ligand = Ligand.parse(_anion_smiles(_with_bond_orders(skeleton, places), places))
    expected = {skeleton.GetAtomWithIdx(i).GetSymbol() for i in places} or touching
    if expected and ligand.donor not in expected:
        raise LigandError(f"it touches metal through {', '.join(sorted(expected))}, and {ligand.smiles!r} binds "
                          f"through {ligand.donor}; allowed: {DONOR_KINDS}")
    if ligand.bound_formula != dict(names):
        raise LigandError(
            f"a fragment with the hydrogens of {formula_text(names)} cannot be ligand {ligand.smiles!r}, bound as "
            f"{formula_text(ligand.bound_formula)}: hydrogen atoms are missing or too many, or the object is an ion"
        )
    return ligand


def _with_bond_orders(skeleton: Chem.Mol, places: tuple[int, ...]) -> Chem.Mol:
    """The neutral closed-shell molecule of a fragment with a hydrogen added in each of some places.

    With the usual valences where they can be satisfied; else (carbenes, zwitterions, CO) as RDKit finds it.
    """
    mol = Chem.RWMol(skeleton)
    for place in places:
        hydrogen = Chem.Atom("H")
        hydrogen.SetNoImplicit(True)
        mol.AddBond(place, mol.AddAtom(hydrogen), Chem.BondType.SINGLE)
    if (orders := _usual_bond_orders(mol)) is not None:
        for bond, order in zip(mol.GetBonds(), orders, strict=True):
            bond.SetBondType(_BOND_TYPES[order])
        Chem.SanitizeMol(mol)
        return mol
    # RDKit's table of valences has no selenium, which bonds as sulfur does.
    selenium = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetSymbol() == "Se"]
    _set_element(mol, selenium, "S")
    try:
        with rdBase.BlockLogs():
            rdDetermineBonds.DetermineBondOrders(mol, embedChiral=False, maxIterations=_MAX_VALENCE_TRIALS)
            _set_element(mol, selenium, "Se")
            Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError) as error:
        raise LigandError("no neutral closed-shell molecule fits these bonds: hydrogen atoms are missing, or the "
                          "object is an ion") from error
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        raise LigandError("its bonds leave unpaired electrons")
    return mol


def _usual_bond_orders(mol: Chem.Mol) -> list[int] | None:
    """Bond orders that give every atom of a skeleton its usual valence; None where none are found soon."""
    missing = [_usual_valence(atom) - atom.GetDegree() for atom in mol.GetAtoms()]
    if min(missing) < 0:
        return None
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    orders = [1] * len(ends)
    beside: list[list[tuple[int, int]]] = [[] for _ in missing]
    for row, (a, b) in enumerate(ends):
        beside[a].append((b, row))
        beside[b].append((a, row))
    trials = 0

    def choices(atom: int) -> list[tuple[int, int]]:
        return [(other, row) for other, row in beside[atom] if missing[other] and orders[row] < 3]

    def complete() -> bool:
        nonlocal trials
        trials += 1
        waiting = [(len(choices(atom)), atom) for atom, lack in enumerate(missing) if lack]
        if not waiting:
            return True
        count, atom = min(waiting)
        if not count or trials > _MAX_VALENCE_TRIALS:
            return False
        for other, row in choices(atom):
            _change(row, atom, other, 1)
            if complete():
                return True
            _change(row, atom, other, -1)
        return False

    def _change(row: int, a: int, b: int, by: int) -> None:
        orders[row] += by
        missing[a] -= by
        missing[b] -= by

    return orders if complete() else None


def _usual_valence(atom: Chem.Atom) -> int:
    """Valence in a neutral molecule, at this number of neighbours; 5 for the nitrogen of a nitro group."""
    symbol, degree = atom.GetSymbol(), atom.GetDegree()
    if symbol in ("S", "Se"):
        return {3: 4, 4: 6}.get(degree, 2)
    if symbol == "P":
        return 5 if degree > 3 else 3
    if symbol == "N" and degree == 3:
        oxygens = sum(n.GetSymbol() == "O" and n.GetDegree() == 1 for n in atom.GetNeighbors())
        return 5 if oxygens == 2 else 3
    return {"C": 4, "Si": 4, "N": 3, "B": 3, "O": 2}.get(symbol, 1)


def _set_element(mol: Chem.RWMol, rows: Sequence[int], symbol: str) -> None:
    for row in rows:
        mol.GetAtomWithIdx(row).SetAtomicNum(atomic_numbers[symbol])


def _anion_smiles(mol: Chem.Mol, places: tuple[int, ...]) -> str:
    """SMILES with the added hydrogens taken off again as protons."""
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(int(atom.GetIdx() in places))
    out = Chem.RWMol(Chem.RemoveHs(mol))
    for atom in out.GetAtoms():
        if atom.GetAtomMapNum():
            atom.SetNumExplicitHs(atom.GetTotalNumHs() - 1)
            atom.SetNoImplicit(True)
            atom.SetFormalCharge(-1)
            atom.SetAtomMapNum(0)
    return Chem.MolToSmiles(out)


__all__ = [
    "Parts",
    "Shell",
    "cut_shell",
    "find_metals",
    "is_extended",
    "metal_contacts",
    "parts_of",
    "perceive_ligands",
    "support_cations",
    "torn_bond",
    "unbound_fragments",
]
