"""PBE energies of two metals on a support, and the difference to GFN1-xTB that they teach.

In zeolites they are those of the labels: the whole cut-out with the metals, and its H-form. The ring alone does not
stand for it: for Cu/Zn in FAU the two levels differ there by 0.49 eV/metal more. On N-doped carbon a flake of 30 atoms
around the same hole takes the place of the shipped one: two metals on it lie 0.35 to 0.67 eV/metal lower, at distances
within 0.07 Å, but for Ag/Au with both levels alike.

``python -m ase_bimetal.lab.labels.support_pbe carbon FOLDER`` (or ``zeolite``) computes what the folder lacks; it may
be killed and started again at any moment, and several may share a folder. With ``--pack`` it writes what is finished
into the shipped file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.constraints import FixAtoms
from ase.io import iread
from filelock import FileLock, Timeout

from ase_bimetal.errors import BimetalError
from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.lab.labels import cp2k, label
from ase_bimetal.lab.labels.anchors import scan
from ase_bimetal.lab.labels.corrections import ANCHORS, atom_energies
from ase_bimetal.lab.labels.host_jobs import HostJob
from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.lab.labels.pbe import multiplicities
from ase_bimetal.structures.frameworks import RINGS
from ase_bimetal.structures.sheets import SMALL_RIM, place_on_sheet, sheet
from ase_bimetal.surroundings import DOPED_CARBON, ZEOLITE

Pair = tuple[str, str]
SupportKind = Literal["carbon", "zeolite"]

_HOLE, _SMALL_FLAKE = "N6", "flake"
_FMAX = 0.1  # eV/Å, GFN1-xTB


@dataclass(frozen=True)
class Site:
    """Two metals on a piece of a support.

    Attributes
    ----------
    name
        Name of the record; that of a label's prototype where it is the relaxed label.
    metals
        The two elements.
    bare
        Name of the record of the piece without metals.
    protons
        Number of protons in that piece that stand for the metals.
    framework
        Code of the framework; empty on carbon.
    """

    name: str
    metals: Pair
    bare: str
    protons: int = 0
    framework: str = ""

    @property
    def record(self) -> str:
        """The relaxed label with these metals on the whole piece."""
        return f"{self.name}@sheet-{_HOLE}/0" if self.bare == _SMALL_FLAKE else f"{self.name}/0"

    @property
    def title(self) -> str:
        """Name to be read, such as ``"Cu/Zn, FAU"``."""
        return "/".join(self.metals) + (f", {self.framework}" if self.framework else "")


@dataclass(frozen=True)
class Support:
    """A kind of support.

    Attributes
    ----------
    surroundings
        Its name in `ase_bimetal.model.table.surroundings`.
    shipped
        File of its energies.
    sites
        What to compute, in the order in which it is wanted.
    checks
        What to compute to judge the sites: models do not learn from it.
    """

    surroundings: str
    shipped: Path
    sites: tuple[Site, ...]
    checks: tuple[Site, ...]


@dataclass(frozen=True)
class SupportLabel:
    """Two metals on a piece of a support at both levels.

    Attributes
    ----------
    site
        What it is.
    atoms
        Metals first, then the piece.
    pbe, gfn1
        Formation energies against isolated atoms and the metal-free piece, minus n/2 H2 for its n protons [eV/metal].
    multiplicity
        Spin multiplicity of the lowest PBE solution.
    """

    site: Site
    atoms: Atoms
    pbe: float
    gfn1: float
    multiplicity: int


def _bare(name: str) -> Atoms:
    """The metal-free small flake, or a support that labels refer to, such as ``"FAU-6-ring-3Al"``, an H-form."""
    if name == _SMALL_FLAKE:
        return label.relax(sheet(_HOLE, SMALL_RIM).atoms, fmax=0.05, steps=120)
    record = load_hosts().environments[name]
    return Atoms(record["symbols"], np.reshape(record["positions"], (-1, 3)))


def _with_metals(site: Site) -> Atoms:
    """Two metals on a support, metals first: the relaxed label, or relaxed on the small flake."""
    if site.bare == _SMALL_FLAKE:
        return _on_flake(site)
    frame = load_hosts().frame
    (atoms,) = frame[(frame.prototype == site.name) & (frame["index"] == 0)].atoms
    return Atoms(atoms.symbols, atoms.positions)


def _on_flake(site: Site) -> Atoms:
    """Two metals on the small flake: metals, nitrogen and the carbon bonded to it move, as on the shipped flakes."""
    piece = sheet(_HOLE, SMALL_RIM)
    start = place_on_sheet(_bare(site.bare), piece, site.metals)
    start.set_constraint(FixAtoms(mask=[False, False, *piece.frozen]))
    return label.relax(start, fmax=_FMAX, steps=60)


def _carbon_sites(*pairs: Pair) -> tuple[Site, ...]:
    return tuple(Site("".join(pair), pair, _SMALL_FLAKE) for pair in pairs)


def _zeolite_sites(code: str, metals: str) -> tuple[Site, ...]:
    """Copper with each of some metals at the ring of a framework."""
    (ring,) = RINGS[code]
    jobs = (HostJob(f"zeolite-{code}", f"{ring}-ring", "Cu", metal, 1) for metal in metals.split())
    return tuple(
        Site(job.name, (job.host, job.dopant), str(job.environment), job.n_aluminium, framework=code) for job in jobs
    )


SUPPORTS: dict[SupportKind, Support] = {
    "carbon": Support(
        DOPED_CARBON,
        DATASETS / "carbon_pbe.json",
        # The source's pairs Au/Ni, Ni/Pt and, for Cu/Gd without a pseudopotential, Cu/Y; then those nearest to them.
        _carbon_sites(
            *(("Ni", "Pt"), ("Au", "Ni"), ("Cu", "Y"), ("Pd", "Pt"), ("Ag", "Au"), ("Cu", "Au"), ("Cu", "Ag")),
            *(("Ni", "Pd"), ("Cu", "Pd"), ("Pd", "Au"), ("Ni", "Cu"), ("Ni", "Ag"), ("Pt", "Au"), ("Cu", "Pt")),
            *(("Pd", "Ag"), ("Pt", "Ag")),
        ),
        (Site(f"AgAu@sheet-{_HOLE}", ("Ag", "Au"), f"sheet-{_HOLE}"),),
    ),
    "zeolite": Support(
        ZEOLITE,
        DATASETS / "zeolite_pbe.json",
        # Another framework tells whether what one teaches holds there.
        (
            *_zeolite_sites("FAU", "Zn Ag"),
            *_zeolite_sites("MFI", "Zn Ag"),
            *_zeolite_sites("FAU", "Pd Cd Hg Pt Au"),
            *_zeolite_sites("MFI", "Pd Cd"),
            *_zeolite_sites("MOR", "Ag Zn Y Cd"),
            *_zeolite_sites("MFI", "Au Hg Pt"),
            *_zeolite_sites("FAU", "Ni Co Rh Ir Y"),
            *_zeolite_sites("MFI", "Ni Y"),
            *_zeolite_sites("MOR", "Pd Hg Au"),
            *_zeolite_sites("FAU", "Ru Os Re Fe Mn Sc Zr Hf Ti Nb Ta V Mo W Cr"),
        ),
        (),
    ),
}


def compute(kind: SupportKind, folder: Path) -> None:
    """Compute every energy that the folder lacks.

    A metal-free piece comes before the first site that needs it. A failure is a record with its reason.
    """
    support = SUPPORTS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    for name in _names(support):
        path = folder / f"{name}.json"
        with suppress(Timeout), FileLock(path.with_suffix(".lock"), blocking=False):
            if not path.exists():
                write_whole(path, json.dumps(_record(support, name, folder)))
                print(name, json.loads(path.read_text()).get("energy_pbe_eV"), flush=True)


def _names(support: Support) -> list[str]:
    return list(dict.fromkeys(name for site in _all_sites(support) for name in (site.bare, site.name)))


def _all_sites(support: Support) -> tuple[Site, ...]:
    return (*support.sites, *support.checks)


def _record(support: Support, name: str, folder: Path) -> dict[str, Any]:
    site = next((site for site in _all_sites(support) if site.name == name), None)
    try:
        atoms = _bare(name) if site is None else _with_metals(site)
        head = {
            "name": name,
            "symbols": atoms.get_chemical_symbols(),
            "positions": atoms.positions.round(5).tolist(),
            "energy_gfn1_eV": round(label.single_point(atoms).energy, 6),
        }
        spins = (1,) if site is None else multiplicities(atoms)
        return head | scan(cp2k.boxed(atoms), spins, folder)
    except (CalculationFailed, BimetalError) as failure:
        return {"name": name, "rejected": str(failure)}


def pack(kind: SupportKind, folder: Path) -> int:
    """Write the finished records into the shipped file; returns their number."""
    support = SUPPORTS[kind]
    done = [path for name in _names(support) if (path := folder / f"{name}.json").exists()]
    lines = ",\n".join(json.dumps(json.loads(path.read_text())) for path in done)
    write_whole(support.shipped, f'{{"format": 1, "licence": "CC BY 4.0", "records": [\n{lines}\n]}}\n')
    return len(done)


def load_support_pbe(kind: SupportKind) -> list[SupportLabel]:
    """Load what has energies at both levels on a kind of support."""
    return list(_labels(SUPPORTS[kind].sites, _shipped(kind)))


def load_checks(kind: SupportKind) -> list[SupportLabel]:
    """Load what was computed to judge the others."""
    return list(_labels(SUPPORTS[kind].checks, _shipped(kind)))


def _shipped(kind: SupportKind) -> dict[str, Any]:
    """Name → record that was not rejected."""
    records = json.loads(SUPPORTS[kind].shipped.read_text())["records"]
    return {record["name"]: record for record in records if "rejected" not in record}


def _labels(sites: Iterable[Site], records: dict[str, Any]) -> Iterator[SupportLabel]:
    atoms_pbe = atom_energies()
    for site in sites:
        if site.name not in records or site.bare not in records:
            continue
        record, bare = records[site.name], records[site.bare]
        apart = {"pbe": sum(atoms_pbe[s] for s in site.metals), "gfn1": sum(label.atom_energy(s) for s in site.metals)}
        pbe, gfn1 = (
            (record[key] - (bare[key] - site.protons / 2 * hydrogen) - metals) / 2
            for key, hydrogen, metals in zip(
                ("energy_pbe_eV", "energy_gfn1_eV"), _hydrogen(), apart.values(), strict=True
            )
        )
        atoms = Atoms(record["symbols"], np.array(record["positions"]))
        yield SupportLabel(site, atoms, pbe, gfn1, record["multiplicity"])


@lru_cache(maxsize=1)
def _hydrogen() -> tuple[float, float]:
    """Energies [eV] of H2 with PBE and GFN1-xTB."""
    found = next(frame.info for frame in iread(ANCHORS, ":") if frame.info["name"] == "h2")
    return found["energy_pbe_eV"], found["energy_gfn1_eV"]


def main(
    kind: Annotated[str, typer.Argument(help="carbon or zeolite.")],
    folder: Annotated[Path, typer.Argument(help="Where calculations and their records are kept.")],
    write: Annotated[bool, typer.Option("--pack", help="Write what is finished into the shipped file.")] = False,
) -> None:
    """Compute PBE energies of metal pairs on a small piece of a support."""
    chosen = next((known for known in SUPPORTS if known == kind), None)
    if chosen is None:
        raise typer.BadParameter(f"no support {kind!r}; allowed: {', '.join(SUPPORTS)}")
    if write:
        print(f"{pack(chosen, folder)} records")
    else:
        compute(chosen, folder)


if __name__ == "__main__":
    typer.run(main)
