"""One's own energies become rows, models and honest uncertainties; what cannot be used is named with its reason."""

import json

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import read, write

from ase_bimetal.errors import FileFormatError, MissingDataError, WeightsError
from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels.corrections import ANCHORS, fragment_table
from ase_bimetal.lab.training.own_data import Columns, fitted_energies, load_own_data, read_fragment_energies
from ase_bimetal.system import as_system

FRAMES = read(ANCHORS, ":")
CLUSTERS = [frame for frame in FRAMES if frame.info["name"].startswith("Au4M2(SH)8_")][:8]
LEVEL = "PBE/DZVP"


@pytest.fixture(scope="module")
def fragment_energies(tmp_path_factory):
    """PBE fragment energies as the user would write them, ligands by SMILES."""
    content = json.loads(json.dumps(fragment_table(FRAMES, "energy_pbe_eV")))
    path = tmp_path_factory.mktemp("fragments") / "refs.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def rows():
    """Clusters with their total energies as calculator results."""
    found = []
    for frame in CLUSTERS:
        atoms = frame.copy()
        atoms.info = {}
        atoms.calc = SinglePointCalculator(atoms, energy=float(frame.info["energy_pbe_eV"]))
        found.append(atoms)
    return found


def expected(fragment_energies):
    table = read_fragment_energies(fragment_energies)
    systems = [as_system(frame) for frame in CLUSTERS]
    return [
        formation_energy(frame.info["energy_pbe_eV"], s.metal_symbols, s.ligand_counts, table)
        for frame, s in zip(CLUSTERS, systems, strict=True)
    ]


def as_extxyz(rows, folder):
    write(folder / "mine.extxyz", rows)
    return folder / "mine.extxyz"


def as_database(rows, folder):
    with connect(folder / "mine.db") as database:
        for atoms in rows:
            database.write(atoms)
    return folder / "mine.db"


def as_table(rows, folder):
    lines = ["file,energy,ligands"]
    for k, atoms in enumerate(rows):
        write(folder / f"{k}.xyz", atoms, plain=True)
        lines.append(f"{k}.xyz,{atoms.get_potential_energy()},S:8")
    (folder / "mine.csv").write_text("\n".join(lines) + "\n")
    return folder / "mine.csv"


@pytest.mark.parametrize("written", [as_extxyz, as_database, as_table])
def test_every_kind_of_file_gives_the_same_formation_energies(written, rows, fragment_energies, tmp_path):
    own = load_own_data(written(rows, tmp_path), LEVEL, fragment_energies=fragment_energies)
    assert own.left_out == () and own.level == LEVEL
    assert own.frame.formation_energy.tolist() == pytest.approx(expected(fragment_energies), abs=1e-5)


def test_bad_rows_are_named_and_the_rest_stays(rows, fragment_energies, tmp_path):
    charged, bare, silent, strange = rows[0].copy(), rows[1].copy(), rows[2].copy(), rows[3].copy()
    charged.info["charge"] = 1
    bare = bare[[atom.symbol in ("Au", "Pd") for atom in bare]]
    for atoms, energy in ((charged, -1.0), (bare, -1.0), (strange, -1.0)):
        atoms.calc = SinglePointCalculator(atoms, energy=energy)
    path = as_extxyz([*rows, charged, bare, silent, strange], tmp_path)
    own = load_own_data(path, LEVEL, fragment_energies=fragment_energies)
    assert len(own.frame) == len(rows)
    reasons = [item.reason for item in own.left_out]
    assert [reason.split(": ")[:2] for reason in reasons] == [
        ["mine.extxyz@8", "ChargedSystemError"],
        ["mine.extxyz@9", "UnsupportedSystemError"],
        ["mine.extxyz@10", "MissingDataError"],
        ["mine.extxyz@11", "LevelError"],
    ]
    assert "no 'energy'" in reasons[2] and "eV/metal" in reasons[3]


