"""`ase-bimetal train`: train the multimodal ensemble on labelled clusters and measure it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def train(
    target: Annotated[Path, typer.Argument(help="Folder that receives weights.safetensors and card.json.")],
    data: Annotated[Path | None, typer.Option(help="Packed labels; default: the shipped ones.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = 40,
    members: Annotated[int, typer.Option(help="Networks in the ensemble.")] = 3,
    workers: Annotated[int, typer.Option(help="Processes for the leave-one-out folds.")] = 1,
) -> None:
    """Train on the random 8:1:1 split, measure every split, and save the checkpoint with its card.

    Example: ase-bimetal train my-model --epochs 40
    """
    from ase_bimetal.cli.tables import markdown_metrics
    from ase_bimetal.reference import elemental
    from ase_bimetal.reference.dataset import SHIPPED, load_reference
    from ase_bimetal.training.fit import train_model
    from ase_bimetal.training.module import TrainingOptions

    references = json.loads(elemental.SHIPPED.read_text())
    card = train_model(
        load_reference(data or SHIPPED), references, target, members, TrainingOptions(epochs=epochs), workers
    )
    print(markdown_metrics(card["metrics"]))
