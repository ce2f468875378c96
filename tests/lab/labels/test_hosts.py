"""Extended hosts: sheets, alloys, labels that survive a kill, packing and loading."""

import json
import os
import shutil
import signal
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from ase_bimetal import as_system
from ase_bimetal.errors import LevelError, UnsupportedSystemError
from ase_bimetal.lab.labels.bulk import bulk_metals
from ase_bimetal.lab.labels.campaign import read_shard
from ase_bimetal.lab.labels.host_figure import draw_hosts
from ase_bimetal.lab.labels.host_label import host_formation_energy, rejection
from ase_bimetal.lab.labels.hosts import (
    HostJob,
    describe_hosts,
    host_campaign,
    host_descriptors,
    load_hosts,
    pack_hosts,
    run_host_job,
    run_hosts,
)
from ase_bimetal.lab.labels.label import atom_energy, single_point
from ase_bimetal.lab.labels.level_difference import differences, fit_level
from ase_bimetal.model.level import level_terms
from ase_bimetal.structures.alloys import ARRANGEMENTS, CRYSTALS, STRUCTURES, alloy
from ase_bimetal.structures.frameworks import cut_out, place_metals, substituted
from ase_bimetal.structures.sheets import SITES, place_on_sheet, sheet

JOB = HostJob("particle", "icosahedron-13", "Au", "Ag", 4, "core")
_RUN = """
from pathlib import Path
from ase_bimetal.lab.labels.hosts import HostJob, run_host_job
run_host_job(HostJob("particle", "icosahedron-13", "Au", "Ag", 400, "core"), Path(r"%s"))
"""


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    path = tmp_path_factory.mktemp("hosts")
    run_host_job(JOB, path)
    return path


@pytest.fixture
def folder(labelled, tmp_path_factory):
    """A copy of its own for each test: some go on labelling in it."""
    return shutil.copytree(labelled, tmp_path_factory.mktemp("copy") / "lab")


@pytest.fixture(scope="module")
def shipped():
    return load_hosts()


@pytest.fixture
def zeolite():
    """Cu and Zn on the ring of FAU, and the same piece without them."""
    piece = cut_out("FAU", 6)
    bare = substituted(piece, 3)
    atoms = place_metals(bare, piece, ("Cu", "Zn"))
    atoms.arrays["fragment"] = np.array([0, 0] + [1] * len(bare))
    return atoms, bare


def test_the_campaign_has_the_breadth_it_promises():
    jobs = host_campaign()
    pairs = {}
    for job in jobs:
        pairs.setdefault(job.family.split("-")[0], set()).add((job.family, frozenset((job.host, job.dopant))))
    assert len(pairs["zeolite"]) >= 120
    assert len(pairs["sheet"]) >= 40 and len(pairs["particle"]) >= 20 and len(pairs["slab"]) >= 20
    sheets = {pair for _, pair in pairs["sheet"]}
    assert {frozenset(("Au", "Ni")), frozenset(("Cu", "Gd")), frozenset(("Ni", "Pt"))} <= sheets
    assert {"6-ring", "8-ring"} <= {job.structure for job in jobs}


def test_a_prototype_says_how_its_charge_is_balanced():
    assert HostJob("zeolite-MOR", "8-ring", "Cu", "Ni", 1).environment == "MOR-8-ring-3Al"
    assert HostJob("sheet", "N6", "Au", "Ni", 1).name == "AuNi@sheet-N6"
    assert JOB.environment is None and JOB.name == "AuAg-icosahedron-13-core"


@pytest.mark.parametrize(("site", "n_nitrogen", "apart"), [("N6", 6, 2.46), ("2N4", 8, 4.92)])
def test_a_sheet_has_three_neighbours_everywhere_but_at_its_hole(site, n_nitrogen, apart):
    piece = sheet(site)
    atoms = piece.atoms
    distances = atoms.get_all_distances()
    neighbours = ((distances > 0) & (distances < 1.6)).sum(axis=1)
    nitrogen, hydrogen = atoms.symbols == "N", atoms.symbols == "H"
    assert nitrogen.sum() == n_nitrogen and (neighbours[nitrogen] == 2).all()
    assert (neighbours[hydrogen] == 1).all() and (neighbours[~nitrogen & ~hydrogen] == 3).all()
    assert atoms.numbers.sum() % 2 == 0
    assert np.linalg.norm(np.diff(piece.metal_sites, axis=0)) == pytest.approx(apart, abs=0.01)
    assert as_system(place_on_sheet(atoms, piece, ("Au", "Ni"))).kind == "extended"


