"""Stateless chance: the same place, the same number, on whatever rank."""

from __future__ import annotations

import numpy as np

from camtf.prng import ACTIONS, OPPONENTS, counted_uniforms, decision_uniforms, match_seeds, uniforms


def test_a_match_has_the_same_chance_wherever_it_is_played() -> None:
    everyone = uniforms(3, ACTIONS, 7, np.arange(10), (4, 2))
    assert np.array_equal(everyone[[2, 9, 5]], uniforms(3, ACTIONS, 7, np.array([2, 9, 5]), (4, 2)))
    time_major = uniforms(3, ACTIONS, 7, np.arange(10), (4, 2), time_major=True)
    assert np.array_equal(time_major.swapaxes(0, 1), everyone)
    assert np.array_equal(match_seeds(1, np.arange(6))[4:], match_seeds(1, np.array([4, 5])))


def test_seed_stream_step_and_match_all_matter() -> None:
    one = uniforms(3, ACTIONS, 7, np.array([1]), (64,))
    for other in (
        uniforms(4, ACTIONS, 7, np.array([1]), (64,)),
        uniforms(3, OPPONENTS, 7, np.array([1]), (64,)),
        uniforms(3, ACTIONS, 8, np.array([1]), (64,)),
        uniforms(3, ACTIONS, 7, np.array([2]), (64,)),
    ):
        assert not np.isclose(one, other).any()


def test_numbers_are_uniform_and_open() -> None:
    numbers = uniforms(1, ACTIONS, 0, np.arange(1000), (1000,))
    assert numbers.min() > 0.0 and numbers.max() < 1.0
    counts = np.histogram(numbers, 100, (0, 1))[0]
    chi_square = ((counts - 10_000) ** 2 / 10_000).sum()
    assert 50 < chi_square < 160  # 99 degrees of freedom, far outside of any doubt
    rows = numbers - 0.5
    assert abs((rows[:, :-1] * rows[:, 1:]).mean() * 12) < 0.01
    assert abs((rows[:-1] * rows[1:]).mean() * 12) < 0.01


def test_counted_numbers_depend_on_match_episode_and_step_alone() -> None:
    episodes, steps = (x.ravel() for x in np.meshgrid(np.arange(300), np.arange(300)))
    seeds = match_seeds(1, np.zeros(90_000, int))
    numbers = counted_uniforms(seeds, episodes, steps)
    assert numbers.min() > 0.0 and numbers.max() < 1.0
    counts = np.histogram(numbers, 100, (0, 1))[0]
    assert 50 < ((counts - 900) ** 2 / 900).sum() < 160  # 99 degrees of freedom
    square = numbers.reshape(300, 300) - 0.5
    assert abs((square * square.T).mean() * 12) < 0.02  # (episode, step) and (step, episode)
    assert np.array_equal(numbers[[7, 123]], counted_uniforms(seeds[:2], episodes[[7, 123]], steps[[7, 123]]))
    assert not np.isclose(numbers, counted_uniforms(match_seeds(1, np.ones(90_000, int)), episodes, steps)).all()


def test_the_numbers_of_a_decision_are_its_own() -> None:
    seeds = match_seeds(1, np.arange(500))
    episodes, steps = np.arange(500) % 7, np.arange(500) % 3
    numbers = decision_uniforms(seeds, episodes, steps, 20)
    assert numbers.dtype == np.float32 and numbers.min() > 0.0 and numbers.max() < 1.0
    assert len(np.unique(numbers)) > 9900 and abs(numbers.mean() - 0.5) < 0.02
    few = np.array([3, 499, 7])
    np.testing.assert_array_equal(numbers[few, :5], decision_uniforms(seeds[few], episodes[few], steps[few], 5))
    for other in ((seeds[::-1], episodes, steps), (seeds, episodes + 1, steps), (seeds, episodes, steps + 1)):
        assert (decision_uniforms(*other, 20) == numbers).mean() < 0.001
