"""What batched games refuse."""

from __future__ import annotations

import numpy as np


def checked_characters(characters: np.ndarray, matches: int, count: int) -> np.ndarray:
    """The argument of `camtf.games.protocol.BatchedGame.assign`: who plays each match, int ``[P, B]``.

    Raises ValueError where the shape is another one, or a character is not one of ``count``.
    """
    characters = np.asarray(characters)
    if characters.shape != (2, matches):
        raise ValueError(f"characters must have shape {(2, matches)}, got {characters.shape}")
    if characters.min() < 0 or characters.max() >= count:
        raise ValueError(f"characters must be in [0, {count}), got {characters.min()} to {characters.max()}")
    return characters
