"""The graph-only network: invariances, learning, resuming, weights, prediction, attention."""

import shutil
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import torch
from ase import Atoms
from torch_geometric.data import Batch
from torch_geometric.nn import NNConv

from ase_bimetal import load_example, predict
from ase_bimetal.errors import MissingDataError, UnsupportedElementError, UnsupportedSystemError, WeightsError
from ase_bimetal.lab.gcnn import attention
from ase_bimetal.lab.gcnn import fit as gcnn_fit
from ase_bimetal.lab.gcnn.training import (
    GCNNModule,
    GCNNOptions,
    SizeBatches,
    labelled_graph,
    train_network,
)
from ase_bimetal.lab.labels.dataset import LabelSet, load_labels
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, load_checkpoint, model_name, resolve
from ase_bimetal.model.gcnn import (
    EDGE_CUTOFF,
    GCNN,
    GCNNConfig,
    SharedEdgeConvolution,
    cluster_graph,
    evaluate_graphs,
)
from ase_bimetal.model.gcnn_model import GRAPH_MODEL, GraphModel
from ase_bimetal.model.interface import Failure
from ase_bimetal.model.symmetry_functions import SYMMETRY_FUNCTIONS, symmetry_functions
from ase_bimetal.system import as_system

EXAMPLE = "Au4Pd2(PET)8"
SMALL = GCNNConfig(width=16, n_filters=4, n_steps=2, n_readouts=2)


@lru_cache(1)
def shipped_labels() -> LabelSet:
    return load_labels()


@pytest.fixture(scope="module")
def example() -> Atoms:
    return load_example(EXAMPLE)


@pytest.fixture(scope="module")
def model() -> GraphModel:
    return GraphModel.load()


@pytest.fixture(scope="module")
def labelled() -> list:
    """Six parents with six dopants."""
    rows = shipped_labels().frame.query("family == 'Au4M2' and kind == 'parent'")
    rows = rows[rows.prototype.str.endswith("SMe")].head(6)
    return [labelled_graph(as_system(row.atoms), row.formation_energy) for row in rows.itertuples()]


def energy_and_attention(model: GraphModel, atoms: Atoms) -> tuple[float, np.ndarray]:
    return predict([atoms], model=GRAPH_MODEL)[0].formation_energy_per_metal, model.attention(atoms)


def test_rotation_and_translation_change_nothing(model, example):
    moved = example.copy()
    moved.rotate(37, (1, 2, 3))
    moved.translate([3.0, -5.0, 11.0])
    (energy, seen), (again, seen_again) = (energy_and_attention(model, atoms) for atoms in (example, moved))
    assert again == pytest.approx(energy, abs=1e-5)
    assert np.allclose(seen, seen_again, atol=1e-5, equal_nan=True)


def test_order_of_atoms_changes_nothing(model, example):
    order = np.random.default_rng(3).permutation(len(example))
    mixed = example[order]
    mixed.info = example.info
    (energy, seen), (again, seen_again) = (energy_and_attention(model, atoms) for atoms in (example, mixed))
    assert again == pytest.approx(energy, abs=1e-5)
    assert np.allclose(seen[order], seen_again, atol=1e-5, equal_nan=True)


def test_company_changes_nothing(model, example):
    other = shipped_labels().frame.query("family == 'Au4M2-capped'").atoms.iloc[0]
    alone = predict([example], model=GRAPH_MODEL)[0].formation_energy_per_metal
    assert predict([other, example], model=GRAPH_MODEL)[1].formation_energy_per_metal == pytest.approx(alone, abs=1e-5)


def test_structure_and_element_do_matter(model, example):
    stretched, exchanged = example.copy(), example.copy()
    stretched.positions[as_system(example).metals] *= 1.05
    exchanged.symbols[np.flatnonzero(example.symbols == "Pd")] = "Ag"
    found = predict([example, stretched, exchanged], model=GRAPH_MODEL)
    values = [item.formation_energy_per_metal for item in found]
    assert min(abs(values[0] - values[1]), abs(values[0] - values[2])) > 1e-3


