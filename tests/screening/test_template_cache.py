"""The cache gives what was built, and nothing that other code has built."""

import numpy as np
import pytest

from ase_bimetal.screening import template_cache
from ase_bimetal.screening.candidates import required_shells
from ase_bimetal.screening.config import ScreenConfig, example_path
from ase_bimetal.screening.template_cache import cache_folder, cached_template, shipped_templates
from ase_bimetal.screening.templates import template_name
from ase_bimetal.structures.roles import Shell
from ase_bimetal.structures.templates import build_template

SHELL = Shell("SCCCCC", (("thiolate", "SCCCCC"),))  # not of the example, whose templates are shipped


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_template_is_built_once(monkeypatch):
    first = cached_template("Au4M2", SHELL)
    monkeypatch.setattr(template_cache, "build_template", lambda *_: pytest.fail("built again"))
    again = cached_template("Au4M2", SHELL)
    assert again.symbols.get_chemical_formula() == first.symbols.get_chemical_formula()
    np.testing.assert_allclose(again.positions, first.positions, atol=1e-8)
    assert again.info["ligand_smiles"] == first.info["ligand_smiles"] == {"CCCCCS": 8}
    assert again.info["geometry"] == first.info["geometry"]
    np.testing.assert_array_equal(again.arrays["fragment"], first.arrays["fragment"])


def test_shipped_templates_are_all_of_the_example_and_what_would_be_built():
    tasks = {template_name(*task): task for task in required_shells(ScreenConfig.from_yaml(example_path()))}
    assert set(tasks) == set(shipped_templates())
    for name in [*sorted(tasks)[:: len(tasks) // 4]]:
        shipped, built = cached_template(*tasks[name]), build_template(*tasks[name])
        assert shipped.get_chemical_symbols() == built.get_chemical_symbols()
        # on another processor a descent that ends in a shallow valley ends some hundredths of Å apart
        apart = np.linalg.norm(shipped.positions - built.positions, axis=1)
        assert np.sqrt((apart**2).mean()) < 0.05
        assert {key: shipped.info[key] for key in built.info} == built.info


def test_other_code_has_another_folder(monkeypatch):
    before = cache_folder()
    monkeypatch.setattr(template_cache, "_code_digest", lambda: "0" * 16)
    assert cache_folder() != before and cache_folder().name == "0" * 16


def test_a_home_that_cannot_be_written_costs_no_result(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(cached_template("Au4M2", SHELL)) == 6 + 8 * 17
