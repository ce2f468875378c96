"""Predictions attached to Atoms so that they survive extended XYZ files, trajectories and ASE databases.

ASE keeps an energy through all of them, but drops ``Atoms.info`` in a database and every result it has no name for
in a file. What it would drop travels in ``info`` (files) or in ``key_value_pairs`` and ``data`` (databases).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from html import unescape
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from ase_bimetal.annotation import ANNOTATION_KEY, annotation_of
from ase_bimetal.calculators.results import Results
from ase_bimetal.errors import MissingDataError
from ase_bimetal.inputs import CHARGE_KEYS
from ase_bimetal.io.allowed import require_allowed
from ase_bimetal.ligands import LigandAnnotation, parse_ligands

if TYPE_CHECKING:
    from ase.db.row import AtomsRow

    from ase_bimetal.model.interface import Prediction

#: What the names of attached results begin with, so that they overwrite nobody's ``model`` or ``level``.
PREFIX = "bimetal_"
# An ASE database takes single values as searchable pairs; these two hold many and go to its ``data``.
_MANY = ("descriptors", "flags", "formation_energy_interval")
# φ is None where the object lacks what it needs; None is written by leaving the name out.
_MAY_LACK = {"accessibility_index", "accessible", "formation_energy_interval"}


def annotated(atoms: Atoms, ligands: LigandAnnotation | None = None) -> Atoms:
    """Copy Atoms with an annotation that every format keeps.

    The ligand annotation takes the form dict SMILES → int.

    Names, lists, counts of NumPy type and backslashes are lost or garbled by the extended XYZ format.

    Parameters
    ----------
    atoms
        The object.
    ligands
        Its ligands, if it carries no annotation; without either, the copy has none.

    Returns
    -------
    ase.Atoms
        The copy; the original is not changed.

    Raises
    ------
    LigandError
        The annotation cannot be read.

    Examples
    --------
    >>> annotated(Atoms("Au"), ["PET", "PET"]).info
    {'ligand_smiles': {'SCCc1ccccc1': 2}}
    """
    copy: Atoms = atoms.copy()
    given = annotation_of(atoms.info)
    spec = ligands if given is None else given
    if spec is not None:
        copy.info[ANNOTATION_KEY] = {ligand.smiles: count for ligand, count in parse_ligands(spec)}
    return copy


def with_results(atoms: Atoms, prediction: Prediction, ligands: LigandAnnotation | None = None) -> Atoms:
    """Copy Atoms with a prediction attached.

    The copy carries it through ``ase.io.write`` and back.

    Parameters
    ----------
    atoms
        The object that was predicted.
    prediction
        What was predicted.
    ligands
        Its ligands, for an object that carries no annotation.

    Returns
    -------
    Atoms
        With a `SinglePointCalculator` whose ``energy`` is E_form × N_metal [eV] and whose ``results`` hold every
        field of the prediction, and with the same fields in ``info`` under names that begin with ``bimetal_``,
        there in ASCII (``Å`` as ``&#197;``), since the extended XYZ format garbles any other character.

    Examples
    --------
    >>> from ase_bimetal import load_example, predict
    >>> cluster = load_example("Au4Pd2(PET)8")
    >>> [found] = predict([cluster])
    >>> results_of(with_results(cluster, found)) == found
    True
    """
    copy = annotated(atoms, ligands)
    copy.info |= {PREFIX + name: _mapped(value, _to_ascii) for name, value in _plain_fields(prediction).items()}
    copy.calc = _single_point(copy, prediction)
    return copy


def results_of(atoms: Atoms) -> Prediction | None:
    """Give the prediction that Atoms carry.

    It survives any round trip through a file; None when there is none or the atoms have changed.

    Parameters
    ----------
    atoms
        Atoms as a reader gave them.

    Returns
    -------
    Prediction or None
        What `with_results` attached.

    Raises
    ------
    MissingDataError
        Some of the attached results have been taken away.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> results_of(load_example("Au4Pd2(PET)8")) is None
    True
    """
    found = {key.removeprefix(PREFIX): value for key, value in atoms.info.items() if key.startswith(PREFIX)}
    is_stale = atoms.calc is not None and bool(atoms.calc.check_state(atoms))
    return _prediction(found) if found and not is_stale else None


def to_row(atoms: Atoms) -> dict[str, dict[str, Any]]:
    """Collect what `ase.db` would drop.

    The result holds arguments of its ``write``: ``db.write(atoms, **to_row(atoms))``.

    Parameters
    ----------
    atoms
        Atoms with results or a ligand annotation.

    Returns
    -------
    dict
        ``key_value_pairs`` with the single results, by which a database can be searched
        (``bimetal_formation_energy_per_metal<-3``), and ``data`` with ligands, descriptors and flags.
    """
    prediction, info = results_of(atoms), annotated(atoms).info
    found = {PREFIX + name: value for name, value in _plain_fields(prediction).items()} if prediction else {}
    data = {key: found.pop(key) for key in [PREFIX + name for name in _MANY] if key in found}
    if ANNOTATION_KEY in info:
        data[ANNOTATION_KEY] = info[ANNOTATION_KEY]
    return {"key_value_pairs": found, "data": data}


def from_row(row: AtomsRow) -> Atoms:
    """Rebuild the Atoms of a database row.

    Their ligands and results are back in place.

    Rows written without `to_row` come back too, with whatever the database kept.

    Parameters
    ----------
    row
        Row of an `ase.db` database.

    Returns
    -------
    ase.Atoms
        With annotation and results, as before the database.

    Raises
    ------
    UnsafeContentError
        The row names code.
    """
    require_allowed(dict(row.data))
    atoms: Atoms = row.toatoms()
    kept = {**row.key_value_pairs, **row.data}
    atoms.info |= {key: value for key, value in kept.items() if key.startswith(PREFIX) or key == ANNOTATION_KEY}
    declared = {key: value for key, value in kept.items() if key in CHARGE_KEYS and value}
    atoms.info |= declared or {key: q for key, q in row.get("calculator_parameters", {}).items() if key in CHARGE_KEYS}
    prediction = results_of(atoms)
    if prediction is not None:
        atoms.calc = _single_point(atoms, prediction)
    return atoms


def _single_point(atoms: Atoms, prediction: Prediction) -> SinglePointCalculator:
    calculator = SinglePointCalculator(atoms, energy=prediction.energy, free_energy=prediction.energy)
    calculator.name = "bimetal"
    # ASE's constructor takes only properties it knows; the others are results all the same.
    more = {item.name: getattr(prediction, item.name) for item in fields(prediction)}
    calculator.results = Results(calculator.results, more)
    return calculator


def _plain_fields(prediction: Prediction) -> dict[str, Any]:
    """Fields that are not None, in JSON types."""
    values = prediction.as_dict()
    names = [item.name for item in fields(prediction)]
    return {name: values[name] for name in names if values[name] is not None}


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): _mapped(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_mapped(item, change) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _to_ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode()


def _prediction(values: Mapping[str, Any]) -> Prediction:
    """A prediction from what a file gave back: absent is None, NumPy's numbers are Python's, ASCII is undone."""
    from ase_bimetal.model.interface import Prediction

    plain = {key: _mapped(value, unescape) for key, value in values.items()}
    names = [item.name for item in fields(Prediction)]
    if missing := set(names) - set(plain) - _MAY_LACK:
        raise MissingDataError(
            f"attached results lack {', '.join(PREFIX + name for name in sorted(missing))}; "
            "allowed: results as `with_results` attaches them"
        )
    return Prediction.from_dict({name: plain.get(name) for name in names})


__all__ = ["PREFIX", "annotated", "from_row", "results_of", "to_row", "with_results"]
