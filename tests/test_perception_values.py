"""What perception decides from connectivity alone: places of lost hydrogens, valences, bond orders, limits."""

import pytest
from rdkit import Chem

from ase_bimetal import perception
from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import Ligand


def fragment(text: str) -> Chem.Mol:
    """A fragment from SMILES with all its hydrogens drawn; atoms with map number 1 touch metal."""
    return perception._skeleton_mol(text)


def atoms_of(text: str, symbol: str) -> list[Chem.Atom]:
    """Atoms of one element; the fragment lives as long as they do."""
    mol = fragment(text)
    found = [atom for atom in mol.GetAtoms() if atom.GetSymbol() == symbol]
    assert found, text
    return found


ETHENE = "[H][C:1]([H])[C:1]([H])[H]"
GLYCOLATE = "[O:1][C]([H])([H])[C]([H])([H])[O:1]"
DITHIOCARBAMATE = "[S:1][C]([S:1])[N]([H])[H]"
ETHANEDITHIOLATE = "[S:1][C]([H])([H])[C]([H])([H])[S:1]"
CARBONATE = "[O:1][C]([O])[O:1]"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("[S:1][C]([H])([H])[H]", [(0,)]),  # one electron too few: one hydrogen, on the atom that touches
        ("[S][C]([H])([H])[O:1][H]", [(4,)]),  # on that which touches, though sulfur takes it first elsewhere
        ("[S][C]([H])([H])[N]([H])[H]", [(0,), (4,)]),  # none touches: sulfur before nitrogen
        (ETHENE, [()]),  # two carbons are an alkene on its face, never a dialkyl
        (GLYCOLATE, [(), (0, 7)]),  # whole first; then two of one element
        (ETHANEDITHIOLATE, [(0, 7), ()]),  # two thiolates are sure
        ("[C:1][C][C]([H])([H])[C][C:1]", [(0, 6), ()]),  # so are two alkynyls
        (CARBONATE, [(), (0, 3)]),  # loses two
        ("[H][C]([O:1])[O:1]", [(2,), (3,)]),  # an odd count: one of the two
    ],
)
def test_hydrogens_were_lost_where_chemistry_loses_them(text, places):
    assert perception._places_of_hydrogens(fragment(text)) == places


def test_one_acid_loses_one_hydrogen_and_carbonate_two():
    for text, is_one in (("[O:1][C]([O:1])[C]([H])([H])[H]", True), (CARBONATE, False)):
        first, second = (atom for atom in atoms_of(text, "O") if atom.GetAtomMapNum())
        assert perception._of_one_acid(first, second) == is_one


def test_thiolates_share_no_neighbour():
    assert perception._are_thiolates(*atoms_of(ETHANEDITHIOLATE, "S"))
    assert not perception._are_thiolates(*atoms_of(DITHIOCARBAMATE, "S"))
    assert not perception._are_thiolates(*atoms_of(GLYCOLATE, "O"))


def test_alkynyls_are_ends():
    first, *_, last = atoms_of("[C:1][C][C]([H])([H])[C][C:1]", "C")
    assert perception._are_alkynyls(first, last)
    assert not perception._are_alkynyls(*atoms_of(ETHENE, "C"))


def test_a_saturated_carbon_touches_for_its_neighbour():
    assert perception._touching(fragment("[S:1][C:1]([H])([H])[H]")) == {"S"}
    assert perception._touching(fragment(ETHENE)) == {"C"}


def test_carbons_of_three_neighbours_take_a_hydrogen_last():
    order = [perception._rank(atoms_of(text, symbol)[0]) for text, symbol in (
        ("[S][C]([H])([H])[H]", "S"), ("[H][P]([H])[H]", "P"), ("[C][O]", "C"),
        ("[N]([H])([H])[H]", "N"), ("[O]([H])[H]", "O"), (ETHENE, "C"),
    )]  # fmt: skip
    assert order == [0, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "symbol", "valence"),
    [
        ("[S]([H])[H]", "S", 2),
        ("[S]([C])([C])[O]", "S", 4),
        ("[S]([C])([C])([O])[O]", "S", 6),
        ("[Se]([H])[H]", "Se", 2),
        ("[P]([H])([H])[H]", "P", 3),
        ("[P]([C])([C])([C])[O]", "P", 5),
        ("[N]([H])([H])[H]", "N", 3),
        ("[N]([O])([O])[C]", "N", 5),
        ("[N]([O]([H]))([O])[C]", "N", 3),
        ("[N]([O])([H])[C]", "N", 3),
        ("[C]([H])([H])([H])[H]", "C", 4),
        ("[Si]([H])([H])([H])[H]", "Si", 4),
        ("[B]([H])([H])[H]", "B", 3),
        ("[O]([H])[H]", "O", 2),
        ("[Cl][H]", "Cl", 1),
    ],
)
def test_valences_are_the_usual_ones(text, symbol, valence):
    assert perception._usual_valence(atoms_of(text, symbol)[0]) == valence


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("[C][O]", None),  # carbon monoxide has no usual valences
        ("[C]([H])([H])[O]", [1, 1, 2]),
        ("[H][C][N]", [1, 3]),
        ("[C]([H])([H])[C]([H])[H]", [1, 1, 2, 1, 1]),
        ("[O]([H])([H])[H]", None),
        ("[C]([H])([H])([H])[S][H]", [1, 1, 1, 1, 1]),
        ("[O][N]([O])[C]([H])([H])[H]", [2, 2, 1, 1, 1, 1]),
    ],
)
def test_bond_orders_fill_the_valences(text, orders):
    assert perception._usual_bond_orders(fragment(text)) == orders


