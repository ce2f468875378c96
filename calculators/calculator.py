"""`MMLFormationCalculator`: the multimodal model as an ASE calculator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import all_changes

from ase_bimetal.calculators.base import FormationCalculator
from ase_bimetal.system import Charge, as_system

_RESULTS = (
    "formation_energy_per_metal",
    "formation_energy_std",
    "formation_energy_interval",
    "accessibility_index",
    "accessible",
    "descriptors",
    "flags",
    "reference",
    "level",
    "model",
)


class MMLFormationCalculator(FormationCalculator):
    """Formation energy of a ligand-protected bimetallic cluster from the multimodal model.

    The ASE ``energy`` is E_form × N_metal [eV]; the per-metal value, its standard deviation, φ, the descriptors
    and the flags are further results. Source: Gu et al., Chem. Sci. 2025, 16, 19644.

    Parameters
    ----------
    model
        Name of a shipped model or folder of one's own.
    ligands
        Ligand annotation for Atoms that carry none in ``info["ligand_smiles"]``.
    reference
        Reference state of the ligands: ``"dimer"``, ``"hydride"`` or ``"radical"``.
    device
        Where the networks run, such as ``"cpu"`` or ``"cuda"``.
    charge
        ``"refuse"`` Atoms that declare a charge, or ``"ignore"`` it: the number of the neutral object, flagged.

    Raises
    ------
    BimetalError
        From `get_potential_energy`: bad input, each kind with its own class in `ase_bimetal.errors`.

    Examples
    --------
    >>> from ase_bimetal import MMLFormationCalculator, load_example
    >>> atoms = load_example("Au4Pd2(PET)8")
    >>> atoms.calc = MMLFormationCalculator()
    >>> atoms.get_potential_energy() < 0
    True
    """

    name = "bimetal"
    implemented_properties = ["energy", "free_energy"]
    extra_properties = _RESULTS
    options = ("model", "ligands", "reference", "device", "charge")

    def __init__(
        self,
        model: str | Path = "mml-gfn1-pbe",
        ligands: object = None,
        reference: str = "dimer",
        device: str = "cpu",
        charge: Charge = "refuse",
        **kwargs: Any,
    ) -> None:
        options = {"ligands": ligands, "reference": reference, "device": device, "charge": charge}
        super().__init__(model=str(model), **options, **kwargs)

    def calculate(
        self, atoms: Atoms | None = None, properties: list[str] | None = None, system_changes: list[str] = all_changes
    ) -> None:
        """Predict; fills ``results`` with floats, strings, dicts and tuples, never arrays."""
        from ase_bimetal.model.interface import Failure
        from ase_bimetal.model.registry import get_model

        super().calculate(atoms, properties, system_changes)
        options = self.parameters
        system = as_system(self.atoms, options["ligands"], options["charge"])
        [found] = get_model(options["model"], options["device"]).predict([system], options["reference"])
        if isinstance(found, Failure):
            raise found.error
        self.remember_info()
        self.results = {"energy": found.energy, "free_energy": found.energy}
        self.results |= {key: getattr(found, key) for key in _RESULTS}

    def get_energies(self, images: Sequence[Atoms]) -> list[float]:
        """Energies [eV] of many clusters, predicted together."""
        from ase_bimetal.model.registry import predict

        options = self.parameters
        names = ("model", "ligands", "reference", "device", "charge")
        return [found.energy for found in predict(images, **{name: options[name] for name in names})]

    def energies_on_sites(self, atoms: Atoms, sites: Sequence[int]) -> Callable[[Sequence[str]], float]:
        """A function that gives the energy [eV] of a cluster for the elements on some of its metal sites.

        It spares reading again what does not depend on the elements, for searches that swap metals.
        """
        from ase_bimetal.model.placements import SiteEnergies
        from ase_bimetal.model.predictor import get_predictor

        options = self.parameters
        predictor = get_predictor(options["model"], options["device"])
        return SiteEnergies(predictor, atoms, sites, options["ligands"], options["reference"])
