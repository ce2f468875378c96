"""Structures in: every format that ASE or pymatgen reads, frame by frame, each bad frame with its reason."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ase import Atoms
from ase.io.formats import filetype, ioformats, iread, open_with_compression, parse_filename
from ase.utils import string2index

from ase_bimetal.errors import BimetalError, FileFormatError, UnsafeContentError, one_line
from ase_bimetal.inputs import partly_occupied
from ase_bimetal.io.allowed import parse_json, require_allowed
from ase_bimetal.io.cif import cif_structures
from ase_bimetal.io.declared import declared_charge
from ase_bimetal.io.molfiles import MOL_FORMATS, molecules
from ase_bimetal.io.orca import ORCA_INPUT, is_orca_input, orca_structures
from ase_bimetal.io.outside import require_database, require_no_other_file
from ase_bimetal.io.quiet import quiet_readers
from ase_bimetal.io.text import as_utf8, decoded_lines, text_of
from ase_bimetal.system import BimetallicSystem

if TYPE_CHECKING:
    from pymatgen.core.structure import IMolecule, IStructure

    Content = Atoms | IStructure | IMolecule | BimetallicSystem | BimetalError

STDIN = "-"
_XYZ = ("xyz", "extxyz")
_JSON, _YAML = (".json", ".mson"), (".yaml", ".yml")
# Servers, not files: reading one would open a connection.
_SERVERS = ("mysql", "postgresql")
# What a reader of ASE needs to be told: to give the charge that a file declares, and not to run CASTEP to list its
# keywords.
_OPTIONS: dict[str, dict[str, Any]] = {
    "gaussian-in": {"attach_calculator": True},
    "castep-cell": {"calculator_args": {"keyword_tolerance": 3}},
}
# pymatgen's names of the formats that ASE does not read, and its own name of one that ASE calls "vasp".
_ONLY_PYMATGEN = ("cssr", "gjf", "lmto", "mcsqs", "poscar", "pwmat", "yaml")


@dataclass(frozen=True, eq=False)
class Frame:
    """One structure of a file.

    Attributes
    ----------
    name
        ``file@index``, with the index counted from zero.
    content
        The object, or the error that says why it could not be read.
    """

    name: str
    content: Content


def known_formats() -> list[str]:
    """List the names that ``format`` may have.

    ASE's come first, then those that only pymatgen reads, then ORCA's input and MOL2.

    Returns
    -------
    list of str
        Names of formats.

    Examples
    --------
    >>> {"extxyz", "cif", "poscar"} <= set(known_formats())
    True
    """
    readable = (name for name, entry in sorted(ioformats.items()) if entry.can_read and name not in _SERVERS)
    return [*dict.fromkeys([*readable, *_ONLY_PYMATGEN, ORCA_INPUT, *MOL_FORMATS])]


def read_frames(source: str | Path, format: str | None = None) -> Iterator[Frame]:
    """Read all frames of a file, one at a time.

    A frame that cannot be read, or a structure whose sites are shared by several elements, is given with its error,
    and the next ones follow, as far as the format has a way to find where they begin.

    Parameters
    ----------
    source
        A file, one with ASE's index as in ``run.traj@-5:``, or ``"-"`` for standard input.
    format
        Name out of `known_formats`; from the file's name and content by default, needed for standard input.

    Yields
    ------
    Frame
        In the order of the file.

    Raises
    ------
    FileFormatError
        The format is unknown, or not given for standard input.

    Examples
    --------
    >>> import ase_bimetal
    >>> path = Path(ase_bimetal.__file__).parent / "datasets" / "examples" / "Au4Pd2(PET)8.extxyz"
    >>> [(frame.name.rpartition("@")[2], len(frame.content)) for frame in read_frames(path)]
    [('0', 150)]
    """
    if format is not None and format not in known_formats():
        raise FileFormatError(
            f"unknown format {format!r}; allowed: {', '.join(known_formats())}"
            ". Give one of these, or leave the format out"
        )
    if str(source) == STDIN:
        yield from _read_stdin(format)
        return
    path, index = split_index(source)
    frames = _named(path, _contents(path, format))
    yield from frames if index is None else _selected(path, list(frames), index)


def split_index(source: str | Path) -> tuple[str, int | slice | None]:
    """Split ``file@index`` into file and ASE's index.

    A file whose own name holds the sign is left whole.

    Parameters
    ----------
    source
        A path, with or without an index.

    Returns
    -------
    tuple
        Path, and a number, a slice, or None for all frames.

    Raises
    ------
    FileFormatError
        What follows the sign is no index.

    Examples
    --------
    >>> split_index("run.traj@-5:")
    ('run.traj', slice(-5, None, None))
    """
    text = str(source)
    if Path(text).exists():
        return text, None
    path, index = parse_filename(text, None)
    found = string2index(index) if isinstance(index, str) else index
    if isinstance(found, str):
        raise FileFormatError(
            f"{found!r} is no index in {text!r}; allowed: a number or a range, as @3 or @-5:"
            "; write @-1 for the last frame"
        )
    return path, found


def _selected(path: str, frames: list[Frame], index: int | slice) -> list[Frame]:
    if isinstance(index, slice):
        return frames[index]
    if not -len(frames) <= index < len(frames):
        held = f"{len(frames)} frames, @0 to @{len(frames) - 1}"
        return [Frame(f"{path}@{index}", FileFormatError(f"no frame @{index}; the file holds {held}"))]
    return [frames[index]]


def _named(path: str, contents: Iterable[Content]) -> Iterator[Frame]:
    number = -1
    for number, content in enumerate(contents):
        yield Frame(f"{path}@{number}", content)
    if number < 0:
        yield Frame(path, FileFormatError("the file holds no structure"))


def _read_stdin(format: str | None) -> Iterator[Frame]:
    if format is None:
        raise FileFormatError("standard input has no name to tell its format by; give one, such as extxyz")
    if format in _XYZ:
        yield from _named(STDIN, _xyz_contents(sys.stdin.buffer))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        path.write_bytes(sys.stdin.buffer.read())
        yield from _named(STDIN, _contents(str(path), format))


def _contents(path: str, format: str | None) -> Iterator[Content]:
    """Contents of a file, in which whatever a reader's parsing meets becomes one error."""
    if not Path(path).exists():
        raise FileFormatError(f"no file {path!r}. Check the path")
    if Path(path).is_file() and not Path(path).stat().st_size:
        return
    try:
        yield from _contents_by_format(path, format)
    except BimetalError as error:
        yield error
    except Exception as error:  # readers raise whatever their parsing meets
        yield FileFormatError(one_line(error))


