"""Sphinx settings: `make docs`, or `python -m sphinx -W docs docs/_build/html`.

Nothing is fetched: fonts, scripts and formulas of the built pages are in their folder.
"""

import os
import sys
from importlib.metadata import version as installed
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ase-bimetal"
author = "The ase-bimetal developers"
copyright = "The ase-bimetal developers; text and code MIT, labels CC BY 4.0"
release = installed("ase-bimetal")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated", "mathml"]
exclude_patterns = ["_build", "_ext", "jupyter_execute"]

# Pages are Markdown; tutorials are notebooks as text, executed when the pages are built and kept while unchanged.
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 600
# Anything on standard error, a warning for instance, stops a build with -W.
nb_output_stderr = "remove-warn"
# Except that tqdm would like a widget, which a page cannot have; the kernels read this when they start.
os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"
nb_merge_streams = True

html_math_renderer = "mathml"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
add_module_names = False
# `name` in a docstring links to the object of that name where there is one.
default_role = "py:obj"
# Many things have an `energy`; where several objects share a name, the link goes to one of them.
suppress_warnings = ["ref.python"]
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"ase-bimetal {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#005a8c", "color-brand-content": "#005a8c"},
    "dark_css_variables": {"color-brand-primary": "#7cc4ee", "color-brand-content": "#7cc4ee"},
}


def setup(app: Sphinx) -> None:
    """Correct docstrings before napoleon reads them, and what autodoc makes of constants."""
    app.connect("autodoc-process-docstring", _keep_colon, priority=400)
    app.connect("doctree-read", _drop_long_values)


def _keep_colon(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Napoleon takes "A scale: what it is for" beside a constant for a type and its text; a line break stops it."""
    if what in ("data", "attribute", "property") and lines and ": " in lines[0]:
        head, _, rest = lines[0].partition(": ")
        lines[:1] = [f"{head}:", rest]


def _drop_long_values(app: Sphinx, doctree: nodes.document) -> None:
    """A whole table as the value of a constant hides the constant's name."""
    for value in list(doctree.findall(addnodes.desc_annotation)):
        if value.astext().lstrip().startswith("=") and len(value.astext()) > 80:
            value.parent.remove(value)
