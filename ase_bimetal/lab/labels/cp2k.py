"""PBE with CP2K: an ASE calculator that runs the ``cp2k`` program itself and goes on where a killed run stopped.

The settings are those of the shipped anchors; they are one fixed level, so none of them is an option. Every
calculation lives in a folder named after a digest of its input: asking again for a finished one reads its result,
asking for one that was killed starts from the wavefunction it left.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes
from ase.units import Bohr, Hartree

from ase_bimetal.errors import LevelError, ProgramError
from ase_bimetal.files import write_whole

PROGRAM = "cp2k"
METHOD = "PBE/DZVP-MOLOPT-SR-GTH"
#: Valence electrons of the GTH-PBE pseudopotentials.
VALENCE = {
    **{"H": 1, "C": 4, "N": 5, "O": 6, "F": 7, "Al": 3, "Si": 4, "P": 5, "S": 6, "Cl": 7, "Br": 7, "I": 7},
    **{"Sc": 11, "Ti": 12, "V": 13, "Cr": 14, "Mn": 15, "Fe": 16, "Co": 17, "Ni": 18, "Cu": 11, "Zn": 12},
    **{"Y": 11, "Zr": 12, "Nb": 13, "Mo": 14, "Ru": 16, "Rh": 17, "Pd": 18, "Ag": 11, "Cd": 12},
    **{"Hf": 12, "Ta": 13, "W": 14, "Re": 15, "Os": 16, "Ir": 17, "Pt": 18, "Au": 11, "Hg": 12},
}
CUTOFF, REL_CUTOFF = 280, 45  # Ry
EPS_SCF = 2e-5
#: Where the mixing of densities stops: in the density matrix [-].
EPS_DENSITY = 5e-6
MARGIN = 8.0  # Å, least distance of the cube's edge beyond the molecule's longest extent
BOX_MARGIN = 6.0  # Å, least distance between the images of a molecule in a box
SPACING = 9.0 / 96  # Å, of the grid in the 9 Å cube of an isolated atom, and so of every cube: see `_placed`
MAX_POINTS = 300  # along a cube's edge
#: Elements with hard cores, worst first.
HARD = ("Zn", "Ni", "Co", "Fe", "Mn", "Cu", "Cd", "Pd", "Rh", "Ru")
# A coarse grid tells which multiplicities lie low at a third of a full step's cost for hard cores, and its wavefunction
# is where the full grid starts. A coarser one would put the quartet of manganese 3 eV below its sextet, because it does
# not resolve the 3s and 3p cores.
_COARSE: dict[str, Any] = {"cutoff": 160, "rel_cutoff": 40, "eps_scf": 1e-4, "outer": 4}
#: How the field is made self-consistent, in the order of trial: densities are mixed, which takes a third of the time
#: where it settles; an orbital transformation comes after, by either minimizer.
SOLVERS = ("MIXING", "DIIS", "CG")
# Densities settle within 15 to 30 steps or not at all.
_MIXING_STEPS = 45
# An SCF stands still when over so many steps the energy changed by less than so much [Hartree] at such a gradient.
_STILL_STEPS, _STILL_ENERGY, _STILL_GRADIENT = 8, 2e-5, 1e-4
_WAVEFUNCTION = "job-RESTART.wfn"
_KEEP_RESTART = {"RESTART": {"BACKUP_COPIES": 0, "EACH": {"QS_SCF": 5}}}


@dataclass(frozen=True)
class Field:
    """A converged self-consistent field.

    Attributes
    ----------
    energy
        Total energy, or the free energy at an electronic temperature [eV].
    charges
        Mulliken charges [e], length n.
    forces
        Forces [eV/Å], n rows of three; None when not asked for.
    """

    energy: float
    charges: list[float]
    forces: list[list[float]] | None

    def results(self) -> dict[str, Any]:
        """Give what an ASE calculator holds as its results."""
        found = {"energy": self.energy, "charges": np.array(self.charges)}
        return found if self.forces is None else found | {"forces": np.array(self.forces)}


@dataclass(frozen=True)
class Solution(Field):
    """A converged field of the Kohn–Sham equations.

    Attributes
    ----------
    spin_squared
        ⟨S²⟩ of the determinant [-]; None when restricted.
    gradient
        Where the field was taken as self-consistent: the last change of the density matrix, or the gradient of the
        orbital transformation [-].
    """

    spin_squared: float | None
    gradient: float


class Cp2kPbe(Calculator):
    """An ASE calculator for PBE by CP2K.

    It gives energies, forces and Mulliken charges of neutral molecules by the ``cp2k`` program.

    Parameters
    ----------
    multiplicity
        Spin multiplicity 2S+1; above 1 the calculation is unrestricted. None: 1 or 2, as the electron count asks.
    folder
        Where inputs, outputs and wavefunctions are kept; every calculation has its own subfolder.
    guess
        A wavefunction file of the same atoms at nearby positions to start from.

    Raises
    ------
    ProgramError
        There is no ``cp2k`` program.
    LevelError
        An element without a pseudopotential here, or a multiplicity that the electron count forbids.
    CalculationFailed
        The self-consistent field does not converge.
    """

    implemented_properties = ["energy", "forces", "charges"]

    def __init__(self, multiplicity: int | None = None, *, folder: Path, guess: Path | None = None) -> None:
        super().__init__()
        self.multiplicity, self.folder, self.guess = multiplicity, Path(folder), guess
        self.spin_squared: float | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Solve the Kohn–Sham equations for ``atoms``.

        The wavefunction found is the guess of the next geometry of the same atoms.
        """
        if "numbers" in system_changes and self.results:
            self.guess = None
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        multiplicity = self.multiplicity or 1 + electrons(self.atoms) % 2
        found, self.guess = solve(self.atoms, multiplicity, self.folder, self.guess, forces="forces" in properties)
        self.spin_squared = found.spin_squared
        self.results = found.results()


