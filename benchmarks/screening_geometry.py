"""What unrelaxed templates cost: predictions on templates against those on the relaxed parents of the labels.

Run: python benchmarks/screening_geometry.py             clusters
     python benchmarks/screening_geometry.py --supports   pairs of metals on zeolites and doped carbon
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from ase import Atoms

from ase_bimetal.model.predictor import get_predictor, level_shift
from ase_bimetal.reference.assemble import assemble
from ase_bimetal.reference.dataset import load_reference
from ase_bimetal.reference.motifs import FAMILIES, Prototype
from ase_bimetal.screening.cores import core_of
from ase_bimetal.screening.roles import Shell, motif_roles
from ase_bimetal.screening.templates import build_template, with_metals
from ase_bimetal.system import as_system


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


def supports() -> None:
    """Print, by support, what the closest other pair's geometry changes against a pair's own."""
    from ase_bimetal.baselines.forest import get_forest
    from ase_bimetal.descriptors import accessibility_index, metal_distance
    from ase_bimetal.errors import ScreenError
    from ase_bimetal.reference.hosts import load_hosts
    from ase_bimetal.screening.supports import SUPPORTS, find_site, site_atoms

    frame, forest, rows = load_hosts().frame, get_forest(), []
    names = {place: name for name, place in SUPPORTS.items()}
    for row in frame[(frame.kind == "parent") & frame.environment.notna()].itertuples():
        support = names[row.family, row.structure]
        try:
            other = site_atoms(find_site(support, row.host, row.dopant, without=row.prototype))
        except ScreenError:  # the only pair with as much aluminium
            continue
        pair = [as_system(Atoms(atoms.symbols, atoms.positions)) for atoms in (row.atoms, other)]
        changes = [np.diff([measure(system) for system in pair])[0] for measure in (
            lambda system: forest.estimate(system).formation_energy_per_metal, metal_distance, accessibility_index)]
        rows.append([support, *np.abs(changes), changes[0]])
    table = pd.DataFrame(rows, columns=["support", "E_form", "D", "phi", "shift"])
    for name, part in [*table.groupby("support"), ("all", table)]:
        energy = f"{part.E_form.mean():.2f} ({part['shift'].mean():+.2f})"
        print(f"| {name} | {len(part)} | {energy} | {part.D.mean():.2f} | {part.phi.mean():.3f} |")


def main() -> None:
    """Print errors by motif [eV/metal]."""
    frame, predictor, built, rows = load_reference().frame, get_predictor(), {}, []
    for row in frame[(frame.kind == "parent") & frame.family.isin(list(FAMILIES))].itertuples():
        key = row.family, shell_of(row.family, row.atoms.info["ligand_smiles"])
        if key not in built:
            built[key] = ideal(*key), build_template(*key)
        metals = [s for s, k in zip(row.atoms.symbols, row.atoms.arrays["fragment"], strict=True) if k == 0]
        assert len(metals) == len(core_of(row.family).symbols)
        parent = as_system(row.atoms)
        target = row.formation_energy + level_shift(parent, predictor.card)
        trials = [parent, *(as_system(with_metals(template, metals)) for template in built[key])]
        energies = [found.formation_energy_per_metal for found in predictor.predict(trials)]
        std = predictor.predict(trials[2:])[0].formation_energy_std
        rows.append([row.family, *(e - target for e in energies), abs(energies[2] - target) < 1.645 * std])
    table = pd.DataFrame(rows, columns=["motif", "relaxed parent", "ideal core", "mean relaxed core", "in 90 %"])
    errors = ["relaxed parent", "ideal core", "mean relaxed core"]
    for name, part in [*table.groupby("motif"), ("all", table)]:
        cells = " | ".join(f"{part[e].abs().mean():.3f} ({part[e].mean():+.3f})" for e in errors)
        print(f"| {name} | {len(part)} | {cells} | {part['in 90 %'].mean():.0%} |")


if __name__ == "__main__":
    supports() if "--supports" in sys.argv else main()
