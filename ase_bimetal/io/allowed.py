"""What a data file may name: a class that a reader would import is compared with a list before anything decodes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ase_bimetal.errors import FileFormatError, UnsafeContentError

_CORE = "pymatgen.core"
#: Module → classes that JSON, YAML and database rows may name; all are plain data.
ALLOWED_CLASSES: dict[str, frozenset[str]] = {
    f"{_CORE}.structure": frozenset({"Structure", "IStructure", "Molecule", "IMolecule"}),
    f"{_CORE}.sites": frozenset({"Site", "PeriodicSite"}),
    f"{_CORE}.lattice": frozenset({"Lattice"}),
    f"{_CORE}.composition": frozenset({"Composition"}),
    f"{_CORE}.periodic_table": frozenset({"Element", "Species", "DummySpecies"}),
    f"{_CORE}.operations": frozenset({"SymmOp"}),
    "pymatgen.io.ase": frozenset({"MSONAtoms"}),
    "ase.atoms": frozenset({"Atoms"}),
    "ase_bimetal.system": frozenset({"BimetallicSystem"}),
    "ase_bimetal.model.predictor": frozenset({"Prediction", "Failure"}),
    "ase_bimetal.model.interface": frozenset({"Prediction", "Failure"}),
    "numpy": frozenset({"array"}),
}
#: Kinds of object that ASE's own JSON may name.
ALLOWED_ASE_TYPES = frozenset({"atoms", "cell"})
#: Values in one object of a file: far above 10⁵ atoms with their properties.
MOST_VALUES = 20_000_000


def require_allowed(content: object) -> None:
    """Refuse content that names code outside the list.

    It is searched at any depth.

    Parameters
    ----------
    content
        What `json.load` or a safe YAML loader gave, not yet decoded any further.

    Raises
    ------
    UnsafeContentError
        A module, class or function that is not in `ALLOWED_CLASSES`; names it.
    FileFormatError
        Nesting without end, as YAML's references can make it, or more than `MOST_VALUES` values.

    Examples
    --------
    >>> require_allowed({"@module": "pymatgen.core.lattice", "@class": "Lattice"})
    >>> require_allowed([{"x": {"@module": "antigravity", "@class": "Y"}}])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ase_bimetal.errors.UnsafeContentError: the file names module 'antigravity', class 'Y'; ...
    """
    for mapping in _mappings(content):
        _require_allowed_class(mapping)
        kind = mapping.get("__ase_objtype__", "atoms")
        if not isinstance(kind, str) or kind not in ALLOWED_ASE_TYPES:
            raise UnsafeContentError(
                f"the file names an ASE object of kind {kind!r}; "
                f"allowed: {', '.join(sorted(ALLOWED_ASE_TYPES))}"
                ". Write the structure anew as extxyz"
            )


def _mappings(content: object) -> Iterator[dict[Any, Any]]:
    """Every dict inside, without recursion; ASE's JSON in a text is looked into too."""
    waiting, count = [content], 0
    while waiting:
        item = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise FileFormatError(
                f"one object holds more than {MOST_VALUES} values; allowed: fewer. Write several files"
            )
        if isinstance(item, dict):
            yield item
            if isinstance(item.get("atoms_json"), str):
                waiting.append(parse_json(item["atoms_json"]))
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)


def _require_allowed_class(mapping: dict[Any, Any]) -> None:
    module, name = mapping.get("@module"), mapping.get("@class")
    if "@callable" in mapping or "@bound" in mapping:
        raise UnsafeContentError(
            f"the file names the function {mapping.get('@callable')!r} of module {module!r}; "
            "allowed: no functions. Do not open this file with other programs that use monty"
        )
    if module is None:
        return
    if not isinstance(module, str) or not isinstance(name, str) or name not in ALLOWED_CLASSES.get(module, ()):
        raise UnsafeContentError(
            f"the file names module {module!r}, class {name!r}; allowed: "
            f"{', '.join(sorted(ALLOWED_CLASSES))}. Do not open this file with other programs "
            "that use monty: they would import it"
        )


def parse_json(text: str) -> Any:
    """Parse JSON of any depth into plain types.

    Text that is not JSON is refused with the reason.

    Parameters
    ----------
    text
        JSON.

    Returns
    -------
    object
        Dicts, lists, texts, numbers, bools and None.

    Raises
    ------
    FileFormatError
        The text is no JSON, or is nested too deeply.

    Examples
    --------
    >>> parse_json('{"a": [1, 2]}')
    {'a': [1, 2]}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise FileFormatError(
            "the JSON is nested too deeply to be a structure. Write it anew with ASE or pymatgen"
        ) from None
    except ValueError as error:
        raise FileFormatError(f"no JSON: {error}. Write it anew, or name its format") from None


__all__ = ["ALLOWED_ASE_TYPES", "ALLOWED_CLASSES", "parse_json", "require_allowed"]
