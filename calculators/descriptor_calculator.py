"""`DescriptorFormationCalculator`: the forest on eight descriptors as an ASE calculator, for any material."""

from __future__ import annotations

from typing import Any

from ase import Atoms
from ase.calculators.calculator import all_changes

from ase_bimetal.calculators.base import FormationCalculator
from ase_bimetal.system import Charge, as_system

_FROM_FOREST = (
    "formation_energy_per_metal",
    "formation_energy_interval",
    "formation_energy_std",
    "level",
    "reference",
    "model",
    "novelty",
    "flags",
)
_FROM_DESCRIPTORS = ("accessibility_index", "accessible", "descriptors", "surroundings")


class DescriptorFormationCalculator(FormationCalculator):
    """Formation energy of any bimetallic material from a random forest on the eight-feature scheme.

    For clusters, zeolites, doped carbon, particles and surfaces alike; coarser than `MMLFormationCalculator` where
    that one applies. The ASE ``energy`` is E_form × N_metal [eV]; ``formation_energy_interval`` holds the ends of
    the 90 % interval [eV/metal]. The features are those of Gu et al., Chem. Sci. 2025, 16, 19644.

    Parameters
    ----------
    ligands
        Ligand annotation for Atoms that carry none in ``info["ligand_smiles"]``.
    charge
        ``"refuse"`` Atoms that declare a charge, or ``"ignore"`` it: the number of the neutral object, flagged.

    Raises
    ------
    BimetalError
        From `get_potential_energy`: bad input, each kind with its own class in `ase_bimetal.errors`; among them
        `ChargedSystemError`, and `UnsupportedSystemError` for an object that does not hold exactly two metals.

    Examples
    --------
    >>> from ase.build import fcc111
    >>> slab = fcc111("Cu", (2, 2, 3), vacuum=8.0)
    >>> slab.symbols[0] = "Pt"
    >>> slab.calc = DescriptorFormationCalculator()
    >>> slab.get_potential_energy() < 0
    True
    """

    name = "bimetal-descriptors"
    implemented_properties = ["energy", "free_energy"]
    extra_properties = (*_FROM_FOREST, *_FROM_DESCRIPTORS)
    options = ("ligands", "charge")

    def __init__(self, ligands: object = None, charge: Charge = "refuse", **kwargs: Any) -> None:
        super().__init__(ligands=ligands, charge=charge, **kwargs)

    def calculate(
        self, atoms: Atoms | None = None, properties: list[str] | None = None, system_changes: list[str] = all_changes
    ) -> None:
        """Predict; fills ``results`` with floats, strings, dicts and tuples, never arrays."""
        from ase_bimetal.descriptors import all_descriptors, is_accessible
        from ase_bimetal.model.forest import get_forest
        from ase_bimetal.model.table import surroundings

        super().calculate(atoms, properties, system_changes)
        system = as_system(self.atoms, self.parameters["ligands"], self.parameters["charge"])
        found = get_forest().estimate(system)
        descriptors = all_descriptors(system)
        phi = descriptors.get("phi (-)")
        self.remember_info()
        energy = found.formation_energy_per_metal * system.n_metals
        self.results = {"energy": energy, "free_energy": energy}
        self.results |= {key: getattr(found, key) for key in _FROM_FOREST}
        self.results |= {
            "accessibility_index": phi,
            "accessible": None if phi is None else is_accessible(system),
            "descriptors": descriptors,
            "surroundings": surroundings(system),
        }
