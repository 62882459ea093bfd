"""Intervals of what is counted in battles hold the truth in 93 to 97% of simulated evaluations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from camtf.algorithms import population
from camtf.evaluation.behaviour import GROUPS, TIME_BINS, behaviour
from camtf.evaluation.exploitation import Trained, exploiter_fight, exploiter_found
from camtf.evaluation.fights import Played
from camtf.evaluation.information import information_between
from camtf.evaluation.intervals import NORMAL_95
from camtf.evaluation.states import STATES_PER_BATTLE, standard_error
from camtf.learn.information import mutual_information
from camtf.population.measuring import strategies_side
from tests.ladder import GAME, always, ladder_run


def counted(events: np.ndarray) -> Played:
    """Battles in which this was counted of each member, ``[members, battles]``; nothing else happened in them."""
    members, battles = events.shape
    k, ones = GAME.spec.skills, np.ones((members, 1), np.int64)
    sums = {
        "battles": battles * ones, "lengths": battles * ones, "length_squares": battles * ones,
        "events": events.sum(axis=1, keepdims=True), "event_squares": (events**2).sum(axis=1, keepdims=True),
        "possible": 0 * ones, "skill_groups": np.ones((GROUPS, members, k), np.int64),
        **{name: np.ones((members, k), np.int64) for name in ("skill_squares", "skill_lengths", "legal")},
        "movement": ones, "timing": np.ones((members, k, TIME_BINS), np.int64), "time": np.ones((members, TIME_BINS)),
    }  # fmt: skip
    return Played(np.zeros((1, 1)), {}, sums)


def test_events_of_a_battle(rng: np.random.Generator) -> None:
    """Counts that differ more between battles than Poisson's do: 3 on average, with a variance of 7.5; 200 battles."""
    events = rng.negative_binomial(2, 0.4, (4_000, 200))
    found = behaviour("made", "trained", GAME, [counted(events)])
    held = np.abs(found.events[:, 0] - 3.0) <= NORMAL_95 * found.event_errors[:, 0]
    assert 0.93 <= held.mean() <= 0.97


def test_the_win_rate_of_an_exploiter(tmp_path: Path, rng: np.random.Generator) -> None:
    """Against two strategies that the equilibrium mixes alike, each as two characters: 0.7, 0.9, 0.5, 0.3 are won."""
    context = ladder_run(tmp_path, [(1, 1), (2, 2)])
    context.run.write_population(context.run.read_population() | {"payoffs": [[0.5, 0.5], [0.5, 0.5]]})
    strategies = population(context)
    hunter = Trained(always(context, "hunter", 3), 1, None, 10)
    fight = exploiter_fight(context, hunter, strategies, strategies_side(context, strategies), games=200, seed=1)
    rates = np.array([0.7, 0.9, 0.5, 0.3])[fight.pairs[:, 1]]
    held = 0
    for _ in range(1_000):
        outcome = (rng.random((len(fight.pairs), 2 * fight.half)) < rates[:, None]).astype(float)
        found = exploiter_found(context, hunter, strategies, fight, Played(outcome, {}, {}))
        held += abs(found.win_rate - rates.mean()) <= NORMAL_95 * found.error
    assert 0.93 <= held / 1_000 <= 0.97


@pytest.mark.parametrize(("battles", "together"), [(8, 0.0), (25, 0.6), (60, 0.6)])
def test_mutual_information(rng: np.random.Generator, battles: int, together: float) -> None:
    """Two players who are both in one of four moods, the same one with some probability. Near 0 it is less exact."""
    actions = 6
    first, second = rng.dirichlet(np.full(actions, 0.7), (2, 4))

    def seen(count: int) -> tuple[np.ndarray, np.ndarray]:
        mood = rng.integers(0, 4, (count, STATES_PER_BATTLE))
        other = np.where(rng.random(mood.shape) < together, mood, rng.integers(0, 4, mood.shape))
        return first[mood].reshape(-1, actions), second[other].reshape(-1, actions)

    x, y = seen(100_000)
    truth, quantile, held = float(mutual_information(x.T @ y)), t.ppf(0.975, battles - 1), 0
    for _ in range(400):
        x, y = seen(battles)
        shown = information_between([x], [y], rng, shuffles=20)
        held += abs(shown.value - shown.null - truth) <= quantile * standard_error([x], [y], battles)
    assert 0.91 <= held / 400 <= 0.99
