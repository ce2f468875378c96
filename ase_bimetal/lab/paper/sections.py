"""The sections of the page: each makes its numbers, tables, pictures and sentences from the gathered data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ase_bimetal import elements
from ase_bimetal.descriptors import ACCESSIBLE_ABOVE, reduced
from ase_bimetal.lab.paper import figures, published, words
from ase_bimetal.lab.paper.blocks import Picture, Section, Table, picture
from ase_bimetal.lab.paper.gather import PageData
from ase_bimetal.lab.paper.statistics import Parabola, correlation, fit_double_weibull, fit_parabola, lowest_bin
from ase_bimetal.lab.training.metrics import mean_absolute_error, r_squared, root_mean_square_error
from ase_bimetal.model.table import FEATURES
from ase_bimetal.numbers import number

_CHI_ENV, _RATIO, _DISTANCE, _RADII = FEATURES[0], FEATURES[3], FEATURES[6], FEATURES[7]
#: Elements whose pairs are drawn as roses.
ROSES = ("Au", "Pt", "Cu", "Ni")
_LEAST_PARTNERS = 4


def labels_section(data: PageData) -> Section:
    """Make the section on the labels' distribution.

    A double-Weibull is fitted to it.
    """
    energy, family = data.labels.energy.to_numpy(), data.labels.family.to_numpy()
    fit = fit_double_weibull(energy)
    low, high = published.BULK
    within = np.mean((energy >= low) & (energy <= high))
    table = Table(
        ("quantity", "ours", "published"),
        (
            ("labels", f"{len(energy):,}", f"{published.LABELS:,}"),
            (
                "range (eV/metal)",
                f"{number(energy.min())} to {number(energy.max())}",
                " to ".join(map(number, published.RANGE)),
            ),
            (f"share between {number(low, 0)} and {number(high, 0)} eV/metal", f"{100 * within:.0f} %", "most"),
            ("distribution", "double Weibull " + ("fits" if fit.fits else "does not fit"), "double Weibull"),
            (
                "its shape c (–), centre and scale (eV/metal)",
                f"{fit.shape:.2f}, {number(fit.location)}, {fit.scale:.2f}",
                "–",
            ),
            ("Kolmogorov–Smirnov distance (–)", f"{fit.distance:.3f}", f"{published.WEIBULL_DISTANCE:.2f}"),
            ("its p (–)", f"{fit.p_value:.3f}", f"{published.WEIBULL_P:.2f}"),
        ),
        f"Labels: {data.card.level}, digest {data.digest}.",
    )
    drawn = picture(
        "distribution",
        figures.distribution_figure(energy, family, fit, published.RANGE, published.BULK),
        "Histogram of formation energies with a fitted curve",
        f"Formation energies of all valid cluster labels ({data.card.level}, dimer reference) by kind of core.",
    )
    difference = (
        f"{100 * within:.0f} % of our labels fall where most of the published ones do, but those are "
        "density-functional energies of other clusters against another state of the free surroundings, so that the "
        "ranges need not agree."
    )
    return Section("Distribution of formation energies", difference, table, (words.fitted(fit),), (), (drawn,))


def parity_section(data: PageData) -> Section:
    """Make the section on the model's test rows.

    The model is the multimodal one.
    """
    test, theirs = data.test, published.MODELS["MML"]
    mae, r2 = mean_absolute_error(test.truth, test.predicted), r_squared(test.truth, test.predicted)
    table = Table(
        ("quantity", "ours", "published"),
        (
            ("test rows of a random 8:1:1 split", f"{len(test.truth):,}", f"{published.TEST_ROWS:,}"),
            ("MAE (eV/metal)", f"{mae:.3f}", f"{theirs.mae:.3f}"),
            (
                "RMSE (eV/metal)",
                f"{root_mean_square_error(test.truth, test.predicted):.3f}",
                f"{published.TEST_RMSE:.3f}",
            ),
            ("R² (–)", number(r2, 3), f"{theirs.r2:.3f}"),
            *((f"MAE (eV/metal), {split}", f"{error:.3f}", "–") for split, error in _honest_splits(data).items()),
        ),
        f"Ours: {data.model}, {data.card.level}; the random split again from the shipped labels (seed 0), the "
        "others from the card.",
    )
    difference = (
        "Both splits put configurations of one cluster on both sides, which flatters; what is new to our model it "
        "predicts with the errors of the other lines, for which the article has no counterpart."
    )
    sentences = (
        ()
        if test.same_labels
        else (
            f"The shipped weights were trained on labels {data.card.data.digest}, not on these ({data.digest}): some "
            "of these rows may have been trained on, and the error is then too small.",
        )
    )
    drawn = picture(
        "parity",
        figures.parity_figure(
            test.truth, test.predicted, test.family, "label " + figures.ENERGY, "predicted " + figures.ENERGY
        ),
        "Predicted against labelled formation energies along the diagonal",
        f"{data.model} on its random test rows ({data.card.level}); MAE in eV/metal.",
    )
    return Section("Predicted against labelled energies", difference, table, sentences, (), (drawn,))


def volcano_section(data: PageData) -> Section:
    """Make the section on ΔQ_CT against χ_env."""
    title, rows = "Charge transfer and environment", data.charges
    parts = {"all": rows, "ligands": rows[rows.surroundings == "ligands"]}
    found = {kind: fit_parabola(part.chi_env.to_numpy(), part.delta_q.to_numpy()) for kind, part in parts.items()}
    curves = {kind: curve for kind, curve in found.items() if curve}
    table = volcano_table(rows)
    if "all" not in curves:
        return Section(title, f"There are too few charges ({len(rows)}) to say which shape they have.", table)
    told = [
        f"that through {'all our charges' if kind == 'all' else 'the clusters alone'} {words.shaped(curve)}"
        for kind, curve in curves.items()
    ]
    difference = (
        f"The article shows a volcano; of parabolas, {words.listed(told)}; ours are Mulliken charges of GFN1-xTB, of "
        "which only sign and order should be trusted."
    )
    sentences = (*(_vertex(kind, curve, parts[kind].chi_env) for kind, curve in curves.items()), *_sides(rows))
    drawn = picture(
        "volcano",
        figures.volcano_figure(rows, curves),
        "Charge transfer against environment electronegativity with a parabola",
        "ΔQ_CT (mean charge of the dopant minus that of the host, GFN1-xTB Mulliken charges) of every "
        "prototype's parent against χ_env.",
    )
    return Section(title, difference, table, sentences, (), (drawn,))


def _sides(rows: pd.DataFrame) -> tuple[str, ...]:
    """Whether zeolites stand left of clusters, as in the article; nothing without both."""
    middle = rows.groupby("surroundings").chi_env.mean()
    if not {"ligands", "zeolite"} <= set(middle.index):
        return ()
    found = "as" if middle["zeolite"] < middle["ligands"] else "unlike"
    return (
        f"Zeolites have a mean χ_env of {number(middle['zeolite'])}, clusters of {number(middle['ligands'])}, "
        f"{found} in the article, where zeolites stand on the left side of the volcano and clusters on the right.",
    )


def _vertex(kind: str, curve: Parabola, x: pd.Series) -> str:
    """Where a parabola is highest or lowest, in a sentence."""
    where = "" if x.min() < curve.vertex < x.max() else ", outside the points"
    return (
        f"Over {curve.n} parents ({kind}) the {'top' if curve.curvature < 0 else 'bottom'} lies at χ_env = "
        f"{number(curve.vertex)}{where}."
    )


def volcano_table(rows: pd.DataFrame) -> Table:
    """Tabulate the shape of ΔQ_CT against χ_env.

    Pearson's r is given over all parents and for each kind of surroundings.

    Parameters
    ----------
    rows
        ``surroundings``, ``chi_env`` [Pauling] and ``delta_q`` [e].
    """
    parts = {"all": rows} | {str(kind): part for kind, part in rows.groupby("surroundings")}
    lines = []
    for kind, part in parts.items():
        x, y = part.chi_env.to_numpy(float), part.delta_q.to_numpy(float)
        curve, line = fit_parabola(x, y), correlation(x, y)
        shape = f"{number(curve.curvature)} ± {curve.error:.2f}" if curve else "too few"
        lines.append(
            (f"curvature (e/Pauling²), {kind}, n = {line.n}", shape, "below zero (a volcano)" if kind == "all" else "–")
        )
        if line.is_known:
            lines.append(
                (f"Pearson's r (–), {kind}", f"{number(line.r)} [{number(line.low)}, {number(line.high)}]", "–")
            )
    return Table(
        ("quantity", "ours", "published"),
        tuple(lines),
        "ΔQ_CT against χ_env; ± one standard error, brackets the 95 % interval.",
    )


def descriptors_section(data: PageData) -> Section:
    """Make the section on E_form against descriptors.

    They are D̃, χ_env and φ.
    """
    rows, materials = label_rows(data), material_rows(data)
    names = {"reduced": "D̃", "chi_env": "χ_env", "phi": "φ"}
    found = {name: correlation(rows[name].to_numpy(float), rows.energy.to_numpy(float)) for name in names}
    difference = (
        "Over labels, Pearson's r of E_form and φ "
        f"{words.beside_published(found['phi'], published.PHI_CORRELATION)}; that one was found over materials "
        "from the literature, which the last section repeats."
    )
    drawn = picture(
        "descriptors",
        figures.descriptor_figure(rows, materials),
        "Three panels: formation energy against reduced distance, environment electronegativity and accessibility",
        "Filled: lowest configuration of each prototype (GFN1-xTB with PBE-referenced elements). Open: estimates of "
        f"{data.forest.name} for materials from the literature. Dashed: φ = {number(ACCESSIBLE_ABOVE, 1)}.",
    )
    table = Table(
        ("quantity", "ours", "published"),
        (
            *(
                (
                    f"Pearson's r of E_form and {names[name]}",
                    f"{number(r.r)} [{number(r.low)}, {number(r.high)}], n = {r.n}",
                    number(published.PHI_CORRELATION) if name == "phi" else "–",
                )
                for name, r in found.items()
            ),
            *(
                (f"D̃ of lowest mean E_form (–), {kind}", _lowest(rows, kind, "reduced"), f"about {theirs:g}")
                for kind, theirs in published.OPTIMAL_REDUCED.items()
            ),
            *(
                (f"D of lowest mean E_form (Å), {kind}", _lowest(rows, kind, "distance"), f"about {theirs:g}")
                for kind, theirs in published.OPTIMAL_DISTANCE.items()
            ),
        ),
        "Ours: labels, brackets the 95 % interval; D̃ in steps of 0.1 and D of 0.1 Å with five prototypes or more.",
    )
    sentences = tuple(words.correlated(found[name], symbol, "E_form of the labels") for name, symbol in names.items())
    return Section("Formation energy and descriptors", difference, table, sentences, (), (drawn,))


def _lowest(rows: pd.DataFrame, kind: str, column: str) -> str:
    """The range of a column in which prototypes of one kind of surroundings have their lowest mean energy."""
    mine = rows[(rows.surroundings == kind) & rows[column].notna()]
    ends = lowest_bin(mine[column].to_numpy(float), mine.energy.to_numpy(float))
    return f"{ends[0]:.1f} to {ends[1]:.1f}" if ends else "too few"


def roses_section(data: PageData) -> Section:
    """Make the section on pairs of four metals.

    They are Au, Pt, Cu and Ni.
    """
    title, table = "Pairs of metals", pair_table(data)
    difference = (
        f"Beside the published ones, our energies put {_orders(data)}; the published ones have another state of the "
        "free surroundings, so that their size can hardly be compared."
    )
    roses = {
        f"{host}/M, {kind}": rows
        for host in ROSES
        for kind, rows in [rose_of(data.table.minima().rows, host)]
        if len(rows) >= _LEAST_PARTNERS
    }
    drawn_hosts = [name.partition("/")[0] for name in roses]
    sentences = []
    if missing := [host for host in ROSES if host not in drawn_hosts]:
        sentences.append(
            f"Fewer than {_LEAST_PARTNERS} partners are labelled in one kind of surroundings for "
            f"{words.listed(missing)}."
        )
    for name, rows in roses.items():
        found = correlation(rows.mixing.to_numpy(float), rows.energy.to_numpy(float))
        sentences.append(f"{name}: {words.correlated(found, 'H_mix', 'E_form')}")
    sentences += [_best_partners(data, host) for host in published.BEST_PARTNERS]
    sentences += _gold_above_copper(data)
    if not roses:
        return Section(title, difference, table, tuple(sentences))
    return Section(title, difference, table, tuple(sentences), (), rose_pictures(roses))


def rose_pictures(roses: Mapping[str, pd.DataFrame]) -> tuple[Picture, Picture]:
    """Draw the roses twice.

    They are coloured by H_mix, and by φ as in the article.
    """
    words_of_both = (
        "Radius: −E_form (GFN1-xTB with PBE-referenced elements), for each partner the mean of the "
        "lowest labels of its prototypes, the line from the lowest to the highest of them; {} Of "
        "each element the kind of surroundings with most partners."
    )
    return (
        picture(
            "roses",
            figures.roses_figure(roses),
            "Roses of formation energy by partner metal",
            words_of_both.format("colour: H_mix, blue where the metals mix."),
        ),
        picture(
            "roses_phi",
            figures.roses_figure(roses, "phi"),
            "Roses of formation energy, coloured by φ",
            words_of_both.format(
                "colour: φ, the mean over the same prototypes, purple where the site is "
                "accessible (above −0.3), brown where it is not, grey where φ is not known."
            ),
        ),
    )


def _best_partners(data: PageData, host: str) -> str:
    """Which partners of an element have the lowest energy here, and which in the article."""
    theirs = published.BEST_PARTNERS[host]
    kind, rows = rose_of(data.table.minima().rows, host)
    ours = list(rows.partner[: len(theirs)])
    if not ours:
        return f"{host}/M: none labelled; the article puts {words.listed(theirs)} first."
    both = [metal for metal in theirs if metal in ours]
    return (
        f"{host}/M, {kind}: lowest E_form with {words.listed(ours)}; the article puts {words.listed(theirs)} "
        f"first, of which {words.listed(both) if both else 'none'} {'is' if len(both) < 2 else 'are'} among ours."
    )


def _gold_above_copper(data: PageData) -> list[str]:
    """Whether Au/M is more stable than Cu/M over partners that both have in one kind of surroundings."""
    minima, told = _with_energy(data), []
    for kind, rows in minima.groupby("surroundings"):
        means = {host: _mean_by_partner(rows, host) for host in ("Au", "Cu")}
        both = means["Au"].index.intersection(means["Cu"].index)
        if len(both) < _LEAST_PARTNERS:
            continue
        gap = float((means["Au"][both] - means["Cu"][both]).mean())
        order = "more" if gap < 0 else "less"
        told.append(
            f"Over {len(both)} partners that both have ({kind}), Au/M is {order} stable than Cu/M by "
            f"{abs(gap):.2f} eV/metal; in the article Au/M is more stable."
        )
    return told


def _mean_by_partner(rows: pd.DataFrame, host: str) -> pd.Series:
    """Mean lowest energy [eV/metal] of an element's pairs by the other metal."""
    mine = rows[(rows.host == host) | (rows.dopant == host)]
    return mine.groupby(mine.dopant.where(mine.host == host, mine.host)).energy.mean()