def test_a_formation_energy_can_be_given_itself(rows, tmp_path):
    for k, atoms in enumerate(rows):
        atoms.info["mine"] = -3.0 - k / 10
    own = load_own_data(as_extxyz(rows, tmp_path), LEVEL, Columns(formation_energy="mine"))
    assert own.frame.formation_energy.tolist() == pytest.approx([-3.0 - k / 10 for k in range(8)])


def test_a_missing_fragment_energy_is_told_apart_from_a_missing_row(rows, fragment_energies, tmp_path):
    content = json.loads(fragment_energies.read_text())
    del content["atoms"]["Pd"]
    (tmp_path / "less.json").write_text(json.dumps(content))
    own = load_own_data(as_extxyz(rows, tmp_path), LEVEL, fragment_energies=tmp_path / "less.json")
    assert ["isolated atom Pd" in item.reason for item in own.left_out] == [True]


def test_files_without_what_is_needed_are_refused(rows, tmp_path):
    (tmp_path / "mine.csv").write_text("path,energy\nx,1\n")
    with pytest.raises(FileFormatError, match="lacks the columns file; it has path, energy"):
        load_own_data(tmp_path / "mine.csv", LEVEL)
    (tmp_path / "refs.json").write_text('{"atoms": {}}')
    with pytest.raises(FileFormatError, match="lacks ligands"):
        read_fragment_energies(tmp_path / "refs.json")
    with pytest.raises(MissingDataError, match="too few to fit"):
        load_own_data(as_extxyz(rows, tmp_path), LEVEL)


class Row:
    """What fitting fragment energies reads of a row."""

    def __init__(self, metals, ligands, value):
        self.value = value
        self.system = type(
            "System", (), {"composition_metals": metals, "ligand_counts": ligands, "n_metals": sum(metals.values())}
        )()


def test_fitted_fragment_energies_leave_what_composition_cannot_say():
    rng = np.random.default_rng(0)
    true = {"Au": -3000.0, "Ag": -4000.0, "CS": -500.0}
    bound = rng.normal(scale=0.2, size=20)
    rows = [
        Row({"Au": 6 - n, "Ag": n}, {"CS": m}, (6 - n) * true["Au"] + n * true["Ag"] + m * true["CS"] + 6 * bound[k])
        for k, (n, m) in enumerate(zip(rng.integers(1, 5, 20), rng.integers(6, 10, 20), strict=True))
    ]
    lonely = Row({"Pd": 2}, {"CS": 2}, -9000.0)
    values, fragment_energies = fitted_energies([*rows, lonely])
    assert isinstance(values[-1], MissingDataError)
    assert fragment_energies["Ag"] - fragment_energies["Au"] == pytest.approx(-1000.0, abs=0.5)
    assert np.std(values[:-1]) < 0.25
    shifted, _ = fitted_energies([*rows, lonely], zero=lambda systems: np.full(len(systems), -3.0))
    assert np.array(shifted[:-1]) == pytest.approx(np.array(values[:-1]) - 3.0, abs=1e-3)


@pytest.fixture(scope="module")
def tuned(fragment_energies, tmp_path_factory):
    """A model fine-tuned for two epochs on some of the shipped anchors."""
    from ase_bimetal.lab.training.fine_tune import FINE_TUNING, OwnOptions
    from ase_bimetal.lab.training.own_model import train_own_model

    folder = tmp_path_factory.mktemp("tuned")
    others = [frame for frame in FRAMES if frame.info["kind"] == "anchor" and frame not in CLUSTERS]
    write(folder / "anchors.extxyz", [*CLUSTERS, *others[::4]])
    own = load_own_data(folder / "anchors.extxyz", LEVEL, Columns("energy_pbe_eV"), fragment_energies)
    options = OwnOptions(_short(FINE_TUNING), keep_shift=False)
    card = train_own_model(own, folder / "mine", "mml-gfn1-pbe", options)
    return folder / "mine", card, own


def _short(training):
    from dataclasses import replace

    return replace(training, epochs=2)


