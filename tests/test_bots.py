"""The scripted opponents: legal, and in the order of strength that their dictionary claims."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

from camtf.evaluation.battles import BotSide, play
from camtf.evaluation.intervals import wilson
from camtf.games.duel.bots import BOTS
from camtf.games.duel.env import DuelGame
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.types import Observation


@pytest.mark.parametrize("name", list(BOTS))
def test_bots_play_legally_as_everyone(roster: Roster, name: str, rng: np.random.Generator) -> None:
    game = DuelGame(roster, 640, 3)
    observation = game.reset(np.stack([np.arange(640) % len(roster), rng.integers(0, len(roster), 640)]))
    for _ in range(300):
        chance = rng.random((2, 640, 19), np.float32)
        actions = [BOTS[name](game, p, Observation(*(x[p] for x in observation)), chance[p]) for p in (0, 1)]
        observation, _ = game.step(np.stack(actions))  # would refuse an illegal one
    fighters = game.fighters
    assert (fighters["event_starts"][..., 1, :].sum() > 0) == (name != "idle")


@pytest.mark.parametrize(("weaker", "stronger"), list(itertools.pairwise(BOTS)))
def test_each_bot_beats_the_one_before_it(roster: Roster, weaker: str, stronger: str) -> None:
    """Over the characters made by hand, all pairs."""
    everyone = np.arange(16)
    pairs = np.array([(a, b) for a in everyone for b in everyone])
    sides = BotSide(BOTS[stronger], everyone), BotSide(BOTS[weaker], everyone)
    wins = play(Duel(roster), *sides, pairs, 6, seed=1, matches=512)
    assert wilson(wins.sum(), 6 * len(pairs))[0] > 0.5


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("zoner", "00ecef2197e4ad9e"),
        ("rusher", "97c78dd81cb6c556"),
        ("punisher", "8a408bcae3ad3576"),
    ],
)
def test_the_yardstick_stays_what_it_was(plain: Roster, name: str, digest: str) -> None:
    """What each decided when its results were published, in situations of all kinds."""
    game = DuelGame(plain, 64, 3)
    rng = np.random.default_rng(1)
    observation = game.reset(rng.integers(0, 2, (2, 64)))
    decided = hashlib.sha256()
    for _ in range(300):
        chance = rng.random((2, 64, 19), np.float32)
        seen = [Observation(*(x[p] for x in observation)) for p in (0, 1)]
        decided.update(BOTS[name](game, 0, seen[0], chance[0]).tobytes())
        players = [BOTS[("random_legal", "punisher")[p]](game, p, seen[p], chance[p]) for p in (0, 1)]
        observation, _ = game.step(np.stack(players))
    assert decided.hexdigest()[:16] == digest