def _orders(data: PageData) -> str:
    """Whether the published orders of energies are ours."""
    minima = _with_energy(data)
    doped = {metal: _doped(minima, metal).energy.min() for metal in published.AU24M}
    source = "labels"
    if np.isfinite(list(doped.values())).sum() < 2:
        doped, source = {metal: _energy(_thiolates(data, metal)) for metal in published.AU24M}, "forest"
    carbon = {pair: _pair(minima, "doped carbon", *pair).energy.mean() for pair in published.ON_CARBON}
    told = [
        f"M in Au24M(SR)18 ({source}) {words.same_order(doped, published.AU24M)}",
        "pairs on N-doped carbon "
        + words.same_order(carbon, {pair: dft for pair, (_, dft) in published.ON_CARBON.items()}),
    ]
    return words.listed(told)


def label_rows(data: PageData) -> pd.DataFrame:
    """Collect the lowest configurations of the shipped table.

    Columns: surroundings, energy [eV/metal], D̃, D [Å], χ_env and φ.
    """
    rows = data.table.minima()
    features = rows.features
    share = np.array([reduced(d, r) for d, r in zip(features[_DISTANCE], features[_RADII], strict=True)])
    chi = features[_CHI_ENV].to_numpy(float)
    return pd.DataFrame(
        {
            "surroundings": rows.rows.surroundings,
            "energy": rows.targets,
            "reduced": share,
            "distance": features[_DISTANCE].to_numpy(float),
            "chi_env": chi,
            "phi": share * chi,
        }
    )


