"""ASE calculators: the model behind ASE's interface."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase_bimetal.calculators.calculator import MMLFormationCalculator
    from ase_bimetal.calculators.descriptor_calculator import DescriptorFormationCalculator

_HOME = {"DescriptorFormationCalculator": "descriptor_calculator", "MMLFormationCalculator": "calculator"}

__all__ = ["DescriptorFormationCalculator", "MMLFormationCalculator"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module 'ase_bimetal.calculators' has no attribute {name!r}")
