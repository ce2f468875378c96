"""Screening: enumerate bimetallic clusters, predict, filter, rank; results in Parquet files.

Names are loaded when first used; the extra ``screen`` brings pydantic, pyarrow and tqdm.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ase_bimetal.extras import name_extra

if TYPE_CHECKING:
    from ase_bimetal.screening.candidates import enumerate_candidates
    from ase_bimetal.screening.config import ScreenConfig
    from ase_bimetal.screening.ranking import pareto_front, rank, top_candidates
    from ase_bimetal.screening.results import candidate_atoms, iter_results, load_results, screen_info
    from ase_bimetal.screening.run import ScreenSummary, screen

_HOME = {
    "ScreenConfig": "config",
    "ScreenSummary": "run",
    "screen": "run",
    "enumerate_candidates": "candidates",
    "candidate_atoms": "results",
    "iter_results": "results",
    "load_results": "results",
    "screen_info": "results",
    "pareto_front": "ranking",
    "rank": "ranking",
    "top_candidates": "ranking",
}
__all__ = [
    "ScreenConfig",
    "ScreenSummary",
    "candidate_atoms",
    "enumerate_candidates",
    "iter_results",
    "load_results",
    "pareto_front",
    "rank",
    "screen",
    "screen_info",
    "top_candidates",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        with name_extra():
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
