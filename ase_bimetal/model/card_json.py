"""Objects of JSON as frozen dataclasses: read with the name of what is missing, written without what is not set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, TypeVar, get_args, get_origin, get_type_hints

from ase_bimetal.errors import WeightsError

_Some = TypeVar("_Some")
_SomePart = TypeVar("_SomePart", bound="Part")
_NEXT = "give the card that was written with the weights, reinstall ase-bimetal, or train the model anew"


class Part:
    """An object of JSON as a frozen dataclass.

    Its keys are the names of the fields, or those in their metadata.
    """

    @classmethod
    def from_json(cls, values: object, where: str) -> Self:
        """Read the part.

        Parameters
        ----------
        values
            The JSON object.
        where
            Names it in errors.

        Raises
        ------
        WeightsError
            A field is missing or cannot be read.
        """
        if not isinstance(values, Mapping):
            raise WeightsError(f"{where} must be a JSON object, not {values!r:.40}; {_NEXT}")
        found, types = {}, _types(cls)
        for item in fields(cls):  # type: ignore[arg-type]
            key = _key(item)
            place = f"{where}, field {key!r}"
            required = item.default is MISSING and item.default_factory is MISSING
            if key in values and (required or values[key] is not None):
                found[item.name] = _read(values[key], types[item.name], place)
            elif required:
                raise WeightsError(f"{place} is missing; {_NEXT}")
        return cls(**found)

    def as_json(self) -> dict[str, Any]:
        """Give the JSON object, without the fields that are not set."""
        found = {}
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            unset = not value if item.default_factory is not MISSING else value == item.default
            if not unset:
                found[_key(item)] = _plain(value)
        return found


def _key(item: Field[Any]) -> str:
    key: str = item.metadata.get("key", item.name)
    return key


def _types(part: type) -> dict[str, Any]:
    """Field → its type, without the None of one that may be missing."""
    hints = get_type_hints(part)
    return {
        name: next((a for a in get_args(hint) if a is not NoneType), hint) if isinstance(hint, UnionType) else hint
        for name, hint in hints.items()
    }


def _read(value: object, wanted: Any, place: str) -> Any:
    """Plain JSON as the type of a field."""
    kind = get_origin(wanted) or wanted
    if kind is Any:
        return value
    if issubclass(kind, Part):
        return kind.from_json(value, place)
    if kind is Mapping and isinstance(value, dict) and (part := _part_in(wanted)):
        return {key: part.from_json(one, f"{place}, {key!r}") for key, one in value.items()}
    json_type: Any = {tuple: list, Mapping: dict, float: (int, float)}.get(kind, kind)
    if not isinstance(value, json_type):
        raise WeightsError(f"{place} cannot be read: {value!r:.40}; {_NEXT}")
    return kind(value) if kind in (tuple, float) else value


def _part_in(mapping: Any) -> type[Part] | None:
    """Class of a mapping's values, if they are parts."""
    kind = get_args(mapping)[1]
    return kind if isinstance(kind, type) and issubclass(kind, Part) else None


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.as_json()
    return list(value) if isinstance(value, tuple) else value


def present(part: _Some | None, name: str, key: str) -> _Some:
    """Give a part that a model needs, or refuse its card.

    Raises
    ------
    WeightsError
        The card has none.
    """
    if part is None:
        raise WeightsError(f"card of {name}, field {key!r} is missing; {_NEXT}")
    return part


def card_from(path: Path, kind: type[_SomePart]) -> _SomePart:
    """Read a card of some kind.

    Raises
    ------
    WeightsError
        It is no JSON, or lacks a field.
    """
    where = f"card {path.parent.name}/{path.name}"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{where} cannot be read: {error}; {_NEXT}") from None
    return kind.from_json(values, where)


__all__ = ["Part", "card_from", "present"]
