"""What ASE reads through its plugin entry point; loads nothing heavy.

``__ase_plugins__`` is made when asked for: importing ASE's plugin package reads all entry points, this module
among them, which must therefore be complete before that import.
"""

from __future__ import annotations

import sys
from typing import Any


def __getattr__(name: str) -> Any:
    if name != "__ase_plugins__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ase._4.plugins.plugin import CalculatorPlugin

    plugin = CalculatorPlugin(
        "bimetal",
        citation="Gu et al., Chem. Sci. 2025, 16, 19644, doi 10.1039/d5sc04386g",
        module=sys.modules[__name__],
        implementation="ase_bimetal.calculators.calculator.MMLFormationCalculator",
    )
    return [plugin]
