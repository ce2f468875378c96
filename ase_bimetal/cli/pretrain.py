"""`ase-bimetal pretrain-ligands`: a ligand encoder of one's own, by span corruption on SMILES."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ase_bimetal.cli import options

Target = Annotated[Path, typer.Argument(help="Folder that receives checkpoints, log and, at the end, encoder/.")]
Smiles = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Public SMILES, one a line or first column, plain or .gz, or the wheel of molsets; at most 60 % of the "
        "molecules come from it, the others are generated ligands. Without it all are generated.",
    ),
]
Steps = Annotated[int, typer.Option(min=1, help="Optimiser steps of 32 molecules.")]
Seed = Annotated[int, typer.Option(help="Seed of data, order, hidden spans and first weights.")]
Molecules = Annotated[
    int,
    typer.Option(
        min=40,
        help="Molecules to train on; one tenth more, at most 1,000, of public ones and of generated ones are held out.",
    ),
]
Width = Annotated[int, typer.Option(min=8, help="Length of a ligand's vector; a multiple of 4.")]
Layers = Annotated[int, typer.Option(min=1, help="Layers of the encoder.")]
Every = Annotated[int, typer.Option(min=1, help="Steps between checkpoints, each with held-out perplexities.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the last checkpoint, to the same encoder as in one go.")
]


def pretrain_ligands(
    target: Target,
    smiles: Smiles = None,
    steps: Steps = 9_000,
    seed: Seed = 0,
    molecules: Molecules = 140_000,
    width: Width = 128,
    layers: Layers = 3,
    checkpoint_every: Every = 500,
    resume: Resume = False,
    quiet: options.Quiet = False,
) -> None:
    """Pretrain a T5 encoder of ligands on SMILES.

    Public SMILES are used, and generated thiols, phosphines, alkynes, carbenes and other ligands.

    Example: ase-bimetal pretrain-ligands my-ligands --smiles molsets-0.3.1-py3-none-any.whl
    """
    if width % 4:
        raise typer.BadParameter(f"{width} is no multiple of 4, the number of attention heads", param_hint="--width")
    from ase_bimetal.lab.pretraining.pretrain import PretrainSettings, pretrain_ligand_encoder

    settings = PretrainSettings(
        n_smiles=molecules,
        n_held_out=min(1_000, molecules // 10),
        steps=steps,
        warmup=min(200, 1 + steps // 10),
        seed=seed,
        d_model=width,
        d_ff=4 * width,
        n_layers=layers,
    )
    folder = pretrain_ligand_encoder(
        target, settings, corpus=smiles, resume=resume, slice_steps=checkpoint_every, progress=not quiet
    )
    _print_scores(folder)


def _print_scores(folder: Path) -> None:
    """Print where the encoder is and how well it guesses hidden tokens."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    print(
        f"{folder}: {card['n_parameters']:,} parameters, {card['steps_done']:,} steps, "
        f"{card['n_public']:,} public SMILES, {card['n_ligands']:,} generated ligands"
    )
    for pool, score in card["held_out"].items():
        print(
            f"held-out {pool}: perplexity {score['perplexity']:.2f} per hidden token "
            f"(untrained {score['untrained_perplexity']:.1f}, token frequencies {score['unigram_perplexity']:.1f}), "
            f"{100 * score['token_accuracy']:.0f} % right"
        )
