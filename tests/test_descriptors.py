"""Descriptors against the published numbers, their options, and what they say they lack."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from pymatgen.core import Composition

from ase_bimetal import descriptors as d
from ase_bimetal import elements
from ase_bimetal.errors import BimetalError, MissingDataError, OneMetalError, UnknownElementError
from ase_bimetal.system import as_system


def pair(symbols: str, distance: float = 2.8, **options) -> object:
    return as_system(Atoms(symbols, [[0, 0, 0], [0, 0, distance]]), **options)


def hosted(symbols: tuple[str, str], distance: float, donor: str) -> object:
    """Two metals on an endless chain of donors and linkers, each 1.9 Å above a donor."""
    step = distance / 4
    names = [{"O": "Si", "N": "C"}[donor], donor] * 6
    chain = [[0, 0, step * k] for k in range(12)]
    metals = [[1.9, 0, step], [1.9, 0, 5 * step]]
    cell = [20.0, 20.0, 12 * step]
    return as_system(Atoms([*names, *symbols], [*chain, *metals], cell=cell, pbc=[False, False, True]))


@pytest.mark.parametrize(("other", "value"), [("Ru", 0.26), ("Re", 0.33), ("Os", 0.28)])
def test_reduced_distance_of_gold_pairs(other, value):
    assert d.reduced_distance(pair(f"Au{other}", 3.5)) == pytest.approx(value, abs=0.005)


def test_reduced_distance_of_copper_and_yttrium():
    assert d.reduced_distance(pair("CuY", 3.92)) == pytest.approx(0.07, abs=0.005)


def test_reduced_distance_has_two_equal_forms():
    distance, difference = 3.1, 0.07
    term = d.REDUCED_DISTANCE_SCALE * difference
    assert d.reduced(distance, difference) == pytest.approx(1 - term / (distance + term))


@pytest.mark.parametrize(("other", "value"), [("Ru", 15), ("Ir", 13), ("Rh", 7), ("Au", 0)])
def test_mixing_enthalpy_of_gold(other, value):
    assert d.mixing_enthalpy(pair(f"Au{other}")) == value


@pytest.mark.parametrize(("ligand", "value"), [("PPh3", -0.15), ("PET", -0.14), ("Cp*", -0.11)])
def test_environment_of_gold_silver_clusters(ligand, value):
    system = pair("AuAg", ligands={ligand: 2})
    options = {"weights": "pair", "substrate": "ligand"}
    assert d.environment_electronegativity(system, **options) == pytest.approx(value, abs=0.0051)
    # R(Au) = R(Ag), so that D̃ = 1 and φ = χ_env.
    assert d.reduced_distance(system) == 1.0
    assert d.accessibility_index(system, **options) == pytest.approx(value, abs=0.0051)
    assert d.is_accessible(system)


@pytest.mark.parametrize(
    ("symbols", "distance", "donor", "value"),
    [
        (("Cu", "Ir"), 4.9, "O", -0.53),
        (("Cu", "Os"), 4.4, "O", -0.54),
        (("Cu", "Re"), 5.0, "O", -0.55),
        (("Au", "Ni"), 4.9, "N", -0.16),
    ],
)
def test_published_accessibility_of_hosted_pairs(symbols, distance, donor, value):
    system = hosted(symbols, distance, donor)
    assert system.kind == "extended"
    assert {system.symbols[i] for i in system.donors} == {donor}
    assert d.metal_distance(system) == pytest.approx(distance)
    assert d.accessibility_index(system) == pytest.approx(value, abs=0.006)
    assert d.is_accessible(system) == (value > -0.3)


def test_differences_of_a_pair():
    system = pair("AuCu")
    assert d.electronegativity_difference(system) == pytest.approx(0.64)
    assert d.radius_difference(system) == pytest.approx(0.16)
    assert d.mass_difference(system) == pytest.approx(196.967 - 63.546, abs=1e-2)
    assert (d.core_size(system), d.dopant_ratio(system)) == (2, 0.5)


def test_weights_of_the_metal_electronegativity():
    trimer = as_system(Atoms("Au2Ag", np.eye(3) * 2.0))
    assert d.metal_electronegativity(trimer) == pytest.approx((2 * 2.54 + 1.93) / 3)
    assert d.metal_electronegativity(trimer, "pair") == pytest.approx((2.54 + 1.93) / 2)


def test_distance_of_neighbours_and_of_all_pairs():
    line = as_system(Atoms("AuCuAuAu", [[0, 0, z] for z in (0.0, 2.7, 5.6, 8.4)]))
    assert d.metal_distance(line) == pytest.approx((2.7 + 2.9) / 2)
    assert d.metal_distance(line, "all") == pytest.approx((2.7 + 2.9 + 5.7) / 3)
    far = as_system(Atoms("AuCuAu", [[0, 0, z] for z in (0.0, 6.0, 13.0)]), ligands={"PET": 3})
    assert d.metal_distance(far) == pytest.approx(6.0)


def test_distance_in_a_crystal_takes_images():
    crystal = bulk("Au", a=4.0, cubic=True)
    crystal.symbols[0] = "Cu"
    system = as_system(crystal)
    assert d.metal_distance(system) == pytest.approx(4.0 / np.sqrt(2))
    assert d.metal_distance(system, "all") == pytest.approx(4.0 / np.sqrt(2))


def test_more_than_two_metals_are_weighted_by_their_dopants():
    system = as_system(Atoms("Au4PdAg2", [[0, 0, 2.8 * k] for k in range(7)]))
    expected = (elements.mixing_enthalpy("Au", "Pd") + 2 * elements.mixing_enthalpy("Au", "Ag")) / 3
    assert d.mixing_enthalpy(system) == pytest.approx(expected)
    assert d.dopant_ratio(system) == pytest.approx(3 / 7)


def test_one_metal_has_no_distance_of_unlike_metals_and_says_why():
    system = pair("AuAu", ligands="PET")
    values, reasons = d.all_descriptors(system), d.missing_descriptors(system)
    assert set(reasons) == {"D (Å)", "reduced distance (-)", "phi (-)", "delta Q_CT (e)"}
    assert all(reason.startswith(d.pair_descriptor_note(system)) for reason in reasons.values())
    zero = {name for name, value in values.items() if value == 0}
    assert zero == {"delta chi_M (Pauling)", "dopant ratio (-)", "delta M (g/mol)", "H_mix (kJ/mol)", "delta R (Å)"}
    for function in (d.metal_distance, d.reduced_distance, d.accessibility_index, d.charge_transfer, d.paper_features):
        with pytest.raises(OneMetalError, match=r"one metal only \(Au\): D, D̃, φ and ΔQ_CT"):
            function(system)
    assert d.paper_features(system, one_metal_distance=0.0)["D (Å)"] == 0.0
    assert d.is_accessible(system) is None
    assert d.pair_descriptor_note(pair("AuAg")) is None


def test_log_p_is_weighted_by_count_and_pluggable():
    one, other = (d.ligand_log_p(pair("AuAg", ligands=name)) for name in ("PET", "PPh3"))
    assert one == pytest.approx(2.16, abs=0.005)
    mixed = pair("AuAg", ligands={"PET": 3, "PPh3": 1})
    assert d.ligand_log_p(mixed) == pytest.approx((3 * one + other) / 4)
    assert d.ligand_log_p(mixed, lambda ligand: float(ligand.donor == "P")) == 0.25


def test_environment_by_ligand_or_donor(anchor):
    system = as_system(anchor("Pd"))
    metal = (4 * 2.54 + 2 * 2.20) / 6
    assert d.environment_electronegativity(system) == pytest.approx(metal - (2.58 + 2.20) / 2)
    assert d.environment_electronegativity(system, substrate="donor") == pytest.approx(metal - 2.58)


def test_what_is_missing_is_said():
    core = pair("AuAg", ligands={"PET": 2})
    with pytest.raises(MissingDataError, match="only the metal core.*substrate='ligand'"):
        d.environment_electronegativity(core, substrate="donor")
    with pytest.raises(MissingDataError, match="bare metal"):
        d.environment_electronegativity(pair("AuAg"))
    with pytest.raises(MissingDataError, match="needs ligands"):
        d.ligand_log_p(pair("AuAg"))
    with pytest.raises(MissingDataError, match="needs atomic charges"):
        d.charge_transfer(core)
    assert set(d.missing_descriptors(core)) == {"delta Q_CT (e)"}
    assert set(d.all_descriptors(core)) | set(d.missing_descriptors(core)) == set(d.ALL_DESCRIPTORS)
    with pytest.raises(UnknownElementError, match="'Sn'"):
        d.radius_difference(pair("AuSn"))


def test_a_composition_has_all_that_needs_no_geometry():
    system = as_system(Composition("Au4Pd2C64H72S8"))
    geometric = {"D (Å)", "reduced distance (-)", "phi (-)"}
    assert set(d.missing_descriptors(system)) == geometric | {"log P (-)", "delta Q_CT (e)"}
    with pytest.raises(MissingDataError, match="composition has none"):
        d.metal_distance(system)
    annotated = as_system(Composition("Au4Pd2"), {"PET": 8})
    assert d.environment_electronegativity(annotated) == pytest.approx(d.environment_electronegativity(system))


@pytest.mark.parametrize(
    "call",
    [
        lambda s: d.metal_distance(s, pairs="some"),
        lambda s: d.environment_electronegativity(s, weights="mass"),
        lambda s: d.environment_electronegativity(s, substrate="solvent"),
    ],
)
def test_unknown_options_list_what_is_allowed(call):
    with pytest.raises(BimetalError, match="allowed"):
        call(pair("AuAg", ligands="PET"))


class FixedCharges(Calculator):
    """Gives +0.3 e to copper and −0.1 e to all else."""

    implemented_properties = ["charges"]

    def calculate(self, atoms=None, properties=None, system_changes=None):
        super().calculate(atoms, properties, system_changes or [])
        self.results = {"charges": np.where(atoms.numbers == 29, 0.3, -0.1)}


def test_charge_transfer_from_the_object_or_a_calculator():
    atoms = Atoms("Au3Cu", np.vstack([np.eye(3) * 2.0, np.zeros((1, 3))]))
    assert d.charge_transfer(as_system(atoms), FixedCharges()) == pytest.approx(0.4)
    atoms.calc = FixedCharges()
    atoms.calc.get_property("charges", atoms)
    assert d.charge_transfer(as_system(atoms)) == pytest.approx(0.4)
    atoms.set_initial_charges([-0.1, -0.2, 0.0, 0.3])
    assert d.charge_transfer(as_system(atoms)) == pytest.approx(0.4)


def test_paper_features_are_eight_plain_floats(anchor):
    features = d.paper_features(as_system(anchor("Cu")))
    assert len(features) == 8 and all(type(value) is float for value in features.values())
    assert list(features) == list(d.PAPER_FEATURES) == list(d.ALL_DESCRIPTORS)[:8]


def test_a_lattice_vector_that_does_not_repeat_may_be_anything():
    atoms = Atoms("AuZn", [[0, 0, 0], [2.7, 0, 0]], cell=[[0, 9, 0], [0, 9, 0], [0, 0, 9]], pbc=[False, True, True])
    assert d.metal_distance(as_system(atoms)) == pytest.approx(2.7)
