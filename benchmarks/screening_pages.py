"""Make again the pictures and tables of screenings in the pages: report, ranking, demo, prices of the geometries.

``python benchmarks/screening_pages.py`` needs Chromium and takes some ten minutes of one core, most of them for the
geometries of the example; run it whenever the shipped model or labels change.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import screening_geometry
from descriptor_pages import DOCS, fill
from PIL import Image

from ase_bimetal.cli.demo import demo
from ase_bimetal.report import write_figures, write_report
from ase_bimetal.screening import ScreenConfig, screen
from ase_bimetal.screening.config import example_path

IMAGES = DOCS / "images"
_PAGE = DOCS / "screening.md"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_REPORT, _RANKING_WIDTH = (1400, 2200), 980  # pixel


def photograph(page: Path, picture: Path) -> None:
    """The start of a page as a browser shows it, in 256 colours."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)))
    raw = picture.with_suffix(".raw.png")
    width, height = _REPORT
    subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-unsafe-swiftshader",
            "--hide-scrollbars",
            "--virtual-time-budget=8000",
            f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={width},{height}",
            f"--screenshot={raw}",
            page.as_uri(),
        ],
        check=True,
    )
    Image.open(raw).convert("RGB").quantize(256).save(picture, optimize=True)
    raw.unlink()


def main() -> None:
    """The quick things first."""
    demo("Au4Pd2(PET)8", IMAGES / "demo.png")
    fill(_PAGE, "supports", screening_geometry.supports())
    found = screening_geometry.measure()
    screening_geometry.write_errors(found)
    fill(_PAGE, "geometry", screening_geometry.clusters(found))
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        screen(ScreenConfig.from_yaml(example_path()), results)
        photograph(write_report(results, Path(folder) / "report.html"), IMAGES / "report.png")
        write_figures(results, folder)
        ranking = Image.open(Path(folder) / "ranking.png").convert("RGB")
        size = _RANKING_WIDTH, round(ranking.height * _RANKING_WIDTH / ranking.width)
        ranking.resize(size, Image.Resampling.LANCZOS).quantize(256).save(IMAGES / "report-ranking.png", optimize=True)


if __name__ == "__main__":
    main()
