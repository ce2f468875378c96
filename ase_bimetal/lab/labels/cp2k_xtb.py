"""GFN1-xTB with k-points, by CP2K: the level of what repeats in space.

It is the same Hamiltonian as tblite's: isolated atoms agree to 1e-5 eV, clusters to 0.3–12 meV/atom, so that formation
energies take their isolated atoms from tblite. tblite itself samples the Γ point alone and leaves bulk gold 1.2
eV/atom short of the limit of its own particles.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes

from ase_bimetal.errors import LevelError
from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels.cp2k import Field, read_field, run, section, version

#: Length of a supercell [Å] that k-points stand for in every direction that repeats: doubling it moves a slab of gold
#: by 6 meV/atom.
K_LENGTH = 14.0
#: Electronic temperature [K]: at 300 K the fields of nickel and platinum swing without end; on a slab of gold the two
#: differ by 3 meV/atom.
TEMPERATURE = 1000.0
#: Mixing parameters tried in turn [-]; with a large one, the charges of nickel and platinum do not settle.
MIXING = (0.2, 0.05)
_MAX_STEPS = 45
_EPS_SCF = 1e-4  # in the density matrix [-]; the energy is then settled to 1–2 meV/atom
_BANDS_PER_ATOM = 3  # empty bands for the Fermi function


class Cp2kXtb(Calculator):
    """An ASE calculator for GFN1-xTB with k-points by CP2K.

    Parameters
    ----------
    folder
        Where results are kept; a finished calculation is read and not run again.

    Raises
    ------
    ProgramError
        There is no ``cp2k`` program.
    LevelError
        The object does not repeat in space.
    CalculationFailed
        The self-consistent field does not converge.
    """

    implemented_properties = ["energy", "forces", "charges"]

    def __init__(self, *, folder: Path) -> None:
        super().__init__()
        self.folder = Path(folder)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Solve for ``atoms``, which repeat where their ``pbc`` says."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        self.results = solve(self.atoms, self.folder, forces="forces" in properties).results()


def solve(atoms: Atoms, folder: Path, forces: bool = False) -> Field:
    """Solve for a neutral object that repeats; parameters as in `Cp2kXtb`."""
    version()  # a missing program is named before anything is written
    texts = [input_text(atoms, alpha, forces) for alpha in MIXING]
    work = folder / hashlib.sha256(texts[0].encode()).hexdigest()[:20]
    work.mkdir(parents=True, exist_ok=True)
    finished = work / "solution.json"
    if not finished.exists():
        write_whole(finished, json.dumps(asdict(_converge(texts, len(atoms), work))))
    return Field(**json.loads(finished.read_text()))


def k_points(atoms: Atoms) -> tuple[int, int, int]:
    """Count the k-points along each lattice vector.

    Examples
    --------
    >>> from ase.build import bulk, fcc111
    >>> k_points(bulk("Au")), k_points(fcc111("Au", (3, 3, 3), vacuum=7.0))
    ((5, 5, 5), (2, 2, 1))
    """
    first, second, third = (
        int(np.ceil(K_LENGTH / length)) if repeats else 1
        for length, repeats in zip(atoms.cell.lengths(), atoms.pbc, strict=True)
    )
    return first, second, third


def input_text(atoms: Atoms, alpha: float, forces: bool = False) -> str:
    """Write a CP2K input.

    Parameters
    ----------
    atoms
        The object, which repeats in one direction at least.
    alpha
        Share of the new density in each step [-].
    forces
        Whether to ask for forces.

    Raises
    ------
    LevelError
        The object repeats in no direction: the field of an isolated atom would seem converged before it is.
    """
    periodic = "".join(axis for axis, repeats in zip("XYZ", atoms.pbc, strict=True) if repeats)
    if not periodic:
        raise LevelError(
            f"{atoms.get_chemical_formula()} does not repeat in space; allowed here: what does. Take level 'gfn1-xtb'"
        )
    dft = {
        "CHARGE": 0,
        "QS": {"METHOD": "XTB", "XTB": {"DO_EWALD": "T", "CHECK_ATOMIC_CHARGES": "F"}},
        "SCF": {
            "SCF_GUESS": "MOPAC",
            "EPS_SCF": f"{_EPS_SCF:.1E}",
            "MAX_SCF": _MAX_STEPS,
            "ADDED_MOS": max(10, _BANDS_PER_ATOM * len(atoms)),
            "SMEAR": {"METHOD": "FERMI_DIRAC", "ELECTRONIC_TEMPERATURE [K]": TEMPERATURE},
            "MIXING": {"METHOD": "BROYDEN_MIXING", "ALPHA": alpha, "NBUFFER": 8},
            "DIAGONALIZATION": {},
            "PRINT": {"RESTART OFF": {}},
        },
        "KPOINTS": {"SCHEME MONKHORST-PACK": " ".join(map(str, k_points(atoms)))},
        "PRINT": {"MULLIKEN ON": {}},
    }
    subsys = {
        "CELL": dict(zip("ABC", map(_numbers, atoms.cell.complete()), strict=True)) | {"PERIODIC": periodic},
        "COORD": {f"{s} {_numbers(place)}": "" for s, place in zip(atoms.symbols, atoms.positions, strict=True)},
    }
    run_type = "ENERGY_FORCE" if forces else "ENERGY"
    return section("GLOBAL", {"PROJECT": "job", "RUN_TYPE": run_type, "PRINT_LEVEL": "LOW"}) + section(
        "FORCE_EVAL", {"METHOD": "QS", "DFT": dft, "SUBSYS": subsys, "PRINT": {"FORCES ON": {}} if forces else {}}
    )


def _numbers(row: np.ndarray) -> str:
    return " ".join(f"{x:.8f}" for x in row)


def _converge(texts: list[str], n_atoms: int, work: Path) -> Field:
    for text in texts:
        output = run(text, work, "xtb")
        if "SCF run converged" in output:
            return read_field(output, "MULLIKEN POPULATION ANALYSIS", n_atoms)
    raise CalculationFailed(f"{work.name}: the SCF did not reach {_EPS_SCF:g} (CP2K, GFN1-xTB)")


__all__ = ["Cp2kXtb", "k_points", "solve"]
