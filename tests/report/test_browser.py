"""The report in a real browser: what a reader sees after the scripts have run."""

import html
import re

import pytest

from ase_bimetal.numbers import number
from ase_bimetal.report.cards import file_stem
from ase_bimetal.report.html import BEST
from ase_bimetal.report.results import NAME
from ase_bimetal.screening import candidate_atoms
from ase_bimetal.screening import columns as c


def table(page: str) -> list[dict[str, str]]:
    """Visible rows of the table of candidates, by the key of the column."""
    section = page[page.index('id="candidates"') :]
    keys = re.findall(r'<th [^>]*data-key="(\w+)"', section)
    body = section[section.index("<tbody>") : section.index("</tbody>")]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)]
    clean = [[html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]
    return [dict(zip(keys, row, strict=True)) for row in clean]


def status(page: str) -> str:
    """The line that says how many rows are chosen."""
    return re.search(r"data-status[^>]*>([^<]*)<", page)[1]


def sorted_by(page: str) -> dict[str, str]:
    """Columns that say they are sorted, and how."""
    pairs = re.findall(r'<th [^>]*data-key="(\w+)"[^>]*aria-sort="(\w+)"', page)
    return {key: order for key, order in pairs if order != "none"}


@pytest.fixture(scope="module")
def opened(browse, page):
    return browse(page)


def test_the_scripts_run_without_an_error_or_a_request(opened):
    text, console = opened
    assert 'data-ready="yes"' in text
    for word in ("Uncaught", "Refused", "Content Security Policy", "ERR_"):
        assert word not in console


def test_the_first_page_of_the_table_is_the_ranking(opened, results):
    rows = table(opened[0])
    assert len(rows) == 25 < len(results.predicted)
    for row, (_, expected) in zip(rows, results.predicted.iterrows(), strict=False):
        assert row["id"] == expected[c.ID]
        shown, spread = row["energy"].replace("−", "-").split(" ± ")
        # The page holds three decimals and shows two, so a number may be rounded twice.
        assert abs(float(shown) - expected[c.FORMATION_ENERGY]) < 0.0056
        assert abs(float(spread) - expected[c.FORMATION_ENERGY_STD]) < 0.0056
        assert row["phi"] == number(expected[c.PHI], 3)


def test_map_roses_and_structure_are_drawn(opened, results):
    text = opened[0]
    assert text.count('<path class="point') >= results.predicted[c.PHI].notna().sum()
    assert "favourable: φ &gt; −0.3" in text and "Host Au" in text
    viewer = text[text.index('id="viewer"') : text.index("<figcaption")]
    assert "<canvas" in viewer and "WebGL is not supported" not in viewer
    assert text.count("data-show=") == BEST and 'id="caption">Au' in text


def test_sorting_and_filters_come_from_the_address(browse, page, results):
    text = browse(page, "#sort=energy&order=down&motif=M@Au8&size=100")[0]
    shown = [row["energy"].split(" ")[0].replace("−", "-") for row in table(text)]
    chosen = results.predicted[results.predicted[c.MOTIF] == "M@Au8"]
    assert [float(v) for v in shown] == sorted((float(v) for v in shown), reverse=True)
    assert len(shown) == len(chosen) and status(text).startswith(f"{len(chosen)} of {len(results.predicted)}")
    assert sorted_by(text) == {"energy": "descending"}


def test_heads_sort_and_find_and_pages_work_by_hand(browse, page, results):
    script = """<script>
      const head = (key) => document.querySelector(`th[data-key=${key}] button`);
      head("phi").click(); head("phi").click();
      const find = document.querySelector("[data-filter=find]");
      find.value = "smE au4m2"; find.dispatchEvent(new Event("input"));
      document.documentElement.dataset.found = document.querySelector("[data-status]").textContent;
      find.value = ""; find.dispatchEvent(new Event("input"));
      document.querySelector("[data-step='1']").click();
      const saved = [];
      saveFile = (name, text) => saved.push(`${name}:${text.split("\\n")[0]}`);
      document.querySelector("[data-show='1']").click();
      document.querySelector("[data-save-structure=xyz]").click();
      document.querySelector("[data-save-structure=cif]").click();
      document.documentElement.dataset.saved = saved.join(" ");
      document.querySelector("[data-show='3']").click();
      document.documentElement.dataset.turned = document.getElementById("structure").selectedIndex;
    </script></body>"""
    driven = page.with_name("driven.html")
    driven.write_text(page.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
    text = browse(driven)[0]
    assert 'data-found="16 of ' in text and 'data-turned="3"' in text
    atoms = candidate_atoms(results.folder, results.predicted[c.ID].iloc[1])
    stem, count = re.search(r'data-saved="(02-[\w-]+)\.xyz:(\d+) \1\.cif:data_', text).groups()
    assert int(count) == len(atoms) and stem == f"02-{file_stem(results.predicted[NAME].iloc[1])}"
    assert sorted_by(text) == {"phi": "descending"}
    assert "showing 26 to " in status(text) and "page 2 of" in status(text)
    phi = [float(row["phi"].replace("−", "-")) for row in table(text)]
    assert phi == sorted(phi, reverse=True) and len(phi) > 1
    best = re.search(r'<option data-caption="([^"]*)">4\.', text)[1]
    assert f'id="caption">{best}<' in text


def test_a_narrow_page_cuts_no_chart_and_puts_colour_bars_below(browse, page):
    script = """<script>
      setTimeout(() => {
        const charts = [...document.querySelectorAll("[data-chart]")];
        const bars = (div) => div.data.map((trace) => trace.colorbar ?? trace.marker?.colorbar).filter(Boolean);
        const root = document.documentElement.dataset;
        root.widths = charts.map((div) => div.querySelector(".main-svg").clientWidth).join(" ");
        root.bars = charts.map((div) => bars(div).map((bar) => bar.orientation)).join(" ");
      }, 3000);
    </script></body>"""
    narrow = page.with_name("narrow.html")
    text = page.read_text(encoding="utf-8").replace("</head>", "<style>body { width: 370px }</style></head>")
    narrow.write_text(text.replace("</body>", script), encoding="utf-8")
    shown = browse(narrow)[0]
    widths = [int(width) for width in re.search(r'data-widths="([^"]*)"', shown)[1].split()]
    assert len(widths) == 3 and min(widths) > 300 and max(widths) <= 370
    assert re.search(r'data-bars="([^"]*)"', shown)[1] == "h h h"
