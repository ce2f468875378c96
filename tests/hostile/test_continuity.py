"""The energy of a cluster that is pulled apart goes on without jumps, or is refused where it cannot."""

import numpy as np
import pytest
from ase import Atoms
from continuity import PARENTS, Move, jumps, model_energies, moves, page, parents, run

SMALL, RING = "Au4M2-Pd-SMe", "Au6M2-Cp-Co-PH3-Cl-Cp"


def test_a_jump_is_found_and_a_steep_slope_is_none():
    move = Move("x", "y", Atoms("H"), np.array([0]), np.array([1.0, 0.0, 0.0]))

    def of(function):
        return lambda objects: [function(float(atoms.positions[0, 0])) for atoms in objects]

    assert [round(jump.way, 3) for jump in jumps(move, of(lambda x: 0.02 * (x > 1.23)), lambda *_: ())] == [1.23]
    assert jumps(move, of(lambda x: 10 * x), lambda *_: ()) == []
    assert jumps(move, of(lambda x: None if 1 < x < 1.1 else float(x > 1)), lambda *_: ()) == []


def test_pulling_thiolates_and_metals_meets_no_jump():
    pulled = [
        move
        for move in moves(parents()[SMALL], SMALL, np.random.default_rng(1))
        if "pulled, without annotation" in move.what and "ligand" in move.what
    ]
    assert [move.what for move in pulled] == ["ligand CSH3 pulled, without annotation"]
    assert [jump.causes for move in pulled for jump in jumps(move, model_energies)] == []


@pytest.mark.parametrize(("parent", "what"), [(SMALL, "metal Pd slid"), (RING, "ligand C5H5 slid")])
def test_edges_that_end_and_rings_that_slip_meet_no_jump(parent, what):
    """Edges fade out before 4 and 6 Å, carbons of a ring before they lose their contact."""
    [move] = [move for move in moves(parents()[parent], parent, np.random.default_rng(0)) if move.what == what]
    assert [jump.causes for jump in jumps(move, model_energies)] == []


@pytest.mark.heavy
def test_nothing_jumps():
    count, found = run()
    assert count > 100 and found == [], page(count, found)


def test_every_family_of_parents_is_there():
    assert set(parents()) == set(PARENTS)
