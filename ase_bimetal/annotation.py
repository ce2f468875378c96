"""The ligand annotation of an object: where ASE and pymatgen keep it, and what files make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ase_bimetal.errors import LigandError

#: Name under which Atoms.info and pymatgen's ``properties`` hold the ligand annotation.
ANNOTATION_KEY = "ligand_smiles"
#: Name under which Atoms.info holds what a reader decided for the user, a list of sentences.
NOTES_KEY = "reading_notes"


def annotation_of(info: Mapping[str, Any] | None) -> object:
    """Read the ligand annotation of an object's properties.

    They are ``Atoms.info`` or pymatgen's ``properties``; None when there is no annotation.

    Looks under ``"ligand_smiles"``, then in ``info["data"]``, where ``row.toatoms(add_additional_information=True)``
    of `ase.db` puts a row's data. What the extended XYZ format does to a text is undone: it reads the SMILES
    ``F`` as False, takes the braces off a JSON object, and the backslash off the escape of ``≡``.

    Raises
    ------
    LigandError
        The annotation is a text with quotes, as JSON has them, that is no JSON; or the properties are no mapping.

    Examples
    --------
    >>> annotation_of({"data": {"ligand_smiles": {"PET": 8}}})
    {'PET': 8}
    >>> annotation_of({"ligand_smiles": '{"PET": 8}'})
    {'PET': 8}
    """
    if not isinstance(info or {}, Mapping):
        raise LigandError(
            f"the properties of the object are {info!r:.80}; allowed: a dict. Put the ligands under its "
            f"key {ANNOTATION_KEY!r}, or leave the properties out"
        )
    given = (info or {}).get(ANNOTATION_KEY)
    data = (info or {}).get("data")
    if given is None and isinstance(data, Mapping):
        given = data.get(ANNOTATION_KEY)
    if given is False:
        return "F"
    if isinstance(given, str):
        return _from_json(given) if '"' in given else _with_triple_bond(given)
    if isinstance(given, Mapping):
        return {_with_triple_bond(text): count for text, count in given.items()}
    return given


def reading_notes_of(info: Mapping[str, Any]) -> tuple[str, ...]:
    """Read what a reader decided for the user.

    It is empty where it had nothing to decide.

    Examples
    --------
    >>> reading_notes_of({"reading_notes": ["disorder: kept component 1"]})
    ('disorder: kept component 1',)
    """
    given = info.get(NOTES_KEY)
    return tuple(note for note in given if isinstance(note, str)) if isinstance(given, list | tuple) else ()


def _from_json(text: str) -> object:
    """Read a JSON text, which no name or SMILES can be mistaken for: none holds a quote."""
    whole = text if text.lstrip().startswith(("{", "[")) else f"{{{text}}}"
    try:
        return json.loads(whole)
    except (ValueError, RecursionError) as error:
        raise LigandError(
            f"the ligand annotation {text!r} is no JSON ({error}); allowed: a dict SMILES → count, a "
            "list or one string"
            '. Write {"SCCc1ccccc1": 8}'
        ) from None


def _with_triple_bond(text: object) -> object:
    return text.replace("u2261", "≡") if isinstance(text, str) else text


__all__ = ["ANNOTATION_KEY", "NOTES_KEY", "annotation_of", "reading_notes_of"]
