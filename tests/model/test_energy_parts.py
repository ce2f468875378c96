"""What a prediction is made of, and the labelled cluster nearest to an object."""

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal import as_system, load_example
from ase_bimetal.errors import ModelError, ReferenceStateError, UnsupportedSystemError
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.energy_parts import EnergyParts, energy_parts
from ase_bimetal.model.interface import FormationModel
from ase_bimetal.model.nearest import labelled_clusters, nearest_labelled
from ase_bimetal.model.predictor import get_predictor, level_shift
from ase_bimetal.model.registry import get_model
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.motifs import Prototype


@pytest.mark.parametrize("reference_state", ["dimer", "hydride", "radical"])
def test_parts_add_up_to_the_prediction(reference_state):
    model, system = get_predictor(), as_system(load_example("Au4Pd2(PET)8"))
    parts, [found] = energy_parts(model, system, reference_state), model.predict([system], reference_state)
    assert parts.total == pytest.approx(found.formation_energy_per_metal, abs=1e-9)
    assert parts.learned + parts.level == pytest.approx(model.predict([system])[0].formation_energy_per_metal, abs=1e-9)
    assert parts.level == pytest.approx(level_shift(system, model.card).value, abs=1e-6)
    assert [[parts.learned], [parts.learned_std]] == pytest.approx(np.array(model.label_level([system])), abs=1e-9)
    assert (parts.source, parts.labels) == ("networks", "GFN1-xTB")
    assert parts.scale == model.card.level_difference.scale != 1


def test_networks_are_asked_once(monkeypatch):
    model, asked = get_predictor(), []
    energies = model._energies
    monkeypatch.setattr(model, "_energies", lambda encoded: asked.append(len(encoded)) or energies(encoded))
    energy_parts(model, as_system(load_example("Au4Pd2(PET)8")), "hydride")
    assert asked == [1]


def test_auto_takes_apart_with_the_model_that_covers_the_object():
    model, cluster = get_model("auto"), as_system(load_example("Au4Pd2(PET)8"))
    assert energy_parts(model, cluster, "radical") == energy_parts(get_predictor(), cluster, "radical")
    particle = as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]))
    assert energy_parts(model, particle) == energy_parts(get_model("descriptor-forest"), particle)


@pytest.mark.parametrize(
    "atoms", [load_example("Au4Pd2(PET)8"), Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]])], ids=["ligands", "bare particle"]
)
def test_the_forest_has_no_step_for_its_labels_are_on_the_level_themselves(atoms):
    forest, system = get_model("descriptor-forest"), as_system(atoms)
    parts, [found] = energy_parts(forest, system), forest.predict([system])
    assert parts.total == pytest.approx(found.formation_energy_per_metal, abs=1e-9)
    assert (parts.labels, parts.level) == (found.level, 0.0)
    assert (parts.source, parts.reference_state, parts.scale) == ("forest", 0.0, 1.0)
    assert 0 < parts.learned_std < found.formation_energy_std
    with pytest.raises(ReferenceStateError):
        energy_parts(forest, system, "hydride")


def test_another_model_is_told_what_can_be_taken_apart():
    class Other(FormationModel):
        name, level = "other@12345678", "none"

        def predict(self, systems, reference_state="dimer"):
            return []

    with pytest.raises(ModelError, match="other@12345678 does not say.*Use model='auto'"):
        energy_parts(Other(), as_system(load_example("Au4Pd2(PET)8")))


def test_what_cannot_be_predicted_cannot_be_taken_apart():
    system = as_system(load_example("Au4Pd2(PET)8"))
    with pytest.raises(ReferenceStateError):
        energy_parts(get_predictor(), system, "bound_shell")
    with pytest.raises(UnsupportedSystemError):
        energy_parts(get_predictor(), as_system("Au4Pd2"))


def test_parts_are_a_plain_sum():
    assert EnergyParts("networks", "GFN1-xTB", -4.0, 0.1, 1.0, 0.5, -0.25).total == -3.75


def test_every_labelled_cluster_has_the_formula_of_its_prototype():
    clusters = {cluster.prototype: cluster for cluster in labelled_clusters()}
    assert len(clusters) == len(labelled_clusters()) > 300
    formulas = {name: (cluster.core, cluster.shell) for name, cluster in clusters.items()}
    assert formulas["Au4M2-Pd-SMe"] == ("Au4Pd2", "8 SMe")
    assert formulas["M@Au8-Re-PH3-C≡CH"] == ("Au8Re", "2 C≡CH + 6 PH3")
    assert formulas["Au6M2-Cp-Hg-PH3-Br-Cp"] == ("Au6Hg2", "2 Br + 4 PH3 + 2 Cp")
    assert formulas["M13-Ag-in-Au-random-30-PMe3-Cl"] == ("Au9Ag4", "4 Cl + 8 PMe3")
    for name in ("Au4M2-Pd-SMe", "M@Au24-centre-Hg-SH"):
        family, dopant, ligand = name.rsplit("-", 2)
        system = as_system(assemble(Prototype(family, dopant, {"thiolate": ligand})))
        assert dict(system.composition_metals) == dict(clusters[name].metals)
        assert dict(system.ligands) == dict(clusters[name].ligands)


@pytest.mark.parametrize(
    ("family", "dopant", "ligand", "prototype", "words"),
    [
        ("Au4M2", "Pd", "SMe", "Au4M2-Pd-SMe", "same formula"),
        ("Au4M2", "Pd", "SC12H25", None, "differs in ligands"),
        ("Au4M2", "Mo", "SMe", None, "differs in metals"),
        ("M@Au24-centre", "Hg", "SH", "M@Au24-centre-Hg-SH", "same formula"),
    ],
)
def test_the_nearest_labelled_cluster(family, dopant, ligand, prototype, words):
    system = as_system(assemble(Prototype(family, dopant, {"thiolate": ligand})))
    found = nearest_labelled(system)
    assert found.difference == words and found.cluster.motif.startswith(family[:5])
    assert found.cluster.n_metals == system.n_metals
    assert prototype in (None, found.cluster.prototype)
    if words == "differs in ligands":
        assert dict(found.cluster.metals) == {"Au": 4, "Pd": 2}
        assert {ligand.donor for ligand, _ in found.cluster.ligands} == {Ligand.parse(ligand).donor}
