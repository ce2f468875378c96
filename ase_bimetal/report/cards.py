"""Cards of the best candidates: what is known of each, its notes in full, pictures, and its structure as files."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ase_bimetal import plots
from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import Ligand
from ase_bimetal.report import words
from ase_bimetal.report.results import NAME, shell_parts
from ase_bimetal.screening import columns as c
from ase_bimetal.system import as_system

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms

#: Free space around a cluster in its CIF [Å]: farther than any bond reaches.
VACUUM = 8.0
_DRAWING = (230, 150)
_PICTURE_INCHES, _PICTURE_DPI = 2.6, 110


@dataclass(frozen=True)
class Drawing:
    """A ligand's label and its drawing.

    ``label`` says how many there are; its structural formula is an ``svg`` element.
    """

    label: str
    svg: str


@dataclass(frozen=True)
class Card:
    """One candidate.

    Attributes
    ----------
    id, name, stem
        Id of its row, name for people, and name of its files without ending.
    picture
        Its structure as a PNG, a ``data:`` address.
    facts
        Pairs of what and how much, with units.
    notes
        What the prediction should not be trusted for, in full.
    drawings
        Its ligands.
    xyz, cif
        Its structure as files: extended XYZ with the ligands, and CIF, a cluster in a box with `VACUUM` around it.
    """

    id: str
    name: str
    stem: str
    picture: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    xyz: str
    cif: str


def make_card(row: pd.Series, atoms: Atoms, place: int) -> Card:
    """Make the card of one row of a screening.

    Parameters
    ----------
    row
        Of `ase_bimetal.report.results.Results.predicted`.
    atoms
        Its geometry [Å].
    place
        Its place in the ranking.
    """
    return Card(
        id=row[c.ID], name=words.formula(row[NAME]), stem=f"{place:02d}-{file_stem(row[NAME])}",
        picture=picture(atoms), facts=tuple(facts(row)), notes=tuple(row[c.FLAGS]),
        drawings=tuple(ligand_drawings(row[c.LIGANDS])), xyz=as_xyz(atoms), cif=as_cif(atoms),
    )


def facts(row: pd.Series) -> list[tuple[str, str]]:
    """List what is known of a candidate.

    Units are given; what is unknown or does not exist is left out.
    """
    told = [
        ("motif", str(row[c.MOTIF])),
        ("E_form", f"{words.measured(row)} eV/metal"),
        ("90 % interval", f"{words.interval(row)} eV/metal"),
        ("of ±, the unrelaxed template", _with_unit(row[c.TEMPLATE_ERROR], 2, "eV/metal")),
        ("φ", words.number(row[c.PHI], 3)),
        ("H_mix", _with_unit(row[c.MIXING_ENTHALPY], 1, "kJ/mol")),
        ("χ_env", _with_unit(row[c.CHI_ENV], 2, "(Pauling)")),
        ("D̃", words.number(row[c.REDUCED_DISTANCE], 3)),
        ("log P", words.number(row[c.LOG_P])),
        ("critical metals", ", ".join(row[c.CRITICAL_METALS])),
        ("geometry", str(row[c.GEOMETRY])),
    ]
    return [(what, value) for what, value in told if value and not value.startswith("–")]


def _with_unit(value: float | None, digits: int, unit: str) -> str:
    return f"{words.number(value, digits)} {unit}"


def file_stem(name: str) -> str:
    """Turn a candidate's name into a file's name.

    It keeps letters, digits and hyphens.

    Examples
    --------
    >>> file_stem("Au4Pd2(PET)8(PPh3)2 #2")
    'Au4Pd2-PET-8-PPh3-2-2'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:80] or "candidate"


def ligand_drawings(ligands: str | None) -> list[Drawing]:
    """Draw the structural formulas of a shell.

    The shell is that in the column ``ligands``; a support has none.

    Examples
    --------
    >>> [drawn.label for drawn in ligand_drawings("8 PET + 2 PPh3")]
    ['8 × PET', '2 × PPh₃']
    """
    drawn = []
    for count, name in shell_parts(ligands):
        try:
            ligand = Ligand.parse(name)
        except LigandError:
            continue
        drawn.append(Drawing(f"{count} × {words.formula(name)}", _svg(ligand)))
    return drawn


def _svg(ligand: Ligand) -> str:
    """Structural formula of the free ligand, its donors marked, as an ``svg`` element that scales."""
    from rdkit.Chem.Draw import rdMolDraw2D

    drawer = rdMolDraw2D.MolDraw2DSVG(*_DRAWING)
    options: Any = drawer.drawOptions()  # its types name fields after their classes
    options.clearBackground = False
    options.fixedBondLength = 24.0
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, ligand.mol, highlightAtoms=list(ligand.donor_indices))
    drawer.FinishDrawing()
    text = drawer.GetDrawingText()
    return text[text.index("<svg"):].strip()


def picture(atoms: Atoms) -> str:
    """Draw a structure flat as a PNG.

    It is a ``data:`` address: what print shows in place of the one to turn.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_PICTURE_INCHES, _PICTURE_INCHES), layout="constrained")
    axes = figure.subplots()
    plots.draw_cluster(as_system(atoms), axes)
    if legend := axes.get_legend():
        legend.remove()  # it would lie on the ligands; the caption of the cards names the colours
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_PICTURE_DPI)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def as_xyz(atoms: Atoms) -> str:
    """Write extended XYZ with the ligand annotation.

    `ase.io.read` and every viewer read it.
    """
    from ase.io import write

    buffer = io.StringIO()
    write(buffer, atoms, format="extxyz")
    return buffer.getvalue()


def as_cif(atoms: Atoms) -> str:
    """Write a structure as CIF.

    It is in its own cell, or in a box with `VACUUM` around a cluster.
    """
    from ase.io import write

    boxed = atoms.copy()
    if not boxed.pbc.any():
        boxed.center(vacuum=VACUUM)
        boxed.pbc = True
    buffer = io.BytesIO()
    write(buffer, boxed, format="cif")
    return buffer.getvalue().decode()


__all__ = ["VACUUM", "Card", "Drawing", "as_cif", "as_xyz", "facts", "file_stem", "ligand_drawings", "make_card",
           "picture"]