def solve(
    atoms: Atoms, multiplicity: int, folder: Path, guess: Path | None = None, forces: bool = False
) -> tuple[Solution, Path]:
    """Solve the Kohn–Sham equations of a neutral molecule.

    Returns the solution and its wavefunction file.

    Parameters as in `Cp2kPbe`.
    """
    work = _work_folder(atoms, multiplicity, folder, forces)
    finished, wavefunction = work / "solution.json", work / _WAVEFUNCTION
    if not finished.exists():
        if guess and guess.exists() and not wavefunction.exists():
            shutil.copy(guess, wavefunction)
        write_whole(finished, json.dumps(asdict(_converge(atoms, multiplicity, work, forces))))
    return Solution(**json.loads(finished.read_text())), wavefunction


def estimate(atoms: Atoms, multiplicity: int, folder: Path) -> float:
    """Estimate an energy [eV] on a coarse grid.

    It is good to tell which multiplicities lie low, and a start for `solve`.

    Raises
    ------
    CalculationFailed
        CP2K gives no energy.
    """
    work = _work_folder(atoms, multiplicity, folder, forces=False)
    kept = work / "coarse.out"
    output = kept.read_text(errors="replace") if kept.exists() else ""
    if "PROGRAM ENDED" not in output:
        output = run(input_text(atoms, multiplicity, solver="DIIS", guess="ATOMIC", **_COARSE), work, "coarse")
    found = energies(output)
    if not found:
        raise CalculationFailed(f"{atoms.get_chemical_formula()}, multiplicity {multiplicity}: no energy (CP2K)")
    return found[-1]


def _work_folder(atoms: Atoms, multiplicity: int, folder: Path, forces: bool) -> Path:
    """The folder of one calculation, named after its input."""
    _check(atoms, multiplicity)
    version()  # a missing program is named before anything is written
    key = hashlib.sha256(input_text(atoms, multiplicity, forces=forces).encode()).hexdigest()[:20]
    work = Path(folder) / key
    work.mkdir(parents=True, exist_ok=True)
    return work


