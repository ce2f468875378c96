"""Pull ligands and metals out of labelled clusters and look for jumps: ``python tests/hostile/continuity.py page.md``.

Each kind of ligand and each metal element of some relaxed clusters is pulled away from the core, and slid along it, in
small steps. Between two answers the energy must change smoothly, unless the object is refused between them. A step in
which it changes too much is halved until that is so no more, the object is refused in between, or the step is a ten
thousandth of an ångström long: so short that no repulsion is as steep.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from ase import Atoms

from ase_bimetal import predict
from ase_bimetal.errors import BimetalError
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.model.encode import core_graph
from ase_bimetal.model.interface import Failure
from ase_bimetal.system import as_system

#: Relaxed clusters with labels, one or two of each family.
PARENTS = (
    "Au4M2-Pd-SMe",
    "Au4M2-Ag-PET",
    "Au4M2-capped-Pt-SMe-PH3",
    "Au6M2-Cp-Co-PH3-Cl-Cp",
    "M@Au8-Pd-PH3-Cl",
    "M@Au8-Ag-PH3-C≡CH",
    "M@Au10-Ag-PH3-Cl",
    "M@Au12-Pd-PMe3-Cl",
    "M13-Ag-in-Au-core-shell-PH3-Cl",
    "M@Au24-centre-Ag-SMe",
)
#: Steps [Å], how far [Å], and what counts as a jump [eV/metal] within the shortest step [Å].
STEP, FARTHEST, SHORTEST, JUMP = 0.05, 4.0, 0.0001, 0.005
ANNOTATION = "ligand_smiles"


@dataclass(frozen=True)
class Move:
    """One piece of a cluster moved along a line.

    Attributes
    ----------
    parent
        Name of the cluster.
    what
        What moves, and how.
    atoms
        The cluster before.
    rows
        Atoms that move.
    direction
        Unit vector (3,).
    """

    parent: str
    what: str
    atoms: Atoms
    rows: np.ndarray
    direction: np.ndarray

    def at(self, way: float) -> Atoms:
        """The cluster with the piece moved so far [Å]."""
        moved: Atoms = self.atoms.copy()
        moved.positions[self.rows] += way * self.direction
        return moved


@dataclass(frozen=True)
class Jump:
    """A change of the energy within the shortest step.

    Attributes
    ----------
    move
        What moved.
    way
        How far [Å] it had moved.
    change
        Change of the energy [eV/metal].
    causes
        What else changed there.
    """

    move: Move
    way: float
    change: float
    causes: tuple[str, ...]


def moves(atoms: Atoms, parent: str, rng: np.random.Generator) -> Iterator[Move]:
    """Pull and slide one ligand of each kind and one metal of each element."""
    fragment = atoms.arrays["fragment"]
    plain = Atoms(atoms.symbols, atoms.positions)
    annotated = plain.copy()
    annotated.info[ANNOTATION] = atoms.info[ANNOTATION]
    core = np.flatnonzero(fragment == 0)
    for name, rows in _pieces(atoms, fragment, rng):
        away = _away(atoms, core, rows)
        across = np.cross(away, rng.normal(size=3))
        across /= np.linalg.norm(across)
        for how, direction in (("pulled", away), ("slid", across)):
            # Without an annotation, what is pulled off may be left out.
            starts = (("", annotated), (", without annotation", plain)) if how == "pulled" else (("", annotated),)
            for words, start in starts:
                yield Move(parent, f"{name} {how}{words}", start, rows, direction)


def _pieces(atoms: Atoms, fragment: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    seen = set()
    for number in rng.permutation(np.arange(1, fragment.max() + 1)).tolist():
        rows = np.flatnonzero(fragment == number)
        formula = str(atoms.symbols[rows].formula)
        if formula not in seen:
            seen.add(formula)
            yield f"ligand {formula}", rows
    for index in rng.permutation(np.flatnonzero(fragment == 0)):
        if atoms.symbols[index] not in seen:
            seen.add(atoms.symbols[index])
            yield f"metal {atoms.symbols[index]}", np.array([index])


def _away(atoms: Atoms, core: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """From the metals nearest to a piece to its nearest atom, or from the core's centre; as a unit vector."""
    others = np.setdiff1d(core, rows)
    apart = np.linalg.norm(atoms.positions[rows][:, None] - atoms.positions[others], axis=2)
    nearest = rows[apart.min(axis=1).argmin()]
    close = others[apart.min(axis=0) < apart.min() + 0.4]
    arrow = atoms.positions[nearest] - atoms.positions[close].mean(axis=0)
    arrow = arrow if np.linalg.norm(arrow) > 0.5 else atoms.positions[nearest] - atoms.positions[others].mean(axis=0)
    return arrow / max(np.linalg.norm(arrow), 1e-9) if np.linalg.norm(arrow) > 0.1 else np.array([1.0, 0.0, 0.0])


