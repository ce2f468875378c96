"""What comes in, read into one form: symbols, positions, cell, charge and annotation of any object."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from ase_bimetal import elements
from ase_bimetal.annotation import annotation_of, reading_notes_of
from ase_bimetal.cells import charges_of, require_room, require_usable_cell
from ase_bimetal.errors import (
    ChargedSystemError,
    GeometryError,
    OptionError,
    UnknownElementError,
    UnsupportedSystemError,
)
from ase_bimetal.geometry import charge_refused
from ase_bimetal.ligands import formula_text
from ase_bimetal.workers import WHOLE_PROCESS

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition
    from pymatgen.core.structure import IMolecule, IStructure

    from ase_bimetal.system import BimetallicSystem

#: Coordinates beyond this [Å] are an error: no object is so large, and cell lists overflow.
FARTHEST = 1e6
#: How the note on a charge that was ignored begins.
IGNORED_CHARGE = "declared charge"
#: What may become of a declared charge.
Charge = Literal["refuse", "keep", "ignore"]
CHARGE_CHOICES = get_args(Charge)
#: Names in ``Atoms.info`` and in the data of a database under which the charge of an object is declared.
CHARGE_KEYS = ("charge", "total_charge", "net_charge")
#: Atoms of a composition at most.
MOST_ATOMS = 1_000_000
# Partial charges may not sum to zero exactly; beyond half an electron they say that the object is an ion.
_CHARGE_TOLERANCE = 0.5


class Partly(NamedTuple):
    """A site that is there in part of the cells only.

    What its file says of it, in words, and its share.
    """

    words: str
    share: float


@dataclass(frozen=True, eq=False)
class Raw:
    """What every kind of input is first read into; fields as in `BimetallicSystem`."""

    symbols: tuple[str, ...]
    positions: np.ndarray
    cell: np.ndarray
    pbc: tuple[bool, bool, bool]
    annotation: object
    charges: np.ndarray | None
    charge: float
    has_geometry: bool = True
    notes: tuple[str, ...] = ()
    #: Atoms that are there in part of the cells only.
    partly: Mapping[int, Partly] = field(default_factory=dict)


def read(obj: object) -> Raw:
    """Read any object that the package takes; refuse what it does not know."""
    if isinstance(obj, Atoms):
        return read_atoms(obj)
    # An object can only be pymatgen's if pymatgen has been imported, so nothing is imported here.
    for module, name, read in (
        ("pymatgen.core.structure", "IStructure", read_structure),
        ("pymatgen.core.structure", "IMolecule", read_molecule),
        ("pymatgen.core.composition", "Composition", read_composition),
    ):
        if module in sys.modules and isinstance(obj, getattr(sys.modules[module], name)):
            return read(obj)
    raise UnsupportedSystemError(
        f"cannot read {obj!r:.80} of type {type(obj).__name__}; allowed: ase.Atoms, pymatgen Structure, "
        "Molecule or Composition, BimetallicSystem. Read a file with ase.io.read; write a formula as Composition(...)"
    )


def partly_occupied(occupancies: Mapping[object, Mapping[str, float]]) -> dict[object, Partly]:
    """Find partly empty sites, and refuse shared ones.

    The sites are given as site → element → share.
    """
    found = {}
    for site, shares in occupancies.items():
        where = f"site {site} ({', '.join(f'{symbol} {share:g}' for symbol, share in shares.items())})"
        if len(shares) > 1:
            raise GeometryError(disordered(where, is_hydrogen=False))
        if min(shares.values()) <= 1 - 1e-3:
            found[site] = Partly(where, min(shares.values()))
    return found


def disordered(where: str, is_hydrogen: bool) -> str:
    """Word the refusal of a disordered site."""
    what = "hydrogen atoms are partly occupied" if is_hydrogen else "the site is disordered"
    return (
        f"{where}: {what}; allowed: one element a site, fully occupied. Read the CIF with "
        "ase_bimetal.io.read_frames, which takes the major component of a group that the file marks, choose one "
        "set of positions of the disordered group, or give the metal core alone with its ligands named"
    )


def _require_atomic_numbers(numbers: np.ndarray) -> None:
    """Refuse numbers that no element has, as a damaged file may hold."""
    unknown = np.flatnonzero((numbers < 0) | (numbers >= len(chemical_symbols)))
    if len(unknown):
        raise UnknownElementError(
            f"atom {unknown[0]} has atomic number {numbers[unknown[0]]}; allowed: 1 to "
            f"{len(chemical_symbols) - 1}. Correct the atomic number"
        )


def _three_bools(pbc: Sequence[bool]) -> tuple[bool, bool, bool]:
    a, b, c = map(bool, pbc)
    return a, b, c


def read_atoms(atoms: Atoms) -> Raw:
    """Read an ASE Atoms."""
    _require_atomic_numbers(atoms.numbers)
    partly = _partly_occupied_atoms(atoms)
    charges = _charges(atoms)
    return Raw(
        symbols=tuple(chemical_symbols[number] for number in atoms.numbers.tolist()),
        positions=atoms.get_positions(),
        cell=np.array(atoms.cell),
        pbc=_three_bools(atoms.pbc),
        annotation=annotation_of(atoms.info),
        charges=charges,
        charge=_declared_charge(atoms, charges),
        notes=reading_notes_of(atoms.info),
        partly=partly,
    )


def _partly_occupied_atoms(atoms: Atoms) -> dict[int, Partly]:
    """Atoms on partly empty sites: of a CIF by the kind of each atom, of a PDB file by a share for each atom."""
    sites = {str(site): words for site, words in partly_occupied(atoms.info.get("occupancy") or {}).items()}
    kinds = atoms.arrays.get("spacegroup_kinds", np.arange(len(atoms))).tolist()
    found = {i: sites[str(kind)] for i, kind in enumerate(kinds) if str(kind) in sites} if sites else {}
    shares = np.asarray(atoms.arrays.get("occupancy", ()))
    if shares.shape == (len(atoms),) and np.issubdtype(shares.dtype, np.number):
        found |= {
            int(i): Partly(f"atom {i} ({atoms.symbols[i]} {shares[i]:g})", float(shares[i]))
            for i in np.flatnonzero((shares > 0) & (shares <= 1 - 1e-3))
        }
    return found


def _declared_charge(atoms: Atoms, charges: np.ndarray | None) -> float:
    """Charge [e] that an Atoms object declares, wherever a reader or user put it; 0 where nothing does.

    In this order: ``info["charge"]`` or one of its other names; the attribute ``charge`` of pymatgen's adaptor; the
    parameter ``charge`` of a calculator, as Gaussian's reader sets it; charges of the atoms that add up to an ion.
    """
    if (found := charge_in(atoms.info)) is not None:
        return _number(f"info[{found[0]!r}]", found[1])
    of_adaptor = getattr(atoms, "charge", None)
    if of_adaptor is not None:
        return _number("the attribute charge", of_adaptor)
    of_calculator = getattr(atoms.calc, "parameters", {}).get("charge")
    if isinstance(of_calculator, Real) and of_calculator:
        return _number("the calculator's charge", of_calculator)
    return 0.0 if charges is None else _beyond_tolerance(charges.sum())


def charge_in(info: Mapping[str, object]) -> tuple[str, object] | None:
    """Find the declared charge among an object's properties.

    Capitals make no difference; the key comes with it.

    Examples
    --------
    >>> charge_in({"Charge": -1}), charge_in({"name": "a"})
    (('Charge', -1), None)
    """
    given = {str(key).lower(): (key, value) for key, value in info.items() if value is not None}
    return next((given[key] for key in CHARGE_KEYS if key in given), None)


def _number(where: str, given: object) -> float:
    try:  # a word without a value in the comment of an XYZ file, as in "charge -1", is read as True
        charge = np.nan if isinstance(given, bool) else float(given or 0.0)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        charge = np.nan
    if not np.isfinite(charge):
        raise ChargedSystemError(
            f"{where} is {given!r:.80}; allowed: a number [e], 0 for a neutral object"
            ". Set it to 0, or pass charge='ignore' for the number of the neutral object"
        )
    return charge


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


def read_structure(structure: IStructure) -> Raw:
    """Read a pymatgen Structure."""
    return _read_sites(structure, structure.lattice.matrix, structure.pbc)


def read_molecule(molecule: IMolecule) -> Raw:
    """Read a pymatgen Molecule."""
    return _read_sites(molecule, np.zeros((3, 3)), (False,) * 3)


def _read_sites(sites: IStructure | IMolecule, cell: np.ndarray, pbc: Sequence[bool]) -> Raw:
    partly = partly_occupied(
        {
            index: {species.symbol: float(share) for species, share in site.species.items()}
            for index, site in enumerate(sites)
            if not site.is_ordered
        }
    )
    with np.errstate(invalid="ignore", over="ignore"):  # positions that are no numbers are refused by `check_values`
        positions = np.array(sites.cart_coords, dtype=float).reshape(-1, 3)
    charges = sites.site_properties.get("charge")
    atomic = charges_of(charges, len(sites)) if charges is not None and None not in charges else None
    total = _charge_of(sites)
    return Raw(
        symbols=tuple(next(iter(site.species)).symbol for site in sites),
        positions=positions,
        cell=np.array(cell, dtype=float),
        pbc=_three_bools(pbc),
        annotation=annotation_of(sites.properties),
        charges=atomic,
        charge=total if total or atomic is None else _beyond_tolerance(atomic.sum()),
        partly={int(str(site)): words for site, words in partly.items()},
    )


def _charge_of(sites: IStructure | IMolecule) -> float:
    """Charge [e] that a pymatgen object declares; pymatgen warns where its oxidation states do not add up to it."""
    with WHOLE_PROCESS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _number("the charge", sites.charge)
        except TypeError as error:  # of no number
            raise ChargedSystemError(
                f"the charge is no number ({error}); allowed: a number [e]. Set it to 0, or pass charge='ignore'"
            ) from None


def read_composition(composition: Composition) -> Raw:
    """Read a pymatgen Composition of whole atoms, at most `MOST_ATOMS`."""
    amounts = {s: float(n) for s, n in composition.get_el_amt_dict().items()}
    fractional = {s: n for s, n in amounts.items() if abs(n - round(n)) > 1e-6}
    if fractional:
        raise UnsupportedSystemError(
            f"composition {composition.formula} has fractional amounts of {', '.join(fractional)}; allowed: the "
            "whole formula of the cluster, as Au4Pd2S8C64H72. Write whole numbers"
        )
    if sum(amounts.values()) > MOST_ATOMS:
        raise UnsupportedSystemError(
            f"a composition of {sum(amounts.values()):g} atoms; allowed: {MOST_ATOMS} at most"
            ". Give the formula of one cluster"
        )
    symbols = tuple(s for s, n in amounts.items() for _ in range(round(n)))
    return Raw(
        symbols=symbols,
        positions=np.full((len(symbols), 3), np.nan),
        cell=np.zeros((3, 3)),
        pbc=(False,) * 3,
        annotation=None,
        charges=None,
        charge=float(sum((getattr(s, "oxi_state", 0) or 0) * n for s, n in composition.items())),
        has_geometry=False,
    )


def read_system(system: BimetallicSystem) -> Raw:
    """Read a system again, so that other ligands or another charge can be given."""
    return Raw(
        system.symbols,
        system.positions,
        system.cell,
        system.pbc,
        None,
        system.charges,
        system.charge,
        system.has_geometry,
        system.notes,
    )


def part(raw: Raw, rows: np.ndarray) -> Raw:
    """Cut some atoms out of an object."""
    place = {int(row): k for k, row in enumerate(rows)}
    return replace(
        raw,
        symbols=tuple(raw.symbols[i] for i in rows),
        positions=raw.positions[rows],
        charges=None if raw.charges is None else raw.charges[rows],
        partly={place[atom]: found for atom, found in raw.partly.items() if atom in place},
    )


def formula_of(raw: Raw, rows: np.ndarray) -> str:
    """Write the Hill formula of some atoms."""
    return formula_text(Counter(raw.symbols[i] for i in rows))


def listed_formulas(raw: Raw, groups: Sequence[np.ndarray]) -> str:
    """Word groups of atoms by formula with their counts."""
    return ", ".join(f"{n} × {formula}" for formula, n in Counter(formula_of(raw, rows) for rows in groups).items())


def named_atoms(raw: Raw, atoms: Sequence[int]) -> str:
    """Name the first few of some atoms."""
    return ", ".join(f"{raw.symbols[i]}{i}" for i in atoms[:4]) + (", …" if len(atoms) > 4 else "")


def check_values(raw: Raw) -> None:
    """Refuse unknown elements, positions that are no numbers, and unusable cells."""
    for symbol in dict.fromkeys(raw.symbols):
        elements.require_known(symbol)
    if not raw.has_geometry:
        return
    bad = np.flatnonzero(~(np.abs(raw.positions) < FARTHEST).all(axis=1))
    if len(bad):
        raise GeometryError(
            f"atom {bad[0]} ({raw.symbols[bad[0]]}) has a position that is not a finite number below "
            f"{FARTHEST:g} Å: {raw.positions[bad[0]].tolist()}. Correct this position"
        )
    require_usable_cell(raw.cell, raw.pbc, len(raw.symbols))
    require_room(raw.positions, raw.cell, raw.pbc)


def settle_charge(raw: Raw, charge: Charge) -> Raw:
    """Settle what becomes of a declared charge.

    The ways are those of `as_system`.

    Raises
    ------
    OptionError
        An unknown choice.
    ChargedSystemError
        The object is charged and charges are refused.
    """
    if charge not in CHARGE_CHOICES:
        raise OptionError(
            f"charge={charge!r}; allowed: {', '.join(map(repr, CHARGE_CHOICES))}"
            ". Pass 'ignore' for the number of the neutral object"
        )
    if not raw.charge or charge == "keep":
        return raw
    if charge == "refuse":
        raise ChargedSystemError(charge_refused(raw.charge))
    note = (
        f"{IGNORED_CHARGE} {raw.charge:+g} ignored: the number is that of the neutral object, with the ± of what "
        "is new to the model"
    )
    return replace(raw, charge=0.0, notes=(*raw.notes, note))


__all__ = [
    "CHARGE_CHOICES",
    "CHARGE_KEYS",
    "Partly",
    "Raw",
    "charge_in",
    "check_values",
    "disordered",
    "formula_of",
    "listed_formulas",
    "named_atoms",
    "part",
    "partly_occupied",
    "read",
    "read_atoms",
    "read_composition",
    "read_molecule",
    "read_structure",
    "read_system",
    "settle_charge",
]
