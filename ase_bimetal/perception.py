"""Ligands from bare coordinates.

The shell is cut into fragments by dropping the metal atoms and following covalent bonds. The bond orders of each are
read from its connectivity and from the atoms that touch metal alone, so that identical ligands are read once, and
stretched bonds, as in a thermally excited structure, do no harm. A fragment that lacks a hydrogen gets it back on the
atom that touches metal, which leaves tautomers no choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations, count

import numpy as np
from ase.data import atomic_numbers
from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds

from ase_bimetal import elements
from ase_bimetal.errors import LigandError, PerceptionError
from ase_bimetal.ligands import DONOR_KINDS, Ligand, formula_text, ligand_of_smiles
from ase_bimetal.shell import Shell

# RDKit tries combinations of valences one by one: usual ligands take less than a hundred, some would take hours.
_MAX_VALENCE_TRIALS = 2000
# Places of a lost hydrogen that are tried: of a peptide without some of its hydrogens, dozens would be in vain.
_MAX_PLACES = 8
# A carbon with two neighbours in a small ring, other than a carbene, has lost a hydrogen.
_CUMULATED_IN_RING = Chem.MolFromSmarts("[#6X2v4;r3,r4,r5,r6,r7]")
_BOND_TYPES = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
_BARE_ATOMS = {
    "O": "oxide",
    "S": "sulfide",
    "Se": "selenide",
    "Te": "telluride",
    "N": "nitride",
    "P": "phosphide",
    "As": "arsenide",
    "C": "carbide",
    "Si": "silicide",
    "B": "boride",
}
# On fewer metals a bare sulfur atom may be a thiolate without the rest of it.
_SULFIDE_CONTACTS = 3
_HALIDES = ("F", "Cl", "Br", "I")
# Donors in the order in which they take back a hydrogen; a carbon with three neighbours does so last.
_DONOR_ORDER = ("S", "Se", "P", "C", "N", "O")
_DONORS = frozenset({*_DONOR_ORDER, *_HALIDES, "H"})
_WAY_OUT = (
    "if the coordinates are right, name the ligands in atoms.info['ligand_smiles'] or ligands=; if hydrogen "
    "atoms are missing, add them, or give the metal core alone with its ligands named"
)


def perceive_ligands(
    symbols: Sequence[str], shell: Shell, contacts: np.ndarray, other_contacts: np.ndarray | None = None
) -> tuple[tuple[Ligand, int], ...]:
    """Perceive the ligands of a cluster.

    They come from the fragments of its shell, sorted by SMILES.

    Parameters
    ----------
    contacts
        Rows (donor index, metal index) for donors of any element, from `metal_contacts`.
    other_contacts
        The same for elements that are never donors, by which a fragment without any contact is refused.

    Raises
    ------
    PerceptionError
        A fragment is no ligand that binds as it does; names the atoms and says how to annotate.

    Examples
    --------
    >>> from ase_bimetal.neighbors import pairs_within
    >>> from ase_bimetal.shell import cut_shell, find_metals, metal_contacts, search_cutoff
    >>> xyz = np.array([[0.0, 0, 0], [2.4, 0, 0], [2.7, 1.3, 0]])
    >>> symbols = ["Au", "S", "H"]
    >>> metals, pairs = find_metals(symbols), pairs_within(xyz, np.zeros((3, 3)), (False,) * 3, search_cutoff(symbols))
    >>> shell = cut_shell(symbols, metals, pairs)
    >>> contacts = metal_contacts(symbols, metals, shell, pairs)
    >>> [(ligand.smiles, n) for ligand, n in perceive_ligands(symbols, shell, contacts)]
    [('S', 1)]
    """
    neighbours: dict[int, list[int]] = {}
    for a, b in shell.bonds.tolist():
        neighbours.setdefault(a, []).append(b)
    touching = Counter(contacts[:, 0].tolist())
    others = frozenset(() if other_contacts is None else other_contacts[:, 0].tolist())
    counts = Counter(
        _ligand_of(fragment.tolist(), symbols, neighbours, touching, others) for fragment in shell.fragments
    )
    return tuple(sorted(counts.items(), key=lambda item: item[0].smiles))


def _ligand_of(
    fragment: list[int],
    symbols: Sequence[str],
    neighbours: dict[int, list[int]],
    touching: Mapping[int, int],
    others: frozenset[int],
) -> Ligand:
    if [symbols[i] for i in fragment] == ["S"] and touching.get(fragment[0], 0) >= _SULFIDE_CONTACTS:
        return Ligand.parse("sulfide")
    skeleton = Chem.RWMol()
    row = {}
    for i in fragment:
        atom = Chem.Atom(symbols[i])
        atom.SetNoImplicit(True)
        atom.SetAtomMapNum(int(i in touching))
        row[i] = skeleton.AddAtom(atom)
    for i in fragment:
        for j in neighbours.get(i, []):
            skeleton.AddBond(row[i], row[j], Chem.BondType.SINGLE)
    try:
        _require_donor(fragment, symbols, touching, others)
        return _read_skeleton(Chem.MolToSmiles(skeleton))
    except LigandError as error:
        names = [symbols[i] for i in fragment]
        where = ", ".join(f"{s}{i}" for s, i in zip(names[:6], fragment, strict=False))
        raise PerceptionError(
            f"atoms {where}{', …' if len(fragment) > 6 else ''} ({formula_text(Counter(names))}): {error}; {_WAY_OUT}"
        ) from error


def _require_donor(
    fragment: list[int], symbols: Sequence[str], touching: Mapping[int, int], others: frozenset[int]
) -> None:
    """Refuse a molecule that touches metal by no atom of an element that can bind."""
    if len(fragment) == 1:
        return
    by = {symbols[i] for i in fragment if i in touching} or {symbols[i] for i in fragment if i in others}
    if by and not by & _DONORS:
        through = ", ".join(sorted(by))
        raise LigandError(f"it touches metal through {through}, which is no donor; allowed: {DONOR_KINDS}")


@lru_cache(maxsize=4096)
def _read_skeleton(skeleton: str) -> Ligand:
    """Ligand from a connectivity written as a SMILES of single bonds with all hydrogens.

    Atoms that touch metal have atom map number 1.
    """
    mol = _skeleton_mol(skeleton)
    names = [atom.GetSymbol() for atom in mol.GetAtoms()]
    if len(names) == 1:
        return _single_atom(names[0])
    if _lacks_hydrogens(mol):
        raise LigandError("hydrogen atoms are missing")
    failures: dict[tuple[int, ...], LigandError] = {}
    for given in _places_of_hydrogens(mol)[:_MAX_PLACES]:
        try:
            return _ligand_with(mol, given)
        except LigandError as error:
            failures[given] = error
    if not failures or "H" not in names and "C" in names:
        raise LigandError("hydrogen atoms are missing, or its donor kind is none of those that exist: " + DONOR_KINDS)
    raise failures.get((), next(iter(failures.values())))


def _skeleton_mol(skeleton: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(skeleton, sanitize=False)  # keeps hydrogens, too
    for atom in mol.GetAtoms():
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(0)
    return mol


def _single_atom(name: str) -> Ligand:
    if name in _HALIDES:
        return Ligand.parse(name)
    if name == "H":
        return Ligand.parse("hydride")
    what = (
        f"a bare {_BARE_ATOMS.get(name, name + ' atom')} is no ligand of the models; of single atoms halides, "
        "hydride and sulfide are"
    )
    if name == "S":
        what = f"a bare sulfide is no ligand that is read on fewer than {_SULFIDE_CONTACTS} metals"
    if elements.group(name) in (14, 15, 16):
        what += ", or the hydrogen atoms and the rest of a ligand are missing"
    raise LigandError(what)


def _lacks_hydrogens(mol: Chem.Mol) -> bool:
    """Whether a fragment without hydrogen holds carbon that must have had some.

    So has carbon with one neighbour, other than in CO, CN and isocyanides, and carbon with two in a chain or ring.
    """
    atoms = list(mol.GetAtoms())
    if any(atom.GetSymbol() == "H" for atom in atoms):
        return False
    thin = [atom for atom in atoms if atom.GetSymbol() == "C" and atom.GetDegree() <= 2]
    rows = {atom.GetIdx() for atom in thin}
    return any(
        any(
            n.GetIdx() in rows or atom.GetDegree() == 1 and n.GetSymbol() not in ("N", "O") for n in atom.GetNeighbors()
        )
        for atom in thin
    )


def _places_of_hydrogens(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Where a fragment may have lost the hydrogens that make it an X ligand, most likely place first.

    One for an odd number of electrons, on an atom that touches metal if one can take it. For an even number two, on two
    thiolates or alkynyls; else none (an L ligand); else two, on any two N or O, P, S or Se. Both touch metal.
    """
    binding = _touching(mol)
    donors = [
        atom for atom in mol.GetAtoms() if _may_take_hydrogen(atom) and (not binding or atom.GetSymbol() in binding)
    ]
    donors.sort(key=lambda a: (not a.GetAtomMapNum(), _rank(a), a.GetDegree()))
    if sum(atom.GetAtomicNum() for atom in mol.GetAtoms()) % 2:
        return [(atom.GetIdx(),) for atom in donors]
    touching = [atom for atom in donors if atom.GetAtomMapNum()]
    pairs = [(a, b) for a, b in combinations(touching, 2) if a.GetSymbol() == b.GetSymbol()]
    sure = [(a.GetIdx(), b.GetIdx()) for a, b in pairs if _are_thiolates(a, b) or _are_alkynyls(a, b)]
    # Two other carbons are an alkene or an arene on its face, and no dialkyl.
    others = [(a.GetIdx(), b.GetIdx()) for a, b in pairs if a.GetSymbol() != "C" and not _of_one_acid(a, b)]
    return [*sure, (), *(pair for pair in others if pair not in sure)]


