"""Anchors: small closed molecules computed with PBE and GFN1-xTB, from which the corrections are fitted.

``python -m ase_bimetal.lab.labels.anchors FOLDER`` computes what neither the shipped files nor the folder hold,
cheapest first; it may be killed and started again at any moment, and several may share a folder. With ``--pack`` it
writes what is finished into the shipped files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.io import read, write
from filelock import FileLock, Timeout
from scipy.spatial.transform import Rotation

from ase_bimetal.errors import BimetalError
from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels import cp2k, label
from ase_bimetal.lab.labels.corrections import ANCHORS, ATOMS_PBE, atom_energies
from ase_bimetal.lab.labels.recipes import CLUSTERS, MULTIPLICITIES_OF_ATOMS, RECIPES, REFERENCES, Recipe, Site
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.assembly import bound_pieces, free_molecule
from ase_bimetal.structures.checks import rejection
from ase_bimetal.structures.motifs import DONOR_DISTANCE
from ase_bimetal.system import as_system

REJECTS = ANCHORS.with_name("anchor_rejects.json")
#: How a distorted copy is made from its parent: metals moved, ligands moved out or in [Å].
DISTORTIONS = {"metals": 0.15, "out": 0.12}
_SPIN_WINDOW = 0.6  # eV
_FMAX = 0.02  # eV/Å, GFN1-xTB
_SH_BOND = 1.35  # Å
_RING_RADIUS, _RING_HYDROGENS, _RING_HEIGHT = 1.21, 2.29, 1.85  # Å, cyclopentadienyl


@dataclass(frozen=True)
class Task:
    """One thing to compute.

    It has a name, a cost relative to the others [-], what makes its record, and its turn.

    Atoms and free molecules come first (0), because no anchor counts without them; distorted copies last (2).
    """

    name: str
    cost: float
    run: Callable[[Path], dict[str, Any]]
    turn: int = 1


def tasks() -> list[Task]:
    """List everything there is to compute.

    The order is that of turns, and cheapest first.
    """
    found = [Task(name, _cost(9.0, 1), partial(_reference, name), 0) for name in REFERENCES]
    for symbol, spins in MULTIPLICITIES_OF_ATOMS.items():
        found.append(Task(f"atom_{symbol}", _cost(9.0, len(spins)), partial(_isolated_atom, symbol), 0))
    for recipe in RECIPES:
        cost = _cost(cp2k.cube_edge(_along_diagonal(build(recipe))), len(recipe.multiplicities))
        found.append(Task(recipe.name, cost, partial(_anchor, recipe)))
        if recipe.distorted:
            found += [Task(f"{recipe.name}~{how}", cost, partial(_distorted, recipe, how), 2) for how in DISTORTIONS]
    for dopant, multiplicities in CLUSTERS.items():
        found.append(Task(f"Au4M2(SH)8_{dopant}", _cost(14.0, len(multiplicities)), partial(_cluster_anchor, dopant)))
    return sorted(found, key=lambda task: (task.turn, task.cost))


def _cost(edge: float, spins: int) -> float:
    """Grid points of all runs: an open shell has two densities and more than one multiplicity."""
    return edge**3 * (1 if spins == 1 else 2 * spins)


def compute(folder: Path) -> None:
    """Compute every task that is still missing.

    Missing is what is neither shipped nor in the folder; failures are records with a reason.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shipped = {frame.info["name"] for frame in read(ANCHORS, ":")} | {f"atom_{s}" for s in atom_energies()}
    for task in tasks():
        path = folder / f"{task.name}.json"
        if task.name in shipped:
            continue
        with suppress(Timeout), FileLock(path.with_suffix(".lock"), blocking=False):
            if not path.exists():
                _run(task, path)


def _run(task: Task, path: Path) -> None:
    try:
        record = task.run(path.parent)
    except (CalculationFailed, BimetalError) as failure:
        record = {"name": task.name, "rejected": str(failure)}
    write_whole(path, json.dumps(record))
    print(task.name, record.get("rejected") or record.get("energy_pbe_eV"), flush=True)


