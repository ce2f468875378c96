"""One HTML file of a screening that needs nothing beside itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase_bimetal.errors import BimetalError, ModelError, WeightsError
from ase_bimetal.extras import name_extra
from ase_bimetal.files import write_whole
from ase_bimetal.numbers import formula, number
from ase_bimetal.report import cards, charts, words
from ase_bimetal.report.results import NAME, Results, read_results
from ase_bimetal.report.table import table_block
from ase_bimetal.screening import columns as c
from ase_bimetal.system import as_system

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms

    from ase_bimetal.model.card import ModelCard
    from ase_bimetal.model.interface import FormationModel

#: Rows in the table, structures to turn and roses, unless told otherwise.
TABLE_ROWS, BEST, ROSES = 5000, 10, 6
# The title of a screening that was given none, by whether it is of supports.
_TITLES = {False: "Screening of bimetallic clusters", True: "Screening of metal pairs on supports"}
# A prediction made anew from the file of its structure differs by less [eV/metal].
_SAME_ENERGY = 2e-3
_PAGE = files("ase_bimetal.report") / "page"
_HOW_TO_TURN = (
    "What is called a template is not relaxed for its candidate. Drag to turn, scroll to zoom, click an element to "
    "hide it."
)
_CLUSTER_ERRORS = (
    "The random split is the flattering one; for a new dopant, ligand or family read the rows that leave it out."
)
_SUPPORT_ERRORS = "Each row leaves out what it names: one prototype, all of a metal pair, or all of the surroundings."
_SUPPORT_LIMITS = (
    "Labels are GFN1-xTB energies of cut-outs with fixed outer atoms, not of crystals.",
    "A metal pair that is new to the forest is predicted poorly: read its interval, not its energy alone.",
    "Energies on supports of different kinds have different reference states and must not be compared.",
)


@dataclass(frozen=True)
class Block:
    """JSON that the page's script reads: the ``id`` of its element and its text."""

    id: str
    json: str


@dataclass(frozen=True)
class BestRow:
    """A row of the table of best candidates.

    It is all text; ``structure`` is its place in the viewer, if any.
    """

    name: str
    motif: str
    energy: str
    interval: str
    phi: str
    mixing: str
    log_p: str
    structure: int


@name_extra()
def write_report(folder: str | Path, out: str | Path, rows: int = TABLE_ROWS) -> Path:
    """Write the report of a screening as one HTML file that works offline.

    Parameters
    ----------
    folder
        Results folder of a screening.
    out
        The file to write; an older one is replaced once the new one is whole.
    rows
        At most so many rows in the table, best first; the summary and the roses count all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ScreenError
        The folder holds no screening.
    """
    out = Path(out)
    text = render(read_results(folder), rows)
    write_whole(out, text)
    return out


