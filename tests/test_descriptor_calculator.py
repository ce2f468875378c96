"""The descriptor calculator: every kind of material, invariances, recalculation, refusals."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, graphene
from ase.calculators.calculator import PropertyNotImplementedError
from pymatgen.core import Composition, Molecule
from pymatgen.io.ase import AseAtomsAdaptor

from ase_bimetal import DescriptorFormationCalculator, MMLFormationCalculator, errors
from ase_bimetal.model.forest import get_forest
from ase_bimetal.system import as_system

PET = "SCCc1ccccc1"


def slab() -> Atoms:
    atoms = fcc111("Cu", (2, 2, 3), vacuum=8.0)
    atoms.symbols[0] = "Pt"
    return atoms


def particle() -> Atoms:
    return Atoms("Au2PdPd", [[0, 0, 0], [2.75, 0, 0], [1.4, 2.4, 0], [1.4, 0.8, 2.2]])


def oxide() -> Atoms:
    atoms = bulk("NiO", "rocksalt", a=4.2, cubic=True)
    atoms.symbols[0] = "Co"
    return atoms


def doped_carbon() -> Atoms:
    sheet = graphene(size=(5, 5, 1), vacuum=8.0)
    sheet.pbc = True
    centre = sheet.positions[24]
    near = np.argsort(np.linalg.norm(sheet.positions - centre, axis=1))
    sheet.symbols[near[1:4]] = "N"
    del sheet[[int(near[0])]]
    return sheet + Atoms("NiCu", [centre + [0, 0, 1.1], centre + [0, 0, 3.5]])


def water_in_silica() -> Atoms:
    """A copper–nickel pair on a Si(OH)3–O–Si(OH)3 fragment stands for a zeolite."""
    ring = [
        (0, 0, 0, "Si"),
        (1.6, 0, 0.4, "O"),
        (3.1, 0, 0, "Si"),
        (-0.5, 1.5, 0, "O"),
        (-0.5, -1.5, 0, "O"),
        (-0.5, 0, -1.55, "O"),
        (3.6, 1.5, 0, "O"),
        (3.6, -1.5, 0, "O"),
        (3.6, 0, -1.55, "O"),
    ]
    atoms = Atoms([s for *_, s in ring], [xyz for *xyz, _ in ring])
    return atoms + Atoms("CuNi", [[0.4, 0.3, 2.1], [2.6, 0.3, 2.15]])


def results(obj: Atoms, **options) -> dict:
    atoms = obj.copy()
    atoms.calc = DescriptorFormationCalculator(**options)
    atoms.get_potential_energy()
    return atoms.calc.results


MATERIALS = {
    "bare solid": slab,
    "bare particle": particle,
    "oxide": oxide,
    "doped carbon": doped_carbon,
    "zeolite": water_in_silica,
}


@pytest.mark.parametrize("name", MATERIALS)
def test_every_kind_of_material_gets_a_number(name):
    atoms = MATERIALS[name]()
    found = results(atoms)
    low, high = found["formation_energy_interval"]
    assert found["surroundings"] == name
    assert -15 < low <= found["formation_energy_per_metal"] <= high < 6
    assert found["formation_energy_std"] > 0 and found["level"] == "GFN1-xTB with PBE-referenced elements"
    assert found["model"].startswith("descriptor-forest@")
    assert found["energy"] == pytest.approx(found["formation_energy_per_metal"] * as_system(atoms).n_metals)


def test_results_of_a_cluster_are_plain_values_with_the_keys_of_the_multimodal_model(cluster):
    found = results(cluster)
    assert type(found["energy"]) is float and found["reference_state"] == "dimer"
    assert found["level"] == "PBE-referenced GFN1-xTB"
    own = DescriptorFormationCalculator
    assert set(found) == set(own.implemented_properties)
    assert set(found.everything()) == {*own.implemented_properties, *own.extra_properties}
    assert set(MMLFormationCalculator.extra_properties) <= set(own.extra_properties)
    assert not any(isinstance(value, np.ndarray | np.generic) for value in found.everything().values())
    assert found["accessible"] == (found["accessibility_index"] > -0.3)


@pytest.mark.parametrize("name", [*MATERIALS, "ligands"])
def test_rotation_translation_and_permutation(name, cluster):
    atoms = cluster if name == "ligands" else MATERIALS[name]()
    expected = results(atoms)["formation_energy_per_metal"]
    turned = atoms.copy()
    turned.rotate(67.0, (1, 2, 3), rotate_cell=True)
    turned.translate((3.1, -4.2, 0.7))
    assert results(turned)["formation_energy_per_metal"] == pytest.approx(expected, abs=1e-9)
    shuffled = atoms[np.random.default_rng(0).permutation(len(atoms))]
    assert results(shuffled)["formation_energy_per_metal"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["bare solid", "oxide", "doped carbon"])
def test_periodic_images(name):
    atoms = MATERIALS[name]()
    expected = results(atoms)["formation_energy_per_metal"]
    moved = atoms.copy()
    moved.translate(0.37 * moved.cell[0] + 0.81 * moved.cell[1])
    moved.wrap()
    assert results(moved)["formation_energy_per_metal"] == pytest.approx(expected, abs=1e-9)


def test_a_boxed_cluster_is_the_free_one(cluster):
    boxed = cluster.copy()
    boxed.center(vacuum=8.0)
    boxed.pbc = True
    expected = results(cluster)["formation_energy_per_metal"]
    assert results(boxed)["formation_energy_per_metal"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["bare solid", "oxide", "doped carbon"])
def test_energy_is_extensive(name):
    atoms = MATERIALS[name]()
    one, four = results(atoms), results(atoms * (2, 2, 1))
    assert four["energy"] == pytest.approx(4 * one["energy"])
    assert four["formation_energy_interval"] == pytest.approx(one["formation_energy_interval"])


def test_pymatgen_objects_pass_as_they_are(cluster):
    molecule = AseAtomsAdaptor.get_molecule(Atoms(cluster.symbols, cluster.positions))
    found = molecule.calculate(DescriptorFormationCalculator(ligands={PET: 8})).results
    assert found["formation_energy_per_metal"] == pytest.approx(results(cluster)["formation_energy_per_metal"])
    structure = AseAtomsAdaptor.get_structure(oxide())
    found = structure.calculate(DescriptorFormationCalculator()).results
    assert found["formation_energy_per_metal"] == pytest.approx(results(oxide())["formation_energy_per_metal"])
    assert get_forest().estimate(as_system(structure)).formation_energy_per_metal == pytest.approx(
        found["formation_energy_per_metal"]
    )


def test_repeats_bit_for_bit_in_another_process(cluster, tmp_path):
    code = (
        "from ase_bimetal import DescriptorFormationCalculator, load_example\n"
        "atoms = load_example('Au4Pd2(PET)8')\n"
        "atoms.calc = DescriptorFormationCalculator()\n"
        "print(atoms.get_potential_energy().hex())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert other.stdout.strip() == results(cluster)["energy"].hex()


def test_recomputes_when_it_should(cluster):
    cluster.calc = DescriptorFormationCalculator()
    first = cluster.get_potential_energy()
    cluster.symbols[cluster.symbols == "Pd"] = "Hg"
    assert cluster.get_potential_energy() != first
    cluster.info["charge"] = 1
    with pytest.raises(errors.ChargedSystemError, match="no charge term"):
        cluster.get_potential_energy()


def test_many_objects_and_elements_on_sites_have_the_energies_of_each(cluster):
    gold, palladium = (int(np.flatnonzero(cluster.symbols == symbol)[0]) for symbol in ("Au", "Pd"))
    second = cluster.copy()
    second.symbols[[gold, palladium]] = ["Pd", "Au"]
    alone = [results(atoms)["energy"] for atoms in (cluster, slab(), second)]
    assert alone[0] != alone[2]
    calculator = DescriptorFormationCalculator()
    assert calculator.get_energies([cluster, slab()]) == alone[:2]
    sites = sorted([gold, palladium], reverse=True)
    on_sites = calculator.energies_on_sites(second, sites)
    assert on_sites([str(cluster.symbols[i]) for i in sites]) == alone[0]
    assert on_sites([str(second.symbols[i]) for i in sites]) == alone[2]


def test_results_say_what_the_forest_has_not_seen():
    assert [results(atoms)["novelty"] for atoms in (slab(), oxide())] == ["prototype", "surroundings"]


def test_pickles(cluster):
    expected = results(cluster)["energy"]
    cluster.calc = pickle.loads(pickle.dumps(DescriptorFormationCalculator()))
    assert cluster.get_potential_energy() == expected


@pytest.mark.parametrize("name", ["forces", "stress"])
def test_gradients_are_refused_with_the_reason(name):
    atoms = slab()
    atoms.calc = DescriptorFormationCalculator()
    with pytest.raises(PropertyNotImplementedError, match="DescriptorFormationCalculator.*not a potential-energy"):
        atoms.calc.get_property(name, atoms)


@pytest.mark.parametrize(
    ("obj", "error", "words"),
    [
        (bulk("Au"), errors.UnsupportedSystemError, r"1 metal \(Au\); allowed: exactly two"),
        (Atoms("AuPdCu", [[0, 0, 0], [2.7, 0, 0], [0, 2.7, 0]]), errors.UnsupportedSystemError, r"3 metals"),
        (Atoms("AuPd", [[0, 0, 0], [0, 0, 0.1]]), errors.GeometryError, "atoms 0"),
        (Atoms("H2O", [[0, 0, 0], [1, 0, 0], [0, 1, 0]]), errors.NoMetalError, "no metal"),
    ],
)
def test_bad_input_is_named(obj, error, words):
    with pytest.raises(error, match=words):
        results(obj)


def test_charged_molecules_and_compositions_are_refused():
    molecule = Molecule(["Au", "Pd"], [[0, 0, 0], [0, 0, 2.7]], charge=2)
    with pytest.raises(errors.ChargedSystemError):
        as_system(molecule)
    with pytest.raises(errors.MissingDataError, match="coordinates"):
        get_forest().estimate(as_system(Composition("Au4Pd2")))


@pytest.mark.parametrize("make", [slab, oxide, doped_carbon])
def test_the_multimodal_model_names_this_one(make):
    atoms = make()
    atoms.calc = MMLFormationCalculator()
    with pytest.raises(errors.UnsupportedSystemError, match="no ligands.*DescriptorFormationCalculator"):
        atoms.get_potential_energy()


def test_ase_lists_both_calculators():
    from ase._4.plugins import plugins as installed

    found = {plugin.name: plugin.implementation for plugin in installed if plugin.name.startswith("bimetal")}
    assert found["bimetal-descriptors"] is DescriptorFormationCalculator
    assert found["bimetal"] is MMLFormationCalculator
    listed = subprocess.run(
        [str(Path(sys.executable).with_name("ase")), "info", "--plugins"], capture_output=True, text=True, check=True
    ).stdout
    assert {"bimetal", "bimetal-descriptors"} <= set(listed.replace(",", " ").split())
