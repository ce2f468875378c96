"""`BimetallicSystem`: the one object that descriptors and models take, and the one door to it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from monty.json import MSONable

from ase_bimetal import elements
from ase_bimetal.annotation import ANNOTATION_KEY
from ase_bimetal.disorder import whole_sites
from ase_bimetal.errors import LigandMismatchError, NoMetalError
from ase_bimetal.geometry import GeometryFindings, examine
from ase_bimetal.inputs import (
    Charge,
    Raw,
    check_values,
    part,
    read,
    read_atoms,
    read_composition,
    read_molecule,
    read_structure,
    read_system,
    settle_charge,
)
from ase_bimetal.ligands import Ligand, LigandAnnotation, formula_text, parse_ligands, total_formula
from ase_bimetal.shell import find_metals, ligand_contacts, metal_contacts
from ase_bimetal.surroundings import (
    Around,
    Kind,
    Ligands,
    LigandSource,
    belongs,
    complex_ions,
    formula_beside,
    kind_of_formula,
    kind_of_geometry,
    listed,
    look_around,
    perceived,
    require_apart,
    require_free,
    require_one_cluster,
    require_whole_ligands,
    with_notes,
    with_odd_electrons,
    without_loose,
)

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition
    from pymatgen.core.structure import IMolecule, IStructure


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
    charge
        Declared charge [e], where `as_system` was told to keep it; models refuse what is charged.

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
    charge: float = 0.0

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
            self.charges is other.charges
            if self.charges is None or other.charges is None
            else np.array_equal(self.charges, other.charges)
        )
        return same_charges and self.content_key() == other.content_key()

    def __hash__(self) -> int:
        """Of the content, so that equal systems are one key."""
        return hash(self.content_key())

    @classmethod
    def from_atoms(cls, atoms: Atoms, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read an ASE Atoms.

        Ligands come from ``info["ligand_smiles"]``, the argument, or the coordinates.

        Parameters
        ----------
        atoms
            The object, neutral.
        ligands
            Dict SMILES → count, list or one string; used when the Atoms carry no annotation.

        Returns
        -------
        BimetallicSystem
            The object as every model and descriptor reads it.

        Raises
        ------
        BimetalError
            The object holds no metal (`NoMetalError`), is charged (`ChargedSystemError`), has bad positions
            (`GeometryError`), ligands that cannot be read (`LigandError`), do not fit the coordinates
            (`LigandMismatchError`) or cannot be perceived (`PerceptionError`).
        """
        return _build(settle_charge(read_atoms(atoms), "refuse"), ligands)

    @classmethod
    def from_structure(cls, structure: IStructure, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read a pymatgen Structure; annotation in ``structure.properties["ligand_smiles"]``.

        Parameters
        ----------
        structure
            The pymatgen object, neutral; lengths in Å.
        ligands
            As in `from_atoms`.

        Returns
        -------
        BimetallicSystem
            The object as every model and descriptor reads it.

        Raises
        ------
        BimetalError
            As `from_atoms`.
        """
        return _build(settle_charge(read_structure(structure), "refuse"), ligands)

    @classmethod
    def from_molecule(cls, molecule: IMolecule, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read a pymatgen Molecule; annotation in ``molecule.properties["ligand_smiles"]``.

        Parameters
        ----------
        molecule
            The pymatgen object, neutral; lengths in Å.
        ligands
            As in `from_atoms`.

        Returns
        -------
        BimetallicSystem
            The object as every model and descriptor reads it.

        Raises
        ------
        BimetalError
            As `from_atoms`.
        """
        return _build(settle_charge(read_molecule(molecule), "refuse"), ligands)

    @classmethod
    def from_composition(cls, composition: Composition, ligands: LigandAnnotation | None = None) -> BimetallicSystem:
        """Read a pymatgen Composition of whole atoms.

        It has no geometry; ligands come from the argument only.

        Parameters
        ----------
        composition
            Whole numbers of atoms.
        ligands
            As in `from_atoms`.

        Returns
        -------
        BimetallicSystem
            The object as every model and descriptor reads it.

        Raises
        ------
        BimetalError
            As `from_atoms`.

        Examples
        --------
        >>> from pymatgen.core import Composition
        >>> BimetallicSystem.from_composition(Composition("Au4Pd2"), {"PET": 8}).n_metals
        6
        """
        return _build(settle_charge(read_composition(composition), "refuse"), ligands)

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
        """Metal element → count, majority first.

        Equal counts are ordered by falling electronegativity.
        """
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
        """Most frequent metal beside the host.

        None when there is one metal only.
        """
        return self.dopants[0] if self.dopants else None

    @property
    def ligand_counts(self) -> dict[str, int]:
        """SMILES of the free ligand → count."""
        return {ligand.smiles: count for ligand, count in self.ligands}

    @property
    def is_core_only(self) -> bool:
        """Whether ligands are known without their atoms."""
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
        """What is impossible or unusual about the coordinates.

        Objects other than clusters have no findings.
        """
        return examine(self)

    @property
    def strain(self) -> float:
        """Strain inside the ligands [Å² per metal atom], see `geometry.ligand_strain`."""
        return self.geometry.strain

    def content_key(self) -> str:
        """Hash everything that decides a prediction.

        The digest is for caches.

        Returns
        -------
        str
            Hex digits of a sha256.
        """
        return self._content_key

    @cached_property
    def _content_key(self) -> str:
        parts: tuple[object, ...] = (self.symbols, self.pbc, self.kind, tuple(self.ligand_counts.items()))
        if self.charge:
            parts = (*parts, self.charge)
        digest = hashlib.sha256(repr(parts).encode())
        digest.update(self.positions.tobytes() + self.cell.tobytes())
        return digest.hexdigest()

    def to_atoms(self) -> Atoms:
        """Build ASE Atoms with the ligands annotated.

        Returns
        -------
        ase.Atoms
            Positions in Å; ligands in ``info["ligand_smiles"]``, a charge that was kept in ``info["charge"]``.
        """
        atoms = Atoms(self.symbols, self.positions, cell=self.cell, pbc=self.pbc)
        if self.ligands:
            atoms.info[ANNOTATION_KEY] = self.ligand_counts
        if self.charge:
            atoms.info["charge"] = self.charge
        return atoms

    def as_dict(self) -> dict[str, Any]:
        """Give the system in plain JSON types.

        Monty's encoder asks for it.

        Returns
        -------
        dict
            Positions and cell in Å, charges in e.
        """
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
            "charge": self.charge,
        }

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> BimetallicSystem:
        """Rebuild the system that `as_dict` wrote.

        It is the same bit for bit; nothing is perceived again.

        Parameters
        ----------
        d
            What `as_dict` wrote.

        Returns
        -------
        BimetallicSystem
            The object as every model and descriptor reads it.

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
            charge=d.get("charge", 0.0),
        )


def as_system(obj: object, ligands: LigandAnnotation | None = None, charge: Charge = "refuse") -> BimetallicSystem:
    """Make a `BimetallicSystem` of any supported object.

    That is ASE Atoms, a pymatgen Structure, Molecule or Composition, or a system itself.

    Parameters
    ----------
    obj
        The object.
    ligands
        Ligands for objects that carry no annotation, as in `BimetallicSystem.from_atoms`.
    charge
        What becomes of a declared charge, from ``info["charge"]``, a pymatgen object, an input file, or atomic charges
        that add up to an ion: ``"refuse"`` it, ``"keep"`` it on the system, which is enough for descriptors, or
        ``"ignore"`` it with a note.

    Returns
    -------
    BimetallicSystem
        The object itself where it is one already and nothing about it changes.

    Raises
    ------
    ChargedSystemError
        The object is charged and charges are refused.
    UnsupportedSystemError
        The object is of another type. Formula strings are refused: they hold no coordinates, and one cannot
        tell the metal core's size from a reduced formula.

    Examples
    --------
    >>> as_system(Atoms("Au2", [[0, 0, 0], [0, 0, 2.5]])).kind
    'alloy'
    >>> as_system(Atoms("Au2", [[0, 0, 0], [0, 0, 2.5]], info={"charge": 1}), charge="ignore").notes[0]
    'declared charge +1 ignored: the number is that of the neutral object, with the ± of what is new to the model'
    """
    if not isinstance(obj, BimetallicSystem):
        return _build(settle_charge(read(obj), charge), ligands)
    raw = settle_charge(read_system(obj), charge)
    obj = replace(obj, charge=raw.charge, notes=raw.notes) if raw.charge != obj.charge else obj
    if ligands is None:
        return obj
    if obj.ligand_source == "annotation":
        _require_same(obj.ligands, ligands)
        return obj
    return _build(raw, ligands)


def split_clusters(
    obj: object, ligands: LigandAnnotation | None = None, charge: Charge = "refuse"
) -> list[BimetallicSystem]:
    """Read every separate cluster of an object.

    A unit cell, for instance, may hold several.

    Parameters
    ----------
    obj
        As `as_system` takes it.
    ligands
        Ligands of all clusters together, as `as_system` takes them; those of each are read from the coordinates.

    charge
        As `as_system` takes it; of several clusters, none can keep the charge of all, and it is ignored with a note.

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
    raw = read_system(obj) if isinstance(obj, BimetallicSystem) else read(obj)
    check_values(raw)
    raw = whole_sites(raw)
    parts = _separate_parts(raw)
    if len(parts) > 1:
        parts = [settle_charge(item, "ignore" if charge == "keep" else charge) for item in parts]
    if len(parts) < 2:
        return [as_system(obj, ligands, charge)]
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
            f"the ligands given ({listed(given)}) are not those of the {len(systems)} clusters together "
            f"({listed(total.items())})"
            ". Give the ligands of all of them, or of none to have them read from the coordinates"
        )


