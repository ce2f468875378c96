"""Descriptors of a bimetallic system: pure functions, one per descriptor.

Definitions: Gu et al., Chem. Sci. 2025, 16, 19644 (doi 10.1039/d5sc04386g). The host is the majority metal, the
dopant the other; with more than two metals a pair descriptor is the mean over host–dopant pairs, weighted by the
number of dopant atoms. With one metal only, differences and the mixing enthalpy are 0, and what is measured between two
metals (D, D̃, φ, ΔQ_CT) does not exist: `OneMetalError`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.geometry import get_distances

from ase_bimetal import elements
from ase_bimetal.errors import BimetalError, MissingDataError, OneMetalError, UnknownElementError
from ase_bimetal.ligands import Ligand
from ase_bimetal.neighbors import Pairs, pairs_within
from ase_bimetal.sites import Sites
from ase_bimetal.system import BimetallicSystem

if TYPE_CHECKING:
    from ase.calculators.abc import GetPropertiesMixin

#: Metal atoms are neighbours below this multiple of the sum of their 12-coordinate radii: between the first shell
#: of a close-packed metal (1.0) and its second (1.41).
NEIGHBOUR_FACTOR = 1.25
#: How far metals are searched at once [Å]: whoever asks for closer ones gets a part of these.
METALS_AROUND = 6.0
#: c, the weight of the radius difference in the reduced distance, eq. (10) [-].
REDUCED_DISTANCE_SCALE = 100.0
#: A dual-metal site is accessible above this value of φ [-].
ACCESSIBLE_ABOVE = -0.3

#: Which distances of unlike metals count.
PairChoice = Literal["nearest", "all"]
#: A mean over metal atoms or over elements.
Weights = Literal["atoms", "pair"]
#: What stands for the surroundings: whole ligands, donors, or whichever fits the object.
Substrate = Literal["auto", "ligand", "donor"]

LogP = Callable[[Ligand], float]
Descriptor = Callable[[BimetallicSystem], float]


def core_size(system: BimetallicSystem) -> int:
    """Count the metal atoms, N_metal."""
    return system.n_metals


def dopant_ratio(system: BimetallicSystem) -> float:
    """Compute the share of dopant atoms in the core [-].

    It is N_dopant / N_metal.
    """
    return 1.0 - system.composition_metals[system.host] / system.n_metals


def mass_difference(system: BimetallicSystem) -> float:
    """Compute the mass difference ΔM [g/mol].

    It is that of the standard atomic masses of the two metals.
    """
    return _pair_mean(system, lambda a, b: abs(elements.atomic_mass(a) - elements.atomic_mass(b)))


def mixing_enthalpy(system: BimetallicSystem) -> float:
    """Look up H_mix [kJ/mol] of the two metals.

    It is from the Takeuchi–Inoue table.

    Raises
    ------
    UnknownElementError
        The pair is not in the table.
    """
    return _pair_mean(system, elements.mixing_enthalpy)


def electronegativity_difference(system: BimetallicSystem) -> float:
    """Compute the electronegativity difference Δχ_M [Pauling] of the metals."""
    return _pair_mean(system, lambda a, b: abs(elements.electronegativity(a) - elements.electronegativity(b)))


def radius_difference(system: BimetallicSystem) -> float:
    """Compute the radius difference ΔR [Å].

    The radii are metallic ones for twelve neighbours, taken from whole picometres.
    """
    return _pair_mean(system, lambda a, b: abs(elements.metallic_radius(a) - elements.metallic_radius(b)) / 100)


def metal_distance(system: BimetallicSystem, pairs: PairChoice = "nearest") -> float:
    """Compute D [Å], the mean distance of unlike metals.

    Parameters
    ----------
    system
        An object with coordinates.
    pairs
        ``"nearest"``: unlike pairs that are neighbours, i.e. closer than `NEIGHBOUR_FACTOR` times the sum of
        their metallic radii; when there are none, as in a dual-atom site, the shortest unlike distance.
        ``"all"``: all unlike pairs. Periodic directions count by the nearest image.

    Raises
    ------
    MissingDataError
        The object is a composition, or (`OneMetalError`) has one metal only.
    """
    if pairs not in ("nearest", "all"):
        raise BimetalError(f"pairs={pairs!r}; allowed: 'nearest', 'all'; pass pairs='nearest'")
    _require_pair(system)
    _require_geometry(system, "the metal–metal distance")
    if pairs == "all":
        return _pair_mean(system, lambda a, b: float(_distances(system, a, b).mean()))
    sites = Sites(system)
    return _pair_mean(system, lambda a, b: _nearest_distance(sites, system.metal_symbols, a, b))


def metal_electronegativity(system: BimetallicSystem, weights: Weights = "atoms") -> float:
    """Compute χ_metal [Pauling], the core's mean electronegativity.

    Parameters
    ----------
    weights
        ``"atoms"``: mean over metal atoms; ``"pair"``: mean over the elements.
    """
    if weights not in ("atoms", "pair"):
        raise BimetalError(f"weights={weights!r}; allowed: 'atoms', 'pair'; pass weights='atoms'")
    counts = {s: n if weights == "atoms" else 1 for s, n in system.composition_metals.items()}
    return sum(n * elements.electronegativity(s) for s, n in counts.items()) / sum(counts.values())


def substrate_electronegativity(system: BimetallicSystem, substrate: Substrate = "auto") -> float:
    """Compute χ_sub [Pauling], the surroundings' mean electronegativity.

    Parameters
    ----------
    substrate
        ``"ligand"``: all atoms of the bound ligands; ``"donor"``: the atoms bonded to metal; ``"auto"``: ligand
        for a ligand-protected cluster, donor for an extended host.

    Raises
    ------
    MissingDataError
        There is no surrounding, or donors are asked for and no donor atom is in the coordinates.
    """
    if substrate not in ("auto", "ligand", "donor"):
        raise BimetalError(f"substrate={substrate!r}; allowed: 'auto', 'ligand', 'donor'; pass substrate='auto'")
    if substrate == "auto":
        substrate = "donor" if system.kind == "extended" else "ligand"
    counts = _shell_elements(system) if substrate == "ligand" else _donor_elements(system)
    total = sum(elements.electronegativity(symbol) * n for symbol, n in counts.items())
    return total / sum(counts.values())


def environment_electronegativity(
    system: BimetallicSystem, weights: Weights = "atoms", substrate: Substrate = "auto"
) -> float:
    """Compute χ_env = χ_metal − χ_sub [Pauling], eq. (5).

    The options are those of the two functions it subtracts.

    Examples
    --------
    >>> from ase import Atoms
    >>> pair = BimetallicSystem.from_atoms(Atoms("AuAg", [[0, 0, 0], [0, 0, 2.8]]), ligands={"PPh3": 2})
    >>> round(environment_electronegativity(pair), 2)
    -0.15
    """
    return metal_electronegativity(system, weights) - substrate_electronegativity(system, substrate)


def reduced(distance: float, radius_difference: float, scale: float = REDUCED_DISTANCE_SCALE) -> float:
    """Compute D̃ [-] from D and ΔR [Å], eq. (10).

    D̃ = D / (D + c·ΔR) with c = `scale`; 0 for D = 0, a core without unlike pair.

    Examples
    --------
    >>> round(reduced(3.5, 0.10), 2)
    0.26
    """
    return distance / (distance + scale * radius_difference) if distance else 0.0


def reduced_distance(
    system: BimetallicSystem, pairs: PairChoice = "nearest", scale: float = REDUCED_DISTANCE_SCALE
) -> float:
    """Compute the reduced distance D̃ [-], eq. (10).

    It is 1 when the metals have equal radii, and near 0 when they differ much.

    Parameters
    ----------
    pairs
        As in `metal_distance`.
    scale
        Weight of the radius difference [-].
    """
    return reduced(metal_distance(system, pairs), radius_difference(system), scale)


def accessibility_index(
    system: BimetallicSystem,
    weights: Weights = "atoms",
    substrate: Substrate = "auto",
    pairs: PairChoice = "nearest",
    scale: float = REDUCED_DISTANCE_SCALE,
) -> float:
    """Compute the accessibility index φ [-], eq. (11).

    φ = D̃ · χ_env; options as in `reduced_distance` and `environment_electronegativity`.
    """
    return reduced_distance(system, pairs, scale) * environment_electronegativity(system, weights, substrate)


def is_accessible(system: BimetallicSystem) -> bool | None:
    """Say whether φ > −0.3.

    None for one metal, which has no dual-metal site to reach.
    """
    return accessibility_index(system) > ACCESSIBLE_ABOVE if system.dopants else None


def ligand_log_p(system: BimetallicSystem, log_p: LogP | None = None) -> float:
    """Log P [-] of the ligands, mean weighted by their counts.

    Parameters
    ----------
    log_p
        Log P of one ligand; Crippen on the free, protonated molecule by default. For another protonation state
        or method, pass a function of `Ligand`.

    Raises
    ------
    MissingDataError
        No ligands are known.

    Examples
    --------
    >>> from ase import Atoms
    >>> round(ligand_log_p(BimetallicSystem.from_atoms(Atoms("Au"), ligands="PET")), 2)
    2.16
    """
    if not system.ligands:
        raise MissingDataError(f"log P needs ligands; this {system.kind} has none. Annotate ligand_smiles if it has")
    evaluate = log_p or (lambda ligand: ligand.log_p)
    total = sum(count for _, count in system.ligands)
    return float(sum(count * evaluate(ligand) for ligand, count in system.ligands) / total)


def charge_transfer(system: BimetallicSystem, calculator: GetPropertiesMixin | None = None) -> float:
    """Compute the charge transfer ΔQ_CT [e].

    It is the mean charge of the dopant minus that of the host; positive = electrons went to the host.

    Parameters
    ----------
    calculator
        ASE calculator with the property ``charges``; without it the charges on the object are taken.

    Raises
    ------
    MissingDataError
        The object carries no charges and no calculator was given, or (`OneMetalError`) it has one metal only.
    """
    _require_pair(system)
    charges = system.charges
    if calculator is not None:
        _require_geometry(system, "a calculated charge")
        charges = np.asarray(calculator.get_property("charges", system.to_atoms()))
    if charges is None:
        raise MissingDataError(
            "charge transfer needs atomic charges: set initial charges, an array 'charges', a pymatgen site property "
            "'charge', or pass a calculator that gives them"
        )
    of_metal = {
        s: charges[[i for i in system.metals if system.symbols[i] == s]].mean() for s in system.composition_metals
    }
    return _pair_mean(system, lambda host, dopant: float(of_metal[dopant] - of_metal[host]))


def pair_descriptor_note(system: BimetallicSystem) -> str | None:
    """Say which descriptors one metal lacks, and why.

    None when there are two metals or more.
    """
    if system.dopants:
        return None
    return (
        f"one metal only ({system.host}): D, D̃, φ and ΔQ_CT are measured between two metals and do not exist; "
        "differences and the mixing enthalpy are 0"
    )


#: The 8-feature scheme of the article: label with unit → function.
PAPER_FEATURES: Mapping[str, Descriptor] = MappingProxyType(
    {
        "chi_env (Pauling)": environment_electronegativity,
        "delta chi_M (Pauling)": electronegativity_difference,
        "N_metal (atoms)": core_size,
        "dopant ratio (-)": dopant_ratio,
        "delta M (g/mol)": mass_difference,
        "H_mix (kJ/mol)": mixing_enthalpy,
        "D (Å)": metal_distance,
        "delta R (Å)": radius_difference,
    }
)
#: Every descriptor with its default options: label with unit → function.
ALL_DESCRIPTORS: Mapping[str, Descriptor] = MappingProxyType(
    {
        **PAPER_FEATURES,
        "log P (-)": ligand_log_p,
        "reduced distance (-)": reduced_distance,
        "phi (-)": accessibility_index,
        "delta Q_CT (e)": charge_transfer,
    }
)


def paper_features(system: BimetallicSystem, one_metal_distance: float | None = None) -> dict[str, float]:
    """Compute the eight features of the article.

    They are given by label, in the order of `PAPER_FEATURES`.

    Parameters
    ----------
    one_metal_distance
        What stands for D [Å] of an object with one metal, for a regressor that needs a number; an error by default.

    Raises
    ------
    MissingDataError
        One of them cannot be had.
    """
    given = {} if system.dopants or one_metal_distance is None else {"D (Å)": one_metal_distance}
    return {
        label: given[label] if label in given else float(function(system)) for label, function in PAPER_FEATURES.items()
    }


def all_descriptors(system: BimetallicSystem) -> dict[str, float]:
    """Compute every descriptor that the object has data for.

    They are given by label; `missing_descriptors` gives the others.
    """
    return _evaluate(system)[0]


def missing_descriptors(system: BimetallicSystem) -> dict[str, str]:
    """List the descriptors that an object cannot have.

    They are given by label, each with the reason.
    """
    return _evaluate(system)[1]


def _evaluate(system: BimetallicSystem) -> tuple[dict[str, float], dict[str, str]]:
    values, reasons = {}, {}
    for label, function in ALL_DESCRIPTORS.items():
        try:
            values[label] = float(function(system))
        except (MissingDataError, UnknownElementError) as error:
            reasons[label] = str(error)
    return values, reasons


def _pair_mean(system: BimetallicSystem, value: Callable[[str, str], float]) -> float:
    """Mean of a function of (host, dopant) over the dopants, weighted by their number; 0 without dopants."""
    if not system.dopants:
        return 0.0
    weights = [system.composition_metals[dopant] for dopant in system.dopants]
    values = (value(system.host, dopant) for dopant in system.dopants)
    return float(sum(n * x for n, x in zip(weights, values, strict=True)) / sum(weights))


def _require_pair(system: BimetallicSystem) -> None:
    if note := pair_descriptor_note(system):
        raise OneMetalError(f"{note}. Give an object of two metals, or leave these descriptors out")


def _require_geometry(system: BimetallicSystem, what: str) -> None:
    if not system.has_geometry:
        raise MissingDataError(f"{what} needs coordinates; a composition has none. Pass Atoms or a Structure")


@lru_cache(maxsize=64)  # four descriptors ask for it
def _nearest_distance(sites: Sites, symbols: tuple[str, ...], a: str, b: str) -> float:
    """Mean distance [Å] of neighbours of elements a and b, or their shortest distance when none are neighbours.

    `symbols` are those of the metals on these sites: systems on the same sites differ in them.
    """
    reach = NEIGHBOUR_FACTOR * (elements.metallic_radius(a) + elements.metallic_radius(b)) / 100
    found = metal_pairs(sites, reach)
    names = np.array(symbols)
    unlike = (names[found.first] == a) & (names[found.second] == b)
    return float(found.distance[unlike].mean() if unlike.any() else _distances(sites.system, a, b).min())


@lru_cache(maxsize=64)
def metal_pairs(sites: Sites, reach: float) -> Pairs:
    """Find pairs of metal atoms within a distance.

    Parameters
    ----------
    sites
        Where they are: searched once for systems that differ in their elements alone.
    reach
        Distance [Å].

    Returns
    -------
    Pairs
        Rows count the metal atoms.
    """
    if reach > METALS_AROUND:
        return _metal_pairs(sites, reach)
    pairs = _metal_pairs(sites, METALS_AROUND)
    return pairs.where(pairs.distance <= reach)


@lru_cache(maxsize=16)
def _metal_pairs(sites: Sites, reach: float) -> Pairs:
    system = sites.system
    return pairs_within(system.positions[system.metals], system.cell, system.pbc, reach)


def _distances(system: BimetallicSystem, a: str, b: str) -> np.ndarray:
    """Nearest-image distances [Å], shape (atoms of a, atoms of b)."""
    first, second = system.positions[_rows(system, a)], system.positions[_rows(system, b)]
    periodic = system.cell * np.array(system.pbc)[:, None]  # a lattice vector that does not repeat may be anything
    distances: np.ndarray = get_distances(first, second, cell=periodic, pbc=system.pbc)[1]
    return distances


def _rows(system: BimetallicSystem, symbol: str) -> np.ndarray:
    return np.array([i for i in system.metals if system.symbols[i] == symbol])


def _shell_elements(system: BimetallicSystem) -> Mapping[str, int]:
    """Element counts of all that is not metal: from the ligands, or from the atoms of the object."""
    counts: Counter[str] = Counter()
    for ligand, count in system.ligands:
        counts.update({symbol: n * count for symbol, n in ligand.bound_formula.items()})
    if not system.ligands:
        metals = set(system.metals.tolist())
        counts.update(s for i, s in enumerate(system.symbols) if i not in metals)
    if not counts:
        raise MissingDataError(
            f"χ_env needs surroundings; this {system.kind} is bare metal"
            ". Give a cluster with its ligands, or leave χ_env out"
        )
    return counts


def _donor_elements(system: BimetallicSystem) -> Mapping[str, int]:
    if not len(system.donors):
        lacking = "the coordinates hold only the metal core" if system.is_core_only else "none was found"
        raise MissingDataError(
            f"χ_env by donors needs the atoms bonded to metal; {lacking}. Give the whole object, "
            "or use substrate='ligand'"
        )
    return Counter(system.symbols[i] for i in system.donors)


__all__ = [
    "ALL_DESCRIPTORS",
    "PAPER_FEATURES",
    "REDUCED_DISTANCE_SCALE",
    "accessibility_index",
    "all_descriptors",
    "charge_transfer",
    "core_size",
    "dopant_ratio",
    "electronegativity_difference",
    "environment_electronegativity",
    "is_accessible",
    "ligand_log_p",
    "mass_difference",
    "metal_electronegativity",
    "metal_distance",
    "missing_descriptors",
    "mixing_enthalpy",
    "pair_descriptor_note",
    "paper_features",
    "radius_difference",
    "reduced_distance",
    "reduced",
    "substrate_electronegativity",
]
