"""Other metals on the sites of one cluster, without reading its coordinates again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ase_bimetal import elements
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.neighbors import pairs_within
from ase_bimetal.shell import cut_shell, ligand_contacts, search_cutoff
from ase_bimetal.surroundings import with_odd_electrons
from ase_bimetal.system import BimetallicSystem, as_system

#: The largest covalent radius of a metal: contacts of every other are closer.
_LARGEST_METAL = "La"


class MetalExchange:
    """A ligand-protected cluster whose metals are exchanged.

    Ligands, their fragments and all distances stay; which of their atoms touch a metal depends on its radius, and is
    looked up anew.

    Parameters
    ----------
    obj
        The cluster, as `as_system` takes it.
    ligands
        Ligands for an object that carries no annotation.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> exchange = MetalExchange(load_example("Au4Pd2(PET)8"))
    >>> exchange.system(["Pt", *["Au"] * 5]).composition_metals
    {'Au': 5, 'Pt': 1}
    """

    def __init__(self, obj: object, ligands: LigandAnnotation | None = None) -> None:
        self.start = as_system(obj, ligands)
        self._ligands = ligands
        if self.start.kind == "cluster" and self.start.has_geometry:
            self._read_geometry()

    def _read_geometry(self) -> None:
        start = self.start
        cutoff = search_cutoff([*start.symbols, _LARGEST_METAL])
        pairs = pairs_within(start.positions, start.cell, start.pbc, cutoff)
        self._donors = frozenset(ligand.donor for ligand, _ in start.ligands)
        shell = cut_shell(start.symbols, start.metals, pairs)
        # Of the shell's bonds only those of donors decide what touches a metal.
        may_donate = np.array([symbol in self._donors for symbol in start.symbols])
        self._shell = replace(shell, bonds=shell.bonds[may_donate[shell.bonds].any(axis=1)])
        is_metal = np.zeros(len(start.symbols), dtype=bool)
        is_metal[start.metals] = True
        self._contacts = pairs.where(may_donate[pairs.first] & ~is_metal[pairs.first] & is_metal[pairs.second])

    def system(self, metals: Sequence[str]) -> BimetallicSystem:
        """Build the cluster with other elements on metal sites.

        It equals what `as_system` would read.

        Parameters
        ----------
        metals
            Element of each metal atom, in the order of the atoms.

        Raises
        ------
        BimetalError
            As `as_system` of such an object.
        """
        start, symbols = self.start, list(self.start.symbols)
        for index, symbol in zip(start.metals.tolist(), metals, strict=True):
            symbols[index] = symbol
        for symbol in set(metals):
            elements.require_known(symbol)
        # Aluminium is a metal here and a framework's atom there: then, as for what is no metal, all is read anew.
        same_sites = all(elements.is_metal(symbol) and symbol != "Al" for symbol in {*metals, *start.metal_symbols})
        if start.kind != "cluster" or not start.has_geometry or not same_sites:
            return as_system(_with_symbols(start, symbols), self._ligands)
        bonds = ligand_contacts(symbols, start.metals, self._shell, self._contacts, self._donors)
        donors = np.unique(bonds[:, 0])
        for array in (bonds, donors):
            array.setflags(write=False)
        notes = with_odd_electrons(start.notes, symbols, start.n_metals, start.ligands, start.charge)
        return replace(start, symbols=tuple(symbols), donors=donors, bonds=bonds, notes=notes)


def _with_symbols(system: BimetallicSystem, symbols: Sequence[str]) -> object:
    atoms = system.to_atoms()
    atoms.symbols[:] = list(symbols)
    if system.charges is not None:
        atoms.set_initial_charges(system.charges)
    return atoms


__all__ = ["MetalExchange"]
