"""A scripted opponent that fits any game."""

from __future__ import annotations

import numpy as np

from camtf.games.protocol import BatchedGame
from camtf.types import Observation


def uniform_legal(game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Uniform over the legal movements and, apart, over the legal skills. A `camtf.games.protocol.Bot`."""
    movements, heads = game.spec.movements, game.spec.movements + game.spec.skills
    wished = np.where(observation.mask[..., :heads] > 0.0, uniforms, -1.0)
    heads_wished = wished[..., :movements], wished[..., movements:]
    return np.stack([part.argmax(axis=-1) for part in heads_wished], axis=-1).astype(np.int32)
