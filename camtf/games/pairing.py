"""Which characters can meet each other."""

from __future__ import annotations

import numpy as np

from camtf.games.protocol import Game


def pairings(game: Game, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """All pairs of a character of ``first`` with one of ``second`` that can play a match, the first's order outermost.

    Args:
        first, second: characters, indices into ``game.characters``, int ``[n]`` and ``[m]``.

    Returns:
        Positions in the two lists, int ``[pairs, 2]``: n m of them; where characters are roles, those alone in which
        the two differ.
    """
    pairs = np.stack(np.meshgrid(np.arange(len(first)), np.arange(len(second)), indexing="ij"), -1).reshape(-1, 2)
    if game.roles:
        pairs = pairs[np.asarray(first)[pairs[:, 0]] != np.asarray(second)[pairs[:, 1]]]
    return pairs
