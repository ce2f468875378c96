"""Levels of theory: where the energies of configurations come from.

A level is one of the names in `LEVELS`, or the import path of any ASE calculator, ``"some.module:CalculatorClass"``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import packages_distributions, version
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_properties
from ase.optimize import LBFGS

from ase_bimetal.errors import LevelError

#: Names of the levels that come with the package.
LEVELS = ("gfn1-xtb", "cp2k-gfn1-xtb", "cp2k-pbe")
#: Electronic temperatures tried in turn with GFN1-xTB [K].
TEMPERATURES = (300.0, 1000.0)

#: Makes a calculator for a spin multiplicity (None: the lowest that the electron count allows).
Maker = Callable[[int | None], Calculator]


@dataclass(frozen=True)
class SinglePoint:
    """A converged self-consistent field.

    Attributes
    ----------
    energy
        Total energy [eV].
    charges
        Atomic charges [e], shape (n,); None when the level gives none.
    temperature
        Electronic temperature [K]; 0 for integer occupations.
    """

    energy: float
    charges: np.ndarray | None
    temperature: float


@dataclass(frozen=True)
class Level:
    """A level of theory for neutral objects.

    Attributes
    ----------
    name
        The name by which `get_level` finds it again.
    makers
        Electronic temperature [K] and calculator, tried in turn until one converges.
    code_source
        Gives the program and its version.
    has_spin
        Whether the energy depends on the spin multiplicity.
    is_periodic
        Whether it can do what repeats in space; if not, such an object is refused.

    Examples
    --------
    >>> level = get_level("ase.calculators.emt:EMT")
    >>> round(level.single_point(Atoms("Au2", [[0, 0, 0], [0, 0, 2.5]])).energy, 2)
    2.86
    """

    name: str
    makers: tuple[tuple[float, Maker], ...] = field(repr=False)
    code_source: Callable[[], str] = field(repr=False)
    has_spin: bool = False
    is_periodic: bool = False

    @property
    def code(self) -> str:
        """Program and version, such as ``"tblite 0.8.0"``."""
        return self.code_source()

    def require(self) -> None:
        """Check that all the level needs is there.

        A calculator is made and nothing is computed; an error says what is missing.

        Raises
        ------
        MissingPackageError
            A package is not installed.
        """
        self.makers[0][1](None)

    def single_point(self, atoms: Atoms, multiplicity: int | None = None) -> SinglePoint:
        """Compute the energy of a neutral object.

        Parameters
        ----------
        atoms
            Symbols, positions, and cell where it repeats; annotations are ignored.
        multiplicity
            Spin multiplicity 2S+1; None for the level's own choice.

        Raises
        ------
        CalculationFailed
            The calculation does not converge with any of the level's settings.
        LevelError
            The level knows no multiplicities, not this element, or nothing that repeats in space.
        """
        self._require_shape(atoms)
        reason = ""
        for temperature, make in self.makers:
            trial = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
            trial.calc = make(multiplicity)
            try:
                return SinglePoint(float(trial.get_potential_energy()), _charges(trial), temperature)
            except CalculationFailed as failure:
                reason = str(failure)
        raise CalculationFailed(f"SCF of {atoms.get_chemical_formula()} did not converge: {reason}")

    def relax(self, atoms: Atoms, fmax: float = 0.1, steps: int = 200, multiplicity: int | None = None) -> Atoms:
        """Relax until no force is above ``fmax`` [eV/Å] or ``steps`` are spent.

        Returns
        -------
        Atoms
            With the residual force in ``info["fmax"]`` [eV/Å].

        Raises
        ------
        CalculationFailed, LevelError
            As for `single_point`; also a level without forces.
        """
        self._require_shape(atoms)
        reason = ""
        for _, make in self.makers:
            moving = atoms.copy()
            moving.calc = make(multiplicity)
            self._require_forces(moving.calc)
            try:
                LBFGS(moving, maxstep=0.1, logfile=None).run(  # type: ignore[arg-type]  # None means no log
                    fmax=fmax, steps=steps
                )
                relaxed: Atoms = moving.copy()
                relaxed.info["fmax"] = float(np.linalg.norm(moving.get_forces(), axis=1).max())
                return relaxed
            except CalculationFailed as failure:
                reason = str(failure)
        raise CalculationFailed(f"SCF of {atoms.get_chemical_formula()} did not converge: {reason}")

    def _require_shape(self, atoms: Atoms) -> None:
        if atoms.pbc.any() and not self.is_periodic:
            raise LevelError(
                f"level {self.name!r} has no k-points, so it cannot do {atoms.get_chemical_formula()}, which repeats "
                "in space; take level 'cp2k-gfn1-xtb', or set atoms.pbc = False for an isolated object"
            )

    def _require_forces(self, calculator: Calculator) -> None:
        if "forces" not in calculator.implemented_properties:
            raise LevelError(f"level {self.name!r} gives no forces, so it cannot relax; allowed: {', '.join(LEVELS)}")


def get_level(name: str, folder: Path | None = None) -> Level:
    """Get the level of a name.

    Parameters
    ----------
    name
        One of `LEVELS`, in any case, or ``"module:Class"`` of an ASE calculator that needs no arguments.
    folder
        Where a level that runs a program keeps its work, so that a killed calculation goes on; by default the
        user's cache folder.

    Raises
    ------
    LevelError
        The name is neither, or names nothing that can be imported.

    Examples
    --------
    >>> get_level("gfn1-xtb").name
    'GFN1-xTB'
    """
    if name.lower() == "gfn1-xtb":
        makers = tuple((temperature, partial(_tblite, temperature)) for temperature in TEMPERATURES)
        return Level("GFN1-xTB", makers, lambda: f"tblite {version('tblite')}")
    if name.lower() == "cp2k-gfn1-xtb":
        from ase_bimetal.lab.labels import cp2k, cp2k_xtb

        make = partial(cp2k_xtb.Cp2kXtb, folder=folder or _cache_folder())
        maker = partial(_without_spin, name, make)
        return Level("CP2K-GFN1-xTB", ((cp2k_xtb.TEMPERATURE, maker),), cp2k.version, is_periodic=True)
    if name.lower() == "cp2k-pbe":
        from ase_bimetal.lab.labels import cp2k

        return Level("CP2K-PBE", ((0.0, partial(cp2k.Cp2kPbe, folder=folder or _cache_folder())),), cp2k.version, True)
    if ":" in name:
        kind = _imported(name)
        return Level(name, ((0.0, partial(_without_spin, name, kind)),), partial(_code_of, kind), is_periodic=True)
    raise LevelError(f"unknown level {name!r}; {_ALLOWED}")


_ALLOWED = f"allowed: {', '.join(LEVELS)} or the import path 'module:Class' of an ASE calculator"


def _tblite(temperature: float, multiplicity: int | None) -> Calculator:
    """GFN1-xTB: neutral, fractional occupations; not spin-polarised, whatever the multiplicity."""
    from tblite.ase import TBLite

    return TBLite(
        method="GFN1-xTB",
        charge=0,
        multiplicity=multiplicity,
        electronic_temperature=temperature,
        max_iterations=250,
        verbosity=0,
    )


def _without_spin(name: str, make: Callable[[], Calculator], multiplicity: int | None) -> Calculator:
    if multiplicity is not None:
        raise LevelError(f"level {name!r} takes no spin multiplicity; allowed with one: {', '.join(LEVELS)}")
    return make()


def _imported(path: str) -> type[Calculator]:
    """The calculator class of an import path."""
    module, _, attribute = path.partition(":")
    try:
        kind = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as failure:
        raise LevelError(f"level {path!r} cannot be imported ({failure}); {_ALLOWED}") from failure
    if not (isinstance(kind, type) and hasattr(kind, "get_property")):
        raise LevelError(f"level {path!r} is no ASE calculator class; {_ALLOWED}")
    return kind


def _code_of(kind: type[Calculator]) -> str:
    """Distribution and version that a calculator class comes from."""
    top = kind.__module__.partition(".")[0]
    found = packages_distributions().get(top, [])
    return f"{found[0]} {version(found[0])}" if found else top


def _charges(atoms: Atoms) -> np.ndarray | None:
    known = set(atoms.calc.implemented_properties) & set(all_properties)
    return np.asarray(atoms.calc.get_charges(atoms)) if "charges" in known else None


def _cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("ase-bimetal") / "cp2k"
