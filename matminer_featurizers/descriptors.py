"""One featurizer per descriptor of Gu et al. 2025; each only calls `ase_bimetal.descriptors`."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from ase_bimetal import descriptors as d
from ase_bimetal.errors import BimetalError, OneMetalError
from ase_bimetal.featurizers.base import SOURCE, BimetallicFeaturizer
from ase_bimetal.system import BimetallicSystem

_MIEDEMA = (
    "@article{takeuchi2005classification, author = {Takeuchi, Akira and Inoue, Akihisa}, title = {Classification of "
    "Bulk Metallic Glasses by Atomic Size Difference, Heat of Mixing and Period of Constituent Elements and Its "
    "Application to Characterization of the Main Alloying Element}, journal = {Materials Transactions}, "
    "volume = {46}, pages = {2817--2829}, year = {2005}, doi = {10.2320/matertrans.46.2817}}"
)
_CRIPPEN = (
    "@article{wildman1999prediction, author = {Wildman, Scott A. and Crippen, Gordon M.}, title = {Prediction of "
    "Physicochemical Parameters by Atomic Contributions}, journal = {Journal of Chemical Information and Computer "
    "Sciences}, volume = {39}, pages = {868--873}, year = {1999}, doi = {10.1021/ci990307l}}"
)


def _or_nan(function: d.Descriptor, system: BimetallicSystem) -> float:
    """A descriptor, NaN if it is measured between two metals and there is one."""
    try:
        return function(system)
    except OneMetalError:
        return nan


class CoreComposition(BimetallicFeaturizer):
    """N_metal, dopant ratio, ΔM, ΔR and Δχ_M of the metal core."""

    _FUNCTIONS = {
        "N_metal (atoms)": d.core_size,
        "dopant ratio (-)": d.dopant_ratio,
        "delta M (g/mol)": d.mass_difference,
        "delta R (Å)": d.radius_difference,
        "delta chi_M (Pauling)": d.electronegativity_difference,
    }

    def labels(self) -> list[str]:
        """Names with units."""
        return list(self._FUNCTIONS)

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Values in the order of the labels."""
        return [function(system) for function in self._FUNCTIONS.values()]


class PairMixingEnthalpy(BimetallicFeaturizer):
    """H_mix of the metal pair from the Takeuchi–Inoue table; a missing pair is an error, never imputed."""

    def labels(self) -> list[str]:
        """Name with unit."""
        return ["H_mix (kJ/mol)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """H_mix [kJ/mol]."""
        return [d.mixing_enthalpy(system)]

    def citations(self) -> list[str]:
        """BibTeX of the source and of the table."""
        return [SOURCE, _MIEDEMA]


class MetalMetalDistance(BimetallicFeaturizer):
    """D, the mean distance of unlike metals; ``pairs`` is ``"nearest"`` or ``"all"``."""

    def __init__(self, pairs: d.PairChoice = "nearest") -> None:
        self.pairs = pairs

    def labels(self) -> list[str]:
        """Name with unit."""
        return ["D (Å)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """D [Å]."""
        return [d.metal_distance(system, self.pairs)]


class EnvironmentElectronegativity(BimetallicFeaturizer):
    """χ_env, eq. (5); options as in `ase_bimetal.descriptors.environment_electronegativity`."""

    def __init__(self, weights: d.Weights = "atoms", substrate: d.Substrate = "auto") -> None:
        self.weights = weights
        self.substrate = substrate

    def labels(self) -> list[str]:
        """Name with unit."""
        return ["chi_env (Pauling)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """χ_env [Pauling]."""
        return [d.environment_electronegativity(system, self.weights, self.substrate)]


class ReducedDistance(BimetallicFeaturizer):
    """D̃, eq. (10); ``pairs`` and ``scale`` as in `ase_bimetal.descriptors.reduced_distance`."""

    def __init__(self, pairs: d.PairChoice = "nearest", scale: float = d.REDUCED_DISTANCE_SCALE) -> None:
        self.pairs = pairs
        self.scale = scale

    def labels(self) -> list[str]:
        """Name with unit."""
        return ["reduced distance (-)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """D̃ [-]."""
        return [d.reduced_distance(system, self.pairs, self.scale)]


class AccessibilityIndex(BimetallicFeaturizer):
    """φ, eq. (11); options as in `ase_bimetal.descriptors.accessibility_index`."""

    def __init__(
        self, weights: d.Weights = "atoms", substrate: d.Substrate = "auto", pairs: d.PairChoice = "nearest"
    ) -> None:
        self.weights = weights
        self.substrate = substrate
        self.pairs = pairs

    def labels(self) -> list[str]:
        """Name with unit."""
        return ["phi (-)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """φ [-]."""
        return [d.accessibility_index(system, self.weights, self.substrate, self.pairs)]


class LigandLogP(BimetallicFeaturizer):
    """Crippen log P of the free, protonated ligands, weighted by count."""

    def labels(self) -> list[str]:
        """Name with unit."""
        return ["log P (-)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """log P [-]."""
        return [d.ligand_log_p(system)]

    def citations(self) -> list[str]:
        """BibTeX of the source and of the log P model."""
        return [SOURCE, _CRIPPEN]


class ChargeTransfer(BimetallicFeaturizer):
    """ΔQ_CT, the difference of the mean charges of dopant and host; needs charges on the object."""

    def labels(self) -> list[str]:
        """Name with unit."""
        return ["delta Q_CT (e)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """ΔQ_CT [e]."""
        return [d.charge_transfer(system)]


class BimetallicDescriptors(BimetallicFeaturizer):
    """Several descriptors at once, by label; see `from_preset`.

    Parameters
    ----------
    names
        Labels out of `ase_bimetal.descriptors.ALL_DESCRIPTORS`; by default the 8-feature scheme.
    """

    def __init__(self, names: Sequence[str] = tuple(d.PAPER_FEATURES)) -> None:
        self.names = names

    @classmethod
    def from_preset(cls, preset: str) -> BimetallicDescriptors:
        """``"paper"``: the 8-feature scheme; ``"all"``: every descriptor that needs no charges.

        Examples
        --------
        >>> len(BimetallicDescriptors.from_preset("paper").feature_labels())
        8
        """
        presets = {
            "paper": tuple(d.PAPER_FEATURES),
            "all": tuple(name for name in d.ALL_DESCRIPTORS if name != "delta Q_CT (e)"),
        }
        if preset not in presets:
            raise BimetalError(f"unknown preset {preset!r}; allowed: {', '.join(presets)}. Choose one of these")
        return cls(presets[preset])

    def labels(self) -> list[str]:
        """Names with units."""
        unknown = set(self.names) - set(d.ALL_DESCRIPTORS)
        if unknown:
            raise BimetalError(f"unknown descriptors {sorted(unknown)}; allowed: {', '.join(d.ALL_DESCRIPTORS)}"
                               ". Choose among these, units included")
        return list(self.names)

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Values in the order of the labels."""
        return [_or_nan(d.ALL_DESCRIPTORS[name], system) for name in self.labels()]

    def citations(self) -> list[str]:
        """BibTeX of the source and of the tables it rests on."""
        return [SOURCE, _MIEDEMA, _CRIPPEN]
