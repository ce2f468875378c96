"""Formation energies and descriptors of ligand-protected bimetallic clusters for ASE, pymatgen and matminer.

Names are loaded when first used, so that ``import ase_bimetal`` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase_bimetal.calculators.calculator import MMLFormationCalculator
    from ase_bimetal.calculators.descriptor_calculator import DescriptorFormationCalculator
    from ase_bimetal.examples import example_names, load_example
    from ase_bimetal.ligands import LIGAND_NAMES, Ligand, parse_ligands
    from ase_bimetal.model.interface import Failure, FormationModel, Prediction, check_model
    from ase_bimetal.model.registry import get_model, list_models, predict
    from ase_bimetal.plugins import available_featurizers
    from ase_bimetal.system import BimetallicSystem, as_system, split_clusters

_HOME = {
    "DescriptorFormationCalculator": "ase_bimetal.calculators.descriptor_calculator",
    "MMLFormationCalculator": "ase_bimetal.calculators.calculator",
    "example_names": "ase_bimetal.examples",
    "load_example": "ase_bimetal.examples",
    "LIGAND_NAMES": "ase_bimetal.ligands",
    "Ligand": "ase_bimetal.ligands",
    "parse_ligands": "ase_bimetal.ligands",
    "Failure": "ase_bimetal.model.interface",
    "FormationModel": "ase_bimetal.model.interface",
    "Prediction": "ase_bimetal.model.interface",
    "check_model": "ase_bimetal.model.interface",
    "get_model": "ase_bimetal.model.registry",
    "list_models": "ase_bimetal.model.registry",
    "predict": "ase_bimetal.model.registry",
    "available_featurizers": "ase_bimetal.plugins",
    "BimetallicSystem": "ase_bimetal.system",
    "as_system": "ase_bimetal.system",
    "split_clusters": "ase_bimetal.system",
}

__all__ = [
    "LIGAND_NAMES",
    "BimetallicSystem",
    "DescriptorFormationCalculator",
    "Failure",
    "FormationModel",
    "Ligand",
    "MMLFormationCalculator",
    "Prediction",
    "as_system",
    "available_featurizers",
    "check_model",
    "example_names",
    "get_model",
    "list_models",
    "load_example",
    "parse_ligands",
    "predict",
    "split_clusters",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ase-bimetal")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'ase_bimetal' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
