"""The published ablations: what each part of the multimodal model is worth, on one fixed subset of the labels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from ase_bimetal.errors import BimetalError
from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels.dataset import LabelSet
from ase_bimetal.lab.training.data import TrainingData, prepare, trainable
from ase_bimetal.lab.training.metrics import summary
from ase_bimetal.lab.training.module import TrainingOptions, fit_baseline, predict_rows, train_one
from ase_bimetal.lab.training.splits import Split, leave_dopants_out, random_split
from ase_bimetal.model.ligand_encoder import BUNDLED, LigandEncoder, compute_embedding, load_t5
from ase_bimetal.model.mml import MML, MMLConfig

RESULTS, TABLE = "ablations.json", "ablations.md"
LIGANDS = ("bundled T5", "random T5", "one-hot")
#: Dopants without which every variant is trained a second time: one of ten d electrons, one of group 12, one early.
LEFT_OUT = ("Pd", "Re", "Zn")


@dataclass(frozen=True)
class Variant:
    """One change to the model.

    Attributes
    ----------
    name
        Words for the table.
    config, training
        Fields of `MMLConfig` and `TrainingOptions` that differ.
    ligands
        Where ligand vectors come from, one of `LIGANDS`.
    parts
        What adds up to the energy: the linear baseline and the networks on top, or one of them.
    """

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    ligands: str = LIGANDS[0]
    parts: Literal["baseline and network", "baseline", "network"] = "baseline and network"


VARIANTS = (
    Variant("full: log P and H_mix"),
    Variant("baseline only", parts="baseline"),
    Variant("network without baseline", parts="network"),
    Variant("no descriptors", {"use_log_p": False, "use_mixing_enthalpy": False}),
    Variant("H_mix only", {"use_log_p": False}),
    Variant("log P only", {"use_mixing_enthalpy": False}),
    Variant("no contrastive loss", training={"contrastive_weight": 0.0}),
    Variant("no pre-fusion", {"use_pre_fusion": False}),
    Variant("attention in place of Mamba2", {"fusion": "attention"}),
    Variant("plain pooling in place of Mamba2", {"fusion": "pooling"}),
    Variant("random T5", ligands="random T5"),
    Variant("one-hot ligand", ligands="one-hot"),
)


@dataclass(frozen=True)
class Budget:
    """What every variant is given.

    ``rows`` of the labels (8:1:1), ``epochs``, and ``seeds`` 0 … n − 1.
    """

    rows: int = 3000
    epochs: int = 40
    seeds: int = 3


def run_ablations(
    labels: LabelSet,
    folder: Path,
    budget: Budget,
    variants: Sequence[Variant] = VARIANTS,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Train every variant with every seed.

    Finished members are kept, so that a stopped run goes on.

    Parameters
    ----------
    labels
        Labels, from `ase_bimetal.lab.labels.dataset.load_labels`.
    folder
        Receives ``ablations.json`` and ``ablations.md``.
    budget
        Rows, epochs and seeds.
    variants
        What to compare.
    say
        Receives one line per trained member.

    Returns
    -------
    dict
        ``budget``, and ``members``: variant → seed → MAE, RMSE [eV/metal], R², n and seconds on the random split, and
        under ``left out`` the same for clusters of dopants that this network never saw.

    Raises
    ------
    BimetalError
        The folder holds results of another budget or other labels.
    """
    frame = trainable(labels.frame)
    chosen = stratified_rows(frame, budget.rows)
    given = {
        "labels": labels.digest,
        "rows": len(chosen),
        "epochs": budget.epochs,
        "split": "random 8:1:1, seed 0",
        "left out": list(LEFT_OUT),
    }
    folder.mkdir(parents=True, exist_ok=True)
    results = _earlier(folder / RESULTS, given)
    if all(str(seed) in results["members"].get(v.name, {}) for v in variants for seed in range(budget.seeds)):
        return results
    data = prepare(frame.iloc[chosen].reset_index(drop=True), LigandEncoder(BUNDLED))
    splits = random_split(len(chosen)), leave_dopants_out(data.frame, LEFT_OUT)
    for seed in range(budget.seeds):
        for variant in variants:
            done = results["members"].setdefault(variant.name, {})
            if str(seed) not in done:
                changed = with_ligands(data, variant.ligands)
                random, left_out = (train_member(changed, split, variant, budget.epochs, seed) for split in splits)
                done[str(seed)] = random | {"left out": left_out}
                say(f"{variant.name}, seed {seed}: MAE {random['MAE']:.4f}, left out {left_out['MAE']:.4f} eV/metal")
                _write(folder, results)
    return results


def train_member(data: TrainingData, split: Split, variant: Variant, epochs: int, seed: int) -> dict[str, float]:
    """Train one network of a variant.

    The data has the variant's ligand vectors. Gives errors on the split's test rows [eV/metal], and the seconds taken.
    """
    began = time.perf_counter()
    config = MMLConfig(ligand_width=data.encoded[0].ligand_embedding.shape[1], **variant.config)
    penalty = None if variant.parts == "network" else TrainingOptions.baseline_ridge
    options = TrainingOptions(**{"epochs": epochs, "baseline_ridge": penalty} | variant.training)
    if not options.contrastive_weight:
        data = replace(data, encoded=[replace(item, cluster=None) for item in data.encoded])
    if variant.parts == "baseline":
        found = _baseline_alone(data, split, options)
    else:
        network, mean, std = train_one(data, split, config, options, seed)
        found = predict_rows(network, data, split.test, mean, std)
    return summary(data.targets[split.test], found) | {"seconds": round(time.perf_counter() - began, 1)}