def test_bond_orders_are_taken_back_where_they_lead_nowhere():
    """Acenaphthylene: a double bond from its bridge into the naphthalene, which is tried first, leaves an atom over."""
    bridge = "[C]1([H])[C]2[C]([H])[C]([H])[C]([H])[C]3[C]([H])[C]([H])[C]([H])[C]([C]1[H])[C]23"
    mol = fragment(bridge)
    orders = perception._usual_bond_orders(mol)
    doubles = {
        frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        for bond, order in zip(mol.GetBonds(), orders, strict=True)
        if order == 2
    }
    assert sorted(orders) == [1] * 16 + [2] * 6
    assert frozenset((0, 17)) in doubles and frozenset((0, 2)) not in doubles
    assert len(frozenset().union(*doubles)) == 12


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("[S][H]", True),
        ("[S]([H])[H]", False),
        ("[Se][H]", True),
        ("[Se]([H])[H]", False),
        ("[N]([H])([H])[H]", True),
        ("[C]([H])([H])[H]", True),
        ("[C]([H])([H])([H])[H]", False),
        ("[Si]([H])([H])[H]", False),
    ],
)
def test_an_atom_with_all_its_neighbours_takes_no_hydrogen(text, may):
    assert perception._may_take_hydrogen(fragment(text).GetAtomWithIdx(0)) == may


def test_a_skeleton_has_the_hydrogens_that_are_drawn_and_no_others():
    atom = fragment("C").GetAtomWithIdx(0)
    assert atom.GetNoImplicit() and atom.GetNumExplicitHs() == 0


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("[C][O]", False),
        ("[C][N]", False),
        ("[C][S]", True),  # an end on anything else
        ("[C][C]", True),
        ("[N][C][C][N]", True),  # two thin carbons side by side
        ("[O][C][O]", False),
        ("[C]([F])([F])([F])[S]", False),
        ("[H][C][C]", False),  # it has one
    ],
)
def test_thin_carbon_has_lost_its_hydrogen(text, lacks):
    assert perception._lacks_hydrogens(fragment(text)) == lacks


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[S:1][C]([H])([H])[H]", "CS"),
        ("[C:1][O]", "[C-]#[O+]"),
        ("[H][P:1]([H])[H]", "P"),
        ("[H][P]([H])[H]", "P"),  # read by itself where no contact is known
        ("[C:1][C][C]([H])([H])[H]", "C#CC"),
        ("[O:1][C]([O:1])[C]([H])([H])[H]", "CC(=O)O"),
        ("[H]", "hydride"),
        ("[Br]", "Br"),
    ],
)
def test_a_fragment_is_read_as_its_ligand(text, name):
    assert perception._read_skeleton(text) == Ligand.parse(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[H][Si]([H])[H]", "hydrogen atoms are missing, or its donor kind is none"),
        ("[C][S:1]", "^hydrogen atoms are missing$"),
        ("[H][O:1][C:1]([H])([H])[H]", "it is a whole molecule"),
    ],
)
def test_what_is_no_ligand_says_why(text, words):
    with pytest.raises(LigandError, match=words):
        perception._read_skeleton(text)


def test_protons_are_taken_off_without_a_trace():
    mol = perception._with_bond_orders(fragment("[S:1][C]([H])([H])[H]"), (0,))
    assert perception._anion_smiles(mol, (0,)) == "C[S-]"


def test_only_atoms_in_touch_name_a_fragment_without_a_donor():
    with pytest.raises(LigandError, match="through Si, which is no donor"):
        perception._require_donor([0, 1], ["Si", "H"], {}, frozenset({0}))
    with pytest.raises(LigandError, match="through Ar, which"):
        perception._require_donor([0, 1], ["Ar", "H"], {0: 1}, frozenset({1}))
    perception._require_donor([0, 1], ["Si", "H"], {1: 1}, frozenset({0}))
    perception._require_donor([0], ["Ar"], {0: 1}, frozenset())


@pytest.mark.parametrize(("symbol", "may_lack"), [("C", True), ("N", True), ("P", True), ("O", True), ("He", False)])
def test_a_single_atom_may_be_what_is_left_of_a_ligand(symbol, may_lack):
    with pytest.raises(LigandError) as refused:
        perception._single_atom(symbol)
    assert ("rest of a ligand are missing" in str(refused.value)) == may_lack