def test_a_site_or_an_alloy_that_is_unknown_is_refused():
    with pytest.raises(UnsupportedSystemError, match="allowed: N6, 2N4"):
        sheet("N3")
    with pytest.raises(UnsupportedSystemError, match="allowed: icosahedron-13"):
        alloy("cube", "core", "Au", "Ag", 0)
    assert SITES == ("N6", "2N4")


@pytest.mark.parametrize(
    ("structure", "arrangement"),
    [pair for pair in product(STRUCTURES, ARRANGEMENTS) if pair not in [(name, "core") for name in CRYSTALS]],
)
def test_an_alloy_has_the_distances_of_its_metals(structure, arrangement):
    atoms = alloy(structure, arrangement, "Au", "Cu", seed=3)
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    assert len(atoms) == int(structure.rsplit("-", 1)[1])
    assert 0.9 * 2.56 < distances[distances > 0].min() < 1.02 * 2.88
    assert 0 < atoms.symbols.count("Cu") < len(atoms) / 2
    assert as_system(atoms).kind == "alloy"
    if structure == "icosahedron-13" and arrangement == "core":
        assert atoms.get_chemical_formula() == "Au12Cu"


def test_a_crystal_is_l12_and_has_no_inside():
    atoms = alloy("fcc-4", "mixed", "Pt", "Ni", seed=1)
    assert atoms.get_chemical_formula() == "NiPt3" and atoms.pbc.all()
    assert atoms.cell.lengths() == pytest.approx([2**0.5 * 2 * (3 * 1.39 + 1.24) / 4] * 3, abs=0.01)
    with pytest.raises(UnsupportedSystemError, match="crystals mixed"):
        alloy("fcc-4", "core", "Pt", "Ni", seed=1)


def test_a_slab_is_not_the_flake_of_its_cell(shipped):
    """AuAg: -3.07 eV/atom as it repeats, -2.45 as an isolated flake of 27 atoms."""
    [slab] = shipped.frame.atoms[shipped.frame.id == "AuAg-fcc111-27-mixed/0"]
    [energy] = shipped.frame.formation_energy[shipped.frame.id == "AuAg-fcc111-27-mixed/0"]
    flake = slab.copy()
    flake.pbc = False
    alone = (single_point(flake).energy - sum(atom_energy(symbol) for symbol in slab.symbols)) / 27
    assert (energy, alone) == pytest.approx((-3.071, -2.451), abs=0.005)
    with pytest.raises(LevelError, match="repeats in space"):
        single_point(slab)


def test_what_repeats_has_its_own_level(shipped):
    levels = shipped.frame.groupby("family")["level"].unique().map(list)
    repeats = {"slab", "crystal"}
    assert all(levels[name] == ["CP2K-GFN1-xTB" if name in repeats else "GFN1-xTB"] for name in levels.index)


def test_records_carry_what_eq_1_needs(folder):
    records = read_shard(folder / f"{JOB.name}.jsonl")
    assert [r["kind"] for r in records] == ["parent", "metal displacement", "exchange", "metal displacement"]
    by_hand = records[0]["energy"] - 12 * atom_energy("Au") - atom_energy("Ag")
    assert host_formation_energy(records[0]) == pytest.approx(by_hand / 13, abs=1e-6)
    assert all(r["parent"] == f"{JOB.name}/0" and r["checks"] and r["charge"] == 0 for r in records)
    assert {r["level"] for r in records} == {"GFN1-xTB"} and records[0]["code"].startswith("tblite ")


def test_a_zeolite_is_measured_against_its_h_form():
    record = {
        "symbols": ["Cu", "Y", "O"],
        "n_metals": 2,
        "energy": -100.0,
        "atom_energies": {"Cu": -7.0, "Y": -9.0},
        "environment": {"energy": -90.0, "protons": 4},
        "hydrogen": -5.0,
    }
    assert host_formation_energy(record) == pytest.approx((-100 + 16 + 90 + 2 * -5) / 2)
    assert host_formation_energy(record | {"environment": None}) == pytest.approx((-100 + 16) / 2)