def build(recipe: Recipe) -> Atoms:
    """Build a recipe's molecule before relaxation.

    It has the array ``fragment`` (0 = metal) and ``info["ligand_smiles"]``.

    Examples
    --------
    >>> build(next(r for r in RECIPES if r.name == "AuBr(PH3)")).get_chemical_formula()
    'H3AuBrP'
    """
    atoms = Atoms([symbol for symbol, _ in recipe.metals], [place for _, place in recipe.metals])
    fragment = [0] * len(atoms)
    counts: dict[str, int] = {}
    for k, site in enumerate(recipe.sites, start=1):
        ligand = Ligand.parse(site.ligand)
        piece = _placed(ligand, site, k)
        atoms += piece
        fragment += [k] * len(piece)
        counts[ligand.smiles] = counts.get(ligand.smiles, 0) + 1
    atoms.arrays["fragment"] = np.array(fragment)
    atoms.info["ligand_smiles"] = counts
    return atoms


def _placed(ligand: Ligand, site: Site, turn: int) -> Atoms:
    """A ligand on its site, turned about its bond by an angle that differs from its neighbours'."""
    if ligand.is_pi:
        symbols, positions, distance = *_ring(), _RING_HEIGHT
    else:
        piece = bound_pieces(ligand)[0]
        symbols, positions, distance = piece.symbols, piece.positions, DONOR_DISTANCE[ligand.donor]
    direction = np.array(site.direction) / np.linalg.norm(site.direction)
    onto = Rotation.align_vectors([direction, _across(direction)], [[0, 0, 1], [1, 0, 0]])[0]
    turned = onto.apply(Rotation.from_euler("z", 0.7 * turn).apply(positions))
    return Atoms(symbols, turned + np.array(site.anchor) + distance * direction)


def _ring() -> tuple[tuple[str, ...], np.ndarray]:
    """A cyclopentadienyl ring in the xy plane."""
    angles = np.arange(5) * 2 * np.pi / 5
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(5)], axis=1)
    return ("C",) * 5 + ("H",) * 5, np.concatenate([_RING_RADIUS * circle, _RING_HYDROGENS * circle])


def _across(direction: np.ndarray) -> np.ndarray:
    other = np.eye(3)[np.abs(direction).argmin()]
    across = np.cross(direction, other)
    unit: np.ndarray = across / np.linalg.norm(across)
    return unit


