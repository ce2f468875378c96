"""Numbers of Gu et al., Chem. Sci. 2025, 16, 19644 (doi 10.1039/d5sc04386g) that ours are set beside.

Its labels are density-functional energies of its own with another state of the free surroundings, so that energies
differ by a shift that is not known; errors, correlations and orders can be compared, absolute energies hardly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SOURCE, DOI = "Gu et al., Chem. Sci. 2025, 16, 19644", "10.1039/d5sc04386g"


@dataclass(frozen=True)
class ModelError:
    """Published errors of one model.

    Attributes
    ----------
    mae
        Mean absolute error on the test rows [eV/metal].
    r2
        Coefficient of determination on the test rows [-].
    trained_mae, trained_r2
        The same on the training rows.
    rows
        What it was trained and tested on.
    """

    mae: float
    r2: float
    trained_mae: float
    trained_r2: float
    rows: str


#: Labelled configurations, and those of them in the test set.
LABELS, TEST_ROWS = 11_186, 1_118
_BOTH = "246 clusters and zeolites"
_CLUSTERS = f"{LABELS:,} configurations of 126 clusters"
#: Table 1: model → error.
MODELS: Mapping[str, ModelError] = MappingProxyType(
    {
        "MML": ModelError(0.055, 0.952, 0.050, 0.963, _CLUSTERS),
        "MML without descriptors": ModelError(0.073, 0.933, 0.070, 0.943, _CLUSTERS),
        "MML, H_mix only": ModelError(0.057, 0.951, 0.061, 0.938, _CLUSTERS),
        "MML, log P only": ModelError(0.072, 0.950, 0.058, 0.952, _CLUSTERS),
        "GCNN": ModelError(0.152, 0.927, 0.121, 0.934, _CLUSTERS),
        "random forest, 8 features": ModelError(0.182, 0.969, 0.072, 0.996, _BOTH),
    }
)
#: Table 1: regressor on eight features → error.
REGRESSORS: Mapping[str, ModelError] = MappingProxyType(
    {
        "random forest": MODELS["random forest, 8 features"],
        "gradient boosting": ModelError(0.186, 0.967, 0.077, 0.995, _BOTH),
        "CatBoost": ModelError(0.184, 0.967, 0.016, 0.999, _BOTH),
        "decision tree": ModelError(0.198, 0.966, 0.093, 0.993, _BOTH),
        "extra trees": ModelError(0.203, 0.959, 0.001, 0.999, _BOTH),
        "XGBoost": ModelError(0.215, 0.959, 0.067, 0.997, _BOTH),
        "AdaBoost": ModelError(0.325, 0.909, 0.261, 0.955, _BOTH),
        "SVR": ModelError(0.375, 0.855, 0.100, 0.979, _BOTH),
        "k nearest neighbours": ModelError(0.324, 0.810, 0.261, 0.934, _BOTH),
        "ridge": ModelError(0.616, 0.654, 0.680, 0.699, _BOTH),
        "linear": ModelError(0.614, 0.653, 0.679, 0.699, _BOTH),
        "lasso": ModelError(0.649, 0.640, 0.700, 0.686, _BOTH),
    }
)
#: Kolmogorov–Smirnov distance and p of the double-Weibull fit to the labels [-].
WEIBULL_DISTANCE, WEIBULL_P = 0.04, 0.71
#: Features that SHAP values and Pearson's r put first, in order.
FIRST_FEATURES = ("dopant ratio", "χ_env", "N_metal")
#: Mean attention by kind of atom [-], as printed.
ATTENTION: Mapping[str, str] = MappingProxyType(
    {
        "S": "0.50",
        "P": "0.42, in Au4Pd2(PET)8(PPh3)2",
        "C": "0.51 in Cp*, 0.1 to 0.2 in PPh3",
    }
)
#: Log P of ligands by XLOGP3 or PoLogP [-].
LOG_P: Mapping[str, float] = MappingProxyType({"PPh3": 5.69, "PET": 2.87, "Cp*": 0.40})
#: φ of pairs in zeolites and on N-doped carbon [-].
ZEOLITE_PHI: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("Cu", "Ir"): -0.53,
        ("Cu", "Re"): -0.55,
        ("Cu", "Os"): -0.54,
    }
)
CARBON_PHI: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("Ni", "Pt"): -0.30,
        ("Cu", "Gd"): -0.21,
        ("Au", "Ni"): -0.16,
    }
)
#: Metals whose pairs with one element the article puts first.
BEST_PARTNERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Au": ("Os", "Re", "Ru"),
        "Cu": ("Y", "Sc", "Ti", "Zr", "Au", "Cd", "Zn"),
        "Ni": ("Au", "Ag"),
    }
)
#: E_form of Au4Pd2(PET)8(PPh3)2 [eV/metal].
CAPPED_PALLADIUM = -3.63
#: Clusters that the article's MML predicted: formula → E_form [eV/metal].
PREDICTED: Mapping[str, float] = MappingProxyType(
    {
        "Au47Cd2(TBBT)31": -3.34,
        "Ag135Cu60(PET)60Cl42": -2.28,
        "Au9AgRh(PPh3)8Cl2": -2.23,
        "Au36Ag38(C≡C(CF3)2Ph)30Cl10": -1.24,
        "Au38Ag33(C≡C(CF3)2Ph)30Cl8": -1.24,
    }
)
#: Atoms of the large clusters that it predicted, and what it says their E_form is below [eV/metal].
LARGE_ATOMS, LARGE_BELOW = (277, 1317), -2.2
#: Mean absolute error of its multimodal model on Au24M(SR)18 against density-functional theory [eV/metal].
AU24M_ERROR = 0.44
#: Root mean square error of its multimodal model on the test rows [eV/metal].
TEST_RMSE = 0.209
#: Range of the labels and the interval that holds most of them [eV/metal].
RANGE, BULK = (-5.86, 0.85), (-4.0, -1.0)
#: Pearson's r of E_form and φ over about 100 materials from the literature.
PHI_CORRELATION, PHI_MATERIALS = -0.63, 100
#: Mean and spread of E_form of clusters of gold with silver [eV/metal].
GOLD_SILVER = (-2.59, 0.22)
#: Range of φ of clusters of gold with silver [-].
GOLD_SILVER_PHI = (-0.16, -0.10)
#: Metals M for which it finds E_form of Au4M2(PET)8(PPh3)2 below -5 eV/metal and φ above -0.3.
STABLE_CAPPED, STABLE_BELOW = ("Ru", "Re", "Os"), -5.0
#: Materials from the literature by class, and pairs of metals that mix and that do not.
MATERIALS: Mapping[str, int] = MappingProxyType(
    {
        "nanoclusters": 14,
        "zeolites and MOFs": 4,
        "alloys and particles": 35,
        "on oxides or nitrides": 5,
        "two-dimensional": 42,
    }
)
MISCIBLE_PAIRS, IMMISCIBLE_PAIRS = 44, 31
#: Density-functional E_form of Au24M(SR)18 by M [eV/metal].
AU24M: Mapping[str, float] = MappingProxyType({"Pd": -3.56, "Cd": -3.58, "Hg": -3.71})
#: E_form of pairs on N-doped carbon [eV/metal]: by the published forest, and by density-functional theory.
ON_CARBON: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType(
    {
        ("Au", "Ni"): (-1.79, -2.45),
        ("Cu", "Gd"): (-1.41, -1.81),
        ("Ni", "Pt"): (-1.28, -1.75),
    }
)
#: Reduced distance D̃ that the article calls optimal, by surroundings [-].
OPTIMAL_REDUCED: Mapping[str, float] = MappingProxyType({"ligands": 0.3, "zeolite": 0.1})
#: Distance D between the metals that it calls optimal, by surroundings [Å].
OPTIMAL_DISTANCE: Mapping[str, float] = MappingProxyType({"ligands": 3.5, "zeolite": 2.5})
#: Order of mean attention: groups of atoms, highest first.
ATTENTION_ORDER = ("metal", "coordinating atoms", "other atoms")
