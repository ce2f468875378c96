"""Figures for papers: one column wide, readable, the same for the same data."""

import pytest
from matplotlib.image import imread

from ase_bimetal.report import write_figures


@pytest.fixture(scope="module")
def figures(folder, tmp_path_factory):
    return {path.name: path for path in write_figures(folder, tmp_path_factory.mktemp("figures"))}


@pytest.mark.parametrize("name", ["map", "distribution", "ranking", "rose-Au"])
def test_a_figure_is_one_column_wide_and_says_its_level(figures, name):
    width = imread(figures[f"{name}.png"]).shape[1]
    assert width == pytest.approx(8.3 / 2.54 * 600, abs=2)
    svg = figures[f"{name}.svg"].read_text()
    assert "PBE-referenced GFN1-xTB" in svg
    assert "<text" in svg and "eV per metal atom" in svg


def test_equal_data_give_equal_figures(folder, figures, tmp_path):
    again = {path.name: path for path in write_figures(folder, tmp_path)}
    for name, path in figures.items():
        if name.endswith(".svg"):
            assert path.read_bytes() == again[name].read_bytes()
