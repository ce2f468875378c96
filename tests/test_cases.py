"""Small files as crystallographers and modellers have them: what comes out of each."""

import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import read

from ase_bimetal import predict
from ase_bimetal.errors import (
    GeometryError,
    LigandMismatchError,
    PerceptionError,
    SeveralClustersError,
    UnsupportedSystemError,
)
from ase_bimetal.ligands import Ligand
from ase_bimetal.system import BimetallicSystem, as_system, split_clusters

CASES = Path(__file__).parent / "cases"


def case(name: str) -> Atoms:
    return read(CASES / name)


@pytest.mark.parametrize(
    ("name", "ligands", "donors"),
    [
        ("Au4Pd2_SeMe8.xyz", {"SeMe": 8}, {"Se"}),
        ("selenophenolate.extxyz", {"SePh": 2}, {"Se"}),
        ("thiourea_S.extxyz", {"NC(N)=S": 2}, {"S"}),
        ("thiocyanate_S.extxyz", {"[S-]C#N": 2}, {"S"}),
        ("cyanide_C.extxyz", {"[C-]#N": 2}, {"C"}),
        ("nitrate_O.extxyz", {"[O-][N+](=O)[O-]": 2}, {"O"}),
        ("formamidinate_like_amidinate.extxyz", {"CN=C(C)[N-]C": 2}, {"N"}),
        ("bare_H_on_core.xyz", {"SMe": 8, "hydride": 1}, {"S", "H"}),
        ("molecular_phen_CuAu.xyz", {"c1cnc2c(c1)ccc1cccnc12": 1, "Cl": 2}, {"N", "Cl"}),
        ("molecular_dppz_CuAu.xyz", {"c1ccc2nc3c4cccnc4c4ncccc4c3nc2c1": 1, "Cl": 2}, {"N", "Cl"}),
        ("Z1_Au4Pd2_SMe8.cif", {"SMe": 8}, {"S"}),
    ],
)
def test_ligands_and_the_atoms_they_bind_through(name, ligands, donors):
    system = as_system(case(name))
    assert system.ligand_counts == {Ligand.parse(text).smiles: n for text, n in ligands.items()}
    assert {system.symbols[i] for i in system.donors} == donors
    assert (system.kind, system.ligand_source) == ("cluster", "perception")


def on_two_gold_atoms(donor: str, rest: str, positions: list[list[float]]) -> Atoms:
    """A ligand of four or fewer atoms on each of two gold atoms, the first 2.3 Å (S) or 2.0 Å away from it."""
    reach = 2.3 if donor == "S" else 2.0
    ligand = Atoms(donor + rest, [[0, 0, 0], *positions])
    other = ligand.copy()
    ligand.translate([0, 0, reach])
    other.positions[:, 2] *= -1
    other.translate([0, 0, -2.7 - reach])
    return Atoms("AuPd", [[0, 0, 0], [0, 0, -2.7]]) + ligand + other


def test_thiocyanate_and_isothiocyanate_are_two_ligands():
    through_nitrogen = on_two_gold_atoms("N", "CS", [[0, 0, 1.18], [0, 0, 2.75]])
    system = as_system(through_nitrogen)
    assert system.ligand_counts == {"N=C=S": 2}
    assert {system.symbols[i] for i in system.donors} == {"N"}
    assert as_system(case("thiocyanate_S.extxyz")).ligand_counts == {"N#CS": 2}


