"""The section on large clusters, which the article's model predicted and nobody has labelled here."""

from __future__ import annotations

import math

import numpy as np

from ase_bimetal.elements import mixing_enthalpy
from ase_bimetal.lab.paper import published
from ase_bimetal.lab.paper.blocks import Section, Table
from ase_bimetal.lab.paper.gather import PageData
from ase_bimetal.lab.paper.words import listed
from ase_bimetal.numbers import number
from ase_bimetal.structures.formula import ClusterFormula


def large_section(data: PageData) -> Section:
    """Make the section on the article's largest clusters.

    They have several hundred atoms: their composition here, its energies beside.
    """
    lines = [_line(formula, energy) for formula, energy in published.PREDICTED.items()]
    table = Table(
        (
            "cluster",
            "atoms",
            "metals",
            "H_mix, ours (kJ/mol)",
            "mean log P, ours (–)",
            "E_form, ours (eV/metal)",
            "E_form, published (eV/metal)",
        ),
        tuple(lines),
        f"The published energies are those of the article's multimodal model. Against its own density-functional "
        f"energies of Au24M(SR)18 with M = {listed(list(published.AU24M))} that model errs by "
        f"{published.AU24M_ERROR:.2f} eV/metal on average.",
    )
    high, (least, most) = published.LARGE_BELOW, published.LARGE_ATOMS
    above = [formula for formula, energy in published.PREDICTED.items() if energy > high]
    difference = (
        "None of these is predicted here, because this package has no coordinates of them and no motif with their "
        "formulas."
    )
    sentences = (
        f"The article says that all large clusters, of {least} to {most:,} atoms, lie below {number(high, 1)} "
        f"eV/metal; it prints a higher energy for {listed(above)}.",
    )
    return Section("Large clusters", difference, table, sentences)


def _line(text: str, energy: float) -> tuple[str, ...]:
    formula = ClusterFormula.parse(text)
    (host, _), (dopant, _), *others = formula.metals
    counts = [count for _, count in formula.ligands]
    log_p = float(np.average([ligand.log_p for ligand, _ in formula.ligands], weights=counts))
    mixing = math.nan if others else mixing_enthalpy(host, dopant)
    return (
        text,
        f"{n_atoms(formula):,}",
        str(formula.n_metals),
        number(mixing, 0),
        number(log_p),
        "no coordinates",
        number(energy),
    )


def n_atoms(formula: ClusterFormula) -> int:
    """Count a cluster's atoms.

    Its ligands count as they are bound.

    Examples
    --------
    >>> n_atoms(ClusterFormula.parse("Au47Cd2(TBBT)31"))
    793
    """
    return formula.n_metals + sum(count * ligand.n_bound_atoms for ligand, count in formula.ligands)


__all__ = ["large_section", "n_atoms"]
