"""Extended hosts from labelling to loading: run a campaign into shards, pack it, and read it as a DataFrame.

Every prototype owns one shard in the form of `ase_bimetal.lab.labels.campaign`, so that a run survives any stop.
"""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from ase_bimetal.descriptors import ALL_DESCRIPTORS, all_descriptors
from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.lab.labels.campaign import read_folder, read_shard, record_line, shard_path, start_worker
from ase_bimetal.lab.labels.dataset import digest_of, packed_content, write_packed
from ase_bimetal.lab.labels.host_jobs import HostJob, host_campaign
from ase_bimetal.lab.labels.host_label import (
    CHECKS,
    bare_host,
    environment_of,
    environment_path,
    host_atoms,
    host_formation_energy,
    host_record,
    rejection,
)
from ase_bimetal.lab.labels.label import collapse
from ase_bimetal.system import as_system

SHIPPED_HOSTS = DATASETS / "hosts.json.xz"
_COPIED = (
    *("id", "family", "structure", "prototype", "host", "dopant", "index", "kind", "amplitude", "parent"),
    *("n_metals", "energy", "electronic_temperature", "fmax_parent", "level", "code", "charge", "checks"),
)


@dataclass(frozen=True)
class HostData:
    """Labelled extended hosts and bare alloys.

    Attributes
    ----------
    frame
        One row per valid configuration: ``id``, ``family``, ``structure``, ``prototype``, ``host``, ``dopant``,
        ``index``, ``kind``, ``amplitude``, ``parent`` (id), ``n_metals``, ``atoms`` (metals first, array
        ``fragment`` with 0 for metal, held atoms as constraint), ``charges`` [e], ``energy`` [eV],
        ``formation_energy`` [eV/metal], ``environment`` (name), ``electronic_temperature`` [K], ``fmax_parent``
        [eV/Å], ``level``, ``code``, ``charge`` [e], ``checks``.
    rejects
        One row per rejected configuration with its reason.
    environments
        Name → host without metals: ``energy`` [eV], ``protons``, geometry.
    elements
        Element → energy of the isolated atom [eV].
    hydrogen
        Energy of H2 [eV].
    digest
        First 12 hex digits of the sha256 of the packed content.
    """

    frame: pd.DataFrame
    rejects: pd.DataFrame
    environments: dict[str, Any]
    elements: dict[str, float]
    hydrogen: float
    digest: str


def run_hosts(jobs: Iterable[HostJob], folder: Path, workers: int = 1, progress: bool = True) -> None:
    """Label every job that the folder does not hold.

    Progress is shown on standard error if asked for.

    All parents come first, so that a run cut short has labelled every prototype it could.
    """
    from tqdm import tqdm

    jobs = list(jobs)
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_worker) as pool:
        for what, these in (("parent", [replace(job, n_samples=1) for job in jobs]), ("prototype", jobs)):
            pending = [pool.submit(run_host_job, job, folder) for job in these]
            for done in tqdm(as_completed(pending), total=len(pending), unit=what, disable=not progress):
                done.result()


def run_host_job(job: HostJob, folder: Path) -> None:
    """Label one prototype's configurations into its shard, unless another process is at it."""
    shard = shard_path(folder, job.name)
    with suppress(Timeout), FileLock(shard.with_suffix(".lock"), blocking=False):
        done = {record["index"]: record for record in read_shard(shard)}
        missing = sorted(set(range(job.n_samples)) - set(done))
        if "rejected" in done.get(0, {}) or not missing:
            return
        environment = None if job.environment is None else environment_of(job, folder)
        with shard.open("a") as stream:
            for index in missing:
                done[index] = host_record(job, index, done.get(0), environment)
                stream.write(record_line(done[index]))
                stream.flush()
                os.fsync(stream.fileno())
                if "rejected" in done[0]:
                    return


def pack_hosts(folder: Path, target: Path = SHIPPED_HOSTS) -> str:
    """Write all records of a labelling folder into one compressed file; returns its digest.

    Every record passes the checks once more, so that a check added later holds for labels made before it. Energies
    of isolated atoms, H2 and environments, the same in many records, are written once.

    Raises
    ------
    ValueError
        Two records of the folder disagree about such an energy.
    """
    records = list(read_folder(folder))
    names = sorted({r["environment"]["name"] for r in records if r.get("environment")})
    environments = {name: json.loads(environment_path(folder, name).read_text()) for name in names}
    content = {
        "format": 1,
        "checks": list(CHECKS),
        "environments": environments,
        "elements": _shared(records, "atom_energies"),
        "hydrogen": _shared(records, "hydrogen")["hydrogen"],
        "records": [_packed(_checked(record, environments)) for record in records],
    }
    return write_packed(content, target)


def unpack_hosts(folder: Path, source: Path = SHIPPED_HOSTS) -> int:
    """Turn packed labels back into shards and environments.

    `run_hosts` goes on from them; returns the records' number.

    Raises
    ------
    FileExistsError
        The folder already holds records, which would be doubled.
    """
    content = packed_content(source, folder)
    for name, environment in content["environments"].items():
        path = environment_path(folder, name)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, json.dumps(environment))
    for record in content["records"]:
        with shard_path(folder, record["prototype"]).open("a") as stream:
            stream.write(record_line(record if "rejected" in record else _unpacked(record, content)))
    return len(content["records"])


