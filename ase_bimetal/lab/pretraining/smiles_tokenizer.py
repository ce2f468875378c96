"""A character-level SMILES tokenizer, saved as an ordinary Hugging Face folder.

Characters, with two-letter elements kept whole, also inside brackets: whole brackets as tokens would lose
``[S-]``, ``[c-]`` or ``[SeH]`` as soon as one of them was missing from the training set.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
#: Two-letter symbols. None can be read as two neighbouring atoms; "Sc" and "Cn" could, so they are left out.
TWO_LETTER_ELEMENTS = (
    "Cl",
    "Br",
    "Si",
    "Se",
    "se",
    "As",
    "Ge",
    "Te",
    "te",
    "Li",
    "Na",
    "Al",
    "Ga",
    "Zn",
    "Fe",
)
_MARKS = "()[]=#$:/\\+-.@%*~>"
#: Number of T5 sentinels: spans that one SMILES can have hidden, at most.
N_SENTINELS = 64


def smiles_vocabulary() -> dict[str, int]:
    """Build the vocabulary: token → id.

    It has special tokens, two-letter elements, every letter, digit and SMILES mark, and sentinels.

    Examples
    --------
    >>> vocabulary = smiles_vocabulary()
    >>> vocabulary["<pad>"], vocabulary["</s>"], all(c in vocabulary for c in "[SeH]CC#N")
    (0, 1, True)
    """
    characters = string.ascii_uppercase + string.ascii_lowercase + string.digits + _MARKS
    sentinels = [f"<extra_id_{k}>" for k in range(N_SENTINELS)]
    tokens = [PAD, END, UNKNOWN, *TWO_LETTER_ELEMENTS, *characters, *sentinels]
    return {token: index for index, token in enumerate(tokens)}


def build_smiles_tokenizer() -> PreTrainedTokenizerFast:
    """Make the tokenizer; it appends ``</s>``, as T5's does, and is deterministic.

    Examples
    --------
    >>> tokenizer = build_smiles_tokenizer()
    >>> tokenizer.tokenize("C[Si](C)(C)Cl")
    ['C', '[', 'Si', ']', '(', 'C', ')', '(', 'C', ')', 'Cl']
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = smiles_vocabulary()
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    pattern = Regex("|".join(TWO_LETTER_ELEMENTS) + "|.")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, behavior="isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, vocabulary[END])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN, model_max_length=512
    )


__all__ = ["build_smiles_tokenizer", "smiles_vocabulary"]