def _separate_parts(raw: Raw) -> list[Raw]:
    """Each separate cluster of an object with what is bound to it; empty for a solid or a composition."""
    metals = find_metals(raw.symbols)
    if not raw.has_geometry or not len(metals):
        return []
    around = look_around(raw, metals)
    if around.on_framework or around.parts.endless or len(around.parts.members) < 2:
        return []
    loose, ions = _left_out(raw, around, "cluster", None)
    n_clusters = len(around.parts.members) - len(ions)
    if n_clusters < 2:
        return []
    if loose or ions:
        return _separate_parts(without_loose(raw, loose, ions, n_clusters))
    return [part(raw, rows) for rows in around.parts.members]


def _build(raw: Raw, argument: object) -> BimetallicSystem:
    """Check an input and find its ligands, donors and kind."""
    check_values(raw)
    raw = whole_sites(raw)
    metals = find_metals(raw.symbols)
    if not len(metals):
        raise NoMetalError(
            f"no metal atom in {formula_text(Counter(raw.symbols)) or 'an empty object'}; allowed core elements: "
            "groups 3 to 12, lanthanides, Al, Ga, In, Sn, Tl, Pb, Bi. Check the elements of the object"
        )
    given, source = _given_ligands(raw, argument)
    if not raw.has_geometry:
        _require_formula(raw, metals, given)
        kind, bonds = kind_of_formula(raw.symbols, metals, given), np.empty((0, 2), int)
        return _system(raw, metals, given or (), kind, bonds, source)
    around = look_around(raw, metals)
    kind = kind_of_geometry(raw, around, given)
    loose, ions = _left_out(raw, around, kind, given)
    if loose or ions:
        return _build(without_loose(raw, loose, ions), argument)
    _require_formula(raw, around.metals, given)
    if kind != "extended":
        require_one_cluster(raw, around, given)
    ligands = given or (perceived(raw.symbols, around) if kind == "cluster" else ())
    if given is None and ligands:
        source = "perception"
    donors = frozenset(ligand.donor for ligand, _ in ligands) if ligands else None
    contacts = ligand_contacts if kind == "cluster" else metal_contacts
    bonds = contacts(raw.symbols, around.metals, around.shell, around.pairs, donors)
    return _system(with_notes(raw, around, kind), around.metals, ligands, kind, bonds, source)


