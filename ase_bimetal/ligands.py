"""Ligands: names, SMILES in one protonation state, donor atoms, L or X type.

A ligand is always written as the free, closed-shell molecule it is made from: a thiolate as its thiol, an
alkynyl as its alkyne, a halide as the hydrogen halide, a cyclopentadienyl as the cyclopentadiene.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf
from numbers import Real
from typing import Literal

from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors

from ase_bimetal import elements
from ase_bimetal.errors import LigandError
from ase_bimetal.ligand_names import AMBIGUOUS, LIGAND_NAMES, did_you_mean, smiles_of

#: How a ligand is given: SMILES or names with their counts, a list of them, or one.
LigandAnnotation = Mapping[str, int] | Sequence[str] | str
#: X binds after losing one hydrogen, L binds whole.
LigandType = Literal["X", "L"]

#: Largest count of one ligand; more would be heavier than any object that fits in memory.
MOST_LIGANDS = 1_000_000

#: Spellings of hydride, whose free molecule is H2, and of sulfide, whose one atom counts twice: H2S less two hydrogens.
_HYDRIDE, _HYDRIDE_SPELLINGS = "[H][H]", frozenset({"H", "hydride", "[H-]", "[HH]", "[H][H]"})
_SULFIDE, _SULFIDE_SPELLINGS = "[S-2]", frozenset({"sulfide", "[S-2]", "[S--]"})

# Names by SMILES as the table writes them; to read the whole table takes a tenth of a second.
_NAMES = {smiles: name for name, smiles in LIGAND_NAMES.items()} | {_HYDRIDE: "hydride", _SULFIDE: "sulfide"}

# Donor patterns in order of priority: (pattern on the free molecule, type). The first atom is the donor.
_DONOR_PATTERNS: tuple[tuple[str, LigandType], ...] = (
    ("[SX2;H1,H2]", "X"),
    ("[SeX2;H1,H2]", "X"),
    ("[F,Cl,Br,I;H1]", "X"),
    ("[PX3]", "L"),
    ("[CX2H1]#[CX2]", "X"),
    ("[CX2H1]#[NX1]", "X"),
    ("[C;X2;v2]([#7])", "L"),
    ("[C-]#[O+]", "L"),
    ("[C-]#[N+]", "L"),
    ("[CX4;!H0]1[#6]=[#6][#6]=[#6]1", "X"),
    ("[OX2H1]C=O", "X"),
    ("[NX2H1]=C=[S,O,Se]", "X"),
    ("[SX1,SeX1]=[#6]~[#7,#8,#16]", "L"),
    ("[SX2;H0]", "L"),
    ("[nX2]", "L"),
    ("[NX3;+0;!$(N-C=O);!$(N-[a]);!$(N-[!#6;!#1])]", "L"),
    ("[NX1]#C", "L"),
    ("[OX2H1][#6]", "X"),
    ("[OX2H1][N+](=O)[O-]", "X"),
    ("[OX2H1][S,P]=O", "X"),
)
_ALLOWED = (
    "allowed: one valid SMILES without spaces, such as 'CCCCS', or a name. Run `ase-bimetal info --ligands` "
    "for the names"
)
#: The kinds of donors there are, in words.
DONOR_KINDS = (
    "X type (loses a hydrogen): thiol/selenol S–H or Se–H, hydrogen halide, terminal alkyne, hydrogen cyanide, "
    "cyclopentadiene, carboxylic, nitric or sulfonic acid, isothiocyanic N–H, alcohol O–H, hydride, sulfide, and any "
    "anion written with its charge on C, N, O, P, S or Se; L type (bound whole): phosphine P, carbene, CO, isocyanide, "
    "S of thioureas, thioamides and thioethers, amine/pyridine/nitrile N"
)
# A nitrogen that binds whole, or a thioether, and two of them that close a ring of five or six with one metal:
# bipyridine, phenanthroline, diamines. Two in one small ring, as in pyrazine and DABCO, point away from each other.
_NITROGEN_DONOR = "[$([nX2]),$([NX3;+0;!$(N-C=O);!$(N-[a]);!$(N-[!#6;!#1])]),$([NX2]([#6])=[#6])]"
_THIOETHER = "[$([SX2](-[#6])-[#6])]"
_CHELATES = {
    "N": (f"{_NITROGEN_DONOR}~[#6]~[#6]~{_NITROGEN_DONOR}", f"{_NITROGEN_DONOR}-[CX4]-[CX4]-[CX4]-{_NITROGEN_DONOR}"),
    "S": (f"{_THIOETHER}~[#6]~[#6]~{_THIOETHER}", f"{_THIOETHER}-[CX4]-[CX4]-[CX4]-{_THIOETHER}"),
}
_SMALL_RING = 7
# Elements in the middle of weakly coordinating anions, such as BF4− and PF6−, and those whose anions bind metal.
_COUNTER_ION_CENTRES = frozenset({"B", "P", "As", "Sb", "Si"})
_HALOGENS = frozenset({"F", "Cl", "Br", "I"})
_ANIONIC_DONORS = frozenset({"C", "N", "O", "P", "S", "Se"})
# Atoms of a ligand beside hydrogen, at most; encoders take 512 tokens.
_MOST_ATOMS = 2000
_CYCLOPENTADIENE = Chem.MolFromSmarts("[CX4;!H0]1[#6]=[#6][#6]=[#6]1")
_CYCLOPENTADIENYL = Chem.MolFromSmarts("[c-]1cccc1")
_YLIDE = Chem.MolFromSmarts("[#6-;R;X2;H0]~[#7+;R]")  # the zwitterionic spelling of a cyclic carbene


@dataclass(frozen=True)
class Ligand:
    """One kind of ligand, written as its free closed-shell molecule.

    Attributes
    ----------
    smiles
        Canonical SMILES of the free, protonated molecule, without isotopes or stereo marks. Where protons would make
        another ligand of it, as of a dithiolate (two bonds), a phosphide or a pyrazolate (not the neutral donor), the
        binding atoms have their negative charge.
    donor
        Element symbol of the atom that binds to metal.
    type
        ``"X"`` (bound after losing one hydrogen: thiolate, alkynyl, halide, Cp) or ``"L"`` (bound whole).
    donor_index
        Index of the donor in ``Chem.MolFromSmiles(smiles)``.
    other_donors
        Indices of its further donors, as of dppe, bipyridine or a dithiolate. A carboxylate or dithiocarbamate counts
        once; the one atom of sulfide twice, as it has lost two hydrogens. All donors are of one element: of
        pyridine-2-thiolate sulfur alone counts.

    Examples
    --------
    >>> Ligand.parse("PET") == Ligand.parse("[S-]CCc1ccccc1")
    True
    >>> Ligand.parse("PPh3").type, Ligand.parse("Cp*").type
    ('L', 'X')
    >>> Ligand.parse("dppe").denticity, Ligand.parse("[S-]CC[S-]").denticity, Ligand.parse("SCCS").denticity
    (2, 2, 1)
    >>> Ligand.parse("bipy").denticity, Ligand.parse("pyridine").denticity
    (2, 1)
    """

    smiles: str
    donor: str
    type: LigandType
    donor_index: int
    other_donors: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Ligand:
        """Make a ligand from a name or any SMILES.

        A name is such as ``"PET"``; the SMILES may be protonated or not.

        Parameters
        ----------
        text
            One of `LIGAND_NAMES`, or a SMILES.

        Returns
        -------
        Ligand
            The free ligand; equivalent spellings give equal ligands.

        Raises
        ------
        LigandError
            The text is neither a known name nor a readable SMILES, carries a charge that protons cannot
            settle, has several parts, or has no donor atom.

        Examples
        --------
        >>> Ligand.parse("PPh3").donor, Ligand.parse("[S-]C").smiles
        ('P', 'CS')
        """
        return _parse(_require_text(text))

    @cached_property
    def mol(self) -> Chem.Mol:
        """RDKit molecule of the free, protonated ligand, without explicit hydrogens."""
        with rdBase.BlockLogs():  # RDKit warns of a hydrogen that stays, as in H2
            mol = Chem.MolFromSmiles(self.smiles)
        return _with_charge(mol, self.donor_indices, 0) if self._is_written_as_anion(mol) else mol

    @property
    def donor_indices(self) -> tuple[int, ...]:
        """Indices of all donors in `mol`."""
        return (self.donor_index, *self.other_donors)

    @property
    def denticity(self) -> int:
        """How many donors bind.

        It is 2 for dppe, bipyridine and sulfide; an X ligand loses as many hydrogens.
        """
        return len(self.donor_indices)

    def _is_written_as_anion(self, mol: Chem.Mol) -> bool:
        return self.type == "X" and mol.GetAtomWithIdx(self.donor_index).GetFormalCharge() < 0

    @property
    def name(self) -> str:
        """The usual short name, or the SMILES without one."""
        return _NAMES.get(self.smiles) or _name_of().get(self.smiles, self.smiles)

    @cached_property
    def bound_formula(self) -> dict[str, int]:
        """Atoms of the bound ligand: element → count.

        An X ligand has lost one hydrogen a donor.
        """
        counts = Counter(atom.GetSymbol() for atom in Chem.AddHs(self.mol).GetAtoms())
        if self.type == "X":
            counts["H"] -= self.denticity
        return {symbol: n for symbol, n in counts.items() if n}

    @property
    def n_bound_atoms(self) -> int:
        """Number of atoms of the ligand as bound to metal."""
        return sum(self.bound_formula.values())

    @property
    def is_pi(self) -> bool:
        """Whether it binds through a cyclopentadienyl ring's face."""
        return self.type == "X" and self.mol.HasSubstructMatch(_CYCLOPENTADIENE) and self.donor == "C"

    @cached_property
    def log_p(self) -> float:
        """Crippen log P of the free, protonated ligand [-].

        It is the model of Wildman and Crippen (1999), as in RDKit.
        """
        return float(rdMolDescriptors.CalcCrippenDescriptors(self.mol)[0])


