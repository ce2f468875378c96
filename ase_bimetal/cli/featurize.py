"""`ase-bimetal featurize`: the descriptor table of structure files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli import options

if TYPE_CHECKING:
    from ase_bimetal.cli.batches import Done, Work
    from ase_bimetal.errors import BimetalError
    from ase_bimetal.io.read import Frame
    from ase_bimetal.io.write import Record
    from ase_bimetal.system import BimetallicSystem

    Values = Callable[[BimetallicSystem], dict[str, float | None]]

_OUTPUTS = ("table", "json", "csv", "parquet")


def complete_feature(incomplete: str) -> Iterator[str]:
    """Complete the name of a descriptor for the shell."""
    yield from (name for name in _by_short_name() if name.startswith(incomplete))


def featurize(
    files: options.Files,
    ligand: options.Ligands = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(
            help="Descriptor such as H_mix, D or phi, or 'paper' for the article's eight; may be repeated. "
            "A structure that lacks one fails. Default: all, with empty cells.",
            autocompletion=complete_feature,
        ),
    ] = None,
    format: options.Format = None,
    output: Annotated[
        str | None, typer.Option(help="table, json, csv or parquet; default: table on a terminal, csv in a pipe.")
    ] = None,
    out: options.Out = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Compute the descriptors of every structure: clusters, surfaces, zeolites, alloys.

    Example: ase-bimetal featurize POSCAR zeolite.cif --feature H_mix --feature phi --out descriptors.csv
    """
    from ase_bimetal.cli import batches, render
    from ase_bimetal.cli.output import choose, open_output

    kind = choose(output, out, _OUTPUTS)
    options.check_files(files, format)
    say = options.teller(quiet)
    values = _named_values(_labels(feature), say) if feature else _all_values(verbose, say)
    work = _worker(values, options.read_ligands(ligand), say)
    batches.run(files, format, work, open_output(kind, out, render.print_values), verbose, quiet)


def _by_short_name() -> dict[str, str]:
    """Name without unit → label with unit."""
    from ase_bimetal.descriptors import ALL_DESCRIPTORS

    return {label.rpartition(" (")[0]: label for label in ALL_DESCRIPTORS}


def _labels(names: Sequence[str]) -> list[str]:
    """Labels of the descriptors asked for, each once, in the order given."""
    from ase_bimetal.descriptors import PAPER_FEATURES

    known = _by_short_name()
    found: list[str] = []
    for name in names:
        if name != "paper" and name not in known and name not in known.values():
            raise typer.BadParameter(
                f"no descriptor {name!r}; allowed: paper, {', '.join(known)}", param_hint="--feature"
            )
        found += PAPER_FEATURES if name == "paper" else [known.get(name, name)]
    return list(dict.fromkeys(found))


def _named_values(labels: Sequence[str], say: Callable[[str], None]) -> Values:
    """The descriptors asked for; an object that lacks one raises its error, None is of one metal and needs two."""
    from ase_bimetal.descriptors import ALL_DESCRIPTORS
    from ase_bimetal.errors import OneMetalError

    def values(system: BimetallicSystem) -> dict[str, float | None]:
        """Label → value or None, in the order asked for."""
        found: dict[str, float | None] = {}
        for label in labels:
            try:
                found[label] = float(ALL_DESCRIPTORS[label](system))
            except OneMetalError as error:
                found[label] = None
                say(f"no {label}: {error}")
        return found

    return values


def _all_values(verbose: bool, say: Callable[[str], None]) -> Values:
    """All descriptors, None where the object lacks the data; the reasons go to standard error if asked for."""
    from ase_bimetal.descriptors import ALL_DESCRIPTORS, all_descriptors, missing_descriptors, pair_descriptor_note

    def values(system: BimetallicSystem) -> dict[str, float | None]:
        """Label → value or None, in the table's order."""
        found = all_descriptors(system)
        if verbose:
            for label, reason in missing_descriptors(system).items():
                typer.echo(f"no {label}: {reason}", err=True)
        elif note := pair_descriptor_note(system):
            say(note)
        return {label: found.get(label) for label in ALL_DESCRIPTORS}

    return values


def _worker(values: Values, ligands: dict[str, int] | None, say: Callable[[str], None]) -> Work:
    """The function that describes a batch."""

    def work(frames: Sequence[Frame]) -> list[list[Done]]:
        """Records or errors of each frame, in the order given."""
        from ase_bimetal.cli.batches import clusters

        return [
            [(part.name, _record(part, system, values)) for part, system in clusters(frame, ligands, "keep", say)]
            for frame in frames
        ]

    return work


def _record(frame: Frame, system: BimetallicSystem | BimetalError, values: Values) -> Record | BimetalError:
    """Descriptors of one cluster, or why it has none."""
    from ase_bimetal.errors import BimetalError, as_typed
    from ase_bimetal.io.write import Record

    if isinstance(system, BimetalError):
        return system
    try:
        columns = values(system)
    except Exception as error:  # one object never costs the others
        return as_typed(error, f"describing {system!r:.200}")
    return Record(frame.name, columns, columns)