def material_rows(data: PageData) -> pd.DataFrame:
    """Collect materials with an estimate in the same columns.

    φ and D̃ are given where they are known.
    """
    rows = data.materials
    phi = rows.phi.to_numpy(float)
    chi = rows[_CHI_ENV].to_numpy(float)
    return pd.DataFrame(
        {"surroundings": rows.surroundings, "energy": rows.energy, "reduced": phi / chi, "chi_env": chi, "phi": phi}
    )


def rose_of(rows: pd.DataFrame, host: str) -> tuple[str, pd.DataFrame]:
    """Collect the partners of one element.

    The surroundings are of the kind that has most of them.

    Returns
    -------
    tuple
        Surroundings, and a table of ``partner``, ``energy`` and ``half`` [eV/metal], ``mixing`` [kJ/mol] and ``phi``
        [-]: mean and half the range of the lowest labels of all prototypes with that pair, and their mean φ.
    """
    mine = rows[(rows.host == host) | (rows.dopant == host)]
    if mine.empty:
        return "", pd.DataFrame(columns=["partner", "energy", "half", "mixing", "phi"])
    partner = mine.dopant.where(mine.host == host, mine.host)
    mine = mine.assign(partner=partner, energy=mine.gfn1 + mine["shift"], phi=_phi_of(mine))
    kind = mine.groupby("surroundings").partner.nunique().idxmax()
    pairs = mine[mine.surroundings == kind].groupby("partner")
    groups = pairs.energy
    table = pd.DataFrame(
        {"energy": groups.mean(), "half": (groups.max() - groups.min()) / 2, "phi": pairs.phi.mean()}
    ).reset_index()
    table["mixing"] = [elements.mixing_enthalpy(host, other) for other in table.partner]
    return kind, table.sort_values("energy", ignore_index=True)


