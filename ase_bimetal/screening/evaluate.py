"""From candidates to rows: exchange the metals, predict the chunk, apply the filters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ase import Atoms

from ase_bimetal.errors import BimetalError, ScreenError
from ase_bimetal.exchange import MetalExchange
from ase_bimetal.ligands import formula_text
from ase_bimetal.model.domain import Z90
from ase_bimetal.model.interface import Failure, Prediction
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.candidates import Candidate, Skip
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.screening.models import ScreeningModel, model_of
from ase_bimetal.screening.supply import is_critical, metal_cost
from ase_bimetal.structures.template_errors import IDEAL_CORE, template_error
from ase_bimetal.structures.templates import with_metals
from ase_bimetal.system import BimetallicSystem, as_system

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
Made = TypeVar("Made")
#: Descriptor label → column.
_DESCRIPTORS = {
    "reduced distance (-)": c.REDUCED_DISTANCE,
    "chi_env (Pauling)": c.CHI_ENV,
    "H_mix (kJ/mol)": c.MIXING_ENTHALPY,
    "log P (-)": c.LOG_P,
    "D (Å)": c.METAL_DISTANCE,
}


@dataclass(frozen=True)
class Chunk:
    """Some candidates with all that predicting them takes.

    Any machine can evaluate it.

    Attributes
    ----------
    index
        Number of the chunk in the screening.
    items
        Candidates and skips, in order.
    templates
        Name → geometry, or why there is none.
    config
        The screening.
    """

    index: int
    items: tuple[Candidate | Skip, ...]
    templates: Mapping[str, Atoms | str]
    config: ScreenConfig


def evaluate_chunk(chunk: Chunk) -> list[Row]:
    """Evaluate each item of a chunk.

    The rows come in order; what cannot be predicted says why.

    Parameters
    ----------
    chunk
        The candidates.

    Returns
    -------
    list of dict
        Column name → value; see `ase_bimetal.screening.columns`.
    """
    config = chunk.config
    model = model_of(config)
    about = model.about
    exchanges = {name: _exchange(template) for name, template in chunk.templates.items()}
    made = [_make_system(item, chunk.templates, exchanges) for item in chunk.items]
    systems = [m for m in made if isinstance(m, BimetallicSystem)]
    found = iter(_predict(model, systems))
    rows = []
    for item, system in zip(chunk.items, made, strict=True):
        row: Row = dict.fromkeys(column.name for column in c.COLUMNS)
        row |= {c.LEVEL: about["level"], c.REFERENCE_STATE: about["reference_state"], c.MODEL: about["model"]}
        if isinstance(item, Skip):
            row |= _skip_row(item)
        elif system is not None:
            row |= _identity(item, config)
            outcome = next(found) if isinstance(system, BimetallicSystem) else system
            row |= _outcome_row(outcome, system)
            row |= _geometry(item, chunk.templates[row[c.TEMPLATE]], row[c.FLAGS])
            row |= _widened(row) if row[c.STATUS] == c.OK and item.site is None else {}
            row |= _filter_row(row, config)
        rows.append(row)
    return rows


def _exchange(template: Atoms | str) -> MetalExchange | None:
    """What reads a template once for all of its candidates; None where every candidate is read by itself."""
    made = None if isinstance(template, str) else _guarded(lambda: MetalExchange(template))
    return made if isinstance(made, MetalExchange) and made.start.kind == "cluster" else None


def _make_system(
    item: Candidate | Skip, templates: Mapping[str, Atoms | str], exchanges: Mapping[str, MetalExchange | None]
) -> BimetallicSystem | Failure | None:
    if isinstance(item, Skip):
        return None
    template, exchange = templates[item.template], exchanges[item.template]
    if isinstance(template, str):
        return Failure(ScreenError(f"no template: {template}"))
    if exchange is None:
        return _guarded(lambda: as_system(with_metals(template, item.core_symbols)))
    return _guarded(lambda: exchange.system(item.core_symbols))


def _guarded(make: Callable[[], Made]) -> Made | Failure:
    """The result of a call, or its failure: one bad candidate never stops the rest."""
    try:
        return make()
    except BimetalError as error:
        return Failure(error)
    except Exception as error:  # a fault of ours in one candidate must not cost a million others
        return Failure(ScreenError(f"{type(error).__name__}: {error}"))


def _predict(model: ScreeningModel, systems: Sequence[BimetallicSystem]) -> list[Prediction | Failure]:
    """Predict together; if that breaks, predict the halves, down to the one system at fault."""
    found = _guarded(lambda: model.model.predict(systems, model.reference_state))
    if not isinstance(found, Failure):
        return found
    if len(systems) == 1:
        return [found]
    half = len(systems) // 2
    return [*_predict(model, systems[:half]), *_predict(model, systems[half:])]


def _skip_row(item: Skip) -> Row:
    return {
        c.ID: item.id,
        c.STATUS: c.SKIPPED,
        c.REASON: item.reason,
        c.MOTIF: item.motif,
        c.HOST: item.host,
        c.DOPANTS: "+".join(item.dopants) or None,
        c.COMPOSITION: item.composition,
        c.LIGAND: item.ligand,
    }


def _identity(item: Candidate, config: ScreenConfig) -> Row:
    symbols = item.core_symbols
    return {
        c.ID: item.id,
        c.MOTIF: item.motif,
        c.HOST: item.host,
        c.DOPANTS: "+".join(item.dopants),
        c.COMPOSITION: item.composition,
        c.N_METALS: len(symbols),
        c.DOPANT_RATIO: 1 - item.labels.count(0) / len(symbols),
        c.ARRANGEMENT: item.arrangement,
        c.LIGAND: item.shell.label or None,
        c.METAL_COST: metal_cost(symbols, config.prices),
        c.CRITICAL_METALS: sorted({s for s in symbols if is_critical(s)}),
        c.TEMPLATE: item.template,
        c.CORE_SYMBOLS: list(symbols),
    }


def _outcome_row(outcome: Prediction | Failure, system: BimetallicSystem | Failure) -> Row:
    row: Row = _contents(system) if isinstance(system, BimetallicSystem) else {}
    if isinstance(outcome, Failure):
        return row | {c.STATUS: c.FAILED, c.REASON: outcome.reason}
    low, high = outcome.formation_energy_interval
    row |= {column: outcome.descriptors.get(label) for label, column in _DESCRIPTORS.items()}
    mixing = row[c.MIXING_ENTHALPY]
    return row | {
        c.STATUS: c.OK,
        c.FORMATION_ENERGY: outcome.formation_energy_per_metal,
        c.FORMATION_ENERGY_STD: outcome.formation_energy_std,
        c.FORMATION_ENERGY_LOW: low,
        c.FORMATION_ENERGY_HIGH: high,
        c.LEVEL: outcome.level,
        c.REFERENCE_STATE: outcome.reference_state,
        c.PHI: outcome.accessibility_index,
        c.ACCESSIBLE: outcome.accessible,
        c.MISCIBLE: None if mixing is None else mixing < 0,
        c.FLAGS: list(outcome.flags),
    }


def _geometry(item: Candidate, template: Atoms | str, flags: list[str] | None) -> Row:
    """How the geometry was made, and what about it a prediction should not be trusted for."""
    if isinstance(template, str):
        return {}
    made = template.info["geometry"]
    if flags is None:
        return {c.GEOMETRY: made}
    notes = [template.info.get("template_note")]
    if made == IDEAL_CORE:
        notes.append(f"ideal core: no labelled cluster tells how {item.motif} relaxes")
    if item.site is None and item.host != "Au":
        notes.append(f"core of a gold cluster with {item.host} in its place")
    return {c.GEOMETRY: made, c.FLAGS: [*flags, *filter(None, notes)]}


def _widened(row: Row) -> Row:
    """Standard deviation and interval with what the unrelaxed template adds, as an independent error."""
    added = template_error(row[c.MOTIF], row[c.GEOMETRY])
    energy, std = row[c.FORMATION_ENERGY], math.hypot(row[c.FORMATION_ENERGY_STD], added)
    return {
        c.FORMATION_ENERGY_STD: std,
        c.TEMPLATE_ERROR: added,
        c.FORMATION_ENERGY_LOW: energy - Z90 * std,
        c.FORMATION_ENERGY_HIGH: energy + Z90 * std,
    }


def _contents(system: BimetallicSystem) -> Row:
    return {
        c.LIGANDS: " + ".join(f"{count} {ligand.name}" for ligand, count in system.ligands) or None,
        c.FORMULA: formula_text(Counter(system.symbols)),
        c.N_ATOMS: len(system.symbols),
    }


def _filter_row(row: Row, config: ScreenConfig) -> Row:
    """Whether a predicted row passes, and the filters it does not pass."""
    if row[c.STATUS] != c.OK:
        return {}
    failed = failed_filters(row, config)
    return {c.PASSES: not failed, c.FILTER_REASON: "; ".join(failed) or None}


def failed_filters(row: Mapping[str, Any], config: ScreenConfig) -> list[str]:
    """List the filters that a row fails.

    They are in words; a value that is missing does not pass.
    """
    filters, found = config.filters, []
    for name, column, limit, above in (
        ("phi", c.PHI, filters.phi_above, True),
        ("E_form", c.FORMATION_ENERGY, filters.formation_energy_below, False),
        ("upper end of E_form", c.FORMATION_ENERGY_HIGH, filters.upper_bound_below, False),
        ("metal cost", c.METAL_COST, filters.metal_cost_below, False),
    ):
        value = row[column]
        if limit is not None and (value is None or not (value > limit if above else value < limit)):
            found.append(f"{name} not {'above' if above else 'below'} {limit:g}")
    if filters.miscible is not None and row[c.MISCIBLE] is not filters.miscible:
        found.append("not miscible" if filters.miscible else "miscible")
    if filters.unflagged and row[c.FLAGS]:
        found.append("flagged")
    return found
