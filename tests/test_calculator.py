"""The calculator: one number through every door, invariances, recalculation, refusals."""

import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.mixing import AverageCalculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import read, write
from pymatgen.io.ase import AseAtomsAdaptor

from ase_bimetal import DescriptorFormationCalculator, MMLFormationCalculator, errors, load_example, predict
from ase_bimetal.errors import OptionError
from ase_bimetal.featurizers import FormationEnergy
from ase_bimetal.io import with_results
from ase_bimetal.model.checkpoint import load_checkpoint

PET = "SCCc1ccccc1"
TOLERANCE = 1e-5  # eV/metal


def per_metal(atoms: Atoms, **options) -> float:
    atoms = atoms.copy()
    atoms.calc = MMLFormationCalculator(**options)
    atoms.get_potential_energy()
    return atoms.calc.results["formation_energy_per_metal"]


def test_results_are_plain_values_with_units_and_names(cluster):
    cluster.calc = MMLFormationCalculator()
    energy = cluster.get_potential_energy()
    results = cluster.calc.results
    assert type(energy) is float
    assert energy == pytest.approx(6 * results["formation_energy_per_metal"])
    assert -6 < results["formation_energy_per_metal"] < 0 < results["formation_energy_std"] < 1
    assert results["accessible"] == (results["accessibility_index"] > -0.3)
    assert results["level"] == "PBE-referenced GFN1-xTB" and results["reference_state"] == "dimer"
    assert results["model"].startswith("mml-gfn1-pbe@")
    assert not any(isinstance(v, np.ndarray) for v in results.everything().values())


def test_batch_is_the_calculator(cluster, core):
    batch = predict([cluster, core, cluster])
    assert batch[0].formation_energy_per_metal == pytest.approx(per_metal(cluster), abs=TOLERANCE)
    assert batch[1].formation_energy_per_metal == pytest.approx(per_metal(core), abs=TOLERANCE)


def test_pymatgen_and_matminer_give_the_same_number(cluster):
    expected = per_metal(cluster)
    molecule = AseAtomsAdaptor.get_molecule(Atoms(cluster.symbols, cluster.positions))
    found = molecule.calculate(MMLFormationCalculator(ligands={PET: 8}))
    assert found.results["formation_energy_per_metal"] == pytest.approx(expected, abs=TOLERANCE)
    boxed = cluster.copy()
    boxed.center(vacuum=8.0)
    boxed.pbc = True
    structure = AseAtomsAdaptor.get_structure(Atoms(boxed.symbols, boxed.positions, cell=boxed.cell, pbc=True))
    [from_structure] = predict([structure], ligands={PET: 8})
    assert from_structure.formation_energy_per_metal == pytest.approx(expected, abs=TOLERANCE)
    [[energy, std]] = FormationEnergy().transform([cluster])
    assert energy == pytest.approx(expected, abs=TOLERANCE) and std > 0


def test_rotation_translation_permutation_and_periodic_image(cluster):
    expected = per_metal(cluster)
    turned = cluster.copy()
    turned.rotate(67.0, (1, 2, 3))
    turned.translate((3.1, -4.2, 0.7))
    assert per_metal(turned) == pytest.approx(expected, abs=TOLERANCE)
    shuffled = cluster[np.random.default_rng(0).permutation(len(cluster))]
    assert per_metal(shuffled) == pytest.approx(expected, abs=TOLERANCE)
    boxed = cluster.copy()
    boxed.center(vacuum=8.0)
    boxed.pbc = True
    boxed.translate((0.5, 0.5, 0.5) @ boxed.cell)
    boxed.wrap()
    assert per_metal(boxed) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("spelling", ["PET", "[S-]CCc1ccccc1", "C1=CC=C(C=C1)CCS"])
def test_equivalent_smiles_give_the_same_number(cluster, spelling):
    expected = per_metal(cluster)
    cluster.info["ligand_smiles"] = {spelling: 8}
    assert per_metal(cluster) == pytest.approx(expected, abs=TOLERANCE)


def test_order_of_ligands_does_not_matter(core):
    core.info["ligand_smiles"] = {"SMe": 8, "PPh3": 2}
    expected = per_metal(core)
    core.info["ligand_smiles"] = ["PPh3", *["CS"] * 8, "PPh3"]
    assert per_metal(core) == pytest.approx(expected, abs=TOLERANCE)


def test_energy_is_extensive_in_separate_copies(cluster):
    """Per-metal energy of composition-dependent parts does not depend on size: energy scales with N_metal."""
    cluster.calc = MMLFormationCalculator()
    total = cluster.get_potential_energy()
    assert total == pytest.approx(cluster.calc.results["formation_energy_per_metal"] * 6, abs=1e-9)


