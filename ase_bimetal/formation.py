"""The formation energy, eq. (1) of Gu et al. 2025, and the reference states of its surroundings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from ase_bimetal.errors import ReferenceStateError
from ase_bimetal.ligands import Ligand
from ase_bimetal.system import BimetallicSystem

#: Reference state of the ligands that a prediction can have.
ReferenceState = Literal["dimer", "hydride", "radical"]
#: The same as a tuple. They are forms of X-type ligands; L-type ligands are always the free molecule.
REFERENCE_STATES: tuple[ReferenceState, ...] = get_args(ReferenceState)


def formation_energy(
    energy: float,
    metals: Sequence[str],
    ligands: Mapping[str, int],
    fragments: Mapping[str, Any],
    reference_state: ReferenceState | Literal["bound_shell"] = "dimer",
    bound_shell: float | None = None,
) -> float:
    """Compute E_form [eV per metal atom], eq. (1).

    The raw energies are all of one level.

    Parameters
    ----------
    energy
        Total energy of the cluster [eV].
    metals
        Symbols of its metal atoms.
    ligands
        SMILES of the free ligand → count.
    fragments
        Table with ``atoms``, ``ligands`` and ``H2`` energies [eV].
    reference_state
        One of `REFERENCE_STATES`, or ``"bound_shell"`` for the ligands frozen in place.
    bound_shell
        Energy of all ligands frozen in place [eV], for ``reference_state="bound_shell"``.

    Raises
    ------
    ReferenceStateError
        Unknown reference state, or an energy it needs is missing.
    """
    apart: float = sum(fragments["atoms"][s] for s in metals)
    if reference_state == "bound_shell":
        if bound_shell is None:
            raise ReferenceStateError("reference state 'bound_shell' needs the energy of the frozen ligand shell")
        return (energy - apart - bound_shell) / len(metals)
    shell = sum(n * ligand_reference_energy(smiles, fragments, reference_state) for smiles, n in ligands.items())
    return (energy - apart - shell) / len(metals)


def ligand_reference_energy(
    smiles: str, fragments: Mapping[str, Any], reference_state: ReferenceState = "dimer"
) -> float:
    """Compute the energy [eV] of a ligand's reference state.

    It is what eq. (1) subtracts for one bound ligand.
    """
    if reference_state not in REFERENCE_STATES:
        raise ReferenceStateError(
            f"unknown reference state {reference_state!r}; allowed: {', '.join(REFERENCE_STATES)}"
        )
    if smiles not in fragments["ligands"]:
        known = ", ".join(sorted(fragments["ligands"]))
        raise ReferenceStateError(
            f"no fragment energies for ligand {smiles!r}; known: {known}. Use the reference state 'dimer'"
        )
    forms: Mapping[str, float] = fragments["ligands"][smiles]
    ligand = Ligand.parse(smiles)
    hydrogen: float = ligand.denticity * fragments["H2"] / 2
    if ligand.type == "L":
        return forms["free"]
    return {
        "dimer": forms["dimer"] / 2,
        "hydride": forms["free"] - hydrogen,
        "radical": forms["radical"],
    }[reference_state]


def correction_features(system: BimetallicSystem) -> dict[str, float]:
    """Count what the corrections multiply.

    Metal → its fraction, ``"S-X"``-like donor type → donors per metal.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> correction_features(BimetallicSystem.from_atoms(load_example("Au4Pd2(PET)8")))["S-X"]
    1.3333333333333333
    """
    counts = dict(system.composition_metals)
    for ligand, n in system.ligands:
        kind = f"{ligand.donor}-{ligand.type}"
        counts[kind] = counts.get(kind, 0) + n * ligand.denticity
    return {name: n / system.n_metals for name, n in counts.items()}
