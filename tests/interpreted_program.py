"""Random legal play by the game's code, and a digest of all that was seen: what `test_compiled` runs both ways."""

from __future__ import annotations

import dataclasses
import hashlib

import numba
import numpy as np

from camtf.games.duel.env import DuelGame
from camtf.games.duel.roster import load_roster
from tests.playing import random_actions


def main() -> None:
    roster = load_roster()
    if numba.config.DISABLE_JIT:  # plain NumPy gives records attributes only in a recarray
        tables = {name: getattr(roster, name).view(np.recarray) for name in ("characters", "moves", "summons")}
        roster = dataclasses.replace(roster, **tables)
    game = DuelGame(roster, 3, seed=5, input_delay_ticks=1)
    if numba.config.DISABLE_JIT:
        records = {name: getattr(game._matches, name).view(np.recarray) for name in ("match", "fighters", "blank")}
        game._matches = game._matches._replace(**records)
    rng = np.random.default_rng(1)
    digest = hashlib.sha256()
    observation = game.reset(rng.integers(0, len(roster), (2, 3)))
    for _ in range(120):
        observation, step = game.step(random_actions(observation, rng))
        for array in (*observation, *step):
            digest.update(np.ascontiguousarray(array).tobytes())
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
