"""The sections of the page: each makes its numbers, tables, pictures and sentences from the gathered data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ase_bimetal import elements
from ase_bimetal.baselines.table import FEATURES
from ase_bimetal.descriptors import ACCESSIBLE_ABOVE, reduced
from ase_bimetal.reproduce import figures, published, words
from ase_bimetal.reproduce.blocks import Section, Table, picture
from ase_bimetal.reproduce.gather import PageData
from ase_bimetal.reproduce.statistics import correlation, fit_double_weibull
from ase_bimetal.reproduce.words import number
from ase_bimetal.training.metrics import mean_absolute_error, r_squared

_CHI_ENV, _DISTANCE, _RADII = FEATURES[0], FEATURES[6], FEATURES[7]
#: Elements whose pairs are drawn as roses.
ROSES = ("Au", "Pt", "Cu", "Ni")
_LEAST_PARTNERS = 4
_LEAST_FOR_CURVE = 10
#: A curvature that is so many standard errors from zero has a certain sign.
_CERTAIN = 2.0


def labels_section(data: PageData) -> Section:
    """Distribution of the labels with a fitted double-Weibull."""
    energy, family = data.labels.energy.to_numpy(), data.labels.family.to_numpy()
    fit = fit_double_weibull(energy)
    low, high = published.BULK
    within = np.mean((energy >= low) & (energy <= high))
    reach = f"{number(energy.min())} to {number(energy.max())}"
    table = Table(
        ("quantity", "ours", "published"),
        (
            ("labels", f"{len(energy):,}", "11,186"),
            ("range (eV/metal)", reach, " to ".join(map(number, published.RANGE))),
            (f"share between {number(low, 0)} and {number(high, 0)} eV/metal", f"{100 * within:.0f} %", "most"),
            ("double-Weibull shape c (–)", f"{fit.shape:.2f}", "–"),
            ("Kolmogorov–Smirnov distance (–)", f"{fit.distance:.3f}", "–"),
        ),
        f"Labels: {data.card['level']}, digest {data.digest}.",
    )
    drawn = picture(
        "distribution", figures.distribution_figure(energy, family, fit, published.RANGE, published.BULK),
        "Histogram of formation energies with a fitted curve",
        f"Formation energies of all valid cluster labels ({data.card['level']}, dimer reference) by kind of core.",
    )
    difference = (
        "The published labels are density-functional energies against another state of the free surroundings, so that "
        f"the ranges need not agree; {100 * within:.0f} % of ours fall where most of the published ones do."
    )
    return Section("Distribution of formation energies", (words.fitted(fit), difference), (table,), (drawn,))


def parity_section(data: PageData) -> Section:
    """The multimodal model on its test rows."""
    test = data.test
    mae, r2 = mean_absolute_error(test.truth, test.predicted), r_squared(test.truth, test.predicted)
    theirs = published.MODELS["MML"]
    sentences = [
        f"{len(test.truth):,} test rows of the random 8:1:1 split (seed 0) of the shipped labels: MAE {mae:.3f} "
        f"eV/metal, R² {r2:.3f}; published {theirs.mae:.3f} and {theirs.r2:.3f} on other clusters and labels.",
        _honest_splits(data),
    ]
    if not test.same_labels:
        sentences.append(
            f"The shipped weights were trained on labels {data.card['data']['digest']}, not on these "
            f"({data.digest}): some of these rows may have been trained on, and the error is then too small."
        )
    drawn = picture(
        "parity", figures.parity_figure(test.truth, test.predicted, test.family, "label " + figures.ENERGY,
                                        "predicted " + figures.ENERGY),
        "Predicted against labelled formation energies along the diagonal",
        f"{data.model} on its random test rows ({data.card['level']}); MAE in eV/metal.",
    )
    return Section("Predicted against labelled energies", tuple(sentences), (), (drawn,))


def volcano_section(data: PageData) -> Section:
    """ΔQ_CT against χ_env."""
    rows = data.charges
    if len(rows) < _LEAST_FOR_CURVE or rows.chi_env.nunique() < _LEAST_FOR_CURVE:
        return Section("Charge transfer and environment", (f"There are too few charges ({len(rows)}) to draw.",))
    curve, covariance = np.polyfit(rows.chi_env, rows.delta_q, 2, cov=True)
    error = float(np.sqrt(covariance[0, 0]))
    certain = abs(curve[0]) > _CERTAIN * error
    shape = "opens downwards, as a volcano does" if curve[0] < 0 else "opens upwards, unlike a volcano"
    doubt = "" if certain else "; its curvature is within two standard errors of zero, so that neither shape is shown"
    top = -curve[1] / (2 * curve[0])
    inside = rows.chi_env.min() < top < rows.chi_env.max()
    sentences = (
        f"A parabola through the charge transfer of {len(rows)} parents {shape} (curvature {number(curve[0])} ± "
        f"{error:.2f} e/Pauling²){doubt}. Its {'top' if curve[0] < 0 else 'bottom'} lies at χ_env = {number(top)}"
        f"{'' if inside else ', outside the points'}.",
        "Within one kind of surroundings: " + words.listed(_within_kinds(rows)) + ".",
        "The article shows a volcano from charges of its own density-functional calculations; ours are Mulliken "
        "charges of GFN1-xTB, of which only sign and order should be trusted.",
    )
    drawn = picture("volcano", figures.volcano_figure(rows, curve),
                    "Charge transfer against environment electronegativity with a parabola",
                    "ΔQ_CT (mean charge of the dopant minus that of the host, GFN1-xTB Mulliken charges) of every "
                    "prototype's parent against χ_env.")
    return Section("Charge transfer and environment", sentences, (), (drawn,))


def _within_kinds(rows: pd.DataFrame) -> list[str]:
    """Pearson's r of ΔQ_CT and χ_env in each kind of surroundings."""
    found = {kind: correlation(part.chi_env.to_numpy(), part.delta_q.to_numpy())
             for kind, part in rows.groupby("surroundings")}
    return [f"r = {number(r.r)} ({kind}, {number(r.low)} to {number(r.high)}, n = {r.n})" if r.is_known
            else f"too few values ({kind}, n = {r.n})" for kind, r in found.items()]