def test_energy_is_smooth_where_an_edge_ends(model):
    bonded = as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]))

    def energy(distance: float) -> float:
        # No door lets two atoms so far apart in; the network must be smooth all the same.
        pair = replace(bonded, positions=np.array([[0, 0, 0], [0, 0, distance]]))
        return float(model.network(cluster_graph(pair)).energy)

    inside, outside = energy(EDGE_CUTOFF - 1e-3), energy(EDGE_CUTOFF + 1e-3)
    assert inside == pytest.approx(outside, abs=1e-4) and abs(energy(3.0) - outside) > 1e-3


def test_the_short_way_equals_nnconv(example):
    torch.manual_seed(0)
    config = GCNNConfig(width=6, n_filters=3)
    network, graph = GCNN(config), cluster_graph(as_system(example))
    convolution = network.convolution
    # The same edge network as NNConv wants it: one matrix per edge, the last layer linear and without bias.
    matrices = torch.nn.Linear(3, 36, bias=False)
    long_way = NNConv(6, 6, matrices, aggr="add")
    matrices.weight.data = convolution.mix.weight.data.reshape(6, 3, 6).permute(2, 0, 1).reshape(36, 3)
    long_way.lin.weight.data, long_way.bias.data = convolution.root.weight.data, convolution.root.bias.data
    states, per_edge = torch.randn(graph.num_nodes, 6), torch.randn(graph.num_edges, 3)
    dense = torch.zeros(graph.num_nodes, 3, graph.num_nodes)
    source, target = graph.edge_index
    dense[target, :, source] = per_edge
    short = convolution(states[None], dense.reshape(1, -1, graph.num_nodes))[0]
    assert isinstance(convolution, SharedEdgeConvolution)
    assert torch.allclose(short, long_way(states, graph.edge_index, per_edge), atol=1e-4)


def test_it_learns_a_few_samples(labelled):
    options = GCNNOptions(epochs=120, batch_size=3, property_noise=0.0, learning_rate=1e-2)
    network, scale = train_network(labelled, labelled, options, SMALL, seed=1)
    truth = np.array([float(graph.y) for graph in labelled])
    found, _ = evaluate_graphs(network, labelled, scale.mean, scale.std)
    assert np.abs(found - truth).mean() < 0.1 * np.abs(truth - truth.mean()).mean()


def test_symmetry_functions_are_learnt_too(labelled):
    def error(weight: float) -> float:
        options = GCNNOptions(epochs=80, batch_size=3, symmetry_weight=weight, property_noise=0.0)
        network, scale = train_network(labelled, labelled, options, SMALL, seed=1)
        batch = Batch.from_data_list(labelled)
        truth = (batch.symmetry - scale.symmetry_mean) / scale.symmetry_std
        return float((network(batch).symmetry - truth).abs().mean())

    assert error(1.0) < 0.75 * error(0.0)


def test_an_interrupted_training_goes_on(labelled, tmp_path, monkeypatch):
    options, seen = GCNNOptions(epochs=4, batch_size=3), []
    finish = GCNNModule.on_validation_epoch_end

    def stop_in_the_third(module: GCNNModule) -> None:
        if len(seen) == 2:
            raise RuntimeError("power cut")
        seen.append(module.current_epoch)
        finish(module)

    monkeypatch.setattr(GCNNModule, "on_validation_epoch_end", stop_in_the_third)
    with pytest.raises(RuntimeError, match="power cut"):
        train_network(labelled, labelled, options, SMALL, seed=1, folder=tmp_path)
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert (kept["epoch"], seen) == (1, [0, 1])

    def count(module: GCNNModule) -> None:
        seen.append(module.current_epoch)
        finish(module)

    monkeypatch.setattr(GCNNModule, "on_validation_epoch_end", count)
    train_network(labelled, labelled, options, SMALL, seed=1, folder=tmp_path)
    assert seen == [0, 1, 2, 3]
    done = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert done["best_error"] <= kept["best_error"]


