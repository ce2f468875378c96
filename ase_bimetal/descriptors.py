"""The descriptors of Gu et al., Chem. Sci. 2025, 16, 19644, as pure functions of a `BimetallicSystem`.

With more than two metals a pair descriptor is the mean over host–dopant pairs, weighted by the dopants' counts.
With one metal it is zero, which `pair_descriptor_note` says in words.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase.geometry import find_mic

from ase_bimetal import elements
from ase_bimetal.errors import BimetalError, MissingDataError
from ase_bimetal.ligands import Ligand
from ase_bimetal.system import BimetallicSystem

#: Scale of ΔR in the reduced distance, eq. (10).
REDUCED_DISTANCE_SCALE = 100.0
_NEAREST = 1.25  # unlike metals count as neighbours up to this multiple of the sum of their metallic radii


def core_size(system: BimetallicSystem) -> int:
    """N_metal: number of metal atoms."""
    return system.n_metals


def dopant_ratio(system: BimetallicSystem) -> float:
    """Share of metal atoms that are not the host [-]; 0 for a pure core."""
    return 1.0 - system.composition_metals[system.host] / system.n_metals


def mass_difference(system: BimetallicSystem) -> float:
    """ΔM = abs(M1 − M2) [g/mol]."""
    return _pair_mean(system, lambda a, b: abs(elements.atomic_mass(a) - elements.atomic_mass(b)))


def mixing_enthalpy(system: BimetallicSystem) -> float:
    """H_mix [kJ/mol] from the Takeuchi–Inoue table, nothing imputed.

    Raises
    ------
    UnknownElementError
        A pair that the table does not hold.
    """
    return _pair_mean(system, elements.mixing_enthalpy)


def electronegativity_difference(system: BimetallicSystem) -> float:
    """Δχ_M = abs(χ1 − χ2) [Pauling]."""
    return _pair_mean(system, lambda a, b: abs(elements.electronegativity(a) - elements.electronegativity(b)))


def radius_difference(system: BimetallicSystem) -> float:
    """ΔR = abs(R1 − R2) of the 12-coordinate metallic radii [Å]."""
    return _pair_mean(system, lambda a, b: abs(elements.metallic_radius(a) - elements.metallic_radius(b)) / 100)


def metal_distance(system: BimetallicSystem, pairs: str = "nearest") -> float:
    """D: mean distance between unlike metal atoms [Å].

    Parameters
    ----------
    system
        An object with coordinates.
    pairs
        ``"nearest"``: unlike neighbours, up to 1.25 times the sum of the metallic radii, or the closest unlike
        pair when none is that near; ``"all"``: all unlike pairs.

    Returns
    -------
    float
        0 for a pure core, which has no unlike pair.

    Raises
    ------
    MissingDataError
        The object has no coordinates.
    """
    if pairs not in ("nearest", "all"):
        raise MissingDataError(f"pairs={pairs!r}; allowed: 'nearest', 'all'")
    if not system.has_geometry:
        raise MissingDataError("D needs coordinates; a composition has none")
    lengths, reach = _unlike_distances(system)
    if not len(lengths):
        return 0.0
    near = lengths <= reach
    if pairs == "all":
        return float(lengths.mean())
    return float(lengths[near].mean() if near.any() else lengths.min())


def environment_electronegativity(
    system: BimetallicSystem, weights: str = "atoms", substrate: str = "auto"
) -> float:
    """χ_env = χ_metal − χ_sub [Pauling], eq. (5).

    Parameters
    ----------
    system
        An object with ligands or a host.
    weights
        χ_metal is the mean over metal ``"atoms"`` or over the elements, ``"pair"``.
    substrate
        χ_sub is the mean over all atoms of the bound ``"ligand"`` or over the ``"donor"`` atoms bonded to metal;
        ``"auto"`` takes ligands for clusters and donors for extended hosts.

    Raises
    ------
    MissingDataError
        The object has no surroundings, or lacks the donors that were asked for.
    """
    if weights not in ("atoms", "pair"):
        raise MissingDataError(f"weights={weights!r}; allowed: 'atoms', 'pair'")
    metals = system.metal_symbols if weights == "atoms" else tuple(system.composition_metals)
    metal = np.mean([elements.electronegativity(s) for s in metals])
    return float(metal - _substrate_electronegativity(system, substrate))


def reduced_distance(
    system: BimetallicSystem, pairs: str = "nearest", scale: float = REDUCED_DISTANCE_SCALE
) -> float:
    """D̃ = D / (D + c·ΔR) [-], eq. (10), with D and ΔR in Å and c = 100; 1 when the radii are equal."""
    return reduced(metal_distance(system, pairs), radius_difference(system), scale)


def reduced(distance: float, delta_radius: float, scale: float = REDUCED_DISTANCE_SCALE) -> float:
    """Eq. (10) on numbers: distance and radius difference in Å.

    Examples
    --------
    >>> round(reduced(3.5, 0.10), 2)
    0.26
    """
    return 1.0 if delta_radius == 0 else distance / (distance + scale * delta_radius)


def accessibility_index(
    system: BimetallicSystem, weights: str = "atoms", substrate: str = "auto", pairs: str = "nearest"
) -> float:
    """φ = D̃ · χ_env [-], eq. (11); the site counts as accessible above −0.3."""
    return reduced_distance(system, pairs) * environment_electronegativity(system, weights, substrate)


def ligand_log_p(system: BimetallicSystem, method: Callable[[Ligand], float] | None = None) -> float:
    """log P of the free, protonated ligands [-]: mean over ligands, weighted by count.

    Parameters
    ----------
    system
        An object with ligands.
    method
        Ligand → log P; Crippen's by default.
    """
    if not system.ligands:
        raise MissingDataError("log P needs ligands; annotate them in info['ligand_smiles'] or give ligands=")
    values = [method(ligand) if method else ligand.log_p for ligand, _ in system.ligands]
    return float(np.average(values, weights=[n for _, n in system.ligands]))


def charge_transfer(system: BimetallicSystem) -> float:
    """ΔQ_CT: mean charge of the dopant atoms minus mean charge of the host atoms [e].

    Raises
    ------
    MissingDataError
        The object carries no charges: set them on the Atoms, or attach a calculator that gives them.
    """
    if system.charges is None:
        raise MissingDataError("ΔQ_CT needs atomic charges; set initial charges or use a calculator that gives them")
    charges = system.charges[system.metals]
    host = np.array([s == system.host for s in system.metal_symbols])
    return 0.0 if host.all() else float(charges[~host].mean() - charges[host].mean())


def pair_descriptor_note(system: BimetallicSystem) -> str | None:
    """Why the pair descriptors are zero, or None."""
    if system.dopant is None:
        return f"only one metal ({system.host}): there is no pair to describe"
    return None


def paper_features(system: BimetallicSystem) -> dict[str, float]:
    """The 8-feature scheme of the source, by label with unit."""
    return {label: float(function(system)) for label, function in PAPER_FEATURES.items()}


def all_descriptors(system: BimetallicSystem) -> dict[str, float]:
    """Every descriptor the object has the data for, by label with unit; the others are left out."""
    found = {}
    for label, function in ALL_DESCRIPTORS.items():
        try:
            found[label] = float(function(system))
        except BimetalError:
            continue
    return found


#: Label with unit → function, in the order of the 8-feature scheme.
PAPER_FEATURES: dict[str, Callable[[BimetallicSystem], float]] = {
    "chi_env (Pauling)": environment_electronegativity,
    "delta chi_M (Pauling)": electronegativity_difference,
    "N_metal (atoms)": core_size,
    "dopant ratio (-)": dopant_ratio,
    "delta M (g/mol)": mass_difference,
    "H_mix (kJ/mol)": mixing_enthalpy,
    "D (Å)": metal_distance,
    "delta R (Å)": radius_difference,
}
#: All descriptors by label with unit.
ALL_DESCRIPTORS: dict[str, Callable[[BimetallicSystem], float]] = PAPER_FEATURES | {
    "log P (-)": ligand_log_p,
    "reduced distance (-)": reduced_distance,
    "phi (-)": accessibility_index,
    "delta Q_CT (e)": charge_transfer,
}


def _pair_mean(system: BimetallicSystem, value: Callable[[str, str], float]) -> float:
    """Mean of a pair property over host–dopant pairs, weighted by the dopants' counts; 0 for one metal."""
    dopants = {s: n for s, n in system.composition_metals.items() if s != system.host}
    if not dopants:
        return 0.0
    return float(np.average([value(system.host, s) for s in dopants], weights=list(dopants.values())))


