"""CIF as crystallographers publish it: every data block, names of settings that no table has, disorder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.io.cif import CIFBlock, parse_cif
from ase.spacegroup.spacegroup import SpacegroupError
from scipy.sparse.csgraph import connected_components

from ase_bimetal.annotation import NOTES_KEY
from ase_bimetal.disorder import ONE_PLACE
from ase_bimetal.errors import FileFormatError, one_line
from ase_bimetal.io.moiety import charge_without_ions, parse_moieties
from ase_bimetal.io.quiet import quiet_readers
from ase_bimetal.shell import BOND_FACTOR

_GROUP_NAMES = ("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m")
_OPERATIONS = ("_space_group_symop_operation_xyz", "_space_group_symop.operation_xyz", "_symmetry_equiv_pos_as_xyz")
_DISORDER, _ASSEMBLY = "_atom_site_disorder_group", "_atom_site_disorder_assembly"
_OCCUPANCY = "_atom_site_occupancy"
_MOIETY = "_chemical_formula_moiety"
_COORDINATES, _LABEL = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"), "_atom_site_label"
_NO_PLACE = (".", "?")
# Sites of one component hang together below this distance [Å]: the hydrogen atoms of one methyl group.
_ONE_COMPONENT = 2.0
_NO_GROUP = (".", "?", "0", "")


def cif_structures(path: str) -> Iterator[Atoms | FileFormatError]:
    """Read the structures of all data blocks.

    Blocks without a structure are left out; the order is that of the file.

    A setting that no table has is ignored for the file's own symmetry operations, or for P1 where it has none; of a
    disordered group, the component with the largest share is kept. Where the compound's formula has counter-ions that
    the structure lacks, its charge is in ``info["charge"]``. All are noted in ``info["reading_notes"]``.

    Parameters
    ----------
    path
        The file.
    """
    with quiet_readers():
        blocks = [block for block in parse_cif(path) if block.has_structure()]
    for block in blocks:
        try:
            with quiet_readers():
                atoms = _structure(block)
        except Exception as error:  # ASE's reader raises whatever its parsing meets
            yield FileFormatError(f"block {block.name!r}: {one_line(error)}")
        else:
            yield atoms


def _structure(block: CIFBlock) -> Atoms:
    placed, unplaced = _with_places(_with_numbers(block))
    ordered, notes, special = _major_component(placed)
    notes = [*unplaced, *notes]
    try:
        atoms = ordered.get_atoms()
    except SpacegroupError:  # a name that no table has, or none beside the operations
        known, note = _without_group_name(ordered)
        atoms, notes = known.get_atoms(), [*notes, note]
    atoms = _without_copies(atoms, special)
    if charge := _charge_by_moiety(block, atoms):
        atoms.info["charge"] = charge
        notes = [*notes, f"charge {charge:+d} by _chemical_formula_moiety: the file lacks counter-ions"]
    if notes:
        atoms.info[NOTES_KEY] = list(dict.fromkeys(notes))
    return atoms


def _with_numbers(block: CIFBlock) -> CIFBlock:
    """The block with an occupancy of 1 where it gives none."""
    shares = block.get(_OCCUPANCY)
    if not isinstance(shares, list):
        return block
    return CIFBlock(block.name, dict(block.items()) | {_OCCUPANCY: [1.0 if s in ("?", ".") else s for s in shares]})


def _with_places(block: CIFBlock) -> tuple[CIFBlock, list[str]]:
    """The block without the sites whose coordinates it does not give, and the note that names them."""
    columns = [block.get(tag) for tag in _COORDINATES if isinstance(block.get(tag), list)]
    known = np.array([all(place not in _NO_PLACE for place in row) for row in zip(*columns, strict=True)], dtype=bool)
    if known.all():
        return block, []
    labels = block.get(_LABEL) or [""] * len(known)
    named = ", ".join(str(label) for label, is_known in zip(labels, known, strict=True) if not is_known)
    return CIFBlock(block.name, _kept(block, known)), [f"left out, without coordinates in the file: {named}"]


def _charge_by_moiety(block: CIFBlock, atoms: Atoms) -> int:
    """Charge [e] of the cell's content where ions that the compound's formula names are not in it."""
    text = str(block.get(_MOIETY, "?")).replace("\n", " ").strip()
    if text in _NO_GROUP:
        return 0
    try:
        return charge_without_ions(parse_moieties(text), list(atoms.symbols))
    except ValueError:  # journals and programs write it in ways of their own
        return 0


def _without_group_name(block: CIFBlock) -> tuple[CIFBlock, str]:
    names = [str(block[tag]) for tag in _GROUP_NAMES if str(block.get(tag, "?")) not in _NO_GROUP]
    tags = {tag: value for tag, value in block.items() if tag not in _GROUP_NAMES}
    has_operations = any(tag in block for tag in _OPERATIONS)
    if has_operations:  # ASE adds them to those of a group that it knows
        tags[_GROUP_NAMES[0]] = "P 1"
    instead = "its symmetry operations" if has_operations else "P1, without symmetry"
    known = f"no table has the space group {', '.join(names)!r} of the file" if names else "the file has no space group"
    return CIFBlock(block.name, tags), f"{known}: read as {instead}"


def _major_component(block: CIFBlock) -> tuple[CIFBlock, list[str], list[list[int]]]:
    """One component of each disordered group, fully occupied.

    Returns
    -------
    tuple
        The block with the components kept, the notes that say which, and of each that lies on a special position, by a
        negative number, its rows: its copies by symmetry exclude each other.
    """
    groups, occupancies = block.get(_DISORDER), block.get(_OCCUPANCY)
    if not isinstance(groups, Sequence) or not isinstance(occupancies, Sequence):
        return block, [], []
    names = [str(group) for group in groups]
    assemblies = [str(a) for a in block.get(_ASSEMBLY) or [""] * len(names)]
    keep, share, notes, special = np.ones(len(names), dtype=bool), np.array(occupancies, dtype=float), [], []
    for rows in _competing(block, names, assemblies):
        mean = {
            name: float(np.mean([share[i] for i in rows if names[i] == name]))
            for name in dict.fromkeys(names[i] for i in rows)
        }
        major = max(mean, key=mean.__getitem__)
        chosen = [i for i in rows if names[i] == major]
        keep[np.setdiff1d(rows, chosen)] = False
        share[chosen] = 1.0
        if major.startswith("-"):
            special.append(chosen)
        notes.append(
            f"disorder: kept component {major}, of share {mean[major]:g}, of "
            f"{', '.join(f'{name} ({value:g})' for name, value in mean.items())}"
        )
    place = np.cumsum(keep) - 1
    kept = CIFBlock(block.name, _kept(block, keep) | {_OCCUPANCY: share[keep].tolist()})
    return kept, notes, [place[rows].tolist() for rows in special]


def _competing(block: CIFBlock, names: Sequence[str], assemblies: Sequence[str]) -> list[np.ndarray]:
    """Rows of the table of sites of which one component each is there: named assemblies, or those in one place.

    Without names, the same numbers may stand for several groups, and several pairs of numbers for one each.
    """
    rows = [i for i, name in enumerate(names) if name not in _NO_GROUP]
    named = dict.fromkeys(assemblies[i] for i in rows if assemblies[i] not in _NO_GROUP)
    found = [np.array([i for i in rows if assemblies[i] == assembly]) for assembly in named]
    rest = np.array([i for i in rows if assemblies[i] in _NO_GROUP], dtype=int)
    if not len(rest):
        return found
    sites = block.get_unsymmetrized_structure()[rest]
    distance = np.linalg.norm(sites.positions[:, None] - sites.positions, axis=2)
    radii = covalent_radii[sites.numbers]
    group = np.array(names)[rest]
    nearest = np.where(group[:, None] == group, _ONE_COMPONENT, ONE_PLACE)
    _, label = connected_components(distance < np.maximum(nearest, BOND_FACTOR * np.add.outer(radii, radii)))
    return found + [rest[label == k] for k in dict.fromkeys(label.tolist())]


def _without_copies(atoms: Atoms, components: Sequence[Sequence[int]]) -> Atoms:
    """Leave out the copies by symmetry of a component that overlap with one that is kept."""
    drop: list[int] = []
    for rows in components:
        copies = [np.flatnonzero(atoms.arrays["spacegroup_kinds"] == row) for row in rows]
        if len({len(images) for images in copies}) != 1:
            continue
        kept: list[np.ndarray] = []
        for image in np.stack(copies, axis=1):
            if any(_overlap(atoms, image, other) for other in kept):
                drop += image.tolist()
            else:
                kept.append(image)
    return atoms if not drop else atoms[np.setdiff1d(np.arange(len(atoms)), drop)]


def _overlap(atoms: Atoms, one: np.ndarray, other: np.ndarray) -> bool:
    """Whether atoms of two molecules are as close as bonded ones."""
    radii = covalent_radii[atoms.numbers]
    return any(
        (atoms.get_distances(i, other, mic=True) < BOND_FACTOR * (radii[i] + radii[other])).any() for i in one.tolist()
    )


def _kept(block: CIFBlock, keep: np.ndarray) -> dict[str, Any]:
    """Tags of a block with some rows of its table of sites."""
    return {
        tag: [entry for entry, kept in zip(value, keep, strict=True) if kept]
        if tag.startswith("_atom_site_") and isinstance(value, list) and len(value) == len(keep)
        else value
        for tag, value in block.items()
    }


__all__ = ["cif_structures"]