def descriptors_section(data: PageData) -> Section:
    """E_form against D̃, χ_env and φ."""
    rows, materials = label_rows(data), material_rows(data)
    names = {"reduced": "D̃", "chi_env": "χ_env", "phi": "φ"}
    found = {name: correlation(rows[name].to_numpy(float), rows.energy.to_numpy(float)) for name in names}
    sentences = [words.correlated(found[name], symbol, "E_form of the labels") for name, symbol in names.items()]
    sentences.append(words.against_published(found["phi"], published.PHI_CORRELATION) + " That one was found over "
                     "materials from the literature, which the next section repeats, and not over labels.")
    drawn = picture(
        "descriptors", figures.descriptor_figure(rows, materials),
        "Three panels: formation energy against reduced distance, environment electronegativity and accessibility",
        "Filled: lowest configuration of each prototype (GFN1-xTB with PBE-referenced elements). Open: estimates of "
        f"{data.forest.name} for materials from the literature. Dashed: φ = {number(ACCESSIBLE_ABOVE, 1)}.",
    )
    return Section("Formation energy and descriptors", tuple(sentences), (), (drawn,))


def roses_section(data: PageData) -> Section:
    """Pairs with Au, Pt, Cu and Ni."""
    roses = {f"{host}/M, {kind}": rows for host in ROSES for kind, rows in [rose_of(data.table.minima().rows, host)]
             if len(rows) >= _LEAST_PARTNERS}
    drawn_hosts = [title.partition("/")[0] for title in roses]
    if not roses:
        return Section("Pairs of metals",
                       (f"No element has labels with {_LEAST_PARTNERS} partners in one kind of surroundings.",))
    sentences = [f"Drawn are {words.listed(list(roses))}: for each partner the mean of the lowest labels of its "
                 "prototypes, the line from the lowest to the highest of them."]
    if missing := [host for host in ROSES if host not in drawn_hosts]:
        sentences.append(f"Fewer than {_LEAST_PARTNERS} partners are labelled in one kind of surroundings for "
                         f"{words.listed(missing)}.")
    for title, rows in roses.items():
        found = correlation(rows.mixing.to_numpy(float), rows.energy.to_numpy(float))
        sentences.append(f"{title}: " + words.correlated(found, "H_mix", "E_form"))
    drawn = picture("roses", figures.roses_figure(roses), "Roses of formation energy by partner metal",
                    "Length: −E_form (GFN1-xTB with PBE-referenced elements); colour: H_mix, blue where the metals "
                    "mix.")
    return Section("Pairs of metals", tuple(sentences), (pair_table(data),), (drawn,))


def label_rows(data: PageData) -> pd.DataFrame:
    """Lowest configurations of the shipped table: surroundings, energy [eV/metal], D̃, χ_env and φ."""
    rows = data.table.minima()
    features = rows.features
    share = np.array([reduced(d, r) for d, r in zip(features[_DISTANCE], features[_RADII], strict=True)])
    chi = features[_CHI_ENV].to_numpy(float)
    return pd.DataFrame({"surroundings": rows.rows.surroundings, "energy": rows.targets, "reduced": share,
                         "chi_env": chi, "phi": share * chi})


