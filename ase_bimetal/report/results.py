"""What a report reads of a screening: its rows in order of merit, its failures, and what the numbers are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase_bimetal.descriptors import ACCESSIBLE_ABOVE
from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import Ligand
from ase_bimetal.screening import columns as c

if TYPE_CHECKING:
    import pandas as pd

#: Columns a report adds: a name for people, with # and the arrangement where there are several; and whether the row
#: lies on the Pareto front of E_form and φ.
NAME, FRONT = "name", "front"
# What a report shows; the other columns of a large screening would fill the memory for nothing.
_READ = (
    c.ID,
    c.STATUS,
    c.REASON,
    c.MOTIF,
    c.HOST,
    c.DOPANTS,
    c.COMPOSITION,
    c.ARRANGEMENT,
    c.LIGAND,
    c.LIGANDS,
    c.FORMATION_ENERGY,
    c.FORMATION_ENERGY_STD,
    c.FORMATION_ENERGY_LOW,
    c.FORMATION_ENERGY_HIGH,
    c.TEMPLATE_ERROR,
    c.PHI,
    c.ACCESSIBLE,
    c.REDUCED_DISTANCE,
    c.CHI_ENV,
    c.MIXING_ENTHALPY,
    c.MISCIBLE,
    c.LOG_P,
    c.METAL_COST,
    c.CRITICAL_METALS,
    c.FLAGS,
    c.PASSES,
    c.GEOMETRY,
    c.REFERENCE_STATE,
    c.LEVEL,
)
_CHALCOGENS, _HALOGENS = ("O", "S", "Se", "Te"), ("F", "Cl", "Br", "I")
_COUNTED = re.compile(r"^(\d+) (.+)$")


@dataclass(frozen=True, eq=False)
class Results:
    """A screening as a report sees it.

    Attributes
    ----------
    folder
        Results folder of the screening.
    predicted
        Rows with a prediction, best first: those that pass the filters before the others, each group by the upper
        end of the 90 % interval of E_form. Columns of `ase_bimetal.screening.columns`, with `NAME` and `FRONT`.
    failed
        Rows that should have had a prediction and have none.
    skipped
        Combinations that are no candidates, such as a ligand that fits no site of a motif.
    info
        What `ase_bimetal.screening.screen_info` says: configuration, model, level, reference state, version.
    """

    folder: Path
    predicted: pd.DataFrame
    failed: pd.DataFrame
    skipped: pd.DataFrame
    info: Mapping[str, Any] = field(hash=False)

    @property
    def passing(self) -> pd.DataFrame:
        """Rows of `predicted` that pass every filter of the screening."""
        return self.predicted[self.predicted[c.PASSES].astype(bool)]

    @property
    def on_supports(self) -> bool:
        """Whether the candidates are pairs of metals on supports, and not clusters."""
        return bool(self.info["config"].get("supports"))

    @property
    def filters(self) -> Mapping[str, Any]:
        """Filters of the screening by name; None or False where one is not set."""
        filters: Mapping[str, Any] = self.info["config"]["filters"]
        return filters

    @property
    def favourable(self) -> tuple[float, float]:
        """Edges of the favourable region: φ above [-], E_form below [eV/metal].

        The screening's own filters; where it set none, φ > −0.3 (accessible) and E_form < 0 (stable against atoms
        and free ligands).
        """
        phi, energy = self.filters.get("phi_above"), self.filters.get("formation_energy_below")
        return (ACCESSIBLE_ABOVE if phi is None else phi, 0.0 if energy is None else energy)


def read_results(folder: str | Path) -> Results:
    """Read a results folder.

    Parameters
    ----------
    folder
        Folder that `ase_bimetal.screening.screen` wrote.

    Raises
    ------
    ScreenError
        The folder holds no screening.
    """
    from ase_bimetal.screening import load_results, pareto_front, rank, screen_info

    frame = load_results(folder, columns=_READ)
    ok = frame[frame[c.STATUS] == c.OK]
    passes = ok[c.PASSES].astype(bool)
    front = set(pareto_front(ok)[c.ID])
    order = [*rank(ok[passes])[c.ID], *rank(ok[~passes])[c.ID]]
    ranked = ok.set_index(c.ID, drop=False).loc[order].reset_index(drop=True)
    ranked[NAME] = [candidate_name(*row) for row in zip(ranked[c.COMPOSITION], ranked[c.LIGANDS], strict=True)]
    if ranked[c.ARRANGEMENT].nunique() > 1:
        ranked[NAME] += " #" + ranked[c.ARRANGEMENT].astype(int).astype(str)
    ranked[FRONT] = ranked[c.ID].isin(front)
    return Results(
        folder=Path(folder),
        predicted=ranked,
        failed=frame[frame[c.STATUS] == c.FAILED],
        skipped=frame[frame[c.STATUS] == c.SKIPPED],
        info=screen_info(folder),
    )


def candidate_name(composition: str, ligands: str | None) -> str:
    """Write a candidate's formula as chemists do.

    It comes from the columns ``composition`` and ``ligands``, which a support has none of.

    Examples
    --------
    >>> candidate_name("Au4Pd2", "2 PMe3 + 8 SMe"), candidate_name("Au8Pd", "2 Cl + 6 PPh3")
    ('Au4Pd2(SMe)8(PMe3)2', 'Au8Pd(PPh3)6(Cl)2')
    """
    return composition + "".join(f"({name}){count}" for count, name in shell_parts(ligands))


@lru_cache(maxsize=4096)
def _place_in_formula(name: str) -> tuple[int, str]:
    """Ligands in the order of the literature: through chalcogens, other X, neutral, halides; each kind by name."""
    try:
        ligand = Ligand.parse(name)
    except LigandError:
        return 4, name
    if ligand.type != "X":
        return 2, name
    return 0 if ligand.donor in _CHALCOGENS else 3 if ligand.donor in _HALOGENS else 1, name


def shell_parts(ligands: str | None) -> list[tuple[int, str]]:
    """Split a shell into counts and names.

    The order is that of a formula.

    Parameters
    ----------
    ligands
        The column ``ligands``, which is empty for a support.

    Examples
    --------
    >>> shell_parts("2 PPh3 + 8 PET"), shell_parts(None)
    ([(8, 'PET'), (2, 'PPh3')], [])
    """
    matched = [_COUNTED.match(part) for part in (ligands or "").split(" + ")]
    parts = [(int(part[1]), part[2]) for part in matched if part]
    return sorted(parts, key=lambda part: _place_in_formula(part[1]))