def energies(output: str) -> list[float]:
    """Total energies [eV] that CP2K printed."""
    lines = [line for line in output.splitlines() if line.startswith(" ENERGY| Total FORCE_EVAL")]
    return [float(line.split()[-1]) * Hartree for line in lines]


@lru_cache(maxsize=1)
def version() -> str:
    """Name and version of the ``cp2k`` program, such as ``"CP2K 2023.1"``.

    Raises
    ------
    ProgramError
        There is none on the search path.
    """
    if shutil.which(PROGRAM) is None:
        raise ProgramError(f"no program {PROGRAM!r} on the search path; allowed: CP2K, e.g. the Debian package 'cp2k'")
    answer = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False)
    words = answer.stdout.split()
    if words[:2] != ["CP2K", "version"]:
        raise ProgramError(f"the program {PROGRAM!r} does not say its version; allowed: CP2K")
    return f"CP2K {words[2]}"


def input_text(
    atoms: Atoms,
    multiplicity: int,
    *,
    forces: bool = False,
    cutoff: int = CUTOFF,
    rel_cutoff: int = REL_CUTOFF,
    eps_scf: float = EPS_SCF,
    outer: int = 2,
    solver: str = SOLVERS[0],
    guess: str = "RESTART",
) -> str:
    """Write a CP2K input with the anchors' settings.

    The molecule sits in the middle of its cube, or of the box that `boxed` gave it.

    Examples
    --------
    >>> "GTH-PBE-q1" in input_text(Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]), 1)
    True
    """
    is_boxed = _is_boxed(atoms)
    edges = atoms.cell.lengths() if is_boxed else np.full(3, cube_edge(atoms))
    periodic, poisson = ("XYZ", "PERIODIC") if is_boxed else ("NONE", "WAVELET")
    placed = _placed(atoms, edges)
    dft = {
        "BASIS_SET_FILE_NAME": "BASIS_MOLOPT",
        "POTENTIAL_FILE_NAME": "GTH_POTENTIALS",
        "CHARGE": 0,
        "MULTIPLICITY": multiplicity,
        "UKS": "T" if multiplicity > 1 else "F",
        "MGRID": {"CUTOFF": cutoff, "REL_CUTOFF": rel_cutoff},
        "QS": {"EPS_DEFAULT": "1.0E-10"},
        "POISSON": {"PERIODIC": periodic, "PSOLVER": poisson},
        "SCF": _mixing(guess) if solver == "MIXING" else _transformation(eps_scf, outer, solver, guess),
        "XC": {"XC_FUNCTIONAL PBE": {}},
        "PRINT": {"MULLIKEN ON": {}},
    }
    subsys = {
        "CELL": {"ABC": " ".join(f"{edge:.8f}" for edge in edges), "PERIODIC": periodic},
        "COORD": {f"{s} {x:.8f} {y:.8f} {z:.8f}": "" for s, (x, y, z) in zip(atoms.symbols, placed, strict=True)},
    } | {
        f"KIND {s}": {"BASIS_SET": "DZVP-MOLOPT-SR-GTH", "POTENTIAL": f"GTH-PBE-q{VALENCE[s]}"}
        for s in sorted(set(atoms.symbols))
    }
    run_type = "ENERGY_FORCE" if forces else "ENERGY"
    head = {"PROJECT": "job", "RUN_TYPE": run_type, "PRINT_LEVEL": "LOW", "FFTW_PLAN_TYPE": "MEASURE"}
    return section("GLOBAL", head) + section(
        "FORCE_EVAL", {"METHOD": "QS", "DFT": dft, "SUBSYS": subsys, "PRINT": {"FORCES ON": {}} if forces else {}}
    )


