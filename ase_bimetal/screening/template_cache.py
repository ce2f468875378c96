"""Templates built before, on this machine, by the same code: assembling takes a second, reading a millisecond."""

from __future__ import annotations

import hashlib
import json
import lzma
from contextlib import suppress
from functools import lru_cache
from inspect import getsourcefile
from io import StringIO
from pathlib import Path

from ase import Atoms
from ase.io import iread

from ase_bimetal.files import DATASETS, PACKAGE, user_cache
from ase_bimetal.screening.templates import template_name, template_path, write_template
from ase_bimetal.structures.roles import Shell
from ase_bimetal.structures.templates import build_template

#: Templates of the example screening, made by `ase_bimetal.lab.labels.geometries`.
SHIPPED = DATASETS / "example_templates.json.xz"


def cached_template(motif: str, shell: Shell) -> Atoms:
    """Give a template, from a cache where possible.

    It is shipped, or in the user's cache folder, or built and left there.

    Raises
    ------
    LigandError
        As `build_template`.
    """
    name = template_name(motif, shell)
    if name in shipped_templates():
        [shipped] = iread(StringIO(shipped_templates()[name]), format="extxyz")
        return shipped
    folder = cache_folder()
    path = template_path(folder, name)
    if path.is_file():
        [found] = iread(path, format="extxyz")
        return found
    atoms = build_template(motif, shell)
    with suppress(OSError):  # a home that cannot be written costs the next run its time, not this one its result
        write_template(folder, name, atoms)
    return atoms


@lru_cache(maxsize=1)
def shipped_templates() -> dict[str, str]:
    """Name → file of the templates of the example screening."""
    templates: dict[str, str] = json.loads(lzma.decompress(SHIPPED.read_bytes()))
    return templates


def cache_folder() -> Path:
    """Give the folder of this version's templates.

    The version is that of the code and of its tables.
    """
    return user_cache() / "templates" / _code_digest()


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """First 16 hex digits of the sha256 of all that decides a template's geometry."""
    import rdkit
    import scipy

    builder = Path(getsourcefile(build_template) or "")
    sources = {builder, *PACKAGE.glob("*.py"), *PACKAGE.glob("structures/*.py"), DATASETS / "relaxed_cores.json.xz"}
    digest = hashlib.sha256(f"rdkit {rdkit.__version__} scipy {scipy.__version__}".encode())
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


__all__ = ["SHIPPED", "cache_folder", "cached_template", "shipped_templates"]
