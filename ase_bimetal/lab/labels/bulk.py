"""Metal without ligands at both levels: crystals and tetrahedral clusters of twenty atoms.

With GFN1-xTB a crystal is the limit of growing octahedral particles cut from the same lattice, good to 0.05 eV/atom
where the largest has 147 atoms and to 0.2, for platinum 0.8, where it has 55; or it is computed with k-points.
``python -m ase_bimetal.lab.labels.bulk`` computes the particles that the shipped file lacks; the one of 147 atoms takes
five to ten minutes for each metal.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.cluster.octahedron import Octahedron
from ase.io import read

from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.lab.labels import label

SHIPPED = DATASETS / "bulk_metals.json"
BARE_CLUSTERS = DATASETS / "bare20.extxyz"
#: Weight of a crystal among clusters, in metal atoms.
BARE = 20
#: Shells of the particles: 13, 55 and 147 atoms.
SHELLS = (2, 3, 4)


@dataclass(frozen=True)
class BulkMetal:
    """One crystal.

    Attributes
    ----------
    symbol
        The metal.
    lattice_constant
        Of the face-centred cubic cell [Å].
    pbe
        Minus the cohesive energy with PBE [eV/atom].
    particles
        Atoms of a particle → its formation energy with GFN1-xTB [eV/atom].
    gfn1_k_points
        Formation energy of the crystal with GFN1-xTB and k-points [eV/atom], with isolated atoms by tblite.
    """

    symbol: str
    lattice_constant: float
    pbe: float
    particles: dict[int, float]
    gfn1_k_points: float

    @property
    def gfn1(self) -> float:
        """The limit of the two largest particles, linear in N^(−1/3) [eV/atom]."""
        sizes = sorted(self.particles)[-2:]
        inverse = np.array(sizes) ** (-1 / 3)
        return float(np.polyfit(inverse, [self.particles[n] for n in sizes], 1)[1])


@dataclass(frozen=True)
class BareCluster:
    """One bare cluster with its energies.

    It has symbols, positions (n, 3) [Å], and formation energies at both levels [eV/atom].
    """

    name: str
    symbols: tuple[str, ...]
    positions: np.ndarray
    pbe: float
    gfn1: float


def bulk_metals() -> list[BulkMetal]:
    """Load the crystals.

    Examples
    --------
    >>> gold = next(m for m in bulk_metals() if m.symbol == "Au")
    >>> gold.pbe, gold.gfn1 < gold.pbe
    (-2.8788, True)
    """
    found = []
    for symbol, row in json.loads(SHIPPED.read_text())["bulk"].items():
        particles = {int(n): energy for n, energy in row["gfn1_particles_eV"].items()}
        found.append(BulkMetal(symbol, row["a_angstrom"], row["cohesive_eV"], particles, row["gfn1_k_points_eV"]))
    return found


def bare_clusters() -> list[BareCluster]:
    """Load the clusters of twenty atoms."""
    return [
        BareCluster(
            frame.info["name"],
            tuple(frame.get_chemical_symbols()),
            frame.positions,
            frame.info["eform_pbe_eV_per_atom"],
            frame.info["eform_gfn1_eV_per_atom"],
        )
        for frame in read(BARE_CLUSTERS, ":")
    ]


def bare_metals(symbols: Collection[str]) -> tuple[list[Atoms], np.ndarray]:
    """Load metal without ligands as GFN1-xTB sees it.

    Particles, crystals and clusters of twenty atoms, of these metals alone.

    Returns
    -------
    tuple
        The objects, and their formation energies at that level [eV/atom], shape (n,).
    """
    objects, energies = [], []
    for metal in bulk_metals():
        if metal.symbol in symbols:
            shells = SHELLS[: len(metal.particles)]
            objects += [_particle(metal.symbol, metal.lattice_constant, n) for n in shells]
            objects.append(bulk(metal.symbol, "fcc", metal.lattice_constant))
            energies += [*(metal.particles[n] for n in sorted(metal.particles)), metal.gfn1]
    for cluster in bare_clusters():
        if set(cluster.symbols) <= set(symbols):
            objects.append(Atoms(cluster.symbols, cluster.positions))
            energies.append(cluster.gfn1)
    return objects, np.array(energies)


def _particle(symbol: str, lattice_constant: float, shells: int) -> Atoms:
    """An octahedron cut at its corners: 13, 55 or 147 atoms for 2, 3 or 4 shells."""
    particle = Octahedron(symbol, 2 * shells - 1, shells - 1, latticeconstant=lattice_constant)
    return Atoms(particle.symbols, particle.positions)


def particle_energy(symbol: str, lattice_constant: float, shells: int) -> tuple[int, float]:
    """Compute an octahedral particle, cut at its corners, with GFN1-xTB.

    Returns
    -------
    tuple
        Number of atoms, and formation energy [eV/atom].
    """
    particle = _particle(symbol, lattice_constant, shells)
    energy = label.single_point(particle).energy
    return len(particle), energy / len(particle) - label.atom_energy(symbol)


def main() -> None:
    """Compute the particles that the shipped file lacks, smallest first."""
    content = json.loads(SHIPPED.read_text())
    for shells in SHELLS:
        for symbol, row in content["bulk"].items():
            known = row.setdefault("gfn1_particles_eV", {})
            if len(known) < shells - 1:
                n, energy = particle_energy(symbol, row["a_angstrom"], shells)
                known[str(n)] = round(energy, 4)
                write_whole(SHIPPED, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
