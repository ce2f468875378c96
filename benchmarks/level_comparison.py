"""Compare levels of theory on the anchors and their distorted copies: GFN1-xTB, SevenNet-0 and CHGNet against PBE.

Run with ``python benchmarks/level_comparison.py`` in an environment that also holds ``sevenn`` and ``chgnet``; a
network that is not installed is skipped with a message. Writes the tables of ``docs/levels.md`` and its picture.
"""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before any library reads it: one thread for every level

import numpy as np
from ase import Atoms
from ase.io import read
from scipy.stats import spearmanr

from ase_bimetal import load_example
from ase_bimetal.formation import correction_features, formation_energy
from ase_bimetal.lab.labels import corrections as elemental
from ase_bimetal.lab.labels import label
from ase_bimetal.system import BimetallicSystem, as_system

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
#: Groups of anchors by what they hold.
GROUPS = {
    "S": ("S-X",),
    "P": ("P-L",),
    "alkynyl and Cp": ("C-X",),
    "Cl": ("Cl-X",),
    "Br": ("Br-X",),
    "Cu, Ag, Au only": None,
    "Ni, Pd, Pt": ("Ni", "Pd", "Pt"),
    "Zn, Cd, Hg": ("Zn", "Cd", "Hg"),
    "Rh, Ir": ("Rh", "Ir"),
    "Ru, Os, Re": ("Ru", "Os", "Re"),
    "Mn, Fe, Co": ("Mn", "Fe", "Co"),
}
_VACUUM = 12.0  # Å on each side for networks that need a cell; twice their cutoffs
_COINAGE = {"Cu", "Ag", "Au"}
Energy = Callable[[Atoms], float]


@dataclass
class Measured:
    """What one level gives: energies [eV] by name, seconds per single point, and what failed and why."""

    energies: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def gfn1() -> Energy:
    """GFN1-xTB, as the labels."""
    return lambda atoms: label.single_point(atoms).energy


def sevennet() -> Energy:
    """SevenNet-0 with the weights of its wheel."""
    from sevenn.calculator import SevenNetCalculator

    return _boxed(SevenNetCalculator("7net-0", device="cpu"))


def chgnet() -> Energy:
    """CHGNet with the weights of its wheel; an isolated atom is taken as it comes."""
    from chgnet.model.dynamics import CHGNetCalculator

    return _boxed(CHGNetCalculator(use_device="cpu", on_isolated_atoms="ignore"))


LEVELS: dict[str, Callable[[], Energy]] = {"GFN1-xTB": gfn1, "SevenNet-0": sevennet, "CHGNet": chgnet}


def _boxed(calculator) -> Energy:
    """Energies of molecules from a calculator made for crystals: a cube of vacuum around them."""

    def energy(atoms: Atoms) -> float:
        boxed = Atoms(atoms.symbols, atoms.positions, pbc=True)
        boxed.cell = np.ptp(atoms.positions, axis=0) + 2 * _VACUUM
        boxed.center()
        boxed.calc = calculator
        return float(boxed.get_potential_energy())

    return energy


def measure(energy: Energy, objects: dict[str, Atoms]) -> Measured:
    """Energy and processor time (one thread) of every object; a failure is kept with its reason."""
    out = Measured()
    energy(next(iter(objects.values())))  # warm
    for name, atoms in objects.items():
        start = time.process_time()
        try:
            value = energy(atoms)
        except Exception as failure:
            out.failed[name] = f"{type(failure).__name__}: {failure}".splitlines()[0][:100]
            continue
        out.seconds[name] = time.process_time() - start
        if np.isfinite(value):
            out.energies[name] = value
        else:
            out.failed[name] = "energy is not a finite number"
    return out


def formation(frames: dict[str, Atoms], systems: dict[str, BimetallicSystem], energies: dict[str, float]) -> dict:
    """Formation energies [eV/metal, dimer reference] of all clusters for which a level has every energy."""
    table = elemental.fragment_table(
        [_with_energy(f, energies[n]) for n, f in frames.items() if f.info["kind"] == "reference" and n in energies],
        "energy",
    )
    table["atoms"] = {name[5:]: e for name, e in energies.items() if name.startswith("atom_")}
    return {
        name: formation_energy(energies[name], system.metal_symbols, system.ligand_counts, table)
        for name, system in systems.items()
        if name in energies
        and set(system.metal_symbols) <= set(table["atoms"])
        and set(system.ligand_counts) <= set(table["ligands"])
    }