def _contents_by_format(path: str, format: str | None) -> Iterator[Content]:
    """Contents of a file by the reader that knows how to go on after a bad frame, if its format has one."""
    with as_utf8(path) if format not in _XYZ else nullcontext(path) as readable:
        name = format or _guess(readable)
        if name in _XYZ:
            with open_with_compression(path, "rb") as stream:
                yield from _xyz_contents(stream)
        elif name in ("json", "db"):
            yield from _database_contents(readable, name)
        elif name == "cif":
            yield from _cif_contents(readable, format)
        elif name == "yaml" or (format is None and Path(path).suffix in _YAML):
            yield _attempt(lambda: _yaml_structure(readable))
        elif name in MOL_FORMATS:
            yield from molecules(readable, name)
        elif name == ORCA_INPUT or (name not in ioformats and is_orca_input(readable)):
            yield from orca_structures(readable)
        else:
            require_no_other_file(readable, name)
            if name == "vasp":
                _require_lines_for_atoms(readable)
            yield from _general_contents(readable, format, name)


def _require_lines_for_atoms(path: str) -> None:
    """Check that a POSCAR has a line for each atom that it counts, before a reader makes room for them."""
    with open_with_compression(path, "rb") as stream:
        lines = stream.read().splitlines()
    for counts in lines[5:7]:
        if sum(int(word[:20]) for word in counts.split() if word.isdigit()) > len(lines):
            raise FileFormatError(
                f"its counts, {counts.decode(errors='replace'):.80}, are of more atoms than the file "
                f"has lines, {len(lines)}. Mend the counts or add the missing positions"
            )


def _guess(path: str) -> str | None:
    """ASE's name of the format; None where its looks into the file find none, or fail on what they find."""
    try:
        with quiet_readers():
            name = filetype(path)
    except Exception:  # the guess reads the file, and may meet anything; the readers say what is wrong with it
        return None
    return None if name in _SERVERS else name


