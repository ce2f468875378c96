"""Anchors and the corrections fitted on them."""

import json

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.io import read

from ase_bimetal.errors import MissingDataError
from ase_bimetal.formation import correction_features, ligand_reference_energy
from ase_bimetal.lab.labels import anchors, cp2k, label
from ase_bimetal.lab.labels import corrections as elemental
from ase_bimetal.lab.labels.corrections import Anchor
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.recipes import MULTIPLICITIES_OF_ATOMS, RECIPES
from ase_bimetal.lab.labels.support_pbe import SUPPORTS
from ase_bimetal.system import as_system


@pytest.fixture(scope="module")
def frames():
    return read(elemental.ANCHORS, ":")


@pytest.fixture(scope="module")
def shipped():
    return json.loads(elemental.SHIPPED.read_text())


def made_up(n, elements, seed=0, noise=0.0):
    """Anchors that obey the equation of the fit exactly, up to noise."""
    rng = np.random.default_rng(seed)
    shift = {name: rng.normal() for name in (*elements, "S-X")}
    out = []
    for k in range(n):
        first, second = rng.choice(elements, 2, replace=False)
        features = {first: 0.5, second: 0.5, "S-X": float(rng.integers(1, 4))}
        gfn1 = rng.normal()
        pbe = gfn1 + sum(shift[name] * x for name, x in features.items()) + noise * rng.normal()
        out.append(Anchor(f"a{k}", pbe, gfn1, features, 4))
    return out, shift


def test_the_fit_finds_what_was_put_in():
    found, shift = made_up(60, ["Au", "Ag", "Pd", "Zn"])
    fitted = elemental.fit(found)
    assert fitted["errors"]["leave-one-anchor-out MAE"] < 0.01 < fitted["errors"]["uncorrected MAE"]
    for name, value in shift.items():
        assert fitted["corrections"][name] == pytest.approx(value, abs=0.02)
    assert fitted["errors"]["leave-one-element-out MAE"] > 0.1
    assert "Re" in fitted["without anchor"] and "Zn" not in fitted["without anchor"]


def test_left_out_errors_see_noise_that_the_fit_hides():
    found, _ = made_up(12, ["Au", "Ag", "Pd", "Zn"], noise=0.3)
    errors = elemental.fit(found)["errors"]
    assert errors["fitted MAE"] < errors["leave-one-anchor-out MAE"]


def test_weights_decide_between_anchors_that_disagree():
    x, y = np.ones((2, 1)), np.array([0.0, 1.0])
    assert elemental.solve(x, y, np.array([1.0, 9.0]), 0.0) == pytest.approx([0.9])
    assert elemental.solve(x, y, np.array([2.0, 18.0]), 0.0) == pytest.approx([0.9])
    assert elemental.solve(x, y, np.array([1.0, 1.0]), 2.0) == pytest.approx([0.25])


def test_the_shipped_fit_is_the_fit_of_the_shipped_anchors(shipped):
    again = elemental.fit()
    assert again["corrections"] == pytest.approx(shipped["corrections"], abs=1e-3)
    assert again["errors"] == pytest.approx(shipped["errors"], abs=1e-3)


def test_every_anchor_carries_both_energies_of_a_neutral_molecule(frames):
    names = [f.info["name"] for f in frames]
    assert len(set(names)) == len(names)
    for frame in frames:
        info = frame.info
        assert info["charge"] == 0 and info["multiplicity"] >= 1
        assert info["energy_pbe_eV"] < info["energy_gfn1_eV"] < 0
        assert info["kind"] in ("anchor", "reference", "distorted")
        if info["kind"] == "distorted":
            assert info["parent"] in names


def test_stored_gfn1_energies_belong_to_the_stored_geometries(frames):
    for frame in frames[::9]:
        if len(frame) < 13:
            assert label.single_point(frame).energy == pytest.approx(frame.info["energy_gfn1_eV"], abs=2e-4)


def test_formation_energies_of_anchors_are_those_of_bound_clusters():
    for anchor in elemental.load_anchors():
        assert -9 < anchor.pbe < 2.0, anchor.name
        assert sum(x for name, x in anchor.features.items() if "-" not in name) == pytest.approx(1.0)


def test_a_file_without_hydrogen_is_named():
    with pytest.raises(MissingDataError, match="h2"):
        elemental.fragment_table([], "energy_pbe_eV")


def test_a_sulfide_is_counted_from_an_eighth_of_the_ring(frames):
    """As ½ of a dimer that is ¼ of S8; or from H2S − H2, which is lower (−0.21 eV of enthalpy in experiments)."""
    energy = {frame.info["name"]: frame.info["energy_pbe_eV"] for frame in frames}
    table = elemental.fragment_table(frames, "energy_pbe_eV")
    assert ligand_reference_energy("[S-2]", table, "dimer") == pytest.approx(energy["s8"] / 8)
    assert ligand_reference_energy("[S-2]", table, "hydride") == pytest.approx(energy["h2s"] - energy["h2"])
    assert energy["h2s"] - energy["h2"] - energy["s8"] / 8 == pytest.approx(-0.490, abs=0.005)


