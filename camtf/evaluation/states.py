"""Mutual information of a kind's players and the Generalists, in the states that Generalists bring about."""

from __future__ import annotations

import numpy as np
from scipy.stats import t

from camtf import distributed
from camtf.evaluation.battles import turns
from camtf.evaluation.fights import Parts
from camtf.evaluation.findings import Information
from camtf.evaluation.information import information_between
from camtf.evaluation.networks import Networks
from camtf.evaluation.sides import Players
from camtf.evaluation.tables import seed_of
from camtf.games.pairing import pairings
from camtf.learn.information import mutual_information
from camtf.population.training import Context
from camtf.prng import MINIBATCHES, uniforms
from camtf.types import Observation

STATES_PER_BATTLE = 4
"""States of one battle are alike: few of each of many."""
_SHUFFLES = 100
_LATEST = 1 << 24


def information(
    context: Context, kinds: list[Players], generalist: Players, battles: int, seed: int, parts: Parts
) -> list[Information]:
    """Of every kind as each character against the Generalist as each, all kinds in the same states.

    Args:
        battles: between Generalists, of each pair of characters.
    """
    digests = [kind.found.digests for kind in kinds]
    key = f"information {digests} {generalist.found.digests} {battles} {seed} {STATES_PER_BATTLE} {_SHUFFLES} jackknife"
    kept = parts.get("information", key)
    if kept is None:
        kept = _measure(context, kinds, generalist, battles, seed)
        parts.put("information", key, kept)
    return [
        Information(kind.name, battles, battles * STATES_PER_BATTLE, *(kept[name][number] for name in _MEASURED))
        for number, kind in enumerate(kinds)
    ]


_MEASURED = ("value", "null", "null_low", "null_high", "low", "high")


def _measure(
    context: Context, kinds: list[Players], generalist: Players, battles: int, seed: int
) -> dict[str, np.ndarray]:
    """Arrays ``[kinds, N, N]``. Ranks play their part of the battles, and each then looks at all states."""
    pairs = pairings(context.game, generalist.side.character, generalist.side.character)
    first, second = _sampled(context, generalist, pairs, battles, seed_of(seed, "information"))
    n = len(context.characters)
    found = {name: np.full((len(kinds), n, n), np.nan) for name in _MEASURED}
    characters = np.array(context.characters)
    cell = np.repeat(np.arange(len(pairs)), battles * STATES_PER_BATTLE)
    theirs = Networks(context, generalist.snapshots, characters).probabilities(second, pairs[cell, 1])
    quantile = t.ppf(0.975, battles - 1)
    for number, kind in enumerate(kinds):
        own = Networks(context, kind.snapshots, characters).probabilities(first, pairs[cell, 0])
        for place, (k, j) in enumerate(pairs):
            rows = slice(place * battles * STATES_PER_BATTLE, (place + 1) * battles * STATES_PER_BATTLE)
            x, y = [head[rows] for head in own], [head[rows] for head in theirs]
            rng = np.random.default_rng((seed, place))  # the same for every kind
            shown = information_between(x, y, rng, _SHUFFLES)
            beyond, half = shown.value - shown.null, quantile * standard_error(x, y, battles)
            for name, value in zip(
                _MEASURED,
                (shown.value, shown.null, shown.null_low, shown.null_high, beyond - half, beyond + half),
                strict=True,
            ):
                found[name][number, k, j] = value
    return found


def _sampled(
    context: Context, generalist: Players, pairs: np.ndarray, battles: int, seed: int
) -> tuple[Observation, Observation]:
    """What both players see at `STATES_PER_BATTLE` decisions of every battle, drawn uniformly from those it has; leaves
    ``[cells * battles * STATES_PER_BATTLE, ...]``."""
    numbers = np.arange(len(pairs) * battles)
    own = numbers[distributed.rank() :: distributed.size()]
    kept = context.game.spec.empty_observation(2, len(numbers), STATES_PER_BATTLE)
    decisions = np.zeros(len(numbers), np.int64)
    side = generalist.side
    for turn in turns(context.game, side, side, own, pairs[own // battles], seed, matches=1024):
        rows = np.flatnonzero(turn.counts)
        battle = turn.battle[rows]
        places = battle.astype(np.uint64) * np.uint64(_LATEST) + decisions[battle].astype(np.uint64)
        drawn = uniforms(seed, MINIBATCHES, 0, places, (STATES_PER_BATTLE,))
        decisions[battle] += 1
        takes = drawn * decisions[battle][:, None] < 1.0  # reservoirs of one: the t-th replaces with probability 1 / t
        row, slot = np.nonzero(takes)
        for leaf, seen in zip(kept, turn.observation, strict=True):
            leaf[:, battle[row], slot] = seen[:, rows[row]]
    everyone = distributed.sum_over_ranks(list(kept), "states")
    states = len(numbers) * STATES_PER_BATTLE
    leaves = [x.reshape(2, states, *x.shape[3:]).astype(leaf.dtype) for x, leaf in zip(everyone, kept, strict=True)]
    return Observation(*(x[0] for x in leaves)), Observation(*(x[1] for x in leaves))


def standard_error(first: list[np.ndarray], second: list[np.ndarray], battles: int) -> float:
    """Standard error of `information_between` over battles: the jackknife, which leaves out a battle at a time.

    A bootstrap will not do: a resample holds fewer different battles than there are, and information that is estimated
    from fewer is larger.

    Args:
        first, second: as for `information_between`; the states of a battle stand together.
    """
    left_out = np.zeros(battles)
    for x, y in zip(first, second, strict=True):
        x, y = (head.astype(np.float64).reshape(battles, -1, head.shape[1]) for head in (x, y))
        joint = np.einsum("bsx,bsy->bxy", x, y)
        total = joint.sum(axis=0)
        left_out += [mutual_information(total - one) for one in joint]
    return float(np.sqrt((battles - 1) / battles * np.square(left_out - left_out.mean()).sum()))