def test_a_fine_tuned_folder_is_a_model_like_any_other(tuned, anchor):
    from ase_bimetal.calculators import MMLFormationCalculator

    folder, card, own = tuned
    atoms = anchor("Pd")
    atoms.calc = MMLFormationCalculator(model=str(folder))
    energy = atoms.get_potential_energy()
    assert np.isfinite(energy) and atoms.calc.results["level"] == LEVEL
    assert atoms.calc.results["model"].startswith("mine@")
    truth = own.frame.formation_energy[[a.symbols.count("Pd") == 2 for a in own.frame.atoms]].iloc[0]
    assert abs(energy / 6 - truth) < 3 * 1.645 * atoms.calc.results["formation_energy_std"]


def test_a_shift_beats_no_shift_and_is_calibrated(tuned):
    folder, card, _ = tuned
    [split] = card.metrics
    models = card.metrics[split]
    assert split == "5-fold cross-validation"
    assert models["MML"]["MAE"] < models["mean"]["MAE"]
    assert 0.7 <= card.intervals[split]["coverage"] <= 1.0
    assert card.deviations.outside["unseen_element"] >= card.deviations.floor
    assert (folder / "member-0" / "log" / "metrics.csv").read_text().count("\n") >= 3
    assert not list(folder.glob("member-*/last.ckpt"))


def test_an_interrupted_run_goes_on_where_it_stopped(rows, fragment_energies, tmp_path):
    """Two epochs after a stop in between end at the epoch that two in one go end at."""
    import torch

    from ase_bimetal.lab.training.data import loader, prepare
    from ase_bimetal.lab.training.fine_tune import FINE_TUNING, OwnModule, OwnOptions, _run
    from ase_bimetal.model.ligand_encoder import LigandEncoder
    from ase_bimetal.model.mml import MMLConfig

    own = load_own_data(as_extxyz(rows, tmp_path), LEVEL, fragment_energies=fragment_energies)
    data = prepare(own.frame, LigandEncoder())
    everything = np.arange(len(rows))
    batches = [loader(data, everything, -2.5, 0.5, 4, 0, train=False) for _ in range(2)]

    class Stopped(OwnModule):
        """Is interrupted in its second epoch."""

        def on_train_epoch_start(self):
            if self.current_epoch == 1:
                raise MissingDataError("power cut")

    torch.manual_seed(0)
    options = OwnOptions(_short(FINE_TUNING))
    with pytest.raises(MissingDataError, match="power cut"):
        _run(Stopped(MMLConfig(width=32), options.training), batches, options, tmp_path / "m" / "member-0")
    last = torch.load(tmp_path / "m" / "member-0" / "last.ckpt", weights_only=True)
    assert last["epoch"] == 0 and last["best_error"] < float("inf")
    module = OwnModule(MMLConfig(width=32), options.training)
    _run(module, batches, OwnOptions(_short(FINE_TUNING), resume=True), tmp_path / "m" / "member-0")
    assert module.current_epoch == 2 and module.best_error <= last["best_error"]


def test_an_unfinished_run_is_not_overwritten(rows, fragment_energies, tmp_path):
    from ase_bimetal.lab.training.own_model import train_own_model

    own = load_own_data(as_extxyz(rows, tmp_path), LEVEL, fragment_energies=fragment_energies)
    (tmp_path / "mine" / "member-0").mkdir(parents=True)
    (tmp_path / "mine" / "member-0" / "last.ckpt").touch()
    with pytest.raises(WeightsError, match="unfinished run"):
        train_own_model(own, tmp_path / "mine", "mml-gfn1-pbe")


def test_from_scratch_needs_more_rows_than_a_shift(rows, fragment_energies, tmp_path):
    from ase_bimetal.lab.training.own_model import train_own_model

    own = load_own_data(as_extxyz(rows, tmp_path), LEVEL, fragment_energies=fragment_energies)
    with pytest.raises(MissingDataError, match="too few to train from scratch"):
        train_own_model(own, tmp_path / "mine")