def parse_ligands(spec: object) -> tuple[tuple[Ligand, int], ...]:
    """Read a ligand annotation.

    It is a dict text → count, a list of texts, or one text (count 1).

    Equivalent spellings are merged; the result is sorted by SMILES, so the order given does not matter.

    Parameters
    ----------
    spec
        The annotation.

    Returns
    -------
    tuple of (Ligand, int)
        Ligands with their counts.

    Raises
    ------
    LigandError
        A text cannot be read, or a count is no whole number of at least 1.

    Examples
    --------
    >>> parse_ligands({"SCCc1ccccc1": 8})[0][1]
    8
    >>> parse_ligands(["PPh3", "Cl", "PPh3"]) == parse_ligands({"[Cl-]": 1, "PPh3": 2})
    True
    """
    if isinstance(spec, str):
        spec = {spec: 1}
    elif isinstance(spec, Iterable) and not isinstance(spec, Mapping):
        spec = Counter(_require_text(text) for text in spec)
    if not isinstance(spec, Mapping):
        raise LigandError(
            f'ligands must be a dict SMILES → count, a list or one string, not {spec!r}. Write {{"PET": 8}}'
        )
    counts: Counter[Ligand] = Counter()
    for text, count in spec.items():
        try:
            number = float(count) if isinstance(count, Real) and not isinstance(count, bool) else 0.0
        except OverflowError:
            number = inf
        if not 1 <= number <= MOST_LIGANDS or number % 1:
            raise LigandError(
                f"ligand {text!r} has count {_short(count)}; allowed: a whole number from 1 to "
                f"{MOST_LIGANDS}. Give the number of these ligands on one cluster"
            )
        counts[Ligand.parse(text)] += int(number)
    return tuple(sorted(counts.items(), key=lambda item: item[0].smiles))


