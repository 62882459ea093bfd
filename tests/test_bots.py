"""The scripted opponents: legal, and in the order of strength that their dictionary claims."""

from __future__ import annotations

import numpy as np
import pytest

from camtf.evaluation.battles import BotSide, play
from camtf.evaluation.intervals import wilson
from camtf.game.bots import BOTS
from camtf.game.env import DuelGame
from camtf.game.roster import Roster
from camtf.types import Observation


@pytest.mark.parametrize("name", list(BOTS))
def test_bots_play_legally_as_everyone(roster: Roster, name: str, rng: np.random.Generator) -> None:
    n = len(roster)
    game = DuelGame(roster, n * n, 3)
    observation = game.reset(np.array(np.unravel_index(np.arange(n * n), (n, n))))
    for _ in range(300):
        fighters = game.fighters
        actions = [
            BOTS[name](Observation(*(x[p] for x in observation)), fighters[p], fighters[1 - p], rng) for p in (0, 1)
        ]
        observation, _ = game.step(np.stack(actions))  # would refuse an illegal one
    assert game.fighters["event_starts"][..., 1].sum() > 0


def test_rusher_beats_random(roster: Roster) -> None:
    everyone = np.arange(len(roster))
    pairs = np.array([(a, b) for a in everyone for b in everyone])
    wins = play(roster, BotSide("rusher", everyone), BotSide("random_legal", everyone), pairs, 6, seed=1)
    assert wilson(wins.sum(), 6 * len(pairs))[0] > 0.5