def render(results: Results, rows: int = TABLE_ROWS) -> str:
    """Render the report as HTML.

    Parameters
    ----------
    results
        The screening.
    rows
        At most so many rows in the table.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_text("report.html.j2"))
    table, flags = table_block(results, rows)
    best = _cards(results)
    figures = {"rows": table, **_charts(results), **_structure_blocks(best)}
    return template.render(
        title=results.info["config"].get("title") or _TITLES[results.on_supports],
        version=version("ase-bimetal"),
        model_name=results.info["model"],
        on_supports=results.on_supports,
        css=Markup(_text("report.css")),
        script=Markup(_text("report.js")),
        plotly=Markup(get_plotlyjs()),
        blocks=[Block(name, Markup(_safe(text))) for name, text in figures.items()],
        sentences=words.summarise(results),
        tiles=words.tiles(results),
        flags=flags,
        failures=words.failure_groups(results.failed),
        skipped=words.failure_groups(results.skipped),
        **_best(results),
        cards=[card for card, _ in best],
        drawn=Markup,
        **_captions(results, rows),
        **_model(results),
    )


def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _safe(text: str) -> str:
    """JSON that no HTML parser can take for the end of its script element."""
    return text.replace("<", "\\u003c")


def _charts(results: Results) -> dict[str, str]:
    """JSON of every chart by the id of its element."""
    if not len(results.predicted):
        return {}
    figures = {"map": charts.map_chart(results)}
    figures |= {f"rose-{host}": charts.rose_chart(results, host) for host in _rose_hosts(results)}
    figures |= {f"heat-{host}": charts.heat_chart(results, host) for host in _heat_hosts(results)}
    return figures


def _rose_hosts(results: Results) -> list[str]:
    """Hosts with the most candidates, at most `ROSES`."""
    return list(results.predicted[c.HOST].value_counts().index[:ROSES])


def _heat_hosts(results: Results) -> list[str]:
    """Those of them with more than one dopant and ligand."""
    return charts.heat_hosts(results, _rose_hosts(results))


def _cards(results: Results) -> list[tuple[cards.Card, Atoms]]:
    """Cards of the best candidates, each with its geometry."""
    from ase_bimetal.screening import candidate_atoms

    rows = [row for _, row in results.predicted.head(BEST).iterrows()]
    found = [candidate_atoms(results.folder, row[c.ID]) for row in rows]
    model = _model_here(results)
    return [
        (cards.make_card(row, atoms, i, None if model is None else _background(row, atoms, model)), atoms)
        for i, (row, atoms) in enumerate(zip(rows, found, strict=True), start=1)
    ]


def _model_here(results: Results) -> FormationModel | None:
    """The model that made the predictions, if it is here and unchanged."""
    from ase_bimetal.model.registry import FOREST, get_model

    try:
        model = get_model(FOREST if results.on_supports else results.info["config"]["model"])
    except BimetalError:
        return None
    return model if model.name == results.info["model"] else None


def _background(row: pd.Series, atoms: Atoms, model: FormationModel) -> cards.Background | None:
    """What a model tells of its prediction; None where it no longer gives the number of the row, or tells nothing."""
    from ase_bimetal.model.energy_parts import energy_parts
    from ase_bimetal.model.nearest import nearest_labelled
    from ase_bimetal.model.registry import list_models

    system, state = as_system(atoms), row[c.REFERENCE_STATE]
    try:
        parts = energy_parts(model, system, state if system.kind == "cluster" else "dimer")
    except ModelError:
        return None
    if abs(parts.total - row[c.FORMATION_ENERGY]) > _SAME_ENERGY:
        return None
    shipped = model.name.split("@")[0] in {info.name for info in list_models()}
    return cards.Background(parts, nearest_labelled(system) if shipped and system.kind == "cluster" else None)


def _structure_blocks(best: Sequence[tuple[cards.Card, Atoms]]) -> dict[str, str]:
    """JSON of the structures to turn, and of those to save."""
    if not best:
        return {}
    structures = [charts.structure_chart(as_system(atoms)) for _, atoms in best]
    saved = [{"id": card.id, "stem": card.stem, "xyz": card.xyz, "cif": card.cif} for card, _ in best]
    return {"structures": f"[{','.join(structures)}]", "files": json.dumps(saved, ensure_ascii=False)}


def _best(results: Results) -> dict[str, Any]:
    rows = [row for _, row in results.predicted.head(BEST).iterrows()]
    captions = [
        f"{formula(row[NAME])}, {row[c.MOTIF]}: E_form {words.measured(row)} eV/metal ({results.info['level']}). "
        f"Geometry: {row[c.GEOMETRY]}."
        for row in rows
    ]
    return {
        "best": [_best_row(row, i) for i, row in enumerate(rows)],
        "structures": [
            {"name": f"{i}. {formula(row[NAME])}, {row[c.MOTIF]}", "caption": caption}
            for i, (row, caption) in enumerate(zip(rows, captions, strict=True), start=1)
        ],
        "geometry_note": _HOW_TO_TURN,
    }


def _best_row(row: pd.Series, place: int) -> BestRow:
    return BestRow(
        name=formula(row[NAME]),
        motif=row[c.MOTIF],
        energy=words.measured(row),
        interval=words.interval(row),
        phi=number(row[c.PHI], 3),
        mixing=number(row[c.MIXING_ENTHALPY], 1),
        log_p=number(row[c.LOG_P]),
        structure=place,
    )


def _captions(results: Results, rows: int) -> dict[str, Any]:
    """Texts that say what a table or chart shows, at which level of theory."""
    level, n = words.level_words(results.info), len(results.predicted)
    order = "Those that pass the filters first, then by the upper end of the 90 % interval of E_form."
    part = f"The best {rows:,} of {n:,} predicted candidates." if n > rows else f"All {n:,} predicted candidates."
    drawn = len(charts.map_rows(results)) if n else 0
    hosts = results.predicted[c.HOST].nunique()
    left_out = f" The {ROSES} hosts with the most candidates of {hosts} are drawn." if hosts > ROSES else ""
    thinned = f" {drawn:,} of {n:,} candidates are drawn." if drawn < n else ""
    return {
        "charts": n > 0,
        "provenance": f"{level}. Written {date.today().isoformat()} by ase-bimetal {version('ase-bimetal')}.",
        "roses": [{"id": f"rose-{host}", "host": host} for host in _rose_hosts(results)],
        "heats": [{"id": f"heat-{host}", "host": host} for host in _heat_hosts(results)],
        "heat_caption": f"Lowest E_form of every dopant with every ligand, over all motifs and arrangements; {level}. "
        "The order of ligands depends on their reference state. Click a cell to find its candidate in "
        "the table.",
        "best_caption": f"{order} {level}. ± is one standard deviation.",
        "map_caption": f"Formation energy against accessibility index, coloured by H_mix (blue: the metals mix). Bars: "
        f"one standard deviation. Points and front: all predicted, passing or not. {level}.{thinned} "
        "Click a point to find it in the table, and to turn it if it is among the best.",
        "rose_caption": f"Each bar is the candidate of lowest E_form with that dopant: length −E_form, colour H_mix "
        f"(blue: the metals mix), black line the 90 % interval. {level}.{left_out}",
        "table_caption": f"{part} {order} E_form: {level}; ± is one standard deviation. Press a column's name to sort; "
        "the address keeps sorting and filters.",
    }


def _model(results: Results) -> dict[str, Any]:
    """What is known of the model: facts, errors per split, limits."""
    info, card = results.info, None if results.on_supports else _card(results)
    facts = [
        ("model", info["model"]),
        ("level of theory", info["level"]),
        ("reference state", words.reference_state_words(info["reference_state"])),
        ("unit", "eV per metal atom"),
        ("screened with", f"ase-bimetal {info['version']}"),
        ("report written", f"{date.today().isoformat()} with ase-bimetal {version('ase-bimetal')}"),
    ]
    if results.on_supports:
        return _forest_model(results, facts)
    if card is None:
        return _unknown_model(facts)
    data = card.data
    facts += [
        ("trained", f"{card.created} on {data.used:,} of {data.labelled:,} labels"),
        ("training labels", f"{data.labels}, digest {data.digest}"),
        ("licence", card.licence),
        ("configuration", json.dumps(info["config"], ensure_ascii=False)),
    ]
    return {
        "facts": facts,
        "metrics": _metrics(card),
        "limits": card.limits,
        "label_level": data.labels,
        "errors_note": _CLUSTER_ERRORS,
    }


def _unknown_model(facts: list[tuple[str, str]]) -> dict[str, Any]:
    """What is left to say of a model that is not here."""
    unknown = ("model card", "not on this machine, so its errors and limits are not shown")
    return {"facts": [*facts, unknown], "metrics": [], "limits": [], "label_level": "", "errors_note": ""}


def _forest_model(results: Results, facts: list[tuple[str, str]]) -> dict[str, Any]:
    """Facts, errors and limits of the descriptor forest, for the surroundings that were screened."""
    from ase_bimetal.model.forest import NOVELTY, get_forest
    from ase_bimetal.screening.supports import surroundings_of

    forest = get_forest()
    if forest.name != results.info["model"]:
        return _unknown_model(facts)
    facts += [
        ("trained", f"on {forest.card.rows.all:,} labelled objects"),
        ("configuration", json.dumps(results.info["config"], ensure_ascii=False)),
    ]
    kinds = sorted({surroundings_of(support) for support in results.info["config"]["supports"]})
    metrics = [
        _error_row(f"{novelty} left out", f"descriptor forest, {kind}", forest.card.calibration[novelty].errors[kind])
        for kind in kinds
        for novelty in NOVELTY
    ]
    return {
        "facts": facts,
        "metrics": metrics,
        "limits": _SUPPORT_LIMITS,
        "label_level": "GFN1-xTB with PBE references",
        "errors_note": _SUPPORT_ERRORS,
    }


def _card(results: Results) -> ModelCard | None:
    """Card of the model that made the predictions; None when that model is not here or has changed."""
    from ase_bimetal.model.checkpoint import load_checkpoint

    try:
        checkpoint = load_checkpoint(results.info["config"]["model"])
    except WeightsError:
        return None
    return checkpoint.card if checkpoint.name == results.info["model"] else None


def _metrics(card: ModelCard) -> Sequence[dict[str, Any]]:
    """Errors of the model on every split, and of the best of the others, which it has to beat."""
    shown = []
    for split, models in card.metrics.items():
        name, *others = models
        best = min(others, key=lambda other: models[other]["MAE"], default=None)
        shown += [_error_row(split, kept, models[kept]) for kept in (name, best) if kept is not None]
    return shown


def _error_row(split: str, name: str, row: Mapping[str, float]) -> dict[str, str]:
    """Errors [eV/metal] of one model on one split, as text."""
    return {
        "split": split,
        "model": name,
        "mae": number(row["MAE"], 3),
        "rmse": number(row["RMSE"], 3),
        "r2": number(row["R2"], 3),
        "n": f"{row['n']:,}",
    }
