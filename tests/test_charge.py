"""Declared charges: refused for energies with the ways out, kept for descriptors, ignored with a flag."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from pymatgen.core import Lattice, Molecule, Structure
from pymatgen.io.ase import AseAtomsAdaptor
from typer.testing import CliRunner

from ase_bimetal import predict
from ase_bimetal.calculators import DescriptorFormationCalculator, MMLFormationCalculator
from ase_bimetal.cli.app import app
from ase_bimetal.errors import ChargedSystemError, LigandError, OptionError
from ase_bimetal.featurizers import CoreComposition, FormationEnergy
from ase_bimetal.io import read_frames
from ase_bimetal.model.registry import get_model
from ase_bimetal.system import BimetallicSystem, as_system, split_clusters

CASES = Path(__file__).parent / "cases"
IGNORED = "declared charge -1 ignored: the number is that of the neutral object, with the ± of what is new to the model"
ODD = "an odd number of electrons: an open shell, or an ion whose charge is not declared"


@pytest.fixture
def anion(cluster):
    cluster.info["charge"] = -1
    return cluster


def molecule(atoms: Atoms) -> Molecule:
    return Molecule(list(atoms.symbols), atoms.positions, charge=-1, spin_multiplicity=2)


def array_of_charges(atoms: Atoms) -> Atoms:
    atoms.arrays["charges"] = np.full(len(atoms), -1 / len(atoms))
    return atoms


DECLARED = {
    "info": lambda atoms: Atoms(atoms, info={"charge": -1}),
    "attribute of pymatgen's adaptor": lambda atoms: AseAtomsAdaptor.get_atoms(molecule(atoms)),
    "molecule": molecule,
    "charges of sites": lambda atoms: Structure(
        Lattice.cubic(60),
        list(atoms.symbols),
        atoms.positions,
        coords_are_cartesian=True,
        site_properties={"charge": [-1 / len(atoms)] * len(atoms)},
    ),
    "charges of atoms": array_of_charges,
}


@pytest.mark.parametrize("way", DECLARED)
def test_a_charge_is_read_wherever_it_is_declared(way, cluster):
    ion = DECLARED[way](Atoms(cluster.symbols, cluster.positions))
    with pytest.raises(ChargedSystemError, match='charge -1.*charge="ignore".*counter-ions'):
        as_system(ion)
    assert as_system(ion, charge="keep").charge == pytest.approx(-1)


def test_gaussian_input_declares_a_charge():
    [frame] = read_frames(CASES / "anion.com")
    assert frame.content.info["charge"] == -1
    [failure] = predict([frame.content], errors="collect")
    assert isinstance(failure.error, ChargedSystemError)


def test_an_ignored_charge_gives_the_number_of_the_neutral_object_with_a_flag(anion, cluster):
    [ion] = predict([anion], charge="ignore")
    neutral = Atoms(cluster.symbols, cluster.positions, info={"ligand_smiles": cluster.info["ligand_smiles"]})
    [expected] = predict([neutral])
    assert ion.formation_energy_per_metal == pytest.approx(expected.formation_energy_per_metal, abs=1e-6)
    assert ion.flags == (IGNORED, *expected.flags)
    assert ion.formation_energy_std > expected.formation_energy_std + 0.05


def test_a_system_that_keeps_its_charge_is_described_and_not_predicted(anion):
    system = as_system(anion, charge="keep")
    for model in ("mml-gfn1-pbe", "descriptor-forest"):
        [failure] = get_model(model).predict([system])
        assert isinstance(failure.error, ChargedSystemError) and 'charge="ignore"' in failure.reason
    assert IGNORED in predict([system], charge="ignore")[0].flags
    again = BimetallicSystem.from_dict(system.as_dict())
    assert (again.charge, again.content_key()) == (-1, system.content_key())
    assert as_system(anion, charge="ignore").content_key() != system.content_key()
    assert as_system(system.to_atoms(), charge="keep").charge == -1


def test_descriptors_of_an_ion_are_given_and_its_energy_is_not(anion):
    assert CoreComposition().featurize(anion)[0] == 6
    with pytest.raises(ChargedSystemError):
        FormationEnergy().featurize(anion)


@pytest.mark.parametrize("calculator", [MMLFormationCalculator, DescriptorFormationCalculator])
def test_calculators_take_the_choice(calculator, anion):
    anion.calc = calculator(charge="ignore")
    assert anion.get_potential_energy() < 0
    assert IGNORED in anion.calc.results["flags"]


def test_the_choice_must_exist(anion):
    with pytest.raises(OptionError, match="'refuse', 'keep', 'ignore'"):
        as_system(anion, charge="drop")


def test_the_command_line_takes_the_choice(anion, tmp_path):
    write(tmp_path / "ion.extxyz", anion)
    run = CliRunner().invoke(app, ["predict", str(tmp_path / "ion.extxyz")])
    assert run.exit_code == 1 and "ChargedSystemError" in run.stderr
    run = CliRunner().invoke(app, ["predict", str(tmp_path / "ion.extxyz"), "--charge", "ignore"])
    assert run.exit_code == 0 and "declared charge -1 ignored" in run.stdout
    run = CliRunner().invoke(app, ["featurize", str(tmp_path / "ion.extxyz")])
    assert run.exit_code == 0 and "ion.extxyz@0," in run.stdout


def test_an_odd_number_of_electrons_is_noted(core):
    assert ODD not in as_system(core).notes
    core.info["ligand_smiles"] = {"PET": 7}
    assert ODD in as_system(core).notes
    assert ODD in predict([core])[0].flags
    core.info["charge"] = -1
    assert as_system(core, charge="keep").notes == ()
    core.info["charge"] = -2
    assert as_system(core, charge="keep").notes == ("an odd number of electrons at charge -2: an open shell",)


def test_an_unknown_ion_is_said_to_be_one():
    atoms = read(CASES / "unbound_PH3.xyz")
    ammonium = Atoms("PH4", np.array([[0, 0, 0], [1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) * 0.82)
    ammonium.positions += atoms.positions[46]
    system = as_system(atoms[:46] + ammonium)
    assert any("H4P, an ion of unknown charge" in note for note in system.notes)
    assert not any("unknown charge" in note for note in as_system(atoms).notes)


def test_the_charge_of_a_cell_with_two_clusters_belongs_to_neither():
    cell = read(CASES / "Z2_Au4Pd2_SMe8.cif")
    cell.info["charge"] = -2
    with pytest.raises(ChargedSystemError):
        split_clusters(cell)
    assert [s.charge for s in split_clusters(cell, charge="keep")] == [0.0, 0.0]


def test_the_command_line_gives_every_cluster_of_a_cell_a_row():
    run = CliRunner().invoke(app, ["predict", str(CASES / "Z2_Au4Pd2_SMe8.cif")])
    names = [line.split(",")[0].rpartition("@")[2] for line in run.stdout.splitlines()[1:]]
    assert names == ["0 cluster 1 of 2", "0 cluster 2 of 2"]
    assert "@0: 2 separate clusters, a row each" in run.stderr and "2 written, 0 failed" in run.stderr


def test_properties_and_charges_of_a_damaged_pymatgen_file_are_refused():
    crystal = Structure(Lattice.cubic(4), ["Au", "Pd"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    with pytest.raises(LigandError, match="the properties of the object are 'junk'; allowed: a dict"):
        as_system(Structure.from_dict(crystal.as_dict() | {"properties": "junk"}))
    with pytest.raises(ChargedSystemError, match="the charge is no number"):
        as_system(Structure.from_dict(crystal.as_dict() | {"charge": "junk"}))


def test_pymatgen_does_not_warn_of_a_charge_without_oxidation_states():
    charged = Structure(Lattice.cubic(4), ["Au", "Pd"], [[0, 0, 0], [0.5, 0.5, 0.5]], charge=2)
    with pytest.raises(ChargedSystemError, match=r"\+2"):
        as_system(charged)
