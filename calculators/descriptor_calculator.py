"""`DescriptorFormationCalculator`: the forest on eight descriptors as an ASE calculator, for any material."""

from __future__ import annotations

from typing import Any

from ase import Atoms

from ase_bimetal.calculators.base import PREDICTED, FormationCalculator
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.system import Charge, as_system


class DescriptorFormationCalculator(FormationCalculator):
    """Formation energy of any bimetallic material by descriptors.

    A random forest predicts it from the eight-feature scheme.

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
    default_model = "descriptor-forest"
    options = ("ligands", "charge")
    extra_properties = (*PREDICTED, "novelty", "surroundings")

    def __init__(self, ligands: LigandAnnotation | None = None, charge: Charge = "refuse", **kwargs: Any) -> None:
        super().__init__(ligands=ligands, charge=charge, **kwargs)

    def further_results(self, atoms: Atoms) -> dict[str, Any]:
        """Say what the forest has not seen.

        It also says what the object is.
        """
        from ase_bimetal.model.forest import get_forest
        from ase_bimetal.model.table import surroundings

        system = as_system(atoms, self.parameters["ligands"], self.parameters["charge"])
        return {"novelty": get_forest().novelty(system), "surroundings": surroundings(system)}
