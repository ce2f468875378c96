"""Reports of a screening: one self-contained HTML file, and figures for papers.

Names are loaded when first used; the extra ``report`` brings jinja2 and plotly, the extra ``screen`` reads the rows.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ase_bimetal.extras import name_extra

if TYPE_CHECKING:
    from ase_bimetal.report.figures import write_figures
    from ase_bimetal.report.html import write_report
    from ase_bimetal.report.results import Results, read_results
    from ase_bimetal.report.words import summarise

_HOME = {
    "Results": "results",
    "read_results": "results",
    "summarise": "words",
    "write_figures": "figures",
    "write_report": "html",
}
__all__ = ["Results", "read_results", "summarise", "write_figures", "write_report"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        with name_extra():
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
