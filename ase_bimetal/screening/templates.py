"""Files of templates: one for each motif and ligand shell, in which the metals are exchanged."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from io import StringIO
from pathlib import Path

from ase import Atoms
from ase.io import iread, write

from ase_bimetal.files import write_whole
from ase_bimetal.screening.supports import Site
from ase_bimetal.structures.roles import Shell


@lru_cache(maxsize=4096)
def template_name(motif: str, shell: Shell) -> str:
    """Make the file name of a template.

    It is readable, with a digest that keeps apart what the reading form does not.

    Examples
    --------
    >>> template_name("M@Au8", Shell("Cl", (("halide", "Cl"), ("phosphine", "PMe3"))))
    'M_Au8-Cl-PMe3-ddb20ee7'
    """
    names = [motif, *(name for _, name in shell.ligands)]
    readable = "-".join(re.sub(r"[^A-Za-z0-9-]+", "_", name)[:24] for name in names)
    return f"{readable}-{hashlib.sha256(repr((motif, shell.ligands)).encode()).hexdigest()[:8]}"


def site_template_name(site: Site) -> str:
    """Make the file name of a support's template.

    It names the labelled pair, and says whether it is the pair itself.

    Examples
    --------
    >>> site_template_name(Site("CuNi@MFI-6-ring", ("Cu", "Ni"), True))
    'CuNi_MFI-6-ring-own'
    """
    return re.sub(r"[^A-Za-z0-9-]+", "_", site.parent) + ("-own" if site.is_own else "-exchanged")


def write_template(folder: Path, name: str, atoms: Atoms) -> None:
    """Write a template whole: a kill leaves no half file."""
    path = template_path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, template_text(atoms))


def template_text(atoms: Atoms) -> str:
    """Write what a template's file holds."""
    buffer = StringIO()
    write(buffer, atoms, format="extxyz")
    return buffer.getvalue()


def template_path(folder: Path, name: str) -> Path:
    """Give the place of a template."""
    return folder / f"{name}.extxyz"


@lru_cache(maxsize=32)
def read_template(folder: Path, name: str) -> Atoms:
    """Read a template; the caller must not change it."""
    [template] = iread(template_path(folder, name), format="extxyz")
    return template
