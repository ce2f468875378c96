"""Energies for configurations: the GFN1-xTB level, the free ligands it needs, and the checks a label must pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from rdkit import Chem

from ase_bimetal.lab.labels.levels import Level, SinglePoint, get_level
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.assembly import bound_rows, conformers, free_molecule

#: The level of the bulk of the data.
GFN1 = get_level("gfn1-xtb")
LEVEL = GFN1.name
#: The same for what repeats in space.
GFN1_PERIODIC = get_level("cp2k-gfn1-xtb")
SULFIDE = Ligand.parse("sulfide")
#: The dimer of sulfide is two atoms of S8.
S8_SHARE = 2 / 8
MAX_ABS_FORMATION_ENERGY = 12.0  # eV per metal atom; beyond it the SCF has collapsed
MAX_FORMATION_ENERGY = 1.0  # eV per metal atom; above it the SCF has stopped in an excited state
MAX_STRAIN = 2.0  # eV per metal atom above the parent, likewise
MAX_PARENT_FORCE = 0.7  # eV/Å, on any atom of a parent: with more it is far from a minimum
MAX_ABS_CHARGE = 4.0  # e


def single_point(atoms: Atoms, multiplicity: int | None = None, level: Level = GFN1) -> SinglePoint:
    """Compute the energy of a neutral object.

    With GFN1-xTB it is not spin-polarised, with fractional occupations.

    Raises
    ------
    CalculationFailed
        The SCF does not converge.
    """
    return level.single_point(atoms, multiplicity)


def relax(
    atoms: Atoms, fmax: float = 0.1, steps: int = 200, multiplicity: int | None = None, level: Level = GFN1
) -> Atoms:
    """Relax at a level; the residual force goes to ``info["fmax"]`` [eV/Å]."""
    return level.relax(atoms, fmax, steps, multiplicity)


def atom_energy(symbol: str, level: Level = GFN1) -> float:
    """Compute the energy of an isolated neutral atom [eV].

    It is the lowest among the spin multiplicities that the level tells apart.

    With GFN1-xTB an atom has fractional occupations and no spin, so there is nothing to try.
    """
    lowest = 1 + atomic_numbers[symbol] % 2
    multiplicities = range(lowest, 8, 2) if level.has_spin else (None,)
    return min(level.single_point(Atoms(symbol), m).energy for m in multiplicities)


@dataclass(frozen=True)
class LigandEnergies:
    """Energies of one ligand's free forms [eV], each relaxed.

    Attributes
    ----------
    free
        The closed-shell molecule as its SMILES says (thiol, phosphine, HCl …).
    dimer
        The oxidative dimer L–L (disulfide, diyne, Cl2 …); two atoms of S8 for sulfide; two units of the endless
        disulfide (S–R–S)n for a dithiolate, each E(HS–R–S–S–R–SH) − E(HS–R–SH), for which no ring is strained; None
        for L-type ligands.
    radical
        What the lost hydrogens leave, neutral and with their electrons unpaired; an atom for sulfide; None for L-type
        ligands.
    """

    free: float
    dimer: float | None
    radical: float | None


def ligand_energies(ligand: Ligand, level: Level = GFN1) -> LigandEnergies:
    """Compute a ligand's free, dimer and radical energies.

    Each form is relaxed with GFN1-xTB.
    """
    free = _lowest(free_molecule(ligand), level)
    if ligand.type == "L":
        return LigandEnergies(free, None, None)
    dimer = _lowest(dimers(ligand), level)
    if ligand == SULFIDE:
        return LigandEnergies(free, S8_SHARE * dimer, atom_energy(ligand.donor, level))
    if ligand.denticity > 1:
        dimer = 2 * (dimer - free)
    return LigandEnergies(free, dimer, _lowest(_radicals(ligand), level, multiplicity=1 + ligand.denticity))


def hydrogen_energy(level: Level = GFN1) -> float:
    """Compute the energy of H2 [eV].

    It is relaxed with GFN1-xTB.
    """
    return _lowest([Atoms("H2", [[0, 0, 0], [0, 0, 0.74]])], level)


def _lowest(candidates: list[Atoms], level: Level, multiplicity: int | None = None) -> float:
    relaxed = [GFN1.relax(atoms, fmax=0.02, multiplicity=multiplicity) for atoms in candidates]
    if level is not GFN1 and not level.has_spin:
        multiplicity = None
    return min(level.single_point(atoms, multiplicity).energy for atoms in relaxed)


def _radicals(ligand: Ligand) -> list[Atoms]:
    """Conformers of the ligand without the hydrogens of its donors."""
    return [atoms[bound_rows(ligand)] for atoms in free_molecule(ligand)]


def dimers(ligand: Ligand) -> list[Atoms]:
    """Make conformers of two ligands joined, L–L.

    They are joined donor to donor, by one donor each; for sulfide it is the ring S8, of which a dimer is `S8_SHARE`.
    """
    if ligand == SULFIDE:
        return conformers(Chem.MolFromSmiles("S1SSSSSSS1"), 1, seed=7)
    half = Chem.RWMol(Chem.AddHs(ligand.mol))
    neighbours = half.GetAtomWithIdx(ligand.donor_index).GetNeighbors()
    half.RemoveAtom(next(a.GetIdx() for a in neighbours if a.GetSymbol() == "H"))
    joined = Chem.RWMol(Chem.CombineMols(half, half))
    donors = (ligand.donor_index, ligand.donor_index + half.GetNumAtoms())
    joined.AddBond(*donors, Chem.BondType.SINGLE)
    for index in donors:
        joined.GetAtomWithIdx(index).SetNumExplicitHs(0)
        joined.GetAtomWithIdx(index).SetNumRadicalElectrons(0)
    Chem.SanitizeMol(joined)
    return conformers(joined.GetMol(), 3, seed=7)


def collapse(
    formation_energy_per_metal: float, charges: np.ndarray | None, parent_energy: float | None = None
) -> str | None:
    """Say why a converged SCF is not believed.

    Convergence alone is no proof; None where it is believed.

    Parameters
    ----------
    formation_energy_per_metal
        The label [eV/metal].
    charges
        (n,) in e; None for a level that gives none, which leaves the energy to judge by.
    parent_energy
        Formation energy of the relaxed parent [eV/metal], if known.
    """
    if abs(formation_energy_per_metal) > MAX_ABS_FORMATION_ENERGY:
        return f"|E_form| above {MAX_ABS_FORMATION_ENERGY:g} eV/metal"
    if formation_energy_per_metal > MAX_FORMATION_ENERGY:
        return f"E_form above +{MAX_FORMATION_ENERGY:g} eV/metal"
    if parent_energy is not None and formation_energy_per_metal > parent_energy + MAX_STRAIN:
        return f"more than {MAX_STRAIN:g} eV/metal above the parent"
    if charges is not None and np.abs(charges).max() > MAX_ABS_CHARGE:
        return f"atomic charge above {MAX_ABS_CHARGE:g} e"
    return None
