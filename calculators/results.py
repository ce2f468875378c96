"""Results of a calculator: ASE's own as items, what this package adds by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Results(dict[str, Any]):
    """ASE's own results, and others beside them.

    ASE passes results on by all their names, as in ``SinglePointCalculator(atoms, **calc.results)``, and refuses names
    that are not its own. So the items are ASE's, ``results["level"]`` and ``"level" in results`` find the others too,
    and `everything` is a plain dict of both.

    Parameters
    ----------
    own
        ASE's properties.
    more
        Results by other names.

    Examples
    --------
    >>> results = Results({"energy": -1.0}, {"level": "PBE"})
    >>> dict(**results), results["level"], results.everything()
    ({'energy': -1.0}, 'PBE', {'energy': -1.0, 'level': 'PBE'})
    """

    def __init__(self, own: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        super().__init__(own)
        self.more = dict(more)

    def __missing__(self, name: str) -> Any:
        """Look up what is not ASE's own."""
        return self.more[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is such a result, ASE's own or not."""
        return super().__contains__(name) or name in self.more

    def get(self, name: str, default: Any = None) -> Any:
        """Look up a result, with a default.

        Parameters
        ----------
        name
            Of ASE's own or another.
        default
            What to give where there is none.
        """
        return super().get(name, self.more.get(name, default))

    def everything(self) -> dict[str, Any]:
        """Give all results as a plain dict.

        Returns
        -------
        dict
            ASE's own first.
        """
        return {**self, **self.more}

    def copy(self) -> Results:
        """Copy both parts."""
        return type(self)(self, self.more)

    def __repr__(self) -> str:
        """All results, as a dict prints them."""
        return repr(self.everything())


__all__ = ["Results"]
