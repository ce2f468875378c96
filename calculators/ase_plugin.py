"""What ASE reads through its plugin entry point; loads nothing heavy.

``__ase_plugins__`` is made when asked for: importing ASE's plugin package reads all entry points, this module
among them, which must therefore be complete before that import.
"""

from __future__ import annotations

import sys
from typing import Any

_CITATION = "Gu et al., Chem. Sci. 2025, 16, 19644, doi 10.1039/d5sc04386g"
#: Name in ASE's list → class.
_CALCULATORS = {
    "bimetal": "ase_bimetal.calculators.calculator.MMLFormationCalculator",
    "bimetal-descriptors": "ase_bimetal.calculators.descriptor_calculator.DescriptorFormationCalculator",
}


def __getattr__(name: str) -> Any:
    if name != "__ase_plugins__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:  # a private module of ASE 3.29: where a later ASE moves it, its list lacks us, and all else works
        from ase._4.plugins.plugin import CalculatorPlugin
    except ImportError:
        return []

    return [
        CalculatorPlugin(name, citation=_CITATION, module=sys.modules[__name__], implementation=implementation)
        for name, implementation in _CALCULATORS.items()
    ]
