"""Tables of errors."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table


def print_metrics(metrics: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print split × model → MAE, RMSE [eV/metal] and R²."""
    table = Table("split", "model", "MAE (eV/metal)", "RMSE (eV/metal)", "R²", "n")
    for split, models in metrics.items():
        for name, row in models.items():
            table.add_row(split, name, *(f"{row[key]:.3f}" for key in ("MAE", "RMSE", "R2")), str(row["n"]))
        table.add_section()
    Console().print(table)
