"""Geometry in front of a prediction: impossible ones refused, unusual ones flagged, real ones left alone."""

import json
import re
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.cluster import Icosahedron
from ase.io import read

from ase_bimetal import as_system, predict
from ase_bimetal.errors import BimetalError, GeometryError, LigandMismatchError, SeveralClustersError
from ase_bimetal.files import DATASETS
from ase_bimetal.geometry import close_metals, examine, require_plausible
from ase_bimetal.lab.labels.bond_lengths import measure
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.model.interface import Failure
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.motifs import Prototype
from ase_bimetal.trained_distances import TABLE


@pytest.fixture(scope="module")
def labels():
    return load_labels()


def test_the_table_is_measured_on_the_labels_that_ship(labels):
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert table["labels"] == labels.digest
    for kind, lengths in measure(labels.frame["atoms"].iloc[::200]).items():
        for name, (extreme, _) in lengths.items():
            bound = table[kind][name][0]
            assert extreme >= bound if kind == "closest" else extreme <= bound


def test_a_hydride_is_not_compared_with_hydrogen_atoms_of_ligands(labels):
    hydrides = [atoms for atoms in labels.frame["atoms"] if "[H][H]" in atoms.info["ligand_smiles"]]
    rows = [[i for i in as_system(atoms).donors if atoms.numbers[i] == 1] for atoms in hydrides]
    told = [
        text
        for atoms, own in zip(hydrides, rows, strict=True)
        for text in as_system(atoms).geometry.unusual
        if any(f"{i} (H)" in text for i in own)
    ]
    assert (len(hydrides), sum(map(len, rows)), len(told)) == (84, 204, 1)  # a rattled bond of 1.12 Å
    atoms, row = hydrides[0].copy(), rows[0][0]
    metals = np.flatnonzero(atoms.arrays["fragment"] == 0)
    bound = int(metals[atoms.get_distances(row, metals).argmin()])

    def at(length):
        atoms.set_distance(bound, row, length, fix=0)
        return as_system(atoms).geometry

    assert not any(f"{row} (H)" in text for text in at(1.60).unusual)
    assert any(f"{row} (H) are 1.08 Å apart" in text for text in at(1.08).unusual)
    assert f"{row} (H) are 0.85 Å apart" in at(0.85).impossible
    assert any(f"atom {row} (H) is coming off: 2.12 Å" in text for text in at(2.12).unusual)


def test_no_label_is_refused_and_few_are_flagged(labels):
    findings = [as_system(atoms).geometry for atoms in labels.frame["atoms"].iloc[::40]]
    assert [found.impossible for found in findings if found.impossible] == []
    assert np.mean([bool(found.unusual) for found in findings]) < 0.12


def test_a_shipped_cluster_has_nothing_unusual(cluster):
    assert examine(as_system(cluster)) == as_system(cluster).geometry
    assert as_system(cluster).geometry.impossible is None and as_system(cluster).geometry.unusual == ()


@pytest.mark.parametrize("name", ["StBu", "TBBT", "SAdm"])
def test_carbon_without_hydrogen_is_not_unusual(name):
    atoms = assemble(Prototype("Au4M2", "Pd", {"thiolate": name}))
    assert as_system(atoms).geometry.unusual == ()


def test_carbon_further_from_all_atoms_than_a_bond_is_unusual():
    atoms = assemble(Prototype("Au4M2", "Pd", {"thiolate": "StBu"}))
    distance = atoms.get_all_distances()
    carbons = np.flatnonzero(atoms.numbers == 6)
    bare = next(i for i in carbons if not (distance[i][atoms.numbers == 1] < 1.3).any())
    for methyl in carbons[(distance[bare, carbons] > 0) & (distance[bare, carbons] < 1.7)]:
        group = np.flatnonzero((distance[methyl] < 1.2) & (atoms.numbers != 16))
        away = atoms.positions[methyl] - atoms.positions[bare]
        atoms.positions[group] += 0.12 * away / np.linalg.norm(away)
    [told] = as_system(atoms).geometry.unusual
    assert told.startswith(f"atom {bare} (C) is 1.65 Å from its nearest atom; the model knows such atoms at up to 1.60")


@pytest.mark.parametrize(("scale", "reason"), [(0.7, "S. and 7 .C. are 1.27"), (1.5, "2.09 Å from its nearest atom")])
def test_a_cluster_scaled_too_far_is_refused(cluster, scale, reason):
    cluster.positions *= scale
    with pytest.raises(GeometryError, match=reason):
        predict([cluster])


@pytest.mark.parametrize(("scale", "what"), [(1.3, "4.18 Å from its nearest metal atom"), (0.66, "2.04 Å apart")])
def test_a_core_scaled_a_little_is_flagged(core, scale, what):
    core.positions *= scale
    [found] = predict([core])
    assert any(what in flag for flag in found.flags)


