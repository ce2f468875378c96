"""The shipped labels: pack a labelling folder into one compressed file, and load it as a DataFrame."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect

from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels.campaign import (
    FRAGMENTS_FILE,
    read_folder,
    record_atoms,
    record_line,
    rounded,
    series_seed,
    shard_path,
)
from ase_bimetal.lab.labels.label import MAX_PARENT_FORCE, collapse, single_point
from ase_bimetal.lab.labels.sampling import sample
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.checks import rejection

SHIPPED = DATASETS / "reference.json.xz"


@dataclass(frozen=True)
class LabelSet:
    """Labelled clusters and the energies they are measured against.

    Attributes
    ----------
    frame
        One row per valid configuration: ``id``, ``family``, ``prototype`` (the parent is ``prototype/0``),
        ``dopant``, ``host``, ``index``, ``kind``, ``amplitude``, ``n_metals``, ``atoms`` (with
        ``info["ligand_smiles"]`` and array ``fragment``), ``charges`` [e], ``energy`` [eV], ``bound_shell`` [eV],
        ``electronic_temperature`` [K], ``fmax_parent`` [eV/Å], ``level``, ``code``, ``charge``,
        ``formation_energy`` [eV/metal, dimer reference]. All have passed the checks of
        `ase_bimetal.structures.checks.rejection` and `collapse`.
    rejects
        One row per rejected configuration with its reason.
    fragments
        Isolated-atom, H2 and ligand energies [eV] at the same level.
    digest
        First 12 hex digits of the sha256 of the packed content.
    """

    frame: pd.DataFrame
    rejects: pd.DataFrame
    fragments: dict[str, Any]
    digest: str


def pack(folder: Path, target: Path = SHIPPED) -> str:
    """Write all records of a labelling folder into one compressed file; returns its digest.

    Every record passes the checks of `ase_bimetal.lab.labels.label` once more, so that a check added later holds
    for labels made before it.
    """
    fragments = json.loads((folder / FRAGMENTS_FILE).read_text())
    content = {"format": 1, "fragments": fragments, "records": _checked(list(read_folder(folder)), fragments)}
    return write_packed(content, target)


def unpack(folder: Path, source: Path = SHIPPED) -> int:
    """Turn packed labels back into shards.

    `run_campaign` goes on from them; returns their number.

    Raises
    ------
    FileExistsError
        The folder already holds records, which would be doubled.
    """
    content = packed_content(source, folder)
    write_whole(folder / FRAGMENTS_FILE, json.dumps(content["fragments"], indent=1))
    for record in content["records"]:
        with shard_path(folder, record["prototype"]).open("a") as stream:
            stream.write(record_line(record))
    return len(content["records"])


def write_packed(content: Mapping[str, Any], target: Path) -> str:
    """Compress labels into one file; returns their digest."""
    raw = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    write_whole(target, lzma.compress(raw, preset=6))
    return digest_of(raw)


def packed_content(source: Path, folder: Path) -> dict[str, Any]:
    """Read packed labels that shall become shards of a new folder.

    Raises
    ------
    FileExistsError
        The folder already holds records, which would be doubled.
    """
    if any(folder.glob("*.jsonl")):
        raise FileExistsError(f"{folder} already holds records; allowed: a new or empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = json.loads(lzma.decompress(Path(source).read_bytes()))
    return content


def load_labels(path: Path = SHIPPED) -> LabelSet:
    """Load the packed labels.

    Examples
    --------
    >>> data = load_labels()
    >>> bool((data.frame.formation_energy < 2).all())
    True
    """
    raw = lzma.decompress(Path(path).read_bytes())
    content = json.loads(raw)
    fragments = content["fragments"]
    valid = [r for r in content["records"] if "rejected" not in r]
    rejects = [r for r in content["records"] if "rejected" in r]
    frame = pd.DataFrame([_row(record, fragments) for record in valid])
    columns = ["id", "family", "prototype", "dopant", "rejected"]
    return LabelSet(frame, pd.DataFrame(rejects).reindex(columns=columns), fragments, digest_of(raw))


def describe(data: LabelSet) -> dict[str, dict[str, int]]:
    """Count valid records and rejects.

    The valid ones are counted per family, dopant, ligand, size, move and level.
    """
    frame = data.frame
    ligands = Counter(smiles for atoms in frame.atoms for smiles in atoms.info["ligand_smiles"])
    return {
        "family": frame.family.value_counts().to_dict(),
        "dopant": frame.dopant.value_counts().to_dict(),
        "host": frame.host.value_counts().to_dict(),
        "ligand": {Ligand.parse(smiles).name: n for smiles, n in ligands.most_common()},
        "metal atoms": frame.n_metals.value_counts().sort_index().to_dict(),
        "made by": frame.kind.value_counts().to_dict(),
        "level": (frame.level + ", " + frame.code).value_counts().to_dict(),
        "rejected per family": data.rejects.family.value_counts().to_dict(),
        "rejected per dopant": data.rejects.dopant.value_counts().to_dict(),
        "rejected per reason": data.rejects.rejected.value_counts().to_dict(),
    }


def export_db(frame: pd.DataFrame, path: Path) -> int:
    """Write labels into an ASE database, one row each; returns their number.

    The total energy travels as a calculator result, the columns as key–value pairs, the ligands and fragments as data.

    Parameters
    ----------
    frame
        Rows of `LabelSet.frame`.
    path
        A new file whose suffix ``ase.db`` knows, such as ``labels.db``.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists, and its rows would be doubled; allowed: a new file")
    pairs = ["id", "family", "prototype", "dopant", "host", "kind", "amplitude", "level", "formation_energy"]
    with connect(path) as database:
        for row in frame.itertuples():
            atoms = row.atoms.copy()
            atoms.calc = SinglePointCalculator(atoms, energy=row.energy, **_given(charges=row.charges))
            values = {("record" if key == "id" else key): getattr(row, key) for key in pairs}
            extra = {"ligand_smiles": row.atoms.info["ligand_smiles"], "fragment": row.atoms.arrays["fragment"]}
            database.write(atoms, key_value_pairs=values, data=extra)
    return len(frame)


