"""Optional packages, and which extra of ase-bimetal brings each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from types import MappingProxyType

from ase_bimetal.errors import MissingPackageError

_PACKAGES = {
    "featurize": ("matminer",),
    "ligands": ("transformers",),
    "train": ("lightning", "sklearn"),
    "label": ("tblite", "tqdm", "filelock"),
    "graph": ("torch_geometric",),
    "boost": ("xgboost", "catboost"),
    "explain": ("shap",),
    "screen": ("pyarrow", "pydantic", "yaml", "tqdm"),
    "report": ("plotly", "jinja2"),
    "cluster": ("dask", "distributed"),
}
#: Extra → the packages it brings, by the names they are imported with.
EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(_PACKAGES)


@contextmanager
def name_extra() -> Iterator[None]:
    """Name the extra that brings a missing package.

    It acts on imports that fail inside this block, or in a function decorated with it.

    Raises
    ------
    MissingPackageError
        In place of `ModuleNotFoundError`, for the packages of `EXTRAS`; other modules that are missing are bugs.

    Examples
    --------
    >>> from ase_bimetal.errors import MissingPackageError
    >>> try:
    ...     with name_extra():
    ...         raise ModuleNotFoundError("No module named 'tblite.ase'", name="tblite.ase")
    ... except MissingPackageError as error:
    ...     print(error)
    tblite is not installed; pip install 'ase-bimetal[label]' brings it (in a clone: pip install -e '.[label]')
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        bringing = [extra for extra, packages in EXTRAS.items() if package in packages]
        if not bringing:
            raise
        raise MissingPackageError(_message([package], bringing)) from error


def require(*extras: str) -> None:
    """Check that all packages of some extras are there.

    This is done before any work.

    Parameters
    ----------
    extras
        Keys of `EXTRAS`.

    Raises
    ------
    MissingPackageError
        Naming every missing package and the extras that bring them.

    Examples
    --------
    >>> require("screen")
    """
    missing = {extra: [name for name in EXTRAS[extra] if find_spec(name) is None] for extra in extras}
    lacking = [extra for extra, names in missing.items() if names]
    if lacking:
        names = list(dict.fromkeys(name for extra in lacking for name in missing[extra]))
        raise MissingPackageError(_message(names, [",".join(lacking)]))


def _message(packages: Sequence[str], choices: Sequence[str]) -> str:
    """What is missing and how to get it, from an index or from a clone."""
    verb, object_ = ("is", "it") if len(packages) == 1 else ("are", "them")
    allowed = " or ".join(f"pip install 'ase-bimetal[{choice}]'" for choice in choices)
    return (
        f"{', '.join(packages)} {verb} not installed; {allowed} brings {object_} "
        f"(in a clone: pip install -e '.[{choices[0]}]')"
    )


__all__ = ["EXTRAS", "name_extra", "require"]
