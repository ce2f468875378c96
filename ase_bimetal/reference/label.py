"""Energies for configurations: the GFN1-xTB level, the free ligands it needs, and the checks a label must pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.data import covalent_radii
from ase.optimize import LBFGS
from rdkit import Chem

from ase_bimetal.ligands import Ligand
from ase_bimetal.reference.assemble import bound_rows, conformers, free_molecule

LEVEL = "GFN1-xTB"
#: Electronic temperatures tried in turn [K].
TEMPERATURES = (300.0, 1000.0)
MAX_ABS_FORMATION_ENERGY = 12.0  # eV per metal atom; beyond it the SCF has collapsed
MAX_ABS_CHARGE = 4.0  # e
MIN_CONTACT = 1.5  # Å, between atoms of different ligands
MAX_DONOR_DISTANCE = 3.2  # Å, from a ligand's closest atom to the closest metal


@dataclass(frozen=True)
class SinglePoint:
    """A converged self-consistent field: energy [eV], charges (n,) [e], electronic temperature [K]."""

    energy: float
    charges: np.ndarray
    temperature: float


def _calculator(temperature: float, multiplicity: int | None = None):
    from tblite.ase import TBLite

    return TBLite(
        method=LEVEL,
        charge=0,
        multiplicity=multiplicity,
        electronic_temperature=temperature,
        max_iterations=250,
        verbosity=0,
    )


def single_point(atoms: Atoms, multiplicity: int | None = None) -> SinglePoint:
    """Energy of a neutral object with GFN1-xTB, not spin-polarised, with fractional occupations.

    Raises
    ------
    CalculationFailed
        The SCF does not converge at any of `TEMPERATURES`.
    """
    for temperature in TEMPERATURES:
        trial = Atoms(atoms.symbols, atoms.positions)
        trial.calc = _calculator(temperature, multiplicity)
        try:
            return SinglePoint(trial.get_potential_energy(), trial.get_charges(), temperature)
        except CalculationFailed as failure:
            reason = str(failure)
    raise CalculationFailed(f"SCF of {atoms.get_chemical_formula()} did not converge: {reason}")


def relax(atoms: Atoms, fmax: float = 0.1, steps: int = 200, multiplicity: int | None = None) -> Atoms:
    """Relax with GFN1-xTB; the residual force goes to ``info["fmax"]`` [eV/Å]."""
    moving = atoms.copy()
    for temperature in TEMPERATURES:
        moving = atoms.copy()
        moving.calc = _calculator(temperature, multiplicity)
        try:
            LBFGS(moving, maxstep=0.1, logfile=None).run(fmax=fmax, steps=steps)
            break
        except CalculationFailed:
            if temperature == TEMPERATURES[-1]:
                raise
    relaxed = moving.copy()
    relaxed.info["fmax"] = float(np.linalg.norm(moving.get_forces(), axis=1).max())
    return relaxed


def atom_energy(symbol: str) -> float:
    """Energy of an isolated neutral atom [eV], fractional occupations, not spin-polarised."""
    return single_point(Atoms(symbol)).energy


@dataclass(frozen=True)
class LigandEnergies:
    """Energies of one ligand's free forms [eV], each relaxed.

    Attributes
    ----------
    free
        The closed-shell molecule as its SMILES says (thiol, phosphine, HCl …).
    dimer
        The oxidative dimer L–L (disulfide, diyne, Cl2 …); None for L-type ligands.
    radical
        The neutral radical left by the lost hydrogen; None for L-type ligands.
    """

    free: float
    dimer: float | None
    radical: float | None


def ligand_energies(ligand: Ligand) -> LigandEnergies:
    """Free, dimer and radical energies of a ligand at the GFN1-xTB level."""
    free = _lowest(free_molecule(ligand))
    if ligand.type == "L":
        return LigandEnergies(free, None, None)
    return LigandEnergies(free, _lowest(_dimers(ligand)), _lowest(_radicals(ligand), multiplicity=2))


def hydrogen_energy() -> float:
    """Energy of relaxed H2 [eV]."""
    return _lowest([Atoms("H2", [[0, 0, 0], [0, 0, 0.74]])])


def _lowest(candidates: list[Atoms], multiplicity: int | None = None) -> float:
    relaxed = [relax(atoms, fmax=0.02, multiplicity=multiplicity) for atoms in candidates]
    return min(single_point(atoms, multiplicity).energy for atoms in relaxed)


def _radicals(ligand: Ligand) -> list[Atoms]:
    """Conformers of the ligand without its donor's hydrogen."""
    return [atoms[bound_rows(ligand)] for atoms in free_molecule(ligand)]


def _dimers(ligand: Ligand) -> list[Atoms]:
    """Conformers of L–L: two ligands joined donor to donor."""
    half = Chem.RWMol(Chem.AddHs(ligand.mol))
    [lost] = set(range(half.GetNumAtoms())) - set(bound_rows(ligand))
    half.RemoveAtom(lost)
    joined = Chem.RWMol(Chem.CombineMols(half, half))
    donors = (ligand.donor_index, ligand.donor_index + half.GetNumAtoms())
    joined.AddBond(*donors, Chem.BondType.SINGLE)
    for index in donors:
        joined.GetAtomWithIdx(index).SetNumExplicitHs(0)
        joined.GetAtomWithIdx(index).SetNumRadicalElectrons(0)
    Chem.SanitizeMol(joined)
    return conformers(joined.GetMol(), 3, seed=7)


def rejection(atoms: Atoms, parent: Atoms) -> str | None:
    """Why a geometry must not be labelled, or None.

    Checks that every ligand keeps its bonds and its hold on a metal, and that ligands neither overlap nor react.
    """
    fragment = atoms.arrays["fragment"]
    distances = atoms.get_all_distances()
    ligand = (fragment[:, None] != fragment[None]) & (fragment[:, None] > 0) & (fragment[None] > 0)
    if ligand.any() and distances[ligand].min() < MIN_CONTACT:
        return f"ligands closer than {MIN_CONTACT} Å"
    for k in range(1, fragment.max() + 1):
        if distances[np.ix_(fragment == k, fragment == 0)].min() > MAX_DONOR_DISTANCE:
            return "unbound ligand"
    limit = covalent_radii[atoms.numbers][:, None] + covalent_radii[atoms.numbers][None]
    heavy = (atoms.numbers[:, None] > 1) & (atoms.numbers[None] > 1)
    if (ligand & heavy & (distances < 1.2 * limit)).any():
        return "bond between ligands"
    inside = (fragment[:, None] == fragment[None]) & (fragment[:, None] > 0)
    had_bond = inside & (parent.get_all_distances() < 1.2 * limit)
    if (had_bond & (distances > 1.3 * limit)).any():
        return "broken bond inside a ligand"
    return None


def collapse(formation_energy_per_metal: float, charges: np.ndarray) -> str | None:
    """Why a converged SCF is not believed, or None: convergence alone is no proof."""
    if abs(formation_energy_per_metal) > MAX_ABS_FORMATION_ENERGY:
        return f"|E_form| above {MAX_ABS_FORMATION_ENERGY:g} eV/metal"
    if np.abs(charges).max() > MAX_ABS_CHARGE:
        return f"atomic charge above {MAX_ABS_CHARGE:g} e"
    return None
