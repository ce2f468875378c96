"""What the package's calculators share: watched annotations, dropped results, no gradients."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError
from ase.outputs import Properties

from ase_bimetal.annotation import annotation_of
from ase_bimetal.errors import OptionError
from ase_bimetal.ligands import parse_ligands

_NO_GRADIENT = (
    "{who} predicts formation energies of given structures, not a potential-energy surface, so it has no {name}; "
    "relax with another calculator first"
)


class FormationCalculator(Calculator):
    """Base of the formation-energy calculators; `calculate` is for the subclass to write.

    Parameters
    ----------
    parameters
        Options of the subclass.

    Raises
    ------
    OptionError
        An option that the subclass does not have.
    """

    #: Names of the options; others are refused.
    options: tuple[str, ...] = ()
    #: Results beside ASE's own properties; `get_property` and ``results`` have them too.
    extra_properties: tuple[str, ...] = ()

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._info_seen: object = None

    def set(self, **kwargs: Any) -> dict[str, Any]:
        """Change options; results are dropped when one differs."""
        for name in kwargs:
            if name not in self.options:
                raise OptionError(_unknown_option(type(self).__name__, name, self.options))
        changed = super().set(**kwargs)
        if changed:
            self.reset()
        return changed

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """ASE's list of changes, plus ``"info"`` when the annotated ligands or the charge differ from before."""
        changes = super().check_state(atoms, tol)
        return changes if _watched_info(atoms) == self._info_seen else [*changes, "info"]

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        """As ASE's; forces and stress are refused with the reason."""
        if name in ("forces", "stress", "stresses"):
            raise PropertyNotImplementedError(_NO_GRADIENT.format(who=type(self).__name__, name=name))
        if name not in self.extra_properties:
            return super().get_property(name, atoms, allow_calculation)
        energy = super().get_property("energy", atoms, allow_calculation)
        return None if energy is None else self.results[name]

    def export_properties(self) -> Properties:
        """ASE's own properties, without what this package adds."""
        return Properties({name: self.results[name] for name in self.implemented_properties if name in self.results})

    def get_properties(self, properties: list[str], atoms: Atoms | None = None) -> Properties:
        """ASE's own properties among those asked for."""
        for name in properties:
            self.get_property(name, atoms)
        return self.export_properties()

    def remember_info(self) -> None:
        """Note what `check_state` compares with; to be called once a calculation has succeeded."""
        self._info_seen = _watched_info(self.atoms)


def _unknown_option(who: str, name: str, known: tuple[str, ...]) -> str:
    """Say what is not known, and what was probably meant."""
    close = get_close_matches(name, known, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{who} has no option {name!r}; {meant}allowed: {', '.join(known)}"


def _watched_info(atoms: Atoms) -> tuple[object, object]:
    """What ASE overlooks: the charge, and the ligands in one spelling, so that an equivalent SMILES is no change."""
    given = annotation_of(atoms.info)
    return None if given is None else parse_ligands(given), atoms.info.get("charge")