def _short(value: object) -> str:
    """Print a value in eighty characters; Python refuses to print integers of thousands of digits."""
    if isinstance(value, int) and value.bit_length() > 300:
        return "a number of more than ninety digits"
    return f"{value!r:.80}"


def _require_text(text: object) -> str:
    if not isinstance(text, str):
        raise LigandError(f"a ligand is a name or a SMILES string, not {text!r}")
    if not text.strip():
        raise LigandError("empty SMILES; allowed: a name such as 'PET' or a SMILES such as 'SCCc1ccccc1'")
    return text.strip()


@lru_cache(maxsize=4096)
def _parse(text: str) -> Ligand:
    if text in AMBIGUOUS:
        meanings, allowed = AMBIGUOUS[text]
        raise LigandError(f"{text!r} names {meanings}; allowed: {allowed}. Write one of these")
    if text in _HYDRIDE_SPELLINGS:
        return Ligand(_HYDRIDE, "H", "X", 0)
    if text in _SULFIDE_SPELLINGS:
        return Ligand(_SULFIDE, "S", "X", 0, (0,))
    return ligand_of_smiles(smiles_of(text), text)


@lru_cache(maxsize=4096)
def ligand_of_smiles(smiles: str, given: str = "") -> Ligand:
    """Make a ligand from a SMILES, whatever it may name.

    Parameters
    ----------
    smiles
        The free molecule or its anion.
    given
        How a user wrote it, for errors.

    Returns
    -------
    Ligand
        As `Ligand.parse` gives it.

    Raises
    ------
    LigandError
        As `Ligand.parse`.

    Examples
    --------
    >>> ligand_of_smiles("CO").donor
    'O'
    """
    text = given or smiles
    # RDKit reads past such characters, and takes what follows a space for a name.
    if strange := next((c for c in smiles if not c.isascii() or not c.isprintable() or c.isspace()), None):
        raise LigandError(f"cannot read {text!r} as a SMILES{did_you_mean(text)}: it holds {strange!r}; {_ALLOWED}")
    try:
        mol = _read(smiles, text)
        _require_one_ligand(mol, text)
        with rdBase.BlockLogs():
            return _ligand(mol, text)
    except Chem.MolSanitizeException as error:
        raise LigandError(
            f"ligand {text!r} breaks the rules of valence or aromaticity: {error}; allowed: the SMILES "
            "of one free molecule that exists as written"
            ". Correct the bonds, hydrogens and charges of this SMILES"
        ) from error


