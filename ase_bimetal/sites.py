"""Systems on the same sites: what depends on coordinates alone is computed once for all that share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase_bimetal.system import BimetallicSystem


class Sites:
    """Where a system's atoms are, as a cache key.

    Keys are equal for systems whose metals alone were exchanged.

    Such systems share their arrays, so that comparing them takes no time; others are never equal.

    Parameters
    ----------
    system
        An object with coordinates.

    Examples
    --------
    >>> from ase_bimetal import as_system, load_example
    >>> from ase_bimetal.exchange import MetalExchange
    >>> exchange = MetalExchange(load_example("Au4Pd2(PET)8"))
    >>> Sites(exchange.start) == Sites(exchange.system(["Pt"] * 6))
    True
    >>> Sites(exchange.start) == Sites(as_system(load_example("Au4Pd2(PET)8")))
    False
    """

    def __init__(self, system: BimetallicSystem) -> None:
        self.system = system

    def __hash__(self) -> int:
        """Of the arrays' identity."""
        return hash((id(self.system.positions), id(self.system.metals)))

    def __eq__(self, other: object) -> bool:
        """Whether both systems share positions and metal sites."""
        mine, theirs = self.system, getattr(other, "system", None)
        return theirs is not None and mine.positions is theirs.positions and mine.metals is theirs.metals


__all__ = ["Sites"]
