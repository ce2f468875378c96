"""Geometries that the screening takes from the labels or need not build again, as small files that are shipped.

``python -m ase_bimetal.lab.labels.geometries`` makes them again.
"""

from __future__ import annotations

import json
import lzma
from typing import Any

from ase import Atoms

from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.screening.candidates import required_shells
from ase_bimetal.screening.config import ScreenConfig, example_path
from ase_bimetal.screening.supports import GEOMETRIES
from ase_bimetal.screening.template_cache import SHIPPED
from ase_bimetal.screening.templates import template_name, template_text
from ase_bimetal.structures.motifs import FAMILIES
from ase_bimetal.structures.placements import core_of
from ase_bimetal.structures.relaxed_cores import SKELETONS, skeleton
from ase_bimetal.structures.templates import build_template

_HOST = "Au"
_DECIMALS = 6


def relaxed_skeletons() -> dict[str, list[Any]]:
    """Collect metals and donors of every relaxed gold cluster, by motif [Å]."""
    frame = load_labels().frame
    found: dict[str, list[Any]] = {}
    for row in frame[frame.kind == "parent"].itertuples():
        if row.family in FAMILIES and _is_gold(row.family, row.atoms):
            found.setdefault(row.family, []).append(skeleton(row.atoms).round(_DECIMALS).tolist())
    return found


def _is_gold(motif: str, atoms: Atoms) -> bool:
    ideal = core_of(motif).symbols
    metals = [s for s, k in zip(atoms.symbols, atoms.arrays["fragment"], strict=True) if k == 0]
    return len(metals) == len(ideal) and all(
        metal == _HOST for metal, site in zip(metals, ideal, strict=True) if site == _HOST
    )


def support_geometries() -> list[dict[str, Any]]:
    """Collect the relaxed geometry of every labelled pair on a support [Å]."""
    frame = load_hosts().frame
    return [
        {
            "prototype": row.prototype,
            "environment": row.environment,
            "symbols": row.atoms.get_chemical_symbols(),
            "positions": row.atoms.positions.round(_DECIMALS).tolist(),
        }
        for row in frame[(frame.kind == "parent") & frame.environment.notna()].itertuples()
    ]


def example_templates() -> dict[str, str]:
    """Build every template of the example screening: name → file."""
    tasks = required_shells(ScreenConfig.from_yaml(example_path()))
    return {template_name(*task): template_text(build_template(*task)) for task in tasks}


def main() -> None:
    """Write the files, the templates last: they stand on the relaxed skeletons."""
    makers = {SKELETONS: relaxed_skeletons, GEOMETRIES: support_geometries, SHIPPED: example_templates}
    for path, make in makers.items():
        write_whole(path, lzma.compress(json.dumps(make(), separators=(",", ":")).encode()))


if __name__ == "__main__":
    main()