def test_good_geometries_pass_and_bad_ones_say_why(zeolite):
    atoms, bare = zeolite
    assert rejection(atoms, bare) is None
    gone, broken, collided = atoms.copy(), atoms.copy(), atoms.copy()
    gone.positions[1] += 4 * (gone.positions[1] - gone.positions[0])
    assert rejection(gone, bare) in {"metal left its site", "atoms on top of each other"}
    far = atoms.copy()
    far.positions[1] = [40.0, 0, 0]
    assert rejection(far, bare) == "metal left its site"
    oxygen = int(np.flatnonzero(atoms.symbols == "O")[0])
    silicon = int(np.flatnonzero(atoms.get_distances(oxygen, range(len(atoms))) < 1.7)[0])
    away = atoms.positions[oxygen] - atoms.positions[silicon]
    broken.positions[oxygen] += 0.9 * away / np.linalg.norm(away)
    assert rejection(broken, bare) in {"broken bond in the host", "atoms on top of each other"}
    collided.positions[0] = collided.positions[oxygen] + [0.5, 0, 0]
    assert rejection(collided, bare) == "atoms on top of each other"


def test_an_alloy_that_loses_an_atom_is_rejected():
    atoms = alloy("icosahedron-13", "core", "Au", "Ag", 0)
    atoms.arrays["fragment"] = np.zeros(13, dtype=int)
    assert rejection(atoms, None) is None
    atoms.positions[12] *= 3
    assert rejection(atoms, None) == "an atom has left"


def test_a_kill_loses_nothing_and_doubles_nothing(folder, wait_until, tmp_path):
    shard = folder / f"{JOB.name}.jsonl"
    before = shard.read_text()
    process = subprocess.Popen([sys.executable, "-c", _RUN % folder], env=os.environ | {"OMP_NUM_THREADS": "1"})
    wait_until(lambda: shard.read_text().count("\n") >= 6, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with shard.open("a") as stream:
        stream.write('{"id":"AuAg-icosahedron-13-core/9","torn')
    n_lines = shard.read_text().count("\n")
    run_host_job(HostJob("particle", "icosahedron-13", "Au", "Ag", n_lines + 1, "core"), folder)
    indices = [r["index"] for r in read_shard(shard)]
    assert indices == list(range(n_lines + 1)) and n_lines >= 6
    assert shard.read_text().startswith(before)
    # The same records as of a run that nobody kills.
    (tmp_path / shard.name).write_text(before)
    run_host_job(HostJob("particle", "icosahedron-13", "Au", "Ag", n_lines + 1, "core"), tmp_path)
    for one, other in zip(read_shard(shard), read_shard(tmp_path / shard.name), strict=True):
        assert one.keys() == other.keys() and one["id"] == other["id"]
        assert one.get("energy", 0.0) == pytest.approx(other.get("energy", 0.0), abs=1e-6)
        assert np.allclose(one.get("positions", 0.0), other.get("positions", 0.0), rtol=0, atol=1e-6)


def test_a_pool_skips_what_is_there(folder):
    text = (folder / f"{JOB.name}.jsonl").read_text()
    run_hosts([JOB], folder, workers=1)
    assert (folder / f"{JOB.name}.jsonl").read_text() == text


def test_packed_labels_load_with_the_energies_of_their_shards(folder, tmp_path):
    target = tmp_path / "hosts.json.xz"
    digest = pack_hosts(folder, target)
    data = load_hosts(target)
    records = read_shard(folder / f"{JOB.name}.jsonl")
    assert data.digest == digest == pack_hosts(folder, target)
    assert data.frame.id.tolist() == [r["id"] for r in records]
    assert data.frame.formation_energy.tolist() == pytest.approx([host_formation_energy(r) for r in records])
    assert describe_hosts(data)["records per family"] == {"particle": len(records)}


def test_labels_of_two_levels_do_not_mix(folder, tmp_path):
    record = read_shard(folder / f"{JOB.name}.jsonl")[0]
    for n, energy in enumerate((-4.0, -5.0)):
        changed = record | {"id": f"x/{n}", "hydrogen": energy}
        (tmp_path / f"{n}.jsonl").write_text(json.dumps(changed) + "\n")
    with pytest.raises(ValueError, match="x/1 holds -5.0 eV for hydrogen"):
        pack_hosts(tmp_path, tmp_path / "packed.json.xz")


def test_a_label_that_fails_a_check_of_today_is_packed_as_a_reject(folder, tmp_path):
    record = read_shard(folder / f"{JOB.name}.jsonl")[0]
    collapsed = record | {"id": "x/0", "energy": record["energy"] - 13 * 20}
    charged = record | {"id": "x/1", "charges": [-19.0, *record["charges"][1:]]}
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(r) + "\n" for r in (record, collapsed, charged)))
    pack_hosts(tmp_path, tmp_path / "packed.json.xz")
    data = load_hosts(tmp_path / "packed.json.xz")
    assert data.frame.id.tolist() == [record["id"]]
    assert data.rejects.set_index("id").rejected.to_dict() == {
        "x/0": "|E_form| above 12 eV/metal",
        "x/1": "atomic charge above 4 e",
    }