def _unlike_distances(system: BimetallicSystem) -> tuple[np.ndarray, np.ndarray]:
    """Minimum-image distances of all unlike metal pairs and the reach of each pair [Å]."""
    symbols = np.array(system.metal_symbols)
    first, second = np.triu_indices(len(symbols), 1)
    unlike = symbols[first] != symbols[second]
    first, second = first[unlike], second[unlike]
    if not len(first):
        return np.empty(0), np.empty(0)
    positions = system.positions[system.metals]
    vectors = positions[second] - positions[first]
    if any(system.pbc):
        vectors, _ = find_mic(vectors, system.cell, system.pbc)
    radius = np.array([elements.metallic_radius(s) / 100 for s in symbols])
    return np.linalg.norm(vectors, axis=1), _NEAREST * (radius[first] + radius[second])


def _substrate_electronegativity(system: BimetallicSystem, substrate: str) -> float:
    if substrate not in ("auto", "ligand", "donor"):
        raise MissingDataError(f"substrate={substrate!r}; allowed: 'auto', 'ligand', 'donor'")
    if substrate == "ligand" or (substrate == "auto" and system.ligands):
        if not system.ligands:
            raise MissingDataError("χ_env over ligands needs ligands; this object has none annotated or perceived")
        counts = {s: 0 for ligand, _ in system.ligands for s in ligand.bound_formula}
        for ligand, n in system.ligands:
            for symbol, k in ligand.bound_formula.items():
                counts[symbol] += n * k
        values = [elements.electronegativity(s) for s in counts]
        return float(np.average(values, weights=list(counts.values())))
    if not len(system.donors):
        raise MissingDataError("χ_env over donors needs the atoms bonded to metal; the coordinates hold none")
    return float(np.mean([elements.electronegativity(system.symbols[i]) for i in system.donors]))