def _left_out(
    raw: Raw, around: Around, kind: Kind, given: Ligands | None
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """What is no part of a cluster: molecules and ions that touch no metal, and complex ions."""
    if kind != "cluster":
        return (), ()
    ions = complex_ions(raw, around)
    require_apart(raw, around, ions)
    if not around.loose or belongs(around, raw, given):
        return (), ions
    require_whole_ligands(raw, around)
    require_free(raw, around)
    return around.loose, ions


def _system(
    raw: Raw, metals: np.ndarray, ligands: Ligands, kind: Kind, bonds: np.ndarray, source: LigandSource
) -> BimetallicSystem:
    notes = raw.notes
    if kind == "cluster":
        notes = with_odd_electrons(notes, raw.symbols, len(metals), ligands, raw.charge)
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
        notes=notes,
        charge=raw.charge,
    )


def _given_ligands(raw: Raw, argument: object) -> tuple[Ligands | None, LigandSource]:
    """Ligands from annotation or argument; None when not given."""
    source: LigandSource = "argument" if raw.annotation is None else "annotation"
    spec = argument if raw.annotation is None else raw.annotation
    if spec is None:
        return None, "none"
    ligands = parse_ligands(spec)
    if argument is not None and source == "annotation":
        _require_same(ligands, argument)
    return ligands, source


def _require_formula(raw: Raw, metals: np.ndarray, given: Ligands | None) -> None:
    """Refuse ligands that do not add up to the atoms of the object beside its metal, where it has any."""
    shell = formula_beside(raw.symbols, metals)
    if given is not None and shell and shell != total_formula(given):
        raise LigandMismatchError(
            f"the ligands given ({listed(given)}) are {formula_text(total_formula(given)) or 'nothing'} as bound, but "
            f"the object holds {formula_text(shell)} beside its metal"
            ". Correct the counts, or leave the ligands out to have them read from the coordinates"
        )


def _require_same(annotated: Ligands, argument: object) -> None:
    """Refuse ligands that contradict an object's annotation."""
    asked = parse_ligands(argument)
    if asked != annotated:
        raise LigandMismatchError(
            f"the object is annotated with {listed(annotated)}, but {listed(asked)} was asked for; allowed: one of "
            "the two. Change the annotation in info['ligand_smiles'], or leave the argument out"
        )


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy


__all__ = ["ANNOTATION_KEY", "BimetallicSystem", "Charge", "as_system", "split_clusters"]
