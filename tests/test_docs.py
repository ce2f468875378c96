"""The pages: built without a warning, complete, and self-contained."""

import ast
import doctest
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

import ase_bimetal

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIALS = ("predict", "featurize", "screen", "own-data", "explain")


def build(out: Path, *options: str) -> None:
    """Build the pages in a process of their own, as `make docs` does; a warning is an error."""
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(out / "doctrees"),
        *options,
        str(DOCS),
        str(out / "html"),
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


class Addresses(HTMLParser):
    """Every address that a page loads by itself, which links are not."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the addresses of one element."""
        given = dict(attrs)
        loaded = given.get("src") if tag != "link" else given.get("href")
        if loaded:
            self.found.append(loaded)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages, notebooks not executed, and objects left out of their margins, a third of the time."""
    out = tmp_path_factory.mktemp("docs")
    build(out, "-D", "nb_execution_mode=off", "-D", "toc_object_entries=0")
    return out / "html"


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch):
    """The extension that fills the pages."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    import generated

    return generated


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Vectors of new ligands go here and not into the home folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    "page",
    sorted(p.relative_to(DOCS).as_posix() for folder in ("howto", "reference") for p in (DOCS / folder).glob("*.md")),
)
def test_examples_run(page: str) -> None:
    failures, _ = doctest.testfile(str(DOCS / page), module_relative=False)
    assert failures == 0


@pytest.mark.parametrize("page", ["cluster", "add-ligand", "add-motif", "add-level", "offline"])
def test_a_how_to_takes_under_twenty_lines_of_code(page: str) -> None:
    shown = (DOCS / "howto" / f"{page}.md").read_text().split("<!--")[0]
    code = [line for line in shown.splitlines() if line.startswith((">>>", "..."))]
    assert 0 < len(code) < 20


def test_pages_build_without_a_warning(quick: Path) -> None:
    assert (quick / "index.html").is_file()


def test_every_public_name_is_in_the_reference(quick: Path, generated) -> None:
    pages = "".join(page.read_text() for page in (quick / "reference").glob("*.html"))
    rooms = ["ase_bimetal", *(m.name for m in pkgutil.walk_packages(ase_bimetal.__path__, "ase_bimetal.") if m.ispkg)]
    rooms = [room for room in rooms if room.split(".")[-1] not in ("cli", "lab", "weights", "datasets")]
    assert {"ase_bimetal.structures", "ase_bimetal.featurizers", "ase_bimetal.lab.paper"} <= set(rooms)
    missing = []
    for module in (m for room in rooms for m in generated.modules(room)):
        missing += [name for name in public_names(module) if f'id="{name}"' not in pages]
    assert missing == []


def public_names(module: str) -> list[str]:
    """Classes and functions that a module defines and offers: those of its ``__all__``, else all without underscore."""
    body = ast.parse(Path(find_spec(module).origin).read_text()).body
    offered = [
        ast.literal_eval(node.value)
        for node in body
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["__all__"]
    ]
    defined = [node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [f"{module}.{name}" for name in defined if (name in offered[0] if offered else not name.startswith("_"))]


def test_pages_load_nothing_from_elsewhere(quick: Path) -> None:
    outside = {}
    for page in quick.rglob("*.html"):
        parser = Addresses()
        parser.feed(page.read_text())
        if found := [address for address in parser.found if re.match(r"(https?:)?//", address)]:
            outside[page.name] = found
    assert outside == {}


def test_formulas_are_drawn_by_the_browser(quick: Path) -> None:
    science = (quick / "science.html").read_text()
    assert science.count('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">') >= 8
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", science, flags=re.S)


def test_cards_say_what_the_shipped_files_say(quick: Path) -> None:
    from ase_bimetal.lab.labels.dataset import load_labels
    from ase_bimetal.model.checkpoint import load_checkpoint

    checkpoint = load_checkpoint()
    card = (quick / "model-card.html").read_text()
    assert checkpoint.digest in card and checkpoint.card.limits[0] in card
    assert load_labels().digest in (quick / "data-card.html").read_text()


def test_a_mark_without_maker_is_an_error(generated) -> None:
    with pytest.raises(ValueError, match="no maker 'nothing'"):
        generated.fill("<!-- generated: nothing -->")


def test_a_page_that_nobody_lists_is_listed(generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.md").write_text("```{toctree}\nfirst\n```\n")
    for name in ("first", "second"):
        (tmp_path / f"{name}.md").touch()
    monkeypatch.setattr(generated, "PAGES", tmp_path)
    assert generated.fill("<!-- generated: other-pages -->").count("\nsecond\n") == 1
    assert "first" not in generated.fill("<!-- generated: other-pages -->")


@pytest.mark.heavy
def test_tutorials_run(tmp_path: Path) -> None:
    build(tmp_path, "-D", "nb_execution_mode=force")
    for name in TUTORIALS:
        page = (tmp_path / "html" / "tutorials" / f"{name}.html").read_text()
        assert "cell_output" in page
        assert "<img" in page[page.index("cell_output") :]
