"""Weights on disk: safetensors beside a JSON card, checked by sha256, read without pickle or network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from safetensors.torch import load, save

from ase_bimetal.errors import WeightsError
from ase_bimetal.files import WEIGHTS, write_whole
from ase_bimetal.model.card import ModelCard, read_card, write_card
from ase_bimetal.model.mml import MML, MMLConfig

if TYPE_CHECKING:
    from ase_bimetal.model.gcnn import GCNN

#: Ends the name of a regressor on the eight features where it stands beside models that read more.
EIGHT = ", 8 features"
DEFAULT_MODEL = "mml-gfn1-pbe"
Network = TypeVar("Network", bound=torch.nn.Module)
_WEIGHTS_FILE, _CARD_FILE = "weights.safetensors", "card.json"
# Weights that a card names already and that are not yet in their place.
_WAITING = "weights-{}.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A trained ensemble and its card.

    Attributes
    ----------
    members
        Networks in evaluation mode.
    card
        Data, level, splits, metrics, limits, licence, and what the predictor needs.
    digest
        sha256 of the weights file.
    """

    members: tuple[MML, ...]
    card: ModelCard
    digest: str

    @property
    def name(self) -> str:
        """Model name with the first 8 digits of its hash."""
        return model_name(self.card)


def model_name(card: ModelCard) -> str:
    """Give a model's name with its hash.

    The first 8 digits are shown, of a hash of all that its numbers come from.

    Parameters
    ----------
    card
        Its card: the weights, and the level difference if it has one.
    """
    digest = card.sha256
    if card.level_difference is not None:
        digest = hashlib.sha256((digest + card.level_difference.sha256).encode()).hexdigest()
    return f"{card.name}@{digest[:8]}"


def save_checkpoint(folder: Path, members: Sequence[MML] | Sequence[GCNN], card: ModelCard) -> Path:
    """Write weights and card of networks.

    The networks carry a `config`; the card receives the sizes and the sha256.

    A kill at any point leaves the former model whole or the new one: the new weights wait under a name of their own
    until the card, whose replacement is one step, says that they are the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{i}.{key}": value for i, m in enumerate(members) for key, value in m.state_dict().items()}
    raw = save({key: value.contiguous() for key, value in tensors.items()})
    digest = hashlib.sha256(raw).hexdigest()
    waiting = _waiting_weights(folder, digest)
    write_whole(waiting, raw)
    whole = replace(card, config=members[0].config.to_dict(), members=len(members), sha256=digest)
    write_card(folder / _CARD_FILE, whole)
    waiting.replace(folder / _WEIGHTS_FILE)
    for left_over in folder.glob(_WAITING.format("*")):
        left_over.unlink(missing_ok=True)
    return folder


def _waiting_weights(folder: Path, digest: str) -> Path:
    return folder / _WAITING.format(digest[:16])


def resolve(model: str | Path) -> Path:
    """Find the folder of a model.

    It is that of a shipped model by name, or of one's own by path.
    """
    shipped = WEIGHTS / str(model)
    folder = shipped if shipped.is_dir() else Path(model)
    if not (folder / _CARD_FILE).is_file():
        names = sorted(p.parent.name for p in WEIGHTS.glob(f"*/{_CARD_FILE}") if (p.parent / _WEIGHTS_FILE).exists())
        raise WeightsError(
            f"no model {str(model)!r}; allowed: {', '.join(names)} or a folder with {_CARD_FILE}"
            ". Give one of these, or train a model of your own"
        )
    return folder


def load_checkpoint(model: str | Path = DEFAULT_MODEL) -> Checkpoint:
    """Load a model on the CPU.

    Raises
    ------
    WeightsError
        No such model, a file whose sha256 differs from its card's, or tensors that do not fit.
    """
    tensors, card = read_weights(model)
    if set(card.config) - {item.name for item in fields(MMLConfig)}:
        raise WeightsError(f"{card.name} is no multimodal model; allowed: {DEFAULT_MODEL} or one trained like it")
    card.encoder, card.deviations  # noqa: B018 (a damaged card is refused here)
    config = MMLConfig(**card.config)
    members = tuple(member_of(lambda: MML(config), tensors, i) for i in range(card.members))
    return Checkpoint(members, card, card.sha256)


def read_weights(model: str | Path) -> tuple[dict[str, torch.Tensor], ModelCard]:
    """Read tensors and card after checking the sha256.

    They are of any model that `save_checkpoint` wrote.

    Raises
    ------
    WeightsError
        No such model, or a file whose sha256 differs from its card's.
    """
    folder = resolve(model)
    card = read_card(folder / _CARD_FILE)
    waiting = _waiting_weights(folder, card.sha256)
    raw = (waiting if waiting.is_file() else folder / _WEIGHTS_FILE).read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if digest != card.sha256:
        raise WeightsError(
            f"{folder.name}: sha256 of the weights is {digest[:12]}…, the card says "
            f"{card.sha256[:12]}…; the file was altered or cut short"
        )
    return load(raw), card


def member_of(make: Callable[[], Network], tensors: dict[str, torch.Tensor], index: int) -> Network:
    """Make a network with the weights of one member.

    It is ready to predict.

    Raises
    ------
    WeightsError
        The tensors do not fit the network.
    """
    prefix = f"{index}."
    with torch.device("meta"):  # no first weights: drawing them would change the caller's random numbers
        network = make()
    own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    try:
        network.load_state_dict(own, assign=True)
    except RuntimeError as mismatch:
        raise WeightsError(
            f"weights do not fit the architecture of the card: {mismatch}"
            ". Reinstall ase-bimetal, or train the model anew"
        ) from mismatch
    return network.eval().requires_grad_(False)