def load_hosts(path: Path = SHIPPED_HOSTS) -> HostData:
    """Load the packed labels of extended hosts.

    Examples
    --------
    >>> data = load_hosts()
    >>> sorted(data.frame.family.unique())
    ['crystal', 'particle', 'sheet', 'slab', 'zeolite-FAU', 'zeolite-MFI', 'zeolite-MOR']
    """
    raw = lzma.decompress(Path(path).read_bytes())
    content = json.loads(raw)
    valid = [_unpacked(record, content) for record in content["records"] if "rejected" not in record]
    rejects = [record for record in content["records"] if "rejected" in record]
    columns = ["id", "family", "structure", "prototype", "host", "dopant", "kind", "rejected"]
    return HostData(
        frame=pd.DataFrame([_row(record) for record in valid]),
        rejects=pd.DataFrame(rejects).reindex(columns=columns),
        environments=content["environments"],
        elements=content["elements"],
        hydrogen=content["hydrogen"],
        digest=digest_of(raw),
    )


def host_descriptors(frame: pd.DataFrame) -> pd.DataFrame:
    """Compute every descriptor of labelled hosts.

    There is one row each, indexed by ``id``; NaN where an object cannot have one.

    A bare alloy has no surroundings, so χ_env and φ are NaN; no host has ligands, so log P is NaN. χ_env of a
    zeolite or a sheet is taken against the donors, the O or N bonded to metal.

    Parameters
    ----------
    frame
        Rows of `HostData.frame`.
    """
    rows = []
    for atoms, charges in zip(frame.atoms, frame.charges, strict=True):
        carrier = atoms.copy()
        carrier.set_initial_charges(charges)
        rows.append(all_descriptors(as_system(carrier)))
    return pd.DataFrame(rows, index=frame.id, columns=list(ALL_DESCRIPTORS))


def describe_hosts(data: HostData) -> dict[str, dict[str, int]]:
    """Count valid records, prototypes and rejects.

    Records and prototypes are counted per family, structure and move.
    """
    frame, rejects = data.frame, data.rejects
    return {
        "records per family": frame.family.value_counts().to_dict(),
        "prototypes per family": frame.groupby("family").prototype.nunique().to_dict(),
        "metal pairs per family": frame.groupby("family").apply(_pairs, include_groups=False).to_dict(),
        "structure": frame.structure.value_counts().to_dict(),
        "made by": frame.kind.value_counts().to_dict(),
        "level": (frame.level + ", " + frame.code).value_counts().to_dict(),
        "rejected per family": rejects.family.value_counts().to_dict(),
        "rejected per dopant": rejects.dopant.value_counts().to_dict(),
        "rejected per reason": rejects.rejected.value_counts().to_dict(),
    }


def _pairs(frame: pd.DataFrame) -> int:
    return len({frozenset(pair) for pair in zip(frame.host, frame.dopant, strict=True)})


def _shared(records: list[dict[str, Any]], key: str) -> dict[str, float]:
    """Values that all records must agree on, name → energy [eV]."""
    table: dict[str, float] = {}
    for record in records:
        value = record.get(key, {})
        for name, energy in (value if isinstance(value, dict) else {key: value}).items():
            if abs(table.setdefault(name, energy) - energy) > 1e-6:
                raise ValueError(
                    f"{record['id']} holds {energy} eV for {name}, others {table[name]} eV; allowed: one "
                    "level of theory and one code version in a folder"
                )
    return table


def _checked(record: dict[str, Any], environments: Mapping[str, Any]) -> dict[str, Any]:
    """The record, rejected if one of today's checks fails."""
    if "rejected" in record:
        return record
    name = record["environment"] and record["environment"]["name"]
    reason = rejection(host_atoms(record), bare_host(environments[name]) if name else None)
    reason = reason or collapse(host_formation_energy(record), np.array(record["charges"]))
    return record | ({"rejected": reason} if reason else {})


def _packed(record: dict[str, Any]) -> dict[str, Any]:
    """The record with shared energies left to the tables they are in."""
    small = {key: value for key, value in record.items() if key not in ("atom_energies", "hydrogen", "checks")}
    if record.get("environment"):
        small["environment"] = record["environment"]["name"]
    return small


def _unpacked(record: dict[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """The record with all its raw energies, as it was labelled."""
    symbols = set(record["symbols"][: record["n_metals"]])
    name = record["environment"]
    return record | {
        "atom_energies": {symbol: content["elements"][symbol] for symbol in sorted(symbols)},
        "hydrogen": content["hydrogen"],
        "environment": content["environments"][name] if name else None,
        "checks": content["checks"],
    }


def _row(record: dict[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in _COPIED} | {
        "atoms": host_atoms(record),
        "charges": np.array(record["charges"]),
        "formation_energy": host_formation_energy(record),
        "environment": record["environment"]["name"] if record["environment"] else None,
    }


__all__ = [
    "SHIPPED_HOSTS",
    "HostData",
    "HostJob",
    "describe_hosts",
    "host_campaign",
    "host_descriptors",
    "load_hosts",
    "pack_hosts",
    "run_host_job",
    "run_hosts",
    "unpack_hosts",
]