def _with_energy(frame: Atoms, energy: float) -> Atoms:
    out = frame.copy()
    out.info["energy"] = energy
    return out


@dataclass
class Verdict:
    """How one level compares with PBE; energies in eV/metal."""

    left_out: dict[str, float]
    fitted: float
    uncorrected: float
    clusters: float
    rank: float
    pooled_rank: float
    distortion_error: float
    compositions: int
    milliseconds: float
    large_seconds: float
    failed: dict[str, str]
    points: tuple[np.ndarray, np.ndarray]


def judge(
    pbe: dict[str, float],
    own: dict[str, float],
    features: dict[str, dict],
    sizes: dict[str, int],
    parents: dict[str, str],
    speed: Measured,
) -> Verdict:
    """Fit the level's elemental references on the anchors, leave each out, and rank the distorted copies."""
    names = [n for n in pbe if n in own and n not in parents]
    columns = sorted({c for n in names for c in features[n]})
    x = np.array([[features[n].get(c, 0.0) for c in columns] for n in names])
    y = np.array([pbe[n] - own[n] for n in names])
    w = np.array([sizes[n] for n in names])
    ridge = elemental.best_ridge(x, y, w)
    left_out = elemental.leave_one_out(x, y, w, ridge)
    ranks, ours, theirs = _ranking(pbe, own, parents)
    return Verdict(
        left_out=dict(zip(names, left_out.tolist(), strict=True)),
        fitted=float(np.abs(y - x @ elemental.solve(x, y, w, ridge)).mean()),
        uncorrected=float(np.abs(y).mean()),
        clusters=float(np.abs(left_out[w >= elemental.CLUSTER]).mean()),
        rank=float(np.mean(ranks)) if ranks else np.nan,
        pooled_rank=float(spearmanr(ours, theirs)[0]) if len(ours) > 2 else np.nan,
        distortion_error=float(np.abs(np.subtract(ours, theirs)).mean()) if ours else np.nan,
        compositions=len(ranks),
        milliseconds=1e3 * statistics.median(speed.seconds[n] for n in names),
        large_seconds=speed.seconds.get("large", np.nan),
        failed=speed.failed,
        points=(np.array([pbe[n] for n in names]), np.array([pbe[n] for n in names]) - left_out),
    )


def _ranking(pbe: dict, own: dict, parents: dict[str, str]) -> tuple[list[float], list[float], list[float]]:
    """Spearman's ρ within each composition; energies of all copies over their parents, own and PBE."""
    ranks, ours, theirs = [], [], []
    for parent in sorted(set(parents.values())):
        group = [parent, *(n for n in parents if parents[n] == parent)]
        group = [n for n in group if n in own and n in pbe]
        if parent not in group or len(group) < 3:
            continue
        ranks.append(float(spearmanr([own[n] for n in group], [pbe[n] for n in group])[0]))
        ours += [own[n] - own[parent] for n in group[1:]]
        theirs += [pbe[n] - pbe[parent] for n in group[1:]]
    return ranks, ours, theirs


def in_group(features: dict[str, float], wanted: tuple[str, ...] | None) -> bool:
    """Whether an anchor holds any of some elements or donors (None: no metal but Cu, Ag, Au)."""
    if wanted is None:
        return {name for name in features if "-" not in name} <= _COINAGE
    return bool(set(wanted) & set(features))


