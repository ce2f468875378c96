"""Element data against the published values, and errors for what is not known."""

import subprocess
import sys
from pathlib import Path

import pytest

from ase_bimetal import elements
from ase_bimetal.errors import UnknownElementError

HOSTS = ("Au", "Cu", "Pt", "Ni", "Ag", "Pd")
D_BLOCK = (
    *("Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"),
    *("Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd"),
    *("La", "Gd", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg"),
)


def test_published_values():
    assert elements.electronegativity("Au") == 2.54
    assert elements.electronegativity("Cu") == 1.90
    assert [elements.mixing_enthalpy("Au", s) for s in ("Ru", "Ir", "Rh")] == [15, 13, 7]
    radii = {"Au": 144, "Ag": 144, "Ir": 136, "Pt": 139, "Re": 137, "Os": 135, "Ru": 134, "Y": 180, "Cu": 128}
    assert {s: elements.metallic_radius(s) for s in radii} == radii
    assert elements.atomic_mass("Au") == pytest.approx(196.967, abs=1e-3)


@pytest.mark.parametrize("symbol", D_BLOCK)
def test_every_d_metal_is_complete(symbol):
    for value in (
        elements.electronegativity,
        elements.metallic_radius,
        elements.cohesive_energy,
        elements.ionization_energy,
        elements.electron_affinity,
        elements.atomic_mass,
    ):
        assert isinstance(value(symbol), float | int)
    assert isinstance(elements.metallic_radius(symbol), int)
    assert elements.is_metal(symbol)


def test_no_pair_of_hosts_and_d_metals_is_missing():
    for host in HOSTS:
        for symbol in D_BLOCK:
            enthalpy = elements.mixing_enthalpy(host, symbol)
            assert enthalpy == elements.mixing_enthalpy(symbol, host)
            assert abs(enthalpy) < 200


def test_same_element_mixes_for_nothing():
    assert elements.mixing_enthalpy("Au", "Au") == 0.0


def test_missing_values_are_errors_that_name_the_element():
    with pytest.raises(UnknownElementError, match="'Xx'"):
        elements.electronegativity("Xx")
    with pytest.raises(UnknownElementError, match="metallic radius for element 'Sn'; known: .*Au"):
        elements.metallic_radius("Sn")
    with pytest.raises(UnknownElementError, match="Au–Xe: 'Xe'"):
        elements.mixing_enthalpy("Au", "Xe")
    with pytest.raises(UnknownElementError, match="'Xx'"):
        elements.mixing_enthalpy("Xx", "Xx")


def test_counter_ions_and_metalloids_are_no_core_metals():
    assert not any(elements.is_metal(s) for s in ("Na", "Ca", "Si", "Ge", "Sb", "H", "Xx"))
    assert all(elements.is_metal(s) for s in ("Ga", "In", "Sn", "Tl", "Pb", "Bi", "Al", "Lu"))


def test_values_agree_with_pymatgen_where_it_has_them():
    from pymatgen.core import Element

    for symbol in D_BLOCK:
        assert elements.electronegativity(symbol) == pytest.approx(Element(symbol).X)
        assert elements.ionization_energy(symbol) == pytest.approx(Element(symbol).ionization_energies[0], abs=1e-3)
        # Half-picometre radii (Ir, Pt, lanthanides) are rounded here.
        assert elements.metallic_radius(symbol) == pytest.approx(100 * float(Element(symbol).metallic_radius), abs=0.51)


def test_enthalpies_are_those_that_matminer_compiles():
    import matminer

    compiled = Path(matminer.__file__).parent / "utils" / "data_files" / "MiedemaLiquidDeltaHf.tsv"
    rows = [line.split() for line in compiled.read_text().splitlines()[1:] if line.strip()]
    assert len(rows) == 2628
    for a, b, value in rows:
        assert elements.mixing_enthalpy(a, b) == float(value)


def test_reading_the_enthalpies_imports_neither_matminer_nor_torch():
    code = (
        "import sys; from ase_bimetal.elements import mixing_enthalpy; mixing_enthalpy('Au', 'Cu');"
        "print([m for m in ('matminer.featurizers', 'torch', 'pymatgen', 'rdkit') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
