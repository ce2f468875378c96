"""`ase-bimetal demo`: the main job on the bundled example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ase_bimetal.cli.targets import PICTURES, check_suffix

if TYPE_CHECKING:
    from ase_bimetal.system import BimetallicSystem


def demo(
    example: Annotated[str, typer.Option(help="Name of a bundled cluster.")] = "Au4Pd2(PET)8",
    picture: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("cluster.png"),
) -> None:
    """Predict a bundled cluster, print everything known of it, and draw it.

    Example: ase-bimetal demo --example "Au4Pd2(PET)8"
    """
    check_suffix(picture, PICTURES, "--picture")
    from ase_bimetal.calculators.calculator import MMLFormationCalculator
    from ase_bimetal.cli.render import print_results
    from ase_bimetal.examples import load_example
    from ase_bimetal.system import as_system

    atoms = load_example(example)
    atoms.calc = MMLFormationCalculator()
    atoms.get_potential_energy()
    print_results(example, atoms.calc.results)
    _draw(as_system(atoms), example, atoms.calc.results, picture)
    print(f"picture: {picture}")


def _draw(system: BimetallicSystem, name: str, results: Mapping[str, Any], picture: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from ase_bimetal.numbers import formula, number
    from ase_bimetal.plots import draw_cluster

    figure = Figure(figsize=(6, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    energy, std = results["formation_energy_per_metal"], results["formation_energy_std"]
    energy_words = r"$E_\mathrm{form}$" + f" = {number(energy)} ± {number(std)} eV/metal ({results['level']})"
    title = f"{formula(name)}\n{energy_words}"
    draw_cluster(system, figure.subplots(), title)
    figure.savefig(picture, dpi=150)
