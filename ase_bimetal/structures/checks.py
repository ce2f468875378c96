"""Checks that a built or moved geometry must pass."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from ase_bimetal.errors import GeometryError, PerceptionError
from ase_bimetal.system import as_system

MIN_CONTACT = 1.5  # Å, between atoms of different ligands
MAX_DONOR_DISTANCE = 3.2  # Å, from a ligand's closest atom to the closest metal


def rejection(atoms: Atoms, parent: Atoms) -> str | None:
    """Say why a geometry must not be labelled.

    None where nothing is wrong with it.

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
    try:
        as_system(atoms)
    except PerceptionError:
        return "unbound ligand"
    except GeometryError:
        return "atoms on top of each other"
    return None
