"""`ase-bimetal evaluate`: a model's errors and intervals, what of them can be checked here, and the ablations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli import options
from ase_bimetal.extras import require

if TYPE_CHECKING:
    from ase_bimetal.lab.labels.dataset import LabelSet
    from ase_bimetal.lab.training.recompute import Recomputed
    from ase_bimetal.model.card import ModelCard
    from ase_bimetal.model.checkpoint import Checkpoint
    from ase_bimetal.model.interface import LabelModel

Data = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Packed labels; default: the shipped ones.")
]
AllSplits = Annotated[
    bool,
    typer.Option(
        "--all-splits",
        help="Also retrain one network per fold of every split, with the budget of --fold-rows and --epochs.",
    ),
]
Figures = Annotated[Path | None, typer.Option(file_okay=False, help="Folder for parity.png and calibration.png.")]
FoldRows = Annotated[
    int | None,
    typer.Option(
        min=20, help="Rows per epoch of a fold, drawn anew and evenly over the prototypes; default: all, once."
    ),
]
Epochs = Annotated[int, typer.Option(min=1, help="Epochs of retrained networks.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes for the folds.")]
Ablations = Annotated[
    bool, typer.Option("--ablations", help="Train the published ablations in place of everything else.")
]
Rows = Annotated[int, typer.Option(min=50, help="Configurations of the ablations, a fixed stratified subset.")]
Seeds = Annotated[int, typer.Option(min=1, help="Seeds per ablation.")]
Out = Annotated[
    Path, typer.Option(file_okay=False, help="Folder for the ablations' table; a stopped run goes on from there.")
]


def evaluate(
    model: options.Model = "mml-gfn1-pbe",
    data: Data = None,
    all_splits: AllSplits = False,
    figures: Figures = None,
    fold_rows: FoldRows = None,
    epochs: Epochs = 40,
    workers: Workers = 1,
    ablations: Ablations = False,
    rows: Rows = 3000,
    seeds: Seeds = 3,
    out: Out = Path("ablations"),
    quiet: options.Quiet = False,
) -> None:
    """Print a model's errors and predict its test rows again.

    The errors and intervals are those of the model's card; the new predictions are compared with them.

    Example: ase-bimetal evaluate --figures figures
    """
    options.check_model(model)
    if ablations or all_splits:
        require("train")
    from ase_bimetal.lab.labels.dataset import SHIPPED, load_labels
    from ase_bimetal.model.interface import LabelModel
    from ase_bimetal.model.predictor import Predictor
    from ase_bimetal.model.registry import DEFAULT, FOREST, get_model

    if model == FOREST and not ablations:
        _print_forest()
        return
    labels = load_labels(data or SHIPPED)
    if ablations:
        _ablate(labels, out, (rows, epochs, seeds), quiet)
        return
    chosen = get_model(model)
    assert isinstance(chosen, LabelModel)  # the forest alone is none
    if chosen.card.level_difference is not None and chosen.card.level_difference.scale is not None:
        _print_pbe(chosen)
        _print_trends(chosen, labels)
    _print_card(chosen.name, chosen.card)
    if not isinstance(chosen, Predictor):
        print(f"\nfrom its card; recomputed are the errors of multimodal models, such as {DEFAULT}")
        return
    agrees = _check(chosen.checkpoint, labels, figures)
    if all_splits:
        _retrain(labels, chosen.card, (epochs, fold_rows, workers))
    if not agrees:
        raise typer.Exit(1)


def _print_forest() -> None:
    """Errors of the descriptor forest, from its card: to grow the forests anew takes minutes."""
    from ase_bimetal.cli.tables import forest_errors
    from ase_bimetal.model.forest_card import CARD

    card = json.loads(CARD.read_text())
    print(f"{forest_errors(card)}\n\nfrom its card; made again by {card['command']}")


def _print_pbe(model: LabelModel) -> None:
    """The error that counts for a user: against density-functional energies."""
    from ase_bimetal.cli.tables import markdown_pbe
    from ase_bimetal.lab.training.against_pbe import level_card

    card = level_card(model)
    print(f"{model.name} against {card.labels} clusters computed with {card.level}, errors in eV/metal\n")
    print(markdown_pbe(card.errors) + "\n")


def _print_trends(model: LabelModel, labels: LabelSet) -> None:
    """What density-functional studies agree on, on clusters of the labels."""
    from ase_bimetal.lab.training.trends import markdown_trends, trends

    print("trends that density-functional studies agree on, E_form in eV/metal with the dimer reference\n")
    print(markdown_trends(trends(model, labels.frame)) + "\n")


def _print_card(name: str, card: ModelCard) -> None:
    from ase_bimetal.cli.tables import markdown_intervals, markdown_metrics

    print(f"{name}: {card.level}, errors in eV/metal against its labels, on held-out rows\n")
    print(markdown_metrics(card.metrics))
    if card.intervals:
        print("\nthe network alone: nominal 90 % intervals on held-out rows, against the labels\n")
        print(markdown_intervals(card.intervals))
    print("\nwhere it fails\n")
    print("\n".join(f"- {limit}" for limit in card.limits))


def _check(checkpoint: Checkpoint, labels: LabelSet, figures: Path | None) -> bool:
    """Predict the random test rows again; whether the card can stand."""
    from ase_bimetal.cli.tables import markdown_within
    from ase_bimetal.errors import MissingDataError
    from ase_bimetal.lab.training.recompute import recompute, within_clusters

    try:
        found = recompute(checkpoint, labels)
    except MissingDataError as error:
        print(f"\nnot recomputed: {error}")
        return True
    card = checkpoint.card
    print(
        f"\nrandom split, {found.errors['n']} test rows predicted again: MAE {found.errors['MAE']:.4f} eV/metal, "
        f"R² {found.errors['R2']:.4f}; 90 % intervals hold {100 * found.interval['coverage']:.1f} % "
        f"(± {found.interval['half_width']:.3f} eV/metal)"
    )
    print("\nenergies within a cluster, by how its configurations were made, eV/metal\n")
    print(markdown_within(within_clusters(found)) + "\n")
    if figures is not None:
        _draw(found, card, figures)
    if not found.same_labels:
        print(
            f"the labels here (digest {labels.digest}) are not those the model was trained on "
            f"({card.data.digest}): other rows are drawn, some of them trained on, so these numbers flatter "
            "and are not compared with the card"
        )
        return True
    if found.agrees(card):
        print("the card says the same, within 0.001")
        return True
    print(f"the card says otherwise; recomputed minus card: {json.dumps(found.differences(card))}")
    return False


def _draw(found: Recomputed, card: ModelCard, folder: Path) -> None:
    from ase_bimetal.lab.training.figures import draw_calibration, draw_parity

    folder.mkdir(parents=True, exist_ok=True)
    draw_parity(found.held, list(found.rows.family), folder / "parity.png")
    draw_calibration(found.held, card.deviations, folder / "calibration.png")
    print(f"{folder / 'parity.png'}\n{folder / 'calibration.png'}")


def _retrain(labels: LabelSet, card: ModelCard, budget: tuple[int, int | None, int]) -> None:
    """One network per fold of every held-out split, with the model's own configuration."""
    from ase_bimetal.cli.tables import markdown_intervals, markdown_metrics
    from ase_bimetal.lab.training.calibrate import fold_interval
    from ase_bimetal.lab.training.data import prepare, trainable
    from ase_bimetal.lab.training.evaluate import Run, all_folds, evaluate_folds, table
    from ase_bimetal.lab.training.fit import FoldBudget
    from ase_bimetal.lab.training.module import TrainingOptions
    from ase_bimetal.model.ligand_encoder import LigandEncoder
    from ase_bimetal.model.mml import MMLConfig

    epochs, fold_rows, workers = budget
    data = prepare(trainable(labels.frame), LigandEncoder(card.encoder.source))
    given = FoldBudget(fold_rows, epochs)
    splits = all_folds(data, given.n_validation)
    print(
        f"\nretrained: one network per fold, {epochs} epochs, {fold_rows or 'all'} rows per epoch, "
        f"{sum(len(folds) for folds in splits.values())} folds, labels {labels.digest}",
        flush=True,
    )
    run = Run(data, MMLConfig(**card.config), given.of(TrainingOptions()))
    results = evaluate_folds(run, {name: folds for name, folds in splits.items() if folds}, workers=workers)
    metrics = {name: table(folds) for name, folds in results.items()}
    intervals = {name: fold_interval([fold.absolute_errors() for fold in folds]) for name, folds in results.items()}
    print("\n" + markdown_metrics(metrics) + "\n\n" + markdown_intervals(intervals))


def _ablate(labels: LabelSet, out: Path, budget: tuple[int, int, int], quiet: bool) -> None:
    from ase_bimetal.lab.training.ablation import Budget, markdown_table, run_ablations

    results = run_ablations(labels, out, Budget(*budget), say=options.teller(quiet))
    print(markdown_table(results))
