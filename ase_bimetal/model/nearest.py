"""The labelled cluster that is most like an object: by size, metals and ligands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any

from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.motifs import FAMILIES
from ase_bimetal.structures.roles import motif_roles, wanted_roles
from ase_bimetal.system import BimetallicSystem

# Hyphens part the words of a prototype's name, but those within parentheses, as of P(4-FPh)3.
_PARTS = re.compile(r"-(?![^(]*\))")
_THIRD = re.compile(r"third-([A-Z][a-z]?)-(\d+)-")


@dataclass(frozen=True)
class LabelledCluster:
    """One cluster that the shipped models know.

    Attributes
    ----------
    prototype, motif
        Name in the data set, such as ``"Au4M2-Pd-SMe"``, and key of `ase_bimetal.structures.motifs.FAMILIES`.
    metals
        Pairs (element, count), host first.
    ligands
        Pairs (ligand, count), in the order of the motif's sites.
    """

    prototype: str
    motif: str
    metals: tuple[tuple[str, int], ...]
    ligands: tuple[tuple[Ligand, int], ...]

    @property
    def n_metals(self) -> int:
        """Number of metal atoms."""
        return sum(n for _, n in self.metals)

    @property
    def core(self) -> str:
        """Metals as text, such as ``"Au4Ag2"``."""
        return "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in self.metals)

    @property
    def shell(self) -> str:
        """Ligands as text, such as ``"6 PPh3 + 2 Cl"``."""
        return " + ".join(f"{n} {ligand.name}" for ligand, n in self.ligands)


@dataclass(frozen=True)
class Nearest:
    """The labelled cluster nearest to an object, and what tells them apart, in words."""

    cluster: LabelledCluster
    difference: str


@lru_cache(maxsize=1)
def labelled_clusters() -> tuple[LabelledCluster, ...]:
    """List the ligand-protected clusters of the shipped labels, each prototype once, in their order.

    Particles with ligands on all their sites, which are no motif, are left out.
    """
    from ase_bimetal.model.table import N_METAL, read_table

    rows = read_table().rows
    rows = rows[(rows.surroundings == "ligands") & rows.family.isin(FAMILIES)].drop_duplicates("prototype")
    return tuple(
        _cluster(row.prototype, row.family, row.host, row.dopant, round(n), round(n * share))
        for row, n, share in zip(rows.itertuples(), rows[N_METAL], rows["dopant ratio (-)"], strict=True)
    )


def _cluster(prototype: str, motif: str, host: str, dopant: str, n_metals: int, n_dopants: int) -> LabelledCluster:
    third = _THIRD.search(prototype)
    other = {third[1]: int(third[2])} if third else {}
    metals = {host: n_metals - n_dopants, dopant: n_dopants - sum(other.values())} | other
    roles = motif_roles(motif)
    names = _PARTS.split(prototype)[-len(roles) :]
    ligands = next(
        zip(order, roles.values(), strict=True)
        for order in permutations([Ligand.parse(name) for name in names])
        if all(_fits(ligand, role) for ligand, role in zip(order, roles, strict=True))
    )
    return LabelledCluster(prototype, motif, tuple((s, n) for s, n in metals.items() if n), tuple(ligands))


def _fits(ligand: Ligand, role: str) -> bool:
    return any(role in group for group in wanted_roles(ligand))


def nearest_labelled(system: BimetallicSystem) -> Nearest:
    """Find the labelled cluster most like an object.

    The distance is the sum of three parts between 0 and 1: of the numbers of metal atoms the difference over the
    larger, the share of metals that differ, and of the ligands half the share that differ and half the share whose
    donor or number per metal atom differs.

    Parameters
    ----------
    system
        A ligand-protected cluster.

    Examples
    --------
    >>> from ase_bimetal import as_system, load_example
    >>> found = nearest_labelled(as_system(load_example("Au4Pd2(PET)8")))
    >>> found.cluster.core, found.cluster.shell, found.difference
    ('Au4Pd2', '8 PET', 'same formula')
    """
    metals, ligands = system.composition_metals, dict(system.ligands)

    def distance(cluster: LabelledCluster) -> float:
        return sum(_differences(metals, ligands, cluster))

    best = min(labelled_clusters(), key=distance)
    return Nearest(best, _in_words(_differences(metals, ligands, best)))


def _differences(
    metals: Mapping[str, int], ligands: Mapping[Ligand, int], cluster: LabelledCluster
) -> tuple[float, float, float]:
    """Differences in size, metals and ligands, each from 0 to 1."""
    n, other = sum(metals.values()), cluster.n_metals
    per_metal = {ligand: count / n for ligand, count in ligands.items()}
    of_cluster = {ligand: count / other for ligand, count in cluster.ligands}
    unlike = (_unlike(per_metal, of_cluster) + _unlike(_by_donor(per_metal), _by_donor(of_cluster))) / 2
    return abs(n - other) / max(n, other), _unlike(metals, dict(cluster.metals)), unlike


def _by_donor(ligands: Mapping[Ligand, float]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for ligand, count in ligands.items():
        kind = (ligand.donor, ligand.type)
        found[kind] = found.get(kind, 0.0) + count
    return found


def _unlike(one: Mapping[Any, float], other: Mapping[Any, float]) -> float:
    """Share that two counts do not have in common."""
    common = sum(min(one[key], other[key]) for key in one.keys() & other.keys())
    return 1 - common / max(sum(one.values()), sum(other.values()), 1e-9)


def _in_words(differences: tuple[float, float, float]) -> str:
    names = ("number of metal atoms", "metals", "ligands")
    told = [name for name, value in zip(names, differences, strict=True) if value > 1e-9]
    return "differs in " + " and ".join(told) if told else "same formula"


__all__ = ["LabelledCluster", "Nearest", "labelled_clusters", "nearest_labelled"]
