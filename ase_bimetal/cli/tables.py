"""Tables of errors."""

from __future__ import annotations


def markdown_metrics(metrics: dict[str, dict[str, dict[str, float]]]) -> str:
    """Split × model → MAE, RMSE [eV/metal] and R² as a Markdown table."""
    lines = ["| split | model | MAE | RMSE | R² | test rows |", "| --- | --- | --- | --- | --- | --- |"]
    for split, models in metrics.items():
        for name, row in models.items():
            values = " | ".join(f"{row[key]:.3f}" for key in ("MAE", "RMSE", "R2"))
            lines.append(f"| {split} | {name} | {values} | {row['n']} |")
    return "\n".join(lines)
