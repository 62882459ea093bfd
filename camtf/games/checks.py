"""What batched games refuse."""

from __future__ import annotations

import numpy as np


def checked_characters(characters: np.ndarray, matches: int, count: int, roles: bool = False) -> np.ndarray:
    """The argument of `camtf.games.protocol.BatchedGame.assign`: who plays each match, int ``[P, B]``.

    Raises ValueError where the shape is another one, a character is not one of ``count``, or characters are ``roles``
    and both players of a match have the same.
    """
    characters = np.asarray(characters)
    if characters.shape != (2, matches):
        raise ValueError(f"characters must have shape {(2, matches)}, got {characters.shape}")
    if characters.min() < 0 or characters.max() >= count:
        raise ValueError(f"characters must be in [0, {count}), got {characters.min()} to {characters.max()}")
    if roles and (characters[0] == characters[1]).any():
        match = int(np.argmax(characters[0] == characters[1]))
        raise ValueError(f"match {match}: one player must have each role, got {characters[0, match]} for both")
    return characters
