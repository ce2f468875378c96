"""A screening in words: numbers with their signs, units and uncertainty, and sentences that sum it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ase_bimetal.formation import REFERENCE_STATES
from ase_bimetal.numbers import formula, number, shortest
from ase_bimetal.report.results import NAME, Results
from ase_bimetal.screening import columns as c

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3
# What a filter of the screening means, with its unit.
_FILTERS = {
    "phi_above": "φ above {}",
    "formation_energy_below": "E_form below {} eV/metal",
    "upper_bound_below": "upper end of the 90 % interval below {} eV/metal",
    "metal_cost_below": "metal cost below {} per kg",
    "miscible": "metals mix (H_mix below 0 kJ/mol): {}",
    "exclude_metals": "without {}",
    "exclude_critical": "without critical metals: {}",
    "exclude_restricted": "without restricted metals: {}",
    "unflagged": "without flags: {}",
}


@dataclass(frozen=True)
class Tile:
    """One number at the top of a report.

    ``value`` has its unit, and a ``label`` stands below.
    """

    value: str
    label: str


@dataclass(frozen=True)
class FailureGroup:
    """Failures of one kind.

    The error's name, how many, the reason of the first, and some ids.
    """

    kind: str
    count: int
    reason: str
    examples: str


def plain(value: object) -> str:
    """Write a setting as text.

    Lists are joined, and numbers have a true minus sign.

    Examples
    --------
    >>> plain(-0.3), plain(0.0), plain(["Cd", "Hg"])
    ('−0.3', '0', 'Cd, Hg')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return shortest(value) if isinstance(value, (int, float)) else str(value)


def measured(row: pd.Series) -> str:
    """Write E_form ± one standard deviation [eV/metal].

    It is that of a row, without the unit.
    """
    return f"{number(row[c.FORMATION_ENERGY])} ± {number(row[c.FORMATION_ENERGY_STD])}"


def interval(row: pd.Series) -> str:
    """Write the 90 % interval of E_form [eV/metal].

    It is that of a row, without the unit.
    """
    return f"{number(row[c.FORMATION_ENERGY_LOW])} to {number(row[c.FORMATION_ENERGY_HIGH])}"


