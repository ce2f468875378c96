"""The shipped table of materials, and what is made of a row."""

import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ase_bimetal import elements
from ase_bimetal.lab.paper import materials as m
from ase_bimetal.ligands import parse_ligands
from ase_bimetal.model.forest import get_forest
from ase_bimetal.model.table import read_table

FRAME = m.read_materials()
CLASSES = {"nanocluster", "molecular cluster", "dual-atom", "MOF", "zeolite", "oxide-supported", "nitride", "alloy"}
#: Of `ase_bimetal.model.table.surroundings`.
SURROUNDINGS = {"ligands", "zeolite", "doped carbon", "oxide", "nitride", "other host", "bare particle", "bare solid"}


def row(**changes):
    """A pair in a zeolite, described."""
    values = {
        "metal_1": "Cu",
        "metal_2": "Y",
        "surroundings": "zeolite",
        "donors": "O",
        "ligands": "",
        "metal_distance_A": 3.92,
        "n_metal": 2.0,
        "ratio": 0.5,
    } | changes
    return m.describe_materials(pd.DataFrame([values])).iloc[0]


#: Not all metals: "Pr" in a formula is propyl, and "PtBu3" a phosphine.
METALS = {*FRAME.metal_1, *FRAME.metal_2}


def metals_in(formula):
    """Metals that a formula names, without its charge: counts of symbols, brackets multiplied out."""
    stack, formula = [Counter()], re.sub(r"\d*[+-]$", "", formula.replace("PtBu3", "PR3"))
    for opened, closed, symbol, count in re.findall(r"([\[({])|([\])}])(?=\d*)|([A-Z][a-z]?)|(\d+(?:\.\d+)?)", formula):
        if opened:
            stack.append(Counter())
        elif closed:
            last = stack.pop()
            stack[-1] += last
        elif symbol:
            last = Counter({symbol: 1}) if symbol in METALS else Counter()
            stack[-1] += last
        else:
            stack[-1] += Counter({name: n * (float(count) - 1) for name, n in last.items()})
    return stack[0]


def test_there_are_enough_rows_of_many_classes():
    assert len(FRAME) >= 60 and set(FRAME["class"]) == CLASSES


def test_metals_and_donors_are_known_elements():
    for symbol in {*FRAME.metal_1, *FRAME.metal_2}:
        assert elements.is_metal(symbol), symbol
    assert (FRAME.metal_1 != FRAME.metal_2).all()
    for symbol in {part for cell in FRAME.donors for part in cell.split(";") if part}:
        assert elements.electronegativity(symbol) > 2


def test_every_row_can_be_described():
    described = m.describe_materials(FRAME)
    assert set(described.surroundings) <= SURROUNDINGS
    assert described["H_mix (kJ/mol)"].notna().all()
    # Beyond a row whose surroundings or whose radii are not known, φ is at least bounded.
    known = described[m.CHI_ENV].notna() & described["delta R (Å)"].notna()
    assert (described.phi.notna() | described.phi_low.notna())[known].all() and known.sum() > 60


def test_the_metal_with_most_atoms_comes_first():
    assert (FRAME.ratio.dropna() <= 0.5).all()
    equal = FRAME[FRAME.ratio == 0.5]
    assert all(
        elements.electronegativity(a) >= elements.electronegativity(b)
        for a, b in zip(equal.metal_1, equal.metal_2, strict=True)
    )


def test_every_row_is_traceable():
    for doi in FRAME.doi[FRAME.doi != ""]:
        assert re.fullmatch(r"10\.\d{4,9}/[^\s\"<>]+", doi), doi
    assert FRAME.source.str.contains(r"(?:19|20)\d\d").all()
    assert FRAME.verified.str.match("search: ").all()
    # Without a DOI the reference must be complete: journal, year, volume, page.
    assert FRAME.source[FRAME.doi == ""].str.contains(r"\d{4}, \d+\w?, \d+").all()


def test_numbers_of_clusters_are_those_of_their_formula():
    """Size, share and charge of a cluster can be read off its name, and must agree."""
    clusters = FRAME[FRAME["class"].isin(["nanocluster", "molecular cluster"])]
    told = clusters[clusters.ratio.notna()]
    assert len(told) > 45
    for row in told.itertuples():
        found = metals_in(row.name)
        assert set(found) == {row.metal_1, row.metal_2}, row.name
        assert sum(found.values()) == pytest.approx(row.n_metal), row.name
        assert found[row.metal_2] / sum(found.values()) == pytest.approx(row.ratio, abs=1e-5), row.name
    for row in clusters[clusters.charge.notna()].itertuples():
        sign = re.search(r"\](\d*)([+-])$", row.name)
        assert row.charge == (int(f"{sign[2]}{sign[1] or 1}") if sign else 0), row.name


def test_a_printed_distance_says_where_it_is_from():
    """A mean or middle is explained; every distance is a plain length between two metals that can bond or bridge."""
    rows = FRAME[FRAME.metal_distance_A.notna()]
    ranges = rows[rows.source.str.contains("mean of|middle of")]
    assert 0 < len(ranges) < len(rows)
    for row in ranges.itertuples():
        low, high = map(float, re.search(r"(?:mean|middle) of (\d\.\d+) (?:to|and) (\d\.\d+) Å", row.source).groups())
        assert row.metal_distance_A == pytest.approx((low + high) / 2, abs=0.002), row.name