def _anchor(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Relax with GFN1-xTB, check, and scan the multiplicities with PBE."""
    atoms = relaxed(recipe)
    return _frame(atoms, recipe.name, "anchor") | scan(atoms, recipe.multiplicities, folder)


def relaxed(recipe: Recipe) -> Atoms:
    """Relax a recipe's molecule with GFN1-xTB.

    Its longest axis lies along the cube's diagonal.

    Raises
    ------
    CalculationFailed
        It does not relax, or relaxes to something else.
    """
    start = build(recipe)
    start.rattle(0.03, seed=1)  # off the saddle points of symmetric starts
    atoms = label.relax(start, fmax=_FMAX, steps=400)
    reason = rejection(atoms, start)
    if reason or atoms.info["fmax"] > 5 * _FMAX:
        raise CalculationFailed(f"GFN1-xTB relaxation of {recipe.name}: {reason or 'forces remain'}")
    bare = Atoms(atoms.symbols, atoms.positions)
    if as_system(bare).ligand_counts != atoms.info["ligand_smiles"]:
        raise CalculationFailed(f"{recipe.name} relaxed to other ligands: {as_system(bare).ligand_counts}")
    return _along_diagonal(atoms)


def _cluster_anchor(dopant: str, folder: Path) -> dict[str, Any]:
    """Au4M2(SH)8: the labelled Au4M2(SMe)8 parent with every methyl cut to a hydrogen."""
    from ase_bimetal.lab.labels.dataset import load_labels

    frame = load_labels().frame
    [parent] = frame.atoms[frame.id == f"Au4M2-{dopant}-SMe/0"]
    atoms = cut_methyls(parent)
    atoms.info["ligand_smiles"] = {Ligand.parse("S").smiles: 8}
    return _frame(atoms, f"Au4M2(SH)8_{dopant}", "anchor") | scan(atoms, CLUSTERS[dopant], folder)


def cut_methyls(parent: Atoms) -> Atoms:
    """Turn every S–CH3 into S–H.

    The bond of 1.35 Å keeps its direction; metals stay first.
    """
    fragment = parent.arrays["fragment"]
    metals = parent[fragment == 0]
    out = Atoms(metals.symbols, metals.positions)
    for k in range(1, fragment.max() + 1):
        thiolate = parent[fragment == k]
        sulfur, carbon = (thiolate.positions[thiolate.symbols == element][0] for element in "SC")
        bond = (carbon - sulfur) / np.linalg.norm(carbon - sulfur)
        out += Atoms("SH", [sulfur, sulfur + _SH_BOND * bond])
    return out


def _along_diagonal(atoms: Atoms) -> Atoms:
    """Turn the longest axis to (1, 1, 1): the smallest cube, and so the cheapest grid."""
    out: Atoms = atoms.copy()
    centred = out.positions - out.positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred)
    out.positions = Rotation.align_vectors([[1, 1, 1], [1, -1, 0]], axes[:2])[0].apply(centred).round(6)
    return out


def _distorted(recipe: Recipe, how: str, folder: Path) -> dict[str, Any]:
    """A copy of a finished anchor, at the parent's multiplicity and from its wavefunction."""
    parent, m = _parent(recipe, folder)
    start = build(recipe)
    atoms = distort(parent, start.arrays["fragment"], how, seed=len(recipe.name))
    atoms.info["ligand_smiles"] = start.info["ligand_smiles"]
    _, guess = cp2k.solve(parent, m, folder / "cp2k")
    record = _frame(atoms, f"{recipe.name}~{how}", "distorted") | {"parent": recipe.name}
    return record | scan(atoms, (m,), folder, guess)


def _parent(recipe: Recipe, folder: Path) -> tuple[Atoms, int]:
    """Geometry and multiplicity of a finished anchor, of the folder or shipped."""
    path = folder / f"{recipe.name}.json"
    if not path.exists():
        [frame] = [frame for frame in read(ANCHORS, ":") if frame.info["name"] == recipe.name]
        return Atoms(frame.symbols, frame.positions), int(frame.info.get("multiplicity", 1))
    record = json.loads(path.read_text())
    if "rejected" in record:
        raise CalculationFailed(f"no parent: {record['rejected']}")
    return Atoms(record["symbols"], record["positions"]), record["multiplicity"]


def distort(atoms: Atoms, fragment: np.ndarray, how: str, seed: int) -> Atoms:
    """Copy a cluster with some parts moved.

    Metals move each in its own direction, or rigid ligands move out or in.

    Parameters
    ----------
    atoms
        The molecule.
    fragment
        0 for metal, k for the k-th ligand, shape (n,).
    how
        One of `DISTORTIONS`.
    seed
        Decides the directions in which metals move.
    """
    out = Atoms(atoms.symbols, atoms.positions.copy())
    metals = np.flatnonzero(fragment == 0)
    if how == "metals":
        step = np.random.default_rng(seed).normal(size=(len(metals), 3))
        out.positions[metals] += DISTORTIONS[how] * step / np.linalg.norm(step, axis=1, keepdims=True)
        return out
    for k in range(1, fragment.max() + 1):
        rows = np.flatnonzero(fragment == k)
        gaps = atoms.positions[rows][:, None] - atoms.positions[metals][None]
        distance = np.linalg.norm(gaps, axis=2)
        closest = gaps[np.unravel_index(distance.argmin(), distance.shape)]
        if len(rows) == 10 and set(atoms.symbols[rows]) == {"C", "H"}:  # a ring moves along its axis
            closest = gaps[:5].mean(axis=0)[distance.min(axis=0).argmin()]
        out.positions[rows] += DISTORTIONS[how] * closest / np.linalg.norm(closest)
    return out


def scan(atoms: Atoms, multiplicities: tuple[int, ...], folder: Path, guess: Path | None = None) -> dict[str, Any]:
    """Compute PBE energies at some multiplicities.

    The lowest is the anchor's.

    Those that a coarse grid puts more than `_SPIN_WINDOW` above the lowest are not computed further. If the highest of
    several is the lowest in energy, the next one is tried too, until the energy rises.
    """
    found: dict[int, cp2k.Solution] = {}
    failed: dict[int, str] = {}
    coarse = {m: cp2k.estimate(atoms, m, folder / "cp2k") for m in multiplicities if len(multiplicities) > 1}
    while coarse and min(coarse, key=lambda m: coarse[m]) == max(coarse):
        following = max(coarse) + 2
        coarse[following] = cp2k.estimate(atoms, following, folder / "cp2k")
    lowest = min(coarse.values(), default=0.0)
    for m in coarse or multiplicities:
        if coarse.get(m, lowest) > lowest + _SPIN_WINDOW:
            continue
        try:
            found[m] = cp2k.solve(atoms, m, folder / "cp2k", guess)[0]
        except CalculationFailed as failure:
            failed[m] = str(failure)
    if not found:
        raise CalculationFailed("; ".join(failed.values()))
    best = min(found, key=lambda m: found[m].energy)
    return {
        "multiplicity": best,
        "energy_pbe_eV": round(found[best].energy, 6),
        "scan_eV": {str(m): round(found[m].energy - found[best].energy, 4) for m in found},
        "coarse_scan_eV": {str(m): round(coarse[m] - lowest, 4) for m in coarse},
        "scan_failed": {str(m): reason for m, reason in failed.items()},
        "spin_squared": found[best].spin_squared,
        "gradient": found[best].gradient,
        "code_pbe": cp2k.version(),
        "settings_pbe": cp2k.settings(atoms),
    }


def _frame(atoms: Atoms, name: str, kind: str) -> dict[str, Any]:
    point = label.single_point(atoms)
    return {
        "name": name,
        "kind": kind,
        "symbols": atoms.get_chemical_symbols(),
        "positions": atoms.positions.tolist(),
        "ligands": atoms.info.get("ligand_smiles"),
        "charge": 0,
        "energy_gfn1_eV": round(point.energy, 6),
        "code_gfn1": label.GFN1.code,
    }


def _reference(name: str, folder: Path) -> dict[str, Any]:
    """A free molecule: the conformer that is lowest with GFN1-xTB."""
    text, form = REFERENCES[name]
    ligand = Ligand.parse(text)
    starts = label.dimers(ligand) if form == "dimer" else free_molecule(ligand)
    candidates = [label.relax(atoms, fmax=_FMAX, steps=400) for atoms in starts]
    best = min(candidates, key=lambda atoms: label.single_point(atoms).energy)
    oriented = _along_diagonal(best)
    return _frame(oriented, name, "reference") | scan(oriented, (1,), folder)


def _isolated_atom(symbol: str, folder: Path) -> dict[str, Any]:
    atoms = Atoms(symbol)
    return {"name": f"atom_{symbol}", "kind": "atom"} | scan(atoms, MULTIPLICITIES_OF_ATOMS[symbol], folder)


def pack(folder: Path) -> None:
    """Write the finished records into the shipped files.

    They take the place of older ones of the same name.
    """
    done = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    fresh = {r["name"]: _packed(r) for r in done if "rejected" not in r and r["kind"] != "atom"}
    kept = [frame for frame in read(ANCHORS, ":") if frame.info["name"] not in fresh]
    write(ANCHORS, kept + list(fresh.values()), format="extxyz")
    table = json.loads(ATOMS_PBE.read_text())
    for record in done:
        if record.get("kind") == "atom":
            table[record["name"][5:]] = {
                "energy_eV": record["energy_pbe_eV"],
                "multiplicity": record["multiplicity"],
                "scan_eV": record["scan_eV"],
            }
    write_whole(ATOMS_PBE, json.dumps(dict(sorted(table.items())), indent=1) + "\n")
    rejected = json.loads(REJECTS.read_text()) if REJECTS.exists() else {}
    rejected = {name: reason for name, reason in rejected.items() if name not in fresh}
    rejected |= {r["name"]: r["rejected"] for r in done if "rejected" in r}
    write_whole(REJECTS, json.dumps(rejected, indent=1) + "\n")


def _packed(record: dict[str, Any]) -> Atoms:
    """A record as a frame of the shipped file."""
    frame = Atoms(record["symbols"], record["positions"])
    keys = ("name", "kind", "parent", "energy_pbe_eV", "energy_gfn1_eV", "charge", "multiplicity", "gradient")
    frame.info = {key: record[key] for key in keys if key in record}
    if record.get("coarse_scan_eV"):
        scan = record["coarse_scan_eV"] | record["scan_eV"]
        frame.info["spin_scan"] = ", ".join(f"2S+1={m}: {gap:+.2f} eV" for m, gap in scan.items())
    if record["spin_squared"] is not None:
        frame.info["spin_squared"] = record["spin_squared"]
    frame.info["code"] = f"{record['code_pbe']}; {record['code_gfn1']}"
    return frame


def main(arguments: Iterator[str] | list[str]) -> None:
    """Compute, or pack with ``--pack``."""
    words = list(arguments)
    folders = [word for word in words if not word.startswith("--")]
    if len(folders) != 1:
        raise SystemExit("usage: python -m ase_bimetal.lab.labels.anchors [--pack] FOLDER")
    (pack if "--pack" in words else compute)(Path(folders[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
