"""Geometries: one template for each motif and ligand shell, in which the metals are exchanged.

Assembling takes seconds, a prediction milliseconds; and a motif's geometry does not depend on its metals.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from io import StringIO
from pathlib import Path

from ase import Atoms
from ase.io import read, write

from ase_bimetal.ligands import Ligand
from ase_bimetal.screening.columns import IDEAL_CORE, RELAXED_CORE
from ase_bimetal.screening.files import write_whole
from ase_bimetal.screening.relaxed_cores import mean_relaxed_core, with_skeleton
from ase_bimetal.screening.roles import Shell, motif_roles
from ase_bimetal.screening.supports import Site
from ase_bimetal.system import ANNOTATION_KEY

_DECIMALS = 4  # Å; what is kept in the file is what is predicted, in the first run and in every later one
_PLACEHOLDER = "Pd"  # at the dopant sites of a template, until a candidate's metals replace it


@lru_cache(maxsize=4096)
def template_name(motif: str, shell: Shell) -> str:
    """File name of a template: readable, and with a digest that keeps apart what the reading form does not.

    Examples
    --------
    >>> template_name("M@Au8", Shell("Cl", (("halide", "Cl"), ("phosphine", "PMe3"))))
    'M_Au8-Cl-PMe3-ddb20ee7'
    """
    names = [motif, *(name for _, name in shell.ligands)]
    readable = "-".join(re.sub(r"[^A-Za-z0-9-]+", "_", name)[:24] for name in names)
    return f"{readable}-{hashlib.sha256(repr((motif, shell.ligands)).encode()).hexdigest()[:8]}"


def site_template_name(site: Site) -> str:
    """File name of a template on a support: the labelled pair, and whether it is the pair itself.

    Examples
    --------
    >>> site_template_name(Site("CuNi@MFI-6-ring", ("Cu", "Ni"), True))
    'CuNi_MFI-6-ring-own'
    """
    return re.sub(r"[^A-Za-z0-9-]+", "_", site.parent) + ("-own" if site.is_own else "-exchanged")


def build_template(motif: str, shell: Shell) -> Atoms:
    """Assemble a motif with its ligands on the mean relaxed core, if labels tell it; metals are Au and dopant Pd.

    ``info["geometry"]`` says whether the core is a relaxed one; ``info["template_note"]`` what is wrong with the
    geometry, where ligands are too large for the motif.

    Raises
    ------
    LigandError
        A ligand has no three-dimensional structure, or no motif can place it.
    """
    from ase_bimetal.structures.assembly import assemble
    from ase_bimetal.structures.checks import rejection
    from ase_bimetal.structures.motifs import Prototype

    atoms = assemble(Prototype(motif, _PLACEHOLDER, dict(shell.ligands)))
    places = mean_relaxed_core(motif, atoms)
    if places is not None:
        atoms = with_skeleton(atoms, places)
    atoms.info["geometry"] = IDEAL_CORE if places is None else RELAXED_CORE
    atoms.positions = atoms.positions.round(_DECIMALS)
    # Counted over roles, because one ligand can fill two of them.
    atoms.info[ANNOTATION_KEY] = _shell_counts(motif, shell)
    if fault := rejection(atoms, atoms):
        atoms.info["template_note"] = f"crowded template: {fault}"
    return atoms


def _shell_counts(motif: str, shell: Shell) -> dict[str, int]:
    """SMILES → number of ligands."""
    counts: Counter[str] = Counter()
    for role, name in shell.ligands:
        counts[Ligand.parse(name).smiles] += motif_roles(motif)[role]
    return dict(counts)


def write_template(folder: Path, name: str, atoms: Atoms) -> None:
    """Write a template whole: a kill leaves no half file."""
    write_whole(template_path(folder, name), template_text(atoms).encode())


def template_text(atoms: Atoms) -> str:
    """What a template's file holds."""
    buffer = StringIO()
    write(buffer, atoms, format="extxyz")
    return buffer.getvalue()


def template_path(folder: Path, name: str) -> Path:
    """Where a template lives."""
    return folder / f"{name}.extxyz"


@lru_cache(maxsize=32)
def read_template(folder: Path, name: str) -> Atoms:
    """Read a template; the caller must not change it."""
    return read(template_path(folder, name), format="extxyz")


def with_metals(template: Atoms, core_symbols: Sequence[str]) -> Atoms:
    """A template's geometry with other metals: the core's atoms come first."""
    atoms = template.copy()
    atoms.symbols[: len(core_symbols)] = list(core_symbols)
    return atoms
