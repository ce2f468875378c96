"""The configuration of a screening: what it takes, and what it says when it does not."""

from pathlib import Path

import pytest

from ase_bimetal.errors import ScreenError
from ase_bimetal.screening.config import CO_LIGANDS, ScreenConfig, dopant_number
from ase_bimetal.screening.supports import SUPPORTS

FIELDS = {"dopants": ["Pd"], "ligands": ["SMe"], "motifs": ["Au4M2"]}


@pytest.mark.parametrize(
    ("wrong", "place", "culprit"),
    [
        ({"dopants": ["Pd", "Xx"]}, "dopants", "'Xx'"),
        ({"hosts": ["Na"]}, "hosts", "'Na' is no metal"),
        ({"ligands": ["blob"]}, "ligands", "'blob'"),
        ({"ligands": ["PET", "SCCc1ccccc1"]}, "ligands", "given twice: PET"),
        ({"ligands": [{"thiolate": "blob"}]}, "ligands", "'blob'"),
        ({"motifs": ["Au5"]}, "motifs", "'Au5'; allowed: Au4M2"),
        ({"co_ligands": {"axial": "CCCC"}}, "co_ligands", "'CCCC' has no donor"),
        ({"dopant_counts": ["many"]}, "dopant_counts", "'many'"),
        ({"dopant_counts": [0]}, "dopant_counts", "greater than or equal to 1"),
        ({"filters": {"exclude_metals": ["C"]}}, "filters.exclude_metals", "'C' is no metal"),
        (
            {"filters": {"phi_over": 1}},
            "filters.phi_over",
            "unknown field (did you mean 'phi_above'?); allowed: exclude_metals, ",
        ),
        ({"dopant": ["Pd"]}, "dopant", "unknown field (did you mean 'dopants'?); allowed: title, hosts, dopants"),
        ({"supports": ["MFI-6-ring"]}, "configuration", "ligands, motifs given beside supports"),
        ({"supports": ["BEA"], "motifs": []}, "supports", "'BEA'; allowed: MFI-6-ring"),
        ({"reference": "hydride"}, "reference", "unknown field (did you mean 'reference_state'?)"),
        ({"solvents": ["water"]}, "solvents", "unknown field"),
        ({"prices": {"Au": 1.0}, "currency": "EUR"}, "configuration", "no price for Pd"),
        ({"prices": {"Au": 1.0, "Pd": 2.0}}, "configuration", "currency"),
        ({"filters": {"metal_cost_below": 1.0}}, "configuration", "prices"),
    ],
)
def test_a_wrong_field_is_named_with_its_value(wrong: dict, place: str, culprit: str) -> None:
    with pytest.raises(ScreenError) as caught:
        ScreenConfig.make(**FIELDS | wrong)
    message = str(caught.value)
    assert message.startswith(place)
    assert culprit in message


def test_a_single_value_needs_no_brackets() -> None:
    plain = ScreenConfig.make(
        hosts="Ag",
        dopants="Pd",
        ligands="SMe",
        motifs="Au4M2",
        metals_per_core=2,
        dopant_counts="25%",
        filters={"exclude_metals": "Hg"},
    )
    listed = ScreenConfig.make(
        hosts=["Ag"],
        dopants=["Pd"],
        ligands=["SMe"],
        motifs=["Au4M2"],
        metals_per_core=[2],
        dopant_counts=["25%"],
        filters={"exclude_metals": ["Hg"]},
    )
    assert plain == listed and plain.dopants == ("Pd",)
    assert ScreenConfig.make(dopants="Pd", ligands={"thiolate": "SMe"}, motifs="Au4M2").ligands == (
        {"thiolate": "SMe"},
    )


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ScreenError, match=r"dopants: Field required; write for instance 'dopants: \[Pd, Pt\]'"):
        ScreenConfig.make(ligands=["SMe"], motifs=["Au4M2"])
    with pytest.raises(ScreenError, match="nothing in motifs; allowed: ligands and motifs, or supports"):
        ScreenConfig.make(dopants=["Pd"], ligands=["SMe"])


def test_yaml_file_is_read_and_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "screen.yaml"
    path.write_text("dopants: [Pd]\nligands: [SMe, {thiolate: SMe, axial: PPh3}]\nmotifs: [Au4M2-capped]\n")
    assert ScreenConfig.from_yaml(path).ligands[1] == {"thiolate": "SMe", "axial": "PPh3"}
    path.write_text("dopants: [Pd\n")
    with pytest.raises(ScreenError, match="screen.yaml is not readable YAML"):
        ScreenConfig.from_yaml(path)
    path.write_text("- Pd\n")
    with pytest.raises(ScreenError, match="holds no mapping"):
        ScreenConfig.from_yaml(path)


def test_yaml_reads_no_as_text_when_quoted_and_names_it_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "screen.yaml"
    path.write_text("dopants: [No]\nligands: [SMe]\nmotifs: [Au4M2]\n")
    with pytest.raises(ScreenError, match=r"dopants\.0"):
        ScreenConfig.from_yaml(path)


def test_given_co_ligands_complete_the_defaults() -> None:
    config = ScreenConfig.make(**FIELDS, co_ligands={"axial": "PPh3"})
    assert config.co_ligands == CO_LIGANDS | {"axial": "PPh3"}


def test_digest_follows_what_decides_the_rows() -> None:
    base = ScreenConfig.make(**FIELDS).digest()
    assert ScreenConfig.make(**FIELDS, title="other").digest() == base
    assert ScreenConfig.make(**FIELDS, chunk_size=7).digest() != base
    assert ScreenConfig.make(**FIELDS | {"dopants": ["Pt"]}).digest() != base


def test_share_of_a_core_is_rounded_to_atoms() -> None:
    assert dopant_number("50%", 1, 13) == 6
    assert dopant_number("7.7 %", 1, 13) == 1


def test_the_configuration_of_the_guide_is_a_configuration(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "screening.md"
    path = tmp_path / "screen.yaml"
    path.write_text(guide.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    config = ScreenConfig.from_yaml(path)
    assert config.filters.metal_cost_below == 50000
    assert set(ScreenConfig.model_fields) - set(config.model_fields_set) == {
        "model",
        "reference_state",
        "device",
        "triple_splits",
        "chunk_size",
        "supports",
    }


def test_the_supports_of_the_guide_are_a_configuration(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "screening.md"
    path = tmp_path / "screen.yaml"
    path.write_text(guide.read_text(encoding="utf-8").split("```yaml\n")[2].split("```")[0], encoding="utf-8")
    assert set(ScreenConfig.from_yaml(path).supports) == set(SUPPORTS)
