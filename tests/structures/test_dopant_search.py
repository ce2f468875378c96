"""Enumeration against counting theory and pymatgen's matcher; Monte Carlo against enumeration."""

from itertools import combinations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.cluster import Icosahedron
from ase.io import read
from ase.optimize import BFGS
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.io.ase import AseAtomsAdaptor

from ase_bimetal import MMLFormationCalculator
from ase_bimetal.errors import SearchError
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.dopant_search import (
    distinct_placements,
    rank_placements,
    search_placements,
    symmetry_images,
)
from ase_bimetal.structures.motifs import Prototype

SHELL = {"PMe3": 8, "Cl": 4}


@pytest.fixture
def icosahedron():
    """Au13 with a centre, annotated with the ligands of M@Au12(PMe3)8Cl4."""
    core = Prototype("M@Au12", "Au", {"phosphine": "PMe3", "halide": "Cl"}).core()
    atoms = Atoms(core.symbols, core.positions)
    atoms.info["ligand_smiles"] = dict(SHELL)
    return atoms


@pytest.fixture
def crystal():
    return bulk("Au", cubic=True) * (2, 2, 2)


def burnside(images, count):
    """Number of distinct ways to mark `count` sites: the mean number of markings that an operation leaves."""
    kept = [
        sum(set(image[list(chosen)]) == set(chosen) for chosen in combinations(range(images.shape[1]), count))
        for image in images
    ]
    return np.mean(kept)


def test_an_icosahedron_has_120_operations_that_keep_distances(icosahedron):
    images = symmetry_images(icosahedron)
    assert len(images) == 120
    distances = icosahedron.get_all_distances()
    for image in images:
        assert np.allclose(distances[np.ix_(image, image)], distances, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_placements_are_as_many_as_counting_theory_says(count, icosahedron):
    found = distinct_placements(icosahedron, "Pd", count)
    assert len(found) == {1: 2, 2: 4, 3: 8}[count] == burnside(symmetry_images(icosahedron), count)
    assert all(atoms.symbols.count("Pd") == count for atoms in found)
    assert found[0].info["ligand_smiles"] == SHELL and "Pd" not in icosahedron.symbols


def test_the_matcher_of_pymatgen_finds_the_same_classes_in_a_crystal(crystal):
    pairs = []
    for chosen in combinations(range(len(crystal)), 2):
        doped = crystal.copy()
        doped.symbols[list(chosen)] = "Pd"
        pairs.append(AseAtomsAdaptor.get_structure(doped))
    found = [AseAtomsAdaptor.get_structure(atoms) for atoms in distinct_placements(crystal, "Pd", 2)]
    matcher = StructureMatcher(primitive_cell=False)
    assert len(matcher.group_structures(found)) == len(found) == 5
    assert all(any(matcher.fit(pair, one) for one in found) for pair in pairs[::40])


def test_ligands_in_the_coordinates_make_sites_distinct(cluster):
    # The bare Au4Pd2 core has one kind of Au; its thiolates leave a two-fold axis through both Pd.
    bare = cluster[[atom.index for atom in cluster if atom.symbol in ("Au", "Pd")]]
    assert len(distinct_placements(cluster, "Cu", 1)) == 4
    assert len(distinct_placements(bare, "Cu", 1)) < 4


def test_sites_restrict_the_placements(icosahedron):
    [surface] = distinct_placements(icosahedron, "Pd", 1, sites=range(1, 13))
    assert surface.symbols[0] == "Au"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_search_finds_what_enumeration_finds(count, icosahedron):
    calculator = MMLFormationCalculator()
    ranked = rank_placements(distinct_placements(icosahedron, "Pd", count), calculator)
    start = icosahedron.copy()
    start.symbols[list(range(5, 5 + count))] = "Pd"
    found = search_placements(start, calculator, steps=150, seed=3)
    assert ranked[0].energy == min(placement.energy for placement in ranked)
    # Symmetry-equal placements differ by the rounding of the network's 32-bit numbers.
    assert found.best.energy == pytest.approx(ranked[0].energy, abs=1e-4)
    assert found.best.energy == min(found.history) < found.history[0]
    assert len(found.history) == 151 and 0 < found.accepted <= 150 and found.evaluations <= 286
    assert list(start.symbols[5 : 5 + count]) == ["Pd"] * count


@pytest.mark.parametrize("dopant", ["Pd", "Pt"])
def test_palladium_and_platinum_sit_in_the_centre(dopant):
    # As crystallography and density-functional theory find for M@Au24(SR)18.
    whole = assemble(Prototype("M@Au12", "Au", {"phosphine": "PMe3", "halide": "Cl"}))
    ranked = rank_placements(distinct_placements(whole, dopant), MMLFormationCalculator())
    assert len(ranked) == 13 and ranked[0].atoms.symbols[0] == dopant


def test_any_calculator_and_a_relaxation_serve():
    chain = Atoms("AuCu5", [[2.5 * i, 0, 0] for i in range(6)])

    def relax(atoms):
        atoms.calc = EMT()
        BFGS(atoms, logfile=None).run(fmax=0.05, steps=50)
        return atoms

    every = []
    for place in range(6):
        doped = chain.copy()
        doped.symbols = ["Cu"] * 6
        doped.symbols[place] = "Au"
        every.append(doped)
    rigid, relaxed = rank_placements(every, EMT())[0], rank_placements(every, EMT(), relax)[0]
    assert relaxed.energy < rigid.energy
    assert search_placements(chain, EMT(), 30, relax=relax).best.energy == pytest.approx(relaxed.energy, abs=1e-6)


def test_equal_seeds_walk_alike_and_the_trajectory_holds_the_walk(tmp_path):
    chain = Atoms("Au2Cu4", [[2.6 * i, 0, 0] for i in range(6)])
    one, two = (search_placements(chain, EMT(), 40, seed=5, trajectory=tmp_path / f"{n}.traj") for n in range(2))
    other = search_placements(chain, EMT(), 40, seed=6)
    assert one.history == two.history != other.history
    frames = read(tmp_path / "0.traj", ":")
    assert len(frames) == 1 + one.accepted
    assert min(frame.get_potential_energy() for frame in frames) == one.best.energy
    assert all(frame.symbols.count("Au") == 2 for frame in frames)


def test_the_walk_samples_boltzmann_at_a_fixed_temperature():
    """Two levels 50 meV apart at 500 K: the share of the lower one follows from their weights."""
    chain = Atoms("AuCu3", [[2.6 * i, 0, 0] for i in range(4)])
    energies = {}
    for place in range(4):
        doped = chain.copy()
        doped.symbols = ["Cu"] * 4
        doped.symbols[place] = "Au"
        doped.calc = EMT()
        energies[place] = doped.get_potential_energy()
    ends, inner = energies[0], energies[1]
    kT = abs(ends - inner) / np.log(4)
    from ase import units

    found = search_placements(chain, EMT(), 4000, temperatures=(kT / units.kB,) * 2, seed=2)
    share = np.mean(np.isclose(found.history, min(ends, inner), atol=1e-6))
    assert share == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda atoms: distinct_placements(atoms, "Pd", 14), "14 dopants on 13 sites"),
        (lambda atoms: distinct_placements(atoms * 1, "Pd", 1, sites=[99]), "99"),
        (lambda atoms: search_placements(atoms, EMT()), "only Au"),
        (lambda atoms: search_placements(Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]]), EMT(), temperatures=(0, 1)), "0 K"),
        (lambda atoms: distinct_placements(bulk("Au", cubic=True) * (3, 3, 3), "Pd", 5), "Use search_placements"),
        (lambda atoms: symmetry_images(Atoms("Au2", [[0, 0, 0], [0, 0, 3]], cell=[9, 9, 9], pbc=(1, 1, 0))), "one or"),
    ],
)
def test_what_cannot_be_searched_is_an_error(call, reason, icosahedron):
    with pytest.raises(SearchError, match=reason):
        call(icosahedron)