def test_batches_hold_every_row_once():
    sizes = np.random.default_rng(0).integers(5, 50, 103)
    batches = list(SizeBatches(sizes, 8, seed=0))
    assert sorted(i for batch in batches for i in batch) == list(range(103)) and len(batches) == 13
    assert np.mean([np.ptp(sizes[batch]) for batch in batches]) < 0.5 * np.ptp(sizes)


def test_symmetry_functions_of_a_right_angle():
    metals = Atoms("AuPdAg", [[0, 0, 0], [2.5, 0, 0], [0, 2.5, 0]])
    values = symmetry_functions(as_system(metals), np.arange(3))
    found = dict(zip(SYMMETRY_FUNCTIONS, values[0], strict=True))
    assert found["G2 metal 2.5 Å"] == pytest.approx(2 * 0.5)
    across = 2.5 * np.sqrt(2)
    fade = np.prod([0.5 * (np.cos(np.pi * r / 4.0) + 1) for r in (2.5, 2.5, across)])
    assert found["G4 ζ=1 λ=+1"] == pytest.approx(np.exp(-0.01 * (2 * 2.5**2 + across**2)) * fade)
    assert found["G4 ζ=4 λ=+1"] == pytest.approx(found["G4 ζ=1 λ=+1"] / 8)
    turned = metals.copy()
    turned.rotate(50, (1, 1, 1))
    assert np.allclose(symmetry_functions(as_system(turned), np.arange(3)), values)


def test_stratified_rows_take_every_prototype():
    frame = shipped_labels().frame
    n = frame.prototype.nunique() + 20
    rows = gcnn_fit.stratified(frame, np.arange(len(frame)), n)
    assert len(set(rows)) == n and set(frame.prototype.iloc[rows]) == set(frame.prototype)
    assert set(gcnn_fit.stratified(frame, np.arange(50), 300)) == set(range(50))


def test_prediction_names_level_and_model(model, example):
    [found] = predict([example], model=GRAPH_MODEL)
    assert found.model == model_name(model.card)
    assert (found.level, found.reference_state, found.n_metals) == ("PBE-referenced GFN1-xTB", "dimer", 6)
    assert found.energy == pytest.approx(6 * found.formation_energy_per_metal)


def test_what_it_was_not_made_for_is_refused(model, example):
    system = as_system(example)
    core = example[system.metals]
    core.info = example.info
    with pytest.raises(MissingDataError, match="coordinates"):
        predict([core], model=GRAPH_MODEL)
    with pytest.raises(UnsupportedSystemError):
        predict([Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]])], model=GRAPH_MODEL)
    found = predict([core, example], model=GRAPH_MODEL, errors="collect")
    assert isinstance(found[0], Failure) and found[1].n_metals == 6
    with pytest.raises(ValueError, match="collect"):
        predict([example], model=GRAPH_MODEL, errors="ignore")


def test_an_element_without_code_is_named():
    alloy = as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]))
    strange = replace(alloy, symbols=("Au", "Pd", "Te"), positions=np.eye(3) * 3)
    with pytest.raises(UnsupportedElementError, match="atom 2: no code for Te"):
        cluster_graph(strange)


def test_altered_or_foreign_weights_are_refused(tmp_path):
    copied = shutil.copytree(resolve(GRAPH_MODEL), tmp_path / "model")
    raw = bytearray((copied / "weights.safetensors").read_bytes())
    raw[-1] ^= 1
    (copied / "weights.safetensors").write_bytes(raw)
    with pytest.raises(WeightsError, match="sha256"):
        GraphModel.load(copied)
    with pytest.raises(WeightsError, match="no graph-only model"):
        GraphModel.load(DEFAULT_MODEL)
    with pytest.raises(WeightsError, match="no multimodal model"):
        load_checkpoint(GRAPH_MODEL)
    assert {path.suffix for path in resolve(GRAPH_MODEL).iterdir()} == {".json", ".safetensors"}


