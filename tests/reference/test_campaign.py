"""Labels end to end with GFN1-xTB, and shards that survive a kill."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ase_bimetal.formation import formation_energy
from ase_bimetal.reference.campaign import Job, read_shard, run_job, update_fragments
from ase_bimetal.reference.dataset import SHIPPED, load_reference, pack, unpack
from ase_bimetal.reference.label import single_point
from ase_bimetal.reference.motifs import Prototype

PROTOTYPE = Prototype("Au4M2", "Zn", {"thiolate": "SMe"})
_RUN = """
from pathlib import Path
from ase_bimetal.reference.campaign import Job, run_job
from ase_bimetal.reference.motifs import Prototype
run_job(Job(Prototype("Au4M2", "Zn", {"thiolate": "SMe"}), 40), Path(r"%s"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lab")
    update_fragments(path / "fragments.json", [PROTOTYPE])
    run_job(Job(PROTOTYPE, 3), path)
    return path


def test_records_carry_all_raw_energies(folder):
    records = read_shard(folder / "Au4M2-Zn-SMe.jsonl")
    assert [r["index"] for r in records] == [0, 1, 2]
    fragments = json.loads((folder / "fragments.json").read_text())
    assert set(fragments["atoms"]) == {"Au", "Zn"}
    assert fragments["ligands"]["CS"]["dimer"] < 2 * fragments["ligands"]["CS"]["radical"]
    for record in records:
        assert record["level"] == "GFN1-xTB" and record["charge"] == 0
        assert record["energy"] < record["bound_shell"] < 0


def test_reference_states_shift_exactly(folder):
    record = read_shard(folder / "Au4M2-Zn-SMe.jsonl")[0]
    fragments = json.loads((folder / "fragments.json").read_text())
    metals, forms = ["Au"] * 4 + ["Zn"] * 2, fragments["ligands"]["CS"]

    def energy(reference):
        return formation_energy(
            record["energy"], metals, record["ligands"], fragments, reference, record["bound_shell"]
        )

    per_thiolate = forms["dimer"] / 2 - (forms["free"] - fragments["H2"] / 2)
    assert energy("hydride") - energy("dimer") == pytest.approx(8 / 6 * per_thiolate, abs=1e-9)
    assert energy("radical") < energy("dimer") < 0
    assert energy("bound_shell") < energy("dimer")


def test_packed_labels_load_and_relabel_to_the_same_energy(folder, tmp_path):
    digest = pack(folder, tmp_path / "packed.json.xz")
    data = load_reference(tmp_path / "packed.json.xz")
    assert data.digest == digest and len(data.frame) == 3
    row = data.frame.iloc[1]
    assert single_point(row.atoms).energy == pytest.approx(row.energy, abs=1e-5)


def test_shipped_labels_unpack_into_shards_and_pack_to_the_same_digest(tmp_path):
    assert unpack(tmp_path / "lab", SHIPPED) >= len(load_reference().frame)
    assert pack(tmp_path / "lab", tmp_path / "again.json.xz") == load_reference().digest
    with pytest.raises(FileExistsError, match="already holds records"):
        unpack(tmp_path / "lab", SHIPPED)


def test_shipped_labels_relabel_to_the_same_energy():
    """A stored geometry gives the stored energy within 1 meV per metal on any machine."""
    frame = load_reference().frame
    smallest = frame[frame.prototype == "Au4M2-Pd-SMe"].iloc[:3]
    for row in smallest.itertuples():
        assert single_point(row.atoms).energy == pytest.approx(row.energy, abs=6e-3)


def test_a_kill_loses_nothing_and_doubles_nothing(folder):
    shard = folder / "Au4M2-Zn-SMe.jsonl"
    before = shard.read_text()
    process = subprocess.Popen([sys.executable, "-c", _RUN % folder], env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while shard.read_text().count("\n") < 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with shard.open("a") as stream:
        stream.write('{"id":"Au4M2-Zn-SMe/9","torn')
    run_job(Job(PROTOTYPE, len(shard.read_text().splitlines())), folder)
    indices = [r["index"] for r in read_shard(shard)]
    assert len(indices) >= 5
    assert indices == list(range(len(indices)))
    assert shard.read_text().startswith(before)


def test_formation_energies_stay_in_the_published_range():
    energies = load_reference().frame.formation_energy
    assert energies.between(-6.5, 0.85).all()
    assert np.median(energies) < -1
