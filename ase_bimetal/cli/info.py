"""`ase-bimetal info`: what the shipped model is and how good it is."""

from __future__ import annotations

from typing import Annotated

import typer


def info(
    model: Annotated[str, typer.Option(help="Shipped model or folder of one's own.")] = "mml-gfn1-pbe",
) -> None:
    """Print the model's name and hash, its errors on every split as a Markdown table, and its limits.

    Example: ase-bimetal info
    """
    from ase_bimetal.cli.tables import markdown_metrics
    from ase_bimetal.model.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(model)
    card = checkpoint.card
    print(f"{checkpoint.name}: {card['level']}, reference {card['reference']}, trained {card['created']} on "
          f"{card['data']['used']} of {card['data']['labelled']} labels (digest {card['data']['digest']})\n")
    print(markdown_metrics(card["metrics"]))
    print("\n" + "\n".join(f"- {limit}" for limit in card["limits"]))
