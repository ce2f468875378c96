"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from ase_bimetal.io.write import Record

_FILE_WIDTH = 200  # characters


def print_results(title: str, results: Mapping[str, Any]) -> None:
    """Print one prediction with unit, level, reference state and model of every number."""
    console = Console()
    energy, std = results["formation_energy_per_metal"], results["formation_energy_std"]
    console.print(f"[bold]{title}[/bold]")
    console.print(f"formation energy: {energy:.3f} ± {std:.3f} eV/metal   (total {results['energy']:.3f} eV)")
    console.print(
        f"level: {results['level']}; reference state: free ligands, {results['reference_state']}; "
        f"model: {results['model']}"
    )
    console.print("± is one standard deviation, network and level of theory together; 1.645 of them hold 90 %")
    console.print(_descriptor_table(results["descriptors"]))
    if results["accessible"] is not None:
        word = "accessible" if results["accessible"] else "not accessible"
        console.print(f"accessibility index φ = {results['accessibility_index']:.3f}: {word} (φ > −0.3)")
    for flag in results["flags"]:
        console.print(f"[yellow]note:[/yellow] {escape(flag)}")


def _descriptor_table(descriptors: Mapping[str, float]) -> Table:
    table = Table("descriptor", "value")
    for name, value in descriptors.items():
        table.add_row(name, f"{value:.3f}")
    return table


class Predictions:
    """Prints predictions: one row a structure, with flags as numbered notes below.

    Parameters
    ----------
    verbose
        Whether to print the descriptors of every structure too.
    """

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose

    def print(self, records: Sequence[Record], stream: IO[str]) -> None:
        """Print the table, what its numbers are, and the notes."""
        console = console_for(stream)
        notes = list(dict.fromkeys(flag for record in records for flag in record.detail["flags"]))
        table = Table("structure")
        for name in ("E_form ± std (eV/metal)", "energy (eV)", "φ (-)", "accessible", "notes"):
            table.add_column(name, justify="right")
        for record in records:
            table.add_row(escape(record.name), *_prediction_cells(record.detail, notes))
        console.print(table)
        for record in records if self._verbose else ():
            console.print(f"[bold]{escape(record.name)}[/bold]", _descriptor_table(record.detail["descriptors"]))
        for line in dict.fromkeys(map(_meaning, records)):
            console.print(line, soft_wrap=True)
        console.print(
            "± is one standard deviation, network and level of theory together; 1.645 of them hold 90 %", soft_wrap=True
        )
        for number, note in enumerate(notes, start=1):
            console.print(f"[yellow]note {number}:[/yellow] {escape(note)}", soft_wrap=True)


def _meaning(record: Record) -> str:
    """Level, reference state and model of a prediction; what the state is of depends on the surroundings."""
    found = record.detail
    ligands = "free ligands, " if found["reference_state"] in ("dimer", "hydride", "radical") else ""
    return f"level: {found['level']}; reference state: {ligands}{found['reference_state']}; model: {found['model']}"


def console_for(stream: IO[str]) -> Console:
    """Make a console of a suitable width.

    It is as wide as the terminal; in a file, wide enough not to break names.
    """
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _FILE_WIDTH)


def _prediction_cells(detail: Mapping[str, Any], notes: Sequence[str]) -> list[str]:
    phi, accessible = detail["accessibility_index"], detail["accessible"]
    return [
        f"{detail['formation_energy_per_metal']:.3f} ± {detail['formation_energy_std']:.3f}",
        f"{detail['energy']:.3f}",
        "" if phi is None else f"{phi:.3f}",
        {None: "", True: "yes", False: "no"}[accessible],
        ", ".join(str(notes.index(flag) + 1) for flag in detail["flags"]),
    ]


def print_values(records: Sequence[Record], stream: IO[str]) -> None:
    """Print single values, one row a structure; with many columns, one row a value."""
    console = console_for(stream)
    names = list(records[0].columns)
    if len(records) == 1:
        table = Table("value", escape(records[0].name))
        for name, value in records[0].columns.items():
            table.add_row(name, _cell(value))
    else:
        table = Table("structure", *names)
        for record in records:
            table.add_row(escape(record.name), *(_cell(record.columns[name]) for name in names))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))