def test_recomputes_when_it_should(core):
    core.calc = MMLFormationCalculator()
    first = core.get_potential_energy()
    core.info["ligand_smiles"] = {"[S-]CCc1ccccc1": 8}
    assert core.calc.check_state(core) == []
    core.info["ligand_smiles"] = {"SMe": 8}
    changed = core.get_potential_energy()
    assert changed != first
    core.positions[0] += 0.3
    moved = core.get_potential_energy()
    assert moved != changed
    core.symbols[core.symbols == "Pd"] = "Pt"
    assert core.get_potential_energy() != moved
    core.info["total_charge"] = 2
    with pytest.raises(errors.ChargedSystemError):
        core.get_potential_energy()


def test_reference_states_shift_the_number_exactly(cluster):
    dimer, hydride = per_metal(cluster), per_metal(cluster, reference_state="hydride")
    radical = per_metal(cluster, reference_state="radical")
    assert radical < dimer
    assert hydride != dimer
    with pytest.raises(errors.ReferenceStateError, match="allowed: dimer"):
        per_metal(cluster, reference_state="bound_shell")


@pytest.mark.parametrize("name", ["forces", "stress"])
def test_gradients_are_refused_with_the_reason(cluster, name):
    cluster.calc = MMLFormationCalculator()
    with pytest.raises(PropertyNotImplementedError, match="not a potential-energy surface"):
        cluster.calc.get_property(name, cluster)


def test_pickles_without_disk_or_network(cluster):
    calculator = pickle.loads(pickle.dumps(MMLFormationCalculator(reference_state="hydride")))
    cluster.calc = calculator
    assert cluster.get_potential_energy() < 0


def test_ligand_annotation_survives_a_file(cluster, tmp_path):
    expected = per_metal(cluster)
    write(tmp_path / "cluster.extxyz", cluster)
    assert per_metal(read(tmp_path / "cluster.extxyz")) == pytest.approx(expected, abs=TOLERANCE)


def _with(cluster: Atoms, change) -> Atoms:
    changed = cluster.copy()
    change(changed)
    return changed


def _set_position(atoms, row, value):
    atoms.positions[row] = value