def material_rows(data: PageData) -> pd.DataFrame:
    """Materials with an estimate in the same columns; φ and D̃ where they are known."""
    rows = data.materials
    phi = rows.phi.to_numpy(float)
    chi = rows[_CHI_ENV].to_numpy(float)
    return pd.DataFrame({"surroundings": rows.surroundings, "energy": rows.energy, "reduced": phi / chi,
                         "chi_env": chi, "phi": phi})


def rose_of(rows: pd.DataFrame, host: str) -> tuple[str, pd.DataFrame]:
    """Partners of one element in the kind of surroundings that has most of them.

    Returns
    -------
    tuple
        Surroundings, and a table of ``partner``, ``energy`` and ``half`` [eV/metal], ``mixing`` [kJ/mol]: mean and
        half the range of the lowest labels of all prototypes with that pair.
    """
    mine = rows[(rows.host == host) | (rows.dopant == host)]
    if mine.empty:
        return "", pd.DataFrame(columns=["partner", "energy", "half", "mixing"])
    partner = mine.dopant.where(mine.host == host, mine.host)
    mine = mine.assign(partner=partner, energy=mine.gfn1 + mine["shift"])
    kind = mine.groupby("surroundings").partner.nunique().idxmax()
    groups = mine[mine.surroundings == kind].groupby("partner").energy
    table = pd.DataFrame({"energy": groups.mean(), "half": (groups.max() - groups.min()) / 2}).reset_index()
    table["mixing"] = [elements.mixing_enthalpy(host, other) for other in table.partner]
    return kind, table.sort_values("energy", ignore_index=True)


def pair_table(data: PageData) -> Table:
    """Published energies of single pairs beside ours."""
    minima = data.table.minima().rows
    minima = minima.assign(energy=minima.gfn1 + minima["shift"])
    rows = []
    silver = _pair(minima, "ligands", "Au", "Ag")
    mean, spread = published.GOLD_SILVER
    rows.append(("Au/Ag clusters, labels", _mean_spread(silver.energy), f"{number(mean)} ± {spread:.2f}"))
    for metal, energy in published.AU24M.items():
        mine = data.materials[data.materials.name.str.startswith(f"Au24{metal}(")]
        rows.append((f"Au24{metal}(SR)18, descriptor forest", _interval(mine), f"{number(energy)} (DFT)"))
    for (a, b), (forest, dft) in published.ON_CARBON.items():
        mine = _pair(minima, "doped carbon", a, b)
        rows.append((f"{a}/{b} on N-doped carbon, labels", _mean_spread(mine.energy),
                     f"{number(forest)} (forest), {number(dft)} (DFT)"))
    return Table(("pair", "ours (eV/metal)", "published (eV/metal)"), tuple(rows),
                 "± is the standard deviation over prototypes, brackets the 90 % interval. The published energies have "
                 "another state of the free surroundings; their order may be compared, their size hardly.")


def _pair(rows: pd.DataFrame, kind: str, a: str, b: str) -> pd.DataFrame:
    """Rows of one pair of metals in one kind of surroundings."""
    return rows[(rows.surroundings == kind) & rows.host.isin([a, b]) & rows.dopant.isin([a, b])]


def _mean_spread(energy: pd.Series) -> str:
    if energy.empty:
        return "not labelled"
    spread = f" ± {energy.std():.2f}" if len(energy) > 1 else ""
    return f"{number(energy.mean())}{spread} (n = {len(energy)})"


def _interval(rows: pd.DataFrame) -> str:
    known = rows[rows.energy.notna()]
    if known.empty:
        return "–"
    row = known.iloc[0]
    return f"{number(row.energy)} [{number(row.low)}, {number(row.high)}]"


def _honest_splits(data: PageData) -> str:
    """What the card says of the harder splits."""
    errors = {split: models["MML"]["MAE"] for split, models in data.card["metrics"].items()
              if split != "random" and "MML" in models}
    if not errors:
        return "The card holds no harder split."
    told = [f"{split} {mae:.2f}" for split, mae in errors.items()]
    return ("A random split puts configurations of one cluster on both sides, which flatters; what is new to the model "
            f"it predicts worse. MAE by what was held out (eV/metal): {words.listed(told)}.")


__all__ = [
    "descriptors_section",
    "label_rows",
    "labels_section",
    "material_rows",
    "pair_table",
    "parity_section",
    "rose_of",
    "roses_section",
    "volcano_section",
]
