"""The section on single numbers that the article prints: ligands, clusters and sites beside ours."""

from __future__ import annotations

import pandas as pd

from ase_bimetal.descriptors import ACCESSIBLE_ABOVE
from ase_bimetal.lab.paper import published
from ase_bimetal.lab.paper.blocks import Section, Table
from ase_bimetal.lab.paper.gather import PageData
from ase_bimetal.lab.paper.sections import label_rows
from ase_bimetal.ligands import Ligand
from ase_bimetal.numbers import number

_BARE, _CAPPED = "Au4M2", "Au4M2-capped"


def printed_section(data: PageData) -> Section:
    """Log P, capped clusters, and φ of single pairs."""
    rows = _described(data)
    effect, metals = capping_effect(rows)
    difference = (
        f"Log P here is Crippen's and in the article XLOGP3's or PoLogP's, which differ by up to {_log_p_gap():.1f}, "
        "and `ase_bimetal.lab.paper.log_p.printed_log_p` gives the printed ones where descriptors are compared; "
        f"{_capping(effect, len(metals))}"
    )
    table = Table(
        ("quantity", "ours", "published"),
        (
            *(
                (f"log P of {name} (–)", number(Ligand.parse(name).log_p), number(theirs))
                for name, theirs in published.LOG_P.items()
            ),
            (
                "E_form of Au4Pd2(SR)8(PR3)2, labels (eV/metal)",
                _capped_palladium(rows),
                f"{number(published.CAPPED_PALLADIUM)}, with PET and PPh3",
            ),
            ("change of E_form of Au4M2(SR)8 by two phosphines (eV/metal)", number(effect), "more stable"),
            *(
                (f"φ of {a}/{b} in zeolites, labels (–)", _phi(rows, "zeolite", a, b), number(theirs))
                for (a, b), theirs in published.ZEOLITE_PHI.items()
            ),
            *(
                (f"φ of {a}/{b} on N-doped carbon, labels (–)", _phi(rows, "doped carbon", a, b), number(theirs))
                for (a, b), theirs in published.CARBON_PHI.items()
            ),
            *(
                (
                    f"E_form of Au4{metal}2(SR)8(PR3)2, labels (eV/metal)",
                    _listed(_capped(rows, metal).energy),
                    f"below {number(published.STABLE_BELOW, 0)}, with PET and PPh3",
                )
                for metal in published.STABLE_CAPPED
            ),
            *(
                (
                    f"φ of Au4{metal}2(SR)8(PR3)2, labels (–)",
                    _listed(_capped(rows, metal).phi),
                    f"> {number(ACCESSIBLE_ABOVE, 1)}",
                )
                for metal in published.STABLE_CAPPED
            ),
            (
                "φ of Au/Ag clusters, labels (–)",
                _range(_pair(rows, "ligands", "Au", "Ag").phi),
                " to ".join(map(number, published.GOLD_SILVER_PHI)),
            ),
        ),
        "Labels: GFN1-xTB with PBE references, lowest of each prototype; ± is the standard deviation over prototypes.",
    )
    sentences = (
        "The order of ligand classes follows the reference state of the ligands, alkynyls for instance being last with "
        "dimers and second with radicals; the article does not say which state it takes.",
    )
    return Section("Single numbers", difference, table, sentences)


def capping_effect(rows: pd.DataFrame) -> tuple[float, list[str]]:
    """Compute how two phosphines change E_form [eV/metal].

    It is the mean change from Au4M2 to Au4M2 with two phosphines, over metals labelled in both.

    Parameters
    ----------
    rows
        ``family``, ``host``, ``dopant`` and ``energy`` of the lowest label of each prototype.

    Returns
    -------
    tuple
        The change, NaN if no metal is labelled in both, and the metals.
    """
    gold = rows[rows.host == "Au"]
    bare, capped = (gold[gold.family == family].groupby("dopant").energy.mean() for family in (_BARE, _CAPPED))
    both = bare.index.intersection(capped.index)
    return float((capped[both] - bare[both]).mean()), list(both)


def _described(data: PageData) -> pd.DataFrame:
    """Lowest label of each prototype with its metals, energy and φ."""
    minima = data.table.minima()
    return minima.rows[["family", "host", "dopant"]].assign(**label_rows(data)[["surroundings", "energy", "phi"]])


def _log_p_gap() -> float:
    return max(abs(Ligand.parse(name).log_p - theirs) for name, theirs in published.LOG_P.items())


def _capping(effect: float, n_metals: int) -> str:
    if not n_metals:
        return "clusters with and without phosphine caps are not labelled for one metal."
    here = "more" if effect < 0 else "less"
    agrees = "as" if effect < 0 else "where"
    return (
        f"two phosphines make Au4M2(SR)8 {here} stable by {abs(effect):.2f} eV/metal over {n_metals} metals, "
        f"{agrees} the article finds it more stable with PPh3."
    )


def _capped_palladium(rows: pd.DataFrame) -> str:
    return _listed(_capped(rows, "Pd").energy)


def _capped(rows: pd.DataFrame, metal: str) -> pd.DataFrame:
    """Labelled Au4M2(SR)8(PR3)2 of one metal M."""
    return rows[(rows.family == _CAPPED) & (rows.host == "Au") & (rows.dopant == metal)]


def _phi(rows: pd.DataFrame, kind: str, a: str, b: str) -> str:
    return _listed(_pair(rows, kind, a, b).phi)


def _pair(rows: pd.DataFrame, kind: str, a: str, b: str) -> pd.DataFrame:
    """Rows of one pair of metals in one kind of surroundings."""
    return rows[(rows.surroundings == kind) & rows.host.isin([a, b]) & rows.dopant.isin([a, b])]


def _range(values: pd.Series) -> str:
    """Lowest and highest of some values, and their number."""
    known = values.dropna()
    if known.empty:
        return "not labelled"
    return f"{number(known.min())} to {number(known.max())} (n = {len(known)})"


def _listed(values: pd.Series) -> str:
    """Mean, spread and number of some values."""
    if values.empty:
        return "not labelled"
    spread = f" ± {values.std():.2f}" if len(values) > 1 else ""
    return f"{number(values.mean())}{spread} (n = {len(values)})"


__all__ = ["capping_effect", "printed_section"]