def _baseline_alone(data: TrainingData, split: Split, options: TrainingOptions) -> np.ndarray:
    """What the linear part alone says of the test rows (n,) [eV/metal]."""
    network = MML(MMLConfig())
    fit_baseline(network, data, split.train, (0.0, 1.0), options.baseline_ridge)
    rows = torch.from_numpy(np.stack([data.encoded[i].baseline for i in split.test]))
    with torch.no_grad():
        found: np.ndarray = network.baseline(rows)[:, 0].double().numpy()
    return found


def stratified_rows(frame: pd.DataFrame, n: int, seed: int = 0) -> np.ndarray:
    """Choose the rows (≤ n,) of a subset.

    Families and dopants have the whole's shares, the same each time.

    Rows are dealt out stratum by stratum at even distances, so that each stratum loses the same share.

    Examples
    --------
    >>> frame = pd.DataFrame({"family": ["a"] * 80 + ["b"] * 20, "dopant": ["Pd"] * 100})
    >>> frame.family.iloc[stratified_rows(frame, 50)].value_counts().to_dict()
    {'a': 40, 'b': 10}
    """
    order = np.random.default_rng(seed).permutation(len(frame))
    stratum = (frame.family + " " + frame.dopant).to_numpy()[order]
    dealt = order[np.argsort(stratum, kind="stable")]
    return np.sort(dealt[np.linspace(0, len(dealt), min(n, len(dealt)), endpoint=False).astype(int)])


def with_ligands(data: TrainingData, kind: str) -> TrainingData:
    """Exchange the ligand vectors of the rows.

    They are of another kind then.

    Parameters
    ----------
    data
        Rows encoded with the bundled T5.
    kind
        One of `LIGANDS`.

    Raises
    ------
    BimetalError
        Another kind.
    """
    if kind == "bundled T5":
        return data
    smiles = sorted({ligand.smiles for system in data.systems for ligand, _ in system.ligands})
    if kind == "one-hot":
        table = dict(zip(smiles, np.eye(len(smiles), dtype=np.float32), strict=True))
    elif kind == "random T5":
        table = _random_t5(smiles)
    else:
        raise BimetalError(f"ligand vectors {kind!r}; allowed: {', '.join(LIGANDS)}")
    encoded = [
        replace(item, ligand_embedding=np.stack([table[ligand.smiles] for ligand, _ in system.ligands]))
        for item, system in zip(data.encoded, data.systems, strict=True)
    ]
    return replace(data, encoded=encoded)


def _random_t5(smiles: Iterable[str], seed: int = 0) -> dict[str, np.ndarray]:
    """SMILES → vector of a T5 of the bundled shape that was never trained."""
    import torch
    from transformers import T5EncoderModel

    tokenizer, trained = load_t5(LigandEncoder(BUNDLED).folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = T5EncoderModel(trained.config).eval()
    return {text: compute_embedding(tokenizer, untrained, text) for text in smiles}


def markdown_table(results: dict[str, Any]) -> str:
    """Write the errors per variant as a Markdown table.

    They are mean ± standard deviation over seeds, with the budget above.
    """
    budget = results["budget"]
    columns = ["variant", "random, MAE", "R²", "seeds", "seconds per network"]
    about = (
        f"{budget['rows']:,} configurations (labels {budget['labels']}, stratified by family and dopant), "
        f"{budget['epochs']} epochs; MAE in eV/metal on the test rows, mean ± standard deviation over seeds. Random: "
        f"{budget['split'].removeprefix('random ')}."
    )
    if left_out := budget.get("left out"):
        columns.insert(3, "left out, MAE")
        about += (
            f" Left out: clusters doped with {', '.join(left_out[:-1])} or {left_out[-1]}, by a network that saw no "
            "cluster with any of these."
        )
    lines = [about, "", _line(columns), _line(["---"] * len(columns))]
    for name, seeds in results["members"].items():
        rows = list(seeds.values())
        cells = [_mean_and_spread([row[key] for row in rows]) for key in ("MAE", "R2")]
        if left_out:
            cells.append(_mean_and_spread([row["left out"]["MAE"] for row in rows]))
        seconds = np.mean([row["seconds"] for row in rows])
        lines.append(_line([name, *cells, str(len(rows)), f"{seconds:.0f}"]))
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _mean_and_spread(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


def _earlier(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Results to go on from."""
    if not path.is_file():
        return {"budget": given, "members": {}}
    results: dict[str, Any] = json.loads(path.read_text())
    if results["budget"] != given:
        raise BimetalError(f"{path} holds results of {results['budget']}, not of {given}; allowed: another folder")
    return results


def _write(folder: Path, results: dict[str, Any]) -> None:
    write_whole(folder / RESULTS, json.dumps(results, indent=1) + "\n")
    write_whole(folder / TABLE, markdown_table(results))


__all__ = ["VARIANTS", "Budget", "Variant", "markdown_table", "run_ablations", "stratified_rows", "train_member"]
