"""Labels end to end with GFN1-xTB, and shards that survive a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from itertools import permutations
from threading import Thread

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from ase.db import connect

from ase_bimetal.errors import BimetalError, LevelError
from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels.campaign import (
    Job,
    _follow,
    read_shard,
    record_atoms,
    run_campaign,
    run_job,
    update_fragments,
)
from ase_bimetal.lab.labels.dataset import export_db, load_labels, pack, rebuild, unpack
from ase_bimetal.lab.labels.label import single_point
from ase_bimetal.lab.labels.plan import campaign
from ase_bimetal.structures.motifs import Prototype

PROTOTYPE = Prototype("Au4M2", "Zn", {"thiolate": "SMe"})
_RUN = """
from pathlib import Path
from ase_bimetal.lab.labels.campaign import Job, run_job
from ase_bimetal.structures.motifs import Prototype
run_job(Job(Prototype("Au4M2", "Zn", {"thiolate": "SMe"}), 40), Path(r"%s"))
"""


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    path = tmp_path_factory.mktemp("lab")
    update_fragments(path / "fragments.json", [PROTOTYPE])
    run_job(Job(PROTOTYPE, 3), path)
    return path


@pytest.fixture
def folder(labelled, tmp_path_factory):
    """A copy of its own for each test: some go on labelling in it."""
    return shutil.copytree(labelled, tmp_path_factory.mktemp("copy") / "lab")


@pytest.fixture(scope="module")
def shipped():
    return load_labels()


def test_records_carry_all_raw_energies(folder):
    records = read_shard(folder / "Au4M2-Zn-SMe.jsonl")
    assert [r["index"] for r in records] == [0, 1, 2]
    fragments = json.loads((folder / "fragments.json").read_text())
    assert set(fragments["atoms"]) == {"Au", "Zn"}
    assert fragments["ligands"]["CS"]["dimer"] < 2 * fragments["ligands"]["CS"]["radical"]
    for record in records:
        assert record["level"] == "GFN1-xTB" and record["charge"] == 0
        assert record["energy"] < record["bound_shell"] < 0


def test_a_strained_parent_is_relaxed_on_and_its_series_labelled_anew(folder, tmp_path):
    work = tmp_path / "renewed"
    shutil.copytree(folder, work)
    shard = work / "Au4M2-Zn-SMe.jsonl"
    old = read_shard(shard)
    pulled = record_atoms(old[0])
    ligand = pulled.arrays["fragment"] == 1
    pulled.positions[ligand] += 0.15 * (pulled.positions[ligand].mean(axis=0) - pulled.positions.mean(axis=0)) / 5
    strained = old[0] | {"positions": pulled.positions.round(4).ravel().tolist(), "fmax_parent": 3.0}
    shard.write_text("".join(json.dumps(record) + "\n" for record in [strained, *old[1:]]))
    run_job(Job(PROTOTYPE, 3), work, renew_above=0.7)
    new = read_shard(shard)
    assert [record["index"] for record in new] == [0, 1, 2] and not shard.with_suffix(".renewed").exists()
    assert new[0]["fmax_parent"] < 0.2 and all("energy" in record for record in new)
    assert abs(new[0]["energy"] - old[0]["energy"]) < 0.15
    before = shard.read_bytes()
    run_job(Job(PROTOTYPE, 3), work, renew_above=0.7)
    assert shard.read_bytes() == before


def test_labels_around_a_strained_parent_are_rejected(folder, tmp_path):
    work = tmp_path / "strained"
    shutil.copytree(folder, work)
    shard = work / "Au4M2-Zn-SMe.jsonl"
    records = [record | {"fmax_parent": 3.5} for record in read_shard(shard)]
    shard.write_text("".join(json.dumps(record) + "\n" for record in records))
    pack(work, tmp_path / "labels.json.xz")
    data = load_labels(tmp_path / "labels.json.xz")
    assert not len(data.frame) and set(data.rejects.rejected) == {"parent: force above 0.7 eV/Å"}


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
    data = load_labels(tmp_path / "packed.json.xz")
    assert data.digest == digest and len(data.frame) == 3
    row = data.frame.iloc[1]
    assert single_point(row.atoms).energy == pytest.approx(row.energy, abs=1e-5)


def test_packed_labels_unpack_into_shards_and_pack_to_the_same_digest(folder, tmp_path):
    digest = pack(folder, tmp_path / "packed.json.xz")
    assert unpack(tmp_path / "lab", tmp_path / "packed.json.xz") == 3
    assert pack(tmp_path / "lab", tmp_path / "again.json.xz") == digest
    with pytest.raises(FileExistsError, match="already holds records"):
        unpack(tmp_path / "lab", tmp_path / "packed.json.xz")


def test_shipped_records_are_unique_and_name_parents_that_are_there(shipped):
    frame = shipped.frame
    assert frame.id.is_unique
    parents = set(frame.id[frame.kind == "parent"])
    assert {f"{name}/0" for name in frame.prototype} <= parents


@pytest.mark.parametrize("family", ["M13", "M@Au24-centre", "M55"])
def test_alloys_of_three_core_sizes_are_labelled_in_both_directions(shipped, family):
    alloys = [j.prototype for j in campaign() if j.prototype.family == family and j.prototype.arrangement]
    filled = {(p.dopant, p.host) for p in alloys if p.arrangement == "core-shell"}
    assert filled == set(permutations(("Au", "Ag", "Cu"), 2))
    mixed = {(frozenset((p.dopant, p.host)), p.arrangement) for p in alloys}
    assert {(frozenset(pair), f"random-{n}") for pair in filled for n in (10, 90)} <= mixed
    assert {p.name for p in alloys} <= set(shipped.frame.prototype)


def test_a_slice_of_the_shipped_labels_rebuilds_within_1_mev_per_metal(shipped):
    """Twenty records of every family and move, small ones first, from their parents and on any machine."""
    frame = shipped.frame.assign(n_atoms=[len(atoms) for atoms in shipped.frame.atoms])
    small = frame[(frame.n_atoms < 50) & (frame.kind != "parent")]
    ids = small.groupby(["family", "kind"]).head(1).id.head(20)
    assert len(ids) == 20
    assert rebuild(shipped, ids).difference.abs().max() < 1.0


def test_a_prototype_rebuilt_from_nothing_comes_close_to_the_shipped_parent(folder, shipped):
    """Sixty relaxation steps enlarge differences in rounding, as between numbers of threads: 20 meV/metal allowed."""
    fresh = read_shard(folder / "Au4M2-Zn-SMe.jsonl")[0]
    row = shipped.frame.set_index("id").loc["Au4M2-Zn-SMe/0"]
    assert fresh["energy"] == pytest.approx(row.energy, abs=6 * 0.02)


def test_labels_survive_the_ase_database(shipped, tmp_path):
    some = shipped.frame.iloc[::2000]
    assert export_db(some, tmp_path / "labels.db") == len(some)
    for row, stored in zip(some.itertuples(), connect(tmp_path / "labels.db").select(), strict=True):
        atoms = stored.toatoms()
        assert atoms.get_potential_energy() == pytest.approx(row.energy)
        assert stored.record == row.id and stored.formation_energy == pytest.approx(row.formation_energy)
        assert stored.data["ligand_smiles"] == row.atoms.info["ligand_smiles"]
    with pytest.raises(FileExistsError, match="doubled"):
        export_db(some, tmp_path / "labels.db")


def test_a_kill_loses_nothing_and_doubles_nothing(folder, wait_until, tmp_path):
    shard = folder / "Au4M2-Zn-SMe.jsonl"
    before = shard.read_text()
    process = subprocess.Popen([sys.executable, "-c", _RUN % folder], env=os.environ | {"OMP_NUM_THREADS": "1"})
    wait_until(lambda: shard.read_text().count("\n") >= 5, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with shard.open("a") as stream:
        stream.write('{"id":"Au4M2-Zn-SMe/9","torn')
    run_job(Job(PROTOTYPE, len(shard.read_text().splitlines())), folder)
    indices = [r["index"] for r in read_shard(shard)]
    assert len(indices) >= 5
    assert indices == list(range(len(indices)))
    assert shard.read_text().startswith(before)
    # The same records as of a run that nobody kills.
    shutil.copy(folder / "fragments.json", tmp_path)
    (tmp_path / shard.name).write_text(before)
    run_job(Job(PROTOTYPE, len(indices)), tmp_path)
    for one, other in zip(read_shard(shard), read_shard(tmp_path / shard.name), strict=True):
        assert one.keys() == other.keys() and one["id"] == other["id"]
        assert one.get("energy", 0.0) == pytest.approx(other.get("energy", 0.0), abs=1e-6)
        assert np.allclose(one.get("positions", 0.0), other.get("positions", 0.0), rtol=0, atol=1e-6)


def test_formation_energies_stay_in_the_published_range(shipped):
    energies = shipped.frame.formation_energy
    assert energies.between(-6.5, 0.85).all()
    assert np.median(energies) < -1


def test_any_ase_calculator_labels_the_same_geometries(folder, tmp_path):
    """Lennard-Jones in place of a serious level: energies are its own, and a folder keeps to one level."""
    level = "ase.calculators.lj:LennardJones"
    prototype = Prototype("M@Au8", "Pd", {"phosphine": "PH3", "halide": "Cl"})
    update_fragments(tmp_path / "fragments.json", [prototype], level)
    run_job(Job(prototype, 2), tmp_path, level)
    for record in read_shard(tmp_path / "M@Au8-Pd-PH3-Cl.jsonl"):
        atoms = record_atoms(record)
        atoms.calc = LennardJones()
        assert record["energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        assert record["level"] == level and record["code"].startswith("ase ") and record["charges"] is None
    pack(tmp_path, tmp_path / "packed.json.xz")
    assert len(load_labels(tmp_path / "packed.json.xz").frame) == 2
    with pytest.raises(LevelError, match="allowed: that level or a new folder"):
        update_fragments(folder / "fragments.json", [PROTOTYPE], level)


def test_dask_workers_go_on_with_the_same_records(folder, tmp_path):
    """A folder is continued by a local cluster of two processes, and a copy of it in this process."""
    from distributed import LocalCluster

    shard = "Au4M2-Zn-SMe.jsonl"
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
        shutil.copy(folder / "fragments.json", tmp_path / name)
        (tmp_path / name / shard).write_text("".join((folder / shard).read_text().splitlines(keepends=True)[:3]))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        run_campaign([Job(PROTOTYPE, 6)], tmp_path / "theirs", scheduler=cluster.scheduler_address)
    run_job(Job(PROTOTYPE, 6), tmp_path / "ours")
    theirs, ours = (read_shard(tmp_path / name / shard) for name in ("theirs", "ours"))
    assert [r["id"] for r in theirs] == [r["id"] for r in ours] and len(ours) == 6
    assert [r["energy"] for r in theirs] == pytest.approx([r["energy"] for r in ours], abs=1e-4)


def test_a_job_that_fails_is_named_at_once_and_the_others_go_on(tmp_path, capsys):
    first, second = Future(), Future()
    running = {first: Job(Prototype("Au4M2", "Cd", {"thiolate": "SMe"}), 1), second: Job(PROTOTYPE, 1)}
    first.set_exception(BimetalError("unknown arrangement"))

    told = ""

    def finish():
        nonlocal told
        patience = time.monotonic() + 600
        while "failed" not in told and time.monotonic() < patience:
            told += capsys.readouterr().err
            time.sleep(0.05)
        second.set_result(None)

    Thread(target=finish, daemon=True).start()
    with pytest.raises(BimetalError, match="unknown arrangement"):
        _follow(running, tmp_path, progress=False)
    assert "Au4M2-Cd-SMe failed: unknown arrangement" in told
