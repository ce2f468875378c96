"""Levels of theory: by name, by import path, and PBE through the cp2k program."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed
from ase.calculators.emt import EMT
from ase.io import read

from ase_bimetal.errors import LevelError, ProgramError
from ase_bimetal.lab.labels import cp2k, cp2k_xtb, label
from ase_bimetal.lab.labels.bulk import bulk_metals
from ase_bimetal.lab.labels.corrections import ANCHORS
from ase_bimetal.lab.labels.levels import LEVELS, Level, get_level
from ase_bimetal.ligands import Ligand
from ase_bimetal.system import as_system

needs_cp2k = pytest.mark.skipif(shutil.which(cp2k.PROGRAM) is None, reason="the program cp2k is not installed")
EMT_LEVEL = "ase.calculators.emt:EMT"


@pytest.fixture(scope="module")
def anchors():
    return {frame.info["name"]: frame for frame in read(ANCHORS, ":")}


def test_gfn1_gives_the_anchors_energy(anchors):
    silver = anchors["PCl_Ag"]
    point = get_level("gfn1-xtb").single_point(silver)
    assert point.energy == pytest.approx(silver.info["energy_gfn1_eV"], abs=1e-5)
    assert point.charges.sum() == pytest.approx(0.0, abs=1e-4)
    assert point.temperature == 300.0
    assert label.single_point(silver).energy == pytest.approx(point.energy, abs=1e-9)


@pytest.mark.parametrize("name", LEVELS)
def test_a_level_is_found_again_by_its_name(name, tmp_path):
    assert get_level(get_level(name, tmp_path).name, tmp_path).name == get_level(name, tmp_path).name


def test_any_ase_calculator_is_a_level():
    level = get_level(EMT_LEVEL)
    pair = Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]])
    direct = pair.copy()
    direct.calc = EMT()
    assert level.single_point(pair).energy == pytest.approx(direct.get_potential_energy(), abs=1e-12)
    assert level.single_point(pair).charges is None
    assert level.code.startswith("ase ")
    assert level.name == EMT_LEVEL


def test_a_level_keeps_the_cell_of_what_repeats():
    """EMT's gold: nothing but surface alone, a crystal with its images."""
    cell = bulk("Au")
    alone = Atoms(cell.symbols, cell.positions)
    energies = [get_level(EMT_LEVEL).single_point(atoms).energy for atoms in (alone, cell)]
    assert energies == pytest.approx([3.80, 0.0], abs=0.01)


@pytest.mark.parametrize("name", ["gfn1-xtb", "cp2k-pbe"])
def test_a_level_without_k_points_refuses_what_repeats(name, tmp_path):
    level = get_level(name, tmp_path)
    assert not level.is_periodic and get_level("cp2k-gfn1-xtb", tmp_path).is_periodic
    for compute in (level.single_point, level.relax):
        with pytest.raises(LevelError, match="cannot do Au, which repeats in space; take level 'cp2k-gfn1-xtb'"):
            compute(bulk("Au"))


def test_the_level_with_k_points_refuses_what_does_not_repeat(tmp_path):
    with pytest.raises(LevelError, match="Au does not repeat in space.*Take level 'gfn1-xtb'"):
        cp2k_xtb.input_text(Atoms("Au"), 0.05)


@needs_cp2k
def test_k_points_take_a_crystal_to_the_limit_of_growing_particles(tmp_path):
    """Silver: -3.514 eV/atom with k-points; particles of 55 and 147 atoms point to -3.490."""
    energy = get_level("cp2k-gfn1-xtb", tmp_path).single_point(bulk("Ag", a=4.15)).energy - label.atom_energy("Ag")
    assert energy == pytest.approx(-3.514, abs=0.003)
    [silver] = [metal for metal in bulk_metals() if metal.symbol == "Ag"]
    assert energy == pytest.approx(silver.gfn1, abs=0.05)


def test_any_level_relaxes():
    level = get_level("ase.calculators.lj:LennardJones")
    start = Atoms("Ar2", [[0, 0, 0], [0, 0, 1.2]])
    relaxed = label.relax(start, fmax=0.01, level=level)
    assert relaxed.info["fmax"] <= 0.01
    assert relaxed.get_distance(0, 1) == pytest.approx(2 ** (1 / 6), abs=0.01)
    assert level.single_point(relaxed).energy < level.single_point(start).energy


def test_label_takes_a_level_everywhere():
    level = get_level(EMT_LEVEL)
    assert label.atom_energy("Cu", level) == level.single_point(Atoms("Cu")).energy
    assert label.hydrogen_energy(level) != label.hydrogen_energy()
    thiol = Ligand.parse("S")
    here = label.ligand_energies(thiol)
    assert here.dimer < 2 * here.radical
    assert label.ligand_energies(Ligand.parse("N"), level=get_level("gfn1-xtb")).dimer is None


