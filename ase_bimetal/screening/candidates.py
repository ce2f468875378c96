"""Enumerate a screening: a lazy stream of candidates, and of reasons where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from ase_bimetal.errors import LigandError, ScreenError
from ase_bimetal.ligands import Ligand
from ase_bimetal.screening.config import ScreenConfig, dopant_number
from ase_bimetal.screening.supply import is_critical, is_restricted
from ase_bimetal.screening.supports import Site, find_site
from ase_bimetal.screening.templates import site_template_name, template_name
from ase_bimetal.structures.placements import Labels, core_of, dopant_sites, placements
from ase_bimetal.structures.roles import Shell, fill

MetalSet = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One cluster, or one pair on a support.

    Attributes
    ----------
    motif
        Key of `ase_bimetal.structures.motifs.FAMILIES`, or of `ase_bimetal.screening.supports.SUPPORTS`.
    host, dopants
        Its metals.
    shell
        Its ligands by role; none on a support.
    labels
        For each metal atom 0 (host) or the number of its dopant.
    arrangement
        Number of the placement among those of the same composition.
    site
        Whose geometry it takes on a support; None for a cluster.
    """

    motif: str
    host: str
    dopants: tuple[str, ...]
    shell: Shell
    labels: Labels
    arrangement: int
    site: Site | None = None

    @property
    def template(self) -> str:
        """Name of the geometry in which its metals are put."""
        return template_name(self.motif, self.shell) if self.site is None else site_template_name(self.site)

    @property
    def core_symbols(self) -> tuple[str, ...]:
        """Element of each metal atom."""
        metals = (self.host, *self.dopants)
        return tuple(metals[label] for label in self.labels)

    @property
    def composition(self) -> str:
        """Metal core, host first, such as ``"Au4Pd2"``."""
        counts = Counter(self.labels)
        metals = (self.host, *self.dopants)
        return "".join(m + (str(counts[k]) if counts[k] > 1 else "") for k, m in enumerate(metals))

    @property
    def id(self) -> str:
        """Name of the candidate, unique in a screening.

        It joins motif, core, ligands and arrangement, or support and core.
        """
        if self.site is not None:
            return f"{self.motif}:{self.composition}"
        shell = "+".join(name for _, name in self.shell.ligands)
        return f"{self.motif}:{self.composition}:{shell}:{self.arrangement}"


@dataclass(frozen=True, slots=True)
class Skip:
    """A combination that gives no candidate.

    What is left empty here stands for every value.
    """

    reason: str
    motif: str | None = None
    host: str | None = None
    dopants: tuple[str, ...] = ()
    ligand: str | None = None
    composition: str | None = None

    @property
    def id(self) -> str:
        """What is skipped, joined; unique in a screening."""
        return ":".join(
            [
                "skip",
                self.motif or "*",
                self.host or "*",
                "+".join(self.dopants) or "*",
                self.composition or "*",
                self.ligand or "*",
            ]
        )


def enumerate_candidates(config: ScreenConfig) -> Iterator[Candidate | Skip]:
    """Enumerate all candidates of a screening.

    The order is fixed; they are made one by one.

    Combinations that cannot be are named once, as a `Skip` at the level where they fail: a set of metals, a ligand
    on a motif, a composition on a motif. Candidates that share a template follow each other.

    Parameters
    ----------
    config
        What to screen.

    Yields
    ------
    Candidate or Skip
        What to predict, or a combination left out with the reason.

    Examples
    --------
    >>> config = ScreenConfig(dopants=["Pd", "Au"], ligands=["PET", "PPh3"], motifs=["Au4M2"])
    >>> [item.id for item in enumerate_candidates(config)]
    ['skip:*:Au:Au:*:*', 'skip:Au4M2:*:*:*:PPh3', 'Au4M2:Au4Pd2:PET:0']
    """
    yield from (item for item in _metal_sets(config) if isinstance(item, Skip))
    for support in config.supports:
        yield from _on_support(config, support)
    for motif in config.motifs:
        layouts = list(_layouts(config, motif))
        shells = list(_shells(config, motif))
        yield from (item for item in (*layouts, *shells) if isinstance(item, Skip))
        for shell in (item for item in shells if isinstance(item, Shell)):
            for layout in (item for item in layouts if not isinstance(item, Skip)):
                yield from _on_layout(config, motif, shell, layout)


def required_shells(config: ScreenConfig) -> Iterator[tuple[str, Shell]]:
    """List every (motif, shell) of a screening.

    Each is one that a candidate can have, and needs one template.

    Parameters
    ----------
    config
        The screening.

    Yields
    ------
    tuple of (str, Shell)
        Motif and its ligands.
    """
    for motif in config.motifs:
        if any(not isinstance(layout, Skip) for layout in _layouts(config, motif)):
            yield from ((motif, shell) for shell in _shells(config, motif) if isinstance(shell, Shell))


