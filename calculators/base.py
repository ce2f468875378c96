"""Any model of formation energies as an ASE calculator: watched annotations, dropped results, no gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ase import Atoms
from ase.calculators.calculator import (
    Calculator,
    CalculatorSetupError,
    PropertyNotImplementedError,
    all_changes,
)
from ase.outputs import Properties

from ase_bimetal.annotation import annotation_of
from ase_bimetal.calculators.results import Results
from ase_bimetal.errors import require_options
from ase_bimetal.inputs import charge_in
from ase_bimetal.ligands import parse_ligands

if TYPE_CHECKING:
    from ase_bimetal.model.interface import Prediction

#: What every model predicts, by the names that `ase_bimetal.Prediction` has for it.
PREDICTED = (
    "formation_energy_per_metal",
    "formation_energy_std",
    "formation_energy_interval",
    "accessibility_index",
    "accessible",
    "descriptors",
    "flags",
    "reference_state",
    "level",
    "model",
)
_NO_GRADIENT = (
    "{who} predicts formation energies of given structures, not a potential-energy surface, so it has no {name}; "
    "relax with another calculator first"
)


class FormationCalculator(Calculator):
    """Base of the formation-energy calculators.

    A subclass names its model and its options.

    The ASE ``energy`` is E_form × N_metal [eV]; what else a model predicts are further results, by name and in
    ``results.everything()``: the items of ``results`` are ASE's own, so that ASE's calculators take them.

    Parameters
    ----------
    parameters
        Options by name, those of `ase_bimetal.predict` that the subclass lists.

    Raises
    ------
    OptionError
        An option that the subclass does not have.
    """

    implemented_properties = ["energy", "free_energy"]
    #: Results beside ASE's own properties; `get_property` and ``results`` have them too.
    extra_properties: tuple[str, ...] = PREDICTED
    #: Names of the options; others are refused.
    options: tuple[str, ...] = ()
    #: Model of a calculator whose option ``model`` is not given.
    default_model = "auto"

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._info_seen: object = None

    def calculate(
        self, atoms: Atoms | None = None, properties: list[str] | None = None, system_changes: list[str] = all_changes
    ) -> None:
        """Predict and fill ``results``.

        They hold floats, strings, dicts and tuples, never arrays; see `Results`.

        Parameters
        ----------
        atoms
            The object; by default the one set before.
        properties, system_changes
            As ASE passes them; all results are computed together.

        Raises
        ------
        BimetalError
            The object cannot be predicted.
        CalculatorSetupError
            There are no atoms.
        """
        super().calculate(atoms, properties, system_changes)
        if self.atoms is None:
            raise CalculatorSetupError(f"{type(self).__name__} has no atoms; allowed: calculate(atoms)")
        [found] = self._predictions([self.atoms])
        more = self.further_results(self.atoms)
        self._info_seen = _watched_info(self.atoms)
        own = {"energy": found.energy, "free_energy": found.energy}
        self.results = Results(own, {name: getattr(found, name) for name in PREDICTED} | more)

    def further_results(self, atoms: Atoms) -> dict[str, Any]:
        """Give what a subclass adds to the results."""
        return {}

    def get_energies(self, images: Sequence[Atoms]) -> list[float]:
        """Give the energies [eV] of many objects, predicted together.

        Parameters
        ----------
        images
            The objects; they need not be alike.

        Returns
        -------
        list of float
            E_form × N_metal [eV] of each, in their order.

        Raises
        ------
        BimetalError
            The first bad object's error.

        Examples
        --------
        >>> from ase_bimetal import MMLFormationCalculator, load_example
        >>> atoms = load_example("Au4Pd2(PET)8")
        >>> len(MMLFormationCalculator().get_energies([atoms, atoms]))
        2
        """
        return [found.energy for found in self._predictions(images)]

    def energies_on_sites(self, atoms: Atoms, sites: Sequence[int]) -> Callable[[Sequence[str]], float]:
        """Make a function from elements on sites to the energy.

        It spares reading again what does not depend on the elements, for searches that swap metals.

        Parameters
        ----------
        atoms
            The object; it is not changed.
        sites
            Indices of the metal atoms whose elements are given later.

        Returns
        -------
        callable
            Takes one symbol for each site, gives E_form × N_metal [eV].
        """
        from ase_bimetal.model.placements import SiteEnergies
        from ase_bimetal.model.predictor import Predictor
        from ase_bimetal.model.registry import get_model

        asked = self._asked()
        model = get_model(asked["model"], asked.get("device", "cpu"))
        if isinstance(model, Predictor):
            return SiteEnergies(model, atoms, sites, asked.get("ligands"), asked.get("reference_state", "dimer"))
        return lambda symbols: self.get_energies([_with_symbols(atoms, sites, symbols)])[0]

    def _predictions(self, images: Sequence[Atoms]) -> list[Prediction]:
        from ase_bimetal.model.registry import predict

        return predict(images, **self._asked())

    def _asked(self) -> dict[str, Any]:
        """Options of `predict`."""
        return {"model": self.default_model, **self.parameters}

    def set(self, **kwargs: Any) -> dict[str, Any]:
        """Change options; results are dropped when one differs.

        Parameters
        ----------
        kwargs
            Options by name.

        Returns
        -------
        dict
            The options that changed.

        Raises
        ------
        OptionError
            An option does not exist.
        """
        require_options(type(self).__name__, kwargs, self.options)
        changed: dict[str, Any] = super().set(**kwargs)
        if changed:
            self.reset()
        return changed

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """List what changed since the last calculation.

        To ASE's list, ``"info"`` is added when the annotated ligands or the charge differ.
        """
        changes: list[str] = super().check_state(atoms, tol)
        return changes if _watched_info(atoms) == self._info_seen else [*changes, "info"]

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        """Get a property, as ASE does.

        Forces and stress are refused with the reason.

        Parameters
        ----------
        name
            One of ASE's properties or of ``extra_properties``.
        atoms
            The object; by default the one set before.
        allow_calculation
            Whether to predict where there is no result yet.

        Returns
        -------
        object
            The result, energies in eV; None where there is none and none may be made.

        Raises
        ------
        PropertyNotImplementedError
            It is a gradient, or the calculator does not have it.
        """
        if name in ("forces", "stress", "stresses"):
            raise PropertyNotImplementedError(_NO_GRADIENT.format(who=type(self).__name__, name=name))
        if name not in self.extra_properties:
            return super().get_property(name, atoms, allow_calculation)
        energy = super().get_property("energy", atoms, allow_calculation)
        return None if energy is None else self.results[name]

    def export_properties(self) -> Properties:
        """Export ASE's own properties.

        What this package adds is left out.
        """
        return Properties({name: self.results[name] for name in self.implemented_properties if name in self.results})

    def get_properties(self, properties: list[str], atoms: Atoms | None = None) -> Properties:
        """Get ASE's own properties among those asked for.

        Parameters
        ----------
        properties
            Names; those that are not ASE's own are computed and left out.
        atoms
            The object; by default the one set before.

        Returns
        -------
        ase.outputs.Properties
            As ASE asks for them.
        """
        for name in properties:
            self.get_property(name, atoms)
        return self.export_properties()


def _with_symbols(atoms: Atoms, sites: Sequence[int], symbols: Sequence[str]) -> Atoms:
    """A copy with these elements on the sites."""
    copy: Atoms = atoms.copy()
    copy.symbols[list(sites)] = list(symbols)
    return copy


def _watched_info(atoms: Atoms) -> tuple[object, object]:
    """What ASE overlooks: the charge, and the ligands in one spelling, so that an equivalent SMILES is no change."""
    given = annotation_of(atoms.info)
    return None if given is None else parse_ligands(given), charge_in(atoms.info)