def jumps(
    move: Move,
    energies: Callable[[Sequence[Atoms]], list[float | None]],
    causes: Callable[[Atoms, Atoms], tuple[str, ...]] | None = None,
) -> list[Jump]:
    """All jumps of one move; `energies` gives [eV/metal], None for what is refused."""
    causes = causes or _causes
    ways = np.arange(0.0, FARTHEST + STEP / 2, STEP).tolist()
    found = energies([move.at(way) for way in ways])
    told = []
    waiting = list(pairwise(zip(ways, found, strict=True)))
    while waiting:
        waiting = [(a, b) for a, b in waiting if a[1] is not None and b[1] is not None and abs(a[1] - b[1]) > JUMP]
        short = [(a, b) for a, b in waiting if b[0] - a[0] <= SHORTEST]
        told += [Jump(move, a[0], b[1] - a[1], causes(move.at(a[0]), move.at(b[0]))) for a, b in short]
        long = [(a, b) for a, b in waiting if b[0] - a[0] > SHORTEST]
        middles = [(a[0] + b[0]) / 2 for a, b in long]
        values = energies([move.at(way) for way in middles])
        waiting = []
        for (a, b), way, value in zip(long, middles, values, strict=True):
            waiting += [(a, (way, value)), ((way, value), b)]
    return told


def _causes(before: Atoms, after: Atoms) -> tuple[str, ...]:
    """What `as_system` and the flags see differently."""
    one, other = as_system(before), as_system(after)
    [told, tells] = predict([before, after])
    seen = {
        "donors": (_named(one, one.donors), _named(other, other.donors)),
        "ligands": ({f"{n} {x.name}" for x, n in one.ligands}, {f"{n} {x.name}" for x, n in other.ligands}),
        "contacts": (_contacts(one), _contacts(other)),
        "edges": ({f"{len(core_graph(one).lengths)}"}, {f"{len(core_graph(other).lengths)}"}),
        "flags": ({text.split(":")[0] for text in told.flags}, {text.split(":")[0] for text in tells.flags}),
    }
    return tuple(
        f"{name}{''.join(f' −{x}' for x in sorted(a - b))}{''.join(f' +{x}' for x in sorted(b - a))}"
        for name, (a, b) in seen.items()
        if a != b
    )


def _named(system, rows) -> set[str]:
    return {f"{system.symbols[i]}{i}" for i in rows.tolist()}


def _contacts(system) -> set[str]:
    return {f"{system.symbols[a]}{a}–{system.symbols[m]}{m}" for a, m in system.bonds.tolist()}


def model_energies(objects: Sequence[Atoms]) -> list[float | None]:
    """Energies [eV/metal] of the default model; None for what it refuses."""
    found = predict(objects, errors="collect") if objects else []
    return [None if isinstance(item, (Failure, BimetalError)) else item.formation_energy_per_metal for item in found]


@lru_cache(maxsize=1)
def parents() -> dict[str, Atoms]:
    """Relaxed labels by the names of `PARENTS`."""
    frame = load_labels().frame
    relaxed = frame[frame.kind == "parent"].set_index("prototype").atoms
    return {name: relaxed[name] for name in PARENTS}


def run(names: Sequence[str] | None = None, seed: int = 0) -> tuple[int, list[Jump]]:
    """Try all moves of some parents; how many there were, and the jumps."""
    count, found = 0, []
    for name, atoms in parents().items():
        if names is not None and name not in names:
            continue
        for move in moves(atoms, name, np.random.default_rng(seed)):
            count += 1
            found += jumps(move, model_energies)
    return count, found


def page(count: int, found: Sequence[Jump]) -> str:
    """Tell of all jumps in Markdown."""
    lines = [
        "# Continuity",
        "",
        f"{count} ways, each of {FARTHEST:g} Å in steps of {STEP:g} Å, of ligands and metals out of or along "
        f"{len(PARENTS)} labelled clusters, by `tests/hostile/continuity.py`. A jump is more than "
        f"{JUMP * 1000:g} meV/metal within {SHORTEST:g} Å, with no refusal in between.",
        "",
        f"{len(found)} jumps.",
        "",
        "Edges of the core's graph fade out before they end, and so do carbons of a ring that slips off its "
        "metal. Where a ligand's last contact would end, or a ligand would be left out, the object is refused. "
        "See also [hostile inputs](hostile-inputs.md).",
        "",
    ]
    if found:
        lines += ["| cluster | what | at (Å) | jump (meV/metal) | what changes |", "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| {jump.move.parent} | {jump.move.what} | {jump.way:.3f} | {1000 * jump.change:+.0f} | "
            f"{'; '.join(jump.causes) or '?'} |"
            for jump in sorted(found, key=lambda j: -abs(j.change))
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = page(*run())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    print(text)
