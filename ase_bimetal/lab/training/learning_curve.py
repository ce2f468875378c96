"""What a few density-functional energies buy: errors of left-out anchors against the number of anchors trained on.

``python -m ase_bimetal.lab.training.learning_curve FOLDER`` writes the anchors as a user would hold them
(``anchors.extxyz``, ``fragments.json``), the numbers (``learning-curve.json``) and the picture.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels.corrections import ANCHORS, fragment_table
from ase_bimetal.lab.training.data import TrainingData, prepare
from ase_bimetal.lab.training.figures import draw_learning_curve
from ase_bimetal.lab.training.fine_tune import FEWEST_FROM_SCRATCH, FINE_TUNING, Learner, OwnOptions
from ase_bimetal.lab.training.own_data import Columns, load_own_data
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, Checkpoint, load_checkpoint
from ase_bimetal.model.ligand_encoder import LigandEncoder

SIZES = (6, 12, 18, 24, 30)
REPEATS = 3
KEY = "energy_pbe_eV"
FILES = ("anchors.extxyz", "fragments.json", "learning-curve.json", "learning-curve.png")


def export_anchors(folder: Path) -> tuple[Path, Path]:
    """Write the shipped anchors as if one's own.

    Their PBE fragment energies are written too.
    """
    from ase.io import iread, write

    folder.mkdir(parents=True, exist_ok=True)
    frames = list(iread(ANCHORS, ":"))
    write(folder / FILES[0], [frame for frame in frames if frame.info["kind"] == "anchor"])
    write_whole(folder / FILES[1], json.dumps(fragment_table(frames, KEY), indent=1) + "\n")
    return folder / FILES[0], folder / FILES[1]


def learners(data: TrainingData, start: Checkpoint) -> dict[str, Learner]:
    """List what is compared, one network each.

    The shift begins at zero, because the shipped one was fitted to anchors too.
    """
    tuned = OwnOptions(FINE_TUNING, keep_shift=False)
    first = replace(start, members=start.members[:1])
    return {
        "fine-tuned: shift and network": Learner(data, tuned, first),
        "fine-tuned: shift alone": Learner(data, replace(tuned, shift_only=True), first),
        "from scratch": Learner(data, OwnOptions(members=1)),
    }


def learning_curve(
    data: TrainingData,
    start: Checkpoint,
    sizes: Sequence[int] = SIZES,
    repeats: int = REPEATS,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, np.ndarray]:
    """Measure the errors per way to train [eV/metal].

    Mean absolute errors (sizes, repeats) of the rows left out.

    Every repeat draws an order of the rows; the first of it are trained on, the rest is left out, so that larger
    training sets hold the smaller ones. NaN where there are too few rows to train from scratch.
    """
    compared = learners(data, start)
    curves = {name: np.full((len(sizes), repeats), np.nan) for name in compared}
    for repeat in range(repeats):
        order = np.random.default_rng(repeat).permutation(len(data.targets))
        for k, size in enumerate(sizes):
            n_validation = max(2, size // 6)
            train, validation, test = order[n_validation:size], order[:n_validation], order[size:]
            for name, learner in compared.items():
                if learner.start is None and len(train) < FEWEST_FROM_SCRATCH:
                    continue
                found = learner.fit(train, validation).predict(data, test).mean(axis=1)
                curves[name][k, repeat] = np.abs(found - data.targets[test]).mean()
                say(f"repeat {repeat}, {size} anchors, {name}: {curves[name][k, repeat]:.3f} eV/metal")
    return curves


def unchanged_errors(data: TrainingData, start: Checkpoint) -> dict[str, float]:
    """Compute the errors of the model as shipped [eV/metal].

    They are on all rows, with its shift and without.
    """
    learner, rows = Learner(data, OwnOptions(), start), np.arange(len(data.targets))
    found = {
        "unchanged model (its shift was fitted to anchors), all anchors": learner.unchanged.predict(data, rows).mean(
            axis=1
        ),
        "unchanged networks, no shift, all anchors": Learner(data, OwnOptions(keep_shift=False), start).before_shift,
    }
    return {name: float(np.abs(values - data.targets).mean()) for name, values in found.items()}


def main(folder: Path) -> None:
    """Export, train, draw."""
    start = load_checkpoint(DEFAULT_MODEL)
    anchors, fragment_energies = export_anchors(folder)
    own = load_own_data(anchors, "PBE/DZVP-MOLOPT-SR-GTH", Columns(KEY), fragment_energies)
    data = prepare(own.frame, LigandEncoder(start.card.encoder.source))
    curves = learning_curve(data, start, say=lambda line: print(line, file=sys.stderr, flush=True))
    levels = unchanged_errors(data, start)
    content = {
        "model": start.name,
        "anchors": len(own.frame),
        "sizes": SIZES,
        "unchanged": levels,
        "curves": {name: np.round(errors, 4).tolist() for name, errors in curves.items()},
    }
    write_whole(folder / FILES[2], json.dumps(content, indent=1).replace("NaN", "null") + "\n")
    draw_learning_curve(SIZES, curves, folder / FILES[3], levels)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
