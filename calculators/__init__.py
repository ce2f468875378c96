"""ASE calculators: the model behind ASE's interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase_bimetal.calculators.calculator import MMLFormationCalculator

__all__ = ["MMLFormationCalculator"]


def __getattr__(name: str) -> Any:
    if name == "MMLFormationCalculator":
        from ase_bimetal.calculators.calculator import MMLFormationCalculator

        return MMLFormationCalculator
    raise AttributeError(f"module 'ase_bimetal.calculators' has no attribute {name!r}")
