"""Templates: the geometry of one motif with one ligand shell, in which the metals are exchanged.

Assembling takes seconds, a prediction milliseconds; and a motif's geometry does not depend on its metals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ase import Atoms

from ase_bimetal.annotation import ANNOTATION_KEY
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.checks import rejection
from ase_bimetal.structures.motifs import Prototype
from ase_bimetal.structures.relaxed_cores import mean_relaxed_core, with_skeleton
from ase_bimetal.structures.roles import Shell, motif_roles
from ase_bimetal.structures.template_errors import IDEAL_CORE, RELAXED_CORE

_DECIMALS = 4  # Å; what is kept in the file is what is predicted, in the first run and in every later one
_PLACEHOLDER = "Pd"  # at the dopant sites of a template, until a candidate's metals replace it


def build_template(motif: str, shell: Shell) -> Atoms:
    """Assemble a motif with its ligands.

    The core is the mean relaxed one, if labels tell it; metals are Au and dopant Pd.

    ``info["geometry"]`` says whether the core is a relaxed one; ``info["template_note"]`` what is wrong with the
    geometry, where ligands are too large for the motif.

    Raises
    ------
    LigandError
        A ligand has no three-dimensional structure, or no motif can place it.
    """
    atoms = assemble(Prototype(motif, _PLACEHOLDER, dict(shell.ligands)))
    places = mean_relaxed_core(motif, atoms)
    if places is not None:
        atoms = with_skeleton(atoms, places)
    atoms.info["geometry"] = IDEAL_CORE if places is None else RELAXED_CORE
    atoms.positions = atoms.positions.round(_DECIMALS)
    # Counted over roles, because one ligand can fill two of them.
    atoms.info[ANNOTATION_KEY] = _shell_counts(motif, shell)
    if fault := rejection(atoms, atoms):
        atoms.info["template_note"] = f"crowded template: {fault}"
    return atoms


def _shell_counts(motif: str, shell: Shell) -> dict[str, int]:
    """SMILES → number of ligands."""
    counts: Counter[str] = Counter()
    for role, name in shell.ligands:
        counts[Ligand.parse(name).smiles] += motif_roles(motif)[role]
    return dict(counts)


def with_metals(template: Atoms, core_symbols: Sequence[str]) -> Atoms:
    """Put other metals on a template's geometry.

    The core's atoms come first.
    """
    atoms: Atoms = template.copy()
    atoms.symbols[: len(core_symbols)] = list(core_symbols)
    return atoms


__all__ = ["build_template", "with_metals"]
