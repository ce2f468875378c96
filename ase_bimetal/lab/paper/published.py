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
    """Published error of one model on its test rows.

    Attributes
    ----------
    mae
        Mean absolute error [eV/metal].
    r2
        Coefficient of determination [-]; None where it is not printed.
    rows
        What it was trained and tested on.
    """

    mae: float
    r2: float | None
    rows: str


#: Labelled configurations, and those of them in the test set.
LABELS, TEST_ROWS = 11_186, 1_118
_CLUSTERS = f"{LABELS:,} configurations of 126 clusters"
#: Table 1: model → error.
MODELS: Mapping[str, ModelError] = MappingProxyType({
    "MML": ModelError(0.055, 0.952, _CLUSTERS),
    "MML without descriptors": ModelError(0.073, None, _CLUSTERS),
    "MML, H_mix only": ModelError(0.057, None, _CLUSTERS),
    "MML, log P only": ModelError(0.072, None, _CLUSTERS),
    "GCNN": ModelError(0.152, 0.927, _CLUSTERS),
    "random forest, 8 features": ModelError(0.182, 0.969, "246 clusters and zeolites"),
})
#: Range of the labels and the interval that holds most of them [eV/metal].
RANGE, BULK = (-5.86, 0.85), (-4.0, -1.0)
#: Pearson's r of E_form and φ over about 100 materials from the literature.
PHI_CORRELATION, PHI_MATERIALS = -0.63, 100
#: Mean and spread of E_form of clusters of gold with silver [eV/metal].
GOLD_SILVER = (-2.59, 0.22)
#: Density-functional E_form of Au24M(SR)18 by M [eV/metal].
AU24M: Mapping[str, float] = MappingProxyType({"Pd": -3.56, "Cd": -3.58, "Hg": -3.71})
#: E_form of pairs on N-doped carbon [eV/metal]: by the published forest, and by density-functional theory.
ON_CARBON: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType({
    ("Au", "Ni"): (-1.79, -2.45), ("Cu", "Gd"): (-1.41, -1.81), ("Ni", "Pt"): (-1.28, -1.75),
})
#: Reduced distance D̃ that the article calls optimal, by surroundings [-].
OPTIMAL_REDUCED: Mapping[str, float] = MappingProxyType({"ligands": 0.3, "zeolite": 0.1})
#: Order of mean attention: groups of atoms, highest first.
ATTENTION_ORDER = ("metal", "coordinating atoms", "other atoms")
