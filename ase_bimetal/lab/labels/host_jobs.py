"""What to label on extended hosts: two metals in zeolites, on N-doped carbon, and bare alloys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from ase_bimetal.structures.frameworks import RINGS, formal_charge, support_name

# Metals in the order in which they are made, so that a campaign cut short is balanced.
_D_BLOCK = (
    *("Ag", "Zn", "Y", "Ni", "Pd", "Zr", "Au", "Pt", "Sc", "Co", "Fe", "Mn", "Cd", "Ti"),
    *("Ru", "Rh", "Ir", "Cr", "V", "Hf", "Nb", "Mo", "Re", "Os", "W", "Ta", "Hg", "Tc"),
)
_F_BLOCK = ("La", "Gd", "Ce", "Lu", "Nd", "Sm", "Dy", "Er", "Yb", "Pr", "Tb", "Ho", "Tm", "Eu")
_SHEET_METALS = ("Fe", "Co", "Ni", "Cu", "Zn", "Mn", "Pd", "Pt", "Ag", "Au")
_SHEET_FIRST = (("Au", "Ni"), ("Cu", "Gd"), ("Ni", "Pt"))
_SHEET_MORE = (("Cu", "Y"), ("Pt", "Ru"), ("Fe", "Ir"), ("Cu", "Ru"))
_WIDE_PAIRS = (*_SHEET_FIRST, ("Fe", "Co"), ("Cu", "Zn"), ("Pt", "Co"), ("Ag", "Cu"), ("Pd", "Ni"))
_ALLOYS = (
    *(("Au", "Ag"), ("Au", "Cu"), ("Ag", "Cu"), ("Pt", "Ni"), ("Pd", "Au"), ("Pt", "Co"), ("Cu", "Ni"), ("Pd", "Ag")),
    *(("Pt", "Cu"), ("Pd", "Cu"), ("Pt", "Pd"), ("Pt", "Au"), ("Cu", "Zn"), ("Pt", "Fe"), ("Au", "Ni"), ("Pd", "Ni")),
    *(("Pt", "Ru"), ("Ag", "Pt"), ("Pd", "Ru"), ("Cu", "Rh"), ("Ag", "Ni"), ("Au", "Pd"), ("Ni", "Co"), ("Cu", "Co")),
)
# Family, structure, arrangement and number of configurations for each pair of an alloy.
_SMALL_PARTICLES = (("particle", "icosahedron-13", "core", 6), ("particle", "icosahedron-13", "mixed", 6))
_SLABS = (("slab", "fcc111-27", "mixed", 3),)
_CRYSTALS = (("crystal", "fcc-4", "mixed", 1),)
_LARGE_PARTICLES = (("particle", "octahedron-38", "core", 3),)


@dataclass(frozen=True)
class HostJob:
    """A pair of metals on one host to label.

    It says how many configurations to label, the parent included.

    Attributes
    ----------
    family
        ``"zeolite-MFI"``, ``"zeolite-MOR"``, ``"zeolite-FAU"``, ``"sheet"``, ``"particle"``, ``"slab"`` or
        ``"crystal"``.
    structure
        ``"6-ring"``, ``"8-ring"``, a site of `sheets.SITES`, or a structure of `alloys.STRUCTURES`.
    host, dopant
        The two metals: in a zeolite copper and M, in an alloy the majority metal and the other.
    n_samples
        Configurations, the parent included.
    arrangement
        For an alloy, one of `alloys.ARRANGEMENTS`.
    """

    family: str
    structure: str
    host: str
    dopant: str
    n_samples: int
    arrangement: str = ""

    @property
    def name(self) -> str:
        """The prototype's name, as in ``CuNi@MFI-6-ring`` or ``AuPd-icosahedron-13-core``."""
        pair = f"{self.host}{self.dopant}"
        if self.arrangement:
            return f"{pair}-{self.structure}-{self.arrangement}"
        prefix = self.family.replace("zeolite-", "")
        return f"{pair}@{prefix}-{self.structure}"

    @property
    def n_aluminium(self) -> int:
        """Aluminium atoms that balance the formal charges of the two metals; 0 outside zeolites."""
        if not self.family.startswith("zeolite"):
            return 0
        return formal_charge(self.host) + formal_charge(self.dopant)

    @property
    def environment(self) -> str | None:
        """Name of the host without its metals.

        It reads as ``MFI-6-ring-3Al``; None for a bare alloy.
        """
        if self.arrangement:
            return None
        return support_name(self.family, self.structure, self.host, self.dopant)


def host_campaign() -> list[HostJob]:
    """List all prototypes of the host campaign.

    Zeolites, sheets and alloys stand side by side, the more common metals and cheaper hosts first.

    Examples
    --------
    >>> jobs = host_campaign()
    >>> sum(job.family.startswith("zeolite") for job in jobs) >= 120, len({job.name for job in jobs}) == len(jobs)
    (True, True)
    """
    sheets = [HostJob("sheet", "N6", *pair, 4) for pair in _sheet_pairs()]
    wide = [HostJob("sheet", "2N4", *pair, 4) for pair in _WIDE_PAIRS]
    small, slabs, large = (_alloy_jobs(_ALLOYS, kinds) for kinds in (_SMALL_PARTICLES, _SLABS, _LARGE_PARTICLES))
    # Either metal of a pair is the majority once.
    crystals = _alloy_jobs(dict.fromkeys([*_ALLOYS, *(pair[::-1] for pair in _ALLOYS)]), _CRYSTALS)
    cheap = _side_by_side(_zeolite_jobs(6, n_samples=4), sheets, small, slabs, crystals)
    # An 8-ring has 94 atoms and costs three times a 6-ring.
    return cheap + _zeolite_jobs(8, n_samples=3) + _side_by_side(wide, large)


def _zeolite_jobs(ring_size: int, n_samples: int) -> list[HostJob]:
    codes = [code for code, sizes in RINGS.items() if ring_size in sizes]
    return [
        HostJob(f"zeolite-{code}", f"{ring_size}-ring", "Cu", metal, n_samples)
        for metal in (*_D_BLOCK, *_F_BLOCK)
        for code in codes
    ]


def _sheet_pairs() -> list[tuple[str, str]]:
    more = [pair for pair in combinations(_SHEET_METALS, 2) if not {pair, pair[::-1]} & {*_SHEET_FIRST}]
    return [*_SHEET_FIRST, *more, *_SHEET_MORE]


def _alloy_jobs(pairs: Iterable[tuple[str, str]], kinds: Iterable[tuple[str, str, str, int]]) -> list[HostJob]:
    return [
        HostJob(family, structure, host, dopant, n, arrangement)
        for host, dopant in pairs
        for family, structure, arrangement, n in kinds
    ]


def _side_by_side(*lists: list[HostJob]) -> list[HostJob]:
    """One list in which each of the given ones advances at the same relative pace."""
    ranked = [(k / len(jobs), n, job) for n, jobs in enumerate(lists) for k, job in enumerate(jobs)]
    return [job for _, _, job in sorted(ranked, key=lambda entry: entry[:2])]


__all__ = ["HostJob", "host_campaign"]