def _touching(mol: Chem.Mol) -> set[str]:
    """Elements by which a fragment touches metal; a saturated carbon lies there because of its neighbour."""
    return {a.GetSymbol() for a in mol.GetAtoms() if a.GetAtomMapNum() and (a.GetSymbol(), a.GetDegree()) != ("C", 4)}


def _may_take_hydrogen(atom: Chem.Atom) -> bool:
    most = {"C": 3, "S": 1, "Se": 1}.get(atom.GetSymbol(), 3)
    return atom.GetSymbol() in _DONOR_ORDER and atom.GetDegree() <= most


def _rank(atom: Chem.Atom) -> int:
    is_last = atom.GetSymbol() == "C" and atom.GetDegree() > 2
    return len(_DONOR_ORDER) if is_last else _DONOR_ORDER.index(atom.GetSymbol())


def _are_thiolates(a: Chem.Atom, b: Chem.Atom) -> bool:
    return a.GetSymbol() in ("S", "Se") and not _neighbours_of_both(a, b)


def _are_alkynyls(a: Chem.Atom, b: Chem.Atom) -> bool:
    return a.GetSymbol() == "C" and a.GetDegree() == b.GetDegree() == 1


def _of_one_acid(a: Chem.Atom, b: Chem.Atom) -> bool:
    """Whether both are of one carboxylate or dithiocarbamate, which loses one hydrogen; carbonate loses two."""
    between = [n for n in _neighbours_of_both(a, b) if n.GetSymbol() == "C"]
    return any(other.GetSymbol() != "O" for carbon in between for other in carbon.GetNeighbors())