@pytest.mark.parametrize(
    "name",
    ["gfn7-xtb", "no.such.module:Thing", "ase.calculators.emt:Nothing", "ase:Atoms", ":", "os:path"],
)
def test_what_is_no_level_is_named(name):
    with pytest.raises(LevelError, match="allowed: gfn1-xtb, cp2k-gfn1-xtb, cp2k-pbe or the import path") as caught:
        get_level(name)
    assert repr(name) in str(caught.value)


def test_a_calculator_without_spin_refuses_a_multiplicity():
    with pytest.raises(LevelError, match="takes no spin multiplicity"):
        get_level(EMT_LEVEL).single_point(Atoms("Cu"), multiplicity=2)


def test_a_level_that_never_converges_says_so():
    def fails(_):
        raise CalculationFailed("stuck")

    broken = Level("broken", ((0.0, lambda m: type("C", (EMT,), {"calculate": lambda *a: fails(m)})()),), str)
    for ask in (broken.single_point, broken.relax):
        with pytest.raises(CalculationFailed, match="Au did not converge: stuck"):
            ask(Atoms("Au"))


def test_a_level_without_charges_is_judged_by_its_energy():
    assert label.collapse(-3.0, None) is None
    assert "above 12" in label.collapse(-30.0, None)


def test_a_missing_cp2k_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(cp2k, "PROGRAM", "no-such-cp2k")
    cp2k.version.cache_clear()
    try:
        with pytest.raises(ProgramError, match="no-such-cp2k"):
            get_level("cp2k-pbe", tmp_path).single_point(Atoms("H2", [[0, 0, 0], [0, 0, 0.74]]))
    finally:
        cp2k.version.cache_clear()
    assert not list(tmp_path.iterdir())


def test_elements_and_spins_that_cannot_be_are_refused_before_any_work(tmp_path):
    with pytest.raises(LevelError, match="no pseudopotential is set for U"):
        cp2k.solve(Atoms("U"), 1, tmp_path)
    with pytest.raises(LevelError, match="multiplicity 1 is impossible; allowed: even"):
        cp2k.solve(Atoms("Au"), 1, tmp_path)
    with pytest.raises(LevelError, match="too large"):
        cp2k.input_text(Atoms("H2", [[0, 0, 0], [0, 0, 40]]), 1)


def test_the_hardest_atom_sits_on_the_grid_of_the_isolated_atom():
    molecule = Atoms("ClZnCl", [[0.1, 0.2, -2.07], [0, 0, 0], [0, 0.33, 2.1]])
    for atoms in (molecule, Atoms("Zn")):
        rows = [line.split() for line in cp2k.input_text(atoms, 1).splitlines()]
        edge = float(next(row[1] for row in rows if row[0] == "ABC"))
        zinc = np.array([float(x) for x in next(row[1:] for row in rows if row[0] == "Zn")])
        spacing = edge / cp2k.grid_points(edge)
        assert spacing == pytest.approx(cp2k.SPACING, rel=2e-3)
        assert np.allclose(zinc / spacing, np.round(zinc / spacing), atol=1e-4)
        assert np.abs(zinc - edge / 2).max() < 0.3


@pytest.mark.parametrize("extent", [0.0, 1.5, 3.3, 5.2, 9.9, 17.0])
def test_every_cube_has_the_same_grid_spacing_and_room(extent):
    edge = cp2k.cube_edge(Atoms("H2", [[0, 0, 0], [0, extent, 0]]))
    assert edge / cp2k.grid_points(edge) == pytest.approx(cp2k.SPACING, rel=2e-3)
    assert extent + 8 <= edge < extent + 11


OUTPUT = """
     1 OT DIIS     0.15E+00    1.9     0.00136829       -56.5784139915 -5.66E+01
     2 OT LS       0.15E+00    1.9                      -56.5784139915
 Ideal and single determinant S**2 :                    6.000000       6.010000
                     Mulliken Population Analysis
 #  Atom  Element  Kind  Atomic population (alpha,beta) Net charge  Spin moment
       1     Fe       1          9.8     5.9            0.300000     3.900000
       2     Cl       2          3.6     3.7           -0.300000    -0.100000
 ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:               -2.000000000000
 ATOMIC FORCES in [a.u.]
 # Atom   Kind   Element          X              Y              Z
      1      1      Fe          0.00000000     0.00000000     0.10000000
      2      2      Cl          0.00000000     0.00000000    -0.10000000
 SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.00000000
"""


def test_an_open_shell_output_is_read():
    found = cp2k.read_output(OUTPUT, 2)
    assert found.energy == pytest.approx(-54.4228, abs=1e-4)
    assert found.charges == [0.3, -0.3]
    assert found.spin_squared == 6.01
    assert found.gradient == 0.00136829
    assert found.forces[0][2] == pytest.approx(5.1422, abs=1e-4)


def test_an_output_without_energy_is_a_failure():
    with pytest.raises(CalculationFailed, match="lacks the energy"):
        cp2k.read_output("SCF run converged", 2)