def test_a_core_pulled_apart_is_refused(core):
    core.positions *= 4
    with pytest.raises(GeometryError, match="nearest metal atom"):
        predict([core])


def test_a_ligand_pulled_off_is_refused_and_named(anchor):
    atoms = anchor("Pd")
    hydrogen = next(i for i, s in enumerate(atoms.symbols) if s == "H")
    sulfur = next(i for i, s in enumerate(atoms.symbols) if s == "S" and atoms.get_distance(i, hydrogen) < 1.5)
    shift = atoms.positions[sulfur] - atoms.positions.mean(axis=0)
    atoms.positions[[sulfur, hydrogen]] += 6 * shift / np.linalg.norm(shift)
    atoms.info["ligand_smiles"] = {"S": 8}
    with pytest.raises(BimetalError, match="parts|more than a bond away from any metal"):
        predict([atoms])


def test_elements_shuffled_over_positions_are_refused(cluster):
    rng = np.random.default_rng(0)
    for _ in range(20):
        shuffled = cluster.copy()
        shuffled.numbers = rng.permutation(shuffled.numbers)
        [found] = predict([shuffled], errors="collect")
        assert isinstance(found.error, BimetalError)


def shuffled(atoms):
    atoms.numbers = np.random.default_rng(0).permutation(atoms.numbers)


def rattled(atoms):
    atoms.rattle(0.5, seed=1)


def close_on_a_line(atoms):
    atoms.positions = np.outer(np.arange(len(atoms)), [0.5, 0, 0])


def far_on_a_line(atoms):
    atoms.positions = np.outer(np.arange(len(atoms)), [2.7, 0, 0])


def anywhere(atoms):
    atoms.positions = np.random.default_rng(0).uniform(0, 20, size=atoms.positions.shape)


def doubled(atoms):
    other = atoms.copy()
    other.positions += 100
    atoms.extend(other)


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (
            shuffled,
            SeveralClustersError,
            r"4 separate clusters \(1 × C6H4PdS, 1 × C9H2Au2S, 1 × C4H8AuPd, 1 × C7H4AuS2\)",
        ),
        (rattled, GeometryError, r"atoms 44 \(C\) and 53 \(H\) are 0.333 Å apart"),
        (close_on_a_line, GeometryError, r"atoms 0 \(Au\) and 1 \(Au\) are 0.50 Å apart; the model knows .* 2.20 Å"),
        (
            far_on_a_line,
            GeometryError,
            r"atom 7 \(C\) is 2.70 Å from its nearest atom; the model knows .* up to 1.60 Å",
        ),
        (anywhere, SeveralClustersError, "4 separate clusters"),
        (doubled, LigandMismatchError, "are C64H72S8 as bound, but the object holds C128H144S16"),
    ],
)
def test_a_damaged_cluster_is_refused_with_the_reason(damage, error, words, cluster):
    damage(cluster)
    with pytest.raises(error, match=words):
        predict([cluster])


def test_metals_pulled_apart_under_their_ligands_are_flagged_and_widen_the_interval(cluster):
    metals = [i for i, symbol in enumerate(cluster.symbols) if symbol in ("Au", "Pd")]
    [calm] = predict([cluster])
    cluster.positions[metals] *= 1.3
    [wide] = predict([cluster])
    assert any("atom 5 (Pd) is 4.18 Å from its nearest metal atom" in flag for flag in wide.flags)
    assert calm.formation_energy_std == pytest.approx(0.092, abs=0.005)
    assert wide.formation_energy_std == pytest.approx(0.166, abs=0.01)


def test_an_element_without_labels_is_compared_by_its_radius():
    with pytest.raises(GeometryError, match="1.50 Å"):
        require_plausible(as_system(Atoms("AuSc", [[0, 0, 0], [0, 0, 1.5]]), {"S": 1}))


def test_what_is_no_cluster_is_left_alone():
    assert examine(as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 1.0]]))).impossible is None


def gold_palladium(scale=1.0, repeats=2):
    atoms = bulk("Au", cubic=True) * repeats
    atoms.symbols[::4] = "Pd"
    atoms.set_cell(atoms.cell * scale, scale_atoms=True)
    return atoms


@pytest.mark.parametrize("model", ["auto", "descriptor-forest"])
def test_metals_of_a_crystal_that_are_too_close_are_flagged_and_then_refused(model):
    """At 0.66 and 0.52 times the sum of the covalent radii; gold and palladium are at 1.05."""
    whole, flagged, refused = (gold_palladium(scale) for scale in (1.0, 0.63, 0.5))
    [calm], [close] = predict([whole], model=model), predict([flagged], model=model)
    assert not any("metal atoms" in flag for flag in calm.flags)
    [told] = [flag for flag in close.flags if "metal atoms" in flag]
    assert re.fullmatch(
        r"metal atoms \d+ \(Pd\) and \d+ \((Au|Pd)\) are 1.82 Å apart; hardly any label has metals "
        r"closer than 1.9\d Å",
        told,
    )
    assert close.formation_energy_std > 1.5 * calm.formation_energy_std
    with pytest.raises(GeometryError, match=r"metal atoms \d+ .* are 1.44 Å apart; allowed: at least 1.6\d Å"):
        predict([refused], model=model)