@pytest.mark.parametrize("name", ["CuAu", "AuAg", "PtAu"])
def test_ordered_crystals_lie_within_0_3_ev_of_their_elements_with_pbe(shipped, name):
    """Mixing three parts and one changes the PBE energy by less than 0.1 eV/atom in these three."""
    [atoms] = shipped.frame.atoms[shipped.frame.id == f"{name}-fcc-4-mixed/0"]
    [gfn1] = shipped.frame.formation_energy[shipped.frame.id == f"{name}-fcc-4-mixed/0"]
    pbe = {metal.symbol: metal.pbe for metal in bulk_metals()}
    shift, _ = fit_level(differences(k_points=True)).predict(level_terms(as_system(atoms)))
    assert gfn1 + shift == pytest.approx(np.mean([pbe[symbol] for symbol in atoms.symbols]), abs=0.3)


def test_shipped_labels_have_the_promised_breadth(shipped):
    frame = shipped.frame
    pairs = frame.groupby("family").apply(
        lambda rows: set(zip(rows.host, rows.dopant, strict=True)), include_groups=False
    )
    assert sum(len(pairs[f"zeolite-{code}"]) for code in ("MFI", "MOR", "FAU")) >= 120
    assert len(pairs["sheet"]) >= 40 and len(pairs["particle"]) >= 20
    assert len(pairs["slab"]) >= 3 and len(pairs["crystal"]) >= 15


def test_shipped_labels_are_sound(shipped):
    frame = shipped.frame
    assert frame.id.is_unique and set(frame.parent) <= set(frame.id[frame.kind == "parent"])
    assert frame.formation_energy.between(-12, 2).all()
    assert all(shipped.rejects.rejected)
    assert set(frame.prototype) | set(shipped.rejects.prototype) <= {job.name for job in host_campaign()}


def test_shipped_labels_come_again_within_1_mev_per_metal(shipped):
    frame = shipped.frame
    some = frame[frame.family.isin(["particle", "sheet", "zeolite-FAU"])].groupby("family").tail(1)
    assert len(some) == 3
    for row in some.itertuples():
        assert single_point(row.atoms).energy == pytest.approx(row.energy, abs=1e-3 * row.n_metals)


def test_a_picture_shows_one_of_each_structure(shipped, tmp_path):
    draw_hosts(shipped.frame, tmp_path / "hosts.svg")
    text = (tmp_path / "hosts.svg").read_text()
    assert text.count('<g id="axes_') >= shipped.frame.structure.nunique()


def test_every_shipped_prototype_has_its_descriptors(shipped):
    parents = shipped.frame[shipped.frame.kind == "parent"]
    table = host_descriptors(parents)
    kinds = [as_system(atoms).kind for atoms in parents.atoms]
    bare = parents.family.isin(["particle", "slab", "crystal"]).to_numpy()
    assert kinds == ["alloy" if alone else "extended" for alone in bare]
    surroundings = ["chi_env (Pauling)", "phi (-)"]
    assert table.loc[bare, surroundings].isna().all(axis=None)
    assert table.loc[~bare, surroundings].notna().all(axis=None)
    assert table.drop(columns=[*surroundings, "log P (-)"]).notna().all(axis=None)
    assert table.loc[~bare, "chi_env (Pauling)"].between(-2.5, 0).all()


@pytest.mark.heavy
def test_every_shipped_record_has_its_descriptors(shipped):
    table = host_descriptors(shipped.frame)
    assert table.drop(columns=["chi_env (Pauling)", "phi (-)", "log P (-)"]).notna().all(axis=None)
