"""The table the descriptor models learn from: eight features, what the object is, and its formation energy.

The features are those of `ase_bimetal.descriptors.PAPER_FEATURES`, with three conventions that let one table hold
clusters, frameworks and bare metal: a bare metal has no surroundings, so its χ_env is missing (never imputed);
N_metal of a periodic object counts one primitive cell, so that a supercell is the same point as its cell; and D of a
core with one metal, which has no unlike pair, is coded as 0, a distance that no pair has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from ase.cell import Cell

from ase_bimetal.descriptors import PAPER_FEATURES
from ase_bimetal.files import DATASETS
from ase_bimetal.model.bond_terms import BOND_TERMS
from ase_bimetal.surroundings import COVERED_METAL, DOPED_CARBON, ZEOLITE
from ase_bimetal.system import BimetallicSystem

SHIPPED = DATASETS / "descriptor_table.csv"
#: Level of the energies of a table: GFN1-xTB and the level difference of `ase_bimetal.model.level`, which knows the
#: donors of ligands, not those of supports.
LEVEL = "GFN1-xTB with PBE references"
FEATURES = tuple(PAPER_FEATURES)
CHI_ENV, _, N_METAL, _, _, _, DISTANCE, _ = FEATURES
#: What an object of kind ``"extended"`` stands on, by its non-metal elements; the first that fits counts.
_HOSTS: tuple[tuple[str, Callable[[set[str]], bool]], ...] = (
    (ZEOLITE, lambda shell: {"Si", "O"} <= shell),
    (DOPED_CARBON, lambda shell: "C" in shell),
    ("oxide", lambda shell: "O" in shell),
    ("nitride", lambda shell: "N" in shell),
)
# Atoms of an exact supercell repeat to better than this distance [Å].
_SYMMETRY_TOLERANCE = 1e-3
NAMES = ("id", "prototype", "family", "surroundings", "host", "dopant")
#: Mean number of metal neighbours of a metal atom [-], by which an object is told to lie outside the table.
COORDINATION = "coordination (-)"
#: Standard deviation of the shift to PBE [eV/metal].
DEVIATION = "deviation"
_COLUMNS = (*NAMES, "minimum", *FEATURES, COORDINATION, "gfn1", "shift", DEVIATION)
# Beyond these digits numbers are noise; the same object turned or moved must give the same row.
DIGITS = 6


@dataclass(frozen=True, eq=False)
class DescriptorTable:
    """Labelled objects as rows of descriptors.

    Attributes
    ----------
    rows
        One row per object: the eight features by label with unit; ``id``, ``prototype``, ``family``,
        ``surroundings``, ``host``, ``dopant``, ``minimum`` (lowest of its prototype), ``gfn1`` and ``shift``
        [eV/metal]: formation energy at the label level, and what refers it to PBE; ``deviation``, the standard
        deviation of the latter; ``coordination (-)``, the mean number of metal neighbours; and, where the table was
        built and not read, the terms of `ase_bimetal.model.bond_terms.bond_terms`.
    """

    rows: pd.DataFrame

    @property
    def features(self) -> pd.DataFrame:
        """(n, 8) feature table; χ_env is missing for bare metal."""
        return self.rows[list(FEATURES)]

    @property
    def bonds(self) -> pd.DataFrame:
        """(n, 10) terms of the bond-counting baseline."""
        return self.rows[list(BOND_TERMS)]

    @property
    def targets(self) -> np.ndarray:
        """(n,) PBE-referenced formation energies [eV/metal]."""
        energies: np.ndarray = (self.rows.gfn1 + self.rows["shift"]).to_numpy(dtype=float)
        return energies

    @property
    def pairs(self) -> np.ndarray:
        """(n,) metal pair of each row, as ``"Au-Pd"``, in alphabetical order."""
        return np.array(["-".join(sorted(pair)) for pair in zip(self.rows.host, self.rows.dopant, strict=True)])

    @cached_property
    def digest(self) -> str:
        """First 12 hex digits of the sha256 of the table written as text."""
        return hashlib.sha256(self.to_csv().encode()).hexdigest()[:12]

    def where(self, keep: np.ndarray) -> DescriptorTable:
        """Select the rows of a mask.

        The mask is a boolean array of shape (n,).
        """
        return DescriptorTable(self.rows[keep].reset_index(drop=True))

    def minima(self) -> DescriptorTable:
        """Select the lowest configuration of each prototype."""
        return self.where(self.rows.minimum.to_numpy(dtype=bool))

    def to_csv(self) -> str:
        """Write the table as text.

        Digits are cut so that it reads back as it was.
        """
        text: str = self.rows[list(_COLUMNS)].round(DIGITS).to_csv(index=False, lineterminator="\n")
        return text


def surroundings(system: BimetallicSystem) -> str:
    """Say what the metal stands in.

    It is told from the elements present.

    Returns
    -------
    str
        ``"ligands"``, ``"zeolite"``, ``"doped carbon"``, ``"oxide"``, ``"nitride"``, ``"other host"``,
        ``"bare particle"``, or ``"bare solid"`` when the metal repeats in space, with ``"adsorbates"`` where other
        atoms are on or in it.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase_bimetal import as_system
    >>> surroundings(as_system(bulk("Au")))
    'bare solid'
    """
    if system.kind == "cluster":
        return "ligands"
    if system.kind == "alloy":
        return "bare solid" if any(system.pbc) else "bare particle"
    if any(note.startswith(COVERED_METAL) for note in system.notes):
        return "adsorbates"
    metals = set(system.metals.tolist())
    shell = {symbol for i, symbol in enumerate(system.symbols) if i not in metals}
    return next((name for name, fits in _HOSTS if fits(shell)), "other host")


def material_features(system: BimetallicSystem) -> dict[str, float]:
    """Compute the eight features of a bimetallic object.

    They are given by label; χ_env is NaN for bare metal, D 0 for one metal.

    Parameters
    ----------
    system
        An object with coordinates.

    Raises
    ------
    MissingDataError
        The object has no coordinates.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase_bimetal import as_system
    >>> atoms = bulk("Cu", cubic=True)
    >>> atoms.symbols[0] = "Au"
    >>> cell, doubled = (material_features(as_system(a)) for a in (atoms, atoms * (2, 1, 1)))
    >>> cell["N_metal (atoms)"], doubled["N_metal (atoms)"]
    (4.0, 4.0)
    """
    coded = ({CHI_ENV: np.nan} if system.kind == "alloy" else {}) | ({} if system.dopants else {DISTANCE: 0.0})
    values = {
        label: coded[label] if label in coded else float(function(system)) for label, function in PAPER_FEATURES.items()
    }
    values[N_METAL] /= cells_in(system)
    return values


def cells_in(system: BimetallicSystem) -> int:
    """Count the primitive cells of a periodic object.

    1 for everything else.

    Counts the lattice translations that map the object onto itself, of which an atom of the rarest metal has one
    for each of its copies.
    """
    periodic = np.array(system.pbc) & (np.linalg.norm(system.cell, axis=1) > _SYMMETRY_TOLERANCE)
    if not periodic.any():
        return 1
    cell = Cell(np.where(periodic[:, None], system.cell, 0.0)).complete().array
    scaled = np.linalg.solve(cell.T, system.positions.T).T
    symbols = np.array(system.symbols)
    rarest = min(system.composition_metals, key=lambda s: (system.composition_metals[s], s))
    copies = np.flatnonzero(symbols == rarest)
    shifts = scaled[copies] - scaled[copies[0]]
    return sum(_maps_onto_itself(scaled + shift, scaled, symbols, cell, periodic) for shift in shifts)


def read_table(path: Path = SHIPPED) -> DescriptorTable:
    """Read a table that `DescriptorTable.to_csv` wrote.

    Examples
    --------
    >>> read_table().features.shape[1]
    8
    """
    return DescriptorTable(pd.read_csv(path, float_precision="round_trip"))


def _maps_onto_itself(
    moved: np.ndarray, scaled: np.ndarray, symbols: np.ndarray, cell: np.ndarray, periodic: np.ndarray
) -> bool:
    """Whether every moved atom lies on an atom of its element; scaled coordinates (n, 3), cell in Å."""
    for symbol in np.unique(symbols):
        rows = symbols == symbol
        apart = moved[rows][:, None] - scaled[rows][None]
        apart -= np.where(periodic, np.round(apart), 0.0)
        if np.linalg.norm(apart @ cell, axis=2).min(axis=1).max() > _SYMMETRY_TOLERANCE:
            return False
    return True


__all__ = [
    "COORDINATION",
    "DEVIATION",
    "FEATURES",
    "LEVEL",
    "DescriptorTable",
    "cells_in",
    "material_features",
    "read_table",
    "surroundings",
]
