"""Ligands: names, SMILES in one protonation state, donor atoms, L or X type.

A ligand is always written as the free, closed-shell molecule it is made from: a thiolate as its thiol, an
alkynyl as its alkyne, a halide as the hydrogen halide, a cyclopentadienyl as the cyclopentadiene.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from numbers import Real

from rdkit import Chem, rdBase
from rdkit.Chem import Crippen

from ase_bimetal.errors import LigandError

#: Names in use for common ligands, each with the SMILES of the free, protonated molecule.
LIGAND_NAMES: dict[str, str] = {
    "SH": "S",
    "SMe": "CS",
    "SEt": "CCS",
    "SiPr": "CC(C)S",
    "StBu": "CC(C)(C)S",
    "SPh": "Sc1ccccc1",
    "PET": "SCCc1ccccc1",
    "SCy": "SC1CCCCC1",
    "SAdm": "SC12CC3CC(CC(C3)C1)C2",
    "TBBT": "CC(C)(C)c1ccc(S)cc1",
    "pMBA": "O=C(O)c1ccc(S)cc1",
    "PH3": "P",
    "PMe3": "CP(C)C",
    "PEt3": "CCP(CC)CC",
    "PPh3": "c1ccc(P(c2ccccc2)c2ccccc2)cc1",
    "P(4-FPh)3": "Fc1ccc(P(c2ccc(F)cc2)c2ccc(F)cc2)cc1",
    "C≡CH": "C#C",
    "C≡CPh": "C#Cc1ccccc1",
    "C≡C(CF3)2Ph": "C#Cc1cc(C(F)(F)F)cc(C(F)(F)F)c1",
    "Cp": "C1=CCC=C1",
    "Cp*": "CC1=C(C)C(C)C(C)=C1C",
    "F": "F",
    "Cl": "Cl",
    "Br": "Br",
    "I": "I",
    "carbonyl": "[C-]#[O+]",
    "NHC": "CN1C=CN(C)[C]1",
}
_ALIASES = {
    "CHT": "SCy",
    "SCH3": "SMe",
    "SC2H4Ph": "PET",
    "SR(PET)": "PET",
    "PFPh3": "P(4-FPh)3",
    "CpStar": "Cp*",
    "CCPh": "C≡CPh",
    "CCH": "C≡CH",
    "IMe": "NHC",
}

# Donor patterns in order of priority: (pattern on the free molecule, type). The first atom is the donor.
_DONOR_PATTERNS: tuple[tuple[str, str], ...] = (
    ("[SX2;H1,H2]", "X"),
    ("[SeX2;H1,H2]", "X"),
    ("[F,Cl,Br,I;H1]", "X"),
    ("[PX3]", "L"),
    ("[CX2H1]#[CX2]", "X"),
    ("[C;X2;v2]([#7])", "L"),
    ("[C-]#[O+]", "L"),
    ("[C-]#[N+]", "L"),
    ("[CX4;!H0]1[#6]=[#6][#6]=[#6]1", "X"),
    ("[OX2H1]C=O", "X"),
    ("[SX2;H0]", "L"),
    ("[nX2]", "L"),
    ("[NX3;!$(N-C=O);!$(N-[a])]", "L"),
    ("[NX1]#C", "L"),
    ("[OX2H1][#6]", "X"),
)
_DONORS_ALLOWED = (
    "thiol/selenol S–H or Se–H, hydrogen halide, phosphine P, terminal alkyne, carbene, CO, isocyanide, "
    "cyclopentadiene, carboxylic acid or alcohol O–H, thioether S, amine/pyridine/nitrile N"
)
_CYCLOPENTADIENE = Chem.MolFromSmarts("[CX4;!H0]1[#6]=[#6][#6]=[#6]1")
_CYCLOPENTADIENYL = Chem.MolFromSmarts("[c-]1cccc1")
_YLIDE = Chem.MolFromSmarts("[#6-;R;X2;H0]~[#7+;R]")  # the zwitterionic spelling of a cyclic carbene


@dataclass(frozen=True)
class Ligand:
    """One kind of ligand, written as its free closed-shell molecule.

    Attributes
    ----------
    smiles
        Canonical SMILES of the free, protonated molecule, without isotopes or stereo marks.
    donor
        Element symbol of the atom that binds to metal.
    type
        ``"X"`` (bound after losing one hydrogen: thiolate, alkynyl, halide, Cp) or ``"L"`` (bound whole).
    donor_index
        Index of the donor in ``Chem.MolFromSmiles(smiles)``.

    Examples
    --------
    >>> Ligand.parse("PET") == Ligand.parse("[S-]CCc1ccccc1")
    True
    >>> Ligand.parse("PPh3").type, Ligand.parse("Cp*").type
    ('L', 'X')
    """

    smiles: str
    donor: str
    type: str
    donor_index: int

    @classmethod
    def parse(cls, text: str) -> Ligand:
        """Make a ligand from a name (``"PET"``) or any SMILES spelling, protonated or not.

        Raises
        ------
        LigandError
            The text is neither a known name nor a readable SMILES, carries a charge that protons cannot
            settle, has several parts, or has no donor atom.
        """
        return _parse(_require_text(text))

    @cached_property
    def mol(self) -> Chem.Mol:
        """RDKit molecule of the free ligand, without explicit hydrogens."""
        return Chem.MolFromSmiles(self.smiles)

    @property
    def name(self) -> str:
        """The ligand's usual short name, or its SMILES when it has none."""
        return _name_of().get(self.smiles, self.smiles)

    @cached_property
    def bound_formula(self) -> dict[str, int]:
        """Atoms of the ligand as bound to metal: element → count (an X ligand has lost one hydrogen)."""
        counts = Counter(atom.GetSymbol() for atom in Chem.AddHs(self.mol).GetAtoms())
        if self.type == "X":
            counts["H"] -= 1
        return {symbol: n for symbol, n in counts.items() if n}

    @property
    def n_bound_atoms(self) -> int:
        """Number of atoms of the ligand as bound to metal."""
        return sum(self.bound_formula.values())

    @property
    def is_pi(self) -> bool:
        """Whether the ligand binds through the face of a cyclopentadienyl ring."""
        return self.type == "X" and self.mol.HasSubstructMatch(_CYCLOPENTADIENE) and self.donor == "C"

    @cached_property
    def log_p(self) -> float:
        """Crippen log P of the free, protonated ligand [-] (Wildman and Crippen, 1999; RDKit)."""
        return float(Crippen.MolLogP(self.mol))


