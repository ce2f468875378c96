"""Check a card: predict the random split's test rows again with the shipped weights, and compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ase_bimetal.errors import MissingDataError
from ase_bimetal.lab.labels.dataset import LabelSet
from ase_bimetal.lab.training.calibrate import Holdout, inside_interval
from ase_bimetal.lab.training.data import prepare, trainable
from ase_bimetal.lab.training.evaluate import MML_NAME, Trained, holdout
from ase_bimetal.lab.training.metrics import summary
from ase_bimetal.lab.training.splits import random_split
from ase_bimetal.model.card import ModelCard
from ase_bimetal.model.checkpoint import Checkpoint
from ase_bimetal.model.ligand_encoder import LigandEncoder

#: Largest difference to the card that counts as none [eV/metal for errors, - for R² and coverage].
TOLERANCE = 1e-3
RANDOM = "random"
#: How the card of a model says that its test rows are those of `random_split`.
_SPLIT = "random 8:1:1, seed 0"


@dataclass(frozen=True)
class Recomputed:
    """The random split's test rows, predicted again.

    Attributes
    ----------
    rows
        Their columns of the labels, such as ``family``.
    held
        Truth, mean and spread over the ensemble [eV/metal].
    errors, interval
        MAE, RMSE, R²; coverage and half-width of the 90 % intervals.
    same_labels
        Whether the labels are those the model was trained on; if not, the rows are other rows, some of them trained on.
    """

    rows: pd.DataFrame
    held: Holdout
    errors: dict[str, float]
    interval: dict[str, float]
    same_labels: bool

    def differences(self, card: ModelCard) -> dict[str, float]:
        """Subtract the card from the recomputed numbers.

        Only numbers that both have are compared.
        """
        old = {**card.metrics[RANDOM][MML_NAME], **card.intervals.get(RANDOM, {})}
        new = self.errors | self.interval
        return {key: round(new[key] - old[key], 6) for key in new if key in old}

    def agrees(self, card: ModelCard) -> bool:
        """Say whether every difference is within `TOLERANCE`."""
        return all(abs(difference) <= TOLERANCE for difference in self.differences(card).values())


def within_clusters(found: Recomputed) -> pd.DataFrame:
    """Compare configurations of one cluster, by how they were made.

    Energies are taken relative to the mean of each cluster's test rows of the kind; clusters with one such row are left
    out, and so are kinds that no cluster has twice.

    Returns
    -------
    pandas.DataFrame
        A row for each kind of configuration: ``rows``, ``spread`` of the labels and ``MAE`` [eV/metal], and the
        ``rank correlation`` [-] of labels and predictions.
    """
    energies = pd.DataFrame({"truth": found.held.truth, "mean": found.held.mean}, index=found.rows.index)
    clusters = energies.groupby([found.rows.kind, found.rows.prototype])
    relative = (energies - clusters.transform("mean"))[clusters.truth.transform("size") > 1]
    return pd.DataFrame(
        {
            kind: {
                "rows": len(rows),
                "spread": rows.truth.std(),
                "MAE": (rows.truth - rows["mean"]).abs().mean(),
                "rank correlation": rows.truth.corr(rows["mean"], method="spearman"),
            }
            for kind, rows in relative.groupby(found.rows.kind)
        }
    ).T


def recompute(checkpoint: Checkpoint, labels: LabelSet) -> Recomputed:
    """Predict the test rows of the random split with the weights of a checkpoint.

    Parameters
    ----------
    checkpoint
        A model trained by `ase_bimetal.lab.training.fit.train_model`.
    labels
        The labels.

    Raises
    ------
    MissingDataError
        The model was trained on other data, so that its test rows are not known here.
    """
    card = checkpoint.card
    if card.training.get("split") != _SPLIT or RANDOM not in card.metrics:
        raise MissingDataError(
            f"{checkpoint.name} was not trained on packed labels with the {_SPLIT} split; its test "
            "rows cannot be found again"
        )
    frame = trainable(labels.frame)
    rows = frame.iloc[random_split(len(frame)).test].reset_index(drop=True)
    encoder = LigandEncoder(card.encoder.source)
    encoder.require_digest(card.encoder.digest)
    data = prepare(rows, encoder, whole_cluster=False)
    ensemble = [Trained(member, card.target.mean, card.target.std) for member in checkpoint.members]
    found = holdout(data, np.arange(len(rows)), ensemble)
    return Recomputed(
        rows,
        found,
        summary(found.truth, found.mean),
        inside_interval(found, card.deviations),
        labels.digest == card.data.digest,
    )


__all__ = ["Recomputed", "recompute", "within_clusters"]