def settings(atoms: Atoms) -> str:
    """Say in one line how a molecule is computed.

    Examples
    --------
    >>> settings(Atoms("Zn")).split(", ")[-2:]
    ['cube at least 8 Å larger than the molecule', 'grid spacing 0.09375 Å']
    """
    place = f"wavelet Poisson solver, cube at least {MARGIN:g} Å larger than the molecule"
    if _is_boxed(atoms):
        place = f"periodic box, images at least {BOX_MARGIN:g} Å apart"
    return (
        f"{METHOD}, GTH-PBE, cutoff {CUTOFF} Ry, REL_CUTOFF {REL_CUTOFF}, EPS_DEFAULT 1e-10, "
        f"densities mixed to {EPS_DENSITY:g} or OT to {EPS_SCF:g}, "
        f"{place}, grid spacing {SPACING:g} Å"
    )


def cube_edge(atoms: Atoms) -> float:
    """Compute the edge [Å] of a molecule's cube.

    Raises
    ------
    LevelError
        The molecule needs more than `MAX_POINTS` grid points.

    Examples
    --------
    >>> cube_edge(Atoms("Zn")), cube_edge(Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]))
    (9.0, 9.0)
    """
    return _edge(float(np.ptp(atoms.positions, axis=0).max()), MARGIN)


def boxed(atoms: Atoms, like: Atoms | None = None) -> Atoms:
    """Turn a neutral molecule and put it into a box that fits it.

    The box repeats, and images are `BOX_MARGIN` apart. It saves a third to two thirds of the cube's grid. The energy of
    CO changes by 5e-5 eV, that of M@Au8 clusters by 5 meV/metal; any turn against the grid changes as much or twice it.

    Parameters
    ----------
    atoms
        The molecule.
    like
        The same atoms at nearby positions, to be turned like them: a wavefunction belongs to one orientation.

    Returns
    -------
    Atoms
        The same atoms, their longest extent along x and their shortest along z, with cell [Å] and repetition in three
        directions.

    Examples
    --------
    >>> boxed(Atoms("H2", [[0, 0, 0], [0, 0, 4]])).cell.lengths().round(3).tolist()
    [10.125, 9.0, 9.0]
    """
    reference = (atoms if like is None else like).positions
    axes = np.linalg.svd(reference - reference.mean(axis=0))[2]
    axes[2] *= np.linalg.det(axes)  # a turn, no mirror image
    positions = (atoms.positions - atoms.positions.mean(axis=0)) @ axes.T
    edges = [_edge(extent, BOX_MARGIN) for extent in np.ptp(positions, axis=0)]
    return Atoms(atoms.symbols, positions, cell=edges, pbc=True)


def _is_boxed(atoms: Atoms) -> bool:
    """Whether a molecule is in a box of `boxed`."""
    return bool(atoms.pbc.all())


def _edge(extent: float, margin: float) -> float:
    """The shortest edge [Å] of the level's spacing that leaves a margin around an extent."""
    fitting = [edge for edge in _edges() if edge >= extent + margin]
    if not fitting:
        raise LevelError(f"a molecule of {extent:.1f} Å is too large; allowed: {_edges()[-1] - margin:.1f} Å")
    return fitting[0]


@lru_cache(maxsize=1)
def _edges() -> tuple[float, ...]:
    """Cube edges [Å], ascending, for which CP2K's own choice of grid has the spacing `SPACING` within 0.1 %."""
    sizes = range(round(9.0 / SPACING), MAX_POINTS + 1)
    # Some sizes are reached by a hair's breadth more than the exact edge.
    candidates = [(points, SPACING * points * stretch) for points in sizes for stretch in (1.0, 1.001)]
    fitting = {points: edge for points, edge in reversed(candidates) if grid_points(edge) == points}
    return tuple(fitting[points] for points in sorted(fitting))


