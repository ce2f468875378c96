"""What an unrelaxed template adds to the uncertainty of a prediction, measured where the relaxed cluster is known.

``template_errors.json`` holds, by geometry and motif, the error of one standard deviation: the 90 % quantile of the
difference between predictions on the template and on the relaxed parent, over 1.645. It is made by
``benchmarks/screening_geometry.py`` from the shipped labels and model.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

#: How a template's core was made: the motif's ideal one, or the mean of the relaxed cores of its labelled clusters.
#: In both ligands are placed on it and overlaps pushed apart; nothing is relaxed.
IDEAL_CORE, RELAXED_CORE = "template, ideal core", "template, mean relaxed core"
#: File of the errors, beside this module.
FILE = "template_errors.json"
#: Name under which the errors of all motifs together are kept.
ALL = "all"


def template_error(motif: str, geometry: str) -> float:
    """Look up the error that a template adds.

    It is one standard deviation [eV per metal atom]; of all motifs for one that is not measured.

    Parameters
    ----------
    motif
        Key of `ase_bimetal.structures.motifs.FAMILIES`.
    geometry
        `IDEAL_CORE` or `RELAXED_CORE`.

    Examples
    --------
    >>> 0 < template_error("Au4M2", RELAXED_CORE) < template_error("Au4M2", IDEAL_CORE) < 1
    True
    """
    measured = _measured()[geometry]
    return measured.get(motif, measured[ALL])


@lru_cache(maxsize=1)
def _measured() -> dict[str, dict[str, float]]:
    shipped: dict[str, dict[str, dict[str, float]]] = json.loads(
        (files("ase_bimetal.structures") / FILE).read_text(encoding="utf-8")
    )
    return shipped["errors"]


__all__ = ["ALL", "FILE", "IDEAL_CORE", "RELAXED_CORE", "template_error"]
