"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_results(title: str, results: Mapping[str, Any]) -> None:
    """Print one prediction with unit, level, reference and model of every number."""
    console = Console()
    energy, std = results["formation_energy_per_metal"], results["formation_energy_std"]
    console.print(f"[bold]{title}[/bold]")
    console.print(f"formation energy: {energy:.3f} ± {std:.3f} eV/metal   (total {results['energy']:.3f} eV)")
    console.print(f"level: {results['level']}; reference: free ligands, {results['reference']}; "
                  f"model: {results['model']}")
    console.print(f"± is one standard deviation of the model; the level adds {results['level_error']:.2f} eV/metal")
    table = Table("descriptor", "value")
    for name, value in results["descriptors"].items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)
    if results["accessible"] is not None:
        word = "accessible" if results["accessible"] else "not accessible"
        console.print(f"accessibility index φ = {results['accessibility_index']:.3f}: {word} (φ > −0.3)")
    for flag in results["flags"]:
        console.print(f"[yellow]note:[/yellow] {flag}")
