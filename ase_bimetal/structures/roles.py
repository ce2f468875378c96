"""Which ligand goes where: the roles of a motif's sites and the ligands that fit them.

===========  ==========================================  =====================================================
role         site                                        ligands that fit
===========  ==========================================  =====================================================
thiolate     bridge of two metals, made for sulfur       X through S or Se
halide       terminal on one metal                       X through a halogen, O, S, Se or alkynyl carbon
phosphine    terminal on one metal                       every L ligand (P, N, S, carbene, CO, isocyanide)
axial        terminal on one metal                       every L ligand
diphosphine  over two neighbours, one P on each          L ligands of two P (dppm, dppe)
chelate      two donors on one metal                     L ligands of two N (bipy, phen, en); no motif has one
sulfide      over a face of three metals                 sulfide
pi           over one metal                              cyclopentadienyls
===========  ==========================================  =====================================================

An L ligand of two donors takes no site of one, where its second donor would hang loose.
A thiol takes the thiolate sites, and the halide's only where a motif has no thiolate site, as in Au11(PPh3)7(SR)3.
An alkynyl does not take a thiolate site: in clusters it bridges side-on, which a site made for sulfur is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.motifs import DONOR_DISTANCE
from ase_bimetal.structures.placements import core_of

#: Role → ligand of the roles that a choice leaves open: the smallest of its kind that the labels hold.
CO_LIGANDS = {
    "thiolate": "SMe",
    "axial": "PMe3",
    "phosphine": "PMe3",
    "diphosphine": "dhpm",
    "halide": "Cl",
    "sulfide": "sulfide",
    "pi": "Cp",
}


@dataclass(frozen=True)
class Shell:
    """Ligands of one cluster.

    ``label`` names the screened choice, ``ligands`` pairs (role, name) by role.
    """

    label: str
    ligands: tuple[tuple[str, str], ...]


def wanted_roles(ligand: Ligand) -> tuple[tuple[str, ...], ...]:
    """List the roles that a ligand can fill.

    Groups come in order of preference, each group filled together.

    Examples
    --------
    >>> wanted_roles(Ligand.parse("PET")), wanted_roles(Ligand.parse("PPh3"))
    ((('thiolate',), ('halide',)), (('phosphine', 'axial'),))
    """
    if ligand.type == "L" and ligand.denticity > 1:
        return (("diphosphine" if ligand.donor == "P" else "chelate",),)
    if ligand.type == "L":
        return (("phosphine", "axial"),)
    if ligand.is_pi:
        return (("pi",),)
    if ligand.name == "sulfide":
        return (("sulfide",),)
    if ligand.donor in ("S", "Se"):
        return ("thiolate",), ("halide",)
    return (("halide",),)


@lru_cache(maxsize=64)
def motif_roles(motif: str) -> dict[str, int]:
    """Count the sites of each role.

    The order is that of the motif's sites.
    """
    roles: dict[str, int] = {}
    for site in core_of(motif).sites:
        roles[site.role] = roles.get(site.role, 0) + 1
    return roles


def fill(motif: str, choice: str | Mapping[str, str], co_ligands: Mapping[str, str]) -> Shell:
    """Put a screened ligand or shell on a motif.

    Co-ligands take the roles left open.

    Parameters
    ----------
    motif
        Key of `ase_bimetal.structures.motifs.FAMILIES`.
    choice
        One ligand, or a mapping role → ligand.
    co_ligands
        Role → ligand of the other roles.

    Raises
    ------
    LigandError
        The choice fits no site of the motif; the message says which ligand, which roles, and what would fit.

    Examples
    --------
    >>> fill("Au4M2-capped", "PET", CO_LIGANDS).ligands
    (('thiolate', 'PET'), ('axial', 'PMe3'))
    """
    roles = motif_roles(motif)
    own = _single(motif, choice, roles) if isinstance(choice, str) else _whole(motif, choice, roles)
    missing = [role for role in roles if role not in own and role not in co_ligands]
    if missing:
        raise LigandError(f"motif {motif} needs a ligand for the role {', '.join(missing)}; give it in co_ligands")
    names = {role: _name(own.get(role) or co_ligands[role]) for role in roles}
    _check_distances(motif, names)
    label = _name(choice) if isinstance(choice, str) else "+".join(names[role] for role in roles if role in own)
    return Shell(label, tuple(names.items()))


def _name(text: str) -> str:
    return Ligand.parse(text).name


def _single(motif: str, text: str, roles: Mapping[str, int]) -> dict[str, str]:
    groups = wanted_roles(Ligand.parse(text))
    for group in groups:
        filled = {role: text for role in group if role in roles}
        if filled:
            return filled
    fits = ", ".join(role for group in groups for role in group)
    raise LigandError(
        f"ligand {_name(text)} fits sites of role {fits}; motif {motif} has {', '.join(roles)}"
        ". Choose a motif with such sites, or another ligand"
    )


def _whole(motif: str, shell: Mapping[str, str], roles: Mapping[str, int]) -> dict[str, str]:
    for role, text in shell.items():
        if role not in roles:
            raise LigandError(
                f"motif {motif} has no role {role}; it has {', '.join(roles)}. Give a ligand for one of these"
            )
        if not any(role in group for group in wanted_roles(Ligand.parse(text))):
            raise LigandError(
                f"ligand {_name(text)} does not fit sites of role {role} in motif {motif}"
                ". Choose another ligand, or another role"
            )
    return dict(shell)


def _check_distances(motif: str, names: Mapping[str, str]) -> None:
    """Terminal sites take their metal–donor distance from the donor; not every donor has one."""
    for site in core_of(motif).sites:
        ligand = Ligand.parse(names[site.role])
        if site.distance is None and ligand.donor not in DONOR_DISTANCE:
            raise LigandError(
                f"no metal–donor distance for {ligand.donor} of ligand {ligand.name} at a terminal site of motif "
                f"{motif}; allowed donors: {', '.join(DONOR_DISTANCE)}"
            )


__all__ = ["CO_LIGANDS", "Shell", "fill", "motif_roles", "wanted_roles"]
