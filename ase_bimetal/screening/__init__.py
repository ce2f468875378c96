"""Screening: enumerate bimetallic clusters, predict, filter, rank; results in Parquet files.

Names are loaded when first used; the extra ``screen`` brings pydantic, pyarrow and tqdm.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ase_bimetal.extras import name_extra

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
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        with name_extra():
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
