"""What is not metal, cut into fragments by its bonds, and where these touch metal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from ase_bimetal import elements
from ase_bimetal.neighbors import Pairs, components

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Two ligand atoms are bonded below this multiple of the sum of their covalent radii (Cordero et al. 2008). It
#: lies between the longest bonds of rattled ligands (1.2) and the shortest 1,3 contacts (1.5).
BOND_FACTOR = 1.3
# Heavy donors of neighbouring ligands (S…P, S…S, Br…Br) come closer than that without a bond.
_HEAVY_BOND_FACTOR, _HEAVY_ABOVE = 1.15, 10
_CARBON = 6
#: A ligand atom touches a metal atom below this multiple.
CONTACT_FACTOR = 1.25
#: The last contact of a ligand lasts until this multiple, so that no bond ends where labels are: theirs reach 1.31.
LAST_CONTACT_FACTOR = 1.35
#: A fragment with no atom within this multiple of any metal is unbound (S–Au 3.6 Å), and two metal atoms further apart
#: (Au–Au 4.1 Å) do not make two parts one cluster.
APART_FACTOR = 1.5
#: Between that and this multiple a fragment is neither bound nor free, for its cluster would be another at once.
FREE_FACTOR = 1.55
#: Carbon touches metal below this distance [Å] or the sum of radii: Cp rings and η²-alkynyls, but not S–CH2.
CARBON_CONTACT = 2.6
#: An atom further out than its bonded neighbour by this share of the radii is second shell (C of M–N–C).
SECOND_SHELL_MARGIN = 0.12
#: Non-metals that are no donors: they lie behind one, or bind in a way that no ligand here does.
NEVER_DONORS = frozenset({"B", "Si", "Ge"})
# A carbon that binds by itself has up to two neighbours: alkynyls, CO, carbenes. Carbons of rings and faces have three.
_MOST_NEIGHBOURS = 2


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

    @cached_property
    def owner(self) -> np.ndarray:
        """Number of the fragment of each atom; 0 for metal atoms, too."""
        owner = np.zeros(1 + max((int(f.max()) for f in self.fragments), default=0), dtype=int)
        for number, fragment in enumerate(self.fragments):
            owner[fragment] = number
        return owner


def find_metals(symbols: Sequence[str]) -> np.ndarray:
    """Find the atoms of the metal core.

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
    return np.flatnonzero(_are(metals, symbols))


def _are(chosen: Collection[str], symbols: Sequence[str]) -> np.ndarray:
    """Which atoms are of some elements."""
    wanted = mask_of(np.array([atomic_numbers[symbol] for symbol in chosen], dtype=int), len(covalent_radii))
    mask: np.ndarray = wanted[elements.numbers_of(symbols)]
    return mask


def radii_of(symbols: Sequence[str]) -> np.ndarray:
    """Look up covalent radii [Å].

    They are those of Cordero et al., Dalton Trans. 2008, 2832.
    """
    radii: np.ndarray = covalent_radii[elements.numbers_of(symbols)]
    return radii


def search_cutoff(symbols: Sequence[str]) -> float:
    """Compute the distance [Å] that holds every bond.

    Metal contacts and metal–metal neighbours of these elements lie within it too.
    """
    return max(CARBON_CONTACT, 2 * APART_FACTOR * float(radii_of(sorted(set(symbols))).max()))


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
    rest = np.flatnonzero(~mask_of(metals, len(symbols)))
    label = components(bonds.first, bonds.second, len(symbols))[rest]
    order = rest[np.argsort(label, kind="stable")]
    ends = [*(np.flatnonzero(np.diff(np.sort(label))) + 1), len(order)] if len(order) else []
    fragments = tuple(order[start:end] for start, end in pairwise([0, *ends]))
    endless = are_endless(fragments, bonds, len(symbols))
    once = bonds.first < bonds.second
    return Shell(np.stack([bonds.first[once], bonds.second[once]], axis=1), fragments, endless, bonds)


