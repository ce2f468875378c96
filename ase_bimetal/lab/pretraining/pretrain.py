"""Pretraining of the bundled ligand encoder: a small T5, by span corruption, on SMILES."""

from __future__ import annotations

import json
import logging
import math
import sys
import warnings
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch.utils.data import DataLoader

from ase_bimetal.errors import WeightsError
from ase_bimetal.extras import name_extra
from ase_bimetal.files import write_whole
from ase_bimetal.lab.pretraining.encoder_folder import save_encoder_folder
from ase_bimetal.lab.pretraining.held_out import held_out_scores, unigram_perplexity
from ase_bimetal.lab.pretraining.smiles_corpus import BatchPlan, CorruptedBatches, SmilesCorpus, build_corpus
from ase_bimetal.lab.pretraining.smiles_tokenizer import build_smiles_tokenizer
from ase_bimetal.lab.pretraining.span_corruption import SpanCorruption

with name_extra():
    import lightning as L
    from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
    from lightning.pytorch.loggers import CSVLogger

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from transformers import PreTrainedTokenizerFast, T5ForConditionalGeneration


_COUNTED = 20_000  # training molecules whose hidden tokens give the frequencies to compare with


@dataclass(frozen=True)
class PretrainSettings:
    """Everything that decides the result of a pretraining run.

    Attributes
    ----------
    n_smiles, n_held_out
        Training molecules, and molecules held out of each pool.
    steps, batch_size
        Optimiser steps and molecules in each.
    learning_rate, warmup
        Peak of the schedule, steps to reach it; a half cosine takes it to zero at the last step.
    seed
        Seed of data, order, spans and initial weights.
    d_model, d_ff, n_heads, n_layers, n_decoder_layers
        Shape of the T5.
    """

    n_smiles: int = 140_000
    n_held_out: int = 1_000
    steps: int = 9_000
    batch_size: int = 32
    learning_rate: float = 1.5e-3
    warmup: int = 200
    seed: int = 0
    d_model: int = 128
    d_ff: int = 512
    n_heads: int = 4
    n_layers: int = 3
    n_decoder_layers: int = 1


def make_t5(settings: PretrainSettings, tokenizer: PreTrainedTokenizerFast) -> T5ForConditionalGeneration:
    """Make the untrained encoder–decoder; about 0.9 million parameters with the default settings."""
    from transformers import T5Config, T5ForConditionalGeneration

    start: dict[str, Any] = {"decoder_start_token_id": tokenizer.pad_token_id}  # which T5Config does not declare
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=settings.d_model,
        d_kv=settings.d_model // settings.n_heads,
        d_ff=settings.d_ff,
        num_heads=settings.n_heads,
        num_layers=settings.n_layers,
        num_decoder_layers=settings.n_decoder_layers,
        dropout_rate=0.0,  # each molecule is seen about once: there is nothing to overfit
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **start,
    )
    torch.manual_seed(settings.seed)
    t5 = T5ForConditionalGeneration(config)
    start_attention_local(t5)
    return t5


@torch.no_grad()
def start_attention_local(t5: T5ForConditionalGeneration, strength: float = 3.0) -> None:
    """Let attention begin near each token.

    The decoder begins by finding the sentinel that it was asked for.

    From T5's own start, with attention spread evenly, a small model spends thousands of steps at the
    perplexity of a decoder that ignores its encoder. Here one head begins at the token before, one at the
    token after, one around; cross-attention begins with equal query and key maps, so that equal tokens attend
    to each other. Only starting values change: the architecture is T5's.
    """
    encoder_part: Any = t5.encoder.block
    decoder_part: Any = t5.decoder.block
    before, after, around = (head % t5.config.num_heads for head in range(3))
    forward = t5.config.relative_attention_num_buckets // 2  # bucket of offset −k is k, of offset +k forward + k
    encoder = encoder_part[0].layer[0].SelfAttention.relative_attention_bias.weight
    encoder[1, before] += strength
    encoder[forward + 1, after] += strength
    for distance in range(8):
        encoder[[distance, forward + distance], around] += strength * (1.0 - distance / 4.0)
    decoder = decoder_part[0].layer[0].SelfAttention.relative_attention_bias.weight
    decoder[1, before] += strength
    for block in decoder_part:
        block.layer[1].EncDecAttention.q.weight.copy_(block.layer[1].EncDecAttention.k.weight)


