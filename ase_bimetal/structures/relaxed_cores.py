"""Mean relaxed cores: where metals and donors of a motif end up when its labelled clusters relax.

An ideal core is not where the metals are: relaxed Au4M2 cores are a tenth longer than their motif. For motifs with
labelled gold clusters, metals and donors go to their mean relaxed places, taken over all dopants and ligands.
"""

from __future__ import annotations

import json
import lzma
from functools import lru_cache

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from ase_bimetal.files import DATASETS
from ase_bimetal.structures.motifs import DONOR_DISTANCE

#: Made by `ase_bimetal.lab.labels.geometries`.
SKELETONS = DATASETS / "relaxed_cores.json.xz"
# A parent further from its motif than this [Å, root mean square] has left it, and is no guide to it.
_MAX_RMSD = 1.0
# Atoms of a ligand whose metal contact is within this factor of its closest hold it together (rings of π ligands).
_SAME_CONTACT = 1.15


def mean_relaxed_core(motif: str, template: Atoms) -> np.ndarray | None:
    """Average the relaxed places of a motif.

    They are those of metals and ligands, in the frame of a template.

    Parameters
    ----------
    motif
        Key of `ase_bimetal.structures.motifs.FAMILIES`.
    template
        Cluster of this motif, with the array ``fragment``.

    Returns
    -------
    numpy.ndarray or None
        Positions [Å], shape (metals + ligands, 3); a ligand's place is that of its donor. None when no labelled
        gold cluster of the motif is close enough to it.
    """
    here = skeleton(template)
    aligned = [_onto(there, here) for there in _parents().get(motif, ()) if there.shape == here.shape]
    near = [places for places in aligned if np.sqrt(((places - here) ** 2).sum(axis=1).mean()) < _MAX_RMSD]
    return np.mean(near, axis=0) if near else None


def with_skeleton(template: Atoms, places: np.ndarray) -> Atoms:
    """Move metals and ligands to their places.

    Each ligand moves, rigid, with its donor; remaining overlaps are pushed apart. A hydride, whose bond is shorter than
    those that the places come from, goes to its own bond length.
    """
    from ase_bimetal.structures.assembly import push_apart

    moved, fragment = template.copy(), template.arrays["fragment"]
    shift = places - skeleton(template)
    n_metals = int((fragment == 0).sum())
    moved.positions[fragment == 0] += shift[:n_metals]
    for ligand in range(1, fragment.max() + 1):
        rows = np.flatnonzero(fragment == ligand)
        moved.positions[rows] += shift[n_metals + ligand - 1]
        if moved.numbers[rows].tolist() == [1]:
            away = moved.positions[rows[0]] - moved.positions[fragment == 0]
            k = int(np.linalg.norm(away, axis=1).argmin())
            bond = DONOR_DISTANCE["H"] * away[k] / np.linalg.norm(away[k])
            moved.positions[rows[0]] = moved.positions[fragment == 0][k] + bond
    return push_apart(moved)


def skeleton(atoms: Atoms) -> np.ndarray:
    """Collect the positions of metals and donors (n, 3).

    Metals come first, then each ligand's donor (mean of the ring for a π ligand), in Å.
    """
    fragment = atoms.arrays["fragment"]
    metals = np.flatnonzero(fragment == 0)
    radii = covalent_radii[atoms.numbers]
    ratio = atoms.get_all_distances()[:, metals] / (radii[:, None] + radii[metals])
    closest = np.where(atoms.numbers == 1, np.inf, ratio.min(axis=1))
    places = [atoms.positions[metals]]
    for ligand in range(1, fragment.max() + 1):
        rows = np.flatnonzero(fragment == ligand)
        bound = rows[closest[rows] <= _SAME_CONTACT * closest[rows].min()]
        places.append(atoms.positions[bound].mean(axis=0, keepdims=True))
    return np.vstack(places)


@lru_cache(maxsize=1)
def _parents() -> dict[str, tuple[np.ndarray, ...]]:
    """Motif → skeletons of its labelled, relaxed clusters that have gold at every host site."""
    shipped = json.loads(lzma.decompress(SKELETONS.read_bytes()))
    return {motif: tuple(np.array(places) for places in skeletons) for motif, skeletons in shipped.items()}


def _onto(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Turn and shift points so that they lie best on a target (Kabsch, Acta Cryst. A 1976, 32, 922)."""
    centre, goal = points.mean(axis=0), target.mean(axis=0)
    left, _, right = np.linalg.svd((points - centre).T @ (target - goal))
    left[:, -1] *= np.sign(np.linalg.det(left @ right))
    turned: np.ndarray = (points - centre) @ left @ right + goal
    return turned
