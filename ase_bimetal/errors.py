"""Typed errors: each names the atom, element or SMILES at fault and says what is allowed.

Every class can be built from one string, because matminer re-raises errors as ``type(e)(message)``.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ase.calculators.calculator import InputError


class BimetalError(InputError, ValueError):
    """Base of every error this package raises about its input."""


class UnknownElementError(BimetalError):
    """An element for which a needed value (electronegativity, radius, mixing enthalpy) does not exist."""


class UnsupportedElementError(BimetalError):
    """A metal that the model has never seen.

    It stands in a class of materials that the model can describe.
    """


class NoMetalError(BimetalError):
    """The object holds no metal atom."""


class GeometryError(BimetalError):
    """Positions that are not finite, or atoms that sit on top of each other."""


class ChargedSystemError(BimetalError):
    """A charged object: the formation energy, eq. (1), has no charge term."""


class LigandError(BimetalError):
    """A ligand that cannot be read or cannot bind.

    Its SMILES is invalid, or it has no atom that can bind a metal.
    """


class LigandMismatchError(LigandError):
    """Annotated ligands and coordinates differ in chemical formula."""


class PerceptionError(LigandError):
    """The ligands could not be derived from the coordinates."""


class MissingDataError(BimetalError):
    """A descriptor was asked for that the object does not carry the data for."""


class OneMetalError(MissingDataError):
    """A descriptor of two metals, asked of an object with one."""


class UnsupportedSystemError(BimetalError):
    """A kind of object that a model was not made for."""


class SeveralClustersError(UnsupportedSystemError):
    """One object that holds several separate clusters; `split_clusters` gives each."""


class ReferenceStateError(BimetalError):
    """A reference state that is unknown or cannot be used.

    It cannot be used where the fragment energies that it needs are not known for a ligand.
    """


class WeightsError(BimetalError):
    """Weights that are missing, altered, or made for another architecture."""


class ModelError(BimetalError):
    """A model that does not do what every model of formation energies promises."""


class FormulaError(BimetalError):
    """A cluster's formula that cannot be read or built.

    It cannot be built where no motif has it.
    """


class FileFormatError(BimetalError):
    """A file, or one frame of it, that neither ASE nor pymatgen can read."""


class UnsafeContentError(FileFormatError):
    """A data file that names code to run, or other files to read."""


class SearchError(BimetalError):
    """A search over dopant positions that cannot be done.

    It has nothing to move, or more placements than it may count.
    """


class ScreenError(BimetalError):
    """A screening that cannot be run as configured.

    Also raised for results that do not fit together.
    """


class OptionError(BimetalError):
    """An option that does not exist, or a value that it does not take."""


class WorkerError(BimetalError):
    """A worker process that ended before its work was done."""


class LevelError(BimetalError):
    """A level of theory that is unknown or not able.

    It may lack an element, a spin multiplicity or charges.
    """


class ProgramError(BimetalError):
    """An external program that a level of theory runs is not installed."""


class UnexpectedError(BimetalError):
    """Whatever else went wrong with one object of several; the others are not touched."""


class MissingPackageError(BimetalError, ModuleNotFoundError):
    """An optional Python package that is not installed.

    The message names the extra that brings it.
    """


def one_line(error: Exception) -> str:
    """Write an error's class and message on one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")


def as_typed(error: Exception, what: str) -> BimetalError:
    """Give an error of this package for any error.

    Parameters
    ----------
    error
        What was raised; one of this package's own is given back.
    what
        What was being done, for the message.

    Examples
    --------
    >>> print(as_typed(ZeroDivisionError("division by zero"), "reading the object"))
    reading the object failed, ZeroDivisionError: division by zero. Leave it out, and report it with its coordinates
    """
    if isinstance(error, BimetalError):
        return error
    typed = UnexpectedError(f"{what} failed, {one_line(error)}. Leave it out, and report it with its coordinates")
    typed.__cause__ = error
    return typed


def require_options(who: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Refuse an option that does not exist and propose the closest one.

    Parameters
    ----------
    who
        Name of the function or class, for the message.
    given
        Names of the options that were passed.
    known
        Names of the options that exist.

    Raises
    ------
    OptionError
        Naming the first option that does not exist.
    """
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            raise OptionError(
                f"{who} has no option {name!r}; {meant}allowed: {', '.join(known)}. Use one of these, or leave it out"
            )
