"""Cards of models and data as Markdown, from the files that the package ships."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ase_bimetal.cli.tables import markdown_metrics, markdown_pbe
from ase_bimetal.lab.labels import corrections as elemental
from ase_bimetal.lab.labels import level_difference as level
from ase_bimetal.lab.labels.dataset import SHIPPED, LabelSet, describe, load_labels
from ase_bimetal.lab.labels.figures import draw_distribution
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.checkpoint import WEIGHTS, load_checkpoint
from ase_bimetal.model.forest import CARD as FOREST_CARD


def model_card(_: str | None = None) -> str:
    """The shipped multimodal model: identity, errors, domain, uncertainty, limits."""
    checkpoint = load_checkpoint()
    card = checkpoint.card.as_json()
    n_weights = sum(p.numel() for p in checkpoint.members[0].parameters())
    return "\n\n".join(
        [
            _facts(
                _identity(card)
                | {
                    "model": f"`{checkpoint.name}`",
                    "networks": card["members"],
                    "weights in each": f"{n_weights:,}",
                    "sha256 of the weights": f"`{card['sha256']}`",
                }
            ),
            "### Errors against PBE\n\nMAE, RMSE and half-widths in eV per metal atom.",
            markdown_pbe(card["level_difference"]["errors"]),
            "### Errors against the labels\n\nMAE and RMSE in eV per metal atom, at the label level.",
            markdown_metrics(card["metrics"]),
            "By what was left out (MML, MAE in eV per metal atom):",
            *(_folds(split, folds) for split, folds in card["folds"].items()),
            "### Uncertainty\n\nWhat the network's part of ± is made of, from held-out errors in eV per metal atom "
            "(scale: a factor); the level's part is the standard deviation of the level difference, and both together "
            f"are scaled by {card['level_difference']['scale']:.2f}:",
            _facts(card["uncertainty"]),
            *_intervals(card.get("intervals", {})),
            "### Level difference\n\n"
            "Objects with both a PBE and a GFN1-xTB energy, by the metals and donors they hold:",
            _facts(
                {
                    "level": card["level_difference"]["level"],
                    "sha256": f"`{card['level_difference']['sha256']}`",
                    "clusters among them": card["level_difference"]["labels"],
                    "objects": _listed(card["level_difference"]["counts"]),
                }
            ),
            "### Domain",
            _facts(_domain(card["domain"])),
            "### Training",
            _facts(card["training"]),
            "### Limits",
            "\n".join(f"- {limit}" for limit in card["limits"]),
        ]
    )


def encoder_card(_: str | None = None) -> str:
    """The pretrained ligand encoder."""
    card = json.loads((WEIGHTS / "ligand-t5" / "card.json").read_text())
    held_out = card["held_out"]
    return "\n\n".join(
        [
            _facts(
                {
                    "what": card["name"],
                    "weights": f"{card['n_parameters']:,}",
                    "digest": f"`{card['digest']}`",
                    "SMILES": f"{card['n_public']:,} public, {card['n_ligands']:,} generated ligands",
                    "steps": f"{card['steps_done']:,}; {card['note']}",
                    "licence": card["licence"],
                }
                | card["data"]
            ),
            _table(
                ("held out", "perplexity", "token accuracy"),
                ((pool, f"{row['perplexity']:.2f}", f"{row['token_accuracy']:.3f}") for pool, row in held_out.items()),
            ),
            f"**Limits.** {card['limits']}",
        ]
    )


def forest_card(_: str | None = None) -> str:
    """The descriptor forest: rows, errors by what was left out, coverage of its intervals."""
    card = json.loads(FOREST_CARD.read_text())
    rows = (
        (
            novelty,
            row["errors"]["all"]["n"],
            *(f"{row['errors']['all'][key]:.2f}" for key in ("MAE", "RMSE", "R2")),
            f"{row['widening']['all']:.2f}",
            f"{100 * row['coverage']['widened']:.0f} %",
        )
        for novelty, row in card["calibration"].items()
    )
    return "\n\n".join(
        [
            _facts(
                {
                    "digest of table and settings": f"`{card['digest']}`",
                    "rows": card["rows"]["all"],
                    "rows by surroundings": _listed(card["rows"]["by surroundings"]),
                    "settings": _listed(card["settings"]),
                    "made by": f"`{card['command']}`",
                    "level error (eV/metal)": _listed(card["level_error"]),
                }
            ),
            "Errors and the widening of the interval's ends in eV per metal atom; share of rows inside the widened "
            f"interval, meant to be {100 * card['intended coverage']:.0f} %:",
            _table(("left out", "rows", "MAE", "RMSE", "R²", "widening", "inside"), rows),
        ]
    )


def label_card(_: str | None = None) -> str:
    """The shipped labels: picture, counts, rejects."""
    labels = _labels()
    energies = labels.frame.formation_energy
    facts = {
        "file": f"`ase_bimetal/datasets/{SHIPPED.name}`",
        "digest": f"`{labels.digest}`",
        "configurations": f"{len(labels.frame):,} of {labels.frame.prototype.nunique()} prototypes",
        "rejected, with reasons kept": f"{len(labels.rejects):,}",
        "atoms in a configuration": f"{min(map(len, labels.frame.atoms))} to {max(map(len, labels.frame.atoms))}",
        "E_form, GFN1-xTB, dimer reference": f"{energies.min():.2f} to {energies.max():.2f} eV/metal, mean "
        f"{energies.mean():.2f}",
        "licence": "CC BY 4.0",
    }
    counts = [f"**{title.capitalize()}:** {_listed(numbers)}" for title, numbers in describe(labels).items() if numbers]
    return "\n\n".join([_facts(facts), _picture(labels), *counts])


def anchor_card(_: str | None = None) -> str:
    """The corrections: errors of the fit, corrections, anchors."""
    card = json.loads(elemental.SHIPPED.read_text())
    corrections = ((name, f"{value:+.2f}", card["anchors"][name]) for name, value in card["corrections"].items())
    anchors = (
        (name, *(f"{row[key]:.2f}" for key in ("PBE", "GFN1")), f"{row['left out']:+.2f}")
        for name, row in card["per anchor"].items()
    )
    without = {"metals without anchor": ", ".join(card["without anchor"])} if card.get("without anchor") else {}
    return "\n\n".join(
        [
            _facts(
                {"level": card["level"], "anchors": len(card["per anchor"]), "ridge": card["ridge"]}
                | without
                | {f"{name} (eV/metal)": f"{value:.2f}" for name, value in card["errors"].items()}
            ),
            "### Corrections\n\neV per metal atom, for a cluster that is all of that metal, or has one such donor for "
            "each metal:",
            _table(("metal or donor", "correction", "anchors that hold it"), corrections),
            "### Anchors\n\nFormation energies in eV per metal atom; the last column is the error of the corrected "
            "energy with this anchor left out of the fit:",
            _table(("anchor", "PBE", "GFN1-xTB", "error, left out"), anchors),
        ]
    )


def level_difference(_: str | None = None) -> str:
    """What describes the difference between PBE and GFN1-xTB best, on clusters left out."""
    return "Mean absolute errors in eV per metal atom:\n\n" + level.markdown(level.differences())


@lru_cache(maxsize=1)
def _labels() -> LabelSet:
    return load_labels()


def _identity(card: Mapping[str, Any]) -> dict[str, Any]:
    data = card["data"]
    return {
        "predicts": f"E_form in {card['unit']}, {card['reference']} reference",
        "level": card["level"],
        "trained": f"{card['created']} with version {card['version']}",
        "labels": f"{data['labels']}, digest `{data['digest']}`: {data['used']:,} of {data['labelled']:,} used, "
        f"{data['prototypes']} prototypes",
        "left out": data["left out"],
        "licence": card["licence"],
    }


def _domain(domain: Mapping[str, Any]) -> dict[str, str]:
    """What the training set spans: names in lists, ranges of numbers as "a to b"."""
    named = dict(domain) | {"ligands": [Ligand.parse(smiles).name for smiles in domain["ligands"]]}
    return {
        key: " to ".join(map(_text, values)) if _is_range(values) else "; ".join(values)
        for key, values in named.items()
    }


def _is_range(values: Sequence[Any]) -> bool:
    return len(values) == 2 and all(isinstance(value, int | float) for value in values)


def _intervals(found: Mapping[str, Any]) -> list[str]:
    """How many held-out labels lie inside the 90 % intervals, by split."""
    rows = [
        (split, f"{100 * row['coverage']:.0f} %", f"{row['half_width']:.2f}") for split, row in found.items() if row
    ]
    title = "Held-out labels inside the 90 % interval, and the interval's mean half-width in eV per metal atom:"
    return [title, _table(("split", "inside", "half-width"), rows)] if rows else []


def _folds(split: str, folds: Mapping[str, Any]) -> str:
    return f"- {split}: " + ", ".join(f"{name} {row['MML']['MAE']:.2f}" for name, row in folds.items())


def _picture(labels: LabelSet) -> str:
    """The distribution of energies, inside the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.svg"
        draw_distribution(labels.frame, path)
        coded = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="Distribution of the labels\' formation energies" src="data:image/svg+xml;base64,{coded}">'


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _listed(counts: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name}: {_text(value)}" for name, value in counts.items())


def _facts(values: Mapping[str, Any]) -> str:
    return _table(("", ""), ((_words(name), value) for name, value in values.items()))


def _words(name: str) -> str:
    """A key of a card as words: ``batch_size`` becomes "batch size", a text stays."""
    return name if " " in name else name.replace("_", " ")


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_text(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
