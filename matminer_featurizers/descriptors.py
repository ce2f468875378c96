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
    """Composition of the metal core.

    N_metal, dopant ratio, ΔM, ΔR and Δχ_M.

    Examples
    --------
    >>> CoreComposition().feature_labels()
    ['N_metal (atoms)', 'dopant ratio (-)', 'delta M (g/mol)', 'delta R (Å)', 'delta chi_M (Pauling)']
    """

    _FUNCTIONS = {
        "N_metal (atoms)": d.core_size,
        "dopant ratio (-)": d.dopant_ratio,
        "delta M (g/mol)": d.mass_difference,
        "delta R (Å)": d.radius_difference,
        "delta chi_M (Pauling)": d.electronegativity_difference,
    }

    def labels(self) -> list[str]:
        """List names with units."""
        return list(self._FUNCTIONS)

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute the values in the order of the labels."""
        return [function(system) for function in self._FUNCTIONS.values()]


class PairMixingEnthalpy(BimetallicFeaturizer):
    """Mixing enthalpy H_mix of the metal pair.

    It is from the Takeuchi–Inoue table; a missing pair is an error, never imputed.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> PairMixingEnthalpy().featurize(load_example("Au4Pd2(PET)8"))  # kJ/mol
    [0.0]
    """

    def labels(self) -> list[str]:
        """Give the name with unit."""
        return ["H_mix (kJ/mol)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Look up H_mix [kJ/mol]."""
        return [d.mixing_enthalpy(system)]

    def citations(self) -> list[str]:
        """Give BibTeX of the source and of the table."""
        return [SOURCE, _MIEDEMA]


class MetalMetalDistance(BimetallicFeaturizer):
    """Mean distance D of unlike metals.

    ``pairs`` is ``"nearest"`` or ``"all"``.

    Parameters
    ----------
    pairs
        ``"nearest"``: unlike neighbours; ``"all"``: all unlike pairs.

    Examples
    --------
    >>> from ase import Atoms
    >>> MetalMetalDistance().featurize(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]))  # Å
    [2.7]
    """

    def __init__(self, pairs: d.PairChoice = "nearest") -> None:
        self.pairs = pairs

    def labels(self) -> list[str]:
        """Give the name with unit."""
        return ["D (Å)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute D [Å]."""
        return [d.metal_distance(system, self.pairs)]


class EnvironmentElectronegativity(BimetallicFeaturizer):
    """χ_env, eq. (5); options as in `ase_bimetal.descriptors.environment_electronegativity`.

    Parameters
    ----------
    weights, substrate
        As in `ase_bimetal.descriptors.environment_electronegativity`.

    Examples
    --------
    >>> EnvironmentElectronegativity().feature_labels()
    ['chi_env (Pauling)']
    """

    def __init__(self, weights: d.Weights = "atoms", substrate: d.Substrate = "auto") -> None:
        self.weights = weights
        self.substrate = substrate

    def labels(self) -> list[str]:
        """Give the name with unit."""
        return ["chi_env (Pauling)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute χ_env [Pauling]."""
        return [d.environment_electronegativity(system, self.weights, self.substrate)]


class ReducedDistance(BimetallicFeaturizer):
    """D̃, eq. (10); ``pairs`` and ``scale`` as in `ase_bimetal.descriptors.reduced_distance`.

    Parameters
    ----------
    pairs
        ``"nearest"``: unlike neighbours; ``"all"``: all unlike pairs.
    scale
        c of eq. (10) [-].

    Examples
    --------
    >>> ReducedDistance().feature_labels()
    ['reduced distance (-)']
    """

    def __init__(self, pairs: d.PairChoice = "nearest", scale: float = d.REDUCED_DISTANCE_SCALE) -> None:
        self.pairs = pairs
        self.scale = scale

    def labels(self) -> list[str]:
        """Give the name with unit."""
        return ["reduced distance (-)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute D̃ [-]."""
        return [d.reduced_distance(system, self.pairs, self.scale)]


class AccessibilityIndex(BimetallicFeaturizer):
    """φ, eq. (11); options as in `ase_bimetal.descriptors.accessibility_index`.

    Parameters
    ----------
    weights, substrate
        As in `ase_bimetal.descriptors.environment_electronegativity`.
    pairs
        ``"nearest"``: unlike neighbours; ``"all"``: all unlike pairs.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> [phi] = AccessibilityIndex().featurize(load_example("Au4Pd2(PET)8"))
    >>> phi > -0.3
    True
    """

    def __init__(
        self, weights: d.Weights = "atoms", substrate: d.Substrate = "auto", pairs: d.PairChoice = "nearest"
    ) -> None:
        self.weights = weights
        self.substrate = substrate
        self.pairs = pairs

    def labels(self) -> list[str]:
        """Give the name with unit."""
        return ["phi (-)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute φ [-]."""
        return [d.accessibility_index(system, self.weights, self.substrate, self.pairs)]


class LigandLogP(BimetallicFeaturizer):
    """Crippen log P of the ligands.

    They are taken free and protonated, weighted by count.

    Examples
    --------
    >>> LigandLogP().feature_labels()
    ['log P (-)']
    """

    def labels(self) -> list[str]:
        """Give the name with unit."""
        return ["log P (-)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute log P [-]."""
        return [d.ligand_log_p(system)]

    def citations(self) -> list[str]:
        """Give BibTeX of the source and of the model.

        The model is that of log P.
        """
        return [SOURCE, _CRIPPEN]


class ChargeTransfer(BimetallicFeaturizer):
    """Charge transfer ΔQ_CT.

    It is the difference of the mean charges of dopant and host; needs charges on the object.

    Examples
    --------
    >>> ChargeTransfer().feature_labels()
    ['delta Q_CT (e)']
    """

    def labels(self) -> list[str]:
        """Give the name with unit."""
        return ["delta Q_CT (e)"]

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute ΔQ_CT [e]."""
        return [d.charge_transfer(system)]


class BimetallicDescriptors(BimetallicFeaturizer):
    """Several descriptors at once, by label; see `from_preset`.

    Parameters
    ----------
    names
        Labels out of `ase_bimetal.descriptors.ALL_DESCRIPTORS`; by default the 8-feature scheme.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> len(BimetallicDescriptors().featurize(load_example("Au4Pd2(PET)8")))
    8
    """

    def __init__(self, names: Sequence[str] = tuple(d.PAPER_FEATURES)) -> None:
        self.names = names

    @classmethod
    def from_preset(cls, preset: str) -> BimetallicDescriptors:
        """Make the featurizer of a named set.

        ``"paper"``: the 8-feature scheme; ``"all"``: every descriptor that needs no charges.

        Parameters
        ----------
        preset
            ``"paper"`` or ``"all"``.

        Returns
        -------
        BimetallicDescriptors
            The featurizer.

        Raises
        ------
        BimetalError
            Unknown preset.

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
        """List names with units."""
        unknown = set(self.names) - set(d.ALL_DESCRIPTORS)
        if unknown:
            raise BimetalError(
                f"unknown descriptors {sorted(unknown)}; allowed: {', '.join(d.ALL_DESCRIPTORS)}"
                ". Choose among these, units included"
            )
        return list(self.names)

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute the values in the order of the labels."""
        return [_or_nan(d.ALL_DESCRIPTORS[name], system) for name in self.labels()]

    def citations(self) -> list[str]:
        """Give BibTeX of the source and its tables."""
        return [SOURCE, _MIEDEMA, _CRIPPEN]
