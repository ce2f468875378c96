"""`ase-bimetal info`: what the shipped model is, how good it is, and what is installed."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ase_bimetal.cli import options

if TYPE_CHECKING:
    from ase_bimetal.model.card import ModelCard

_LIBRARIES = ("ase", "pymatgen", "matminer", "torch", "transformers", "rdkit", "numpy", "scikit-learn", "tblite")


def info(
    model: options.Model = "mml-gfn1-pbe",
    output: Annotated[str, typer.Option(help="text, or json for the whole card.")] = "text",
    ligands: Annotated[bool, typer.Option("--ligands", help="List the ligand names that are understood.")] = False,
    verbose: options.Verbose = False,
) -> None:
    """Print what is known of a model.

    That is its name and hash, its errors on every split as a Markdown table, its domain and its limits.

    Example: ase-bimetal info --ligands
    """
    if output not in ("text", "json"):
        raise typer.BadParameter(f"{output!r}; allowed: text, json", param_hint="--output")
    if ligands:
        _print_ligands()
        return
    options.check_model(model)
    from ase_bimetal.model.registry import FOREST

    content = _forest(output) if model == FOREST else _network(model, output)
    if output == "json":
        print(json.dumps(content | {"versions": _versions()}, indent=1, ensure_ascii=False))
        return
    if verbose:
        print("\n" + "\n".join(f"{name} {number}" for name, number in _versions().items()))


def _network(model: str, output: str) -> dict[str, Any]:
    """The card of a network as JSON, printed where text is wanted."""
    from ase_bimetal.model.checkpoint import model_name, read_weights

    card = read_weights(model)[1]
    if output == "text":
        _print_card(model_name(card), card)
    return card.as_json()


def _forest(output: str) -> dict[str, Any]:
    """The same of the descriptor forest."""
    from ase_bimetal.cli.tables import forest_errors
    from ase_bimetal.model.forest_card import CARD

    card: dict[str, Any] = json.loads(CARD.read_text())
    if output == "text":
        print(f"ase-bimetal {version('ase-bimetal')}\n{forest_errors(card)}")
    return card


def _print_card(name: str, card: ModelCard) -> None:
    from ase_bimetal.cli.tables import markdown_metrics

    print(f"ase-bimetal {version('ase-bimetal')}")
    print(
        f"{name}: {card.level}, reference state {card.reference_state}, trained {card.created} on "
        f"{card.data.used} of {card.data.labelled} labels (digest {card.data.digest})\n"
    )
    print("errors in eV/metal")
    print(markdown_metrics(card.metrics))
    print(f"\ntrained on metals: {', '.join(card.domain.metals)}")
    print(
        f"trained on families: {', '.join(card.domain.families)}; "
        f"{' to '.join(str(n) for n in card.domain.n_metals)} metal atoms"
    )
    print("\n" + "\n".join(f"- {limit}" for limit in card.limits))


def _print_ligands() -> None:
    from ase_bimetal.ligands import LIGAND_NAMES

    for name, smiles in LIGAND_NAMES.items():
        print(f"{name}\t{smiles}")


def _versions() -> dict[str, str]:
    """Python, this package and the libraries it stands on; absent ones are left out."""
    found = {"python": platform.python_version()}
    for name in ("ase-bimetal", *_LIBRARIES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
