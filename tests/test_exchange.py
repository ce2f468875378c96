"""Exchanged metals give the system that reading the object anew gives."""

import numpy as np
import pytest

from ase_bimetal import elements, load_example
from ase_bimetal.errors import BimetalError
from ase_bimetal.exchange import MetalExchange
from ase_bimetal.system import as_system


def same(one, other):
    assert (one.symbols, one.kind, one.ligands, one.pbc) == (other.symbols, other.kind, other.ligands, other.pbc)
    assert one.notes == other.notes
    for name in ("positions", "cell", "metals", "donors", "bonds"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("annotated", [True, False])
@pytest.mark.parametrize("metal", ["Ag", "Cu", "La", "Ni", "Pt", "Al"])
def test_exchange_equals_reading_anew(metal, annotated):
    atoms = load_example("Au4Pd2(PET)8")
    if not annotated:
        del atoms.info["ligand_smiles"]
    exchange, sites = MetalExchange(atoms), as_system(atoms).metals
    for dopants in (1, 3, 6):
        symbols = [metal] * dopants + ["Au"] * (6 - dopants)
        fresh = atoms.copy()
        fresh.symbols[sites] = symbols
        same(exchange.system(symbols), as_system(fresh))


def test_donors_follow_the_size_of_the_metal():
    """Stretched until gold lets go of some donors, which lanthanum still holds."""
    atoms = load_example("Au4Pd2(PET)8")
    atoms.positions[as_system(atoms).metals] *= 0.8
    exchange = MetalExchange(atoms)
    small, large = exchange.system(["Ni"] * 6), exchange.system(["La"] * 6)
    assert len(small.bonds) < len(large.bonds)


def test_what_is_no_element_is_refused():
    with pytest.raises(BimetalError, match="Xx"):
        MetalExchange(load_example("Au4Pd2(PET)8")).system(["Xx"] * 6)


def test_largest_metal_is_the_largest():
    from ase.data import atomic_numbers, covalent_radii

    metals = [s for s in atomic_numbers if atomic_numbers[s] and elements.is_metal(s)]
    assert max(metals, key=lambda s: covalent_radii[atomic_numbers[s]]) == "La"