def _xyz_contents(stream: IO[bytes]) -> Iterator[Content]:
    for lines in _xyz_blocks(decoded_lines(stream)):
        yield _attempt(partial(_xyz_frame, lines))


def _xyz_blocks(stream: Iterable[str]) -> Iterator[list[str]]:
    """Cut an XYZ file where a line holds one whole number, so that a wrong count spoils its own frame only."""
    block: list[str] = []
    for line in stream:
        # The second line of a frame is a comment, which may be a number too.
        if line.strip().isdigit() and len(block) != 1:
            if block:
                yield block
            block = []
        if block or line.strip():
            block.append(line)
    if block:
        yield block


def _xyz_frame(lines: list[str]) -> Atoms:
    from ase.io.extxyz import read_xyz

    if not lines[0].strip().isdigit():
        raise FileFormatError(
            f"expected a number of atoms, found {lines[0].strip()!r}. Write the number of atoms into the first line"
        )
    count = int(lines[0])
    atoms = [line for line in lines[2:] if line.strip() and not line.startswith("VEC")]
    if len(atoms) != count:
        raise FileFormatError(
            f"the frame announces {count} atoms and holds {len(atoms)}"
            ". Correct the number in its first line, or add the atoms"
        )
    with quiet_readers():
        frame: Atoms = next(read_xyz(StringIO("".join(lines)), 0))
    return frame


def _database_contents(path: str, name: str) -> Iterator[Content]:
    """Rows of an `ase.db` database, or the objects of a JSON file that monty wrote."""
    from ase.db import connect

    from ase_bimetal.io.results import from_row

    if name == "json":
        content = _json_content(path)
        if (objects := _monty_objects(content)) is not None:
            yield from (_attempt(partial(_from_monty, d)) for d in objects)
            return
        require_allowed(content)
    else:
        require_database(path)
    rows = _until_error(connect(path, type=name, serial=True).select())
    for row in rows:
        yield row if isinstance(row, BimetalError) else _attempt(partial(from_row, row))


def _json_content(path: str) -> Any:
    return parse_json(text_of(path))


def _monty_objects(content: object) -> list[dict[str, Any]] | None:
    """The dicts with ``@class`` that a JSON file holds, alone or in a list; None for any other JSON."""
    objects: list[Any] = content if isinstance(content, list) else [content]
    return objects if all(isinstance(d, dict) and "@class" in d for d in objects) else None


def _from_monty(d: dict[str, Any]) -> Content:
    """Build an object by its class name, once nothing in it names code: monty imports whatever a file names."""
    from pymatgen.core.structure import IMolecule, IStructure, Molecule, Structure
    from pymatgen.io.ase import MSONAtoms

    require_allowed(d)
    with quiet_readers():
        if d["@class"] in ("Atoms", "MSONAtoms"):
            content = MSONAtoms.from_dict(d)
            atoms = Atoms(content)
            atoms.info = content.info
            return atoms
        classes = {c.__name__: c for c in (BimetallicSystem, Structure, IStructure, Molecule, IMolecule)}
        if d["@class"] not in classes:
            raise FileFormatError(
                f"JSON of class {d['@class']!r}; allowed: {', '.join([*classes, 'MSONAtoms'])}. Write one of these"
            )
        return classes[d["@class"]].from_dict(d)


def _json_structure(path: str) -> Content:
    return _from_unnamed(_json_content(path))


def _from_unnamed(content: object) -> Content:
    """A pymatgen object, which is a structure where it has a lattice and does not say its class."""
    if not isinstance(content, dict) or not {"sites", "@class"} & set(content):
        raise FileFormatError(
            "the file holds no structure; allowed: one as pymatgen writes it"
            ". Write it anew with structure.to(filename=...)"
        )
    return _from_monty({"@class": "Structure" if "lattice" in content else "Molecule"} | content)


def _yaml_structure(path: str) -> Content:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(text_of(path))
    except YAMLError as error:
        raise FileFormatError(f"no YAML: {one_line(error)}. Write it anew, or name its format") from None
    except RecursionError:
        raise FileFormatError("the YAML is nested too deeply to be a structure. Write it anew with pymatgen") from None
    return _from_unnamed(content)


