"""Cards of the best candidates: what is known of each, its flags in full, pictures, and its structure as files."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ase_bimetal import plots
from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import Ligand
from ase_bimetal.numbers import formula, number
from ase_bimetal.palette import element_colour
from ase_bimetal.report import words
from ase_bimetal.report.results import NAME, candidate_name, shell_parts
from ase_bimetal.screening import columns as c
from ase_bimetal.system import as_system

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms

    from ase_bimetal.model.energy_parts import EnergyParts
    from ase_bimetal.model.nearest import Nearest

#: Free space around a cluster in its CIF [Å]: farther than any bond reaches.
VACUUM = 8.0
_DRAWING = (230, 150)
_PICTURE_INCHES, _PICTURE_DPI = 1.7, 168


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
    metals
        Pairs of a metal and its colour in the picture.
    facts
        Pairs of what and how much, with units.
    parts
        Pairs of what and how much [eV/metal] that add up to the last of them, E_form; empty where the model is not
        here.
    spreads
        Pairs of what and its share of ± [eV/metal], whose squares add up to that of the last of them.
    flags
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
    metals: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]
    spreads: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    xyz: str
    cif: str


@dataclass(frozen=True)
class Background:
    """What the model that made a prediction tells of it beyond the row.

    Attributes
    ----------
    parts
        The parts of E_form.
    nearest
        The labelled cluster most like the candidate; None on supports, and for a model on labels that are not here.
    """

    parts: EnergyParts
    nearest: Nearest | None


def make_card(row: pd.Series, atoms: Atoms, place: int, background: Background | None = None) -> Card:
    """Make the card of one row of a screening.

    Parameters
    ----------
    row
        Of `ase_bimetal.report.results.Results.predicted`.
    atoms
        Its geometry [Å].
    place
        Its place in the ranking.
    background
        What its model tells of it; None where that is not here.
    """
    metals = as_system(atoms).composition_metals
    return Card(
        id=row[c.ID],
        name=formula(row[NAME]),
        stem=f"{place:02d}-{file_stem(row[NAME])}",
        picture=picture(atoms),
        metals=tuple((symbol, element_colour(symbol)) for symbol in metals),
        facts=(*facts(row), *(_relatives(background) if background else _template_share(row))),
        parts=tuple(energy_lines(row, background)) if background else (),
        spreads=tuple(spread_lines(row, background)) if background else (),
        flags=tuple(row[c.FLAGS]),
        drawings=tuple(ligand_drawings(row[c.LIGANDS])),
        xyz=as_xyz(atoms),
        cif=as_cif(atoms),
    )


def facts(row: pd.Series) -> list[tuple[str, str]]:
    """List what is known of a candidate.

    Units are given; what is unknown or does not exist is left out.
    """
    told = [
        ("motif", str(row[c.MOTIF])),
        ("E_form", f"{words.measured(row)} eV/metal"),
        ("90 % interval", f"{words.interval(row)} eV/metal"),
        ("φ", number(row[c.PHI], 3)),
        ("H_mix", _with_unit(row[c.MIXING_ENTHALPY], 1, "kJ/mol")),
        ("χ_env", _with_unit(row[c.CHI_ENV], 2, "(Pauling)")),
        ("D̃", number(row[c.REDUCED_DISTANCE], 3)),
        ("log P", number(row[c.LOG_P])),
        ("critical metals", ", ".join(row[c.CRITICAL_METALS])),
        ("geometry", str(row[c.GEOMETRY])),
    ]
    return [(what, value) for what, value in told if value and not value.startswith("–")]


def _template_share(row: pd.Series) -> list[tuple[str, str]]:
    """What is known of ± without the model."""
    value = number(row[c.TEMPLATE_ERROR])
    return [] if value == "–" else [("of ±, the unrelaxed template", f"{value} eV/metal")]


def _relatives(background: Background) -> list[tuple[str, str]]:
    """The labelled cluster most like a candidate."""
    if background.nearest is None:
        return []
    cluster = background.nearest.cluster
    name = formula(candidate_name(cluster.core, cluster.shell))
    return [("nearest labelled cluster", f"{name} ({cluster.prototype}): {background.nearest.difference}")]


def energy_lines(row: pd.Series, background: Background) -> list[tuple[str, str]]:
    """Write the parts of E_form in words [eV/metal].

    The last line is the sum of the others, also of the digits shown.

    Parameters
    ----------
    row
        Of `ase_bimetal.report.results.Results.predicted`.
    background
        What its model tells of it.
    """
    parts, total = background.parts, round(float(row[c.FORMATION_ENERGY]), 3)
    level, reference = round(parts.level, 3), round(parts.reference_state, 3)
    lines = [(f"{parts.source}, at {parts.labels}", total - level - reference)]
    if level:
        lines.append((f"step to {row[c.LEVEL]}", level))
    lines.append((f"reference state {row[c.REFERENCE_STATE]}{', from dimer' if reference else ''}", reference))
    return [(what, number(value, 3, "+")) for what, value in lines] + [("E_form", number(total, 3))]


def spread_lines(row: pd.Series, background: Background) -> list[tuple[str, str]]:
    """Write the shares of ± in words [eV/metal].

    The square of the last is the sum of the squares of the others.

    Parameters
    ----------
    row, background
        As of `energy_lines`.
    """
    total = float(row[c.FORMATION_ENERGY_STD])
    template = (
        0.0
        if row[c.TEMPLATE_ERROR] is None or row[c.TEMPLATE_ERROR] != row[c.TEMPLATE_ERROR]
        else float(row[c.TEMPLATE_ERROR])
    )
    parts = background.parts
    learned = min(parts.scale * parts.learned_std, math.sqrt(max(total**2 - template**2, 0.0)))
    level = math.sqrt(max(total**2 - template**2 - learned**2, 0.0))
    shares = [(parts.source, learned), ("level of theory", level), ("unrelaxed template", template)]
    return [(what, number(value, 3)) for what, value in shares if value >= 5e-4] + [("together", number(total, 3))]


def _with_unit(value: float | None, digits: int, unit: str) -> str:
    return f"{number(value, digits)} {unit}"


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
        drawn.append(Drawing(f"{count} × {formula(name)}", _svg(ligand)))
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
    return text[text.index("<svg") :].strip()


def picture(atoms: Atoms) -> str:
    """Draw a structure flat as a PNG.

    It is a ``data:`` address: what print shows in place of the one to turn.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_PICTURE_INCHES, _PICTURE_INCHES), layout="constrained")
    axes = figure.subplots()
    plots.draw_cluster(as_system(atoms), axes)
    if legend := axes.get_legend():
        legend.remove()  # it would lie on the ligands; the card names the colours below
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


__all__ = [
    "VACUUM",
    "Background",
    "Card",
    "Drawing",
    "as_cif",
    "as_xyz",
    "energy_lines",
    "facts",
    "file_stem",
    "ligand_drawings",
    "make_card",
    "picture",
    "spread_lines",
]
