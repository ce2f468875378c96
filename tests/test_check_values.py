"""Values worked out by hand for mixed shells, periodic pairs, reference states and corrections."""

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal import descriptors as d
from ase_bimetal.errors import ReferenceStateError
from ase_bimetal.formation import correction_features, formation_energy, ligand_reference_energy
from ase_bimetal.system import as_system

#: SMILES of the free ligands.
PET, PPH3, SH, PH3 = "SCCc1ccccc1", "c1ccc(P(c2ccccc2)c2ccccc2)cc1", "S", "P"
_CHI = {"Au": 2.54, "Pd": 2.20, "S": 2.58, "C": 2.55, "H": 2.20, "P": 2.19}
# Energies of nobody's molecule, chosen so that every term of eq. (1) has a digit of its own.
FRAGMENTS = {
    "atoms": {"Au": -100.0, "Pd": -1000.0},
    "ligands": {
        SH: {"free": -20.0, "dimer": -38.0, "radical": -17.5},
        PH3: {"free": -7.0, "dimer": None, "radical": None},
    },
    "H2": -4.0,
}


def octahedron(ligands: dict[str, int]) -> object:
    """A core of Au4Pd2 with ligands named and not drawn."""
    a = 2.8 / np.sqrt(2)
    places = [[a, 0, 0], [-a, 0, 0], [0, a, 0], [0, -a, 0], [0, 0, a], [0, 0, -a]]
    return as_system(Atoms("Au4Pd2", places), ligands=ligands)


def mean_shell() -> float:
    """χ of eight PET (C8H9S each) and two PPh3 (C18H15P each), over all 212 atoms."""
    pet = _CHI["S"] + 8 * _CHI["C"] + 9 * _CHI["H"]
    pph3 = _CHI["P"] + 18 * _CHI["C"] + 15 * _CHI["H"]
    return (8 * pet + 2 * pph3) / (8 * 18 + 2 * 34)


def test_a_mixed_shell_counts_every_ligand_as_often_as_it_is_there():
    system = octahedron({"PET": 8, "PPh3": 2})
    expected = (4 * 2.54 + 2 * 2.20) / 6 - mean_shell()
    assert expected == pytest.approx(0.04733, abs=1e-5)
    assert d.environment_electronegativity(system) == pytest.approx(expected, abs=1e-9)
    # D = 2.8 Å and ΔR = |144 − 137| pm: D̃ = 2.8 / (2.8 + 100 · 0.07).
    assert d.reduced_distance(system) == pytest.approx(2.8 / 9.8, abs=1e-9)
    assert d.accessibility_index(system) == pytest.approx(2.8 / 9.8 * expected, abs=1e-9)
    other = octahedron({"PET": 4, "PPh3": 6})
    assert d.environment_electronegativity(other) != pytest.approx(expected, abs=1e-3)


def test_log_p_of_a_mixed_shell_is_weighted_by_counts():
    values = {PET: 2.0, PPH3: 5.0}
    found = d.ligand_log_p(octahedron({"PET": 8, "PPh3": 2}), log_p=lambda ligand: values[ligand.smiles])
    assert found == pytest.approx((8 * 2.0 + 2 * 5.0) / 10)


def test_the_closest_image_decides_the_distance_of_a_pair():
    atoms = Atoms("AuPd", [[0.5, 5, 5], [10.2, 5, 5]], cell=[12.5, 20, 20], pbc=[True, False, False])
    assert d.metal_distance(as_system(atoms)) == pytest.approx(12.5 - 9.7, abs=1e-9)


@pytest.mark.parametrize(("value", "accessible"), [(-0.2999, True), (-0.3, False), (-0.3001, False)])
def test_accessible_means_above_minus_three_tenths(monkeypatch, value, accessible):
    monkeypatch.setattr(d, "accessibility_index", lambda system: value)
    assert d.is_accessible(octahedron({"PET": 8})) is accessible


@pytest.mark.parametrize(
    ("state", "per_thiolate"),
    [("dimer", -19.0), ("hydride", -20.0 + 2.0), ("radical", -17.5)],
)
def test_every_reference_state_of_a_thiolate(state, per_thiolate):
    assert ligand_reference_energy(SH, FRAGMENTS, state) == pytest.approx(per_thiolate)
    assert ligand_reference_energy(PH3, FRAGMENTS, state) == pytest.approx(-7.0)
    total = -2500.0
    apart = 4 * -100.0 + 2 * -1000.0 + 8 * per_thiolate + 2 * -7.0
    found = formation_energy(total, ["Au"] * 4 + ["Pd"] * 2, {SH: 8, PH3: 2}, FRAGMENTS, state)
    assert found == pytest.approx((total - apart) / 6)


@pytest.mark.parametrize(
    ("state", "hydride", "sulfide"), [("dimer", -2.0, -8.0), ("hydride", -2.0, -13.0), ("radical", -1.5, -7.0)]
)
def test_every_reference_state_of_hydride_and_sulfide(state, hydride, sulfide):
    fragments = {
        "atoms": {},
        "H2": -4.0,
        "ligands": {
            "[H][H]": {"free": -4.0, "dimer": -4.0, "radical": -1.5},
            "[S-2]": {"free": -17.0, "dimer": -16.0, "radical": -7.0},
            "[S-]CC[S-]": {"free": -30.0, "dimer": -55.0, "radical": -25.0},
        },
    }
    assert ligand_reference_energy("[H][H]", fragments, state) == pytest.approx(hydride)
    assert ligand_reference_energy("[S-2]", fragments, state) == pytest.approx(sulfide)
    assert ligand_reference_energy("[S-]CC[S-]", fragments, "hydride") == pytest.approx(-26.0)


def test_the_frozen_shell_is_taken_off_and_not_added():
    found = formation_energy(-2500.0, ["Au"] * 4 + ["Pd"] * 2, {SH: 8}, FRAGMENTS, "bound_shell", bound_shell=-60.0)
    assert found == pytest.approx((-2500.0 + 2400.0 + 60.0) / 6)


def test_corrections_add_up_ligands_of_one_kind():
    features = correction_features(octahedron({"PET": 6, "SMe": 2, "PPh3": 1}))
    assert features == pytest.approx({"Au": 4 / 6, "Pd": 2 / 6, "S-X": 8 / 6, "P-L": 1 / 6})


def test_corrections_count_both_donors_of_a_chelate():
    assert correction_features(octahedron({"dppe": 2}))["P-L"] == pytest.approx(2 * 2 / 6)


def test_one_ligand_has_no_energy_in_a_frozen_shell():
    with pytest.raises(ReferenceStateError, match="allowed: dimer, hydride, radical$"):
        ligand_reference_energy(SH, FRAGMENTS, "bound_shell")


@pytest.mark.parametrize(("third", "mean"), [(-3.45, (2.8 + 3.45) / 2), (-3.55, 2.8)])
def test_neighbours_end_at_five_fourths_of_a_bond(third, mean):
    # Radii of 144 and 137 pm: 1.25 · 2.81 Å = 3.5125 Å.
    chain = as_system(Atoms("AuPd2", [[0, 0, 0], [2.8, 0, 0], [third, 0, 0]]))
    assert d.metal_distance(chain) == pytest.approx(mean, abs=1e-9)


def test_no_distance_reduces_to_nothing():
    assert d.reduced(0.0, 0.07) == 0.0
