"""What a model was trained on, where an object leaves it, and how uncertain that makes the number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from ase_bimetal.descriptors import pair_descriptor_note
from ase_bimetal.formation import correction_features
from ase_bimetal.inputs import IGNORED_CHARGE
from ase_bimetal.model.card import Domain, ModelCard
from ase_bimetal.neighbors import pairs_within
from ase_bimetal.shell import cut_shell, search_cutoff
from ase_bimetal.system import BimetallicSystem

#: Half-width of the central 90 % of a normal distribution, in standard deviations.
Z90 = 1.645
#: Standard deviation [eV/metal] for each Å² of `ligand_strain`. The labels of strong rattles, which no network was
#: trained on, lie up to 1.3 eV/metal above its answers, by 17.7 eV for each Å² (correlation 0.98, 933 labels). With
#: this slope their 90 % intervals hold 91 % of them, without it 15 %.
STRAIN_SLOPE = 12.0
#: Strain [Å²] beyond which the number is flagged; 98 in 100 trained labels have less.
STRAIN_FLAGGED = 0.002
#: On how many metal atoms the hydrides and sulfides of the labels lie: terminal ones, and over a face of three.
LABELLED_CONTACTS = {"hydride": 1, "sulfide": 3}
#: An element with fewer density-functional energies is flagged: what is known of it rests on one or two kinds of bonds.
ENOUGH_ANCHORS = 3


def stoichiometry(system: BimetallicSystem) -> str:
    """Count metal atoms, and ligands by donor and type.

    The counts tell one family of clusters from another.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> from ase_bimetal.system import as_system
    >>> stoichiometry(as_system(load_example("Au4Pd2(PET)8")))
    '6 metals, 8 S-X'
    """
    counts: Counter[str] = Counter()
    for ligand, n in system.ligands:
        counts[f"{ligand.donor}-{ligand.type}"] += n
    shell = ", ".join(f"{n} {donor}" for donor, n in sorted(counts.items()))
    return f"{system.n_metals} metals, {shell}"


def describe_domain(systems: Sequence[BimetallicSystem], families: Iterable[str]) -> Domain:
    """Describe what a training set spans.

    The description is for the model card.
    """
    sizes = [system.n_metals for system in systems]
    per_metal = [_ligands_per_metal(system) for system in systems]
    contacts = [_contacts_per_metal(system) for system in systems if not system.is_core_only]
    return Domain(
        metals=tuple(sorted({symbol for system in systems for symbol in system.metal_symbols})),
        ligands=tuple(sorted({ligand.smiles for system in systems for ligand, _ in system.ligands})),
        families=tuple(sorted(set(families))),
        stoichiometries=tuple(sorted({stoichiometry(system) for system in systems})),
        n_metals=(min(sizes), max(sizes)),
        ligands_per_metal=(min(per_metal), max(per_metal)),
        donor_contacts_per_metal=(min(contacts, default=0.0), max(contacts, default=0.0)),
    )


def unseen(system: BimetallicSystem, domain: Domain) -> list[str]:
    """List the keys of an object's novelty.

    They are keys of the card's ``uncertainty``; empty inside the training domain.

    What the card has no term for, as an ignored charge, takes its largest one.
    """
    found = []
    if set(system.metal_symbols) - set(domain.metals):
        found.append("unseen_element")
    if {ligand.smiles for ligand, _ in system.ligands} - set(domain.ligands):
        found.append("unseen_ligand")
    if stoichiometry(system) not in domain.stoichiometries or unlabelled_contacts(system):
        found.append("unseen_family")
    if system.n_metals > domain.n_metals[1]:
        found.append("unseen_size")
    if any(note.startswith(IGNORED_CHARGE) for note in system.notes):
        found.append("unseen_charge")
    return found


def unlabelled_contacts(system: BimetallicSystem) -> dict[str, int]:
    """Find hydrides and sulfides that lie as no labelled one does.

    Parameters
    ----------
    system
        The object; a bare core shows no contacts.

    Returns
    -------
    dict
        Name → the number of metal atoms that it touches, of the one with most.
    """
    names = {ligand.donor: ligand.name for ligand, _ in system.ligands if ligand.name in LABELLED_CONTACTS}
    if not names or system.is_core_only or not system.has_geometry:
        return {}
    pairs = pairs_within(system.positions, system.cell, system.pbc, search_cutoff(system.symbols))
    alone = [int(f[0]) for f in cut_shell(system.symbols, system.metals, pairs).fragments if len(f) == 1]
    found: dict[str, int] = {}
    for atom in alone:
        name, touched = names.get(system.symbols[atom], ""), len(system.coordination.get(atom, ()))
        if name and touched != LABELLED_CONTACTS[name]:
            found[name] = max(touched, found.get(name, 0))
    return found


def network_deviation(system: BimetallicSystem, spread: float, card: ModelCard) -> float:
    """Give the calibrated standard deviation against the labels' own level.

    Inside the training domain it is the ensemble's spread and the held-out error, scaled on validation rows; outside
    it is at least the error of the leave-one-out folds of what is new. Strained bonds inside ligands, which neither
    the core's graph nor a SMILES shows, widen both.

    Parameters
    ----------
    system
        The object.
    spread
        Standard deviation over the ensemble [eV/metal].
    card
        The model's card.

    Returns
    -------
    float
        Standard deviation [eV/metal].
    """
    terms = card.deviations
    known = terms.of(unseen(system, card.domain), inside=terms.scale * float(np.hypot(terms.floor, spread)))
    return float(np.hypot(known, STRAIN_SLOPE * system.strain))


def standard_deviation(system: BimetallicSystem, spread: float, card: ModelCard, level_deviation: float = 0.0) -> float:
    """Compute the calibrated standard deviation.

    ±1.645 of it is meant to hold 90 % of the errors.

    Parameters
    ----------
    system, spread, card
        As of `network_deviation`.
    level_deviation
        Standard deviation of the level difference [eV/metal].

    Returns
    -------
    float
        Standard deviation [eV/metal]. A model on own data knows its level; metals without a correction add the
        spread of its corrections.
    """
    network = network_deviation(system, spread, card)
    if card.level_difference is not None:
        return with_level(network, card, level_deviation)
    if card.corrections is None:
        return network
    without = [n for s, n in system.composition_metals.items() if s not in card.own_corrections]
    return float(np.hypot(network, card.corrections.spread * sum(without) / system.n_metals))


def with_level(network: float, card: ModelCard, level_deviation: float) -> float:
    """Join the network's standard deviation and the level's.

    Both are scaled until they hold the errors of density-functional labels that were left out.

    Parameters
    ----------
    network
        Standard deviation against the label level [eV/metal].
    card
        The model's card; without a scale its network was calibrated on the level that it predicts.
    level_deviation
        Standard deviation of the level difference [eV/metal].

    Returns
    -------
    float
        Standard deviation [eV/metal].
    """
    scale = None if card.level_difference is None else card.level_difference.scale
    return network if scale is None else scale * float(np.hypot(network, level_deviation))


def evidence(card: ModelCard) -> dict[str, int]:
    """Count the density-functional energies behind a model.

    Objects are counted for each metal and donor type.
    """
    counts = {} if card.level_difference is None else card.level_difference.counts
    return {**counts, **dict.fromkeys(card.own_corrections, ENOUGH_ANCHORS)}


def flags(system: BimetallicSystem, card: ModelCard) -> tuple[str, ...]:
    """Say where a system leaves the training domain."""
    domain, known = card.domain, evidence(card)
    metals, found = set(system.metal_symbols), list(system.notes)
    if new := sorted(metals - set(domain.metals)):
        found.append(f"element never seen in training: {', '.join(new)}")
    if missing := sorted(metals - set(known)):
        found.append(f"no density-functional energy of any cluster with {', '.join(missing)}")
    if thin := sorted(s for s in metals & set(known) if known[s] < ENOUGH_ANCHORS):
        listed = ", ".join(f"{s} ({known[s]})" for s in thin)
        found.append(f"fewer than {ENOUGH_ANCHORS} density-functional energies for {listed}")
    if donors := sorted(set(correction_features(system)) - metals - set(known)):
        found.append(f"no density-functional energy of any cluster with donor {', '.join(donors)}")
    names = [ligand.name for ligand, _ in system.ligands if ligand.smiles not in domain.ligands]
    if names:
        found.append(f"ligand never seen in training: {', '.join(sorted(names))}")
    if stoichiometry(system) not in domain.stoichiometries:
        found.append(f"kind of cluster never seen in training: {stoichiometry(system)}")
    found += [
        f"{name} on {n} metal atoms; labels have it on {LABELLED_CONTACTS[name]}"
        for name, n in sorted(unlabelled_contacts(system).items())
    ]
    found += _out_of_range(system, domain)
    if system.is_core_only:
        found.append("no ligand atoms in the coordinates: metal–donor bonds unknown")
    found += system.geometry.unusual
    if system.strain > STRAIN_FLAGGED:
        found.append(
            "strained ligands: the model gives the energy of relaxed ones, ± holds "
            f"{STRAIN_SLOPE * system.strain:.2f} eV/metal of strain"
        )
    if note := pair_descriptor_note(system):
        found.append(note)
    return tuple(found)


def _out_of_range(system: BimetallicSystem, domain: Domain) -> list[str]:
    low, high = domain.n_metals
    values = {
        "ligands per metal": (_ligands_per_metal(system), domain.ligands_per_metal),
        "donor contacts per metal": (_contacts_per_metal(system), domain.donor_contacts_per_metal),
    }
    if system.is_core_only:
        del values["donor contacts per metal"]
    found = [] if low <= system.n_metals <= high else [f"{system.n_metals} metal atoms; trained on {low} to {high}"]
    return found + [
        f"{value:.2f} {words}; trained on {a:.2f} to {b:.2f}"
        for words, (value, (a, b)) in values.items()
        if not a - 1e-9 <= value <= b + 1e-9
    ]


def _ligands_per_metal(system: BimetallicSystem) -> float:
    return sum(n for _, n in system.ligands) / system.n_metals


def _contacts_per_metal(system: BimetallicSystem) -> float:
    return len(system.bonds) / system.n_metals