def tables(verdicts: dict[str, Verdict], features: dict[str, dict]) -> str:
    """The tables as Markdown."""
    head = "| | " + " | ".join(verdicts) + " |\n|---|" + "---:|" * len(verdicts) + "\n"
    lines = [
        ("anchors compared", lambda v: f"{len(v.left_out)}"),
        ("uncorrected MAE, eV/metal", lambda v: f"{v.uncorrected:.2f}"),
        ("fitted MAE, eV/metal", lambda v: f"{v.fitted:.3f}"),
        ("leave-one-anchor-out MAE, eV/metal", lambda v: f"{np.abs(list(v.left_out.values())).mean():.3f}"),
        ("the same, clusters of 4 and more metals", lambda v: f"{v.clusters:.3f}"),
        ("compositions ranked", lambda v: f"{v.compositions}"),
        ("Spearman ρ within a composition, mean", lambda v: f"{v.rank:.2f}"),
        ("Spearman ρ of all distortion energies", lambda v: f"{v.pooled_rank:.2f}"),
        ("error of a distortion energy, eV/metal", lambda v: f"{v.distortion_error:.3f}"),
        ("single point of an anchor, median, processor ms", lambda v: f"{v.milliseconds:.0f}"),
        ("single point of Au4Pd2(PET)8, processor s", lambda v: f"{v.large_seconds:.2f}"),
        ("objects that fail", lambda v: f"{len(v.failed)}"),
    ]
    text = head + "".join(f"| {name} | {' | '.join(f(v) for v in verdicts.values())} |\n" for name, f in lines)
    text += "\nLeave-one-anchor-out error by what the anchors hold (number of anchors), eV/metal:\n\n" + head
    for group, wanted in GROUPS.items():
        cells = [
            [abs(e) for n, e in verdict.left_out.items() if in_group(features[n], wanted)]
            for verdict in verdicts.values()
        ]
        if any(cells):
            shown = " | ".join(f"{np.mean(c):.2f} ({len(c)})" if c else "none" for c in cells)
            text += f"| {group} | {shown} |\n"
    for name, verdict in verdicts.items():
        for what, reason in verdict.failed.items():
            text += f"\n{name} fails on {what}: {reason}\n"
    return text


def draw(verdicts: dict[str, Verdict], path: Path) -> None:
    """Corrected, left-out formation energies of every level against PBE."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.1 * len(verdicts), 4.2), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(verdicts), sharex=True, sharey=True))
    colours = ("#0072B2", "#E69F00", "#009E73")
    low = min(v.points[0].min() for v in verdicts.values()) - 0.4
    high = max(v.points[0].max() for v in verdicts.values()) + 0.4
    for axes, colour, (name, verdict) in zip(panels, colours, verdicts.items(), strict=False):
        axes.plot([low, high], [low, high], color="0.6", linewidth=1)
        axes.scatter(*verdict.points, s=18, color=colour, edgecolor="white", linewidth=0.4)
        error = np.abs(list(verdict.left_out.values())).mean()
        axes.set_title(f"{name}: MAE {error:.2f} eV/metal")
        axes.set_xlabel("PBE (eV per metal atom)")
    panels[0].set_ylabel("with fitted references, anchor left out\n(eV per metal atom)")
    panels[0].set_xlim(low, high)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Measure, print, and write the tables and the picture."""
    warnings.simplefilter("ignore")
    frames = {f.info["name"]: f for f in read(elemental.ANCHORS, ":")}
    clusters = {n: f for n, f in frames.items() if f.info["kind"] != "reference"}
    parents = {n: f.info["parent"] for n, f in clusters.items() if "parent" in f.info}
    systems = {n: as_system(f if n not in parents else frames[parents[n]]) for n, f in clusters.items()}
    features = {n: correction_features(s) for n, s in systems.items()}
    sizes = {n: s.n_metals for n, s in systems.items()}
    atoms = elemental.atom_energies()
    objects = frames | {f"atom_{s}": Atoms(s) for s in atoms} | {"large": load_example("Au4Pd2(PET)8")}
    energies = {n: f.info["energy_pbe_eV"] for n, f in frames.items()} | {f"atom_{s}": e for s, e in atoms.items()}
    pbe = formation(frames, systems, energies)
    verdicts = {}
    for name, make in LEVELS.items():
        try:
            energy = make()
        except ImportError as missing:
            print(f"{name} is skipped: {missing}")
            continue
        speed = measure(energy, objects)
        own = formation(frames, systems, speed.energies)
        verdicts[name] = judge(pbe, own, features, sizes, parents, speed)
    text = tables(verdicts, features)
    print(text)
    page = (DOCS / "levels.md").read_text()
    before, after = page[: page.index(BEGIN) + len(BEGIN)], page[page.index(END) :]
    (DOCS / "levels.md").write_text(f"{before}\n\n{text}\n{after}")
    draw(verdicts, DOCS / "images" / "levels.png")


if __name__ == "__main__":
    main()