def _cif_contents(path: str, format: str | None) -> Iterator[Content]:
    """Structures of all blocks; what other readers say of a file in which ours finds none."""
    contents = list(_until_error(cif_structures(path)))
    if any(isinstance(content, Atoms) and len(content) for content in contents):
        yield from (_attempt(partial(_checked, c)) if isinstance(c, Atoms) else c for c in contents)
    else:
        yield from _general_contents(path, format, "cif")


def _general_contents(path: str, format: str | None, guess: str | None) -> Iterator[Content]:
    """Frames as ASE reads them, or as pymatgen does when ASE finds no atoms in the first."""
    frames = _from_ase(path, guess) if guess in ioformats else iter(())
    first = next(frames, FileFormatError("no atoms found"))
    if isinstance(first, Atoms) and len(first):
        charge = declared_charge(path, guess)
        for atoms in chain([first], frames):
            if isinstance(atoms, BimetalError):
                yield atoms
            elif len(atoms):  # ASE takes the last line of a PDB file of models for another one
                yield _attempt(partial(_checked, atoms, charge))
        return
    try:
        yield from _from_pymatgen(path, None if format in ioformats else format)
    except UnsafeContentError:
        raise
    except FileFormatError as error:
        reason = first if isinstance(first, BimetalError) else "no atoms found"
        yield FileFormatError(f"ASE ({guess if guess in ioformats else 'unknown format'}): {reason}; pymatgen: {error}")


def _from_ase(path: str, name: str) -> Iterator[Atoms | FileFormatError]:
    options = _OPTIONS.get(name, {})
    return _until_error(iread(path, ":", name, do_not_split_by_at_sign=True, **options))


def _from_pymatgen(path: str, format: str | None) -> Sequence[Content]:
    """A structure or molecule, whichever pymatgen knows the format or the name as; those of all blocks of a CIF.

    Names by which pymatgen would take a file for JSON or YAML, such as ``a.mson`` or ``a.json.txt``, go to our own
    readers, which look for named code first.
    """
    from pymatgen.core.structure import Molecule, Structure

    name = Path(path).name.lower()
    if format is None and any(ending in name for ending in _JSON):
        return [_json_structure(path)]
    if format is None and any(ending in name for ending in _YAML):
        return [_yaml_structure(path)]
    if format is None and ".cif" in name:
        return _blocks_by_pymatgen(path)
    named: dict[str, Any] = {"fmt": format}  # pymatgen refuses names it does not know
    reasons = []
    for kind in (Structure, Molecule):
        try:
            with quiet_readers():
                return [kind.from_str(Path(path).read_text(), **named) if format else kind.from_file(path)]
        except Exception as error:  # readers raise whatever their parsing meets
            reasons.append(f"{kind.__name__}: {one_line(error)}")
    raise FileFormatError("; ".join([*reasons, "name the format, or write the structure anew as extxyz"]))


def _blocks_by_pymatgen(path: str) -> Sequence[Content]:
    """Structures of all blocks of a CIF; `Structure.from_file` gives the first alone."""
    from pymatgen.io.cif import CifParser

    try:
        with quiet_readers():
            found: Sequence[Content] = CifParser(path).parse_structures(primitive=False, on_error="ignore")
    except Exception as error:  # readers raise whatever their parsing meets
        raise FileFormatError(f"{one_line(error)}. Write the structure anew as extxyz") from None
    return found


def _until_error(items: Iterable[Any]) -> Iterator[Any]:
    """Items of an iterator, ended by the error that stops it."""
    remaining = iter(items)
    while True:
        try:
            with quiet_readers():
                item = next(remaining)
        except StopIteration:
            return
        except Exception as error:  # readers raise whatever their parsing meets
            yield FileFormatError(one_line(error))
            return
        yield item


def _attempt(make: Callable[[], Content]) -> Content:
    try:
        return make()
    except BimetalError as error:
        return error
    except Exception as error:  # readers raise whatever their parsing meets
        return FileFormatError(one_line(error))


def _checked(atoms: Atoms, declared: float = 0.0) -> Atoms:
    """Refuse what ASE reads by choosing for the user, and take over a charge it keeps elsewhere."""
    partly_occupied(atoms.info.get("occupancy") or {})
    charge = getattr(atoms.calc, "parameters", {}).get("charge") or declared
    if charge:
        atoms.info.setdefault("charge", charge)
    return atoms


__all__ = ["STDIN", "Frame", "known_formats", "read_frames", "split_index"]
