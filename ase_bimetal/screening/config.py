"""What to screen: a configuration that is checked before anything is built."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ase_bimetal.errors import ScreenError
from ase_bimetal.extras import name_extra
from ase_bimetal.formation import ReferenceState
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.checkpoint import DEFAULT_MODEL
from ase_bimetal.screening.supports import SUPPORTS
from ase_bimetal.structures.motifs import FAMILIES
from ase_bimetal.structures.placements import require_metal
from ase_bimetal.structures.roles import CO_LIGANDS

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
# Fields that say something about clusters only.
_ONLY_CLUSTERS = (
    "ligands",
    "motifs",
    "metals_per_core",
    "dopant_counts",
    "arrangements",
    "triple_splits",
    "co_ligands",
    "model",
    "reference_state",
)
_STRICT = ConfigDict(extra="forbid", frozen=True)


def _as_several(value: Any) -> Any:
    """A single value where several may stand, as in ``dopants: Pd``."""
    return (value,) if isinstance(value, (str, int, dict)) else value


def _check_metal(symbol: str) -> str:
    require_metal(symbol)
    return symbol


class Filters(BaseModel):
    """Conditions that a candidate must meet to pass.

    A filter that is not given lets everything pass.

    Attributes
    ----------
    exclude_metals, exclude_critical, exclude_restricted
        Metals that are not even built: by name, by Regulation (EU) 2024/1252, by Directive 2011/65/EU.
    phi_above
        φ must be above this [-]; −0.3 is the published limit of an accessible site.
    formation_energy_below
        E_form must be below this [eV/metal].
    upper_bound_below
        The upper end of the 90 % interval of E_form must be below this [eV/metal].
    miscible
        True: H_mix below 0; False: H_mix of 0 or above.
    metal_cost_below
        Price of the core's metals must be below this [currency per kg]; needs prices.
    unflagged
        Whether a row with any flag fails.
    """

    model_config = _STRICT

    exclude_metals: tuple[str, ...] = ()
    exclude_critical: bool = False
    exclude_restricted: bool = False
    phi_above: float | None = None
    formation_energy_below: float | None = None
    upper_bound_below: float | None = None
    miscible: bool | None = None
    metal_cost_below: float | None = None
    unflagged: bool = False

    @field_validator("exclude_metals", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return _as_several(value)

    @field_validator("exclude_metals")
    @classmethod
    def _known_metals(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_check_metal(s) for s in symbols)


class ScreenConfig(BaseModel):
    """What to screen, checked before anything is built.

    Host metals × dopants × compositions × ligands × motifs, or host metals × dopants × supports.

    Attributes
    ----------
    hosts, dopants
        Metals. A dopant equal to the host is skipped.
    ligands
        Ligands by name or SMILES, each put where it fits (see `ase_bimetal.structures.roles`), or whole shells as
        a mapping role → ligand.
    motifs
        Keys of `ase_bimetal.structures.motifs.FAMILIES`.
    supports
        In place of ligands and motifs: keys of `ase_bimetal.screening.supports.SUPPORTS`, each for one atom of the
        host and one of the dopant.
    metals_per_core
        2 for pairs, 3 for triples, or both.
    dopant_counts
        Dopant atoms in the core: ``"motif"`` (as many as the motif has dopant sites), a number, or a share such
        as ``"25%"``.
    arrangements
        At most so many inequivalent placements of the dopants for each composition; the motif's own comes first.
    triple_splits
        How the dopant atoms of a triple are shared: ``"even"`` or ``"all"`` splits.
    co_ligands
        Ligands of the roles that a screened ligand leaves open; roles not named keep their default, `CO_LIGANDS`.
    filters
        Which candidates pass.
    prices, currency
        Price of each metal per kilogram, and its currency.
    model, reference_state, device
        As in `ase_bimetal.predict`.
    chunk_size
        Candidates predicted and written together.

    Examples
    --------
    >>> config = ScreenConfig(dopants=["Pd", "Pt"], ligands=["PET"], motifs=["Au4M2"])
    >>> config.hosts, config.co_ligands["axial"]
    (('Au',), 'PMe3')
    """

    model_config = _STRICT

    title: str = ""
    hosts: tuple[str, ...] = Field(("Au",), min_length=1)
    dopants: tuple[str, ...] = Field(min_length=1)
    ligands: tuple[str | dict[str, str], ...] = ()
    motifs: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    metals_per_core: tuple[Literal[2, 3], ...] = Field((2,), min_length=1)
    dopant_counts: tuple[Annotated[int, Field(ge=1)] | str, ...] = Field(("motif",), min_length=1)
    arrangements: int = Field(1, ge=1)
    triple_splits: Literal["even", "all"] = "even"
    co_ligands: dict[str, str] = CO_LIGANDS
    filters: Filters = Filters()
    prices: dict[str, Annotated[float, Field(ge=0)]] = {}
    currency: str = ""
    model: str = DEFAULT_MODEL
    reference_state: ReferenceState = "dimer"
    device: str = "cpu"
    chunk_size: int = Field(500, ge=1)

    @field_validator(
        "hosts", "dopants", "ligands", "motifs", "supports", "metals_per_core", "dopant_counts", mode="before"
    )
    @classmethod
    def _several(cls, value: Any) -> Any:
        return _as_several(value)

    @field_validator("hosts", "dopants")
    @classmethod
    def _metals(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        return _distinct([_check_metal(s) for s in symbols])

    @field_validator("motifs")
    @classmethod
    def _motifs(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in FAMILIES:
                raise ScreenError(f"unknown motif {name!r}; allowed: {', '.join(FAMILIES)}")
        return _distinct(names)

    @field_validator("supports")
    @classmethod
    def _supports(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in SUPPORTS:
                raise ScreenError(f"unknown support {name!r}; allowed: {', '.join(SUPPORTS)}")
        return _distinct(names)

    @field_validator("ligands")
    @classmethod
    def _ligands(cls, choices: tuple[str | dict[str, str], ...]) -> tuple[str | dict[str, str], ...]:
        _distinct(
            [
                Ligand.parse(choice).name
                if isinstance(choice, str)
                else ", ".join(f"{role}: {Ligand.parse(text).name}" for role, text in sorted(choice.items()))
                for choice in choices
            ]
        )
        return choices

    @field_validator("co_ligands", mode="after")
    @classmethod
    def _co_ligands(cls, given: dict[str, str]) -> dict[str, str]:
        for text in given.values():
            Ligand.parse(text)
        return CO_LIGANDS | given

    @field_validator("dopant_counts")
    @classmethod
    def _counts(cls, counts: tuple[int | str, ...]) -> tuple[int | str, ...]:
        for count in counts:
            if isinstance(count, str) and count != "motif" and not _PERCENT.fullmatch(count):
                raise ScreenError(
                    f"{count!r} is no dopant count; allowed: 'motif', a whole number, a share as '25%'"
                    ". Write one of these"
                )
        return _distinct(counts)

    @model_validator(mode="after")
    def _of_one_kind(self) -> ScreenConfig:
        if not self.supports:
            missing = [name for name in ("ligands", "motifs") if not getattr(self, name)]
            if missing:
                raise ScreenError(
                    f"nothing in {' and '.join(missing)}; allowed: ligands and motifs, or supports"
                    ". Add them, or run `ase-bimetal screen --example`"
                )
            return self
        # A folder that is read back has every field, most of them at its default.
        given = [name for name in _ONLY_CLUSTERS if getattr(self, name) != type(self).model_fields[name].default]
        if given:
            raise ScreenError(
                f"{', '.join(given)} given beside supports; allowed there: a screening of supports "
                "has one atom of the host, one of the dopant, and a model of its own"
                ". Leave these fields out, or the supports"
            )
        return self

    @model_validator(mode="after")
    def _priced(self) -> ScreenConfig:
        if self.prices and not self.currency:
            raise ScreenError("prices need the field currency, such as 'EUR'. Add currency: EUR")
        missing = sorted(set(self.hosts + self.dopants) - set(self.prices)) if self.prices else []
        if missing:
            raise ScreenError(
                f"no price for {', '.join(missing)}; allowed: prices for all metals, or for none"
                ". Add these prices, or leave all out"
            )
        if self.filters.metal_cost_below is not None and not self.prices:
            raise ScreenError("filters.metal_cost_below needs the field prices. Add prices, or leave the filter out")
        return self

    @classmethod
    def make(cls, **fields: Any) -> ScreenConfig:
        """Check fields and make the configuration.

        Parameters
        ----------
        fields
            Fields of the configuration by name.

        Returns
        -------
        ScreenConfig
            The checked configuration.

        Raises
        ------
        ScreenError
            One line for each wrong field: its place, the value at fault, what is allowed.

        Examples
        --------
        >>> ScreenConfig.make(dopants="Pd", ligands="PET", motifs="Au4M2").dopants
        ('Pd',)
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise ScreenError("\n".join(_lines(error))) from None

    @classmethod
    @name_extra()
    def from_yaml(cls, path: str | Path) -> ScreenConfig:
        """Read a configuration from a YAML file.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        ScreenConfig
            The checked configuration.

        Raises
        ------
        ScreenError
            The file is not YAML, not a mapping, or has wrong fields.

        Examples
        --------
        >>> ScreenConfig.from_yaml(example_path()).hosts
        ('Au',)
        """
        import yaml

        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ScreenError(f"{path} is not readable YAML: {error}. Check its indentation and colons") from None
        if not isinstance(content, dict):
            raise ScreenError(
                f"{path} holds no mapping; allowed fields: {', '.join(cls.model_fields)}"
                ". Write one a line, such as 'motifs: [Au4M2]'"
            )
        try:
            return cls.make(**content)
        except ScreenError as error:
            raise ScreenError(f"{path}:\n{error}") from None

    def digest(self) -> str:
        """Compute the hash of all that decides rows.

        It is the first 12 hex digits of a sha256; title and device do not count.

        Returns
        -------
        str
            12 hex digits.
        """
        text = self.model_dump_json(exclude={"title", "device"})
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def example_path() -> Path:
    """Give the path of the shipped example.

    It has 16 dopants × 12 ligands × 5 motifs.

    Returns
    -------
    pathlib.Path
        A YAML file.

    Examples
    --------
    >>> config = ScreenConfig.from_yaml(example_path())
    >>> len(config.dopants), len(config.ligands), len(config.motifs)
    (16, 12, 5)
    """
    return Path(str(files("ase_bimetal.screening"))) / "example.yaml"


