"""One interface for every model: by name, in a batch, with failures in their place."""

import pytest
from ase import Atoms
from ase.build import fcc111
from pymatgen.core import Composition

from ase_bimetal import check_model, get_model, list_models, load_example, predict
from ase_bimetal.errors import (
    FormulaError,
    ModelError,
    OptionError,
    ReferenceStateError,
    UnsupportedSystemError,
    WeightsError,
)
from ase_bimetal.model.interface import Failure, FormationModel, Prediction, describe
from ase_bimetal.system import as_system


@pytest.fixture
def cluster():
    return load_example("Au4Pd2(PET)8")


@pytest.fixture(scope="module")
def slab():
    atoms = fcc111("Cu", (2, 2, 3), vacuum=8.0)
    atoms.symbols[0] = "Pt"
    return atoms


class Constant(FormationModel):
    """One's own model: minus two for a cluster; `twist` breaks one promise."""

    def __init__(self, twist=""):
        self.twist = twist

    name = "constant@00000000"
    level = "made up"

    def predict(self, systems, reference_state="dimer"):
        out = []
        for system in systems:
            if system.kind != "cluster" and self.twist != "guess":
                out.append(Failure(UnsupportedSystemError("no cluster")))
                continue
            std = 0.0 if self.twist == "std" else 0.1
            energy = -2.0 - 0.1 * len(systems) if self.twist == "batch" else -2.0
            name = "other@0" if self.twist == "name" else self.name
            out.append(
                Prediction(
                    **describe(system),
                    formation_energy_per_metal=energy,
                    formation_energy_std=std,
                    reference_state=reference_state,
                    level=self.level,
                    model=name,
                    flags=(),
                )
            )
        return out[:-1] if self.twist == "short" else out


@pytest.mark.parametrize("name", [model.name for model in list_models()])
def test_shipped_models_keep_the_promises(name, cluster, slab):
    model = get_model(name)
    check_model(model, [as_system(cluster), as_system(slab)])
    assert model.name.startswith(f"{name}@")
    [found] = predict([cluster], model=name)
    assert found.model == model.name
    assert found.energy == pytest.approx(6 * found.formation_energy_per_metal)


def test_ones_own_model_is_checked(cluster, slab):
    systems = [as_system(cluster), as_system(slab)]
    check_model(Constant(), systems)
    for twist, words in [
        ("std", "standard deviation"),
        ("name", "another model"),
        ("batch", "in a batch"),
        ("short", "gave 1 results"),
    ]:
        with pytest.raises(ModelError, match=words):
            check_model(Constant(twist), systems)


def test_auto_takes_the_model_that_covers_each_object(cluster, slab):
    by_name = [predict([cluster], model="mml-gfn1-pbe")[0], predict([slab], model="descriptor-forest")[0]]
    chain = Atoms("Au4", [[3.0 * k, 0, 0] for k in range(4)])
    found = predict([cluster, slab, chain], errors="collect")
    assert [item.model for item in found[:2]] == [item.model for item in by_name]
    assert [item.formation_energy_per_metal for item in found[:2]] == pytest.approx(
        [item.formation_energy_per_metal for item in by_name], abs=1e-6
    )
    assert isinstance(found[2], Failure) and "exactly two" in found[2].reason
    again = predict([cluster, slab, chain], model="auto", errors="collect")
    assert again[:2] == found[:2] and again[2].reason == found[2].reason


def test_auto_is_the_default_and_says_when_it_is_not_the_first_model(cluster, slab):
    [alone], [by_name] = predict(cluster), predict(cluster, model="mml-gfn1-pbe")
    assert alone == by_name and alone.flags == ()
    assert predict(slab)[0].flags[0] == (
        "predicted by descriptor-forest: mml-gfn1-pbe does not cover this object (no cluster with ligands)"
    )
    core = cluster[[symbol in ("Au", "Pd") for symbol in cluster.symbols]]
    core.info = {}
    assert "annotate ligands in atoms.info['ligand_smiles']" in predict(core)[0].flags[0]
    cluster.symbols[cluster.symbols == "Pd"] = "La"
    [coarse] = predict(cluster)
    assert coarse.model.startswith("descriptor-forest") and "(ligand-protected Au, La)" in coarse.flags[0]


def test_what_no_model_covers_says_what_the_nearest_one_says(cluster):
    tin = cluster.copy()
    tin.symbols[tin.symbols == "Pd"] = "Sn"
    formula = Composition("Au4Pd2S8C64H72")
    for item, words in ((tin, "Sn is not a d-block element"), (formula, "no metal core to read")):
        ligands = {"PET": 8} if item is formula else None
        [found], [named] = (
            predict(item, model=name, ligands=ligands, errors="collect") for name in ("auto", "mml-gfn1-pbe")
        )
        assert words in found.reason and found.reason == named.reason


def test_the_interval_is_symmetric_unless_given(cluster):
    [found] = predict([cluster])
    low, high = found.formation_energy_interval
    assert high - low == pytest.approx(2 * 1.645 * found.formation_energy_std)
    assert Prediction.from_dict(found.as_dict()) == found
    [coarse] = predict([cluster], model="descriptor-forest")
    assert coarse.formation_energy_interval[0] < coarse.formation_energy_per_metal


def test_wrong_names_and_reference_states_are_refused(cluster):
    with pytest.raises(WeightsError, match="no model 'mlm'"):
        predict([cluster], model="mlm")
    with pytest.raises(ReferenceStateError, match="against the dimer alone"):
        predict([cluster], model="descriptor-forest", reference_state="hydride")
    with pytest.raises(OptionError, match="did you mean 'reference_state'"):
        predict([cluster], reference="hydride")
    hydride = predict([cluster], model="gcnn-gfn1-pbe", reference_state="hydride")[0].formation_energy_per_metal
    assert hydride != pytest.approx(predict([cluster], model="gcnn-gfn1-pbe")[0].formation_energy_per_metal, abs=0.1)


def test_one_object_or_a_formula_is_taken_as_meant(cluster):
    [alone] = predict(cluster)
    assert alone == predict([cluster])[0] == predict(as_system(cluster))[0]
    [relaxed] = predict("Au4Pd2(PET)8")  # bundled, so nothing is added
    assert relaxed.formation_energy_per_metal == pytest.approx(alone.formation_energy_per_metal, abs=1e-6)
    [built] = predict("Au4Pt2(SMe)8")
    low, high = built.formation_energy_interval
    assert high - low == pytest.approx(2 * 1.645 * built.formation_energy_std)
    assert built.formation_energy_std > 0.1 and "not relaxed" in built.flags[0]
    with pytest.raises(FormulaError, match="looks like a file"):
        predict("cluster.xyz")
