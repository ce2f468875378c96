"""Pairs of metals on N-doped carbon with both energies, and what they teach about the others."""

import json

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal.lab.labels import cp2k, label, sheet_pbe
from ase_bimetal.lab.labels.corrections import atom_energies
from ase_bimetal.lab.labels.level_difference import (
    carbon_differences,
    carbon_left_out,
    carbon_terms,
    differences,
    markdown_carbon,
)
from ase_bimetal.model.table import read_table


@pytest.fixture(scope="module")
def records():
    """Name → shipped record."""
    return {record["name"]: record for record in json.loads(sheet_pbe.SHIPPED.read_text())["records"]}


def test_formation_energies_are_against_atoms_and_the_bare_flake(records):
    bare = records["flake"]
    for pair in sheet_pbe.load_sheet_pbe():
        record, apart = records["".join(pair.metals)], atom_energies()
        metals = sum(apart[symbol] for symbol in pair.metals)
        assert pair.pbe == pytest.approx((record["energy_pbe_eV"] - bare["energy_pbe_eV"] - metals) / 2)
        assert tuple(pair.atoms.symbols[:2]) == pair.metals


def test_records_say_how_they_were_computed(records):
    said = {record["settings_pbe"] for record in records.values()}
    assert said == {cp2k.settings(cp2k.boxed(sheet_pbe.load_sheet_pbe()[0].atoms))}
    assert "periodic box" in said.pop() and "cube at least" in cp2k.settings(Atoms("Au"))


def test_gfn1_energies_are_those_of_the_shipped_geometries(records):
    pair = sheet_pbe.load_sheet_pbe()[0]
    flake = Atoms(records["flake"]["symbols"], np.array(records["flake"]["positions"]))
    apart = sum(label.atom_energy(symbol) for symbol in pair.metals)
    energy = (label.single_point(pair.atoms).energy - label.single_point(flake).energy - apart) / 2
    assert pair.gfn1 == pytest.approx(energy, abs=2e-3)  # positions are rounded


def test_terms_name_the_metals_on_carbon():
    assert carbon_terms(("Au", "Ni")) == {"on carbon": 1.0, "Au on carbon": 0.5, "Ni on carbon": 0.5}
    assert carbon_terms(("Cu", "Cu")) == {"on carbon": 1.0, "Cu on carbon": 1.0}
    assert all(row.terms["on carbon"] == 1.0 and row.n_metals == 2 for row in carbon_differences())


def test_shipped_energies_of_the_sources_pairs():
    found = {pair.metals: pair for pair in sheet_pbe.load_sheet_pbe()}
    assert len(found) == 13
    assert (found["Ni", "Pt"].pbe, found["Ni", "Pt"].gfn1) == pytest.approx((-5.924, -6.582), abs=1e-3)
    assert (found["Au", "Ni"].pbe, found["Au", "Ni"].gfn1) == pytest.approx((-3.788, -5.003), abs=1e-3)
    assert found["Ni", "Pt"].multiplicity == 1 and found["Au", "Ni"].multiplicity == 2


def test_a_pair_is_known_from_the_others_and_not_from_clusters():
    others = differences()
    found = carbon_left_out(others)
    assert found.shared.sum() == 12 and not found.shared["Cu/Y"]
    known = found[found.shared]
    error = (known["mean"] - known.difference).abs()
    assert error.mean() == pytest.approx(0.098, abs=0.005) and (error < 1.645 * known.deviation).all()
    assert (known.clusters - known.difference).abs().mean() == pytest.approx(0.76, abs=0.02)
    assert markdown_carbon(others).splitlines()[-1] == "| mean absolute error of 12 | | 0.10 | 0.76 |"


def test_labels_of_sheets_are_shifted_by_what_pairs_on_carbon_teach():
    table = read_table().rows
    sheets = table[(table.surroundings == "doped carbon") & (table.minimum == 1)].set_index("prototype")
    assert sheets.loc["AgAu@sheet-N6", "shift"] == pytest.approx(2.09, abs=0.1)
    assert sheets.loc["NiPt@sheet-N6", "shift"] == pytest.approx(0.66, abs=0.1)
    known, unknown = sheets.loc["CuPd@sheet-N6", "deviation"], sheets.loc["CuZn@sheet-N6", "deviation"]
    assert known < 0.15 and unknown > known + 0.25
