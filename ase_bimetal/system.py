"""`BimetallicSystem`: the one object that everything else takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ase import Atoms
from scipy.spatial import cKDTree

from ase_bimetal import elements
from ase_bimetal.errors import (
    BimetalError,
    ChargedSystemError,
    GeometryError,
    LigandMismatchError,
    NoMetalError,
)
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

_COINCIDENT = 0.4  # Å


@dataclass(frozen=True, eq=False)
class BimetallicSystem:
    """A bimetallic object: metal core, coordination, ligands.

    Attributes
    ----------
    symbols
        Element of each atom.
    positions
        (n, 3) coordinates [Å]; zeros when `has_geometry` is False.
    cell, pbc
        (3, 3) cell vectors [Å] and periodicity.
    metals
        Rows of the core metal atoms.
    donors
        Rows of the non-metal atoms bonded to metal.
    bonds
        (n, 2) rows of donor and metal of every donor–metal bond.
    ligands
        Kinds of ligand with their counts, sorted by SMILES.
    kind
        ``"cluster"`` (ligand-protected), ``"extended"`` (metals on a host), ``"alloy"`` (metals alone).
    charges
        Atomic charges [e], or None.
    ligand_source
        ``"annotation"``, ``"argument"``, ``"perception"`` or ``"none"``.
    has_geometry
        False for a composition.
    """

    symbols: tuple[str, ...]
    positions: np.ndarray
    cell: np.ndarray
    pbc: tuple[bool, bool, bool]
    metals: np.ndarray
    donors: np.ndarray
    bonds: np.ndarray
    ligands: tuple[tuple[Ligand, int], ...]
    kind: str
    charges: np.ndarray | None
    ligand_source: str
    has_geometry: bool

    @classmethod
    def from_atoms(cls, atoms: Atoms, ligands: object = None) -> BimetallicSystem:
        """Read ASE Atoms.

        Parameters
        ----------
        atoms
            The object; ``info["ligand_smiles"]`` wins over `ligands`, which wins over perception.
        ligands
            Dict SMILES or name → count, list, or one string.

        Raises
        ------
        BimetalError
            One of its kinds for each kind of bad input.

        Examples
        --------
        >>> from ase_bimetal import load_example
        >>> system = BimetallicSystem.from_atoms(load_example("Au4Pd2(PET)8"))
        >>> system.host, system.dopant, system.n_metals, system.kind
        ('Au', 'Pd', 6, 'cluster')
        """
        _check_charge(atoms)
        _check_geometry(atoms)
        given = atoms.info.get("ligand_smiles")
        source = "annotation" if given is not None else "argument" if ligands is not None else "none"
        annotated = parse_ligands(given if given is not None else ligands) if source != "none" else ()
        return _build(atoms, annotated, source)

    @classmethod
    def from_molecule(cls, molecule: Any, ligands: object = None) -> BimetallicSystem:
        """Read a pymatgen Molecule; ``properties["ligand_smiles"]`` is its annotation."""
        atoms = Atoms([site.specie.symbol for site in molecule], molecule.cart_coords)
        return cls.from_atoms(_with_properties(atoms, molecule), ligands)

    @classmethod
    def from_structure(cls, structure: Any, ligands: object = None) -> BimetallicSystem:
        """Read a pymatgen Structure; ``properties["ligand_smiles"]`` is its annotation."""
        if not structure.is_ordered:
            raise BimetalError(f"structure {structure.formula!r} has partial occupancies; allowed: ordered sites")
        atoms = Atoms(
            [site.specie.symbol for site in structure],
            structure.cart_coords,
            cell=structure.lattice.matrix,
            pbc=structure.lattice.pbc,
        )
        return cls.from_atoms(_with_properties(atoms, structure), ligands)

    @classmethod
    def from_composition(cls, composition: Any, ligands: object = None) -> BimetallicSystem:
        """Read a pymatgen Composition: what needs no coordinates can be computed from it.

        Amounts must be whole numbers; with ligands, either the metals alone or the whole formula may be given.
        """
        amounts = {element.symbol: float(n) for element, n in composition.items()}
        if any(abs(n - round(n)) > 1e-6 for n in amounts.values()):
            raise BimetalError(f"composition {composition.formula!r} has fractional amounts; allowed: whole numbers")
        symbols = [s for s, n in amounts.items() for _ in range(round(n))]
        annotated = parse_ligands(ligands) if ligands is not None else ()
        atoms = Atoms(symbols)
        metals = _metal_rows(atoms)
        _check_formula(atoms, metals, annotated)
        return cls(
            symbols=tuple(symbols),
            positions=np.zeros((len(symbols), 3)),
            cell=np.zeros((3, 3)),
            pbc=(False, False, False),
            metals=metals,
            donors=np.empty(0, dtype=int),
            bonds=np.empty((0, 2), dtype=int),
            ligands=annotated,
            kind="cluster" if annotated else "alloy" if len(metals) == len(symbols) else "extended",
            charges=None,
            ligand_source="argument" if annotated else "none",
            has_geometry=False,
        )

    @cached_property
    def metal_symbols(self) -> tuple[str, ...]:
        """Element of each metal atom, in the order of `metals`."""
        return tuple(self.symbols[i] for i in self.metals)

    @property
    def n_metals(self) -> int:
        """Number of metal atoms."""
        return len(self.metals)

    @cached_property
    def composition_metals(self) -> dict[str, int]:
        """Metal → count, the host first, then by count and symbol."""
        counts = Counter(self.metal_symbols)
        order = sorted(counts, key=lambda s: (-counts[s], -elements.electronegativity(s), s))
        return {s: counts[s] for s in order}

    @property
    def host(self) -> str:
        """The majority metal; on a tie the one with the higher electronegativity."""
        return next(iter(self.composition_metals))

    @property
    def dopant(self) -> str | None:
        """The other metal (the most frequent of several), or None for a pure core."""
        return next(iter(list(self.composition_metals)[1:]), None)

    @property
    def ligand_counts(self) -> dict[str, int]:
        """SMILES of the free ligand → count."""
        return {ligand.smiles: n for ligand, n in self.ligands}

    @property
    def is_core_only(self) -> bool:
        """Whether ligands are annotated but their atoms are not in the coordinates."""
        return bool(self.ligands) and len(self.metals) == len(self.symbols)


def as_system(obj: object, ligands: object = None) -> BimetallicSystem:
    """Turn whatever describes a bimetallic object into a `BimetallicSystem`.

    Parameters
    ----------
    obj
        ASE Atoms; pymatgen Structure, Molecule or Composition; or a BimetallicSystem, returned as it is.
    ligands
        Ligand annotation for an object that carries none.
    """
    if isinstance(obj, BimetallicSystem):
        return obj
    if isinstance(obj, Atoms):
        return BimetallicSystem.from_atoms(obj, ligands)
    if type(obj).__module__.startswith("pymatgen"):
        if hasattr(obj, "lattice"):
            return BimetallicSystem.from_structure(obj, ligands)
        if hasattr(obj, "cart_coords"):
            return BimetallicSystem.from_molecule(obj, ligands)
        if hasattr(obj, "get_el_amt_dict"):
            return BimetallicSystem.from_composition(obj, ligands)
    raise BimetalError(
        f"cannot read a {type(obj).__name__}; allowed: ASE Atoms, pymatgen Structure, Molecule or Composition"
    )


def _with_properties(atoms: Atoms, source: Any) -> Atoms:
    properties: Mapping[str, Any] = getattr(source, "properties", None) or {}
    if "ligand_smiles" in properties:
        atoms.info["ligand_smiles"] = properties["ligand_smiles"]
    charge = properties.get("charge") or getattr(source, "_charge", None)
    if charge:
        atoms.info["charge"] = charge
    if "charge" in getattr(source, "site_properties", {}):
        atoms.set_initial_charges(source.site_properties["charge"])
    return atoms


def _check_charge(atoms: Atoms) -> None:
    charge = atoms.info.get("charge") or 0
    if charge == 0 and atoms.has("initial_charges"):
        charge = round(float(atoms.get_initial_charges().sum()))
    if charge:
        raise ChargedSystemError(
            f"{atoms.get_chemical_formula()} carries charge {charge:+g}; the formation energy, eq. (1), has no "
            "charge term. Allowed: neutral objects; add counter-ions as ligands or remove the charge on purpose"
        )


def _check_geometry(atoms: Atoms) -> None:
    bad = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if len(bad):
        raise GeometryError(f"atom {bad[0]} ({atoms.symbols[bad[0]]}) has a position that is not a finite number")
    for i, j in sorted(cKDTree(atoms.positions).query_pairs(_COINCIDENT))[:1]:
        raise GeometryError(
            f"atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) are closer than {_COINCIDENT} Å"
        )


def _metal_rows(atoms: Atoms) -> np.ndarray:
    """Rows of core metals."""
    rows = find_metals(atoms.get_chemical_symbols())
    if not len(rows):
        raise NoMetalError(
            f"{atoms.get_chemical_formula() or 'an empty object'} holds no metal atom; allowed as core: d-block "
            "metals, lanthanides, Al, Ga, In, Sn, Tl, Pb, Bi"
        )
    return rows


def _build(atoms: Atoms, annotated: tuple[tuple[Ligand, int], ...], source: str) -> BimetallicSystem:
    symbols = tuple(atoms.get_chemical_symbols())
    metals = _metal_rows(atoms)
    _check_formula(atoms, metals, annotated)
    cell, pbc = np.array(atoms.cell), tuple(bool(p) for p in atoms.pbc)
    pairs = pairs_within(atoms.positions, cell, pbc, search_cutoff(symbols))
    shell = cut_shell(symbols, metals, pairs)
    kind = _kind(symbols, metals, shell, pairs, bool(annotated))
    if kind == "cluster" and not annotated:
        annotated, source = perceive_ligands(symbols, shell), "perception"
    donors = frozenset(ligand.donor for ligand, _ in annotated) or None
    contacts = metal_contacts(symbols, metals, shell, pairs, donors)
    positions = np.array(atoms.positions)
    positions.flags.writeable = False
    return BimetallicSystem(
        symbols=symbols,
        positions=positions,
        cell=cell,
        pbc=pbc,
        metals=metals,
        donors=np.unique(contacts[:, 0]),
        bonds=contacts,
        ligands=annotated,
        kind=kind,
        charges=_charges(atoms),
        ligand_source=source,
        has_geometry=True,
    )


def _kind(symbols: tuple[str, ...], metals: np.ndarray, shell: Shell, pairs: Pairs, annotated: bool) -> str:
    if annotated:
        return "cluster"
    if not shell.fragments:
        return "alloy"
    return "extended" if is_extended(symbols, metals, shell, pairs) else "cluster"


def _check_formula(atoms: Atoms, metals: np.ndarray, annotated: tuple[tuple[Ligand, int], ...]) -> None:
    """Annotation and coordinates must agree, unless the coordinates hold the metal core alone."""
    if not annotated or len(metals) == len(atoms):
        return
    inside = set(metals.tolist())
    found = Counter(s for i, s in enumerate(atoms.get_chemical_symbols()) if i not in inside)
    expected = total_formula(annotated)
    if found != expected:
        names = ", ".join(f"{n} {ligand.name}" for ligand, n in annotated)
        raise LigandMismatchError(
            f"the annotated ligands ({names}) amount to {formula_text(expected)} when bound, the coordinates hold "
            f"{formula_text(found)} besides metal"
        )


def _charges(atoms: Atoms) -> np.ndarray | None:
    """Charges on the object: set on the atoms, or already computed by their calculator."""
    if atoms.has("initial_charges") and np.any(atoms.get_initial_charges()):
        return np.array(atoms.get_initial_charges())
    results = getattr(atoms.calc, "results", {})
    return np.array(results["charges"]) if "charges" in results else None


__all__ = ["BimetallicSystem", "as_system"]