def parse_ligands(spec: object) -> tuple[tuple[Ligand, int], ...]:
    """Read a ligand annotation: a dict text → count, a list of texts, or one text (count 1).

    Equivalent spellings are merged; the result is sorted by SMILES, so the order given does not matter.

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
        raise LigandError(f"ligands must be a dict SMILES → count, a list or one string, not {spec!r}")
    counts: Counter[Ligand] = Counter()
    for text, count in spec.items():
        if isinstance(count, bool) or not isinstance(count, Real) or count % 1 or count < 1:
            raise LigandError(f"ligand {text!r} has count {count!r}; allowed: a whole number of at least 1")
        counts[Ligand.parse(text)] += int(count)
    return tuple(sorted(counts.items(), key=lambda item: item[0].smiles))


def _require_text(text: object) -> str:
    if not isinstance(text, str):
        raise LigandError(f"a ligand is a name or a SMILES string, not {text!r}")
    if not text.strip():
        raise LigandError("empty SMILES; allowed: a name such as 'PET' or a SMILES such as 'SCCc1ccccc1'")
    return text.strip()


@lru_cache(maxsize=4096)
def _parse(text: str) -> Ligand:
    if text == "CO":
        raise LigandError("'CO' names carbon monoxide but spells methanol; allowed: 'carbonyl' or 'OC'")
    smiles = LIGAND_NAMES.get(_ALIASES.get(text, text), text)
    mol = _read(smiles, text)
    if len(Chem.GetMolFrags(mol)) > 1:
        raise LigandError(f"SMILES {text!r} has several parts; give each ligand by itself with its count")
    mol = _protonated(mol)
    if Chem.GetFormalCharge(mol):
        raise LigandError(f"ligand {text!r} keeps charge {Chem.GetFormalCharge(mol):+d} when protonated; "
                          "allowed: neutral free ligands")
    canonical = Chem.MolToSmiles(mol)
    mol = Chem.MolFromSmiles(canonical)
    for pattern, kind in _DONOR_PATTERNS:
        match = mol.GetSubstructMatch(Chem.MolFromSmarts(pattern))
        if match:
            return Ligand(canonical, mol.GetAtomWithIdx(match[0]).GetSymbol(), kind, match[0])
    raise LigandError(f"ligand {text!r} has no donor atom; allowed: {_DONORS_ALLOWED}")


def _read(smiles: str, given: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        raise LigandError(f"cannot read {given!r} as a SMILES{_meant(given)}; allowed: valid SMILES or one of "
                          f"{', '.join(LIGAND_NAMES)}")
    for atom in mol.GetAtoms():
        atom.SetIsotope(0)
        atom.SetAtomMapNum(0)
    Chem.RemoveStereochemistry(mol)
    with rdBase.BlockLogs():
        return Chem.RemoveHs(mol)


def _meant(given: str) -> str:
    """The closest known name, as a question; empty when none is close."""
    names = {name.lower(): name for name in (*LIGAND_NAMES, *_ALIASES)}
    close = get_close_matches(given.lower(), names, n=1)
    return f" (did you mean {names[close[0]]!r}?)" if close else ""


def _protonated(mol: Chem.Mol) -> Chem.Mol:
    """Neutralise by protons: each lone anionic site takes one, each lone cationic site with hydrogen gives one."""
    if mol.HasSubstructMatch(_CYCLOPENTADIENE) or mol.HasSubstructMatch(_CYCLOPENTADIENYL):
        return _canonical_cyclopentadiene(mol)
    if mol.HasSubstructMatch(_YLIDE):
        mol = _carbene(mol)
    out = Chem.RWMol(mol)
    for atom in out.GetAtoms():
        charge, hydrogens = atom.GetFormalCharge(), atom.GetTotalNumHs()
        paired = any(n.GetFormalCharge() * charge < 0 for n in mol.GetAtomWithIdx(atom.GetIdx()).GetNeighbors())
        if not paired and (charge == -1 or (charge == 1 and hydrogens)):
            atom.SetFormalCharge(0)
            atom.SetNumExplicitHs(hydrogens - charge)
            atom.SetNoImplicit(True)
    Chem.SanitizeMol(out)
    return Chem.MolFromSmiles(Chem.MolToSmiles(out))


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


def _canonical_cyclopentadiene(mol: Chem.Mol) -> Chem.Mol:
    """Pick one of the five places of the extra hydrogen: the one with the smallest canonical SMILES."""
    out = Chem.RWMol(mol)
    ring = out.GetSubstructMatch(_CYCLOPENTADIENYL) or out.GetSubstructMatch(_CYCLOPENTADIENE)
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
    return {_parse(smiles).smiles: name for name, smiles in LIGAND_NAMES.items()}


def formula_text(counts: Mapping[str, int]) -> str:
    """Write element counts as a Hill formula.

    Examples
    --------
    >>> formula_text({"S": 1, "H": 3, "C": 1})
    'CH3S'
    """
    order = sorted(counts, key=lambda s: (s not in "CH" or "C" not in counts, s))
    return "".join(s + (str(counts[s]) if counts[s] > 1 else "") for s in order)


def total_formula(ligands: Iterable[tuple[Ligand, int]]) -> dict[str, int]:
    """Element counts of a whole ligand shell as bound."""
    total: Counter[str] = Counter()
    for ligand, count in ligands:
        for symbol, n in ligand.bound_formula.items():
            total[symbol] += n * count
    return dict(total)


__all__ = ["LIGAND_NAMES", "Ligand", "formula_text", "parse_ligands", "total_formula"]