def test_a_small_training_writes_a_whole_card(tmp_path):
    labels = shipped_labels()
    rows = labels.frame.query("prototype.str.endswith('SMe') and family == 'Au4M2' and amplitude < 0.02")
    some = replace(labels, frame=rows.groupby("dopant").head(8).reset_index(drop=True))
    plan = gcnn_fit.FitPlan(rows=40, validation_rows=8, fold_rows=20, fold_epochs=1, dopants=("Pd",))
    options = GCNNOptions(epochs=1)
    written = gcnn_fit.train_graph_model(some, tmp_path / "out", tmp_path / "work", options, plan, SMALL)
    loaded = GraphModel.load(tmp_path / "out")
    assert loaded.card.metrics == written.metrics and loaded.card.data.used == 40
    assert loaded.predict([as_system(load_example(EXAMPLE))])[0].level == loaded.card.level


def test_attention_is_between_zero_and_one_and_absent_on_hydrogen(model, example):
    values = attention.atom_attention(example, model=model)
    hydrogen = np.array(example.symbols) == "H"
    assert np.isnan(values[hydrogen]).all() and ((values[~hydrogen] > 0) & (values[~hydrogen] < 1)).all()
    assert model.attention(example).shape == (len(example), 7)
    assert np.allclose(values, model.attention(example).mean(axis=1), equal_nan=True)


def test_tables_of_attention(model):
    rows = shipped_labels().frame.head(4)
    values = [attention.atom_attention(atoms, model=model) for atoms in rows.atoms]
    table = attention.attention_table([as_system(atoms) for atoms in rows.atoms], values)
    summary = attention.attention_by_kind(table)
    assert summary.loc["metal", "count"] == rows.n_metals.sum()
    assert summary.loc["S", "mean"] == pytest.approx(table[table.kind == "S"].attention.mean())
    assert table[table.kind == "S"].donor.all() and not table[table.kind == "C"].donor.any()
    ligands = attention.ligand_table(rows, values)
    metal_charge = sum(q[a.arrays["fragment"] == 0].sum() for a, q in zip(rows.atoms, rows.charges, strict=True))
    assert ligands.charge.sum() == pytest.approx(-metal_charge, abs=0.02)
    assert ligands.groupby("id").size().tolist() == [8] * 4


def test_correlation_counts_electrons_taken_as_positive():
    made_up = pd.DataFrame(
        {
            "formula": ["A"] * 3 + ["B"] * 3,
            "mean": [1.0, 2, 3, 11, 12, 13],
            "sum": [3.0, 2, 1, 3, 2, 1],
            "charge": [-0.1, -0.2, -0.3, -0.1, -0.2, -0.3],
        }
    )
    found = attention.charge_correlation(made_up)
    assert found["mean within a formula"] == 1.0 and found["sum"] == -1.0 and 0 < found["mean"] < 0.5


def test_pictures_show_what_they_are_given(model, example):
    from matplotlib.figure import Figure

    left, middle, right = Figure(figsize=(12, 4)).subplots(1, 3)
    values = attention.atom_attention(example, model=model)
    attention.draw_attention(example, values, left, "title")
    assert len(left.patches) == np.isfinite(values).sum() and left.get_title() == "title"
    table = attention.attention_table([as_system(example)], [values])
    attention.attention_bars(middle, attention.attention_by_kind(table))
    assert [tick.get_text() for tick in middle.get_xticklabels()] == ["metal", "S", "C"]
    ligands = attention.ligand_table(shipped_labels().frame.head(1), [values])
    attention.attention_against_charge(right, ligands)
    assert len(right.collections[0].get_offsets()) == 8


def test_shipped_weights_give_the_recorded_value(model, example):
    card = model.card
    assert card.limits and card.data.used <= 2500
    assert {"metal", "S", "P", "C"} <= set(card.attention["kinds"])
    recorded = card.check["formation_energy_per_metal"]
    assert card.check["example"] == EXAMPLE and -4.5 < recorded < -2
    assert predict([example], model=GRAPH_MODEL)[0].formation_energy_per_metal == pytest.approx(recorded, abs=2e-4)