class SpanCorruptionModule(L.LightningModule):
    """T5 with the span-corruption loss, AdamW and a warm-up + cosine schedule."""

    def __init__(
        self, t5: T5ForConditionalGeneration, settings: PretrainSettings, pools: tuple[str, ...], progress: bool = True
    ) -> None:
        super().__init__()
        self.t5, self.settings, self.pools, self.progress = t5, settings, pools, progress

    def training_step(self, batch: dict[str, torch.Tensor], index: int) -> torch.Tensor:
        """Compute the mean cross-entropy over hidden tokens.

        They are those of one batch.
        """
        loss: torch.Tensor = self.t5(**batch).loss
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch["labels"]))
        return loss

    def validation_step(self, batch: dict[str, torch.Tensor], index: int, dataloader_idx: int = 0) -> None:
        """Log loss and accuracy per hidden token for one pool of held-out molecules."""
        output, asked = self.t5(**batch), batch["labels"] >= 0
        right = (output.logits.argmax(-1) == batch["labels"])[asked].float().mean()
        scores = {"loss": output.loss, "accuracy": right}
        pool = self.pools[dataloader_idx]
        self.log_dict(
            {f"{pool}/{name}": value for name, value in scores.items()},
            batch_size=int(asked.sum()),
            add_dataloader_idx=False,
        )

    def on_validation_epoch_end(self) -> None:
        """Print the held-out perplexity and token accuracy of each pool on standard error."""
        if not self.progress:
            return
        for pool, score in held_out_scores(self.trainer.callback_metrics, self.pools).items():
            self.print(
                f"step {self.global_step}, held-out {pool}: perplexity {score['perplexity']:.3f}, "
                f"token accuracy {score['token_accuracy']:.3f}",
                file=sys.stderr,
            )

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Make AdamW with a warm-up and cosine schedule.

        The warm-up is linear, the half cosine goes to zero, and both are updated every step.
        """
        optimizer = torch.optim.AdamW(self.parameters(), self.settings.learning_rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        warmup, steps = self.settings.warmup, self.settings.steps
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))


class SmilesData(L.LightningDataModule):
    """Batches in a fixed order.

    One Lightning epoch is a slice of `slice_steps` training steps.

    Slices let a run resume exactly from its last checkpoint: Lightning restores the step number, and that
    says which molecules and which spans come next.
    """

    def __init__(
        self, corpus: SmilesCorpus, task: SpanCorruption, settings: PretrainSettings, slice_steps: int
    ) -> None:
        super().__init__()
        self.corpus, self.task, self.settings, self.slice_steps = corpus, task, settings, slice_steps

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the training batches of the slice that begins at the trainer's current step."""
        assert self.trainer is not None
        start = self.trainer.global_step
        stop = min(start + self.slice_steps, self.settings.steps)
        lengths = np.array([len(row) for row in self.corpus.train])
        plan = BatchPlan(lengths, self.settings.batch_size, self.settings.seed)
        rows = plan.steps(start, stop)
        return _loader(CorruptedBatches(self.corpus.train, rows, self.task, self.settings.seed, start))

    def val_dataloader(self) -> list[DataLoader[Any]]:
        """Return one loader per held-out pool, corrupted in the same way each time."""
        loaders = []
        for rows in self.corpus.held_out.values():
            plan = BatchPlan(np.array([len(row) for row in rows]), min(250, len(rows)), seed=0)
            loaders.append(_loader(CorruptedBatches(rows, plan.epoch(0), self.task, seed=0)))
        return loaders


def _loader(batches: CorruptedBatches) -> DataLoader[Any]:
    dataset: Any = batches  # torch asks for no more than a length and items
    return DataLoader(dataset, batch_size=None, shuffle=False)


def pretrain_ligand_encoder(
    out_dir: Path | str,
    settings: PretrainSettings | None = None,
    *,
    corpus: Path | str | None = None,
    minutes: float | None = None,
    resume: bool = True,
    slice_steps: int = 500,
    progress: bool = True,
) -> Path:
    """Pretrain a ligand encoder and save it.

    The Hugging Face folder holds embeddings of the common ligands as well.

    Parameters
    ----------
    out_dir
        Receives ``checkpoints/``, ``settings.json``, a CSV log and, at the end, ``encoder/``, its card with the scores.
    settings
        Data, shape and schedule.
    corpus
        Public SMILES file, for example the wheel that ``pip download --no-deps molsets`` fetches; without one every
        molecule is made from building blocks.
    minutes
        Stop when all runs in `out_dir` together have trained so long [min]; more minutes and ``resume`` go on.
    resume
        Continue from ``checkpoints/last.ckpt`` when there is one.
    slice_steps, progress
        Steps between checkpoints and held-out evaluations; whether to tell of these on standard error.

    Returns
    -------
    Path
        The folder ``out_dir/encoder``, usable as ``LigandEncoder(source=...)``.

    Raises
    ------
    WeightsError
        `out_dir` holds a checkpoint of a run with other settings or SMILES, or, without `resume`, any.
    MissingDataError
        The SMILES file does not exist or holds too little.
    """
    settings, out_dir = settings or PretrainSettings(), Path(out_dir)
    last = _find_checkpoint(out_dir, settings, corpus, resume)
    tokenizer = build_smiles_tokenizer()
    data = build_corpus(tokenizer, settings.n_smiles, corpus, settings.seed, settings.n_held_out, progress)
    module = SpanCorruptionModule(make_t5(settings, tokenizer), settings, tuple(data.held_out), progress)
    task = SpanCorruption(first_sentinel=cast(int, tokenizer.convert_tokens_to_ids("<extra_id_0>")))
    trainer = _trainer(out_dir, settings, minutes, slice_steps, progress)
    facts = _train(trainer, module, SmilesData(data, task, settings, slice_steps), last)
    return save_encoder_folder(module.t5, tokenizer, out_dir / "encoder", {"corpus": _name(corpus), **facts})


