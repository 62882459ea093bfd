"""The pool: every row by its own snapshot and mixture, however the rows are spread."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from camtf.config import preset
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT, duel_spec
from camtf.games.duel.roster import Roster
from camtf.model.policy import Policy
from camtf.population import pool as pool_module
from camtf.population.pool import EXACT_ROWS, UNIFORM, Pool
from camtf.types import Observation, Snapshot
from tests.playing import random_actions

NETWORK = preset("test").network
ROWS, SNAPSHOTS = 200, 5
SPREADS = {
    "each its share": np.arange(ROWS) % SNAPSHOTS,
    "one alone": np.full(ROWS, 3),
    "one most of all": np.where(np.arange(ROWS) % 9 == 0, np.arange(ROWS) % SNAPSHOTS, 2),
    "two of five": np.where(np.arange(ROWS) < 70, 4, 1),
    "some uniform": np.arange(ROWS) % (SNAPSHOTS + 1) + UNIFORM,
}


def policies(roster: Roster, count: int, first_seed: int = 1) -> list[Policy]:
    """Networks that differ in every weight, and decide sharply."""
    made = []
    for seed in range(first_seed, first_seed + count):
        policy, chance = Policy(NETWORK, duel_spec(roster), seed), np.random.default_rng(seed)
        policy.set_weights({
            path: w + chance.normal(scale=0.3, size=w.shape).astype(np.float32)
            for path, w in policy.get_weights().items()
        })  # fmt: skip
        made.append(policy)
    return made


class Setting:
    """A pool, the networks it was made of, and rows to play."""

    def __init__(self, roster: Roster) -> None:
        rng = np.random.default_rng(4)
        self.policies = policies(roster, SNAPSHOTS)
        slots = NETWORK.mixture_slots
        mixtures = rng.dirichlet(np.ones(slots), (SNAPSHOTS, len(roster))).astype(np.float32)
        self.snapshots = [Snapshot(str(i), p.get_weights(), mixtures[i]) for i, p in enumerate(self.policies)]
        self.pool = Pool(NETWORK, duel_spec(roster), self.snapshots)
        game = DuelGame(roster, ROWS, 1)
        seen = game.reset(rng.integers(0, len(roster), (2, ROWS)))
        for _ in range(30):
            seen, _ = game.step(random_actions(seen, rng))
        self.observation = Observation(*(x[0] for x in seen))
        self.mixture = rng.dirichlet(np.ones(slots), ROWS).astype(np.float32)
        self.uniforms = rng.random((ROWS, MOVEMENT_COUNT + SKILL_COUNT)).astype(np.float32)

    def alone(self, policy: Policy, rows: np.ndarray) -> np.ndarray:
        """What a network does by itself."""
        observation = Observation(*(x[rows] for x in self.observation))
        return policy.act(observation, self.mixture[rows], self.uniforms[rows])[0].numpy()

    def together(self, snapshot: np.ndarray, exact: bool = False) -> np.ndarray:
        return self.pool.act(self.observation, snapshot, self.mixture, self.uniforms, exact)


@pytest.fixture(scope="module")
def setting(roster: Roster) -> Setting:
    return Setting(roster)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("spread", list(SPREADS))
def test_each_row_is_played_by_its_snapshot(setting: Setting, spread: str, exact: bool) -> None:
    snapshot = SPREADS[spread]
    together = setting.together(snapshot, exact)
    assert together.dtype == np.int32
    for index, policy in enumerate(setting.policies):
        rows = np.flatnonzero(snapshot == index)
        if len(rows):
            np.testing.assert_array_equal(together[rows], setting.alone(policy, rows))
    everyone = [setting.alone(policy, np.arange(ROWS)) for policy in setting.policies]
    assert all((one != other).any(axis=1).mean() > 0.2 for one in everyone for other in everyone if one is not other)


def test_the_caller_says_the_mixture(setting: Setting) -> None:
    """A snapshot's own mixtures are looked up; the row's mixture is what the network sees."""
    snapshot, character = np.array([2, UNIFORM, 0]), np.array([7, 1, 3])
    own = setting.pool.mixture(snapshot, character)
    np.testing.assert_array_equal(own, [setting.snapshots[2].mixture[7], np.zeros(16), setting.snapshots[0].mixture[3]])
    other = np.roll(setting.mixture, 1, axis=1)
    zeros = np.zeros(ROWS, np.int64)
    chosen = [setting.pool.act(setting.observation, zeros, m, setting.uniforms) for m in (setting.mixture, other)]
    assert (chosen[0] != chosen[1]).any()


def test_one_snapshot_is_replaced_in_place(roster: Roster, setting: Setting) -> None:
    pool = Pool(NETWORK, duel_spec(roster), setting.snapshots[:3])
    snapshot = np.arange(ROWS) % 3
    given = setting.observation, snapshot, setting.mixture, setting.uniforms
    before = pool.act(*given)
    (fresh,) = policies(roster, 1, first_seed=40)
    pool.set_weights(1, fresh.get_weights())
    after = pool.act(*given)
    rows = snapshot == 1
    np.testing.assert_array_equal(after[~rows], before[~rows])
    np.testing.assert_array_equal(after[rows], setting.alone(fresh, rows))
    assert (after[rows] != before[rows]).any()
    assert pool.snapshots[1].digest == dataclasses.replace(setting.snapshots[1], weights=fresh.get_weights()).digest
    assert pool.snapshots[1].digest != setting.snapshots[1].digest
    with pytest.raises(ValueError, match="weights are of another network"):
        pool.set_weights(1, {"x": np.zeros(1, np.float32)})


def test_uniform_rows_draw_from_what_is_legal(roster: Roster, setting: Setting) -> None:
    """Each legal action of a head equally often, no other; no snapshot is needed."""
    pool, draws = Pool(NETWORK, duel_spec(roster), []), 4000
    observation = Observation(*(np.repeat(x[:1], draws, axis=0) for x in setting.observation))
    legal = observation.mask[0, : MOVEMENT_COUNT + SKILL_COUNT].copy()
    legal[[1, MOVEMENT_COUNT + 2]] = 0.0
    observation.mask[:, : len(legal)] = legal
    uniforms = np.random.default_rng(2).random((draws, len(legal)), np.float32)
    nobody = np.full(draws, UNIFORM)
    chosen = pool.act(observation, nobody, pool.mixture(nobody, nobody), uniforms)
    for head, allowed in enumerate((legal[:MOVEMENT_COUNT], legal[MOVEMENT_COUNT:])):
        expected = draws * allowed / allowed.sum()
        seen = np.bincount(chosen[:, head], minlength=len(allowed))
        assert ((seen > 0) == (allowed > 0)).all() and np.abs(seen - expected).max() < 5 * np.sqrt(
            draws / allowed.sum()
        )


def test_no_rows_and_unknown_snapshots(setting: Setting) -> None:
    none = Observation(*(x[:0] for x in setting.observation))
    assert setting.pool.act(none, np.zeros(0, int), setting.mixture[:0], setting.uniforms[:0]).shape == (0, 2)
    for wrong in (SNAPSHOTS, UNIFORM - 1):
        with pytest.raises(ValueError, match=rf"snapshot must be in \[-1, 5\), got .*{wrong}"):
            setting.together(np.where(np.arange(ROWS) == 7, wrong, 0))
    for snapshot, character in ((SNAPSHOTS, 0), (0, 10_000), (0, -1)):
        with pytest.raises(IndexError, match="no such snapshot or character"):
            setting.pool.mixture(np.array([snapshot]), np.array([character]))


@pytest.mark.parametrize("size", [1, 7, EXACT_ROWS, 130])
def test_exactly_each_row_is_by_itself(setting: Setting, size: int) -> None:
    """In batches of any size, a row has the logits that it has among all, bit for bit, and does the same."""
    snapshot = SPREADS["one most of all"]
    together, logits = setting.together(snapshot, exact=True), exact_logits(setting, snapshot, slice(None))
    for first in range(0, ROWS, size)[:4]:
        rows = slice(first, first + size)
        observation = Observation(*(x[rows] for x in setting.observation))
        given = observation, snapshot[rows], setting.mixture[rows], setting.uniforms[rows]
        np.testing.assert_array_equal(setting.pool.act(*given, exact=True), together[rows])
        np.testing.assert_array_equal(exact_logits(setting, snapshot[rows], rows), logits[rows])


def exact_logits(setting: Setting, snapshot: np.ndarray, which: slice) -> np.ndarray:
    """What the pool computes for these rows, and by networks of their own in whole blocks the same."""
    observation, mixture = Observation(*(x[which] for x in setting.observation)), setting.mixture[which]
    counts = np.bincount(snapshot, minlength=SNAPSHOTS)
    rows, slot, owner, _ = pool_module._arrange(snapshot, counts, EXACT_ROWS)
    weights = [stacked[owner] for stacked in setting.pool._weights]
    logits = np.concatenate(setting.pool._logits(weights, observation, mixture, rows), axis=1)[slot]
    padded = np.arange(-(-len(mixture) // EXACT_ROWS) * EXACT_ROWS) % len(mixture)
    for index, policy in enumerate(setting.policies):
        output = policy(Observation(*(tf.constant(x[padded]) for x in observation)), tf.constant(mixture[padded]))
        alone = np.concatenate([output.movement, output.skill], axis=1)[: len(mixture)]
        np.testing.assert_array_equal(alone[snapshot == index], logits[snapshot == index])
    return logits


@pytest.mark.parametrize("unit", [1, EXACT_ROWS])
@pytest.mark.parametrize("snapshots", [1, 4, 13, 320])
@pytest.mark.parametrize("spread", ["single", "uniform", "skewed"])
def test_only_what_rows_need_is_computed(snapshots: int, spread: str, unit: int) -> None:
    """Every row stands in a block of its snapshot, and the blocks have little more than the rows."""
    n, rng = 1024, np.random.default_rng(1)
    snapshot = {
        "single": np.full(n, snapshots - 1),
        "uniform": rng.permutation(np.arange(n) % snapshots),
        "skewed": np.minimum(rng.geometric(0.5, n) - 1, snapshots - 1),
    }[spread]
    counts = np.bincount(snapshot, minlength=snapshots)
    rows, slot, owner, whole = pool_module._arrange(snapshot, counts, unit)
    assert rows.shape[1] % unit == 0 and len(owner) == len(rows)
    np.testing.assert_array_equal(rows.ravel()[slot], np.arange(n))
    np.testing.assert_array_equal(owner[slot // rows.shape[1]], snapshot)
    if whole:
        np.testing.assert_array_equal(owner, np.arange(snapshots))
    else:
        assert set(owner) == set(snapshot)
    present = len(np.unique(snapshot))
    assert rows.size <= 1.5 * n + present * max(unit, 16)
