"""The clusters on which everything is timed: 46 to 1,383 atoms, ligands in the coordinates."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.cluster import Icosahedron
from scipy.spatial.transform import Rotation

from ase_bimetal import load_example
from ase_bimetal.ligands import Ligand
from ase_bimetal.neighbors import all_distances
from ase_bimetal.structures.assembly import assemble, bound_pieces
from ase_bimetal.structures.cores import spread_out
from ase_bimetal.structures.motifs import Prototype

_SURFACE_BELOW = 12  # neighbours of a metal atom inside a particle
_BONDED = 3.3  # Å, between metals
_METAL_SULFUR = 2.40  # Å


def clusters() -> dict[str, Atoms]:
    """Name → cluster, from small to large."""
    return {
        "Au4Pd2(SMe)8": assemble(Prototype("Au4M2", "Pd", {"thiolate": "SMe"})),
        "Au4Pd2(PET)8": load_example("Au4Pd2(PET)8"),
        "Au24Pd(PET)18": assemble(Prototype("M@Au24-centre", "Pd", {"thiolate": "PET"})),
        "Au252Pd27(SMe)84": particle(279, 6, "SMe", 84),
        "Au120Pd13(TBBT)52": particle(133, 5, "TBBT", 52),
        "Au831Pd92(SMe)92": particle(923, 7, "SMe", 92),
    }


def core_of(n_metals: int, shells: int) -> Atoms:
    """The inner atoms of a rattled Au icosahedron, a tenth of them Pd, annotated as Au279(SMe)84 is."""
    atoms = Icosahedron("Au", shells)
    atoms = atoms[np.argsort(np.linalg.norm(atoms.positions - atoms.positions.mean(axis=0), axis=1))[:n_metals]]
    atoms.symbols[: n_metals // 10] = "Pd"
    atoms.rattle(0.05, seed=0)
    return Atoms(atoms.symbols, atoms.positions, info={"ligand_smiles": {"SMe": round(0.3 * n_metals)}})


def particle(n_metals: int, shells: int, ligand: str, count: int) -> Atoms:
    """Such a core with its thiolates on atoms of the surface, far from one another: a geometry to time, not relaxed."""
    core = core_of(n_metals, shells)
    places = core.positions - core.positions.mean(axis=0)
    surface = places[((all_distances(places) < _BONDED).sum(axis=1) - 1) < _SURFACE_BELOW]
    [piece, *_] = bound_pieces(Ligand.parse(ligand))
    atoms = Atoms(core.symbols, places, info={"ligand_smiles": {ligand: count}})
    for site in surface[spread_out(surface, count)]:
        outward = site / np.linalg.norm(site)
        turned = Rotation.align_vectors([outward], [[0.0, 0.0, 1.0]])[0].apply(piece.positions)
        atoms += Atoms(piece.symbols, turned + _above(site, outward, places))
    return atoms


def _above(site: np.ndarray, outward: np.ndarray, metals: np.ndarray) -> np.ndarray:
    """The lowest place over a site that is a bond away from its nearest metal."""
    line = site + np.arange(1.5, 8.0, 0.05)[:, None] * outward
    nearest = np.linalg.norm(line[:, None] - metals, axis=2).min(axis=1)
    place: np.ndarray = line[np.flatnonzero(nearest >= _METAL_SULFUR)[0]]
    return place