def grid_points(edge: float) -> int:
    """Count CP2K's finest grid points along an edge [Å].

    They are enough for the cutoff, with no prime factor above 5.

    Examples
    --------
    >>> grid_points(9.0), grid_points(12.0)
    (96, 125)
    """
    points = 2 * int(np.sqrt(CUTOFF) * edge / Bohr / (2 * np.pi)) + 1
    while 60**9 % points:  # 60 = 2 · 2 · 3 · 5
        points += 1
    return points


def _placed(atoms: Atoms, edges: np.ndarray) -> np.ndarray:
    """Positions (n, 3) [Å] in the middle of the cube or box, moved until the atom with the hardest core is on the grid.

    At this cutoff the energy of a core as sharp as zinc's or nickel's changes by 0.1–0.3 eV with its place between
    the grid points, and with their spacing. On a grid point of one spacing, where the isolated atom is too, that
    error is the same on both sides of eq. (1). The move is at most half a spacing, 0.05 Å.
    """
    centred: np.ndarray = atoms.positions - (atoms.positions.max(axis=0) + atoms.positions.min(axis=0)) / 2 + edges / 2
    hard = [i for symbol in HARD for i, found in enumerate(atoms.symbols) if found == symbol]
    if not hard:
        return centred
    spacing = edges / [grid_points(edge) for edge in edges]
    point = centred[hard[0]] / spacing
    moved: np.ndarray = centred + (np.round(point) - point) * spacing
    return moved


def _mixing(guess: str) -> dict[str, Any]:
    """Densities mixed by Broyden's method, barely damped at long wavelengths: a molecule has a gap."""
    return {
        "SCF_GUESS": guess,
        "EPS_SCF": f"{EPS_DENSITY:.1E}",
        "MAX_SCF": _MIXING_STEPS,
        "DIAGONALIZATION": {"ALGORITHM": "STANDARD"},
        "MIXING": {"METHOD": "BROYDEN_MIXING", "ALPHA": 0.4, "BETA": 0.1, "NBROYDEN": 20},
        "PRINT": _KEEP_RESTART,
    }


def _transformation(eps_scf: float, outer: int, minimizer: str, guess: str) -> dict[str, Any]:
    """Orbitals rotated towards lower energy."""
    return {
        "SCF_GUESS": guess,
        "EPS_SCF": f"{eps_scf:.1E}",
        "MAX_SCF": 20,
        "OUTER_SCF": {"EPS_SCF": f"{eps_scf:.1E}", "MAX_SCF": outer},
        "OT": {"MINIMIZER": minimizer, "PRECONDITIONER": "FULL_ALL"},
        "PRINT": _KEEP_RESTART,
    }


def section(name: str, content: dict[str, Any]) -> str:
    """Write one section of a CP2K input."""
    lines = [section(key, value) if isinstance(value, dict) else f"{key} {value}\n" for key, value in content.items()]
    return f"&{name}\n{''.join(lines)}&END {name.split()[0]}\n"


def _converge(atoms: Atoms, multiplicity: int, work: Path, forces: bool) -> Solution:
    """One solver after the other until one settles, each from where the one before it stopped."""
    wavefunction = work / _WAVEFUNCTION
    reason = "CP2K stopped without a word"
    for solver in SOLVERS:
        guess = "RESTART" if wavefunction.exists() else "ATOMIC"
        output = run(input_text(atoms, multiplicity, forces=forces, solver=solver, guess=guess), work, "full")
        if has_settled(output) and "ENERGY| Total" in output:
            return read_output(output, len(atoms))
        if "Leaving inner SCF loop" in output:
            reason = f"the SCF did not reach {EPS_SCF:g}"
        else:  # such as a wavefunction file torn by a kill
            wavefunction.unlink(missing_ok=True)
    raise CalculationFailed(f"{atoms.get_chemical_formula()}, multiplicity {multiplicity}: {reason} (CP2K)")