def _neighbours_of_both(a: Chem.Atom, b: Chem.Atom) -> list[Chem.Atom]:
    rows = {n.GetIdx() for n in b.GetNeighbors()}
    return [n for n in a.GetNeighbors() if n.GetIdx() in rows]


def _ligand_with(skeleton: Chem.Mol, places: tuple[int, ...]) -> Ligand:
    """Ligand of a fragment that lost hydrogens from some of its atoms when it bound."""
    names = Counter(atom.GetSymbol() for atom in skeleton.GetAtoms())
    touching = _touching(skeleton)
    mol = _with_bond_orders(skeleton, places)
    if mol.HasSubstructMatch(_CUMULATED_IN_RING):
        raise LigandError("hydrogen atoms are missing: a small ring would hold a triple or two double bonds in a row")
    ligand = ligand_of_smiles(_anion_smiles(mol, places))
    expected = {skeleton.GetAtomWithIdx(i).GetSymbol() for i in places} or touching
    if touching and ligand.donor not in expected & touching or ligand.donor not in (expected or {ligand.donor}):
        raise LigandError(
            f"it touches metal through {', '.join(sorted(touching or expected))}, and {ligand.smiles!r} "
            f"binds through {ligand.donor}; allowed: {DONOR_KINDS}"
        )
    if not places and ligand.type == "X":
        raise LigandError(
            f"it is a whole molecule, and {ligand.smiles!r} binds through {ligand.donor} once it has "
            f"lost a hydrogen; allowed: {DONOR_KINDS}"
        )
    if ligand.bound_formula != dict(names):
        raise LigandError(
            f"a fragment with the hydrogens of {formula_text(names)} cannot be ligand {ligand.smiles!r}, bound as "
            f"{formula_text(ligand.bound_formula)}: hydrogen atoms are missing or too many, or the object is an ion"
        )
    return ligand