def _bonds(symbols: Sequence[str], metals: np.ndarray, pairs: Pairs) -> Pairs:
    """Covalent bonds of the shell; hydrogen keeps only its shortest."""
    radii, numbers = radii_of(symbols), elements.numbers_of(symbols)
    reach = np.where(mask_of(metals, len(symbols)), -np.inf, BOND_FACTOR * radii)
    near = pairs.where(pairs.distance < reach[pairs.first] + reach[pairs.second])
    heavy = numbers > _HEAVY_ABOVE
    wide = near.distance >= _HEAVY_BOND_FACTOR * (radii[near.first] + radii[near.second])
    shortest = np.full(len(symbols), np.inf)
    bonds = near.where(~(wide & heavy[near.first] & heavy[near.second]))
    np.minimum.at(shortest, bonds.first, bonds.distance)
    limit = np.where(numbers == 1, shortest + 1e-6, np.inf)
    return bonds.where((bonds.distance <= limit[bonds.first]) & (bonds.distance <= limit[bonds.second]))


def mask_of(rows: np.ndarray, n_atoms: int) -> np.ndarray:
    """Mark some atoms among all.

    Parameters
    ----------
    rows
        Their indices.
    n_atoms
        Number of all atoms.

    Examples
    --------
    >>> mask_of(np.array([0, 2]), 3).tolist()
    [True, False, True]
    """
    mask = np.zeros(n_atoms, dtype=bool)
    mask[rows] = True
    return mask


def are_endless(fragments: Sequence[np.ndarray], bonds: Pairs, n_atoms: int) -> tuple[bool, ...]:
    """Say which fragments' bonds lead to a periodic image.

    They do where walking along them leads from an atom to its own image.
    """
    if not bonds.shift.any():
        return (False,) * len(fragments)
    from scipy.sparse import csr_matrix

    graph = csr_matrix((np.ones(len(bonds.first)), (bonds.first, bonds.second)), shape=(n_atoms, n_atoms))
    return tuple(_is_endless(fragment, graph, bonds) for fragment in fragments)


def _is_endless(fragment: np.ndarray, graph: csr_matrix, bonds: Pairs) -> bool:
    """Whether walking along the bonds of one fragment leads to an image."""
    from scipy.sparse.csgraph import breadth_first_order

    order, parent = breadth_first_order(graph, fragment[0], directed=False)
    inside = bonds.where(np.isin(bonds.first, fragment))
    shift_of = {(a, b): s for a, b, s in zip(inside.first, inside.second, inside.shift, strict=True)}
    image = {order[0]: np.zeros(3, dtype=int)}
    for atom in order[1:]:
        image[atom] = image[parent[atom]] + shift_of[parent[atom], atom]
    return any(
        (image[b] != image[a] + s).any() for a, b, s in zip(inside.first, inside.second, inside.shift, strict=True)
    )


def metal_contacts(
    symbols: Sequence[str],
    metals: np.ndarray,
    shell: Shell,
    pairs: Pairs,
    donors: frozenset[str] | None = None,
) -> np.ndarray:
    """Find the bonds from donor atoms to metal atoms.

    The rows are (donor index, metal index), each once.

    A donor is closer than `CONTACT_FACTOR` times the sum of covalent radii (carbon: `CARBON_CONTACT`), is no
    hydrogen (C–H…M contacts are not coordination) but a hydride, and no second-shell atom behind a closer one.

    Parameters
    ----------
    donors
        Elements that can be donors, from the ligands; None allows any non-metal but B, Si, Ge and hydrogen.
    """
    to_metal = _to_metal(symbols, metals, shell, pairs, donors)
    return _contacts(symbols, shell, to_metal, _ratios(symbols, to_metal))


def ligand_contacts(
    symbols: Sequence[str],
    metals: np.ndarray,
    shell: Shell,
    pairs: Pairs,
    donors: frozenset[str] | None = None,
) -> np.ndarray:
    """Find the bonds of the ligands of a cluster.

    As `metal_contacts`, with the last ones that are longer.

    A ligand without any contact keeps its nearest, up to `LAST_CONTACT_FACTOR` times the sum of covalent radii: its
    energy then goes on without a jump. Rings that lie on a metal do not.
    """
    to_metal = _to_metal(symbols, metals, shell, pairs, donors)
    ratios = _ratios(symbols, to_metal)
    contacts = _contacts(symbols, shell, to_metal, ratios)
    bound = np.zeros(len(shell.fragments), dtype=bool)
    bound[shell.owner[contacts[:, 0]]] = True
    if bound.all():
        return contacts
    able = binds_alone(symbols, shell.bonds)[to_metal.first] & ~bound[shell.owner[to_metal.first]]
    long = np.flatnonzero(able & (ratios < LAST_CONTACT_FACTOR))
    last: dict[int, tuple[int, int]] = {}
    for k in long[np.argsort(ratios[long], kind="stable")]:
        last.setdefault(int(shell.owner[to_metal.first[k]]), (int(to_metal.first[k]), int(to_metal.second[k])))
    return np.array(sorted([*map(tuple, contacts.tolist()), *last.values()]), dtype=int).reshape(-1, 2)