def rebuild(data: LabelSet, ids: Sequence[str]) -> pd.DataFrame:
    """Make recorded configurations again from their parents and label them afresh.

    Parameters
    ----------
    data
        Loaded labels.
    ids
        Records to make again; their parents must be among the valid records.

    Returns
    -------
    pandas.DataFrame
        ``id``, ``shipped`` and ``rebuilt`` [eV/metal], ``difference`` [meV/metal].
    """
    rows = data.frame.set_index("id")
    table = []
    for name in ids:
        row, parent = rows.loc[name], rows.loc[f"{rows.loc[name].prototype}/0"].atoms
        atoms = sample(parent, row["index"], series_seed(row.prototype), row.kind).atoms
        energy = single_point(rounded(atoms)).energy
        metals = [s for s, k in zip(atoms.symbols, atoms.arrays["fragment"], strict=True) if k == 0]
        fresh = formation_energy(energy, metals, atoms.info["ligand_smiles"], data.fragments)
        table.append({"id": name, "shipped": row.formation_energy, "rebuilt": fresh})
    frame = pd.DataFrame(table)
    return frame.assign(difference=1000 * (frame.rebuilt - frame.shipped))


def _checked(records: list[dict[str, Any]], fragments: dict[str, Any]) -> list[dict[str, Any]]:
    """The records, with a reason on each that fails a check which may be younger than it."""
    parents = {r["prototype"]: _Parent.of(r, fragments) for r in records if r["index"] == 0 and "symbols" in r}
    checked = []
    for record in records:
        if "rejected" not in record:
            reason = parents[record["prototype"]].failing(record, fragments)
            record = record | ({"rejected": reason} if reason else {})
        checked.append(record)
    return checked


@dataclass(frozen=True)
class _Parent:
    """A relaxed parent, why it fails the checks itself, if it does, and its formation energy [eV/metal]."""

    atoms: Atoms
    reason: str | None
    energy: float

    @classmethod
    def of(cls, record: dict[str, Any], fragments: dict[str, Any]) -> _Parent:
        atoms = record_atoms(record)
        strained = record["fmax_parent"] > MAX_PARENT_FORCE
        reason = f"parent: force above {MAX_PARENT_FORCE} eV/Å" if strained else rejection(atoms, atoms)
        return cls(atoms, reason, _energy(record, fragments))

    def failing(self, record: dict[str, Any], fragments: dict[str, Any]) -> str | None:
        """Why a record of this parent fails the checks, or None."""
        return (
            self.reason
            or rejection(record_atoms(record), self.atoms)
            or collapse(_energy(record, fragments), _charges(record), self.energy)
        )


def _metals(record: dict[str, Any]) -> list[str]:
    return [s for s, k in zip(record["symbols"], record["fragment"], strict=True) if k == 0]


def _energy(record: dict[str, Any], fragments: dict[str, Any]) -> float:
    """Formation energy [eV/metal]."""
    return formation_energy(record["energy"], _metals(record), record["ligands"], fragments)


def _charges(record: dict[str, Any]) -> np.ndarray | None:
    return None if record["charges"] is None else np.array(record["charges"])


def _row(record: dict[str, Any], fragments: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "family", "prototype", "dopant", "index", "kind", "amplitude", "energy", "bound_shell")
    row = {key: record[key] for key in (*kept, "electronic_temperature", "fmax_parent", "level", "code", "charge")}
    row["host"] = record.get("host", "Au")  # the first records were all gold's
    row["n_metals"] = len(_metals(record))
    row["atoms"] = record_atoms(record)
    row["charges"] = _charges(record)
    row["formation_energy"] = _energy(record, fragments)
    return row


def _given(**values: object) -> dict[str, object]:
    """What is not None."""
    return {key: value for key, value in values.items() if value is not None}


def digest_of(raw: bytes) -> str:
    """Give labels their name: twelve digits of their sha256."""
    return hashlib.sha256(raw).hexdigest()[:12]