def test_packing_keeps_the_reasons_of_older_rejects(tmp_path, monkeypatch):
    for name in ("ANCHORS", "REJECTS", "ATOMS_PBE"):
        copy = tmp_path / getattr(anchors, name).name
        copy.write_bytes(getattr(anchors, name).read_bytes())
        monkeypatch.setattr(anchors, name, copy)
    anchors.REJECTS.write_text(json.dumps({"w": "forces remain"}))
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "x.json").write_text(json.dumps({"name": "x", "rejected": "no energy"}))
    anchors.pack(folder)
    assert json.loads(anchors.REJECTS.read_text()) == {"w": "forces remain", "x": "no energy"}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_recipes_are_closed_molecules_that_their_spins_allow(recipe):
    atoms = anchors.build(recipe)
    distances = atoms.get_all_distances() + 10 * np.eye(len(atoms))
    assert distances.min() > 0.9
    assert np.flatnonzero(atoms.arrays["fragment"] == 0).tolist() == list(range(len(recipe.metals)))
    electrons = sum(cp2k.VALENCE[s] for s in atoms.symbols)
    assert all((electrons + m) % 2 for m in recipe.multiplicities)
    assert (recipe.multiplicities == (1,)) or len(recipe.multiplicities) > 1


def test_recipes_and_shipped_anchors_reach_every_dopant_and_donor(frames):
    counts = {}
    shipped = [as_system(f) for f in frames if f.info["kind"] == "anchor"]
    names = {f.info["name"] for f in frames}
    for recipe in RECIPES:
        if recipe.name not in names:
            built = anchors.build(recipe)
            shipped.append(as_system(Atoms(built.symbols, built.positions), built.info["ligand_smiles"]))
    for system in shipped:
        for name in correction_features(system):
            counts[name] = counts.get(name, 0) + 1
    thin = {name for name, n in counts.items() if n < 3}
    assert not thin
    on_supports = {metal for support in SUPPORTS.values() for site in support.sites for metal in site.metals}
    alone = {"Y", "Sc", "Ti", "V", "Cr", "Zr", "Nb", "Mo", "Hf", "Ta", "W"}
    assert set(MULTIPLICITIES_OF_ATOMS) - set(counts) == alone <= on_supports


def test_distorted_copies_move_what_they_say():
    recipe = next(r for r in RECIPES if r.name == "AuBr(PH3)")
    atoms = anchors.build(recipe)
    fragment = atoms.arrays["fragment"]
    moved = anchors.distort(atoms, fragment, "metals", seed=1)
    step = np.linalg.norm(moved.positions - atoms.positions, axis=1)
    assert np.allclose(step[fragment == 0], anchors.DISTORTIONS["metals"]) and not step[fragment > 0].any()
    out = anchors.distort(atoms, fragment, "out", seed=1)
    for k in (1, 2):
        rows = fragment == k
        assert np.allclose(out[rows].get_all_distances(), atoms[rows].get_all_distances())
        nearer = [a.get_distances(0, np.flatnonzero(rows)).min() for a in (atoms, out)]
        assert nearer[1] - nearer[0] == pytest.approx(anchors.DISTORTIONS["out"], abs=0.01)


def test_methyls_are_cut_to_hydrogens(frames):
    labels = load_labels().frame
    [parent] = labels.atoms[labels.id == "Au4M2-Pd-SMe/0"]
    cut = anchors.cut_methyls(parent)
    shipped = next(f for f in frames if f.info["name"] == "Au4M2(SH)8_Pd")
    assert cut.get_chemical_formula() == shipped.get_chemical_formula()
    assert as_system(cut).ligand_counts == {"S": 8}
    hydrogens, sulfurs = (cut.positions[cut.symbols == s] for s in "HS")
    assert np.allclose(np.linalg.norm(hydrogens - sulfurs, axis=1), 1.35)


class Stub:
    """A level of theory that knows two multiplicities."""

    def __init__(self, energies):
        self.energies, self.asked = energies, []

    def estimate(self, atoms, multiplicity, folder):
        return self.energies[multiplicity]

    def solve(self, atoms, multiplicity, folder, guess=None):
        self.asked.append(multiplicity)
        if self.energies[multiplicity] > 0:
            raise CalculationFailed("no SCF")
        return cp2k.Solution(self.energies[multiplicity], [0.0], None, 0.0, 1e-5), folder


def run_scan(monkeypatch, tmp_path, energies, tried=None):
    stub = Stub(energies)
    monkeypatch.setattr(cp2k, "estimate", stub.estimate)
    monkeypatch.setattr(cp2k, "solve", stub.solve)
    monkeypatch.setattr(cp2k, "version", lambda: "CP2K 0")
    return anchors.scan(Atoms("Fe"), tried or tuple(energies), tmp_path), stub.asked


