"""`BimetallicSystem`: the one object that descriptors and models take, and the one door to it."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from ase import Atoms
from monty.json import MSONable

from ase_bimetal import elements
from ase_bimetal.annotation import ANNOTATION_KEY, annotation_of
from ase_bimetal.cells import charges_of, require_room, require_usable_cell
from ase_bimetal.errors import (
    ChargedSystemError,
    GeometryError,
    LigandMismatchError,
    NoMetalError,
    PerceptionError,
    SeveralClustersError,
    UnsupportedSystemError,
)
from ase_bimetal.geometry import GeometryFindings, examine
from ase_bimetal.ligands import Ligand, LigandAnnotation, formula_text, parse_ligands, total_formula
from ase_bimetal.neighbors import Pairs, pairs_within
from ase_bimetal.perception import (
    Parts,
    Shell,
    cut_shell,
    find_metals,
    is_extended,
    metal_contacts,
    parts_of,
    perceive_ligands,
    search_cutoff,
    support_cations,
    torn_bond,
    unbound_fragments,
)

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition
    from pymatgen.core.structure import IMolecule, IStructure

#: Atoms closer than this [Å] are an error: the shortest bond, H–H, has 0.74 Å.
COINCIDENT_BELOW = 0.4
#: Coordinates beyond this [Å] are an error: no object is so large, and cell lists overflow.
FARTHEST = 1e6
#: Atoms of a composition at most.
MOST_ATOMS = 1_000_000
# Partial charges may not sum to zero exactly; beyond half an electron they say that the object is an ion.
_CHARGE_TOLERANCE = 0.5

Ligands = tuple[tuple[Ligand, int], ...]
#: What an object is.
Kind = Literal["cluster", "extended", "alloy"]
#: Where its ligands come from.
LigandSource = Literal["annotation", "argument", "perception", "none"]

#: Charge [e] of common counter-ions by their Hill formula, for the charge of a cluster they are left out of.
COUNTER_IONS: Mapping[str, int] = MappingProxyType({
    **dict.fromkeys(("BF4", "F6P", "F6Sb", "AsF6", "ClO4", "NO3", "F", "Cl", "Br", "I", "CF3O3S", "C2F6NO4S2",
                     "C24H20B", "C24BF20", "C32H12BF24"), -1),
    "F6Si": -2, "O4S": -2,
    **dict.fromkeys(("Li", "Na", "K", "Rb", "Cs", "H4N", "H3O", "C4H12N", "C8H20N", "C16H36N", "C32H68N", "C24H20P",
                     "C36H30NP2"), 1),
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class BimetallicSystem(MSONable):
    """A metal core with its surroundings.

    Attributes
    ----------
    symbols
        Element symbols, length N.
    positions
        Cartesian positions [Å], shape (N, 3), read-only; NaN when there is no geometry.
    cell
        Lattice vectors [Å] as rows, shape (3, 3); zeros when there is no cell.
    pbc
        Which lattice directions repeat.
    metals
        Indices of the metal atoms.
    donors
        Indices of the non-metal atoms bonded to metal.
    bonds
        Rows (donor index, metal index), shape (n, 2).
    ligands
        Kinds of ligands with their counts, sorted by SMILES.
    kind
        ``"cluster"`` (ligand-protected), ``"extended"`` (on a framework or support, or a slab with adsorbates) or
        ``"alloy"`` (bare metal).
    charges
        Atomic charges [e], shape (N,), when the object carries them.
    ligand_source
        Where the ligands come from: ``"annotation"``, ``"argument"``, ``"perception"`` or ``"none"``.
    has_geometry
        False for a composition.
    notes
        Sentences on how the object was read: what was left out of it, or what it is besides its kind.

    Examples
    --------
    >>> dimer = BimetallicSystem.from_atoms(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]), ligands={"PET": 2})
    >>> dimer
    BimetallicSystem(AuPd, 2 PET, cluster, 2 atoms)
    >>> dimer.host, dimer.dopant, dimer.kind, dimer.is_core_only
    ('Au', 'Pd', 'cluster', True)
    """

    symbols: tuple[str, ...]
    positions: np.ndarray
    cell: np.ndarray
    pbc: tuple[bool, bool, bool]
    metals: np.ndarray
    donors: np.ndarray
    bonds: np.ndarray
    ligands: Ligands
    kind: Kind
    charges: np.ndarray | None
    ligand_source: LigandSource
    has_geometry: bool
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Metals, ligands, kind and size in one line."""
        metals = "".join(s + (str(n) if n > 1 else "") for s, n in self.composition_metals.items())
        ligands = [f"{count} {ligand.name}" for ligand, count in self.ligands]
        return f"BimetallicSystem({', '.join([metals, *ligands, self.kind, f'{len(self.symbols)} atoms'])})"

    def __eq__(self, other: object) -> bool:
        """Whether two systems have the same atoms, cell, ligands, kind and charges."""
        if not isinstance(other, BimetallicSystem):
            return NotImplemented
        same_charges = (
            self.charges is other.charges if self.charges is None or other.charges is None
            else np.array_equal(self.charges, other.charges)
        )
        return same_charges and self.content_key() == other.content_key()

    def __hash__(self) -> int:
        """Of the content, so that equal systems are one key."""
        return hash(self.content_key())

    @classmethod
    def from_atoms(cls, atoms: Atoms, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read an ASE Atoms; ligands from ``info["ligand_smiles"]``, the argument, or the coordinates.

        Parameters
        ----------
        atoms
            The object, neutral.
        ligands
            Dict SMILES → count, list or one string; used when the Atoms carry no annotation.

        Raises
        ------
        BimetalError
            The object holds no metal (`NoMetalError`), is charged (`ChargedSystemError`), has bad positions
            (`GeometryError`), ligands that cannot be read (`LigandError`), do not fit the coordinates
            (`LigandMismatchError`) or cannot be perceived (`PerceptionError`).
        """
        return _build(_read_atoms(atoms), ligands)

    @classmethod
    def from_structure(cls, structure: IStructure, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read a pymatgen Structure; annotation in ``structure.properties["ligand_smiles"]``."""
        return _build(_read_structure(structure), ligands)

    @classmethod
    def from_molecule(cls, molecule: IMolecule, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read a pymatgen Molecule; annotation in ``molecule.properties["ligand_smiles"]``."""
        return _build(_read_molecule(molecule), ligands)

    @classmethod
    def from_composition(cls, composition: Composition, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read a pymatgen Composition of whole atoms: no geometry, ligands from the argument only."""
        return _build(_read_composition(composition), ligands)

    @cached_property
    def metal_symbols(self) -> tuple[str, ...]:
        """Element of each metal atom."""
        return tuple(self.symbols[i] for i in self.metals)

    @property
    def n_metals(self) -> int:
        """Number of metal atoms."""
        return len(self.metals)

    @cached_property
    def composition_metals(self) -> dict[str, int]:
        """Metal element → count, majority first; equal counts by falling electronegativity."""
        counts = Counter(self.metal_symbols)
        order = sorted(counts, key=lambda s: (-counts[s], -elements.electronegativity(s), s))
        return {symbol: counts[symbol] for symbol in order}

    @property
    def host(self) -> str:
        """Majority metal; of two equal ones the more electronegative."""
        return next(iter(self.composition_metals))

    @property
    def dopants(self) -> tuple[str, ...]:
        """All metals but the host, most frequent first."""
        return tuple(self.composition_metals)[1:]

    @property
    def dopant(self) -> str | None:
        """Most frequent metal beside the host; None when there is one metal only."""
        return self.dopants[0] if self.dopants else None

    @property
    def ligand_counts(self) -> dict[str, int]:
        """SMILES of the free ligand → count."""
        return {ligand.smiles: count for ligand, count in self.ligands}

    @property
    def is_core_only(self) -> bool:
        """Whether ligands are known but their atoms are not in the object."""
        return bool(self.ligands) and len(self.symbols) == self.n_metals

    @cached_property
    def coordination(self) -> dict[int, tuple[int, ...]]:
        """Donor index → indices of the metal atoms it binds."""
        found: dict[int, list[int]] = {}
        for donor, metal in self.bonds.tolist():
            found.setdefault(donor, []).append(metal)
        return {donor: tuple(metals) for donor, metals in found.items()}

    @cached_property
    def geometry(self) -> GeometryFindings:
        """What is impossible or unusual about the coordinates of a cluster."""
        return examine(self)

    def content_key(self) -> str:
        """Digest of everything that decides a prediction, for caches."""
        parts = (self.symbols, self.pbc, self.kind, tuple(self.ligand_counts.items()))
        digest = hashlib.sha256(repr(parts).encode())
        digest.update(self.positions.tobytes() + self.cell.tobytes())
        return digest.hexdigest()

    def to_atoms(self) -> Atoms:
        """The object as ASE Atoms, with its ligands annotated."""
        atoms = Atoms(self.symbols, self.positions, cell=self.cell, pbc=self.pbc)
        if self.ligands:
            atoms.info[ANNOTATION_KEY] = self.ligand_counts
        return atoms

    def as_dict(self) -> dict[str, Any]:
        """The system in plain JSON types, as monty's encoder asks for it."""
        return {
            "@module": type(self).__module__,
            "@class": type(self).__name__,
            "symbols": list(self.symbols),
            # JSON has no NaN: a composition is written without positions.
            "positions": self.positions.tolist() if self.has_geometry else None,
            "cell": self.cell.tolist(),
            "pbc": list(self.pbc),
            "metals": self.metals.tolist(),
            "bonds": self.bonds.tolist(),
            "ligands": self.ligand_counts,
            "kind": self.kind,
            "charges": None if self.charges is None else self.charges.tolist(),
            "ligand_source": self.ligand_source,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> BimetallicSystem:
        """The system that `as_dict` wrote, bit for bit; nothing is perceived again.

        Examples
        --------
        >>> system = BimetallicSystem.from_atoms(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]), ligands={"PET": 2})
        >>> BimetallicSystem.from_dict(system.as_dict()).content_key() == system.content_key()
        True
        """
        n, bonds = len(d["symbols"]), np.array(d["bonds"], dtype=int).reshape(-1, 2)
        has_geometry = d["positions"] is not None
        positions = np.array(d["positions"], dtype=float).reshape(n, 3) if has_geometry else np.full((n, 3), np.nan)
        return cls(
            symbols=tuple(d["symbols"]),
            positions=_frozen(positions),
            cell=_frozen(np.array(d["cell"], dtype=float)),
            pbc=tuple(d["pbc"]),
            metals=_frozen(np.array(d["metals"], dtype=int)),
            donors=_frozen(np.unique(bonds[:, 0])),
            bonds=_frozen(bonds),
            ligands=parse_ligands(d["ligands"]),
            kind=d["kind"],
            charges=None if d["charges"] is None else _frozen(np.array(d["charges"], dtype=float)),
            ligand_source=d["ligand_source"],
            has_geometry=has_geometry,
            notes=tuple(d.get("notes", ())),
        )


def as_system(obj: object, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
    """Make a `BimetallicSystem` of ASE Atoms, a pymatgen Structure, Molecule or Composition, or itself.

    Parameters
    ----------
    obj
        The object.
    ligands
        Ligands for objects that carry no annotation, as in `BimetallicSystem.from_atoms`.

    Raises
    ------
    UnsupportedSystemError
        The object is of another type. Formula strings are refused: they hold no coordinates, and one cannot
        tell the metal core's size from a reduced formula.

    Examples
    --------
    >>> as_system(Atoms("Au2", [[0, 0, 0], [0, 0, 2.5]])).kind
    'alloy'
    """
    if isinstance(obj, BimetallicSystem):
        if ligands is None:
            return obj
        if obj.ligand_source == "annotation":
            _require_same(obj.ligands, ligands)
            return obj
        return _build(_read_system(obj), ligands)
    return _build(_read(obj), ligands)


def split_clusters(obj: object, ligands: LigandAnnotation | None = None) -> list[BimetallicSystem]:
    """Read every separate cluster of an object, such as a unit cell.

    Parameters
    ----------
    obj
        As `as_system` takes it.
    ligands
        Ligands of all clusters together, as `as_system` takes them; those of each are read from the coordinates.

    Returns
    -------
    list of BimetallicSystem
        In the order of their first metal atoms; one item for an object that is one system.

    Raises
    ------
    LigandMismatchError
        The clusters have other ligands than those given.

    Examples
    --------
    >>> pair = Atoms("AuPt", [[0, 0, 0], [0, 0, 6.0]])
    >>> [system.metal_symbols for system in split_clusters(pair)]
    [('Au',), ('Pt',)]
    """
    raw = _read_system(obj) if isinstance(obj, BimetallicSystem) else _read(obj)
    parts = _separate_parts(raw)
    if len(parts) < 2:
        return [as_system(obj, ligands)]
    given, _ = _given_ligands(raw, ligands)
    systems = [_build(replace(part, annotation=None), None) for part in parts]
    if given is not None:
        _require_same_ligands(systems, given)
    return systems


def _require_same_ligands(systems: Sequence[BimetallicSystem], given: Ligands) -> None:
    total: Counter[Ligand] = Counter()
    for system in systems:
        total.update(dict(system.ligands))
    if total != Counter(dict(given)):
        raise LigandMismatchError(
            f"the ligands given ({_listed(given)}) are not those of the {len(systems)} clusters together "
            f"({_listed(total.items())})"
        )


def _separate_parts(raw: _Raw) -> list[_Raw]:
    """Each separate cluster of an object with what is bound to it; empty for a solid or a composition."""
    _check_values(raw)
    metals = find_metals(raw.symbols)
    if not raw.has_geometry or not len(metals):
        return []
    around = _look_around(raw, metals)
    if around.on_framework or around.parts.endless:
        return []
    return [_part(raw, rows) for rows in around.parts.members]


def _part(raw: _Raw, rows: np.ndarray) -> _Raw:
    """Some atoms of an object."""
    return replace(
        raw,
        symbols=tuple(raw.symbols[i] for i in rows),
        positions=raw.positions[rows],
        charges=None if raw.charges is None else raw.charges[rows],
    )


def _read(obj: object) -> _Raw:
    if isinstance(obj, Atoms):
        return _read_atoms(obj)
    # An object can only be pymatgen's if pymatgen has been imported, so nothing is imported here.
    for module, name, read in (
        ("pymatgen.core.structure", "IStructure", _read_structure),
        ("pymatgen.core.structure", "IMolecule", _read_molecule),
        ("pymatgen.core.composition", "Composition", _read_composition),
    ):
        if module in sys.modules and isinstance(obj, getattr(sys.modules[module], name)):
            return read(obj)
    raise UnsupportedSystemError(
        f"cannot read {obj!r:.80} of type {type(obj).__name__}; allowed: ase.Atoms, pymatgen Structure, "
        "Molecule or Composition, BimetallicSystem"
    )


@dataclass(frozen=True, eq=False)
class _Raw:
    """What every kind of input is first read into; fields as in `BimetallicSystem`."""

    symbols: tuple[str, ...]
    positions: np.ndarray
    cell: np.ndarray
    pbc: tuple[bool, bool, bool]
    annotation: object
    charges: np.ndarray | None
    total_charge: float
    has_geometry: bool = True
    notes: tuple[str, ...] = ()


def _require_full_occupancy(occupancies: Mapping[object, Mapping[str, float]]) -> None:
    """Refuse sites that several elements share, or that are empty in part of the cells: site → element → share."""
    for site, shares in occupancies.items():
        if len(shares) == 1 and min(shares.values()) > 1 - 1e-3:
            continue
        listed = ", ".join(f"{symbol} {share:g}" for symbol, share in shares.items())
        what = "hydrogen atoms are partly occupied" if set(shares) == {"H"} else "the site is disordered"
        raise GeometryError(
            f"site {site} ({listed}): {what}; allowed: one element a site, fully occupied. Choose one set of positions "
            "of the disordered group, or give the metal core alone with its ligands named"
        )


def _read_atoms(atoms: Atoms) -> _Raw:
    _require_full_occupancy(atoms.info.get("occupancy") or {})
    initial = atoms.get_initial_charges()
    return _Raw(
        symbols=tuple(atoms.symbols),
        positions=atoms.get_positions(),
        cell=np.array(atoms.cell),
        pbc=_three_bools(atoms.pbc),
        annotation=annotation_of(atoms.info),
        charges=_charges(atoms),
        total_charge=_given_charge(atoms.info.get("charge")) or _beyond_tolerance(initial.sum()),
    )


def _three_bools(pbc: Sequence[bool]) -> tuple[bool, bool, bool]:
    a, b, c = (bool(p) for p in pbc)
    return a, b, c


def _given_charge(given: Any) -> float:
    try:
        return float(given or 0.0)
    except (TypeError, ValueError):
        raise ChargedSystemError(f"info['charge'] is {given!r}; allowed: a number, 0 for a neutral object") from None


def _charges(atoms: Atoms) -> np.ndarray | None:
    """Atomic charges [e]: initial charges, an array ``charges``, or what a calculator has already computed."""
    initial = atoms.get_initial_charges()
    if initial.any():
        return charges_of(initial, len(atoms))
    if "charges" in atoms.arrays:
        return charges_of(atoms.arrays["charges"], len(atoms))
    results: Mapping[str, Any] = getattr(atoms.calc, "results", {})
    return charges_of(results["charges"], len(atoms)) if "charges" in results else None


def _beyond_tolerance(total: float) -> float:
    return float(total) if abs(total) > _CHARGE_TOLERANCE else 0.0


def _read_structure(structure: IStructure) -> _Raw:
    return _read_sites(structure, structure.lattice.matrix, structure.pbc)


def _read_molecule(molecule: IMolecule) -> _Raw:
    return _read_sites(molecule, np.zeros((3, 3)), (False, False, False))


def _read_sites(sites: IStructure | IMolecule, cell: np.ndarray, pbc: Sequence[bool]) -> _Raw:
    _require_full_occupancy({
        index: {str(species): float(share) for species, share in site.species.items()}
        for index, site in enumerate(sites)
        if not site.is_ordered
    })
    charges = sites.site_properties.get("charge")
    known = charges is not None and None not in charges
    return _Raw(
        symbols=tuple(site.specie.symbol for site in sites),
        positions=np.array(sites.cart_coords, dtype=float).reshape(-1, 3),
        cell=np.array(cell, dtype=float),
        pbc=_three_bools(pbc),
        annotation=annotation_of(sites.properties),
        charges=charges_of(charges, len(sites)) if known else None,
        total_charge=float(sites.charge or 0.0),
    )


def _read_composition(composition: Composition) -> _Raw:
    amounts = {s: float(n) for s, n in composition.get_el_amt_dict().items()}
    fractional = {s: n for s, n in amounts.items() if abs(n - round(n)) > 1e-6}
    if fractional:
        raise UnsupportedSystemError(
            f"composition {composition.formula} has fractional amounts of {', '.join(fractional)}; allowed: the "
            "whole formula of the cluster, as Au4Pd2S8C64H72"
        )
    if sum(amounts.values()) > MOST_ATOMS:
        raise UnsupportedSystemError(f"a composition of {sum(amounts.values()):g} atoms; allowed: {MOST_ATOMS} at most")
    symbols = tuple(s for s, n in amounts.items() for _ in range(round(n)))
    return _Raw(
        symbols=symbols,
        positions=np.full((len(symbols), 3), np.nan),
        cell=np.zeros((3, 3)),
        pbc=(False, False, False),
        annotation=None,
        charges=None,
        total_charge=float(sum((getattr(s, "oxi_state", 0) or 0) * n for s, n in composition.items())),
        has_geometry=False,
    )


def _read_system(system: BimetallicSystem) -> _Raw:
    return _Raw(
        system.symbols, system.positions, system.cell, system.pbc, None, system.charges, 0.0, system.has_geometry,
        system.notes,
    )


def _build(raw: _Raw, argument: object) -> BimetallicSystem:
    """Check an input and find its ligands, donors and kind."""
    _check_values(raw)
    metals = find_metals(raw.symbols)
    if not len(metals):
        raise NoMetalError(
            f"no metal atom in {formula_text(Counter(raw.symbols)) or 'an empty object'}; allowed core elements: "
            "groups 3 to 12, lanthanides, Al, Ga, In, Sn, Tl, Pb, Bi"
        )
    given, source = _given_ligands(raw, argument)
    if not raw.has_geometry:
        _require_formula(raw, metals, given)
        kind, bonds = _kind_of_formula(raw.symbols, metals, given), np.empty((0, 2), int)
        return _system(raw, metals, given or (), kind, bonds, source)
    around = _look_around(raw, metals)
    kind = _kind_of_geometry(raw, around, given)
    if kind == "cluster" and len(around.loose) and not _belongs(around, raw, given):
        _require_whole_ligands(raw, around)
        return _build(_without(raw, around.loose), argument)
    _require_formula(raw, around.metals, given)
    if kind != "extended":
        _require_one_cluster(raw, around, given)
    ligands = given or (_perceived(raw.symbols, around) if kind == "cluster" else ())
    if given is None and ligands:
        source = "perception"
    donors = frozenset(ligand.donor for ligand, _ in ligands) if ligands else None
    bonds = metal_contacts(raw.symbols, around.metals, around.shell, around.pairs, donors)
    return _system(_with_notes(raw, around, kind), around.metals, ligands, kind, bonds, source)


def _system(
    raw: _Raw, metals: np.ndarray, ligands: Ligands, kind: Kind, bonds: np.ndarray, source: LigandSource
) -> BimetallicSystem:
    return BimetallicSystem(
        symbols=raw.symbols,
        positions=_frozen(raw.positions),
        cell=_frozen(raw.cell),
        pbc=raw.pbc,
        metals=_frozen(metals),
        donors=_frozen(np.unique(bonds[:, 0])),
        bonds=_frozen(bonds),
        ligands=ligands,
        kind=kind,
        charges=None if raw.charges is None else _frozen(raw.charges),
        ligand_source=source,
        has_geometry=raw.has_geometry,
        notes=raw.notes,
    )


def _check_values(raw: _Raw) -> None:
    for symbol in dict.fromkeys(raw.symbols):
        elements.require_known(symbol)
    if raw.total_charge:
        raise ChargedSystemError(
            f"the object carries charge {raw.total_charge:+g}; allowed: neutral. The formation energy, eq. (1), has "
            "no charge term: add counter-ions or remove the charge"
        )
    if not raw.has_geometry:
        return
    bad = np.flatnonzero(~(np.abs(raw.positions) < FARTHEST).all(axis=1))
    if len(bad):
        raise GeometryError(f"atom {bad[0]} ({raw.symbols[bad[0]]}) has a position that is not a finite number below "
                            f"{FARTHEST:g} Å: {raw.positions[bad[0]].tolist()}")
    require_usable_cell(raw.cell, raw.pbc, len(raw.symbols))
    require_room(raw.positions, raw.cell, raw.pbc)


def _given_ligands(raw: _Raw, argument: object) -> tuple[Ligands | None, LigandSource]:
    """Ligands from annotation or argument; None when not given."""
    source: LigandSource = "argument" if raw.annotation is None else "annotation"
    spec = argument if raw.annotation is None else raw.annotation
    if spec is None:
        return None, "none"
    ligands = parse_ligands(spec)
    if argument is not None and source == "annotation":
        _require_same(ligands, argument)
    return ligands, source


def _require_formula(raw: _Raw, metals: np.ndarray, given: Ligands | None) -> None:
    """Refuse ligands that do not add up to the atoms of the object beside its metal, where it has any."""
    shell = _formula_beside(raw.symbols, metals)
    if given is not None and shell and shell != total_formula(given):
        raise LigandMismatchError(
            f"the ligands given ({_listed(given)}) are {formula_text(total_formula(given)) or 'nothing'} as bound, but "
            f"the object holds {formula_text(shell)} beside its metal"
        )


def _require_same(annotated: Ligands, argument: object) -> None:
    """Refuse ligands that contradict an object's annotation."""
    asked = parse_ligands(argument)
    if asked != annotated:
        raise LigandMismatchError(
            f"the object is annotated with {_listed(annotated)}, but {_listed(asked)} was asked for; allowed: one of "
            "the two. Change the annotation in info['ligand_smiles'], or leave the argument out"
        )


def _listed(ligands: Iterable[tuple[Ligand, int]]) -> str:
    return ", ".join(f"{n} × {ligand.name}" for ligand, n in ligands)


def _formula_beside(symbols: Sequence[str], leave_out: np.ndarray) -> dict[str, int]:
    """Element counts of an object without some of its atoms."""
    present = Counter(symbols)
    present.subtract(symbols[i] for i in leave_out)
    return {symbol: n for symbol, n in present.items() if n}


@dataclass(frozen=True, eq=False)
class _Around:
    """What surrounds the core: pairs, the atoms of the core, the shell, its unbound atoms, separate parts, host."""

    pairs: Pairs
    metals: np.ndarray
    shell: Shell
    loose: tuple[np.ndarray, ...]
    parts: Parts
    on_framework: bool


def _look_around(raw: _Raw, metals: np.ndarray) -> _Around:
    pairs = pairs_within(raw.positions, raw.cell, raw.pbc, search_cutoff(raw.symbols))
    _check_distances(raw.symbols, pairs)
    metals = np.setdiff1d(metals, support_cations(raw.symbols, metals, pairs))
    shell = cut_shell(raw.symbols, metals, pairs)
    loose = tuple(unbound_fragments(raw.symbols, metals, shell, pairs))
    parts = parts_of(raw.symbols, metals, shell, pairs)
    return _Around(pairs, metals, shell, loose, parts, is_extended(raw.symbols, metals, shell, pairs))


def _kind_of_geometry(raw: _Raw, around: _Around, given: Ligands | None) -> Kind:
    """Kind of an object with coordinates; a solid is never a cluster, and neither is a chain.

    Raises
    ------
    UnsupportedSystemError
        Ligands are given for a slab or solid, or molecules and metals make a chain or network without end.
    """
    bound = len(around.shell.fragments) > len(around.loose)
    if around.parts.endless_metal and given:
        raise UnsupportedSystemError(
            "the metal repeats through the cell without end, as in a slab or solid, and ligands are given; allowed: "
            "ligands of a finite cluster. Leave the annotation out, or check the cell"
        )
    if given:
        return "cluster"
    if not around.shell.fragments:
        return "alloy"
    if around.parts.endless_metal or around.on_framework:
        return "extended"
    if around.parts.endless and bound:
        return _kind_of_network(raw, around)
    return "cluster"


def _kind_of_network(raw: _Raw, around: _Around) -> Kind:
    """A solid of metals and bare ions is extended; one of molecules is refused."""
    if all(len(fragment) == 1 for fragment in around.shell.fragments):
        return "extended"
    raise UnsupportedSystemError(
        f"{formula_text(Counter(raw.symbols))} is a chain or network without end: bonds between metals and ligands run "
        "through the cell to its next image (a coordination polymer); allowed: finite clusters. If it is one cluster, "
        "check that the cell is large enough"
    )


def _belongs(around: _Around, raw: _Raw, given: Ligands | None) -> bool:
    """Whether the given ligands count the unbound atoms, as they may those of a ligand that is breaking.

    Raises
    ------
    PerceptionError
        A whole ligand is unbound; names its first atom.
    """
    if given is None or _formula_beside(raw.symbols, around.metals) != total_formula(given):
        return False
    whole = [ligand.bound_formula for ligand, _ in given]
    gone = [fragment for fragment in around.loose if Counter(raw.symbols[i] for i in fragment) in whole]
    if not gone:
        return True
    first = int(gone[0][0])
    formula = formula_text(Counter(raw.symbols[i] for i in gone[0]))
    raise PerceptionError(
        f"atom {first} ({raw.symbols[first]}, of {formula}) belongs to the ligands given ({_listed(given)}) but is "
        "more than a bond away from any metal; allowed: ligands that touch metal. Move it, or leave it out of the "
        "annotation"
    )


def _require_whole_ligands(raw: _Raw, around: _Around) -> None:
    """Refuse to leave out atoms that a ligand has lost."""
    torn = torn_bond(raw.symbols, np.concatenate(around.loose), around.metals, around.pairs)
    if torn is not None:
        a, b = (f"{i} ({raw.symbols[i]})" for i in torn)
        raise PerceptionError(
            f"atom {a} is bonded to no metal and lies next to atom {b} of another molecule: a torn bond, or hydrogen "
            "atoms of a disordered group; allowed: whole molecules. Repair the coordinates, or name the ligands in "
            "atoms.info['ligand_smiles']"
        )


def _without(raw: _Raw, loose: Sequence[np.ndarray]) -> _Raw:
    """The object without unbound molecules and ions, and the note that says so."""
    kinds = Counter(formula_text(Counter(raw.symbols[i] for i in fragment)) for fragment in loose)
    listed = ", ".join(f"{n} × {formula}" for formula, n in kinds.items())
    atoms = ", ".join(f"{raw.symbols[fragment[0]]}{fragment[0]}" for fragment in loose[:4])
    note = f"left out, more than a bond away from any metal: {listed} (at {atoms}{', …' if len(loose) > 4 else ''})"
    kept = np.setdiff1d(np.arange(len(raw.symbols)), np.concatenate(loose))
    return replace(_part(raw, kept), notes=(*raw.notes, note, *_counter_ion_note(kinds)))


def _counter_ion_note(kinds: Mapping[str, int]) -> tuple[str, ...]:
    known = {formula: n for formula, n in kinds.items() if formula in COUNTER_IONS}
    charge = -sum(COUNTER_IONS[formula] * n for formula, n in known.items())
    if not charge:
        return ()
    return (
        f"counter-ions left out ({', '.join(known)}): the cluster has charge {charge:+d} in this compound and is taken "
        "as neutral, for eq. (1) has no charge term",
    )


def _require_one_cluster(raw: _Raw, around: _Around, given: Ligands | None) -> None:
    """Refuse several separate clusters in one object.

    Where ligands are given, a metal atom without any may have been moved away, and so may those of a bare core.
    """
    members = around.parts.members
    if given:
        core = frozenset(around.metals.tolist())
        members = tuple(rows for rows in members if not core.issuperset(rows.tolist()))
    if len(members) < 2 or around.parts.endless:
        return
    kinds = Counter(formula_text(Counter(raw.symbols[i] for i in rows)) for rows in members)
    listed = ", ".join(f"{n} × {formula}" for formula, n in kinds.items())
    raise SeveralClustersError(
        f"the object holds {len(members)} separate clusters ({listed}); allowed: one. "
        "ase_bimetal.split_clusters(obj) gives each by itself"
    )


def _perceived(symbols: tuple[str, ...], around: _Around) -> Ligands:
    contacts = metal_contacts(symbols, around.metals, around.shell, around.pairs)
    return perceive_ligands(symbols, around.shell, contacts)


def _with_notes(raw: _Raw, around: _Around, kind: Kind) -> _Raw:
    """The object with a note on what it is besides its kind."""
    n, members = len(around.metals), around.parts.members
    has_shell = len(around.shell.fragments) > 0
    if kind == "extended" and around.parts.endless_metal and not around.on_framework:
        note = "a slab or solid metal with other atoms on or in it: no cluster, and what is on it are no ligands"
    elif kind == "cluster" and n <= 2 and has_shell:
        note = f"a molecular complex of {n} metal atom{'s' * (n > 1)}, without a metal core"
    elif kind == "cluster" and len(members) > 1:
        note = f"the metal core is in {len(members)} pieces, each further than a bond from the others"
    elif kind == "alloy" and not around.parts.endless:
        note = f"a bare molecule or particle of {n} metal atom{'s' * (n > 1)}, not a solid alloy"
    else:
        return raw
    return replace(raw, notes=tuple(dict.fromkeys((*raw.notes, note))))


def _check_distances(symbols: tuple[str, ...], pairs: Pairs) -> None:
    close = np.flatnonzero(pairs.distance < COINCIDENT_BELOW)
    if len(close):
        a, b = pairs.first[close[0]], pairs.second[close[0]]
        raise GeometryError(
            f"atoms {a} ({symbols[a]}) and {b} ({symbols[b]}) are {pairs.distance[close[0]]:.3f} Å apart; allowed: at "
            f"least {COINCIDENT_BELOW} Å"
        )


def _kind_of_formula(symbols: tuple[str, ...], metals: np.ndarray, given: Ligands | None) -> Kind:
    """Kind of a composition: silicates and oxides are frameworks, all other non-metals are ligands."""
    rest = set(symbols) - {symbols[i] for i in metals}
    if given:
        return "cluster"
    if not rest:
        return "alloy"
    return "extended" if "O" in rest and ("Si" in rest or "C" not in rest) else "cluster"


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy


__all__ = ["ANNOTATION_KEY", "COUNTER_IONS", "BimetallicSystem", "as_system", "split_clusters"]