def _require_one_ligand(mol: Chem.Mol, text: str) -> None:
    """Refuse what is no free molecule, or none that binds metal."""
    if mol.GetNumAtoms() > _MOST_ATOMS:  # RDKit would take seconds to write it in its canonical way
        raise LigandError(
            f"ligand {text[:40]!r}… has {mol.GetNumAtoms()} atoms beside hydrogen; allowed: at most "
            f"{_MOST_ATOMS}. Write a shorter ligand with the same donor"
        )
    for atom in mol.GetAtoms():
        symbol = atom.GetSymbol()
        if not atom.GetAtomicNum():
            raise LigandError(
                f"ligand {text!r} holds the placeholder '*'; allowed: a whole molecule, as 'CS' for SMe"
                ". Write the rest of the molecule in place of '*'"
            )
        if elements.is_metal(symbol):
            raise LigandError(
                f"ligand {text!r} holds the metal {symbol}; allowed: the free ligand, with its count"
                ". Write its SMILES without the metal"
            )
        saturated = 6 if symbol == "P" else 4
        if symbol in _COUNTER_ION_CENTRES and atom.GetFormalCharge() < 0 and atom.GetTotalDegree() >= saturated:
            raise LigandError(f"{text!r} is a counter-ion without a lone pair on its {symbol}, no ligand: leave it out")
        if symbol in _HALOGENS and atom.GetDegree() > 1:
            raise LigandError(
                f"{text!r} holds {symbol} with {atom.GetDegree()} bonds, as triiodide or perchlorate: a "
                "counter-ion, no ligand: leave it out"
            )
        if abs(atom.GetFormalCharge()) > 1:
            raise LigandError(
                f"ligand {text!r} holds {symbol} of charge {atom.GetFormalCharge():+d}; allowed: "
                f"{DONOR_KINDS}. Write the free molecule with its protons"
            )
    if len(Chem.GetMolFrags(mol)) > 1:
        raise LigandError(f"SMILES {text!r} has several parts; give each ligand by itself with its count")