def _phi_of(rows: pd.DataFrame) -> np.ndarray:
    """φ of rows with the descriptors D, radii and χ_env; NaN where one is unknown, shape (n,)."""
    share = [reduced(d, r) for d, r in zip(rows[_DISTANCE], rows[_RADII], strict=True)]
    phi: np.ndarray = np.array(share, dtype=float) * rows[_CHI_ENV].to_numpy(float)
    return phi


def pair_table(data: PageData) -> Table:
    """Tabulate published energies of pairs beside ours."""
    minima, rows = _with_energy(data), []
    silver = _pair(minima, "ligands", "Au", "Ag")
    mean, spread = published.GOLD_SILVER
    rows.append(("Au/Ag clusters, labels", _mean_spread(silver.energy), f"{number(mean)} ± {spread:.2f}"))
    for metal, energy in published.AU24M.items():
        theirs = f"{number(energy)} (DFT)"
        if len(mine := _doped(minima, metal)):
            rows.append((f"Au24{metal}(SR)18, lowest label of any site", number(mine.energy.min()), theirs))
        rows.append((f"Au24{metal}(SR)18, descriptor forest", _interval(_thiolates(data, metal)), theirs))
    for (a, b), (forest, dft) in published.ON_CARBON.items():
        mine = _pair(minima, "doped carbon", a, b)
        rows.append(
            (
                f"{a}/{b} on N-doped carbon, labels",
                _mean_spread(mine.energy),
                f"{number(forest)} (forest), {number(dft)} (DFT)",
            )
        )
    return Table(
        ("pair", "ours (eV/metal)", "published (eV/metal)"),
        tuple(rows),
        "± is the standard deviation over prototypes, brackets the 90 % interval.",
    )


