"""The shipped labels: pack a labelling folder into one compressed file, and load it as a DataFrame."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ase_bimetal.formation import formation_energy
from ase_bimetal.ligands import Ligand
from ase_bimetal.reference.campaign import FRAGMENTS_FILE, read_folder, record_atoms, record_line, shard_path
from ase_bimetal.reference.label import rejection

SHIPPED = Path(__file__).parent.parent / "datasets" / "reference.json.xz"


@dataclass(frozen=True)
class ReferenceData:
    """Labelled clusters and the energies they are measured against.

    Attributes
    ----------
    frame
        One row per valid configuration: ``id``, ``family``, ``prototype``, ``dopant``, ``kind``, ``amplitude``,
        ``atoms`` (with ``info["ligand_smiles"]`` and array ``fragment``), ``energy`` [eV], ``bound_shell`` [eV],
        ``electronic_temperature`` [K], ``fmax_parent`` [eV/Å], ``formation_energy`` [eV/metal, dimer reference].
    rejects
        One row per rejected configuration with its reason.
    fragments
        Isolated-atom, H2 and ligand energies [eV] at the same level.
    digest
        First 12 hex digits of the sha256 of the packed content.
    """

    frame: pd.DataFrame
    rejects: pd.DataFrame
    fragments: dict
    digest: str


def pack(folder: Path, target: Path = SHIPPED) -> str:
    """Write all records of a labelling folder into one compressed file; returns its digest.

    Every record passes the checks of `ase_bimetal.reference.label` once more, so that a check added later holds
    for labels made before it.
    """
    fragments = json.loads((folder / FRAGMENTS_FILE).read_text())
    content = {"format": 1, "fragments": fragments, "records": _checked(list(read_folder(folder)))}
    raw = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    target.write_bytes(lzma.compress(raw, preset=6))
    return _digest(raw)


def unpack(folder: Path, source: Path = SHIPPED) -> int:
    """Turn packed labels back into shards, so that `run_campaign` goes on from them; returns their number.

    Raises
    ------
    FileExistsError
        The folder already holds records, which would be doubled.
    """
    if any(folder.glob("*.jsonl")):
        raise FileExistsError(f"{folder} already holds records; allowed: a new or empty folder")
    content = json.loads(lzma.decompress(Path(source).read_bytes()))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FRAGMENTS_FILE).write_text(json.dumps(content["fragments"], indent=1))
    for record in content["records"]:
        with shard_path(folder, record["prototype"]).open("a") as stream:
            stream.write(record_line(record))
    return len(content["records"])


def load_reference(path: Path = SHIPPED) -> ReferenceData:
    """Load the packed labels.

    Examples
    --------
    >>> data = load_reference()
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
    return ReferenceData(frame, pd.DataFrame(rejects).reindex(columns=columns), fragments, _digest(raw))


def describe(data: ReferenceData) -> dict[str, dict[str, int]]:
    """Counts per family, dopant and ligand of the valid records, and of the rejects per dopant and reason."""
    frame = data.frame
    ligands = Counter(smiles for atoms in frame.atoms for smiles in atoms.info["ligand_smiles"])
    return {
        "family": frame.family.value_counts().to_dict(),
        "dopant": frame.dopant.value_counts().to_dict(),
        "ligand": {Ligand.parse(smiles).name: n for smiles, n in ligands.most_common()},
        "rejected per dopant": data.rejects.dopant.value_counts().to_dict(),
        "rejected per reason": data.rejects.rejected.value_counts().to_dict(),
    }


def _checked(records: list[dict]) -> list[dict]:
    parents = {r["prototype"]: record_atoms(r) for r in records if r["index"] == 0 and "symbols" in r}
    checked = []
    for record in records:
        if "rejected" not in record:
            parent = parents[record["prototype"]]
            reason = rejection(parent, parent) or rejection(record_atoms(record), parent)
            record = record | ({"rejected": reason} if reason else {})
        checked.append(record)
    return checked


def _row(record: dict, fragments: dict) -> dict:
    metals = [s for s, k in zip(record["symbols"], record["fragment"], strict=True) if k == 0]
    kept = ("id", "family", "prototype", "dopant", "kind", "amplitude", "energy", "bound_shell")
    row = {key: record[key] for key in (*kept, "electronic_temperature", "fmax_parent", "level", "code", "charge")}
    row["atoms"] = record_atoms(record)
    row["charges"] = np.array(record["charges"])
    row["formation_energy"] = formation_energy(record["energy"], metals, record["ligands"], fragments)
    return row


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:12]