def binds_alone(symbols: Sequence[str], bonds: np.ndarray) -> np.ndarray:
    """Say which atoms are donors by themselves.

    A carbon of a ring or face that binds as a whole is none.

    Parameters
    ----------
    bonds
        Pairs of bonded atoms outside the metal, each once.
    """
    neighbours = np.bincount(bonds.ravel(), minlength=len(symbols))
    alone: np.ndarray = (elements.numbers_of(symbols) != _CARBON) | (neighbours <= _MOST_NEIGHBOURS)
    return alone


def _to_metal(
    symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs, donors: frozenset[str] | None
) -> Pairs:
    """Pairs of a possible donor and a metal atom."""
    numbers = elements.numbers_of(symbols)
    able = {symbol for symbol in set(symbols) if _may_donate(symbol, donors)}
    shell_atom = _are(able, symbols) & ~mask_of(metals, len(symbols))
    shell_atom &= (numbers != 1) | ~mask_of(shell.links.first, len(symbols))
    return pairs.where(shell_atom[pairs.first] & mask_of(metals, len(symbols))[pairs.second])


def _ratios(symbols: Sequence[str], pairs: Pairs) -> np.ndarray:
    """Distances as multiples of the sum of covalent radii."""
    radii = radii_of(symbols)
    ratios: np.ndarray = pairs.distance / (radii[pairs.first] + radii[pairs.second])
    return ratios


def _contacts(symbols: Sequence[str], shell: Shell, to_metal: Pairs, ratios: np.ndarray) -> np.ndarray:
    carbon = (elements.numbers_of(symbols) == _CARBON)[to_metal.first]
    keep = np.where(carbon, (to_metal.distance < CARBON_CONTACT) | (ratios < 1), ratios < CONTACT_FACTOR)
    near = to_metal.where(keep)
    ratio: dict[tuple[int, int], float] = {}
    for a, m, r in zip(near.first.tolist(), near.second.tolist(), ratios[keep].tolist(), strict=True):
        ratio[a, m] = min(r, ratio.get((a, m), np.inf))
    return _first_shell(ratio, shell.bonds[mask_of(near.first, len(symbols))[shell.bonds].all(axis=1)])


def _may_donate(symbol: str, donors: frozenset[str] | None) -> bool:
    if donors is not None:
        return symbol in donors
    return symbol == "H" or elements.group(symbol) >= 14 and symbol not in NEVER_DONORS


def _first_shell(ratio: dict[tuple[int, int], float], bonds: np.ndarray) -> np.ndarray:
    """Drop contacts whose donor is bonded to an atom much closer to the same metal."""
    bonded: dict[int, list[int]] = {}
    for a, b in bonds.tolist():
        bonded.setdefault(a, []).append(b)
        bonded.setdefault(b, []).append(a)
    kept = [
        (a, m)
        for (a, m), r in ratio.items()
        if all(r < ratio.get((b, m), np.inf) + SECOND_SHELL_MARGIN for b in bonded.get(a, []))
    ]
    return np.array(sorted(kept), dtype=int).reshape(-1, 2)


__all__ = [
    "APART_FACTOR",
    "BOND_FACTOR",
    "CARBON_CONTACT",
    "CONTACT_FACTOR",
    "FREE_FACTOR",
    "LAST_CONTACT_FACTOR",
    "NEVER_DONORS",
    "SECOND_SHELL_MARGIN",
    "Shell",
    "are_endless",
    "binds_alone",
    "cut_shell",
    "find_metals",
    "ligand_contacts",
    "mask_of",
    "metal_contacts",
    "radii_of",
    "search_cutoff",
]