def has_settled(output: str) -> bool:
    """Say whether the SCF may be taken as converged.

    It converged, or crept on at a small gradient while the energy stood still.

    Open-shell metals can spend a hundred steps between 2e-4 and 2e-5 on less than a millielectronvolt.
    """
    if "SCF run converged" in output:
        return True
    steps = scf_steps(output)
    if len(steps) < _STILL_STEPS or steps[-1][0] > _STILL_GRADIENT:
        return False
    energies = [energy for _, energy in steps[-_STILL_STEPS:]]
    return max(energies) - min(energies) < _STILL_ENERGY


def scf_steps(output: str) -> list[tuple[float, float]]:
    """Read gradient [-] and energy [Hartree] of each step.

    In place of the gradient, mixing of densities has the change of the density matrix.
    """
    step = re.compile(r" +\d+ (OT (DIIS|CG)|(Broy\.|NoMix)/Diag\.) ")
    rows = [line.split() for line in output.splitlines() if step.match(line)]
    return [(float(row[-3]), float(row[-2])) for row in rows if len(row) >= 7]


def run(text: str, work: Path, stage: str) -> str:
    """Run CP2K in a folder with one thread; returns what it wrote."""
    (work / f"{stage}.inp").write_text(text)
    output = work / f"{stage}.out"
    output.unlink(missing_ok=True)  # CP2K appends
    subprocess.run(
        [PROGRAM, "-i", f"{stage}.inp", "-o", output.name],
        cwd=work,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return output.read_text(errors="replace") if output.exists() else ""


def read_output(text: str, n_atoms: int) -> Solution:
    """Read energy, Mulliken charges, forces and ⟨S²⟩ from what CP2K wrote."""
    lines = text.splitlines()
    squared = [float(line.split()[-1]) for line in lines if "single determinant S**2" in line]
    # The last column is the net charge, or the spin moment behind it.
    found = read_field(text, "Mulliken Population Analysis", n_atoms, column=-2 if squared else -1)
    return Solution(found.energy, found.charges, found.forces, squared[-1] if squared else None, scf_steps(text)[-1][0])


def read_field(text: str, title: str, n_atoms: int, column: int = -1) -> Field:
    """Read energy, charges and forces from what CP2K wrote.

    The charges stand in a column of the table below a title.

    Raises
    ------
    CalculationFailed
        The energy or a charge is not there.
    """
    lines, found = text.splitlines(), energies(text)
    charge, force = table(lines, title, n_atoms), table(lines, "ATOMIC FORCES in", n_atoms)
    if not found or len(charge) != n_atoms:
        raise CalculationFailed("CP2K's output lacks the energy or the Mulliken charges")
    return Field(
        energy=found[-1],
        charges=[float(row[column]) for row in charge],
        forces=[[float(x) * Hartree / Bohr for x in row[-3:]] for row in force] or None,
    )


def table(lines: list[str], title: str, n_rows: int) -> list[list[str]]:
    """Read rows that begin with an atom's number.

    They stand below the last line that holds a title.
    """
    starts = [i for i, line in enumerate(lines) if title in line]
    if not starts:
        return []
    rows = [line.split() for line in lines[starts[-1] + 1 : starts[-1] + n_rows + 8]]
    return [row for row in rows if len(row) > 4 and row[0].isdigit()][:n_rows]


def _check(atoms: Atoms, multiplicity: int) -> None:
    missing = sorted(set(atoms.symbols) - set(VALENCE))
    if missing:
        raise LevelError(f"no pseudopotential is set for {', '.join(missing)}; allowed: {', '.join(VALENCE)}")
    if (electrons(atoms) + multiplicity) % 2 == 0:
        raise LevelError(
            f"{atoms.get_chemical_formula()} has {electrons(atoms)} valence electrons: multiplicity {multiplicity} is "
            f"impossible; allowed: {'odd' if multiplicity % 2 == 0 else 'even'} ones"
        )


def electrons(atoms: Atoms) -> int:
    """Count the valence electrons of the pseudopotentials."""
    return sum(VALENCE.get(symbol, 0) for symbol in atoms.symbols)
