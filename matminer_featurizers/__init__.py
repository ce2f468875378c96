"""matminer featurizers: one class per descriptor, on columns of Atoms, Structures, Molecules or Compositions."""

from ase_bimetal.featurizers.base import BimetallicFeaturizer
from ase_bimetal.featurizers.descriptors import (
    AccessibilityIndex,
    BimetallicDescriptors,
    ChargeTransfer,
    CoreComposition,
    EnvironmentElectronegativity,
    LigandLogP,
    MetalMetalDistance,
    PairMixingEnthalpy,
    ReducedDistance,
)
from ase_bimetal.featurizers.energy import FormationEnergy

__all__ = [
    "AccessibilityIndex",
    "BimetallicDescriptors",
    "BimetallicFeaturizer",
    "ChargeTransfer",
    "CoreComposition",
    "EnvironmentElectronegativity",
    "FormationEnergy",
    "LigandLogP",
    "MetalMetalDistance",
    "PairMixingEnthalpy",
    "ReducedDistance",
]
