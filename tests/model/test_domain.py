"""Where an object leaves what a model was trained on, and what that does to its uncertainty."""

from dataclasses import replace

import pytest

from ase_bimetal.ligands import LIGAND_NAMES, Ligand
from ase_bimetal.model.card import CorrectionsCard
from ase_bimetal.model.checkpoint import load_checkpoint
from ase_bimetal.model.domain import (
    describe_domain,
    flags,
    network_deviation,
    standard_deviation,
    stoichiometry,
    unseen,
)
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.motifs import Prototype
from ase_bimetal.system import as_system


@pytest.fixture(scope="module")
def card():
    return load_checkpoint().card


@pytest.fixture(scope="module")
def known():
    return as_system(assemble(Prototype("Au4M2", "Pd", {"thiolate": "SMe"})))


def test_a_training_cluster_is_inside(known, card):
    assert unseen(known, card.domain) == []
    assert not any("never seen" in flag for flag in flags(known, card))


def test_a_new_ligand_and_a_new_kind_of_cluster_are_named_and_widen(known, card):
    inside = network_deviation(known, 0.02, card)
    odd = as_system(assemble(Prototype("Au4M2", "Pd", {"thiolate": "SCCC"})))
    assert unseen(odd, card.domain) == ["unseen_ligand"]
    assert "ligand never seen in training: SnPr" in flags(odd, card)
    found = network_deviation(odd, 0.02, card)
    assert found == pytest.approx(card.deviations.outside["unseen_ligand"], abs=1e-5) and found > inside
    atoms = assemble(Prototype("M@Au8", "Pd", {"phosphine": "SMe", "halide": "SMe"}))
    assert unseen(as_system(atoms), card.domain) == ["unseen_family"]
    assert "kind of cluster never seen in training: 9 metals, 8 S-X" in flags(as_system(atoms), card)


def test_names_of_ligands_do_not_make_them_known(card):
    known = {name for name in LIGAND_NAMES if Ligand.parse(name).smiles in card.domain.ligands}
    assert {"SMe", "PET", "SAdm", "TBBT", "PPh3", "C≡CPh", "Cp*", "Cl"} <= known
    assert not known & {"SC12H25", "glutathione", "captopril", "BINAP", "IMes"}


def test_an_element_with_few_density_functional_energies_is_named(known, card):
    level = card.level_difference
    thin = replace(card, level_difference=replace(level, counts={**level.counts, "Pd": 2}))
    assert "fewer than 3 density-functional energies for Pd (2)" in flags(known, thin)
    assert not any("fewer than" in flag for flag in flags(known, card))


def test_an_element_without_correction_widens_a_model_on_own_data(card):
    zirconium = as_system(assemble(Prototype("Au4M2", "Zr", {"thiolate": "SMe"})))
    assert "unseen_element" in unseen(zirconium, card.domain)
    own = replace(card, level_difference=None, corrections=CorrectionsCard({"Au": 0.1}, 1.5))
    expected = (card.deviations.outside["unseen_element"] ** 2 + (1.5 / 3) ** 2) ** 0.5
    assert standard_deviation(zirconium, 0.0, own) == pytest.approx(expected)


def test_an_ignored_charge_widens_to_the_worst_that_is_new(known, card):
    ion = known.to_atoms()
    ion.info["charge"] = 1
    system = as_system(ion, charge="ignore")
    assert unseen(system, card.domain) == ["unseen_charge"]
    worst = max(card.deviations.outside.values())
    assert network_deviation(system, 0.02, card) == pytest.approx(worst, abs=1e-5)
    assert worst > network_deviation(known, 0.02, card)


def test_network_and_level_add_up_as_independent_errors(known, card):
    network, scale = network_deviation(known, 0.02, card), card.level_difference.scale
    expected = scale * (network**2 + 0.3**2) ** 0.5
    assert standard_deviation(known, 0.02, card, 0.3) == pytest.approx(expected)


def test_more_spread_in_the_ensemble_is_more_uncertainty(known, card):
    assert standard_deviation(known, 0.5, card) > standard_deviation(known, 0.01, card)


def test_the_domain_of_one_system_is_itself(known):
    domain = describe_domain([known], ["Au4M2"])
    assert domain.stoichiometries == (stoichiometry(known),) == ("6 metals, 8 S-X",)
    assert domain.n_metals == (6, 6) and domain.ligands_per_metal == (8 / 6, 8 / 6)
    assert unseen(known, domain) == []
