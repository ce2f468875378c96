"""Reports of a screening: one self-contained HTML file, and figures for papers.

Names are loaded when first used; the extra ``report`` brings jinja2 and plotly, the extra ``screen`` reads the rows.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ase_bimetal.extras import name_extra

_HOME = {
    "Results": "results",
    "read_results": "results",
    "summarise": "words",
    "write_figures": "figures",
    "write_report": "html",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        with name_extra():
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
