"""Prototypes: a family of metal cores, its metals and their arrangement, and a ligand for every role."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ase_bimetal.errors import BimetalError
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures import particles
from ase_bimetal.structures.cores import (
    Core,
    Site,
    au4m2,
    au4m2_capped,
    centred_gold,
    gold_under_sulfides,
    half_sandwich,
    icosahedral,
    spread_out,
    staple_protected,
    with_diphosphines,
    with_symbols,
)

#: Dopants of the source article, in order of atomic number.
DOPANTS = ("Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ru", "Rh", "Pd", "Ag", "Cd", "Re", "Os", "Ir", "Pt", "Hg")

#: Usual metal–donor distances [Å] for a terminal ligand on a late metal (Cambridge Structural Database means).
DONOR_DISTANCE = {"P": 2.32, "S": 2.35, "Cl": 2.35, "Br": 2.45, "I": 2.60, "C": 2.00, "N": 2.10, "O": 2.05,
                  "H": 1.65}  # fmt: skip

#: Family name → builder of its core from the dopant, gold being the host.
FAMILIES: dict[str, Callable[[str], Core]] = {
    "Au4M2": au4m2,
    "Au4M2-capped": au4m2_capped,
    "M@Au8": lambda dopant: centred_gold(dopant, 8, 2),
    "M@Au8-diphosphine": lambda dopant: with_diphosphines(centred_gold(dopant, 8, 2)),
    "M@Au10": lambda dopant: centred_gold(dopant, 10, 3),
    "M@Au11": lambda dopant: centred_gold(dopant, 11, 3),
    "M@Au12": lambda dopant: centred_gold(dopant, 12, 4),
    "M@Au12-sulfide": gold_under_sulfides,
    "M@Au24-centre": lambda dopant: staple_protected(dopant, "centre"),
    "M@Au24-surface": lambda dopant: staple_protected(dopant, "surface"),
    "M@Au24-staple": lambda dopant: staple_protected(dopant, "staple"),
    "Au6M2-Cp": half_sandwich,
    "Au6M2-Cp-diphosphine": lambda dopant: with_diphosphines(half_sandwich(dopant)),
    "M13": lambda dopant: icosahedral(dopant, 1),
    "M55": lambda dopant: icosahedral(dopant, 2),
}
#: The same for particles that say what size does: for labels, not motifs of known clusters.
PARTICLES: dict[str, Callable[[str], Core]] = {
    **{name: partial(particles.bridged_particle, name) for name in particles.SIZES},
    **{name: partial(particles.stapled_particle, name) for name in particles.STAPLED},
}
_PLACE = re.compile(r"-(centre|surface|staple|diphosphine|sulfide)$")
_ARRANGEMENTS = "'' (the family's own), 'core-shell', 'random-P' (P percent of dopant), 'third-M-n' (n atoms of M)"


def family_group(family: str) -> str:
    """Name the group of a family.

    Places of a dopant in one core are one group, and so are a core under other kinds of ligands, and bridged or stapled
    particles of all sizes.

    Examples
    --------
    >>> family_group("M@Au24-staple"), family_group("M38-bridged"), family_group("M@Au8-diphosphine")
    ('M@Au24', 'bridged particles', 'M@Au8')
    """
    return f"{family.partition('-')[2]} particles" if family in PARTICLES else _PLACE.sub("", family)


@dataclass(frozen=True)
class Prototype:
    """One cluster to make: a family, its metals, and a ligand for every role.

    Attributes
    ----------
    family
        Key of `FAMILIES` or `PARTICLES`.
    dopant
        Element at the family's dopant sites.
    shell
        Role → ligand, by name or SMILES.
    host
        Element at all other sites.
    arrangement
        ``""`` leaves the dopant where the family has it; ``"core-shell"`` puts it at every inner site;
        ``"random-30"`` at a random 30 % of the sites, drawn once per prototype; ``"third-Ag-2"`` puts two Ag atoms,
        far apart, at sites of the host.

    Examples
    --------
    >>> Prototype("Au4M2", "Pd", {"thiolate": "PET"}).name
    'Au4M2-Pd-PET'
    >>> alloy = Prototype("M13", "Cu", {"phosphine": "PH3", "halide": "Cl"}, "Ag", "random-30")
    >>> alloy.name, alloy.core().symbols.count("Cu")
    ('M13-Cu-in-Ag-random-30-PH3-Cl', 4)
    """

    family: str
    dopant: str
    shell: dict[str, str] = field(hash=False)
    host: str = "Au"
    arrangement: str = ""

    @property
    def name(self) -> str:
        """Family, metals, arrangement and ligands, joined: the prototype's identity in the data set."""
        metals = self.dopant if self.host == "Au" and not self.arrangement else f"{self.dopant}-in-{self.host}"
        return "-".join([self.family, metals, *filter(None, [self.arrangement]), *self.shell.values()])

    def core(self) -> Core:
        """Build the metal core and its sites.

        Raises
        ------
        BimetalError
            Unknown family or arrangement.
        """
        builders = FAMILIES | PARTICLES
        if self.family not in builders:
            raise BimetalError(f"unknown motif family {self.family!r}; allowed: {', '.join(builders)}")
        marked = builders[self.family]("M")
        sites = [s == "M" for s in marked.symbols]
        symbols = [self.dopant if is_dopant else self.host for is_dopant in self._arranged(marked, sites)]
        third = re.fullmatch(r"third-([A-Z][a-z]?)-(\d+)", self.arrangement)
        if third:
            hosts = [i for i, is_dopant in enumerate(sites) if not is_dopant]
            for i in spread_out(marked.positions[hosts], int(third[2])):
                symbols[hosts[i]] = third[1]
        return with_symbols(marked, tuple(symbols))

    def _arranged(self, core: Core, own: list[bool]) -> list[bool]:
        """Which sites hold the dopant."""
        if not self.arrangement or self.arrangement.startswith("third-"):
            return own
        if self.arrangement == "core-shell":
            radius = np.linalg.norm(core.positions - core.positions.mean(axis=0), axis=1)
            return list(radius < radius.max() * 0.75)
        percent = re.fullmatch(r"random-(\d+)", self.arrangement)
        if not percent:
            raise BimetalError(f"unknown arrangement {self.arrangement!r}; allowed: {_ARRANGEMENTS}")
        n_dopants = round(len(own) * int(percent[1]) / 100)
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        chosen = set(rng.permutation(len(own))[:n_dopants].tolist())
        return [i in chosen for i in range(len(own))]

    def ligands(self) -> dict[str, Ligand]:
        """Parse the ligand of every role."""
        return {role: Ligand.parse(text) for role, text in self.shell.items()}


__all__ = ["DONOR_DISTANCE", "DOPANTS", "FAMILIES", "PARTICLES", "Core", "Prototype", "Site", "family_group"]
