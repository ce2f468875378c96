"""The published tables and figures beside what this package finds, as one page.

Names are loaded when first used; the extras ``train``, ``explain`` and ``report`` bring scikit-learn, shap and jinja2.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ase_bimetal.extras import name_extra

_HOME = {
    "assess_materials": "materials",
    "read_materials": "materials",
    "write_page": "page",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        with name_extra():
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
