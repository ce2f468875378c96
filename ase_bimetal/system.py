"""`BimetallicSystem`: the one object that descriptors and models take, and the one door to it."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

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
    UnsupportedSystemError,
)
from ase_bimetal.geometry import GeometryFindings, examine
from ase_bimetal.ligands import Ligand, formula_text, parse_ligands, total_formula
from ase_bimetal.neighbors import Pairs, pairs_within
from ase_bimetal.perception import (
    Shell,
    cut_shell,
    find_metals,
    is_extended,
    metal_contacts,
    perceive_ligands,
    search_cutoff,
)

if TYPE_CHECKING:
    from pymatgen.core import Composition, IMolecule, IStructure

#: Atoms closer than this [Å] are an error: the shortest bond, H–H, has 0.74 Å.
COINCIDENT_BELOW = 0.4
#: Coordinates beyond this [Å] are an error: no object is so large, and cell lists overflow.
FARTHEST = 1e6
#: Atoms of a composition at most.
MOST_ATOMS = 1_000_000
# Partial charges may not sum to zero exactly; beyond half an electron they say that the object is an ion.
_CHARGE_TOLERANCE = 0.5

Ligands = tuple[tuple[Ligand, int], ...]


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
        ``"cluster"`` (ligand-protected), ``"extended"`` (on a framework) or ``"alloy"`` (bare metal).
    charges
        Atomic charges [e], shape (N,), when the object carries them.
    ligand_source
        Where the ligands come from: ``"annotation"``, ``"argument"``, ``"perception"`` or ``"none"``.
    has_geometry
        False for a composition.

    Examples
    --------
    >>> dimer = BimetallicSystem.from_atoms(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]), ligands={"PET": 2})
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
    kind: str
    charges: np.ndarray | None
    ligand_source: str
    has_geometry: bool

    @classmethod
    def from_atoms(cls, atoms: Atoms, ligands: object = None) -> BimetallicSystem:
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
    def from_structure(cls, structure: IStructure, ligands: object = None) -> BimetallicSystem:
        """Read a pymatgen Structure; annotation in ``structure.properties["ligand_smiles"]``."""
        return _build(_read_sites(structure, structure.lattice.matrix, structure.pbc), ligands)

    @classmethod
    def from_molecule(cls, molecule: IMolecule, ligands: object = None) -> BimetallicSystem:
        """Read a pymatgen Molecule; annotation in ``molecule.properties["ligand_smiles"]``."""
        return _build(_read_sites(molecule, np.zeros((3, 3)), (False,) * 3), ligands)

    @classmethod
    def from_composition(cls, composition: Composition, ligands: object = None) -> BimetallicSystem:
        """Read a pymatgen Composition of whole atoms: no geometry, ligands from the argument only."""
        return _build(_read_composition(composition), ligands)

    @property
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
        )


def as_system(obj: object, ligands: object = None) -> BimetallicSystem:
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
        keep = ligands is None or obj.ligand_source == "annotation"
        return obj if keep else _build(_read_system(obj), ligands)
    if isinstance(obj, Atoms):
        return BimetallicSystem.from_atoms(obj, ligands)
    # An object can only be pymatgen's if pymatgen has been imported, so nothing is imported here.
    for module, name, make in (
        ("pymatgen.core.structure", "IStructure", BimetallicSystem.from_structure),
        ("pymatgen.core.structure", "IMolecule", BimetallicSystem.from_molecule),
        ("pymatgen.core.composition", "Composition", BimetallicSystem.from_composition),
    ):
        if module in sys.modules and isinstance(obj, getattr(sys.modules[module], name)):
            return make(obj, ligands)
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


def _read_atoms(atoms: Atoms) -> _Raw:
    initial = atoms.get_initial_charges()
    return _Raw(
        symbols=tuple(atoms.symbols),
        positions=atoms.get_positions(),
        cell=np.array(atoms.cell),
        pbc=tuple(bool(p) for p in atoms.pbc),
        annotation=annotation_of(atoms.info),
        charges=_charges(atoms),
        total_charge=_given_charge(atoms.info.get("charge")) or _beyond_tolerance(initial.sum()),
    )


def _given_charge(given: object) -> float:
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


def _read_sites(sites: IStructure | IMolecule, cell: np.ndarray, pbc: Sequence[bool]) -> _Raw:
    for index, site in enumerate(sites):
        if not site.is_ordered:
            raise GeometryError(f"site {index} ({site.species_string}) is disordered; allowed: one element a site")
    charges = sites.site_properties.get("charge")
    known = charges is not None and None not in charges
    return _Raw(
        symbols=tuple(site.specie.symbol for site in sites),
        positions=np.array(sites.cart_coords, dtype=float).reshape(-1, 3),
        cell=np.array(cell, dtype=float),
        pbc=tuple(bool(p) for p in pbc),
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
        pbc=(False,) * 3,
        annotation=None,
        charges=None,
        total_charge=float(sum((getattr(s, "oxi_state", 0) or 0) * n for s, n in composition.items())),
        has_geometry=False,
    )


def _read_system(system: BimetallicSystem) -> _Raw:
    return _Raw(
        system.symbols, system.positions, system.cell, system.pbc, None, system.charges, 0.0, system.has_geometry
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
    given, source = _given_ligands(raw, metals, argument)
    if raw.has_geometry:
        ligands, kind, bonds = _from_geometry(raw, metals, given)
    else:
        ligands, kind, bonds = given or (), _kind_of_formula(raw.symbols, metals, given), np.empty((0, 2), int)
    if given is None and ligands:
        source = "perception"
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


def _given_ligands(raw: _Raw, metals: np.ndarray, argument: object) -> tuple[Ligands | None, str]:
    """Ligands from annotation or argument, checked against the atoms of the object; None when not given."""
    spec, source = (raw.annotation, "annotation") if raw.annotation is not None else (argument, "argument")
    if spec is None:
        return None, "none"
    ligands = parse_ligands(spec)
    present = Counter(raw.symbols)
    present.subtract(raw.symbols[i] for i in metals)
    shell = {symbol: n for symbol, n in present.items() if n}
    if shell and shell != total_formula(ligands):
        listed = ", ".join(f"{n} × {ligand.name}" for ligand, n in ligands)
        raise LigandMismatchError(
            f"the ligands given ({listed}) are {formula_text(total_formula(ligands)) or 'nothing'} as bound, but the "
            f"object holds {formula_text(shell)} beside its metal"
        )
    return ligands, source


def _from_geometry(
    raw: _Raw, metals: np.ndarray, given: Ligands | None
) -> tuple[Ligands, str, np.ndarray]:
    """Ligands, kind and donor–metal bonds (n, 2) of an object with coordinates."""
    pairs = pairs_within(raw.positions, raw.cell, raw.pbc, search_cutoff(raw.symbols))
    _check_distances(raw.symbols, pairs)
    shell = cut_shell(raw.symbols, metals, pairs)
    ligands, kind = _ligands_and_kind(raw.symbols, metals, shell, pairs, given)
    donors = frozenset(ligand.donor for ligand, _ in ligands) if ligands else None
    return ligands, kind, metal_contacts(raw.symbols, metals, shell, pairs, donors)


def _ligands_and_kind(
    symbols: tuple[str, ...], metals: np.ndarray, shell: Shell, pairs: Pairs, given: Ligands | None
) -> tuple[Ligands, str]:
    if given:
        return given, "cluster"
    if not shell.fragments:
        return (), "alloy"
    if is_extended(symbols, metals, shell, pairs):
        return (), "extended"
    return perceive_ligands(symbols, shell), "cluster"


def _check_distances(symbols: tuple[str, ...], pairs: Pairs) -> None:
    close = np.flatnonzero(pairs.distance < COINCIDENT_BELOW)
    if len(close):
        a, b = pairs.first[close[0]], pairs.second[close[0]]
        raise GeometryError(
            f"atoms {a} ({symbols[a]}) and {b} ({symbols[b]}) are {pairs.distance[close[0]]:.3f} Å apart; allowed: at "
            f"least {COINCIDENT_BELOW} Å"
        )


def _kind_of_formula(symbols: tuple[str, ...], metals: np.ndarray, given: Ligands | None) -> str:
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


__all__ = ["ANNOTATION_KEY", "BimetallicSystem", "as_system"]
