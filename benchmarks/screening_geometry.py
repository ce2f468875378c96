"""What unrelaxed templates cost: predictions on templates against those on the relaxed parents of the labels.

``python benchmarks/screening_geometry.py`` prints tables and writes what the templates add to a screening's ±, in
``ase_bimetal/structures/template_errors.json``; some minutes of one core.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from ase import Atoms

import ase_bimetal.structures
from ase_bimetal.descriptors import accessibility_index, metal_distance
from ase_bimetal.errors import ScreenError
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.model.domain import Z90
from ase_bimetal.model.forest import get_forest
from ase_bimetal.model.predictor import get_predictor, level_shift
from ase_bimetal.numbers import number
from ase_bimetal.screening.config import ScreenConfig, example_path
from ase_bimetal.screening.supports import SUPPORTS, find_site, site_atoms
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.motifs import Prototype
from ase_bimetal.structures.placements import core_of
from ase_bimetal.structures.roles import Shell, motif_roles
from ase_bimetal.structures.template_errors import ALL, FILE, IDEAL_CORE, RELAXED_CORE, template_error
from ase_bimetal.structures.templates import build_template, with_metals
from ase_bimetal.system import as_system

_ENOUGH = 10  # parents of a motif, below which the errors of all motifs stand for it
_ERRORS = ("relaxed parent", "ideal core", "mean relaxed core")


def shell_of(motif: str, ligands: dict[str, int]) -> Shell:
    """Role → ligand of a labelled cluster, found by the number of its sites."""
    left, roles = dict(ligands), motif_roles(motif)
    found = []
    for role, count in roles.items():
        [smiles, *_] = [s for s, n in left.items() if n == count]
        left.pop(smiles)
        found.append((role, smiles))
    return Shell("", tuple(found))


def ideal(motif: str, shell: Shell) -> Atoms:
    """The template without relaxed places."""
    return assemble(Prototype(motif, "Pd", dict(shell.ligands)))


def measure() -> pd.DataFrame:
    """Errors against the label [eV/metal] of every relaxed parent on the example's motifs, by geometry."""
    frame, predictor, built, rows = load_labels().frame, get_predictor(), {}, []
    motifs = ScreenConfig.from_yaml(example_path()).motifs
    for row in frame[(frame.kind == "parent") & frame.family.isin(motifs)].itertuples():
        key = row.family, shell_of(row.family, row.atoms.info["ligand_smiles"])
        if key not in built:
            built[key] = ideal(*key), build_template(*key)
        metals = [s for s, k in zip(row.atoms.symbols, row.atoms.arrays["fragment"], strict=True) if k == 0]
        assert len(metals) == len(core_of(row.family).symbols)
        parent = as_system(row.atoms)
        target = row.formation_energy + level_shift(parent, predictor.card).value
        trials = predictor.predict([parent, *(as_system(with_metals(template, metals)) for template in built[key])])
        errors = [found.formation_energy_per_metal - target for found in trials]
        phi = [trials[k].accessibility_index for k in (0, 2)]
        rows.append(
            [row.family, *errors, trials[2].formation_energy_std, abs(phi[1] - phi[0]) if None not in phi else np.nan]
        )
    return pd.DataFrame(rows, columns=["motif", *_ERRORS, "std", "phi"])


def write_errors(table: pd.DataFrame) -> None:
    """Keep what each geometry adds to ± [eV/metal], by motif."""
    errors = {}
    for geometry, name in ((IDEAL_CORE, "ideal core"), (RELAXED_CORE, "mean relaxed core")):
        moved = (table[name] - table["relaxed parent"]).abs()
        groups = [(ALL, moved), *(group for group in moved.groupby(table.motif) if len(group[1]) >= _ENOUGH)]
        errors[geometry] = {key: round(part.quantile(0.9) / Z90, 4) for key, part in groups}
    content = {"model": get_predictor().checkpoint.name, "unit": "eV/metal", "errors": errors}
    path = Path(ase_bimetal.structures.__file__).parent / FILE
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def clusters(table: pd.DataFrame) -> str:
    """Errors by motif [eV/metal] as a Markdown table, and what was measured."""
    added = [template_error(motif, RELAXED_CORE) for motif in table.motif]
    table["inside"] = table["mean relaxed core"].abs() < Z90 * np.hypot(table["std"], added)
    lines = [
        "| motif | parents | predicted on the relaxed parent | on the ideal core | on the mean relaxed core | "
        "inside the 90 % interval |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, part in [*table.groupby("motif"), ("all", table)]:
        cells = " | ".join(signed(part[e], 3) for e in _ERRORS)
        lines.append(f"| {name} | {len(part)} | {cells} | {part.inside.mean():.0%} |".replace("%", " %"))
    note = f"Measured with the model `{get_predictor().checkpoint.name}`; φ moves by {table.phi.mean():.4f} on average."
    return "\n".join([*lines, "", note])


def supports() -> str:
    """What the closest other pair's geometry changes against a pair's own, by support, as a Markdown table."""
    frame, forest, rows = load_hosts().frame, get_forest(), []
    names = {place: name for name, place in SUPPORTS.items()}
    for row in frame[(frame.kind == "parent") & frame.environment.notna()].itertuples():
        support = names[row.family, row.structure]
        try:
            other = site_atoms(find_site(support, row.host, row.dopant, without=row.prototype))
        except ScreenError:  # the only pair with as much aluminium
            continue
        pair = [as_system(Atoms(atoms.symbols, atoms.positions)) for atoms in (row.atoms, other)]
        energies = [forest.estimate(system).formation_energy_per_metal for system in pair]
        changes = [
            np.diff(energies)[0],
            *(np.diff([measure(system) for system in pair])[0] for measure in (metal_distance, accessibility_index)),
        ]
        rows.append([support, *changes])
    table = pd.DataFrame(rows, columns=["support", "energy", "distance", "phi"])
    lines = ["| support | pairs | E_form (eV/metal) | D (Å) | φ (-) |", "| --- | --- | --- | --- | --- |"]
    for name, part in [*table.groupby("support"), ("all", table)]:
        lines.append(
            f"| {name} | {len(part)} | {signed(part.energy, 2)} | {part.distance.abs().mean():.2f} | "
            f"{part.phi.abs().mean():.3f} |"
        )
    return "\n".join([*lines, "", f"Measured with `{forest.name}`."])


def signed(values: pd.Series, digits: int) -> str:
    """Mean absolute value, and the mean in brackets, with a true minus sign."""
    return f"{number(values.abs().mean(), digits)} ({number(values.mean(), digits, '+')})"


if __name__ == "__main__":
    found = measure()
    write_errors(found)
    print(clusters(found), supports(), sep="\n\n")
