"""Labels for extended hosts: relax the host and the parent, draw configurations, check and label them.

The parent is relaxed with the host's far atoms held. Energies are GFN1-xTB, with k-points for slabs; eq. (1) takes the
host without its metals from its environment: the H-form framework of a zeolite, or the metal-free sheet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.constraints import FixAtoms
from ase.data import covalent_radii
from filelock import FileLock

from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels import label
from ase_bimetal.lab.labels.campaign import rounded, series_seed
from ase_bimetal.lab.labels.host_jobs import HostJob
from ase_bimetal.lab.labels.levels import Level, SinglePoint
from ase_bimetal.lab.labels.sampling import Sample, displace_metals
from ase_bimetal.structures.alloys import alloy
from ase_bimetal.structures.frameworks import CutOut, cut_out, h_forms, place_metals, substituted
from ase_bimetal.structures.sheets import place_on_sheet, sheet

MAX_DONOR_DISTANCE = 2.7  # Å, from each metal to its closest O or N
MAX_PAIR_DISTANCE = 6.0  # Å, between the two metals of one site
_MIN_CONTACT = 0.6  # share of the sum of covalent radii
#: What every valid record has passed.
CHECKS = (
    "SCF converged",
    f"|E_form| <= {label.MAX_ABS_FORMATION_ENERGY:g} eV/metal",
    f"|q| <= {label.MAX_ABS_CHARGE:g} e",
    "no atoms on top of each other",
    "no broken bond in the host",
    "metals at their site",
)
# Metal that stands in for the second one while the framework around a number of aluminium atoms is relaxed.
_TEMPLATE_METAL = {2: "Ag", 3: "Zn", 4: "Y"}
_STARTS_APART = (2.6, 3.4)  # Å
# Distance from which a pair starts anew when one of the two leaves its site for a bond to the other [Å].
_SECOND_START_APART = 4.0
# Steps of relaxation of a parent by structure; zeolites start from a framework relaxed around another metal.
_STEPS = {
    "6-ring": 20,
    "8-ring": 8,
    "icosahedron-13": 40,
    "octahedron-38": 8,
    "fcc111-27": 6,
    "fcc-4": 0,
    "N6": 25,
    "2N4": 25,
}
_FMAX = 0.15  # eV/Å


def environment_path(folder: Path, name: str) -> Path:
    """Give the place of a host without its metals.

    It is kept in a labelling folder.
    """
    return folder / "environments" / f"{name}.json"


def environment_of(job: HostJob, folder: Path) -> dict[str, Any]:
    """Give a job's relaxed host without its metals.

    It is read from the folder, or made now.

    Returns
    -------
    dict
        ``name``, ``energy`` [eV], ``protons``, ``fmax`` [eV/Å], ``electronic_temperature`` [K], ``symbols``,
        ``positions`` [Å] with the protons last, ``frozen`` (indices), and ``start``: positions of metals and host
        from which other metals start.
    """
    assert job.environment is not None
    path = environment_path(folder, job.environment)
    path.parent.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            made = _zeolite_environment(job) if job.n_aluminium else _sheet_environment(job)
            write_whole(path, json.dumps({"name": job.environment} | made))
        environment: dict[str, Any] = json.loads(path.read_text())
        return environment


def _sheet_environment(job: HostJob) -> dict[str, Any]:
    piece = sheet(job.structure)
    relaxed = rounded(label.relax(piece.atoms, fmax=0.05, steps=120))
    return _environment(relaxed, 0, piece.frozen)


def _zeolite_environment(job: HostJob) -> dict[str, Any]:
    """H-form of the framework: the best of a few proton arrangements; and its shape around a pair of metals."""
    piece = _piece(job)
    bare = substituted(piece, job.n_aluminium)
    candidates = h_forms(bare, count=4)
    lowest = min(candidates, key=lambda atoms: label.single_point(atoms).energy)
    protons = [False] * job.n_aluminium
    relaxed = rounded(label.relax(_held(lowest, [*piece.frozen, *protons]), fmax=0.1, steps=60))
    bare.positions = relaxed.positions[: len(bare)]
    return _environment(relaxed, job.n_aluminium, piece.frozen) | {"start": _flat(_shaped(bare, piece))}


def _shaped(bare: Atoms, piece: CutOut) -> Atoms:
    """A framework relaxed around two metals: the lower of two starts, among those whose metals stay.

    Started close, zinc may leave its oxygens for a bond to copper; started far, yttrium may end in a poor site.
    """
    stand_in = ("Cu", _TEMPLATE_METAL[bare.symbols.count("Al")])
    relaxed: list[Atoms] = []
    for apart in _STARTS_APART:
        start = place_metals(bare, piece, stand_in, apart)
        if not any(np.array_equal(start.positions, known.info["start"]) for known in relaxed):
            shaped = label.relax(_held(start, [False, False, *piece.frozen]), fmax=0.1, steps=40)
            shaped.info["start"] = start.positions
            relaxed.append(shaped)
    for shaped in relaxed:
        shaped.arrays["fragment"] = np.array([0, 0] + [1] * len(bare))
    staying = [shaped for shaped in relaxed if rejection(shaped, bare) is None]
    # With none that stays, the parent will fail the same check and be recorded as rejected.
    return min(staying or relaxed, key=lambda shaped: label.single_point(shaped).energy)


def _environment(relaxed: Atoms, protons: int, frozen: np.ndarray) -> dict[str, Any]:
    point = label.single_point(relaxed)
    return {
        "energy": float(point.energy),
        "protons": protons,
        "fmax": relaxed.info["fmax"],
        "electronic_temperature": point.temperature,
        "symbols": relaxed.get_chemical_symbols(),
        "positions": _flat(relaxed),
        "frozen": np.flatnonzero(frozen).tolist(),
    }


def bare_host(environment: Mapping[str, Any]) -> Atoms:
    """Give an environment's host without metals and their protons.

    The protons are those that stand for the metals.
    """
    n_host = len(environment["symbols"]) - environment["protons"]
    return Atoms(environment["symbols"], np.reshape(environment["positions"], (-1, 3)))[:n_host]


def _relaxed_parent(job: HostJob, environment: dict[str, Any] | None) -> Atoms:
    """The parent of a prototype, from the first start that keeps its metals, else from the last."""
    host = None if environment is None else bare_host(environment)
    for start in _starts(job, environment):
        parent = label.relax(start, fmax=_FMAX, steps=_STEPS[job.structure], level=level_of(start))
        if rejection(rounded(parent), host) is None:
            break
    return parent


def level_of(atoms: Atoms) -> Level:
    """Give the level of a configuration.

    It is GFN1-xTB by tblite, or by CP2K with k-points where it repeats.
    """
    return label.GFN1_PERIODIC if atoms.pbc.any() else label.GFN1


def _starts(job: HostJob, environment: dict[str, Any] | None) -> Iterator[Atoms]:
    """Unrelaxed parents: metals first, with array ``fragment`` (0 = metal) and the far atoms held."""
    pair = (job.host, job.dopant)
    if environment is None:
        atoms = alloy(job.structure, job.arrangement, *pair, seed=series_seed(job.name))
        atoms.arrays["fragment"] = np.zeros(len(atoms), dtype=int)
        yield atoms
        return
    host = bare_host(environment)
    if "start" not in environment:
        yield _on_host(place_on_sheet(host, sheet(job.structure), pair), environment)
        return
    shaped = Atoms(pair) + host
    shaped.positions = np.reshape(environment["start"], (-1, 3))
    yield _on_host(shaped, environment)
    yield _on_host(place_metals(host, _piece(job), pair, _SECOND_START_APART), environment)


def _piece(job: HostJob) -> CutOut:
    return cut_out(job.family.removeprefix("zeolite-"), int(job.structure[0]))


def _on_host(atoms: Atoms, environment: Mapping[str, Any]) -> Atoms:
    n_host = len(atoms) - 2
    atoms.arrays["fragment"] = np.array([0, 0] + [1] * n_host)
    held = np.zeros(len(atoms), dtype=bool)
    held[np.array(environment["frozen"]) + 2] = True
    return _held(atoms, held)


def _held(atoms: Atoms, frozen: Iterable[bool]) -> Atoms:
    held: Atoms = atoms.copy()
    held.set_constraint(FixAtoms(mask=list(frozen)))
    return held


def host_record(
    job: HostJob, index: int, known_parent: dict[str, Any] | None, environment: dict[str, Any] | None
) -> dict[str, Any]:
    """Make one labelled or rejected configuration.

    It belongs to a prototype.

    Parameters
    ----------
    job
        The prototype.
    index
        0 for the parent; every other index is a move around it, always the same for the same index.
    known_parent
        The parent's record, for index > 0.
    environment
        The host without metals, from `environment_of`; None for a bare alloy.
    """
    head = {
        "id": f"{job.name}/{index}",
        "prototype": job.name,
        "family": job.family,
        "structure": job.structure,
        "host": job.host,
        "dopant": job.dopant,
        "index": index,
        "parent": f"{job.name}/0",
    }
    try:
        drawn = _drawn(job, index, known_parent, environment)
        atoms = rounded(drawn.atoms)
        level = level_of(atoms)
        head |= {"level": level.name, "code": level.code}
        head |= {"kind": drawn.kind, "amplitude": round(drawn.amplitude, 4)} | _geometry(atoms)
        reason = rejection(atoms, None if environment is None else bare_host(environment))
        if reason:
            return head | {"rejected": reason}
        point = label.single_point(atoms, level=level)
    except CalculationFailed:
        return head | {"rejected": "SCF did not converge"}
    head |= _energies(atoms, point, environment)
    reason = label.collapse(host_formation_energy(head), point.charges)
    return head | ({"rejected": reason} if reason else {"checks": list(CHECKS)})


def _drawn(job: HostJob, index: int, known_parent: dict[str, Any] | None, environment: dict[str, Any] | None) -> Sample:
    if index == 0:
        return Sample(_relaxed_parent(job, environment), "parent", 0.0)
    assert known_parent is not None
    parent = host_atoms(known_parent)
    moves = _ALLOY_MOVES if environment is None else _SITE_MOVES
    rng = np.random.default_rng([series_seed(job.name), index])
    return moves[(index - 1) % len(moves)](parent, rng)


def _geometry(atoms: Atoms) -> dict[str, Any]:
    held = atoms.constraints[0].get_indices().tolist() if atoms.constraints else []
    return {
        "charge": 0,
        "fmax_parent": atoms.info["fmax"],
        "symbols": atoms.get_chemical_symbols(),
        "positions": _flat(atoms),
        "cell": atoms.cell.array.round(6).ravel().tolist() if atoms.pbc.any() else None,
        "frozen": held,
        "n_metals": int((atoms.arrays["fragment"] == 0).sum()),
    }


def _energies(atoms: Atoms, point: SinglePoint, environment: dict[str, Any] | None) -> dict[str, Any]:
    metals = atoms[atoms.arrays["fragment"] == 0].get_chemical_symbols()
    kept = ("name", "energy", "protons")
    assert point.charges is not None
    return {
        "energy": float(point.energy),
        "electronic_temperature": point.temperature,
        "charges": np.round(point.charges, 3).tolist(),
        "atom_energies": {symbol: _atom_energy(symbol) for symbol in sorted(set(metals))},
        "environment": None if environment is None else {key: environment[key] for key in kept},
        "hydrogen": _hydrogen_energy(),
    }


@lru_cache(maxsize=128)
def _atom_energy(symbol: str) -> float:
    return float(label.atom_energy(symbol))


@lru_cache(maxsize=1)
def _hydrogen_energy() -> float:
    return float(label.hydrogen_energy())


def host_formation_energy(record: Mapping[str, Any]) -> float:
    """Compute E_form [eV per metal atom], eq. (1).

    The raw energies are those of a record.

    E_env is the H-form framework minus n/2 H2 for a zeolite (n protons), the relaxed metal-free sheet, or nothing
    for a bare alloy.

    Examples
    --------
    >>> raw = {"symbols": ["Cu", "Au", "O"], "n_metals": 2, "energy": -30.0, "hydrogen": -4.0,
    ...        "atom_energies": {"Cu": -5.0, "Au": -3.0}, "environment": {"energy": -24.0, "protons": 2}}
    >>> host_formation_energy(raw)
    -1.0
    """
    metals = record["symbols"][: record["n_metals"]]
    apart = sum(record["atom_energies"][symbol] for symbol in metals)
    host = record["environment"]
    around = host["energy"] - host["protons"] / 2 * record["hydrogen"] if host else 0.0
    energy: float = (record["energy"] - apart - around) / len(metals)
    return energy


def rejection(atoms: Atoms, host: Atoms | None) -> str | None:
    """Say why a geometry must not be labelled.

    None where nothing is wrong with it.

    Parameters
    ----------
    atoms
        The configuration, metals first, with array ``fragment`` (0 = metal).
    host
        The same host without metals, whose bonds must still be there; None for a bare alloy.
    """
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    limit = covalent_radii[atoms.numbers][:, None] + covalent_radii[atoms.numbers][None]
    apart = distances + np.diag(np.full(len(atoms), np.inf))
    if (apart < _MIN_CONTACT * limit).any():
        return "atoms on top of each other"
    if host is None:
        return "an atom has left" if ((apart / limit).min(axis=1) > 1.35).any() else None
    metal = atoms.arrays["fragment"] == 0
    inside = distances[np.ix_(~metal, ~metal)]
    host_limit = limit[np.ix_(~metal, ~metal)]
    bonds = host.get_all_distances() < 1.2 * host_limit
    if (bonds & (inside > 1.3 * host_limit)).any():
        return "broken bond in the host"
    donors = np.isin(atoms.symbols, ("O", "N"))
    if (distances[np.ix_(metal, donors)].min(axis=1) > MAX_DONOR_DISTANCE).any():
        return "metal left its site"
    return "metals apart" if distances[0, 1] > MAX_PAIR_DISTANCE else None


def host_atoms(record: Mapping[str, Any]) -> Atoms:
    """Build the configuration of a record.

    It has the array ``fragment`` (0 = metal) and its held atoms.
    """
    atoms = Atoms(record["symbols"], np.reshape(record["positions"], (-1, 3)))
    if record["cell"]:
        atoms.set_cell(np.reshape(record["cell"], (3, 3)))
        atoms.pbc = True
    atoms.arrays["fragment"] = (np.arange(len(atoms)) >= record["n_metals"]).astype(int)
    atoms.info["fmax"] = record["fmax_parent"]
    if record["frozen"]:
        atoms.set_constraint(FixAtoms(record["frozen"]))
    return atoms


def _rattle(parent: Atoms, rng: np.random.Generator) -> Sample:
    """Move every atom that is not held by 0.01–0.05 Å (one sigma per coordinate)."""
    sigma, moved = float(rng.uniform(0.01, 0.05)), parent.copy()
    moved.set_positions(parent.positions + rng.normal(0.0, sigma, parent.positions.shape))
    return Sample(moved, "rattle", sigma)


def _separate(parent: Atoms, rng: np.random.Generator) -> Sample:
    """Scale the distance of the two metals by 0.92–1.12 about their middle."""
    scale, moved = float(rng.uniform(0.92, 1.12)), parent.copy()
    middle = parent.positions[:2].mean(axis=0)
    moved.positions[:2] = middle + scale * (parent.positions[:2] - middle)
    return Sample(moved, "metal separation", scale)


def _exchange(parent: Atoms, rng: np.random.Generator) -> Sample:
    """Exchange two unlike metal atoms, and move all by 0.02 Å so that no two records are mirror images."""
    moved = parent.copy()
    symbols = np.array(parent.get_chemical_symbols())
    pair = [int(rng.choice(np.flatnonzero(symbols == s))) for s in sorted(set(symbols))]
    moved.symbols[pair] = symbols[pair[::-1]]
    moved.positions += rng.normal(0.0, 0.02, moved.positions.shape)
    return Sample(moved, "exchange", 0.02)


_Move = Callable[[Atoms, np.random.Generator], Sample]
_SITE_MOVES: tuple[_Move, ...] = (displace_metals, _rattle, _separate)
_ALLOY_MOVES: tuple[_Move, ...] = (displace_metals, _exchange)


def _flat(atoms: Atoms) -> list[float]:
    values: list[float] = atoms.positions.round(4).ravel().tolist()
    return values


__all__ = [
    "CHECKS",
    "bare_host",
    "environment_of",
    "environment_path",
    "host_atoms",
    "host_formation_energy",
    "host_record",
    "level_of",
    "rejection",
]