def test_the_card_counts_the_rows_that_ship():
    card = m.SHIPPED_MATERIALS.with_suffix(".md").read_text()
    doi = FRAME.doi[FRAME.doi != ""]
    assert f"lists {len(FRAME)} materials" in card and f"({len(doi)} rows, {doi.nunique()} DOIs)" in card
    assert f"the other {len(FRAME) - len(doi)} rows" in card
    words = {
        "nanocluster": "nanoclusters",
        "molecular cluster": "molecular clusters",
        "dual-atom": "dual-atom sites",
        "MOF": "metal–organic frameworks",
        "zeolite": "zeolites",
        "nitride": "nitrides",
        "alloy": "alloys",
    }
    for name, count in FRAME["class"].value_counts().items():
        assert f"{count} {words.get(name, 'metals on')}" in " ".join(card.split()), name


def test_no_material_is_there_twice():
    assert not FRAME.name.duplicated().any()
    assert not FRAME.duplicated(["metal_1", "metal_2", "class", "doi", "ligands", "source"]).any()


def test_ligands_can_be_read_and_only_clusters_have_them():
    clusters = FRAME.surroundings == "ligands"
    assert (FRAME.ligands[~clusters] == "").all()
    for cell in FRAME.ligands[FRAME.ligands != ""]:
        found = m.read_ligands(cell)
        assert sum(count for _, count in parse_ligands(found)) == sum(found.values()) > 0


def test_numbers_are_possible():
    distance = FRAME.metal_distance_A.dropna()
    assert ((distance > 2.2) & (distance < 6)).all()
    assert ((FRAME.ratio.dropna() > 0) & (FRAME.ratio.dropna() <= 2 / 3)).all()
    assert (FRAME.n_metal.dropna() % 1 == 0).all() and (FRAME.n_metal.dropna() >= 2).all()
    # A stated share belongs to whole atoms, unless the crystal is a mixture.
    whole = FRAME[FRAME.ratio.notna() & (FRAME["class"] == "nanocluster") & ~FRAME.name.str.contains(r"\d\.\d")]
    atoms = whole.ratio * whole.n_metal
    assert len(whole) > 5 and np.allclose(atoms, atoms.round(), atol=1e-3)


def test_phi_of_a_known_distance_is_the_published_value():
    found = row()
    # Check values of the source: D̃ = 0.07 for Cu/Y at 3.92 Å; χ_env against oxygen.
    assert found.phi == pytest.approx(0.07 * ((1.90 + 1.22) / 2 - 3.44), abs=0.005)
    assert found.phi_low < found.phi < found.phi_high and found.accessible


def test_phi_without_a_distance_is_bounded_and_not_made_up():
    found = row(metal_distance_A=np.nan)
    assert np.isnan(found.phi) and found.accessible
    assert row(metal_1="Zn", metal_2="Co", metal_distance_A=np.nan).accessible in (None, False)


def test_phi_of_equal_radii_needs_no_distance():
    found = row(metal_1="Au", metal_2="Ag", donors="", ligands="PPh3:8", metal_distance_A=np.nan)
    assert found.phi == pytest.approx(-0.15, abs=0.01)


def test_bare_metal_has_no_phi():
    found = row(surroundings="bare solid", donors="")
    assert np.isnan(found.phi) and np.isnan(found.phi_low) and found.accessible is None


@pytest.mark.parametrize(
    ("changes", "charge", "why"),
    [
        ({"surroundings": "ligands", "ligands": "PET:18", "donors": ""}, -1.0, "charge −1"),
        ({"surroundings": "ligands", "ligands": "PET:18", "donors": ""}, np.nan, "not stated"),
        ({"metal_2": "Sn"}, 0.0, "no metallic radius"),
    ],
)
def test_what_cannot_be_estimated_says_why(changes, charge, why):
    described = pd.DataFrame([row(**changes)])
    [found] = m.estimate_materials(described, pd.Series([charge]), get_forest(), read_table())
    assert why in found.reason and np.isnan(found.energy)


class Ruler:
    """A forest whose energy is −D, give or take 1 eV/metal."""

    def estimate_rows(self, rows):
        return [
            SimpleNamespace(formation_energy_per_metal=-d, formation_energy_interval=(-d - 1, 1 - d), novelty="")
            for d in rows["D (Å)"]
        ]


def test_a_missing_feature_goes_over_the_training_rows_and_widens_the_interval():
    both = pd.DataFrame([row(metal_2="Zn"), row(metal_2="Zn", metal_distance_A=np.nan, n_metal=np.nan)])
    known, unknown = m.estimate_materials(both, pd.Series([np.nan] * 2), Ruler(), read_table())
    assert known.unknown == () and (known.low, known.energy, known.high) == pytest.approx((-4.92, -3.92, -2.92))
    assert set(unknown.unknown) == {"D (Å)", "N_metal (atoms)"}
    trained = read_table().rows.query("surroundings == 'zeolite'")["D (Å)"]
    assert -trained.max() <= unknown.energy <= -trained.min()
    assert unknown.high - unknown.low > 2.0