def _with_bond_orders(skeleton: Chem.Mol, places: tuple[int, ...]) -> Chem.Mol:
    """The neutral closed-shell molecule of a fragment with a hydrogen added in each of some places.

    With the usual valences where they can be satisfied; else (carbenes, zwitterions, CO) as RDKit finds it.
    """
    mol = Chem.RWMol(skeleton)
    for place in places:
        hydrogen = Chem.Atom("H")
        hydrogen.SetNoImplicit(True)
        mol.AddBond(place, mol.AddAtom(hydrogen), Chem.BondType.SINGLE)
    if (orders := _usual_bond_orders(mol)) is not None:
        for bond, order in zip(mol.GetBonds(), orders, strict=True):
            bond.SetBondType(_BOND_TYPES[order])
        try:
            with rdBase.BlockLogs():
                Chem.SanitizeMol(mol)
        except ValueError as error:
            raise LigandError(f"no molecule has these bonds: {error}") from error
        return mol
    # RDKit's table of valences has no selenium, which bonds as sulfur does.
    selenium = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetSymbol() == "Se"]
    _set_element(mol, selenium, "S")
    try:
        with rdBase.BlockLogs():
            rdDetermineBonds.DetermineBondOrders(mol, embedChiral=False, maxIterations=_MAX_VALENCE_TRIALS)
            _set_element(mol, selenium, "Se")
            Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError) as error:
        raise LigandError(
            "no neutral closed-shell molecule fits these bonds: hydrogen atoms are missing, or the object is an ion"
        ) from error
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        raise LigandError("its bonds leave unpaired electrons")
    return mol


def _usual_bond_orders(mol: Chem.Mol) -> list[int] | None:
    """Bond orders that give every atom of a skeleton its usual valence; None where none are found soon."""
    missing = [_usual_valence(atom) - atom.GetDegree() for atom in mol.GetAtoms()]
    if min(missing) < 0:
        return None
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    orders = [1] * len(ends)
    beside: list[list[tuple[int, int]]] = [[] for _ in missing]
    for row, (a, b) in enumerate(ends):
        beside[a].append((b, row))
        beside[b].append((a, row))
    trials = count()

    def choices(atom: int) -> list[tuple[int, int]]:
        return [(other, row) for other, row in beside[atom] if missing[other] and orders[row] < 3]

    def complete() -> bool:
        waiting = [(len(choices(atom)), atom) for atom, lack in enumerate(missing) if lack]
        if not waiting:
            return True
        _, atom = min(waiting)
        if next(trials) > _MAX_VALENCE_TRIALS:
            return False
        for other, row in choices(atom):
            _change(row, atom, other, 1)
            if complete():
                return True
            _change(row, atom, other, -1)
        return False

    def _change(row: int, a: int, b: int, by: int) -> None:
        orders[row] += by
        missing[a] -= by
        missing[b] -= by

    return orders if complete() else None


def _usual_valence(atom: Chem.Atom) -> int:
    """Valence in a neutral molecule, at this number of neighbours; 5 for the nitrogen of a nitro group."""
    symbol, degree = atom.GetSymbol(), atom.GetDegree()
    if symbol in ("S", "Se"):
        return {3: 4, 4: 6}.get(degree, 2)
    if symbol == "P":
        return 5 if degree > 3 else 3
    if symbol == "N" and degree == 3:
        oxygens = sum(n.GetSymbol() == "O" and n.GetDegree() == 1 for n in atom.GetNeighbors())
        return 5 if oxygens == 2 else 3
    return {"C": 4, "Si": 4, "N": 3, "B": 3, "O": 2}.get(symbol, 1)


def _set_element(mol: Chem.RWMol, rows: Sequence[int], symbol: str) -> None:
    for row in rows:
        mol.GetAtomWithIdx(row).SetAtomicNum(atomic_numbers[symbol])


def _anion_smiles(mol: Chem.Mol, places: tuple[int, ...]) -> str:
    """SMILES with the added hydrogens taken off again as protons."""
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(int(atom.GetIdx() in places))
    out = Chem.RWMol(Chem.RemoveHs(mol))
    for atom in out.GetAtoms():
        if atom.GetAtomMapNum():
            atom.SetNumExplicitHs(atom.GetTotalNumHs() - 1)
            atom.SetNoImplicit(True)
            atom.SetFormalCharge(-1)
            atom.SetAtomMapNum(0)
    return Chem.MolToSmiles(out)


__all__ = ["perceive_ligands"]
