"""`ase-bimetal train`: train the multimodal ensemble on the laboratory's labels or on one's own, and measure it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli import options
from ase_bimetal.extras import require

if TYPE_CHECKING:
    from ase_bimetal.lab.training.fine_tune import OwnOptions
    from ase_bimetal.lab.training.module import TrainingOptions
    from ase_bimetal.lab.training.own_data import OwnData
    from ase_bimetal.system import BimetallicSystem

Target = Annotated[
    Path, typer.Argument(file_okay=False, help="Folder that receives weights.safetensors and card.json.")
]
Data = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Structures with energies (.extxyz, .db, .csv with the column file, or any format that holds energies), "
        "or packed labels (.json.xz); default: the shipped ones.",
    ),
]
Level = Annotated[
    str | None,
    typer.Option(
        help='Level of theory of your energies, such as "PBE0/def2-TZVP"; printed beside every prediction. Needed for '
        "anything but packed labels."
    ),
]
EnergyKey = Annotated[str, typer.Option(help=r"Name of the total energy \[eV].")]
FormationKey = Annotated[
    str | None,
    typer.Option(help=r"Name of a formation energy \[eV/metal, dimer reference], read in place of the total energy."),
]
FragmentEnergies = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help=r"JSON of atoms, ligands and H2 at your level \[eV]; without it they are fitted to the data.",
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Model to fine-tune; without it the networks start from nothing.",
        autocompletion=options.complete_start,
    ),
]
ShiftOnly = Annotated[bool, typer.Option("--shift-only", help="Fine-tuning: refit the shift, leave the networks.")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the training rows; 40 by default.")]
LearningRate = Annotated[float | None, typer.Option(help="Peak rate; default: 0.003, fine-tuning 0.001.")]
Members = Annotated[int, typer.Option(help="Networks in the ensemble; a fine-tuned one has those of its start.")]
FoldRows = Annotated[int | None, typer.Option(help="Packed labels: training rows per leave-one-out fold, at most.")]
FoldEpochs = Annotated[
    int | None, typer.Option(min=1, help="Packed labels: epochs of each leave-one-out fold; default: as the rest.")
]
FoldSeeds = Annotated[int, typer.Option(min=1, help="Packed labels: networks per leave-one-out fold.")]
Workers = Annotated[int, typer.Option(help="Packed labels: processes for the members and the leave-one-out folds.")]
Patience = Annotated[int, typer.Option(help="Own data: epochs without improvement before a network stops.")]
Resume = Annotated[bool, typer.Option("--resume", help="Own data: go on from TARGET/member-…/last.ckpt.")]
Devices = Annotated[str, typer.Option(help='Own data: number of GPUs or processes, or "auto", as Lightning takes it.')]


def train(
    target: Target,
    data: Data = None,
    level: Level = None,
    energy_key: EnergyKey = "energy",
    formation_energy_key: FormationKey = None,
    fragment_energies: FragmentEnergies = None,
    start: From = None,
    shift_only: ShiftOnly = False,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    members: Members = 3,
    fold_rows: FoldRows = None,
    fold_epochs: FoldEpochs = None,
    fold_seeds: FoldSeeds = 1,
    workers: Workers = 1,
    patience: Patience = 10,
    resume: Resume = False,
    devices: Devices = "1",
    quiet: options.Quiet = False,
) -> None:
    """Train, measure on held-out rows, and save the checkpoint with its card.

    Example: ase-bimetal train my-model --data mine.extxyz --level "PBE0/def2-TZVP" --from mml-gfn1-pbe
    """
    if start is not None:
        options.check_start(start)
    if start is None and level is None and (data is None or data.name.endswith(".json.xz")):
        if resume or shift_only or fragment_energies or formation_energy_key:
            raise typer.BadParameter(
                "packed labels without --level are trained from scratch, in one go, with the "
                "fragment energies they hold",
                param_hint="--resume, --shift-only, --fragment-energies or a key",
            )
        require("train")
        _train_on_labels(target, data, epochs or 40, members, (fold_rows, fold_epochs, fold_seeds), workers)
        return
    if data is None or level is None:
        missing = "--data" if data is None else "--level"
        raise typer.BadParameter(f"training on your own energies needs {missing}", param_hint=missing)
    require("train")
    from ase_bimetal.lab.training.fine_tune import OwnOptions

    chosen = OwnOptions(
        _training(start, epochs, learning_rate),
        members,
        patience,
        shift_only=shift_only,
        resume=resume,
        devices=int(devices) if devices.isdigit() else devices,
        progress=not quiet and sys.stderr.isatty(),
    )
    own = _read(data, level, (energy_key, formation_energy_key), fragment_energies, start)
    _train_on_own(target, own, start, chosen, quiet)


def _training(start: str | None, epochs: int | None, learning_rate: float | None) -> TrainingOptions:
    from dataclasses import replace

    from ase_bimetal.lab.training.fine_tune import FINE_TUNING
    from ase_bimetal.lab.training.module import TrainingOptions

    usual = TrainingOptions() if start is None else FINE_TUNING
    return replace(usual, epochs=epochs or usual.epochs, learning_rate=learning_rate or usual.learning_rate)


def _train_on_labels(
    target: Path, data: Path | None, epochs: int, members: int, folds: tuple[int | None, int | None, int], workers: int
) -> None:
    from ase_bimetal.cli.tables import markdown_metrics
    from ase_bimetal.lab.labels.dataset import SHIPPED, load_labels
    from ase_bimetal.lab.training.fit import FoldBudget, train_model
    from ase_bimetal.lab.training.module import TrainingOptions

    card = train_model(
        load_labels(data or SHIPPED),
        target,
        members,
        TrainingOptions(epochs=epochs),
        workers,
        folds=FoldBudget(*folds),
    )
    print(markdown_metrics(card.metrics))


def _read(
    data: Path, level: str, keys: tuple[str, str | None], fragment_energies: Path | None, start: str | None
) -> OwnData:
    """Rows of one's own; fitted fragment energies are measured from the model that is fine-tuned, if there is one."""
    from ase_bimetal.lab.training.own_data import Columns, load_own_data
    from ase_bimetal.model.interface import Prediction
    from ase_bimetal.model.predictor import get_predictor

    def predicted(systems: list[BimetallicSystem]) -> list[float]:
        found = get_predictor(start).predict(systems)
        return [item.formation_energy_per_metal for item in found if isinstance(item, Prediction)]

    return load_own_data(data, level, Columns(*keys), fragment_energies, None if start is None else predicted)


def _train_on_own(target: Path, own: OwnData, start: str | None, chosen: OwnOptions, quiet: bool) -> None:
    from ase_bimetal.cli.tables import markdown_metrics
    from ase_bimetal.lab.training.own_model import train_own_model

    for item in own.left_out:
        print(f"left out: {item.reason}", file=sys.stderr)
    card = train_own_model(own, target, start, chosen, say=options.teller(quiet))
    print(f"{card.name}: {card.level}, {card.data.used} rows, {card.data.rejected} left out")
    print(markdown_metrics(card.metrics))
    for split, interval in card.intervals.items():
        print(
            f"90 % intervals, {split}: {100 * interval['coverage']:.0f} % inside, "
            f"± {interval['half_width']:.3f} eV/metal"
        )
    print("\n".join(f"- {limit}" for limit in card.limits))
