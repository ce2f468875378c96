"""The published tables and figures beside what this package finds, as one page.

Names are loaded when first used; the extras ``train``, ``explain`` and ``report`` bring scikit-learn, shap and jinja2.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ase_bimetal.extras import name_extra

if TYPE_CHECKING:
    from ase_bimetal.lab.paper.materials import assess_materials, read_materials
    from ase_bimetal.lab.paper.page import write_page

_HOME = {
    "assess_materials": "materials",
    "read_materials": "materials",
    "write_page": "page",
}
__all__ = ["assess_materials", "read_materials", "write_page"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        with name_extra():
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
