"""Make the table of bond probes: ``python -m ase_bimetal.lab.labels.probe_energies``.

Every probe of a metal is the lowest of a few GFN1-xTB energies along its bond length; every probe of a ligand is a
relaxed molecule. Nothing here is a label of a cluster with ligands.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.data import atomic_numbers, chemical_symbols, covalent_radii
from scipy.spatial.transform import Rotation

from ase_bimetal import elements
from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.lab.labels import label
from ase_bimetal.ligands import Ligand
from ase_bimetal.probes import METAL_PROBES, TRIANGLE_METALS
from ase_bimetal.structures.assembly import bound_rows, free_molecule

SHIPPED = DATASETS / "probes.json"
#: One free ligand for each kind of surroundings that a donor can have.
LIGANDS = (
    *("S", "CS", "CCS", "CC(C)S", "CC(C)(C)S", "SCc1ccccc1", "Sc1ccccc1", "Cc1ccc(S)cc1", "O=C(O)c1ccc(S)cc1"),
    *("C[SeH]", "[SeH]c1ccccc1", "F", "Cl", "Br", "I"),
    *("P", "CP(C)C", "CCP(CC)CC", "CP(C)c1ccccc1", "c1ccc(P(c2ccccc2)c2ccccc2)cc1", "COP(OC)OC"),
    *("C#C", "CC#C", "C#CC(C)(C)C", "C#Cc1ccccc1", "C1=CCC=C1", "CC1=C(C)C(C)C(C)=C1C"),
    *("CC(=O)O", "O=C(O)c1ccccc1", "CCO", "Oc1ccccc1"),
    *("[C-]#[O+]", "CN1C=CN(C)[C]1", "[C-]#[N+]C", "CSC", "c1ccncc1", "N", "CN", "CN(C)C", "CC#N", "[H][H]"),
)
_LARGEST = 12.0  # eV for each atom and group; beyond it the SCF has collapsed
_SCALES = (0.8, 0.86, 0.92, 0.98, 1.04, 1.12)
_GROUPS = {
    "Cl": Atoms("Cl", [[0, 0, 0]]),
    "SH": Atoms("SH", [[0, 0, 0], [1.33, 0, 0.1]]),
    "CCH": Atoms("CCH", [[0, 0, 0], [0, 0, 1.21], [0, 0, 2.28]]),
    "PH3": Atoms("PH3", [[0, 0, 0], *([1.28 * math.cos(a), 1.28 * math.sin(a), 0.6] for a in (0.0, 2.094, 4.189))]),
}


def metal_probe_energies(symbol: str) -> dict[str, float]:
    """Compute every probe of one metal [eV].

    They are given per bond of it.
    """
    radius, gold = _radius(symbol), _radius("Au")
    single = _group_probes(symbol)
    return {
        "M-Au": _lowest(lambda d: Atoms([symbol, "Au"], [[0, 0, 0], [0, 0, d]]), radius + gold, [symbol, "Au"]),
        "M-M": _lowest(lambda d: Atoms([symbol] * 2, [[0, 0, 0], [0, 0, d]]), 2 * radius, [symbol] * 2) / 2,
        "Au4M2": _lowest(lambda d: _octahedron(symbol, d), 2.0, [symbol] * 2 + ["Au"] * 4) / 2,
        **single,
    }


def _group_probes(symbol: str) -> dict[str, float]:
    """The probes with one, two and (for SH) four groups around the metal [eV per group]."""
    found = {}
    for name, group in _GROUPS.items():
        start = _radius(symbol) + _radius(group.symbols[0])
        for n in (1, 2, 4) if name == "SH" else (1, 2):
            energy = _lowest(partial(_with_groups, symbol, name, n), start, [symbol])
            key = f"M({name})" + str(n) if n > 1 else f"M-{name}"
            found[key] = energy / n - _free_group(name)
    return found


def _lowest(make: Callable[[float], Atoms], start: float, atoms: list[str]) -> float:
    """Lowest energy over bond lengths, against the isolated atoms that are named [eV].

    Raises
    ------
    CalculationFailed
        No length gives a converged energy that can be believed.
    """
    apart = sum(map(_atom, atoms))
    found = []
    for scale in _SCALES:
        geometry = make(scale * start)
        groups = geometry.info.get("groups", ())
        try:
            energy = label.single_point(geometry).energy - apart
        except CalculationFailed:
            continue
        if abs(energy - sum(map(_free_group, groups))) < _LARGEST * (len(atoms) + len(groups)):
            found.append(energy)
    if not found:
        raise CalculationFailed(f"no probe converged for {geometry.symbols}")
    return min(found)


def _with_groups(symbol: str, name: str, n: int, distance: float) -> Atoms:
    """A metal with groups along z, on both sides of it, or in a square around it."""
    atoms = Atoms([symbol], [[0, 0, 0]])
    for k in range(n):
        group = _GROUPS[name].copy()
        group.positions[:, 2] += distance
        if n == 4:
            group.rotate(90, "x", center=(0, 0, 0))
            group.rotate(90 * k, "z", center=(0, 0, 0))
        elif k:
            group.positions *= -1
        atoms += group
    atoms.info["groups"] = [name] * n
    return atoms


def _octahedron(symbol: str, height: float) -> Atoms:
    """A gold square of 2.8 Å with M above and below it."""
    q = 2.8 / math.sqrt(2)
    square = [[q, 0, 0], [-q, 0, 0], [0, q, 0], [0, -q, 0]]
    return Atoms(["Au"] * 4 + [symbol] * 2, [*square, [0, 0, height], [0, 0, -height]])


@lru_cache(maxsize=128)
def _atom(symbol: str) -> float:
    return label.atom_energy(symbol)


@lru_cache(maxsize=8)
def _free_group(name: str) -> float:
    return label.single_point(_GROUPS[name]).energy


def _radius(symbol: str) -> float:
    return float(covalent_radii[atomic_numbers[symbol]])


def ligand_probe_energies(smiles: str) -> dict[str, float]:
    """Compute a ligand's bond to each metal's triangle [eV].

    The triangles are relaxed; the bond is counted from the ligand's reference state.
    """
    ligand = Ligand.parse(smiles)
    energies = label.ligand_energies(ligand)
    free = energies.free if energies.dimer is None else energies.dimer / 2
    partners = ("Cl", "PH3") if ligand.type == "L" else ("PH3", "PH3")
    return {
        metal: _relaxed(_triangle(metal, partners, ligand)) - _bare_triangle(metal, partners) - free
        for metal in TRIANGLE_METALS
    }


def _triangle(metal: str, partners: Sequence[str], ligand: Ligand | None = None) -> Atoms:
    """A triangle of a metal in a plane, with the partners and then the ligand bound outwards at its corners."""
    side = 1.02 * 2 * _radius(metal)
    corners = [side / math.sqrt(3) * np.array([math.cos(a), math.sin(a), 0.0]) for a in 2 * np.pi * np.arange(3) / 3]
    atoms = Atoms([metal] * 3, corners)
    bound = [(_GROUPS[name], np.zeros(3), np.array([0.0, 0.0, -1.0]), _GROUPS[name].symbols[0]) for name in partners]
    if ligand is not None:
        bound.append((*_bound_form(ligand), ligand.donor))
    for corner, (group, donor, away, element) in zip(corners, bound, strict=False):
        start = corner * (1 + (_radius(metal) + _radius(element)) / np.linalg.norm(corner))
        atoms += _turned(group, donor, away, start, -corner)
    return atoms


@lru_cache(maxsize=8)
def _bare_triangle(metal: str, partners: Sequence[str]) -> float:
    """Energy of a triangle with its partners alone, relaxed [eV]."""
    return _relaxed(_triangle(metal, partners))


def _bound_form(ligand: Ligand) -> tuple[Atoms, np.ndarray, np.ndarray]:
    """The ligand as it binds, the place of its donor [Å], and a vector from there to where the metal goes."""
    molecule = free_molecule(ligand)[0]
    donor = molecule.positions[ligand.donor_index]
    if ligand.type == "L":
        return molecule, donor, _away_from_neighbours(molecule, ligand.donor_index)
    kept = bound_rows(ligand)
    [lost] = set(range(len(molecule))) - set(kept)
    return molecule[kept], donor, molecule.positions[lost] - donor


def _turned(group: Atoms, origin: np.ndarray, direction: np.ndarray, place: np.ndarray, wanted: np.ndarray) -> Atoms:
    """A group moved so that ``origin`` lies at ``place``, turned so that ``direction`` points as ``wanted`` does."""
    out: Atoms = group.copy()
    turn = Rotation.align_vectors([wanted / np.linalg.norm(wanted)], [direction / np.linalg.norm(direction)])[0]
    out.positions = turn.apply(group.positions - origin) + place
    return out


def _relaxed(atoms: Atoms) -> float:
    return label.single_point(label.relax(atoms, fmax=0.05, steps=80)).energy


def _away_from_neighbours(molecule: Atoms, donor: int) -> np.ndarray:
    """Unit vector from an atom away from the middle of its bonded neighbours: where its lone pair points."""
    distance = molecule.get_distances(donor, range(len(molecule)))
    limit = 1.25 * (covalent_radii[molecule.numbers] + covalent_radii[molecule.numbers[donor]])
    bonded = [i for i in np.flatnonzero(distance < limit) if i != donor]
    away = molecule.positions[donor] - molecule.positions[bonded].mean(axis=0)
    unit: np.ndarray = away / np.linalg.norm(away)
    return unit


def main() -> None:
    """Compute every probe and write the shipped table."""
    from tqdm import tqdm

    metals = {}
    for symbol in tqdm([s for s in chemical_symbols[1:84] if elements.is_metal(s)], unit="metal"):
        try:
            metals[symbol] = _rounded(metal_probe_energies(symbol))
        except CalculationFailed as error:
            print(f"{symbol}: left out ({error})")
    ligands = {Ligand.parse(s).smiles: _rounded(ligand_probe_energies(s)) for s in tqdm(LIGANDS, unit="ligand")}
    content = {"level": label.LEVEL, "unit": "eV", "metals": metals, "ligands": ligands}
    write_whole(SHIPPED, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in row.items()}


if __name__ == "__main__":
    main()


__all__ = ["LIGANDS", "METAL_PROBES", "ligand_probe_energies", "main", "metal_probe_energies"]