def _steps(gradient, energies):
    return "\n".join(
        f"  {i + 1:4d} OT DIIS     0.15E+00    1.5     {gradient:.8f}  {energy:.10f} -1.0E-06"
        for i, energy in enumerate(energies)
    )


@pytest.mark.parametrize(
    ("gradient", "drop", "settled"), [(5e-5, 1e-6, True), (5e-5, 1e-4, False), (1e-3, 1e-6, False)]
)
def test_a_creeping_scf_counts_only_when_it_stands_still(gradient, drop, settled):
    assert cp2k.has_settled(_steps(gradient, [-56.5 - drop * i for i in range(20)])) is settled


def test_steps_of_mixed_densities_are_read_like_those_of_orbitals():
    shown = """
     1 NoMix/Diag. 0.40E+00    5.8     0.88877427      -400.1362662418 -4.00E+02
     2 Broy./Diag. 0.40E+00    7.8     0.10495359      -404.1914938372 -4.06E+00
     3 OT DIIS     0.15E+00   10.0     0.00012345      -404.2914938372 -1.00E-01
"""
    assert cp2k.scf_steps(shown) == [
        (0.88877427, -400.1362662418),
        (0.10495359, -404.1914938372),
        (0.00012345, -404.2914938372),
    ]


def test_densities_are_mixed_first_and_orbitals_transformed_where_asked():
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.74]])
    assert "BROYDEN_MIXING" in cp2k.input_text(atoms, 1) and "&OT" not in cp2k.input_text(atoms, 1)
    for solver in cp2k.SOLVERS[1:]:
        text = cp2k.input_text(atoms, 1, solver=solver)
        assert f"MINIMIZER {solver}" in text and "MIXING" not in text


@needs_cp2k
def test_cp2k_reproduces_hydrogen_and_finds_it_again(anchors, tmp_path):
    hydrogen, level = anchors["h2"], get_level("cp2k-pbe", tmp_path)
    point = level.single_point(hydrogen)
    assert point.energy == pytest.approx(hydrogen.info["energy_pbe_eV"], abs=0.002)
    assert np.allclose(point.charges, 0, atol=1e-3)
    [work] = tmp_path.iterdir()
    (work / "full.out").unlink()
    assert level.single_point(hydrogen).energy == point.energy
    assert not (work / "full.out").exists()  # read, not computed again


@needs_cp2k
def test_cp2k_goes_on_after_a_kill_and_from_a_torn_wavefunction(anchors, tmp_path):
    hydrogen = anchors["h2"]
    script = (
        "import sys; from ase import Atoms; from ase_bimetal.lab.labels import cp2k\n"
        f"cp2k.solve(Atoms('H2', {hydrogen.positions.tolist()}), 1, {str(tmp_path)!r})\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    while not list(tmp_path.glob("*/full.out")):
        assert child.poll() is None, "ended before it could be killed"
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    [work] = tmp_path.iterdir()
    assert not (work / "solution.json").exists()
    (work / "job-RESTART.wfn").write_bytes(b"torn")
    found, wavefunction = cp2k.solve(hydrogen, 1, tmp_path)
    assert found.energy == pytest.approx(hydrogen.info["energy_pbe_eV"], abs=0.002)
    assert wavefunction.exists()


@needs_cp2k
@pytest.mark.heavy
def test_cp2k_reproduces_an_anchor(anchors, tmp_path):
    gold = anchors["PCl_Au"]
    energy = get_level("cp2k-pbe", tmp_path).single_point(gold).energy
    assert abs(energy - gold.info["energy_pbe_eV"]) / as_system(gold).n_metals < 0.005


@needs_cp2k
@pytest.mark.heavy
def test_cp2k_relaxes_and_prefers_the_right_spin(tmp_path):
    level = get_level("cp2k-pbe", tmp_path)
    relaxed = level.relax(Atoms("N2", [[0, 0, 0], [0, 0, 1.16]]), fmax=0.05)
    assert relaxed.get_distance(0, 1) == pytest.approx(1.12, abs=0.01)  # this basis; 1.10 with a large one
    carbon = {m: level.single_point(Atoms("C"), m).energy for m in (1, 3)}
    assert carbon[3] < carbon[1] - 0.5


@needs_cp2k
@pytest.mark.heavy
@pytest.mark.parametrize(("symbol", "ground", "excited"), [("Mn", 6, 4), ("Fe", 5, 3)])
def test_the_coarse_start_finds_the_ground_state_of_a_3d_atom(tmp_path, symbol, ground, excited):
    low, high = (cp2k.estimate(Atoms(symbol), multiplicity, tmp_path) for multiplicity in (ground, excited))
    assert 0.3 < high - low < 3.5  # 1.9 and 0.9 eV on the full grid


def test_the_work_folder_is_the_users_cache_by_default():
    maker = get_level("cp2k-pbe").makers[0][1]
    assert isinstance(maker.keywords["folder"], Path)
    assert maker.keywords["folder"].name == "cp2k"
