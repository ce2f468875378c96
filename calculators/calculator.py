"""`MMLFormationCalculator`: the multimodal model as an ASE calculator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ase_bimetal.calculators.base import FormationCalculator
from ase_bimetal.formation import ReferenceState
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.system import Charge


class MMLFormationCalculator(FormationCalculator):
    """Formation energy of a cluster by the multimodal model.

    The cluster is bimetallic and protected by ligands.

    The ASE ``energy`` is E_form × N_metal [eV]; the per-metal value, its standard deviation, φ, the descriptors
    and the flags are further results. Source: Gu et al., Chem. Sci. 2025, 16, 19644.

    Parameters
    ----------
    model
        Name of a shipped model or folder of one's own.
    ligands
        Ligand annotation for Atoms that carry none in ``info["ligand_smiles"]``.
    reference_state
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
    options = ("model", "ligands", "reference_state", "device", "charge")

    def __init__(
        self,
        model: str | Path = "mml-gfn1-pbe",
        ligands: LigandAnnotation | None = None,
        reference_state: ReferenceState = "dimer",
        device: str = "cpu",
        charge: Charge = "refuse",
        **kwargs: Any,
    ) -> None:
        options = {"ligands": ligands, "reference_state": reference_state, "device": device, "charge": charge}
        super().__init__(model=str(model), **options, **kwargs)