def count(n: int, noun: str) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> count(1, "candidate"), count(1200, "candidate")
    ('1 candidate', '1,200 candidates')
    """
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def level_words(info: Mapping[str, Any]) -> str:
    """Word level of theory, reference state and model."""
    return f"{info['level']}, reference state: {reference_state_words(info['reference_state'])}, model {info['model']}"


def reference_state_words(reference_state: str) -> str:
    """Word the reference state of the surroundings.

    That of ligands is one of three names.

    Examples
    --------
    >>> reference_state_words("dimer"), reference_state_words("relaxed metal-free sheet")
    ('free ligands (dimer)', 'relaxed metal-free sheet')
    """
    return f"free ligands ({reference_state})" if reference_state in REFERENCE_STATES else reference_state


def summarise(results: Results) -> list[str]:
    """Sum up a screening in sentences.

    Parameters
    ----------
    results
        The screening.

    Returns
    -------
    list of str
        How many candidates, how many failed and why, how many are accessible, which are best and how sure that is,
        what the predictions should not be trusted for, and what the numbers are.
    """
    sentences = [_outcome(results)]
    if len(results.predicted):
        sentences += [
            _accessible(results),
            _filtered(results),
            *_best(results),
            _flagged(results),
            _meaning(results),
            _several_states(results),
        ]
    return [sentence for sentence in sentences if sentence]


def tiles(results: Results) -> list[Tile]:
    """Make the numbers at the top of a report."""
    ok = results.predicted
    shown = [Tile(f"{len(ok):,}", "candidates predicted"), Tile(f"{len(results.failed):,}", "failed")]
    if not len(ok):
        return shown
    best = _leading(results).iloc[0]
    return [
        *shown,
        Tile(f"{int(_true(ok[c.ACCESSIBLE]).sum()):,}", "accessible (φ > −0.3)"),
        Tile(f"{len(results.passing):,}", "pass the filters"),
        Tile(f"{measured(best)}", f"eV/metal, best: {formula(best[NAME])}, {best[c.MOTIF]}"),
    ]


def failure_groups(rows: pd.DataFrame) -> list[FailureGroup]:
    """Group failures by kind, most frequent first.

    Parameters
    ----------
    rows
        Rows without a prediction; reasons read ``KindOfError: message``.
    """
    kinds = rows[c.REASON].fillna("no reason given").astype(str).str.split(":").str[0]
    groups = []
    for kind, n in Counter(kinds).most_common():
        members = rows[kinds == kind]
        groups.append(FailureGroup(kind, n, str(members[c.REASON].iloc[0]), ", ".join(members[c.ID].head(_NAMED))))
    return groups


def _true(column: pd.Series) -> pd.Series:
    """A column of True, False or unknown as plain booleans: unknown is not true."""
    return column.eq(True).fillna(False).astype(bool)


def _leading(results: Results) -> pd.DataFrame:
    """The rows that pass, or all when none does."""
    return results.passing if len(results.passing) else results.predicted


def _outcome(results: Results) -> str:
    tried = len(results.predicted) + len(results.failed)
    text = f"{count(tried, 'candidate')}: {len(results.predicted):,} predicted, {len(results.failed):,} failed"
    if len(results.failed):
        kinds = [f"{group.count:,} × {group.kind}" for group in failure_groups(results.failed)]
        text += f" ({', '.join(kinds[:_NAMED])}{', …' if len(kinds) > _NAMED else ''})"
    if len(results.skipped):
        text += f". {count(len(results.skipped), 'combination')} made no candidate and were left out"
    return text + "."


def _accessible(results: Results) -> str:
    phi, accessible = results.predicted[c.PHI], int(_true(results.predicted[c.ACCESSIBLE]).sum())
    text = f"{accessible:,} of {len(phi):,} have an accessible dual-metal site (φ > −0.3)"
    missing = int(phi.isna().sum())
    return text + (f"; {missing:,} have no φ." if missing else ".")


def _filtered(results: Results) -> str:
    # miscible: False is a filter (metals that do not mix); a False elsewhere is one that is not set.
    used = {
        name: value
        for name, value in results.filters.items()
        if value not in (None, False, [], ()) or (name == "miscible" and value is False)
    }
    if not used:
        return "No filter was set, so every predicted candidate passes."
    named = "; ".join(_FILTERS.get(name, name + " {}").format(plain(value)) for name, value in used.items())
    return f"{len(results.passing):,} of {len(results.predicted):,} pass the filters ({named})."


def _best(results: Results) -> list[str]:
    """The first places, and how many others could as well be first."""
    leading = _leading(results)
    first, podium = leading.iloc[0], [row for _, row in leading.head(_NAMED).iterrows()]
    named = [f"{formula(row[NAME])} ({row[c.MOTIF]}) with {measured(row)} eV/metal" for row in podium]
    rivals = int((leading[c.FORMATION_ENERGY_LOW] < first[c.FORMATION_ENERGY_HIGH]).sum()) - 1
    who = "Best" if len(results.passing) else "No candidate passes the filters. Best of all"
    ranking = f"{who} by the upper end of the 90 % interval of E_form: {'; '.join(named)}."
    if rivals:
        sure = (
            f"The 90 % intervals of {count(rivals, 'other candidate')} overlap with that of the first, so the "
            "first place is not certain."
        )
    else:
        sure = "No other candidate's 90 % interval overlaps with that of the first."
    return [ranking, sure, _alternatives(leading)]


def _alternatives(leading: pd.DataFrame) -> str:
    """The best among those whose metals mix, and among those without a flag."""
    chosen = {
        "whose metals mix (H_mix < 0)": _true(leading[c.MISCIBLE]),
        "without a flag": leading[c.FLAGS].map(len) == 0,
        "whose metals mix, without a flag": _true(leading[c.MISCIBLE]) & (leading[c.FLAGS].map(len) == 0),
    }
    found = [(words, leading[mask].iloc[0]) for words, mask in chosen.items() if mask.any()]
    named = [f"{words}: {formula(row[NAME])} ({row[c.MOTIF]}), {measured(row)} eV/metal" for words, row in found]
    return f"Best {'; '.join(named)}." if named else ""


def _flagged(results: Results) -> str:
    flags = results.predicted[c.FLAGS]
    kinds = Counter(flag for row in flags for flag in row)
    if not kinds:
        return "Every prediction lies inside the training domain."
    n = int(sum(len(row) > 0 for row in flags))
    common = "; ".join(f"{flag} ({times:,})" for flag, times in kinds.most_common(_NAMED))
    return (
        f"{n:,} of {len(flags):,} predictions carry a flag, which says what not to trust them for; "
        f"the most frequent: {common}."
    )


def _meaning(results: Results) -> str:
    width = (
        "the width of the 90 % interval over 3.29; the interval need not be symmetric"
        if results.on_supports
        else "one standard deviation of network, level of theory and unrelaxed template, the 90 % interval is 1.64 of "
        "them to either side"
    )
    text = f"E_form is the formation energy per metal atom: {level_words(dict(results.info))}. ± is {width}"
    return text + ". φ, H_mix and log P are computed from tables and the geometry and have no statistical error."


def _several_states(results: Results) -> str:
    states = sorted(results.predicted[c.REFERENCE_STATE].unique())
    if len(states) < 2:
        return ""
    return (
        f"Energies are taken against {len(states)} reference states ({'; '.join(states)}): compare candidates on "
        "one kind of support."
    )
