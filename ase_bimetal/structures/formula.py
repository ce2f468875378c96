"""The formula door: from ``"Au24Pd(PET)18"`` to a cluster of the motif that has this formula."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from ase import Atoms

from ase_bimetal import elements
from ase_bimetal.errors import ChargedSystemError, FormulaError, LigandError, NoMetalError
from ase_bimetal.examples import example_names, load_example
from ase_bimetal.ligands import LIGAND_NAMES, Ligand, parse_ligands
from ase_bimetal.structures.motifs import FAMILIES
from ase_bimetal.structures.placements import Labels, core_of, dopant_sites, placements
from ase_bimetal.structures.roles import CO_LIGANDS, Shell, fill, motif_roles, wanted_roles
from ase_bimetal.structures.template_errors import IDEAL_CORE, template_error

#: What `FormulaCluster.geometry` says of a bundled example.
RELAXED_EXAMPLE = "relaxed with GFN1-xTB, bundled example"
_HALIDES = ("F", "Cl", "Br", "I")
_SUGGESTIONS = 3
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−", "01234567890123456789+--")
_CHARGE = re.compile(r"\^?(?:\d*[+-]+|[+-]\d+)$")
_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*)")
#: Groups that mean one thing in a formula, and another, or nothing, as a SMILES.
_IN_FORMULAS = {"CO": "carbonyl", "CN": "cyanide", "SCN": "thiocyanate", "NCS": "N=C=S"}
_HINT = "write metals, then ligands in parentheses, as in Au24Pd(PET)18 or Au4Pd2(PET)8(PPh3)2"


@dataclass(frozen=True)
class ClusterFormula:
    """Metals and ligands of a neutral cluster, without a geometry.

    Attributes
    ----------
    metals
        Pairs (element, count), host first: the most frequent metal, of equal ones the more electronegative.
    ligands
        Pairs (ligand, count), sorted by SMILES.

    Examples
    --------
    >>> formula = ClusterFormula.parse("PdAu24(SC2H4Ph)18")
    >>> formula.metals, str(formula)
    ((('Au', 24), ('Pd', 1)), 'Au24Pd(PET)18')
    """

    metals: tuple[tuple[str, int], ...]
    ligands: tuple[tuple[Ligand, int], ...]

    @classmethod
    def parse(cls, text: str) -> ClusterFormula:
        """Read a formula such as ``"[PdAu8(PPh3)6Cl2]"``.

        Parameters
        ----------
        text
            Metals in any order, ligands by name or SMILES in parentheses, each with its count. Halides and Cp need no
            parentheses; ``@``, outer brackets and subscript digits are understood.

        Raises
        ------
        FormulaError
            The text is no such formula.
        ChargedSystemError
            It ends with a charge.
        LigandError
            A ligand is neither a name nor a SMILES.
        """
        metals: Counter[str] = Counter()
        ligands: Counter[str] = Counter()
        for name, count, in_parentheses in _tokens(_neutral(text), text):
            if in_parentheses or name in LIGAND_NAMES:
                ligands[_IN_FORMULAS.get(name, name)] += count
            else:
                metals[_metal(name, text)] += count
        if not metals:
            raise NoMetalError(f"no metal in the formula {text!r}; {_HINT}")
        if not ligands:
            raise FormulaError(f"the formula {text!r} names no ligands; {_HINT}")
        return cls(_host_first(metals), parse_ligands(ligands))

    def __str__(self) -> str:
        """The formula as chemists write it, ligands by their short names."""
        return _written(dict(self.metals), {ligand: count for ligand, count in self.ligands})

    @property
    def n_metals(self) -> int:
        """Number of metal atoms."""
        return sum(count for _, count in self.metals)


@dataclass(frozen=True)
class FormulaCluster:
    """A cluster built for a formula, and what its geometry is worth.

    Attributes
    ----------
    atoms
        The cluster, its ligands annotated.
    motif
        Key of `ase_bimetal.structures.motifs.FAMILIES`; empty for a bundled example.
    geometry
        How the geometry was made.
    template_error
        One standard deviation [eV per metal atom] that an unrelaxed geometry adds to a prediction; 0 if relaxed.
    notes
        What a number made from this geometry should not be trusted for; empty for a relaxed one.
    """

    atoms: Atoms
    motif: str
    geometry: str
    template_error: float
    notes: tuple[str, ...]

    def widened(self, std: float) -> float:
        """Widen a standard deviation [eV per metal atom].

        The geometry's error is added as an independent one.
        """
        return math.hypot(std, self.template_error)

    @property
    def origin(self) -> str:
        """Where the geometry comes from, in a few words."""
        return f"motif {self.motif}, {self.geometry}" if self.motif else self.geometry


def build_formula(text: str) -> FormulaCluster:
    """Build the cluster that a formula means, and say how.

    A bundled, relaxed cluster of this formula is taken as it is; else the template of the first motif that has this
    number of metals and these ligands.

    Parameters
    ----------
    text
        As in `ClusterFormula.parse`.

    Raises
    ------
    FormulaError
        The text is no formula, or no motif has it; the message lists the nearest formulas that can be built.
    LigandError
        A ligand cannot be read or placed.

    Examples
    --------
    >>> build_formula("Au4Pd2(PET)8").geometry
    'relaxed with GFN1-xTB, bundled example'
    >>> made = build_formula("Au4Pt2(SMe)8")
    >>> made.motif, made.atoms.get_chemical_formula(), made.notes[0]
    ('Au4M2', 'C8H24Au4Pt2S8', 'geometry built for the formula Au4Pt2(SMe)8: motif Au4M2, not relaxed')
    """
    from ase_bimetal.structures.templates import build_template, with_metals

    formula = ClusterFormula.parse(text)
    if (example := _example(formula)) is not None:
        return FormulaCluster(example, "", RELAXED_EXAMPLE, 0.0, ())
    fitting = list(_fitting(formula))
    if not fitting:
        raise FormulaError(
            f"no motif has the formula {formula}; nearest that can be built: "
            f"{', '.join(nearest_formulas(formula))}. For another cluster give its coordinates"
        )
    motif, shell = fitting[0]
    template = build_template(motif, shell)
    symbols = tuple(symbol for symbol, _ in formula.metals)
    atoms = with_metals(template, [symbols[label] for label in _arrangement(motif, formula)])
    atoms.info["motif"] = motif
    geometry = atoms.info["geometry"]
    notes = _notes(formula, motif, atoms, [other for other, _ in fitting[1:]])
    return FormulaCluster(atoms, motif, geometry, template_error(motif, geometry), tuple(notes))


def as_cluster(formula: str) -> Atoms:
    """Make ASE Atoms, with annotated ligands, of a cluster's formula.

    Parameters
    ----------
    formula
        As in `ClusterFormula.parse`; `build_formula` also tells what the geometry is worth.

    Examples
    --------
    >>> as_cluster("Au4Pt2(SMe)8").info["ligand_smiles"]
    {'CS': 8}
    """
    return build_formula(formula).atoms


def nearest_formulas(formula: ClusterFormula, number: int = _SUGGESTIONS) -> list[str]:
    """List the formulas to build that differ least.

    They differ by metal atoms first, then by ligands.

    Examples
    --------
    >>> nearest_formulas(ClusterFormula.parse("Au4Pd2(PET)7"), 2)
    ['Au4Pd2(PET)8', 'Au4Pd2(PET)8(PMe3)2']
    """
    wanted = Counter(dict(formula.ligands))
    found: dict[str, int] = {}
    for motif in FAMILIES:
        names = {role: _closest_ligand(role, formula) for role in motif_roles(motif)}
        try:
            shell = fill(motif, names, {})
        except LigandError:
            continue
        here = _shell_counts(motif, shell)
        metals = _scaled_metals(motif, formula)
        unlike = abs(sum(metals.values()) - formula.n_metals) * 10 + _difference(here, wanted)
        found.setdefault(_written(metals, here), unlike)
    return sorted(found, key=found.__getitem__)[:number]


def _neutral(text: str) -> str:
    """The formula without outer brackets, spaces and typography."""
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(f"{text!r} is no formula; {_HINT}")
    plain = "".join(text.translate(_PLAIN).split()).replace("@", "")
    if _CHARGE.search(plain):
        raise ChargedSystemError(
            f"the formula {text!r} ends with a charge; allowed: neutral clusters, such as "
            "Au24Pd(PET)18. Leave the charge out if the cluster is neutral"
        )
    return plain[1:-1] if plain.startswith("[") and plain.endswith("]") else plain


def _leading_digits(text: str) -> str:
    return text[: len(text) - len(text.lstrip("0123456789"))]


def _tokens(plain: str, given: str) -> Iterator[tuple[str, int, bool]]:
    """Names with counts, and whether they stood in parentheses."""
    place = 0
    while place < len(plain):
        if plain[place] == "(":
            end = _closing(plain, place, given)
            digits = _leading_digits(plain[end + 1 :])
            name, after = plain[place + 1 : end], end + 1 + len(digits)
        elif found := _TOKEN.match(plain, place):
            name, digits, after = found[1], found[2], found.end()
        else:
            raise FormulaError(f"cannot read {plain[place:]!r} in the formula {given!r}; {_HINT}")
        if digits and int(digits) == 0:
            raise FormulaError(f"{name} has count {digits} in the formula {given!r}; allowed: 1 or more")
        yield name, int(digits or 1), plain[place] == "("
        place = after


def _closing(plain: str, start: int, given: str) -> int:
    """Where the parenthesis that opens at `start` closes; names and SMILES hold more of them."""
    depth = 0
    for place in range(start, len(plain)):
        depth += {"(": 1, ")": -1}.get(plain[place], 0)
        if depth == 0:
            return place
    raise FormulaError(f"a parenthesis is not closed in the formula {given!r}; {_HINT}")


def _metal(symbol: str, given: str) -> str:
    elements.require_known(symbol)
    if not elements.is_metal(symbol):
        raise FormulaError(f"{symbol} is no metal in the formula {given!r}; {_HINT}")
    return symbol


def _host_first(metals: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(metals.items(), key=lambda item: (-item[1], -elements.electronegativity(item[0]), item[0])))


def _example(formula: ClusterFormula) -> Atoms | None:
    """The bundled cluster of this formula."""
    for name in example_names():
        if ClusterFormula.parse(name) == formula:
            return load_example(name)
    return None


def _fitting(formula: ClusterFormula) -> Iterator[tuple[str, Shell]]:
    """Motifs with a shell that have exactly these metals and ligands, those made for so many dopants first."""
    n_dopants = formula.n_metals - formula.metals[0][1]
    same_size = [motif for motif in FAMILIES if len(core_of(motif).symbols) == formula.n_metals]
    for motif in sorted(same_size, key=lambda motif: len(dopant_sites(motif)) != n_dopants):
        if (names := _assignment(motif, formula)) is not None:
            yield motif, fill(motif, names, {})


def _assignment(motif: str, formula: ClusterFormula) -> dict[str, str] | None:
    """Role → ligand that gives a motif exactly these ligands."""
    roles = motif_roles(motif)
    choices = [[ligand for ligand, _ in formula.ligands if _fits(ligand, role)] for role in roles]
    for chosen in product(*choices):
        counts: Counter[Ligand] = Counter()
        for ligand, sites in zip(chosen, roles.values(), strict=True):
            counts[ligand] += sites
        if counts == dict(formula.ligands):
            return {role: ligand.smiles for role, ligand in zip(roles, chosen, strict=True)}
    return None


def _fits(ligand: Ligand, role: str) -> bool:
    return any(role in group for group in wanted_roles(ligand))


def _arrangement(motif: str, formula: ClusterFormula) -> Labels:
    return placements(motif, tuple(count for _, count in formula.metals[1:]), 1)[0]


def _notes(formula: ClusterFormula, motif: str, atoms: Atoms, others: list[str]) -> Iterator[str]:
    """What a reader of a number made from this geometry must know."""
    yield f"geometry built for the formula {formula}: motif {motif}, not relaxed"
    if others:
        yield f"the same formula has motif {' or '.join(others)}"
    counts = tuple(count for _, count in formula.metals[1:])
    if len(placements(motif, counts, 2)) > 1:
        yield "a formula does not tell which sites the dopants take: they are at the motif's own"
    if atoms.info["geometry"] == IDEAL_CORE:
        yield f"ideal core: no labelled cluster tells how {motif} relaxes"
    if formula.metals[0][0] != "Au":
        yield f"core of a gold cluster with {formula.metals[0][0]} in its place"
    if "template_note" in atoms.info:
        yield atoms.info["template_note"]


def _closest_ligand(role: str, formula: ClusterFormula) -> str:
    """The most frequent ligand of a formula that fits a role, else the usual small one."""
    fitting = [(count, ligand.smiles) for ligand, count in formula.ligands if _fits(ligand, role)]
    return max(fitting)[1] if fitting else CO_LIGANDS[role]


def _scaled_metals(motif: str, formula: ClusterFormula) -> dict[str, int]:
    """The formula's metals on a motif: as many dopants as given where they fit, else as many as the motif means."""
    size, given = len(core_of(motif).symbols), dict(formula.metals[1:])
    if 2 * sum(given.values()) > size:
        given = dict.fromkeys(list(given)[:1], len(dopant_sites(motif)))
    return {formula.metals[0][0]: size - sum(given.values())} | given


def _shell_counts(motif: str, shell: Shell) -> Counter[Ligand]:
    counts: Counter[Ligand] = Counter()
    for role, name in shell.ligands:
        counts[Ligand.parse(name)] += motif_roles(motif)[role]
    return counts


def _difference(here: Mapping[Ligand, int], wanted: Mapping[Ligand, int]) -> int:
    return sum(abs(here.get(ligand, 0) - wanted.get(ligand, 0)) for ligand in {*here, *wanted})


def _written(metals: Mapping[str, int], ligands: Mapping[Ligand, int]) -> str:
    """Metals, then X ligands, L ligands and halides."""
    order = sorted(ligands, key=lambda ligand: (ligand.name in _HALIDES, ligand.type == "L", ligand.name))
    names = [ligand.name if ligand.name in _HALIDES else f"({ligand.name})" for ligand in order]
    counts = [*metals.values(), *(ligands[ligand] for ligand in order)]
    return "".join(
        name + (str(count) if count > 1 else "") for name, count in zip([*metals, *names], counts, strict=True)
    )


__all__ = ["ClusterFormula", "FormulaCluster", "as_cluster", "build_formula", "nearest_formulas"]
