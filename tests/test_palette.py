"""One colour for each element: far apart, and the same in every picture."""

import json
from itertools import combinations

import numpy as np
import pytest
from ase import Atoms
from ase.data import chemical_symbols
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from ase_bimetal import elements
from ase_bimetal.palette import METAL_COLOURS, element_colour
from ase_bimetal.plots import draw_cluster
from ase_bimetal.system import as_system

USUAL = ("Au", "Ag", "Cu", "Pd", "Pt", "Ni", "Hg", "Cd", "Zn", "Ru", "Rh", "Ir", "Os", "Co", "Fe", "Mn", "Re")
IN_LIGANDS = ("H", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")
#: Red–green blindness as matrices on linear RGB (Machado et al., IEEE Trans. Vis. Comput. Graph. 2009, 15, 1291).
BLIND = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


def linear(symbol: str) -> np.ndarray:
    rgb = np.array(to_rgb(element_colour(symbol)))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB under daylight (D65)."""
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    xyz = np.array(to_xyz) @ rgb / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(a: str, b: str) -> float:
    """Colour difference of two elements; 2.3 is just noticeable."""
    return float(np.linalg.norm(lab(linear(a)) - lab(linear(b))))


def test_white_and_black_are_a_hundred_apart():
    assert np.linalg.norm(lab(np.ones(3)) - lab(np.zeros(3))) == pytest.approx(100.0, abs=0.05)


def test_every_metal_has_a_colour_of_its_own():
    assert {s for s in chemical_symbols[1:84] if elements.is_metal(s)} == set(METAL_COLOURS)
    assert min(difference(a, b) for a, b in combinations(METAL_COLOURS, 2)) > 15


def test_usual_metals_are_far_apart():
    assert min(difference(a, b) for a, b in combinations(USUAL, 2)) > 25


def test_usual_metals_are_no_atom_of_a_ligand():
    assert min(difference(metal, other) for metal in USUAL for other in IN_LIGANDS) > 12
    assert min(difference("Au", donor) for donor in ("S", "P", "C", "N", "Cl", "Br", "I")) > 35


@pytest.mark.parametrize("blindness", BLIND)
def test_hosts_stay_apart_from_dopants_for_every_eye(blindness):
    seen = {s: lab(np.clip(np.array(BLIND[blindness]) @ linear(s), 0, 1)) for s in USUAL}
    assert min(np.linalg.norm(seen[a] - seen[b]) for a in ("Au", "Ag", "Cu") for b in USUAL if a != b) > 12


def test_the_drawing_and_the_viewer_have_the_same_colours():
    pytest.importorskip("plotly")
    from ase_bimetal.report.charts import structure_chart

    system = as_system(Atoms("AuPdPtCl", [[0, 0, 0], [2.7, 0, 0], [1.3, 2.3, 0], [-2.3, 0, 0]]), ligands={"Cl": 1})
    axes = Figure().subplots()
    draw_cluster(system, axes)
    drawn = {to_hex(patch.get_facecolor()).upper() for patch in axes.patches}
    turned = {
        trace["name"]: trace["marker"]["color"]
        for trace in json.loads(structure_chart(system))["data"]
        if trace["mode"] == "markers"
    }
    assert turned == {symbol: element_colour(symbol) for symbol in ("Au", "Pd", "Pt", "Cl")}
    assert drawn == {element_colour(symbol) for symbol in ("Au", "Pd", "Pt", "Cl")}
    assert {line.get_label(): to_hex(line.get_color()).upper() for line in axes.lines if line.get_marker() == "o"} == {
        symbol: element_colour(symbol) for symbol in ("Au", "Pd", "Pt")
    }
