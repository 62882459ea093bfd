"""What the duel counts, and when it was possible: no count without an opening for it."""

from __future__ import annotations

import numpy as np

from camtf.games.duel.game import Duel
from camtf.games.duel.openings import COUNTED
from camtf.games.duel.state import SKILLS
from camtf.games.protocol import Counting
from camtf.prng import uniforms

FORCING, COUNTER, CLONE = range(len(COUNTED))


def test_nothing_is_counted_that_was_not_possible(duel: Duel) -> None:
    """Bots play 300 decisions of 64 matches. A forcing move or a substitution happens at the decision itself; a counter
    move at the hit, so that openings for it are only seen to be some and not all."""
    batch = duel.make(3, np.arange(64))
    assert isinstance(batch, Counting) and batch.counted == COUNTED and batch.longest == 600
    rng = np.random.default_rng(1)
    observation = batch.reset(rng.integers(0, len(duel.characters), (2, 64)))
    counted, opened, wasted = np.zeros((3, len(COUNTED)), np.int64)
    for step in range(300):
        possible, before = batch.possible(), [batch.events[name] for name in COUNTED]
        chance = uniforms(1, 0, step, np.arange(64), (2, 9 + len(SKILLS)), time_major=True)
        seen = [type(observation)(*(leaf[p] for leaf in observation)) for p in range(2)]
        actions = np.stack([
            duel.bots[bot](batch, p, seen[p], chance[p]) for p, bot in enumerate(("random_legal", "rusher"))
        ])  # fmt: skip
        observation, result = batch.step(actions)
        for event, name in enumerate(COUNTED):
            more = (batch.events[name] > before[event]) & ~result.done
            counted[event] += more.sum()
            opened[event] += possible[..., event].sum()
            wasted[event] += (more & ~possible[..., event]).sum()
    assert (counted > 0).all() and (opened > counted).all()
    assert wasted[FORCING] == wasted[CLONE] == 0
    assert (opened < 300 * 2 * 64).all()


def test_counts_of_the_last_battle(duel: Duel) -> None:
    """They are those of the rules, in the order of the names."""
    batch = duel.make(3, np.arange(8))
    batch.reset(np.zeros((2, 8), int))
    rusher = duel.bots["rusher"]
    observation = batch.observe()
    ended = np.zeros(8, np.bool_)
    while not ended.any():
        seen = [type(observation)(*(leaf[p] for leaf in observation)) for p in range(2)]
        chance = np.full((8, 9 + len(SKILLS)), 0.5, np.float32)
        actions = np.stack([rusher(batch, p, seen[p], chance) for p in range(2)])
        observation, result = batch.step(actions)
        ended = result.done
    for event, name in enumerate(COUNTED):
        assert np.array_equal(batch.last_counts()[:, ended, event], batch.last_events[name][:, ended])
    assert batch.last_counts()[:, ended].any() and not batch.last_counts()[:, ~ended].any()
