"""A model against density-functional labels that its level difference did not see.

The networks know the GFN1-xTB energies of these clusters; what is left out is all that is known of PBE for the
prototype, the dopant or the family. ``python -m ase_bimetal.lab.training.against_pbe`` writes the shipped level
difference, the scale of the uncertainties and these errors into the cards of the shipped models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ase_bimetal.lab.labels.level_difference import GROUPS, Difference, differences, fit_level, left_out
from ase_bimetal.lab.labels.pbe import load_pbe
from ase_bimetal.lab.training.calibrate import conformal_quantile
from ase_bimetal.lab.training.metrics import summary
from ase_bimetal.model.card import LevelCard, read_card, write_card
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, resolve
from ase_bimetal.model.domain import Z90
from ase_bimetal.model.interface import LabelModel
from ase_bimetal.model.level import level_digest, load_level_difference
from ase_bimetal.model.predictor import Predictor
from ase_bimetal.system import as_system


@dataclass(frozen=True)
class LeftOut:
    """Predictions of PBE labels whose group was left out of the level difference.

    Attributes
    ----------
    keys
        Group of every label, length n.
    truth, predicted
        Formation energies (n,) with the dimer reference [eV/metal].
    deviation
        Standard deviations (n,) before they are scaled [eV/metal].
    """

    keys: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray
    deviation: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """Absolute errors (n,) in units of the standard deviation."""
        scores: np.ndarray = np.abs(self.truth - self.predicted) / self.deviation
        return scores

    def summary(self) -> dict[str, float]:
        """Give errors, and what intervals hold whose scale comes from the other groups.

        Returns
        -------
        dict
            MAE, RMSE [eV/metal], R², n; ``coverage`` and mean ``half_width`` [eV/metal] of nominal 90 % intervals.
        """
        keys, errors = np.array(self.keys), np.abs(self.truth - self.predicted)
        half = np.zeros(len(errors))
        for key in set(self.keys):
            mine = keys == key
            half[mine] = conformal_quantile(self.scores[~mine]) * self.deviation[mine]
        return summary(self.truth, self.predicted) | {
            "coverage": round(float((errors <= half).mean()), 4),
            "half_width": round(float(half.mean()), 4),
        }


def leave_out(model: LabelModel) -> dict[str, LeftOut]:
    """Predict every PBE label from the others.

    What is known of PBE for its prototype, its dopant or its family is left out.

    Parameters
    ----------
    model
        A model whose labels are GFN1-xTB energies.

    Returns
    -------
    dict
        What is left out → predictions.
    """
    labels, rows = load_pbe(), differences()
    energies, deviations = model.label_level([as_system(label.atoms) for label in labels])
    names = [label.record for label in labels]
    network = dict(zip(names, zip(energies, deviations, strict=True), strict=True))
    truth = {label.record: label.pbe for label in labels}
    return {group: _without_group(group, rows, network, truth) for group in GROUPS}


def _without_group(
    group: str, rows: Sequence[Difference], network: Mapping[str, tuple[float, float]], pbe: Mapping[str, float]
) -> LeftOut:
    keys, predicted, deviation, truth = [], [], [], []
    for known, asked in left_out(rows, group):
        level = fit_level(known)
        for row in asked:
            (energy, own), (difference, of_level) = network[row.name], level.predict(row.terms)
            keys.append(GROUPS[group](row))
            truth.append(pbe[row.name])
            predicted.append(energy + difference)
            deviation.append(float(np.hypot(own, of_level)))
    return LeftOut(tuple(keys), np.array(truth), np.array(predicted), np.array(deviation))


def level_card(model: LabelModel) -> LevelCard:
    """Describe the shipped level difference for a model's card.

    Parameters
    ----------
    model
        A model whose labels are GFN1-xTB energies.

    Returns
    -------
    LevelCard
        With the scale of standard deviations, and errors by what was left out.
    """
    found = leave_out(model)
    scores = np.concatenate([item.scores for item in found.values()])
    difference = load_level_difference()
    return LevelCard(
        sha256=level_digest(),
        level=difference.level,
        counts=difference.counts(),
        labels=len(load_pbe()),
        scale=round(conformal_quantile(scores) / Z90, 4),
        errors={group: item.summary() for group, item in found.items()},
    )


def main() -> None:
    """Write the level difference into the cards of the shipped models."""
    from ase_bimetal.lab.gcnn import fit as graph_fit
    from ase_bimetal.lab.training import fit
    from ase_bimetal.model.gcnn_model import GRAPH_MODEL, GraphModel

    models = ((DEFAULT_MODEL, Predictor, fit.LIMITS), (GRAPH_MODEL, GraphModel.load, graph_fit.LIMITS))
    for name, load, limits in models:
        found = level_card(load(name))
        _change_card(name, level_difference=found, limits=tuple(limits))
        print(name, json.dumps(found.errors), found.scale)
    _change_card(DEFAULT_MODEL, golden=fit.golden_predictions(DEFAULT_MODEL))
    _change_card(GRAPH_MODEL, check=graph_fit.check_value(GraphModel.load()))


def _change_card(name: str, **changed: Any) -> None:
    path = resolve(name) / "card.json"
    write_card(path, replace(read_card(path), **changed))


if __name__ == "__main__":
    main()


__all__ = ["LeftOut", "leave_out", "level_card"]