def _ligand(mol: Chem.Mol, text: str) -> Ligand:
    """Read donor, type and canonical spelling of a molecule."""
    net_charge = Chem.GetFormalCharge(mol)
    free, sites = _protonated(mol, text)
    if Chem.GetFormalCharge(free):
        raise LigandError(
            f"ligand {text!r} keeps charge {Chem.GetFormalCharge(free):+d}, which no proton settles; allowed: a "
            "neutral molecule, or an anion at the atom that binds. An ion that does not bind is a counter-ion: leave "
            "it out"
        )
    free, sites = _canonical(*_canonical(free, sites))
    donors, kind = _matched_donors(free)
    bases = [i for i in sites if free.GetAtomWithIdx(i).GetSymbol() in _ANIONIC_DONORS]
    binding = [i for i in bases if i in donors]
    if kind == "X" and len(binding) > 1:
        return _written_as_anion(free, binding)
    if net_charge < 0 and bases and _overrules(free, bases, donors, kind):
        return _written_as_anion(free, bases)
    if kind is None:
        raise LigandError(
            f"ligand {text!r} has no donor atom; allowed: {DONOR_KINDS}"
            ". Write the free molecule with the atom that binds, such as 'CS' for SMe"
        )
    symbol = free.GetAtomWithIdx(donors[0]).GetSymbol()
    together = donors if symbol == "P" else kind == "L" and _chelating(free, symbol) or donors[:1]
    smiles, donors = _spelled(free, together)
    return Ligand(smiles, symbol, kind, donors[0], tuple(donors[1:]))


def _chelating(mol: Chem.Mol, symbol: str) -> list[int]:
    """Atoms of an element that bind one metal together; empty where there are no two."""
    rings = [set(ring) for ring in mol.GetRingInfo().AtomRings() if len(ring) <= _SMALL_RING]
    found: set[int] = set()
    for pattern in _chelates(symbol):
        for match in mol.GetSubstructMatches(pattern):
            ends = {match[0], match[-1]}
            found |= ends if not any(ends <= ring for ring in rings) else set()
    return sorted(found)


@lru_cache(maxsize=8)
def _chelates(symbol: str) -> tuple[Chem.Mol, ...]:
    return tuple(map(Chem.MolFromSmarts, _CHELATES.get(symbol, ())))


def _spelled(mol: Chem.Mol, rows: list[int]) -> tuple[str, list[int]]:
    """Canonical SMILES, or the first that is no other ligand's name, and where some atoms stand in it."""
    smiles = Chem.MolToSmiles(mol)
    if smiles not in AMBIGUOUS:
        return smiles, rows
    spellings = (Chem.MolToSmiles(mol, rootedAtAtom=row) for row in range(mol.GetNumAtoms()))
    smiles = next(text for text in spellings if text not in AMBIGUOUS)
    order = _output_order(mol)
    return smiles, [order.index(row) for row in rows]


def _matched_donors(mol: Chem.Mol) -> tuple[list[int], LigandType | None]:
    """Atoms that fit the first pattern a free molecule holds, and its type."""
    for pattern, kind in _patterns():
        matches = mol.GetSubstructMatches(pattern)
        if matches:
            return list(dict.fromkeys(match[0] for match in matches)), kind
    return [], None


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[Chem.Mol, LigandType], ...]:
    return tuple((Chem.MolFromSmarts(pattern), kind) for pattern, kind in _DONOR_PATTERNS)


