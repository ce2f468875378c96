"""Optional packages, and which extra of ase-bimetal brings each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from ase_bimetal.errors import MissingPackageError

_PACKAGES = {
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
    """Say which extra brings a package whose import fails inside this block, or in a function decorated with it.

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
    tblite is not installed; pip install 'ase-bimetal[label]' brings it
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        bringing = [extra for extra, packages in EXTRAS.items() if package in packages]
        if not bringing:
            raise
        allowed = " or ".join(f"pip install 'ase-bimetal[{extra}]'" for extra in bringing)
        raise MissingPackageError(f"{package} is not installed; {allowed} brings it") from error


__all__ = ["EXTRAS", "name_extra"]