def test_the_lowest_multiplicity_wins_and_high_ones_are_not_computed(monkeypatch, tmp_path):
    found, asked = run_scan(monkeypatch, tmp_path, {5: -10.0, 3: -10.2, 1: -5.0})
    assert asked == [5, 3]
    assert found["multiplicity"] == 3 and found["energy_pbe_eV"] == -10.2
    assert found["scan_eV"] == {"5": 0.2, "3": 0.0}
    assert found["coarse_scan_eV"]["1"] == 5.2


def test_a_scan_climbs_until_the_energy_rises(monkeypatch, tmp_path):
    """Two manganese atoms: the triplet lies below the singlet, and the nonet below both."""
    energies = {1: -10.0, 3: -11.0, 5: -12.0, 7: -12.5, 9: -13.0, 11: -12.0}
    found, asked = run_scan(monkeypatch, tmp_path, energies, tried=(1, 3))
    assert found["multiplicity"] == 9 and found["energy_pbe_eV"] == -13.0
    assert set(found["coarse_scan_eV"]) == {"1", "3", "5", "7", "9", "11"}
    assert asked == [7, 9]


def test_a_scan_of_failures_is_a_failure(monkeypatch, tmp_path):
    with pytest.raises(CalculationFailed, match="no SCF"):
        run_scan(monkeypatch, tmp_path, {5: 1.1, 3: 1.0})


def test_finished_records_are_packed_in_place_of_older_ones(monkeypatch, tmp_path):
    target, atoms, rejects = (tmp_path / name for name in ("anchors.extxyz", "atoms.json", "rejects.json"))
    target.write_text(elemental.ANCHORS.read_text())
    atoms.write_text("{}")
    for name, path in (("ANCHORS", target), ("ATOMS_PBE", atoms), ("REJECTS", rejects)):
        monkeypatch.setattr(anchors, name, path)
    folder = tmp_path / "run"
    folder.mkdir()
    common = {"energy_pbe_eV": -5.0, "multiplicity": 3, "scan_eV": {"3": 0.0, "1": 0.4}, "coarse_scan_eV": {"3": 0.0}}
    common |= {"spin_squared": 2.01, "gradient": 1e-5, "code_pbe": "CP2K 0", "scan_failed": {}}
    molecule = {"symbols": ["Ni"], "positions": [[0, 0, 0]], "charge": 0, "energy_gfn1_eV": -1.0, "code_gfn1": "t"}
    (folder / "h2.json").write_text(json.dumps(common | molecule | {"name": "h2", "kind": "reference"}))
    (folder / "atom_Ni.json").write_text(json.dumps(common | {"name": "atom_Ni", "kind": "atom"}))
    (folder / "bad.json").write_text(json.dumps({"name": "bad", "rejected": "no SCF"}))
    before = len(read(target, ":"))
    anchors.pack(folder)
    packed = {f.info["name"]: f for f in read(target, ":")}
    assert len(packed) == before
    assert packed["h2"].info["energy_pbe_eV"] == -5.0 and "2S+1=1: +0.40 eV" in packed["h2"].info["spin_scan"]
    assert json.loads(atoms.read_text())["Ni"]["multiplicity"] == 3
    assert json.loads(rejects.read_text()) == {"bad": "no SCF"}


def test_binding_to_thiolate_shells_weakens_from_the_d8_to_the_d10_metals(shipped):
    frame = load_labels().frame
    parents = frame[(frame.family == "Au4M2") & (frame["index"] == 0)]
    corrections = pd.Series(shipped["corrections"])
    shares = pd.DataFrame([correction_features(as_system(atoms)) for atoms in parents.atoms], index=parents.index)
    corrected = parents.formation_energy + shares.reindex(columns=corrections.index).fillna(0.0) @ corrections
    shell = parents.atoms.map(lambda atoms: tuple(sorted(atoms.info["ligand_smiles"])))
    table = pd.DataFrame({"dopant": parents.dopant, "shell": shell, "value": corrected})
    energy = table.pivot_table(index="dopant", columns="shell", values="value").dropna(axis=1).mean(axis=1)
    assert max(energy[m] for m in ("Ni", "Pd", "Pt")) < min(energy[m] for m in ("Zn", "Cd", "Hg"))


def test_the_picture_shows_every_element(shipped, tmp_path):
    fitted = elemental.fit()
    elemental.draw(fitted, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    assert set(fitted["per element or donor"]) == set(fitted["anchors"])


def test_binding_to_thiolates_weakens_from_gold_to_silver_only_when_corrected(shipped):
    rings = {a.name: a for a in elemental.load_anchors() if a.name in ("ring4_Au", "ring4_Ag")}
    raw = {name: a.gfn1 for name, a in rings.items()}
    corrected = {
        name: a.gfn1 + sum(shipped["corrections"][f] * x for f, x in a.features.items()) for name, a in rings.items()
    }
    assert raw["ring4_Au"] > raw["ring4_Ag"]
    assert corrected["ring4_Au"] < corrected["ring4_Ag"]
    assert rings["ring4_Au"].pbe < rings["ring4_Ag"].pbe