def dopant_number(count: int | str, n_sites: int, n_metals: int) -> int:
    """Count the dopant atoms that an entry means.

    The entry is one of ``dopant_counts``; the number depends on the core.

    Parameters
    ----------
    count
        ``"motif"``, a number, or a share such as ``"25%"``.
    n_sites
        Dopant sites of the motif.
    n_metals
        Metal atoms of the core.

    Returns
    -------
    int
        Number of dopant atoms; a share is rounded.

    Examples
    --------
    >>> dopant_number("motif", 2, 6), dopant_number(3, 2, 6), dopant_number("25%", 1, 13)
    (2, 3, 3)
    """
    if isinstance(count, int):
        return count
    if count == "motif":
        return n_sites
    return round(float(count.rstrip("% ")) / 100 * n_metals)


def _distinct(values: Any) -> tuple[Any, ...]:
    twice = sorted({str(v) for v in values if list(values).count(v) > 1})
    if twice:
        raise ScreenError(f"given twice: {', '.join(twice)}. Delete one of the two")
    return tuple(values)


def _lines(error: ValidationError) -> Iterator[str]:
    """One line for each wrong field."""
    for fault in error.errors(include_url=False):
        place = ".".join(str(part) for part in fault["loc"]) or "configuration"
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = _unknown_field(*fault["loc"])
        elif fault["type"] == "missing":
            message += f"; write for instance {_EXAMPLES[place]}" if place in _EXAMPLES else ""
        yield f"{place}: {message}"


# What to write for a field that a configuration cannot do without.
_EXAMPLES = {"dopants": "'dopants: [Pd, Pt]'"}


def _unknown_field(*place: str | int) -> str:
    """What is wrong with a field that does not exist, the closest one, and all that do."""
    known = list((Filters if place[0] == "filters" and len(place) > 1 else ScreenConfig).model_fields)
    close = get_close_matches(str(place[-1]), known, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown field{meant}; allowed: {', '.join(known)}. Use one of these, or leave it out"
