"""Which characters can meet."""

from __future__ import annotations

import numpy as np

from camtf.games.pairing import pairings
from tests.small_game import GUESS, ROLES


def test_anybody_meets_anybody() -> None:
    found = pairings(GUESS, np.array([1, 0]), np.array([0, 1, 0]))
    assert found.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


def test_roles_meet_the_other_one() -> None:
    """What is returned are positions in the lists, which may stand in any order."""
    assert pairings(ROLES, np.array([1, 0]), np.array([1, 0])).tolist() == [[0, 1], [1, 0]]
    assert pairings(ROLES, np.array([1]), np.array([0, 1, 0])).tolist() == [[0, 0], [0, 2]]
