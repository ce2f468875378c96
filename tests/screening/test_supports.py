"""Metal pairs on zeolites and doped carbon: whose geometry, which numbers, and in a report."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ase_bimetal.calculators import DescriptorFormationCalculator
from ase_bimetal.descriptors import metal_distance
from ase_bimetal.errors import ScreenError
from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.report import read_results, summarise, write_figures, write_report
from ase_bimetal.report.html import render
from ase_bimetal.screening import candidate_atoms, load_results, pareto_front, screen, screen_info
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.screening.supports import SUPPORTS, find_site, site_atoms
from ase_bimetal.system import as_system

# Copper with Ni, Y and Pt is labelled on both supports; nickel with Y is on neither, and no pair with Ga is.
FIELDS = {"hosts": ["Cu", "Ni"], "dopants": ["Ni", "Y", "Pt", "Ga", "Cu"], "supports": ["MFI-6-ring", "sheet-N6"]}


@pytest.fixture(scope="module")
def labels():
    frame = load_hosts().frame
    return frame[frame.kind == "parent"].set_index("prototype")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("supports")
    prices = {"Cu": 10.0, "Ni": 20.0, "Y": 30.0, "Pt": 30000.0, "Ga": 300.0}
    screen(
        out=out,
        progress=False,
        **FIELDS,
        prices=prices,
        currency="EUR",
        filters={"metal_cost_below": 1000.0, "exclude_metals": ["Ga"]},
    )
    return out


def test_a_labelled_pair_has_its_own_geometry(labels) -> None:
    site = find_site("MFI-6-ring", "Cu", "Ni")
    assert (site.parent, site.metals, site.is_own) == ("CuNi@MFI-6-ring", ("Cu", "Ni"), True)
    own = labels.loc["CuNi@MFI-6-ring"].atoms
    found = site_atoms(site)
    assert str(found.symbols) == str(own.symbols) and np.array_equal(found.positions, own.positions)
    assert found.info == {"geometry": c.OWN_PAIR}


def test_an_order_of_the_pair_does_not_matter() -> None:
    one, other = find_site("sheet-N6", "Au", "Ni"), find_site("sheet-N6", "Ni", "Au")
    assert one == other and one.is_own


def test_another_pair_takes_the_geometry_of_the_closest(labels) -> None:
    site = find_site("MFI-6-ring", "Ag", "Y")
    found = site_atoms(site)
    assert not site.is_own and site.metals == ("Ag", "Y")
    assert "closest by radii" in found.info["template_note"] and found.info["geometry"] == c.CLOSEST_PAIR
    # As many aluminium atoms as positive charges: Ag and Y need four.
    assert found.symbols.count("Al") == 4 == labels.loc[site.parent].atoms.symbols.count("Al")
    assert str(found.symbols[2:]) == str(labels.loc[site.parent].atoms.symbols[2:])


def test_leaving_a_pair_out_finds_another() -> None:
    site = find_site("MFI-6-ring", "Cu", "Y", without="CuY@MFI-6-ring")
    assert site.parent.startswith("Cu") and not site.is_own
    # A lanthanide of yttrium's size, and not a small metal.
    assert site.parent.removeprefix("Cu").split("@")[0] in {"Ho", "Er", "Tm", "Dy", "Tb", "Lu", "Gd", "Yb"}


def test_charges_that_no_framework_balances_are_a_reason() -> None:
    with pytest.raises(ScreenError, match="no labelled pair in MFI-6-ring-6Al, which Y and Gd need"):
        find_site("MFI-6-ring", "Y", "Gd")


def test_rows_are_what_the_calculator_says(folder: Path) -> None:
    rows = load_results(folder).query("status == 'ok'")
    assert len(rows) >= 6
    for row in rows.itertuples():
        atoms = candidate_atoms(folder, row.id)
        atoms.calc = DescriptorFormationCalculator()
        assert row.formation_energy == pytest.approx(atoms.get_potential_energy() / 2, abs=1e-9)
        results = atoms.calc.results
        assert (row.formation_energy_low, row.formation_energy_high) == pytest.approx(
            results["formation_energy_interval"]
        )
        assert row.phi == pytest.approx(results["accessibility_index"])
        assert (row.model, row.level) == (results["model"], results["level"])
        assert row.reference_state == results["reference_state"]
        assert set(results["flags"]) <= set(row.flags)
        assert row.metal_distance == pytest.approx(metal_distance(as_system(atoms)))


def test_pairs_come_once_and_all_are_accounted_for(folder: Path) -> None:
    frame = load_results(folder)
    assert frame[c.ID].is_unique
    ok = frame[frame[c.STATUS] == c.OK]
    assert set(ok[c.COMPOSITION]) == {"CuNi", "CuY", "CuPt", "NiY", "NiPt"}
    assert set(ok[c.MOTIF]) == set(FIELDS["supports"])
    reasons = set(frame[frame[c.STATUS] == c.SKIPPED][c.REASON])
    assert {"metal Ga is excluded", "dopant Cu is the host", "same pair as Cu and Ni"} <= reasons
    assert not ok[c.LOG_P].notna().any() and not ok[c.LIGANDS].notna().any()


def test_cost_filters_and_fronts_work_as_for_clusters(folder: Path) -> None:
    ok = load_results(folder).query("status == 'ok'")
    assert (ok[c.PASSES] == (ok[c.METAL_COST] < 1000)).all() and 0 < ok[c.PASSES].sum() < len(ok)
    assert (ok[c.COMPOSITION].str.contains("Pt") == (ok[c.METAL_COST] >= 1000)).all()
    cheap = pareto_front(folder, {c.FORMATION_ENERGY: "min", c.METAL_COST: "min"})
    assert 1 <= len(cheap) <= len(ok)
    assert cheap[c.METAL_COST].is_monotonic_decreasing


def test_a_second_run_adds_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    summary = screen(ScreenConfig.make(**screen_info(folder)["config"]), folder, progress=False)
    assert summary.n_reused == len(load_results(folder))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_the_report_says_what_was_screened(folder: Path, tmp_path: Path) -> None:
    results = read_results(folder)
    text = write_report(folder, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Screening of metal pairs on supports" in text
    assert "descriptor forest, zeolite" in text and "metal pair left out" in text
    assert "free ligands" not in text.split("<script")[0] and "Ligands are drawn" not in text
    assert any("2 reference states" in sentence for sentence in summarise(results))
    assert len(write_figures(folder, tmp_path / "figures")) == 2 * (3 + results.predicted[c.HOST].nunique())


def test_cards_of_supports_say_what_their_numbers_are_made_of(folder: Path) -> None:
    results = read_results(folder)
    page = render(replace(results, predicted=results.predicted.head(3)))
    for card, (_, row) in zip(
        re.findall(r"<article.*?</article>", page, re.S), results.predicted.iterrows(), strict=False
    ):
        *parts, total = lines(card, "What E_form is made of")
        forest = parts[0]
        assert forest == (f"forest, at {row[c.LEVEL]}", pytest.approx(row[c.FORMATION_ENERGY], abs=6e-4))
        assert total == ("E_form", round(row[c.FORMATION_ENERGY], 3))
        assert [value for _, value in parts[1:]] == [0.0] * (len(parts) - 1)
        (who, inner), (what, outer), (_, whole) = lines(card, "What ± is made of")
        assert (who, what) == ("forest", "level of theory") and inner > 0 < outer
        assert (inner**2 + outer**2) ** 0.5 == pytest.approx(whole, abs=1.5e-3)


def lines(card: str, caption: str) -> list[tuple[str, float]]:
    """Rows of one small table of a card, as words and numbers."""
    table = card[card.index(caption) :].split("</table>")[0]
    found = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', table)
    return [(what, float(value.replace("−", "-"))) for what, value in found]


@pytest.mark.parametrize("support", SUPPORTS)
def test_every_support_has_labels(support: str) -> None:
    assert find_site(support, "Cu", "Zn").parent.endswith(support)