def _on_support(config: ScreenConfig, support: str) -> Iterator[Candidate | Skip]:
    """One host and one dopant atom each; a pair once, whichever of the two is called the host."""
    seen = set()
    for host, (dopant,) in (item for item in _metal_sets(config) if not isinstance(item, Skip)):
        if frozenset((host, dopant)) in seen:
            yield Skip(f"same pair as {dopant} and {host}", motif=support, host=host, dopants=(dopant,))
            continue
        seen.add(frozenset((host, dopant)))
        try:
            site = find_site(support, host, dopant)
        except ScreenError as error:
            yield Skip(str(error), motif=support, host=host, dopants=(dopant,))
            continue
        labels = tuple(int(metal == dopant) for metal in site.metals)
        yield Candidate(support, host, (dopant,), Shell("", ()), labels, 0, site)


def _on_layout(
    config: ScreenConfig, motif: str, shell: Shell, layout: tuple[int, tuple[int, ...]]
) -> Iterator[Candidate]:
    n_metals, counts = layout
    for number, labels in enumerate(placements(motif, counts, config.arrangements)):
        for item in _metal_sets(config):
            if not isinstance(item, Skip) and len(item[1]) == n_metals - 1:
                yield Candidate(motif, *item, shell, labels, number)


def _metal_sets(config: ScreenConfig) -> Iterator[MetalSet | Skip]:
    """Hosts with one or two dopants."""
    for host in config.hosts:
        if reason := _unwanted(host, config):
            yield Skip(reason, host=host)
            continue
        allowed = []
        for dopant in config.dopants:
            reason = f"dopant {dopant} is the host" if dopant == host else _unwanted(dopant, config)
            if reason:
                yield Skip(reason, host=host, dopants=(dopant,))
            else:
                allowed.append(dopant)
        for n_metals in sorted(set(config.metals_per_core)):
            yield from ((host, chosen) for chosen in combinations(allowed, n_metals - 1))


def _unwanted(symbol: str, config: ScreenConfig) -> str | None:
    filters = config.filters
    if symbol in filters.exclude_metals:
        return f"metal {symbol} is excluded"
    if filters.exclude_critical and is_critical(symbol):
        return f"metal {symbol} is a critical raw material by Regulation (EU) 2024/1252"
    if filters.exclude_restricted and is_restricted(symbol):
        return f"metal {symbol} is restricted by Directive 2011/65/EU"
    return None


def _layouts(config: ScreenConfig, motif: str) -> Iterator[tuple[int, tuple[int, ...]] | Skip]:
    """Numbers of metals with the atoms of each dopant: (2, (k,)) or (3, (a, b)); each once."""
    n_atoms, n_sites = len(core_of(motif).symbols), len(dopant_sites(motif))
    seen = set()
    for n_metals in sorted(set(config.metals_per_core)):
        for entry in config.dopant_counts:
            total = dopant_number(entry, n_sites, n_atoms)
            if reason := _impossible(total, n_metals, n_atoms):
                yield Skip(
                    f"motif {motif} with {total} dopant atoms: {reason}",
                    motif=motif,
                    composition=f"{n_metals} metals, {entry}",
                )
                continue
            for counts in _splits(total, n_metals, config.triple_splits):
                if counts not in seen:
                    seen.add(counts)
                    yield n_metals, counts


def _impossible(n_dopants: int, n_metals: int, n_atoms: int) -> str | None:
    if n_dopants < n_metals - 1:
        return f"a core of {n_metals} metals needs at least {n_metals - 1}"
    if 2 * n_dopants > n_atoms:
        return f"at most half of the {n_atoms} metal atoms can be dopant; make the other metal the host"
    return None


def _splits(total: int, n_metals: int, how: str) -> list[tuple[int, ...]]:
    if n_metals == 2:
        return [(total,)]
    if how == "all":
        return [(a, total - a) for a in range(1, total)]
    low = total // 2
    return sorted({(low, total - low), (total - low, low)})


def _shells(config: ScreenConfig, motif: str) -> Iterator[Shell | Skip]:
    """Ligand shells on a motif, each once."""
    seen: dict[frozenset[tuple[str, str]], str] = {}
    for choice in config.ligands:
        text = Ligand.parse(choice).name if isinstance(choice, str) else "+".join(choice.values())
        try:
            shell = fill(motif, choice, config.co_ligands)
        except LigandError as error:
            yield Skip(str(error), motif=motif, ligand=text)
            continue
        key = frozenset(shell.ligands)
        if key in seen:
            yield Skip(f"same shell as with {seen[key]}", motif=motif, ligand=text)
            continue
        seen[key] = text
        yield shell
