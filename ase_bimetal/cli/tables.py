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


def markdown_intervals(intervals: dict[str, dict[str, float]]) -> str:
    """Split → coverage and mean half-width [eV/metal] of nominal 90 % intervals as a Markdown table."""
    lines = ["| split | inside | half-width |", "| --- | --- | --- |"]
    for split, row in intervals.items():
        cells = (f"{100 * row['coverage']:.1f} %", f"± {row['half_width']:.3f}") if row else ("too few folds", "–")
        lines.append(f"| {split} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)
