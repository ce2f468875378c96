"""`ase-bimetal predict`: formation energies of structure files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli import options

if TYPE_CHECKING:
    from ase_bimetal.cli.batches import Done
    from ase_bimetal.errors import BimetalError
    from ase_bimetal.formation import ReferenceState
    from ase_bimetal.io.read import Frame
    from ase_bimetal.io.write import Record
    from ase_bimetal.model.interface import Failure, Prediction
    from ase_bimetal.structures.formula import FormulaCluster
    from ase_bimetal.system import BimetallicSystem

_OUTPUTS = ("table", "json", "csv", "extxyz")
_UNITS = {
    "energy": "eV",
    "formation_energy_per_metal": "eV/metal",
    "formation_energy_std": "eV/metal",
    "accessibility_index": "-",
}


class State(StrEnum):
    """Reference state of the ligands."""

    dimer = "dimer"
    hydride = "hydride"
    radical = "radical"


class Charge(StrEnum):
    """What becomes of a declared charge."""

    refuse = "refuse"
    ignore = "ignore"


def predict_files(
    files: options.OptionalFiles = None,
    ligand: options.Ligands = None,
    formula: Annotated[
        list[str] | None,
        typer.Option(help="Cluster to build, such as Au24Pd(PET)18, in place of a file; may be repeated."),
    ] = None,
    reference_state: Annotated[State, typer.Option(help="Reference state of the ligands.")] = State.dimer,
    model: options.AnyModel = "auto",
    device: Annotated[str, typer.Option(help="Where the networks run: cpu or cuda.")] = "cpu",
    charge: Annotated[
        Charge,
        typer.Option(
            help="What becomes of objects that declare a charge: refuse, or ignore for "
            "the number of the neutral object, flagged."
        ),
    ] = Charge.refuse,
    format: options.Format = None,
    output: Annotated[
        str | None, typer.Option(help="table, json, csv or extxyz; default: table on a terminal, csv in a pipe.")
    ] = None,
    out: options.Out = None,
    workers: options.Workers = 1,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Predict the formation energy of every structure.

    A bad structure is named on standard error and the others go on.

    Example: ase-bimetal predict cluster.xyz --ligand PET:8 --ligand PPh3:2 --out results.csv
    """
    from ase_bimetal.cli import batches, render
    from ase_bimetal.cli.output import choose, open_output
    from ase_bimetal.model.registry import load_weights

    files = files or []
    if not files and not formula:
        raise typer.BadParameter("give structure files, or --formula such as Au24Pd(PET)18", param_hint="FILES")
    kind = choose(output, out, _OUTPUTS)
    options.check_files(files, format)
    options.check_any_model(model)
    options.check_device(device)
    options.check_workers(workers, device)
    clusters = _build(formula or [], options.teller(quiet))
    work = _Prediction(model, device, options.read_ligands(ligand), reference_state.value, charge, clusters, quiet)
    target = open_output(kind, out, render.Predictions(verbose).print)
    if workers > 1:
        load_weights(model, device)
    batches.run(files, format, work, target, verbose, quiet, _frames(clusters), workers)


def _build(formulas: Sequence[str], say: Callable[[str], None]) -> dict[str, FormulaCluster]:
    """Formula → its cluster; where each geometry comes from is said."""
    from ase_bimetal.errors import BimetalError
    from ase_bimetal.structures.formula import build_formula

    clusters = {}
    for text in formulas:
        try:
            clusters[text] = build_formula(text)
        except BimetalError as error:
            raise typer.BadParameter(str(error), param_hint="--formula") from None
        say(f"{text}: {clusters[text].origin}")
    return clusters


def _frames(clusters: Mapping[str, FormulaCluster]) -> list[Frame]:
    from ase_bimetal.io.read import Frame

    return [Frame(text, cluster.atoms) for text, cluster in clusters.items()]


def _finished(found: Prediction, cluster: FormulaCluster | None) -> Prediction:
    """A prediction with what the geometry of a formula adds, for one that comes of a formula."""
    from ase_bimetal.model.registry import with_geometry

    return found if cluster is None else with_geometry(found, cluster)


@dataclass(frozen=True)
class _Prediction:
    """Predicts a batch; the model is loaded once in each process, at its first batch.

    ``built`` holds the cluster of each formula by the formula's name; the rest as in the options.
    """

    model: str
    device: str
    ligands: dict[str, int] | None
    reference_state: ReferenceState
    charge: Charge
    built: Mapping[str, FormulaCluster]
    quiet: bool

    def __call__(self, frames: Sequence[Frame]) -> list[list[Done]]:
        """Records or errors of each frame, in the order given."""
        from ase_bimetal.cli.batches import clusters
        from ase_bimetal.errors import BimetalError
        from ase_bimetal.model.registry import get_model

        say = options.teller(self.quiet)
        parts = [clusters(frame, self.ligands, self.charge.value, say) for frame in frames]
        good = [system for part in parts for _, system in part if not isinstance(system, BimetalError)]
        found = iter(get_model(self.model, self.device).predict(good, self.reference_state))
        return [[(frame.name, _result(frame, system, found, self.built)) for frame, system in part] for part in parts]


def _result(
    frame: Frame,
    system: BimetallicSystem | BimetalError,
    found: Iterator[Prediction | Failure],
    built: Mapping[str, FormulaCluster],
) -> Record | BimetalError:
    """The record of a system from the next of the results, or why there is none."""
    from ase_bimetal.errors import BimetalError
    from ase_bimetal.model.interface import Failure

    if isinstance(system, BimetalError):
        return system
    result = next(found)
    return (
        result.error
        if isinstance(result, Failure)
        else _record(frame, system, _finished(result, built.get(frame.name)))
    )


def _record(frame: Frame, system: BimetallicSystem, found: Prediction) -> Record:
    """A prediction as columns for tables, as all its values, and as atoms that carry it."""
    from ase import Atoms

    from ase_bimetal.io.results import with_results
    from ase_bimetal.io.write import Record

    columns = {
        "E_form (eV/metal)": round(found.formation_energy_per_metal, 4),
        "std (eV/metal)": round(found.formation_energy_std, 4),
        "energy (eV)": round(found.energy, 4),
        "phi": None if found.accessibility_index is None else round(found.accessibility_index, 4),
        "level": found.level,
        "reference_state": found.reference_state,
        "model": found.model,
        "flags": "; ".join(found.flags),
    }
    values = {key: value for key, value in found.as_dict().items() if not key.startswith("@")}
    detail = {"energy": found.energy} | values | {"ligand_smiles": system.ligand_counts, "units": _UNITS}
    atoms = frame.content if isinstance(frame.content, Atoms) else system.to_atoms()
    return Record(frame.name, columns, detail, with_results(atoms, found, system.ligand_counts))
