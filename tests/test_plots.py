"""Pictures and figures: the marks are where the numbers say."""

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ase_bimetal import as_system, plots

PHI = np.array([-0.5, -0.1, 0.0, np.nan])
ENERGY = np.array([-3.0, -2.0, 0.5, -1.0])
STD = np.array([0.1, 0.2, 0.1, 0.1])
MIXING = np.array([-9.0, 12.0, np.nan, 0.0])
ACCESSIBLE = np.array([False, True, True, False])


@pytest.fixture
def figure():
    with rc_context(dict(plots.PAPER_STYLE)):
        yield Figure(figsize=(plots.COLUMN_WIDTH, 2.6), layout="constrained")


def draw(figure):
    figure.draw_without_rendering()
    return [t for t in figure.findobj(lambda o: hasattr(o, "get_fontsize")) if t.get_text()]


def test_no_text_is_smaller_than_7_pt(figure):
    figure.set_size_inches(2 * plots.COLUMN_WIDTH, 3)
    left, right = figure.subplots(1, 2)
    plots.formation_map(left, PHI, ENERGY, STD, MIXING)
    plots.energy_ranking(right, list("abcd"), ENERGY, ENERGY - 0.3, ENERGY + 0.1, ACCESSIBLE)
    texts = draw(figure)
    assert len(texts) > 10 and min(t.get_fontsize() for t in texts) >= 7


def test_the_map_shades_the_favourable_corner(figure):
    axes = figure.subplots()
    plots.formation_map(axes, PHI, ENERGY, STD, MIXING, (-0.3, -1.5), np.array([True, False, False, False]))
    [corner] = axes.patches
    left, right = axes.get_xlim()
    assert (corner.get_x(), corner.get_x() + corner.get_width()) == pytest.approx((-0.3, right)) and left < -0.3
    assert corner.get_y() + corner.get_height() == pytest.approx(-1.5)
    front = next(artist for artist in axes.collections if artist.get_label() == "Pareto front")
    assert front.get_offsets().tolist() == [[-0.5, -3.0]]


def test_a_map_in_which_all_are_accessible_still_shows_the_edge(figure):
    axes = figure.subplots()
    plots.formation_map(axes, PHI + 0.6, ENERGY, STD, MIXING)
    assert axes.get_xlim()[0] < -0.3 < 0.6 < axes.get_xlim()[1]


def test_the_sign_of_the_mixing_enthalpy_is_the_colour():
    scale = plots.mixing_scale(MIXING)
    assert scale(0.0) == 0.5 and (scale.vmin, scale.vmax) == (-12.0, 12.0)
    assert plots.mixing_reach(np.array([np.nan])) == 1.0


def test_a_rose_bar_is_as_long_as_the_energy_is_low(figure):
    axes = figure.subplots(subplot_kw={"projection": "polar"})
    plots.dopant_rose(axes, ["Pd", "Pt", "Hg"], ENERGY[:3], STD[:3], MIXING[:3], "host Au")
    tops = [bar.get_y() + bar.get_height() for bar in axes.patches]
    assert tops == pytest.approx([3.0, 2.0, -0.5])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Pd", "Pt", "Hg"]
    blue, red, grey = (np.array(bar.get_facecolor()[:3]) for bar in axes.patches)
    assert blue[2] > blue[0] and red[0] > red[2] and np.ptp(grey) == 0


@pytest.mark.parametrize(
    ("colour", "values", "label"),
    [("mixing", [-10.0, 10.0], r"$H_\mathrm{mix}$ (kJ/mol)"), ("phi", [0.0, -1.6], "accessibility index φ (–)")],
)
def test_a_rose_says_what_its_colours_mean(figure, colour, values, label):
    axes = figure.subplots(subplot_kw={"projection": "polar"})
    plots.dopant_rose(axes, ["Pd", "Pt"], ENERGY[:2], STD[:2], np.array(values), colour=colour)
    [bar] = [other for other in figure.axes if other is not axes]
    assert bar.get_ylabel() == label
    first, second = (np.array(patch.get_facecolor()[:3]) for patch in axes.patches)
    assert first[2] > first[1] and second[0] > second[2]  # blue or purple, red or brown


def test_the_colours_of_accessibility_part_at_its_limit():
    scale = plots.accessibility_scale(np.array([0.1, -1.6, np.nan]))
    assert (scale.vmin, scale.vmax) == (-1.6, 0.1) and scale(-0.3) == 0.5
    alone = plots.accessibility_scale(np.array([np.nan]))
    assert alone.vmin < -0.3 < alone.vmax


def test_the_distribution_counts_everyone_once(figure):
    axes = figure.subplots()
    plots.energy_distribution(axes, ENERGY, ACCESSIBLE)
    assert sum(bar.get_height() for bar in axes.patches) == len(ENERGY)


def test_the_ranking_keeps_order_and_intervals(figure):
    axes = figure.subplots()
    plots.energy_ranking(axes, list("abcd"), ENERGY, ENERGY - 0.3, ENERGY + 0.1, ACCESSIBLE)
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert list(heights) == list("abcd") and sorted(heights.values()) == list(heights.values())
    assert axes.yaxis_inverted()
    drawn = {to_rgb(box[0].get_color()): box[0].get_xdata() for box in axes.containers}
    assert sorted(drawn[to_rgb(plots.ACCESSIBLE_COLOUR)]) == [-2.0, 0.5]


def test_bonds_join_atoms_but_no_hydrogen_to_metal(cluster):
    system = as_system(cluster)
    metals = set(system.metals.tolist())
    bonds = plots.drawn_bonds(system)
    assert all(not (("H" in (system.symbols[i], system.symbols[j])) and {i, j} & metals) for i, j in bonds)
    degree = np.bincount(np.array(bonds).ravel(), minlength=len(system.symbols))
    assert all(degree[i] == 1 for i, s in enumerate(system.symbols) if s == "H")


def test_a_cluster_is_drawn_atom_by_atom(cluster, figure):
    axes = figure.subplots()
    plots.draw_cluster(as_system(cluster), axes, "Au4Pd2(PET)8")
    assert len(axes.patches) == len(cluster)