def flat_anthraquinone_thiolate() -> Atoms:
    """9,10-Anthraquinone-1-thiolate on gold: its S beside a C=O, whose tautomer would bind through O."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    mol = Chem.AddHs(Chem.MolFromSmiles("O=C1c2ccccc2C(=O)c2c(S)cccc21"))
    AllChem.EmbedMolecule(mol, randomSeed=3)
    AllChem.MMFFOptimizeMolecule(mol)
    atoms = Atoms([a.GetSymbol() for a in mol.GetAtoms()], mol.GetConformer().GetPositions())
    sulfur = atoms.symbols.search("S")[0]
    hydrogen = min(atoms.symbols.search("H"), key=lambda i: atoms.get_distance(sulfur, i))
    away = atoms.positions[hydrogen] - atoms.positions[sulfur]
    gold = atoms.positions[sulfur] + 2.3 * away / np.linalg.norm(away)
    del atoms[hydrogen]
    return atoms + Atoms("Au", [gold])


def test_the_donor_that_touches_the_metal_rules_out_a_tautomer():
    system = as_system(flat_anthraquinone_thiolate())
    assert system.ligand_counts == {Ligand.parse("O=C1c2ccccc2C(=O)c2c(S)cccc21").smiles: 1}
    assert [ligand.donor for ligand, _ in system.ligands] == ["S"]


@pytest.mark.parametrize("name", ["dppm", "dppe"])
def test_a_diphosphine_is_one_ligand_with_two_donors(name, chelate):
    system = as_system(chelate(name))
    assert [(ligand.name, ligand.denticity, n) for ligand, n in system.ligands] == [(name, 2, 1)]
    assert [system.symbols[i] for i in system.donors] == ["P", "P"]


def test_a_dithiolate_is_one_ligand_with_two_bonds(chelate):
    system = as_system(chelate("[S-]c1cccc([S-])c1"))
    assert system.ligand_counts == {"[S-]c1cccc([S-])c1": 1}
    assert [system.symbols[i] for i in system.donors] == ["S", "S"]
    bound_once = as_system(Atoms("Au2", [[0, 0, 0], [0, 0, 2.7]]), ligands={"Sc1cccc(S)c1": 4})
    bound_twice = as_system(Atoms("Au2", [[0, 0, 0], [0, 0, 2.7]]), ligands={"[S-]c1cccc([S-])c1": 4})
    once, twice = (result.formation_energy_per_metal for result in predict([bound_once, bound_twice]))
    assert twice < once - 0.3


def test_a_hydride_is_known_and_beside_thiolates_a_new_kind_of_cluster():
    [found] = predict([case("bare_H_on_core.xyz")])
    assert found.formation_energy_std > 0.15
    assert "kind of cluster never seen in training: 6 metals, 1 H-X, 8 S-X" in found.flags
    assert not any("ligand never seen" in flag for flag in found.flags)


@pytest.mark.parametrize(
    ("name", "note", "n_atoms"),
    [
        ("counterion_BF4.xyz", "1 × BF4 (at B46)", 46),
        ("methanol_solvent_far.extxyz", "1 × CH4O (at C12)", 12),
        ("lattice_water_O_without_H.cif", "1 × O (at O46)", 46),
        ("unbound_PH3.xyz", "1 × H3P (at P46)", 46),
        ("unbound_CH3CN.xyz", "1 × C2H3N (at C46)", 46),
    ],
)
def test_what_is_not_bound_is_left_out_and_said(name, note, n_atoms):
    system = as_system(case(name))
    assert (set(system.ligand_counts), system.kind, len(system.symbols)) == ({"CS"}, "cluster", n_atoms)
    assert f"left out, more than a bond away from any metal: {note}" == system.notes[0]
    again = BimetallicSystem.from_dict(system.as_dict())
    assert (again.notes, again.content_key()) == (system.notes, system.content_key())


def test_the_number_is_that_of_the_cluster_alone_with_a_flag():
    alone, with_solvent, with_ion = predict(
        [case("unbound_PH3.xyz")[:46], case("unbound_PH3.xyz"), case("counterion_BF4.xyz")]
    )
    for result in (with_solvent, with_ion):
        assert result.formation_energy_per_metal == pytest.approx(alone.formation_energy_per_metal, abs=1e-5)
    assert any("left out" in flag for flag in with_solvent.flags)
    assert any("charge +1" in flag for flag in with_ion.flags)
    assert not any("left out" in flag for flag in alone.flags)


def test_an_annotation_may_leave_the_solvent_out_but_not_count_it():
    atoms = case("unbound_PH3.xyz")
    system = as_system(atoms, {"SMe": 8})
    assert system.ligand_counts == {"CS": 8} and "1 × H3P" in system.notes[0]
    with pytest.raises(PerceptionError, match=r"atom 46 \(P, of H3P\) belongs to the ligands given"):
        as_system(atoms, {"SMe": 8, "PH3": 1})
    with pytest.raises(LigandMismatchError):
        as_system(atoms, {"SMe": 7, "PH3": 1})


def test_two_clusters_in_a_cell_are_two_systems():
    with pytest.raises(SeveralClustersError, match=r"2 separate clusters \(2 × C8H24Au4Pd2S8\).*split_clusters"):
        as_system(case("Z2_Au4Pd2_SMe8.cif"))
    systems = split_clusters(case("Z2_Au4Pd2_SMe8.cif"))
    [single] = split_clusters(case("Z1_Au4Pd2_SMe8.cif"))
    assert [s.composition_metals for s in systems] == [{"Au": 4, "Pd": 2}] * 2
    energies = [result.formation_energy_per_metal for result in predict([*systems, single])]
    assert energies[:2] == pytest.approx([energies[2]] * 2, abs=1e-5)


def test_ligands_given_for_a_whole_cell_must_fit_all_its_clusters():
    cell = case("Z2_Au4Pd2_SMe8.cif")
    assert [s.ligand_counts for s in split_clusters(cell, {"SMe": 16})] == [{"CS": 8}] * 2
    with pytest.raises(LigandMismatchError, match="2 clusters together"):
        split_clusters(cell, {"SMe": 15, "SEt": 1})
    with pytest.raises(SeveralClustersError):
        as_system(cell, {"SMe": 16})


def test_two_atoms_apart_are_no_particle():
    with pytest.raises(SeveralClustersError, match="1 × Au, 1 × Pt"):
        as_system(case("pair_AuPt_6A.extxyz"))
    assert [s.metal_symbols for s in split_clusters(case("pair_AuPt_6A.extxyz"))] == [("Au",), ("Pt",)]


@pytest.mark.parametrize("name", ["dimer_AuAg.extxyz", "dimer_AuNi.extxyz", "dimer_AuPt.extxyz"])
def test_a_dimer_is_a_bare_molecule(name):
    system = as_system(case(name))
    assert (system.kind, system.n_metals) == ("alloy", 2)
    assert system.notes == ("a bare molecule or particle of 2 metal atoms, not a solid alloy",)


def test_a_molecular_complex_is_named():
    for name in ("molecular_dppz_CuAu.xyz", "molecular_phen_CuAu.xyz"):
        assert as_system(case(name)).notes == ("a molecular complex of 2 metal atoms, without a metal core",)


def test_a_core_given_in_pieces_is_noted():
    assert as_system(case("core_scaled_1.0.extxyz")).notes == ()
    assert as_system(case("core_scaled_4.0.extxyz")).notes == (
        "the metal core is in 6 pieces, each further than a bond from the others",
    )


@pytest.mark.parametrize("name", ["AuPd_on_alumina.extxyz", "AuPd_on_alumina_CO.extxyz"])
def test_the_cations_of_an_oxide_are_no_core(name):
    system = as_system(case(name))
    assert (system.kind, system.composition_metals, system.notes) == ("extended", {"Au": 1, "Pd": 1}, ())


def rutile(symbol: str, **changed: str) -> Atoms:
    """Rutile, 2 × 2 × 3 cells, with some of its 24 cations changed."""
    from ase.spacegroup import crystal

    atoms = crystal(
        [symbol, "O"], [(0, 0, 0), (0.305, 0.305, 0)], spacegroup=136, cellpar=[4.594, 4.594, 2.959, 90, 90, 90]
    ) * (2, 2, 3)
    for place, other in changed.items():
        atoms.symbols[atoms.symbols.search(symbol)[int(place[1:])]] = other
    return atoms


def test_metal_on_or_in_titania():
    on_top = rutile("Ti")
    on_top.center(vacuum=8.0, axis=2)
    top = on_top.positions[:, 2].max()
    on_top += Atoms("AuPd", [[4.6, 4.6, top + 2.1], [4.6, 7.2, top + 2.1]])
    assert as_system(on_top).composition_metals == {"Au": 1, "Pd": 1}
    assert as_system(rutile("Ti", i0="Ir", i5="Cu")).composition_metals == {"Ir": 1, "Cu": 1}
    assert as_system(rutile("Ti", i0="V")).composition_metals == {"Ti": 23, "V": 1}  # a doped oxide


@pytest.mark.parametrize("name", ["slab_CuPd_CO.extxyz", "slab_CuPd_H.extxyz"])
def test_a_slab_with_an_adsorbate_is_no_cluster(name):
    system = as_system(case(name))
    assert (system.kind, system.ligands, system.n_metals) == ("extended", (), 12)
    assert system.notes[0].startswith("a slab or solid metal with other atoms on or in it")
    [failure] = predict([system], model="mml-gfn1-pbe", errors="collect")
    assert "slab or solid metal" in failure.reason
    assert isinstance(failure.error, UnsupportedSystemError)
    [coarse] = predict([system])
    assert coarse.flags[0].startswith("predicted by descriptor-forest")
    assert "slab or solid metal" in coarse.flags[1] and coarse.formation_energy_std > 0.9
    assert coarse.reference_state == "isolated atoms, free adsorbates"
    assert any(flag.startswith("surroundings never seen in training: adsorbates") for flag in coarse.flags)
    assert "does not rank arrangements of one composition" in coarse.flags
    assert "no density-functional energy of Cu, Pd bound to adsorbates" in coarse.flags
    atoms = case(name)
    atoms.info["ligand_smiles"] = {"carbonyl": 1} if "CO" in name else {"hydride": 1}
    with pytest.raises(UnsupportedSystemError, match="slab or solid, and ligands are given"):
        as_system(atoms)


def test_a_chain_is_infinite():
    with pytest.raises(UnsupportedSystemError, match="chain or network without end"):
        as_system(case("polymer_AuAg_SH_chain.cif"))


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("no_hydrogens_Au4Pd2_SMe8.xyz", "C6, S7"),
        ("skeleton_Au4Pd2S8.xyz", "S6"),
        ("pMBA_carboxylate.extxyz", "S2, C3"),
        ("sulfate4_thiolate.extxyz", "S2, C3"),
    ],
)
def test_missing_hydrogens_are_said_with_the_way_out(name, where):
    start = time.process_time()
    with pytest.raises(PerceptionError, match=f"atoms {where}.*hydrogen atoms.*missing.*give the metal core alone"):
        as_system(case(name))
    assert time.process_time() - start < 3.0


def test_a_carbon_ring_without_hydrogens_is_not_read_as_a_cumulene():
    ring = molecule("C5H5N")
    nitrogen = ring.symbols.search("N")[0]
    away = ring.positions[nitrogen] - ring.positions.mean(axis=0)
    whole = ring + Atoms("Au", [ring.positions[nitrogen] + 2.1 * away / np.linalg.norm(away)])
    assert as_system(whole).ligand_counts == {"c1ccncc1": 1}
    with pytest.raises(PerceptionError, match="hydrogen atoms are missing"):
        as_system(whole[[i for i, s in enumerate(whole.symbols) if s != "H"]])


def test_half_occupied_hydrogens_are_said_through_ase_and_pymatgen():
    from pymatgen.io.cif import CifParser

    atoms = case("methyl_H_half_occupied.cif")
    words = r"site \d+ \(H 0.5\): hydrogen atoms are partly occupied.*give the metal core alone"
    with pytest.raises(GeometryError, match=words):
        as_system(atoms)
    [structure] = CifParser(CASES / "methyl_H_half_occupied.cif").parse_structures(primitive=False, on_error="ignore")
    with pytest.raises(GeometryError, match=words):
        as_system(structure)
    del atoms.info["occupancy"]
    with pytest.raises(PerceptionError, match="hydrogen atoms of a disordered group"):
        as_system(atoms)


def test_a_torn_ligand_is_no_solvent():
    atoms = case("Z1_Au4Pd2_SMe8.cif")
    carbon = atoms.symbols.search("C")[0]
    hydrogen = min(atoms.symbols.search("H"), key=lambda i: atoms.get_distance(carbon, i, mic=True))
    atoms.set_distance(carbon, hydrogen, 1.6, fix=0)
    with pytest.raises(PerceptionError, match=rf"atom {hydrogen} \(H\) is bonded to no metal and lies next to"):
        as_system(atoms)
    assert as_system(atoms, {"SMe": 8}).ligand_counts == {"CS": 8}


def test_the_descriptor_model_says_what_an_object_is():
    from ase_bimetal.model.forest import get_forest

    dimer = get_forest().estimate(as_system(case("dimer_AuAg.extxyz")))
    assert dimer.flags[0] == "a bare molecule or particle of 2 metal atoms, not a solid alloy"


@pytest.mark.parametrize("n", [2, 4, 5])
def test_a_bare_molecule_of_few_atoms_is_flagged_as_out_of_reach(n):
    corners = np.array([[0, 0, 0], [2.7, 0, 0], [0, 2.7, 0], [2.7, 2.7, 0], [1.35, 1.35, 1.9]])
    [found] = predict([Atoms(["Au", *["Ag"] * (n - 1)], corners[:n])])
    assert any("bare clusters of two to four atoms lay 1.3 eV/metal above" in flag for flag in found.flags) == (n < 5)
    assert "does not rank arrangements of one composition" in found.flags


def test_two_metals_far_apart_have_no_energy():
    [failure] = predict([Atoms("AuPt", [[0, 0, 0], [0, 0, 15.0]])], errors="collect")
    assert isinstance(failure.error, SeveralClustersError)


def test_two_compositions_in_a_cell_are_two_systems():
    cell = case("Z1_Au4Pd2_SMe8.cif") * (2, 1, 1)
    cell.symbols[cell.symbols.search("Pd")[2:]] = "Pt"
    with pytest.raises(SeveralClustersError, match="1 × C8H24Au4Pd2S8, 1 × C8H24Au4Pt2S8"):
        as_system(cell)
    found = split_clusters(cell)
    assert [s.composition_metals for s in found] == [{"Au": 4, "Pd": 2}, {"Au": 4, "Pt": 2}]
    assert [s.ligand_counts for s in found] == [{"CS": 8}] * 2


def test_a_chain_of_cyanides_is_infinite_through_both_doors():
    heights = [0.0, 2.0, 3.15, 5.15, 7.15, 8.3]
    chain = Atoms("AuCNAgCN", [[10, 10, z] for z in heights], cell=[20, 20, 10.3], pbc=True)
    for read_it in (as_system, split_clusters):
        with pytest.raises(UnsupportedSystemError, match="C2AgAuN2 is a chain or network without end"):
            read_it(chain)


@pytest.mark.parametrize("oxide", ["MgO", "CeO2", "anatase", "SiO2"])
def test_a_pair_on_other_oxides_is_the_core(oxide):
    from ase.build import bulk, surface
    from ase.spacegroup import crystal

    solids = {
        "MgO": lambda: bulk("MgO", "rocksalt", a=4.21, cubic=True),
        "CeO2": lambda: crystal(["Ce", "O"], [(0, 0, 0), (0.25,) * 3], spacegroup=225, cellpar=[5.41] * 3 + [90] * 3),
        "anatase": lambda: crystal(
            ["Ti", "O"], [(0, 0, 0), (0, 0, 0.208)], spacegroup=141, cellpar=[3.785, 3.785, 9.514, 90, 90, 90]
        ),
        "SiO2": lambda: crystal(
            ["Si", "O"],
            [(0.47, 0, 0), (0.414, 0.267, 0.119)],
            spacegroup=152,
            cellpar=[4.914, 4.914, 5.405, 90, 90, 120],
        ),
    }
    slab = surface(solids[oxide](), (1, 0, 1) if oxide == "anatase" else (0, 0, 1), 2, vacuum=8.0) * (2, 2, 1)
    slab.pbc = True
    middle, top = (slab.cell[0] + slab.cell[1]) / 2, slab.positions[:, 2].max()
    slab += Atoms("AuPd", [[middle[0], middle[1], top + 2.0], [middle[0] + 2.7, middle[1], top + 2.0]])
    system = as_system(slab)
    assert (system.kind, system.composition_metals) == ("extended", {"Au": 1, "Pd": 1})