def _overrules(mol: Chem.Mol, bases: list[int], donors: list[int], kind: LigandType | None) -> bool:
    """Whether the atoms written as anions bind, and not the neutral donor that the protonated molecule shows.

    A thiol binds before a carboxylate, and so does the phosphine of a sulfonated phosphine.
    """
    if kind is None:
        return True
    soft = mol.GetAtomWithIdx(donors[0]).GetSymbol() in ("P", "S", "Se")
    return kind == "L" and not (soft and all(mol.GetAtomWithIdx(i).GetSymbol() == "O" for i in bases))


def _written_as_anion(mol: Chem.Mol, donors: list[int]) -> Ligand:
    """X ligand whose SMILES has the charge on the atoms that bind."""
    anion, donors = _canonical(_with_charge(mol, donors, -1), donors)
    anion, donors = _canonical(anion, donors)
    donors = sorted(donors)
    return Ligand(
        Chem.MolToSmiles(anion), anion.GetAtomWithIdx(donors[0]).GetSymbol(), "X", donors[0], tuple(donors[1:])
    )


def _with_charge(mol: Chem.Mol, rows: Iterable[int], charge: int) -> Chem.Mol:
    """The molecule with a charge on some atoms, each of which takes or gives the protons that this needs."""
    out = Chem.RWMol(mol)
    for row in rows:
        atom = out.GetAtomWithIdx(row)
        hydrogens = atom.GetTotalNumHs() + charge - atom.GetFormalCharge()
        atom.SetFormalCharge(charge)
        atom.SetNumExplicitHs(hydrogens)
        atom.SetNoImplicit(True)
    Chem.SanitizeMol(out)
    return out.GetMol()


def _canonical(mol: Chem.Mol, rows: Iterable[int]) -> tuple[Chem.Mol, list[int]]:
    """The molecule read back from its canonical SMILES, and where some of its atoms have gone."""
    smiles = Chem.MolToSmiles(mol)
    order = _output_order(mol)
    return Chem.MolFromSmiles(smiles), [order.index(row) for row in rows]


def _output_order(mol: Chem.Mol) -> list[int]:
    """Atoms of a molecule in the order of its SMILES written last."""
    return list(mol.GetPropsAsDict(includePrivate=True, includeComputed=True)["_smilesAtomOutputOrder"])