BAD_INPUT = {
    "charged": (lambda a: a.info.update(charge=1), errors.ChargedSystemError, "no charge term"),
    "nan": (lambda a: _set_position(a, 3, np.nan), errors.GeometryError, r"atom 3 \(Au\)"),
    "coincident": (lambda a: _set_position(a, 1, a.positions[0]), errors.GeometryError, "atoms 0"),
    "smiles": (lambda a: a.info.update(ligand_smiles={"C(C": 8}), errors.LigandError, "cannot read"),
    "no donor": (lambda a: a.info.update(ligand_smiles={"CCCC": 8}), errors.LigandError, "no donor"),
    "formula": (lambda a: a.info.update(ligand_smiles={"SMe": 8}), errors.LigandMismatchError, "C64H72S8"),
    "lanthanide": (
        lambda a: a.symbols.__setitem__(a.symbols == "Pd", "Gd"),
        errors.UnsupportedElementError,
        "metal Gd",
    ),
    "no metal": (
        lambda a: a.__delitem__([i for i, s in enumerate(a.symbols) if s in ("Au", "Pd")]),
        errors.NoMetalError,
        "no metal",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_named(cluster, case):
    change, error, words = BAD_INPUT[case]
    with pytest.raises(error, match=words):
        per_metal(_with(cluster, change))


def test_an_alloy_is_told_what_it_lacks():
    with pytest.raises(errors.UnsupportedSystemError, match="no ligands"):
        per_metal(Atoms("Au2Pd", [[0, 0, 0], [2.8, 0, 0], [0, 2.8, 0]]))


def test_a_thousand_with_one_bad_entry_gives_the_rest(core):
    bad = core.copy()
    bad.info["ligand_smiles"] = {"not a smiles": 8}
    results = predict([core] * 500 + [bad] + [core] * 499, errors="collect")
    assert len(results) == 1000
    failures = [r for r in results if hasattr(r, "reason")]
    assert len(failures) == 1 and results.index(failures[0]) == 500
    assert "not a smiles" in failures[0].reason
    assert results[0].formation_energy_per_metal == pytest.approx(results[999].formation_energy_per_metal, abs=1e-6)


def test_flags_say_what_was_never_seen(core):
    pure = core.copy()
    pure.symbols[pure.symbols == "Pd"] = "Au"
    [plain, one_metal] = predict([core, pure])
    assert any("one metal only" in flag for flag in one_metal.flags)
    assert any("no ligand atoms" in flag for flag in plain.flags)
    unseen = core.copy()
    unseen.symbols[unseen.symbols == "Pd"] = "Ti"
    unseen.info["ligand_smiles"] = {"CCCCCCCCCCS": 6, "NHC": 2}
    [found] = predict([unseen])
    text = "; ".join(found.flags)
    assert "element never seen in training: Ti" in text
    assert "no density-functional energy of any cluster with Ti" in text
    assert "ligand never seen in training: NHC, SC10H21" in text
    assert found.formation_energy_std > plain.formation_energy_std


@pytest.mark.parametrize(
    ("kind", "wrong", "words"),
    [
        (MMLFormationCalculator, "reference", "did you mean 'reference_state'"),
        (MMLFormationCalculator, "ligand", "did you mean 'ligands'"),
        (DescriptorFormationCalculator, "reference_state", "allowed: ligands"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(kind, wrong, words):
    with pytest.raises(OptionError, match=words):
        kind(**{wrong: "hydride"})
    with pytest.raises(OptionError, match=words):
        kind().set(**{wrong: "hydride"})


def test_asking_for_ases_own_properties_gives_them_alone():
    atoms = load_example("Au4Pd2(PET)8")
    calculator = MMLFormationCalculator()
    assert calculator.get_properties(["energy"], atoms)["energy"] == atoms_energy(atoms)
    golden = load_checkpoint().card.golden["Au4Pd2(PET)8"]
    assert calculator.get_property("formation_energy_per_metal", atoms) == pytest.approx(golden, abs=1e-5)
    stored = SinglePointCalculator(atoms, **dict(calculator.export_properties()))
    assert stored.results == {"energy": atoms_energy(atoms), "free_energy": atoms_energy(atoms)}


def test_two_calculators_average():
    atoms = load_example("Au4Pd2(PET)8")
    atoms.calc = AverageCalculator([MMLFormationCalculator(), DescriptorFormationCalculator()])
    coarse = atoms.copy()
    coarse.calc = DescriptorFormationCalculator()
    assert atoms.get_potential_energy() == pytest.approx((atoms_energy(atoms) + coarse.get_potential_energy()) / 2)


def atoms_energy(atoms):
    copy = atoms.copy()
    copy.calc = MMLFormationCalculator()
    return copy.get_potential_energy()


@pytest.mark.parametrize("kind", [MMLFormationCalculator, DescriptorFormationCalculator])
def test_results_pass_on_to_ases_own_calculators(kind):
    atoms = load_example("Au4Pd2(PET)8")
    atoms.calc = kind()
    energy = atoms.get_potential_energy()
    stored = SinglePointCalculator(atoms, **atoms.calc.results)
    assert stored.results == {"energy": energy, "free_energy": energy}
    everything = atoms.calc.results.everything()
    assert set(everything) == {"energy", "free_energy", *kind.extra_properties}
    for name in kind.extra_properties:
        assert name in atoms.calc.results and atoms.calc.results.get(name) == everything[name]
        assert atoms.calc.get_property(name) == atoms.calc.results[name]
    with pytest.raises(KeyError, match="stress"):
        atoms.calc.results["stress"]
    assert pickle.loads(pickle.dumps(atoms.calc.results)).everything() == everything
    assert atoms.calc.results.copy().everything() == everything


def test_a_stored_prediction_passes_on_too():
    atoms = load_example("Au4Pd2(PET)8")
    [found] = predict([atoms])
    results = with_results(atoms, found).calc.results
    assert SinglePointCalculator(atoms, **results).results == {"energy": found.energy, "free_energy": found.energy}
    assert (results["level"], results["flags"]) == (found.level, found.flags)


def test_a_calculator_is_written_with_its_energy(tmp_path):
    atoms = load_example("Au4Pd2(PET)8")
    atoms.calc = MMLFormationCalculator()
    energy = atoms.get_potential_energy()
    atoms.write(tmp_path / "a.extxyz")
    atoms.write(tmp_path / "a.traj")
    assert connect(tmp_path / "a.db").write(atoms) == 1
    back = [read(tmp_path / "a.extxyz"), read(tmp_path / "a.traj"), connect(tmp_path / "a.db").get(1).toatoms()]
    assert [item.get_potential_energy() for item in back] == pytest.approx([energy] * 3, abs=1e-6)
    assert connect(tmp_path / "a.db").get(1).calculator == "bimetal"
    assert back[0].info["ligand_smiles"] == {PET: 8}
