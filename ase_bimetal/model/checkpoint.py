"""Weights on disk: safetensors beside a JSON card, checked by sha256, read without pickle or network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save_file

from ase_bimetal.errors import WeightsError
from ase_bimetal.model.mml import MML, MMLConfig

WEIGHTS = Path(__file__).parent.parent / "weights"
DEFAULT_MODEL = "mml-gfn1-pbe"
_WEIGHTS_FILE, _CARD_FILE = "weights.safetensors", "card.json"


@dataclass(frozen=True)
class Checkpoint:
    """A trained ensemble and its card.

    Attributes
    ----------
    members
        Networks in evaluation mode.
    card
        Data, level, reference, splits, metrics, limits, licence, and what the predictor needs: `energy_mean`,
        `corrections`, `domain`, `uncertainty`.
    digest
        sha256 of the weights file.
    """

    members: tuple[MML, ...]
    card: dict[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """Model name with the first 8 digits of its hash."""
        return f"{self.card['name']}@{self.digest[:8]}"


def save_checkpoint(folder: Path, members: Sequence[MML], card: dict[str, Any]) -> Path:
    """Write weights and card; the card receives the sizes and the sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{i}.{key}": value for i, m in enumerate(members) for key, value in m.state_dict().items()}
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / _WEIGHTS_FILE)
    digest = hashlib.sha256((folder / _WEIGHTS_FILE).read_bytes()).hexdigest()
    whole = card | {"config": members[0].config.to_dict(), "members": len(members), "sha256": digest}
    (folder / _CARD_FILE).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    return folder


def resolve(model: str | Path) -> Path:
    """Folder of a shipped model by name, or of one's own by path."""
    shipped = WEIGHTS / str(model)
    folder = shipped if shipped.is_dir() else Path(model)
    if not (folder / _CARD_FILE).is_file():
        names = sorted(p.parent.name for p in WEIGHTS.glob(f"*/{_CARD_FILE}") if (p.parent / _WEIGHTS_FILE).exists())
        raise WeightsError(f"no model {str(model)!r}; allowed: {', '.join(names)} or a folder with {_CARD_FILE}")
    return folder


def load_checkpoint(model: str | Path = DEFAULT_MODEL) -> Checkpoint:
    """Load a model on the CPU.

    Raises
    ------
    WeightsError
        No such model, a file whose sha256 differs from its card's, or tensors that do not fit.
    """
    folder = resolve(model)
    card = json.loads((folder / _CARD_FILE).read_text())
    raw = (folder / _WEIGHTS_FILE).read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if digest != card["sha256"]:
        raise WeightsError(f"{folder.name}: sha256 of the weights is {digest[:12]}…, the card says "
                           f"{card['sha256'][:12]}…; the file was altered or cut short")
    tensors = load(raw)
    config = MMLConfig(**card["config"])
    return Checkpoint(tuple(_member(tensors, i, config) for i in range(card["members"])), card, digest)


def _member(tensors: dict[str, torch.Tensor], index: int, config: MMLConfig) -> MML:
    prefix = f"{index}."
    network = MML(config)
    try:
        network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    except RuntimeError as mismatch:
        raise WeightsError(f"weights do not fit the architecture of the card: {mismatch}") from mismatch
    return network.eval().requires_grad_(False)