def _read(smiles: str, given: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None or mol.GetNumAtoms() == 0:
            raise LigandError(f"cannot read {given!r} as a SMILES{did_you_mean(given)}; {_ALLOWED}")
        for atom in mol.GetAtoms():
            atom.SetIsotope(0)
            atom.SetAtomMapNum(0)
        Chem.RemoveStereochemistry(mol)
        return Chem.RemoveHs(mol)


def _protonated(mol: Chem.Mol, text: str) -> tuple[Chem.Mol, list[int]]:
    """Neutralise by protons: each lone anionic site takes one, each lone cationic site with hydrogen gives one.

    Returns
    -------
    tuple
        The molecule, and the atoms that took a proton.
    """
    if mol.HasSubstructMatch(_CYCLOPENTADIENE) or mol.HasSubstructMatch(_CYCLOPENTADIENYL):
        return _canonical_cyclopentadiene(mol, text), []
    if mol.HasSubstructMatch(_YLIDE):
        mol = _carbene(mol)
    charges = [atom.GetFormalCharge() for atom in mol.GetAtoms()]
    lone = [
        atom.GetIdx()
        for atom in mol.GetAtoms()
        if not any(n.GetFormalCharge() * charges[atom.GetIdx()] < 0 for n in atom.GetNeighbors())
    ]
    takers = [i for i in lone if charges[i] < 0]
    givers = [i for i in lone if charges[i] > 0 and mol.GetAtomWithIdx(i).GetTotalNumHs()]
    # Of what is left, as of nitrate and azide, terminal atoms beside a positive one.
    left = sum(charges) + len(takers) - len(givers)
    ends = [i for i, q in enumerate(charges) if q < 0 and i not in takers and mol.GetAtomWithIdx(i).GetDegree() == 1]
    takers += ends[: max(0, -left)]
    with rdBase.BlockLogs():
        return _with_charge(mol, takers + givers, 0), takers


def _carbene(mol: Chem.Mol) -> Chem.Mol:
    """Write C⁻=N⁺ of an N-heterocyclic carbene as the neutral carbene."""
    carbon, nitrogen = mol.GetSubstructMatch(_YLIDE)
    out = Chem.RWMol(mol)
    Chem.Kekulize(out, clearAromaticFlags=True)
    out.GetBondBetweenAtoms(carbon, nitrogen).SetBondType(Chem.BondType.SINGLE)
    for index in (carbon, nitrogen):
        out.GetAtomWithIdx(index).SetFormalCharge(0)
    out.GetAtomWithIdx(carbon).SetNoImplicit(True)
    Chem.SanitizeMol(out)
    return Chem.MolFromSmiles(Chem.MolToSmiles(out))


def _canonical_cyclopentadiene(mol: Chem.Mol, text: str) -> Chem.Mol:
    """Pick one of the five places of the extra hydrogen: the one with the smallest canonical SMILES."""
    out = Chem.RWMol(mol)
    ring = out.GetSubstructMatch(_CYCLOPENTADIENYL) or out.GetSubstructMatch(_CYCLOPENTADIENE)
    if any(out.GetRingInfo().NumAtomRings(i) > 1 for i in ring):
        raise LigandError(
            f"ligand {text!r} is a cyclopentadienyl fused to another ring, such as indenyl; allowed: Cp "
            "and Cp with substituents. Use 'Cp' or 'Cp*' in its place"
        )
    Chem.Kekulize(out, clearAromaticFlags=True)
    candidates = []
    for shift in range(5):
        trial = Chem.RWMol(out)
        atoms = [ring[(shift + k) % 5] for k in range(5)]
        for k, index in enumerate(atoms):
            atom = trial.GetAtomWithIdx(index)
            outside = sum(1 for n in atom.GetNeighbors() if n.GetIdx() not in ring)
            atom.SetFormalCharge(0)
            atom.SetNoImplicit(True)
            atom.SetNumExplicitHs((2 if k == 0 else 1) - outside)
            bond = trial.GetBondBetweenAtoms(index, atoms[(k + 1) % 5])
            bond.SetBondType(Chem.BondType.DOUBLE if k in (1, 3) else Chem.BondType.SINGLE)
        if all(a.GetNumExplicitHs() >= 0 for a in trial.GetAtoms()):
            Chem.SanitizeMol(trial)
            candidates.append(Chem.MolToSmiles(trial))
    return Chem.MolFromSmiles(min(candidates))


@lru_cache(maxsize=1)
def _name_of() -> dict[str, str]:
    """Names by SMILES, as this version of RDKit writes them."""
    return {_parse(smiles).smiles: name for name, smiles in LIGAND_NAMES.items()}


def formula_text(counts: Mapping[str, int]) -> str:
    """Write element counts as a Hill formula.

    Parameters
    ----------
    counts
        Element → number of atoms.

    Returns
    -------
    str
        Carbon and hydrogen first where there is carbon, then by alphabet.

    Examples
    --------
    >>> formula_text({"S": 1, "H": 3, "C": 1})
    'CH3S'
    """
    order = sorted(counts, key=lambda s: (s not in "CH" or "C" not in counts, s))
    return "".join(s + (str(counts[s]) if counts[s] > 1 else "") for s in order)


def total_formula(ligands: Iterable[tuple[Ligand, int]]) -> dict[str, int]:
    """Count the elements of a whole shell as bound.

    Parameters
    ----------
    ligands
        Ligands with their counts, as `parse_ligands` gives them.

    Returns
    -------
    dict
        Element → number of atoms.

    Examples
    --------
    >>> total_formula(parse_ligands({"SMe": 2}))["H"]
    6
    """
    total: Counter[str] = Counter()
    for ligand, count in ligands:
        for symbol, n in ligand.bound_formula.items():
            total[symbol] += n * count
    return dict(total)


__all__ = [
    "DONOR_KINDS",
    "LIGAND_NAMES",
    "Ligand",
    "formula_text",
    "ligand_of_smiles",
    "parse_ligands",
    "total_formula",
]