class Anew(MMLFormationCalculator):
    """The same model, asked for every placement by itself."""

    energies_on_sites = get_energies = None


def test_a_search_by_what_changes_equals_one_that_reads_everything_anew(cluster):
    """The walk, its energies and its end are the same, with ligands in the coordinates and three elements."""
    cluster.symbols[0] = "Ag"
    cluster.rattle(0.02, seed=0)  # no two placements alike by symmetry, between which rounding would decide
    fast, slow = (
        search_placements(cluster, calc(), steps=25, temperatures=(30_000, 3000), seed=3)
        for calc in (MMLFormationCalculator, Anew)
    )
    assert fast.history == pytest.approx(slow.history, abs=1e-6 * 6)
    assert str(fast.best.atoms.symbols) == str(slow.best.atoms.symbols)
    assert (fast.accepted, fast.evaluations) == (slow.accepted, slow.evaluations)
    assert len(set(fast.history)) > 3


def test_energies_on_sites_are_those_of_a_fresh_prediction(icosahedron):
    """Also for elements that no swap would bring, one after the other on the same filters."""
    evaluate = MMLFormationCalculator().energies_on_sites(icosahedron, range(13))
    rng = np.random.default_rng(0)
    for _ in range(6):
        symbols = rng.choice(["Au", "Pd", "Ni", "Ag"], size=13).tolist()
        placed = icosahedron.copy()
        placed.symbols[:] = symbols
        fresh = Anew().get_property("energy", placed)
        assert evaluate(symbols) == pytest.approx(fresh, abs=1e-6 * 13)


def test_placements_ranked_together_have_the_energies_of_each(icosahedron):
    placements = distinct_placements(icosahedron, "Pd", 2)
    together, apart = (rank_placements(placements, calc()) for calc in (MMLFormationCalculator, Anew))
    assert [p.energy for p in together] == pytest.approx([p.energy for p in apart], abs=1e-6 * 13)
    assert [str(p.atoms.symbols) for p in together] == [str(p.atoms.symbols) for p in apart]


def test_a_long_walk_over_many_sites_stays_with_fresh_predictions():
    """Swaps in a core where most atoms are out of each other's reach, across the point where all is computed anew."""
    core = Icosahedron("Au", 5)
    core.symbols[::9] = "Pd"
    core.rattle(0.05, seed=0)
    atoms = Atoms(core.symbols, core.positions, info={"ligand_smiles": {"SMe": 90}})
    evaluate = MMLFormationCalculator().energies_on_sites(atoms, range(len(atoms)))
    symbols, rng = list(atoms.symbols), np.random.default_rng(1)
    for step in range(130):
        first = rng.integers(len(symbols))
        second = rng.choice([i for i, symbol in enumerate(symbols) if symbol != symbols[first]])
        symbols[first], symbols[second] = symbols[second], symbols[first]
        energy = evaluate(symbols)
        if step % 16 == 0 or step in (99, 100, 101, 102):
            atoms.symbols[:] = symbols
            fresh = Anew().get_property("energy", atoms.copy())
            assert energy == pytest.approx(fresh, abs=1e-6 * len(atoms))
    assert evaluate(symbols) == energy
