"""What the shipped labels are made of: every prototype and the number of its configurations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ase_bimetal.lab.labels.campaign import Job
from ase_bimetal.structures.motifs import DOPANTS, Prototype

#: Dopants in the order in which prototypes are made, so that a campaign cut short is balanced.
DOPANT_ORDER = ("Pd", "Au", "Ag", "Pt", "Cu", "Ni", "Hg", "Ir", "Ru", "Zn", "Co", "Cd", "Rh", "Os", "Fe", "Re", "Mn")
_MODEL_SHELL = {"phosphine": "PH3", "halide": "Cl"}
_ORGANIC_SHELL = {"phosphine": "PMe3", "halide": "Cl"}
_BROMIDE_SHELL = {"phosphine": "PH3", "halide": "Br"}
_PAIRS = (("Ag", "Au"), ("Cu", "Au"), ("Cu", "Ag"))
#: Dopants whose place in M@Au24 is known from density-functional studies.
_PLACED = ("Pd", "Pt", "Cd", "Hg", "Ag", "Cu")
_Row = tuple[str, dict[str, str], int, Sequence[str]]

#: Family, ligand of every role, configurations, dopants. Small clusters carry the numbers, large ones the breadth.
_SMALL: tuple[_Row, ...] = (
    ("Au4M2", {"thiolate": "SMe"}, 240, DOPANT_ORDER),
    ("M@Au8", _MODEL_SHELL, 150, DOPANT_ORDER),
    ("Au6M2-Cp", _MODEL_SHELL | {"pi": "Cp"}, 110, DOPANT_ORDER),
    ("M@Au10", _MODEL_SHELL, 90, DOPANT_ORDER),
    ("Au4M2", {"thiolate": "SEt"}, 50, DOPANT_ORDER),
    ("Au4M2-capped", {"thiolate": "SMe", "axial": "PMe3"}, 24, DOPANT_ORDER),
    ("M@Au8", _ORGANIC_SHELL, 40, DOPANT_ORDER),
    ("Au6M2-Cp", _MODEL_SHELL | {"pi": "Cp*"}, 20, DOPANT_ORDER),
)
#: Every family under a second and third ligand in each role, so that no ligand is known from one family alone and no
#: family from one ligand alone.
_SHELLS: tuple[_Row, ...] = (
    ("M@Au8", _BROMIDE_SHELL, 24, DOPANT_ORDER),
    ("Au6M2-Cp", _BROMIDE_SHELL | {"pi": "Cp"}, 12, DOPANT_ORDER),
    ("M@Au8", {"phosphine": "PH3", "halide": "C≡CH"}, 24, DOPANT_ORDER),
    ("M@Au10", _BROMIDE_SHELL, 12, DOPANT_ORDER),
    ("Au6M2-Cp", _ORGANIC_SHELL | {"pi": "Cp"}, 24, DOPANT_ORDER),
    ("Au4M2-capped", {"thiolate": "SMe", "axial": "PH3"}, 12, DOPANT_ORDER),
    ("Au4M2", {"thiolate": "SH"}, 40, DOPANT_ORDER),
    ("M@Au24-centre", {"thiolate": "SH"}, 8, DOPANT_ORDER),
    ("Au4M2-capped", {"thiolate": "SH", "axial": "PH3"}, 16, DOPANT_ORDER),
    ("M@Au8", {"phosphine": "PH3", "halide": "I"}, 16, DOPANT_ORDER),
    ("Au4M2-capped", {"thiolate": "SEt", "axial": "PH3"}, 8, ("Pd", "Au", "Ag", "Ni", "Hg", "Ru")),
    ("Au4M2", {"thiolate": "SiPr"}, 8, ("Pd", "Ag", "Cu", "Hg", "Ru", "Co")),
    ("M@Au8", {"phosphine": "PEt3", "halide": "Cl"}, 8, ("Pd", "Ag", "Cu", "Hg", "Ru", "Co")),
    ("M@Au10", _ORGANIC_SHELL, 24, ("Pd", "Au", "Ag", "Ni", "Cu", "Hg")),
    ("M@Au8", {"phosphine": "PPh3", "halide": "Cl"}, 8, ("Pd", "Ag", "Cu")),
    *(
        ("M@Au8", {"phosphine": "PH3", "halide": anion}, 24, dopants)
        for anion, dopants in {
            "C≡CPh": ("Pd", "Au", "Ag", "Ni", "Cu", "Hg", "Co"),
            "SAdm": ("Pd", "Ag", "Cu"),
            "TBBT": ("Pd", "Ag", "Cu"),
            "C≡C(CF3)2Ph": ("Pd", "Ag", "Cu"),
            "StBu": ("Pd", "Ag", "Cu"),
        }.items()
    ),
    ("M@Au11", {"phosphine": "PH3", "halide": "C≡CPh"}, 12, ("Pd", "Au", "Ag", "Cu")),
    ("M@Au10", {"phosphine": "PH3", "halide": "SPh"}, 16, ("Pd", "Au", "Ag", "Cu")),
    ("Au6M2-Cp", {"phosphine": "PMe3", "halide": "Br", "pi": "Cp*"}, 8, ("Ir", "Rh", "Ru", "Pd", "Ni", "Co")),
    ("Au6M2-Cp", {"phosphine": "PPh3", "halide": "Cl", "pi": "Cp*"}, 6, ("Ir", "Rh")),
    ("M@Au8", {"phosphine": "PH3", "halide": "hydride"}, 12, ("Pd", "Au", "Ag", "Cu", "Pt")),
    ("M@Au10", {"phosphine": "PH3", "halide": "hydride"}, 12, ("Pd", "Ag", "Cu")),
    ("M@Au8-diphosphine", {"diphosphine": "dhpm", "halide": "Cl"}, 12, ("Pd", "Au", "Ag", "Cu", "Hg", "Ni")),
    ("Au6M2-Cp-diphosphine", {"diphosphine": "dhpm", "halide": "Cl", "pi": "Cp"}, 8, ("Pd", "Au", "Ir", "Rh", "Ru")),
    ("M@Au8-diphosphine", {"diphosphine": "dmpm", "halide": "Cl"}, 8, ("Pd", "Au", "Ag", "Cu")),
    ("M@Au8-diphosphine", {"diphosphine": "dppm", "halide": "Cl"}, 6, ("Pd",)),
    ("M@Au12-sulfide", {"phosphine": "PH3", "sulfide": "sulfide"}, 8, ("Pd", "Au", "Ag", "Cu", "Hg", "Ni")),
    *((f"M@Au24-{place}", {"thiolate": "SH"}, 4, _PLACED) for place in ("surface", "staple")),
)
_LARGE: tuple[_Row, ...] = (
    ("M@Au24-centre", {"thiolate": "SMe"}, 8, DOPANT_ORDER),
    ("Au4M2-capped", {"thiolate": "SMe", "axial": "P(4-FPh)3"}, 8, ("Pd", "Ni", "Ru")),
    ("M@Au24-surface", {"thiolate": "SMe"}, 6, ("Ag", "Cu", "Hg")),
    ("M@Au24-staple", {"thiolate": "SMe"}, 6, ("Ag", "Cu", "Hg")),
    ("Au4M2-capped", {"thiolate": "SMe", "axial": "PPh3"}, 8, ("Pd", "Au", "Ag", "Pt", "Ni", "Ru")),
    ("Au4M2", {"thiolate": "SPh"}, 12, DOPANT_ORDER),
    ("Au4M2", {"thiolate": "PET"}, 8, ("Pd", "Au", "Ag", "Pt", "Ni", "Cu")),
    ("M@Au12", {"phosphine": "PMe3", "halide": "Cl"}, 10, ("Pd", "Au", "Ag", "Ni", "Cu")),
    ("Au4M2", {"thiolate": "SCy"}, 8, ("Pd", "Au", "Ag", "Pt")),
)
#: Particles of many sizes under one ligand: size and coordination no longer go together.
_SIZES: tuple[tuple[str, Sequence[str]], ...] = (
    ("M13-bridged", ("Au", "Ag", "Cu")),
    ("M19-bridged", ("Au", "Ag", "Cu")),
    ("M28-bridged", ("Au", "Ag", "Cu")),
    ("M38-bridged", ("Au", "Ag", "Cu")),
    ("M36-bridged", ("Au",)),
    ("M55-bridged", ("Au", "Ag")),
    ("M44-bridged", ("Au",)),
    ("M52-bridged", ("Au",)),
    ("M92-bridged", ("Au",)),
)
#: The same under staples of gold and thiolate, as crystals hold them, and percents of a second metal.
_STAPLED: tuple[tuple[str, dict[str, Sequence[int]]], ...] = (
    ("M38-stapled", {"Ag": (10, 50)}),
    ("M22-stapled", {"Ag": (10, 50), "Cu": (10,), "Pd": (10,)}),
    ("M28-stapled", {"Ag": (50,)}),
    ("M20-stapled", {"Ag": (50,)}),
    ("M36-stapled", {}),
)


def campaign() -> list[Job]:
    """List all jobs.

    Small clusters come first, kinds in turn for breadth, with a large one of each kind between; then the rest.
    """
    cheap = [
        *_rows(_SMALL[:2]),
        *_small_alloys(),
        *_trimetallic(),
        *_rows(_SMALL[2:4]),
        *_rows(_SHELLS),
        *_rows(_SMALL[4:]),
    ]
    large = [*_rows(_LARGE), *_large_alloys()]
    first = {_kind(job): job for job in reversed(large)}
    order = []
    for i, job in enumerate(cheap):
        order.append(job)
        if i % 8 == 7 and first:
            order.append(first.pop(next(reversed(first))))
    return order + [job for job in large if job not in order] + [*_gold_silver(), *sizes()]


def sizes() -> Iterator[Job]:
    """List the thiolate-covered particles of 13 to 92 metals.

    They are pure, and half silver or copper in gold up to 55; under staples gold, alone and with a second metal.
    """
    for family, metals in _SIZES:
        for metal in metals:
            yield Job(Prototype(family, metal, {"thiolate": "SH"}, metal), 6)
        for guest in metals[1:]:
            yield Job(Prototype(family, guest, {"thiolate": "SH"}, "Au", "random-50"), 6)
    for family, guests in _STAPLED:
        yield Job(Prototype(family, "Au", {"thiolate": "SH"}), 6)
        for guest, percents in guests.items():
            for percent in percents:
                yield Job(Prototype(family, guest, {"thiolate": "SH"}, "Au", f"random-{percent}"), 6)


def _kind(job: Job) -> tuple[str, ...]:
    """What makes a large prototype unlike others: its family, arrangement and ligands."""
    prototype = job.prototype
    return (prototype.family, prototype.arrangement, prototype.host, *prototype.shell.values())


def _rows(rows: Sequence[_Row]) -> Iterator[Job]:
    for family, shell, n, dopants in rows:
        for dopant in dopants:
            yield Job(Prototype(family, dopant, shell), n)


def _gold_silver() -> Iterator[Job]:
    """Silver in the gold core of 25 metals under the smallest thiolate."""
    for percent in (10, 30, 70):
        yield Job(Prototype("M@Au24-centre", "Ag", {"thiolate": "SH"}, "Au", f"random-{percent}"), 4)
    yield Job(Prototype("M@Au24-centre", "Ag", {"thiolate": "SH"}, "Ag"), 4)


def _small_alloys() -> Iterator[Job]:
    """M13(PR3)8X4 of Au–Ag, Au–Cu and Ag–Cu: random from 10 to 90 % and one inside, both directions."""
    for shell, n in ((_MODEL_SHELL, 45), (_BROMIDE_SHELL, 24)):
        for guest, host in _PAIRS:
            for percent in (10, 30, 50, 70, 90):
                yield Job(Prototype("M13", guest, shell, host, f"random-{percent}"), n)
            for inner, outer in ((guest, host), (host, guest)):
                yield Job(Prototype("M13", inner, shell, outer, "core-shell"), n)


def _large_alloys() -> Iterator[Job]:
    """The same alloys with 25 and 55 metals, and with 13 under bulkier phosphines."""
    for guest, host in _PAIRS:
        for family, shell, percents in (
            ("M@Au24-centre", {"thiolate": "SMe"}, (10, 30, 70, 90)),
            ("M55", _MODEL_SHELL, (10, 50, 90)),
            ("M13", _ORGANIC_SHELL, (30, 70)),
        ):
            yield Job(Prototype(family, guest, shell, host, "core-shell"), 6)
            yield Job(Prototype(family, host, shell, guest, "core-shell"), 6)
            for percent in percents:
                yield Job(Prototype(family, guest, shell, host, f"random-{percent}"), 6)


def _trimetallic() -> Iterator[Job]:
    families = {"Au4M2": {"thiolate": "SMe"}, "M@Au8": _MODEL_SHELL, "Au6M2-Cp": _MODEL_SHELL | {"pi": "Cp"}}
    for family, shell in families.items():
        for dopant, third in (("Pd", "Ag"), ("Ni", "Ag"), ("Pd", "Cu"), ("Hg", "Ag"), ("Pt", "Ag"), ("Ru", "Cu")):
            yield Job(Prototype(family, dopant, shell, "Au", f"third-{third}-2"), 40)


__all__ = ["DOPANTS", "DOPANT_ORDER", "campaign"]