def _with_energy(data: PageData) -> pd.DataFrame:
    """Lowest label of each prototype with its ``energy`` [eV/metal]."""
    minima = data.table.minima()
    return minima.rows.assign(energy=minima.targets)


def _thiolates(data: PageData, metal: str) -> pd.DataFrame:
    """Materials Au24M(SR)18 of one metal."""
    return data.materials[data.materials.name.str.match(rf"Au24{metal}\(S[^)]*\)18$")]


def _doped(minima: pd.DataFrame, metal: str) -> pd.DataFrame:
    """Labelled clusters of 24 gold atoms and one of a metal in a shell of thiolates, whichever site it takes."""
    return minima[
        minima.family.str.startswith("M@Au24")
        & (minima.host == "Au")
        & (minima.dopant == metal)
        & np.isclose(minima[_RATIO], 1 / 25)
    ]


def _pair(rows: pd.DataFrame, kind: str, a: str, b: str) -> pd.DataFrame:
    """Rows of one pair of metals in one kind of surroundings."""
    return rows[(rows.surroundings == kind) & rows.host.isin([a, b]) & rows.dopant.isin([a, b])]


def _mean_spread(energy: pd.Series) -> str:
    if energy.empty:
        return "not labelled"
    spread = f" ± {energy.std():.2f}" if len(energy) > 1 else ""
    return f"{number(energy.mean())}{spread} (n = {len(energy)})"


def _energy(rows: pd.DataFrame) -> float:
    """Mean estimate [eV/metal]; NaN without one."""
    return float(rows.energy.mean())


def _interval(rows: pd.DataFrame) -> str:
    known = rows[rows.energy.notna()]
    if known.empty:
        return "–"
    return f"{number(_energy(known))} [{number(known.low.min())}, {number(known.high.max())}]"


def _honest_splits(data: PageData) -> dict[str, float]:
    """MAE [eV/metal] of the multimodal model on the harder splits of its card."""
    return {
        split: models["MML"]["MAE"]
        for split, models in data.card.metrics.items()
        if split != "random" and "MML" in models
    }


__all__ = [
    "descriptors_section",
    "label_rows",
    "labels_section",
    "material_rows",
    "pair_table",
    "parity_section",
    "rose_of",
    "rose_pictures",
    "roses_section",
    "volcano_section",
    "volcano_table",
]
