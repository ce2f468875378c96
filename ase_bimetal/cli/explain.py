"""`ase-bimetal explain`: the regressors on eight features, their correlations and SHAP values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli import options
from ase_bimetal.cli.targets import check_folder
from ase_bimetal.extras import require
from ase_bimetal.files import write_whole

if TYPE_CHECKING:
    from ase_bimetal.model.regressors import TrainingRows
    from ase_bimetal.model.table import DescriptorTable


def explain(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for tables and pictures.")],
    rows: Annotated[str, typer.Option(help="minima (lowest of each prototype) or configurations (all).")] = "minima",
    quiet: options.Quiet = False,
) -> None:
    """Compare the regressors and explain the forest.

    Both use the shipped labels; CSV, Markdown and PNG files are written.

    Example: ase-bimetal explain --out explained
    """
    if rows not in ("minima", "configurations"):
        raise typer.BadParameter(f"{rows!r}; allowed: minima, configurations", param_hint="--rows")
    check_folder(out, "--out")
    require("train", "explain")
    from ase_bimetal.lab.regressors.compare import compare
    from ase_bimetal.lab.regressors.labelled_table import labelled_rows

    chosen: TrainingRows = "minima" if rows == "minima" else "configurations"
    table = labelled_rows()
    comparison = compare(table, chosen)
    out.mkdir(exist_ok=True)
    comparison.errors.to_csv(out / "regressors.csv", index=False)
    write_whole(out / "regressors.md", comparison.to_markdown() + "\n")
    _draw_forest(out)
    _draw(table.minima() if chosen == "minima" else table, chosen, out)
    print(comparison.to_markdown())
    options.teller(quiet)(f"written to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def _draw_forest(out: Path) -> None:
    """Draw how the shipped descriptor forest predicts what it has not seen."""
    from ase_bimetal.lab.regressors.explain import parity_figure
    from ase_bimetal.lab.regressors.forest_card import NOVELTIES, out_of_fold
    from ase_bimetal.model.table import read_table

    table = read_table()
    found = {name: out_of_fold(table, NOVELTIES[name](table)) for name in ("prototype", "metal pair")}
    parity_figure(table, found).savefig(out / "forest_parity.png")


def _draw(table: DescriptorTable, rows: TrainingRows, out: Path) -> None:
    """Write correlations, the sparse formula and SHAP values of some rows, as tables and pictures."""
    from ase_bimetal.lab.regressors import explain

    matrix = explain.pearson_matrix(table)
    matrix.to_csv(out / "pearson.csv")
    explain.pearson_figure(matrix).savefig(out / "pearson.png")
    formula = explain.sparse_formula(table, rows)
    formula.to_csv(out / "formula.csv", index_label="term")
    write_whole(out / "formula.md", explain.formula_markdown(formula) + "\n")
    found = explain.shap_values(table, rows)
    found.to_frame().assign(id=table.rows.id[found.features.index].to_numpy()).to_csv(out / "shap.csv", index=False)
    for name in ("shap_bar", "shap_beeswarm", "shap_dependence"):
        getattr(explain, name)(found).savefig(out / f"{name}.png")