def test_a_crystal_or_particle_shaken_hard_is_refused():
    particle = Icosahedron("Au", 3)
    particle.symbols[::4] = "Pd"
    for atoms in (gold_palladium(), particle):
        atoms.rattle(1.0, seed=1)
        with pytest.raises(GeometryError, match="apart; allowed: at least"):
            predict([atoms])


def test_labels_without_ligands_are_not_refused_and_hardly_flagged():
    told = [close_metals(as_system(atoms)) for atoms in load_hosts().frame["atoms"]]
    assert (len(told), sum(map(len, told))) == (948, 9)


def test_the_check_is_fast(anchor):
    system = as_system(anchor("Pd"))
    examine(system)

    def duration():
        start = time.process_time()
        for _ in range(50):
            examine(system)
        return (time.process_time() - start) / 50

    assert min(duration() for _ in range(5)) < 1e-3  # 0.2 ms on a quiet machine


@pytest.mark.parametrize("annotated", [True, False])
def test_a_ligand_that_comes_off_is_flagged_and_then_refused(annotated):
    [start] = [a for a in read(DATASETS / "anchors.extxyz", ":") if a.info["name"] == "Au4M2(SH)8_Ag"]
    sulfur = start.symbols.search("S")[0]
    group = [sulfur, min(start.symbols.search("H"), key=lambda i: start.get_distance(sulfur, i))]
    away = start.positions[sulfur] - start.positions.mean(axis=0)
    away /= np.linalg.norm(away)

    def words_at(distance):
        atoms = Atoms(start.symbols, start.positions, info={"ligand_smiles": {"SH": 8}} if annotated else {})
        atoms.positions[group] += distance * away
        [found] = predict([atoms], errors="collect")
        return found.reason if isinstance(found, Failure) else " ".join(["a number", *found.flags])

    # At 1.25, 1.35, 1.5 and 1.55 times the covalent radii of silver and sulfur, 2.50 Å, each way is another.
    bound, long, half, close, free = (words_at(step) for step in (0.6, 0.95, 1.4, 1.8, 2.0))
    assert "a number" in bound and "coming off" not in bound
    assert "a number" in long and f"the ligand of atom {sulfur} (S) is coming off" in long
    assert f"the ligand of atom {sulfur} (S) is neither bound nor free" in half and "up to 3.38 Å" in half
    if annotated:
        assert "belongs to the ligands given" in close and "belongs to the ligands given" in free
    else:
        assert f"atom {sulfur} (S, of HS) is neither bound nor free" in close
        assert "left out" in free and "a number" in free


def test_the_last_contact_of_a_ligand_goes_on_without_a_jump():
    """The energy changed by 25 to 210 meV/metal where a donor's last contact ended at 1.25 radii."""
    start = Atoms(
        "AuPdSHSH",
        [[0, 0, 0], [0, 0, 2.7], [0, 0, -2.3], [1.3, 0, -2.6], [0, 0, 5.0], [1.3, 0, 5.3]],
        info={"ligand_smiles": {"SH": 2}},
    )

    def at(distance):
        atoms = start.copy()
        atoms.positions[2:4, 2] -= distance - 2.3
        return atoms

    end = 1.25 * (1.36 + 1.05)
    below, above = predict([at(end - 1e-4), at(end + 1e-4)])
    assert abs(below.formation_energy_per_metal - above.formation_energy_per_metal) < 1e-3
    with pytest.raises(GeometryError, match="neither bound nor free"):
        predict([at(1.36 * (1.36 + 1.05))])


def test_a_donor_beside_another_ligand_is_missed_too():
    """Each phosphorus atom must be a donor, even where it comes close to a thiolate that is one."""
    atoms = Atoms(
        "AuPdSHPHHH",
        [
            [0, 0, 0],
            [0, 0, 2.7],
            [0, 0, -2.3],
            [1.3, 0, -2.6],
            [0, -2.4, -2.41],
            [0, -3.8, -2.5],
            [1.2, -2.9, -3.0],
            [-1.2, -2.9, -3.0],
        ],
        info={"ligand_smiles": {"SH": 1, "PH3": 1}},
    )
    with pytest.raises(GeometryError, match=r"atom 4 \(P\) is neither bound nor free"):
        predict([atoms])
