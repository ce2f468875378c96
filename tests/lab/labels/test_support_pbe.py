"""Pairs of metals on doped carbon and in zeolites with both energies, and what they teach about the others."""

import json
import re

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from ase_bimetal.lab.labels import cp2k, label, support_pbe
from ase_bimetal.lab.labels.corrections import ANCHORS, atom_energies
from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.lab.labels.level_difference import (
    differences,
    fit_level,
    markdown_support,
    support_differences,
    support_left_out,
)
from ase_bimetal.model.level import RING_SPREAD, SHIPPED_SUPPORTS, load_level_difference, support_terms
from ase_bimetal.model.table import read_table

KINDS = tuple(support_pbe.SUPPORTS)


@pytest.fixture(scope="module")
def records():
    """Kind of support → name → shipped record."""
    return {
        kind: {record["name"]: record for record in json.loads(support.shipped.read_text())["records"]}
        for kind, support in support_pbe.SUPPORTS.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_formation_energies_are_against_atoms_and_the_bare_support(records, kind):
    apart = atom_energies()
    hydrogen = next(frame.info["energy_pbe_eV"] for frame in read(ANCHORS, ":") if frame.info["name"] == "h2")
    for found in support_pbe.load_support_pbe(kind):
        site, known = found.site, records[kind]
        bare = known[site.bare]["energy_pbe_eV"] - site.protons / 2 * hydrogen
        metals = sum(apart[symbol] for symbol in site.metals)
        assert found.pbe == pytest.approx((known[site.name]["energy_pbe_eV"] - bare - metals) / 2)
        assert tuple(found.atoms.symbols[:2]) == site.metals
        assert known[site.bare]["symbols"].count("H") - found.atoms.symbols.count("H") == site.protons


@pytest.mark.parametrize("kind", KINDS)
def test_records_say_how_they_were_computed(records, kind):
    """One level for all; how its equations were solved may change."""
    solver = re.compile(r", [^,]*OT to 2e-05")
    texts = (record["settings_pbe"] for record in records[kind].values() if "rejected" not in record)
    said = {solver.sub("", text) for text in texts}
    assert said == {solver.sub("", cp2k.settings(cp2k.boxed(support_pbe.load_support_pbe(kind)[0].atoms)))}
    assert "periodic box" in said.pop() and "cube at least" in cp2k.settings(Atoms("Au"))


@pytest.mark.parametrize("kind", KINDS)
def test_gfn1_energies_are_those_of_the_shipped_geometries(records, kind):
    found = support_pbe.load_support_pbe(kind)[0]
    record = records[kind][found.site.bare]
    bare = label.single_point(Atoms(record["symbols"], np.array(record["positions"]))).energy
    bare -= found.site.protons / 2 * label.hydrogen_energy()
    apart = sum(label.atom_energy(symbol) for symbol in found.site.metals)
    energy = (label.single_point(found.atoms).energy - bare - apart) / 2
    assert found.gfn1 == pytest.approx(energy, abs=2e-3)  # positions are rounded


def test_terms_name_the_metals_on_a_support():
    assert support_terms("doped carbon", ("Au", "Ni")) == {"on carbon": 1.0, "Au on carbon": 0.5, "Ni on carbon": 0.5}
    assert support_terms("zeolite", ("Cu", "Cu"), "MOR") == {
        "in zeolite": 1.0,
        "Cu in zeolite": 1.0,
        "ring of MOR": 0.2,
    }
    assert support_terms("ligands", ("Cu", "Au")) == {}
    assert all(row.terms["on carbon"] == 1.0 and row.n_metals == 2 for row in support_differences("carbon"))
    assert all(row.terms["in zeolite"] == 1.0 and row.n_metals == 2 for row in support_differences("zeolite"))


def test_shipped_energies_of_the_sources_pairs():
    found = {pair.site.metals: pair for pair in support_pbe.load_support_pbe("carbon")}
    assert len(found) == 13
    assert (found["Ni", "Pt"].pbe, found["Ni", "Pt"].gfn1) == pytest.approx((-5.924, -6.582), abs=1e-3)
    assert (found["Au", "Ni"].pbe, found["Au", "Ni"].gfn1) == pytest.approx((-3.788, -5.003), abs=1e-3)
    assert found["Ni", "Pt"].multiplicity == 1 and found["Au", "Ni"].multiplicity == 2


def test_the_small_flake_stands_for_the_whole_one():
    """The whole flake binds Ag/Au by 0.55 eV/metal less, with both levels alike."""
    (whole,) = support_pbe.load_checks("carbon")
    small = next(found for found in support_pbe.load_support_pbe("carbon") if found.site.metals == whole.site.metals)
    assert (whole.pbe, whole.gfn1) == pytest.approx((-0.606, -2.717), abs=1e-3) and len(whole.atoms) == 68
    assert whole.pbe - small.pbe == pytest.approx(0.556, abs=1e-3)
    assert whole.pbe - whole.gfn1 == pytest.approx(small.pbe - small.gfn1, abs=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_geometries_are_those_of_the_labels(records, kind):
    labels = load_hosts()
    parents = labels.frame[labels.frame["index"] == 0].set_index("prototype")
    found = [record for record in records[kind].values() if record["name"] in parents.index]
    assert found
    for record in found:
        label_atoms = parents.atoms[record["name"]]
        assert record["symbols"] == label_atoms.get_chemical_symbols()
        np.testing.assert_allclose(record["positions"], label_atoms.positions, atol=1e-5)
        assert record["energy_gfn1_eV"] == pytest.approx(parents.energy[record["name"]], abs=2e-3)
        bare = parents.environment[record["name"]]
        assert records[kind][bare]["energy_gfn1_eV"] == pytest.approx(labels.environments[bare]["energy"], abs=2e-3)


def test_a_pair_on_carbon_is_known_from_the_others_and_not_from_clusters():
    others = differences()
    found = support_left_out("carbon", others)
    assert found.shared.sum() == 12 and not found.shared["Cu/Y"]
    known = found[found.shared]
    error = (known["mean"] - known.difference).abs()
    assert error.mean() == pytest.approx(0.106, abs=0.005) and (error < 1.645 * known.deviation).all()
    assert (known.clusters - known.difference).abs().mean() == pytest.approx(0.75, abs=0.02)
    assert markdown_support("carbon", others).splitlines()[-1] == "| mean absolute error of 12 | | 0.11 | 0.76 |"


def test_shipped_energies_in_zeolites():
    found = {pair.site.title: pair for pair in support_pbe.load_support_pbe("zeolite")}
    assert len(found) == 14
    assert (found["Cu/Zn, FAU"].pbe, found["Cu/Zn, FAU"].gfn1) == pytest.approx((-1.076, -1.175), abs=1e-3)
    assert (found["Cu/Ag, MOR"].pbe, found["Cu/Ag, MOR"].gfn1) == pytest.approx((-1.552, -2.654), abs=1e-3)
    assert found["Cu/Y, MOR"].site.protons == 4 and found["Cu/Zn, MFI"].site.framework == "MFI"


def test_a_pair_in_a_zeolite_is_known_from_other_frameworks():
    others = differences()
    found = support_left_out("zeolite", others)
    assert found.index[~found.shared].tolist() == ["Cu/Hg, FAU", "Cu/Pt, FAU", "Cu/Au, FAU", "Cu/Y, MOR"]
    known = found[found.shared]
    error = (known["mean"] - known.difference).abs()
    assert error.mean() == pytest.approx(0.18, abs=0.01) and (error < 1.645 * known.deviation).all()
    assert (known.clusters - known.difference).abs().mean() == pytest.approx(0.35, abs=0.01)
    assert markdown_support("zeolite", others).splitlines()[-1] == "| mean absolute error of 10 | | 0.18 | 0.35 |"


def test_another_ring_is_never_known_for_sure():
    """A pair whose metals are known keeps the spread between rings, 0.2 eV/metal, and Cu/Zn in FAU has less."""
    level = load_level_difference(SHIPPED_SUPPORTS)
    metals = {"Cu": 0.5, "Zn": 0.5, "CN Cu": 0.02, "CN Zn": 0.02, "CN": 0.04}
    at_large = level.predict(metals | support_terms("zeolite", ("Cu", "Zn")))[1]
    in_faujasite = level.predict(metals | support_terms("zeolite", ("Cu", "Zn"), "FAU"))[1]
    assert at_large > RING_SPREAD > in_faujasite + 0.05


def test_labels_of_zeolites_are_shifted_by_what_pairs_there_teach():
    table = read_table().rows
    zeolites = table[(table.surroundings == "zeolite") & (table.minimum == 1)].set_index("prototype")
    assert zeolites.loc["CuZn@FAU-6-ring", "shift"] == pytest.approx(0.20, abs=0.03)
    assert zeolites.loc["CuAg@FAU-6-ring", "shift"] == pytest.approx(1.04, abs=0.03)
    assert zeolites.loc["CuY@FAU-6-ring", "shift"] == pytest.approx(3.22, abs=0.05)
    known, unknown = zeolites.loc["CuZn@FAU-6-ring", "deviation"], zeolites.loc["CuFe@FAU-6-ring", "deviation"]
    assert 0.2 < known < 0.3 < 0.5 < unknown


def test_shipped_difference_is_that_of_the_shipped_energies():
    known = [*differences(), *(row for kind in KINDS for row in support_differences(kind))]
    assert fit_level(known).to_json() == SHIPPED_SUPPORTS.read_text()


def test_labels_of_sheets_are_shifted_by_what_pairs_on_carbon_teach():
    table = read_table().rows
    sheets = table[(table.surroundings == "doped carbon") & (table.minimum == 1)].set_index("prototype")
    assert sheets.loc["AgAu@sheet-N6", "shift"] == pytest.approx(2.09, abs=0.1)
    assert sheets.loc["NiPt@sheet-N6", "shift"] == pytest.approx(0.66, abs=0.1)
    known, unknown = sheets.loc["CuPd@sheet-N6", "deviation"], sheets.loc["CuZn@sheet-N6", "deviation"]
    assert known < 0.15 and unknown > known + 0.25