def _name(corpus: Path | str | None) -> str | None:
    return Path(corpus).name if corpus else None


def _find_checkpoint(out_dir: Path, settings: PretrainSettings, corpus: Path | str | None, resume: bool) -> Path | None:
    """The checkpoint to go on from, if there is one and it belongs to this run; else note down what the run is."""
    last, noted = out_dir / "checkpoints" / "last.ckpt", out_dir / "settings.json"
    run = asdict(settings) | {"corpus": _name(corpus)}
    if not last.is_file():
        out_dir.mkdir(parents=True, exist_ok=True)
        write_whole(noted, json.dumps(run, indent=2) + "\n")
        return None
    if not resume:
        raise WeightsError(f"{out_dir} holds an earlier run; allowed: resume it, or another folder")
    theirs = json.loads(noted.read_text(encoding="utf-8")) if noted.is_file() else {}
    if other := [f"{key} {theirs.get(key)} and not {value}" for key, value in run.items() if theirs.get(key) != value]:
        raise WeightsError(f"{last} was made with {', '.join(other)}; allowed: the same settings, or another folder")
    return last


def _train(
    trainer: L.Trainer, module: SpanCorruptionModule, batches: SmilesData, last: Path | None
) -> dict[str, object]:
    """Train, from a checkpoint if there is one; settings, amounts of data and held-out scores for the card."""
    before = _baselines(trainer, module, batches)
    with warnings.catch_warnings():
        # A resumed run finds its own checkpoint, as it should.
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists.*")
        trainer.fit(module, datamodule=batches, ckpt_path=last, weights_only=True)
    trainer.validate(module, datamodule=batches, verbose=False)
    scores = held_out_scores(trainer.callback_metrics, module.pools)
    return {
        "settings": asdict(module.settings),
        "steps_done": trainer.global_step,
        "n_public": batches.corpus.n_public,
        "n_ligands": batches.corpus.n_ligands,
        "held_out": {pool: score | before[pool] for pool, score in scores.items()},
    }


def _baselines(trainer: L.Trainer, module: SpanCorruptionModule, batches: SmilesData) -> dict[str, dict[str, float]]:
    """Held-out perplexity of the network before training and of token frequencies, for each pool."""
    trainer.validate(module, datamodule=batches, verbose=False)
    untrained = held_out_scores(trainer.callback_metrics, module.pools)
    corrupted = batches.task.batch(batches.corpus.train[:_COUNTED], np.random.default_rng([module.settings.seed, 2]))
    return {
        pool: {
            "untrained_perplexity": untrained[pool]["perplexity"],
            "unigram_perplexity": unigram_perplexity(
                [corrupted["labels"]], (batch["labels"].numpy() for batch in loader), module.t5.config.vocab_size
            ),
        }
        for pool, loader in zip(module.pools, batches.val_dataloader(), strict=True)
    }


def _trainer(
    out_dir: Path, settings: PretrainSettings, minutes: float | None, slice_steps: int, progress: bool
) -> L.Trainer:
    # Lightning's hints about hardware and its own add-ons are no progress.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    checkpoint = ModelCheckpoint(
        out_dir / "checkpoints", filename="last", enable_version_counter=False, save_on_train_epoch_end=True
    )
    shown = progress and sys.stderr.isatty()
    bar: list[L.Callback] = [TQDMProgressBar(refresh_rate=25)] if shown else []
    return L.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=math.ceil(settings.steps / slice_steps),
        max_time=timedelta(minutes=minutes) if minutes else None,
        gradient_clip_val=1.0,
        callbacks=[checkpoint, *bar],
        logger=CSVLogger(out_dir, name="log"),
        enable_progress_bar=shown,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        log_every_n_steps=min(25, slice_steps),
    )


__all__ = ["PretrainSettings", "pretrain_ligand_encoder"]
