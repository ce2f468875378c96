"""What ASE reads through its plugin entry point; loads nothing heavy."""

import sys

from ase._4.plugins.plugin import CalculatorPlugin

__ase_plugins__ = [
    CalculatorPlugin(
        "bimetal",
        citation="Gu et al., Chem. Sci. 2025, 16, 19644, doi 10.1039/d5sc04386g",
        module=sys.modules[__name__],
        implementation="ase_bimetal.calculators.calculator.MMLFormationCalculator",
    )
]
