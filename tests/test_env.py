"""`DuelGame`: determinism, independence of the matches, mirror symmetry, zero sum, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.config import RewardConfig
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import (
    ENVIRONMENT_AT,
    ENVIRONMENT_FIELDS,
    FIGHTER_FIELDS,
    FIGHTER_WIDTH,
    MOVEMENT_COUNT,
    SKILL_COUNT,
)
from camtf.games.duel.roster import Roster, load_roster
from camtf.types import Observation
from tests.playing import random_actions

ROSTER = load_roster()


def play(game: DuelGame, characters: np.ndarray, steps: int, seed: int) -> tuple[list[Observation], np.ndarray]:
    """Random legal play: copies of all observations, and rewards ``[steps, P, B]``."""
    rng = np.random.default_rng(seed)
    observation = game.reset(characters)
    seen, rewards = [], []
    for _ in range(steps):
        seen.append(observation)
        observation, step = game.step(random_actions(observation, rng))
        rewards.append(step.reward)
    return seen, np.stack(rewards)


def same(a: list[Observation], b: list[Observation]) -> bool:
    return all(np.array_equal(x, y) for one, other in zip(a, b, strict=True) for x, y in zip(one, other, strict=True))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), data=st.data())
def test_random_play_keeps_the_rules(seed: int, data: st.DataObject) -> None:
    matches = 8
    characters = np.array(data.draw(st.lists(st.integers(0, len(ROSTER) - 1), min_size=16, max_size=16)))
    weights = RewardConfig(own_health=3.0, opponent_health=8.0, combo=2.5, mana=0.7)
    game = DuelGame(ROSTER, matches, seed, weights)
    seen, rewards = play(game, characters.reshape(2, matches), 250, seed)
    assert np.all(rewards[:, 0] + rewards[:, 1] == 0.0)  # exactly
    for observation in seen[::10]:
        mask = observation.mask
        assert np.isin(mask, (0.0, 1.0)).all()
        assert (mask[..., 0] == 1).all() and (mask[..., MOVEMENT_COUNT] == 1).all()  # stay and none always
        assert np.abs(observation.basic).max() <= 1.0
        assert observation.buff.min() >= 0.0 and observation.buff.max() <= 1.0
        assert observation.element[..., :7].min() >= 0 and np.abs(observation.element[..., 7:]).max() <= 1000
    fighters = game.fighters
    assert (fighters["mana"] >= 0).all() and (fighters["mana"] <= 1000).all()
    assert (fighters["health_hp"] > 0).all()
    assert (fighters["cooldown_ticks"] >= 0).all() and (fighters["stun_ticks"] >= 0).all()


def test_one_seed_one_match(roster: Roster) -> None:
    characters = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    first, rewards = play(DuelGame(roster, 4, 5), characters, 300, 1)
    again, rewards_again = play(DuelGame(roster, 4, 5), characters, 300, 1)
    other, _ = play(DuelGame(roster, 4, 6), characters, 300, 1)
    assert same(first, again) and np.array_equal(rewards, rewards_again)
    assert not same(first[:1], other[:1])


def test_the_ticks_of_a_decision_end_where_the_decision_ends(roster: Roster) -> None:
    """Also over the end of a battle, and without playing anything."""
    rng = np.random.default_rng(3)
    game = DuelGame(roster, 3, 4, input_delay_ticks=2)
    observation, ended = game.reset(np.array([[0, 1, 2], [3, 4, 5]])), 0
    while ended < 3:
        actions, before = random_actions(observation, rng), game.state()
        ticks = game.ticks(actions)
        assert ticks.shape == (3, 2, 3) and all(np.array_equal(game.state()[name], x) for name, x in before.items())
        observation, step = game.step(actions)
        after = np.where(step.done, game.last_fighters, game.fighters)
        assert np.array_equal(ticks[-1], after)
        ended += int(step.done.sum())
    actions[0, 1] = 0, 99
    with pytest.raises(ValueError, match=r"match 1, player 0: illegal action \(0, 99\)"):
        game.ticks(actions)


def test_matches_do_not_touch_each_other(roster: Roster) -> None:
    characters = np.array([[0, 1, 2], [3, 4, 5]])
    together = DuelGame(roster, 3, 9)
    alone = [DuelGame(roster, 1, 9, match_ids=np.array([b])) for b in range(3)]
    rng = np.random.default_rng(2)
    observation = together.reset(characters)
    singles = [game.reset(characters[:, b : b + 1]) for b, game in enumerate(alone)]
    for _ in range(400):
        actions = random_actions(observation, rng)
        observation, _ = together.step(actions)
        singles = [game.step(actions[:, b : b + 1])[0] for b, game in enumerate(alone)]
    for b, single in enumerate(singles):
        assert all(np.array_equal(x[:, b], y[:, 0]) for x, y in zip(observation, single, strict=True))


def test_a_mirrored_match_mirrors_exactly(roster: Roster) -> None:
    """Exchanged players stand on exchanged sides; what each sees and earns is the same."""
    rng = np.random.default_rng(3)
    characters = rng.integers(0, len(roster), (2, 400))
    game, mirror = DuelGame(roster, 400, 11), DuelGame(roster, 400, 11)
    observation, reflected = game.reset(characters), mirror.reset(characters[::-1])
    for _ in range(700):
        assert all(np.array_equal(x, y[::-1]) for x, y in zip(observation, reflected, strict=True))
        actions = random_actions(observation, rng)
        observation, step = game.step(actions)
        reflected, reflected_step = mirror.step(actions[::-1])
        np.testing.assert_array_equal(step.reward, reflected_step.reward[::-1])


def test_restore_continues_the_same_match(roster: Roster) -> None:
    characters = np.array([[0, 1], [2, 3]])
    game = DuelGame(roster, 2, 4)
    play(game, characters, 123, 8)
    other = DuelGame(roster, 2, 99)
    other.restore(game.state())
    rng = np.random.default_rng(5)
    for _ in range(600):
        observation = game.observe()
        actions = random_actions(observation, rng)
        a, b = game.step(actions), other.step(actions)
        assert same([a[0]], [b[0]]) and np.array_equal(a[1].reward, b[1].reward)


def test_the_side_is_drawn_fairly(roster: Roster) -> None:
    game = DuelGame(roster, 4000, 1)
    game.reset(np.zeros((2, 4000), int))
    left = (game.fighters["x_mm"][0] < 0).mean()
    assert abs(left - 0.5) < 0.03  # 3.8 standard deviations
    assert (game.fighters["x_mm"][0] == -game.fighters["x_mm"][1]).all()


def test_staggered_battles_end_at_all_times(roster: Roster) -> None:
    matches = 3000
    game = DuelGame(roster, matches, 2, staggered=True)
    game.reset(np.zeros((2, matches), int))
    alone = DuelGame(roster, 1, 2, match_ids=np.array([7]), staggered=True)
    alone.reset(np.zeros((2, 1), int))
    still = np.zeros((2, matches, 2), np.int32)
    ended = np.stack([game.step(still)[1].done for _ in range(1200)])
    assert (ended[:600].sum(axis=0) == 1).all()  # nobody strikes: every first battle lasts to the bell, 600 at most
    np.testing.assert_array_equal(ended[600:], ended[:600])  # and from then on the whole 600
    by_tenth = ended[:600].reshape(10, 60, matches).sum(axis=(1, 2))
    assert np.abs(by_tenth - matches / 10).max() < 75  # 4.5 standard deviations
    alone_ended = np.concatenate([alone.step(still[:, :1])[1].done for _ in range(600)])
    np.testing.assert_array_equal(alone_ended, ended[:600, 7])


def test_assigned_characters_enter_with_the_next_match(roster: Roster) -> None:
    game = DuelGame(roster, 2, 1)
    game.reset(np.array([[0, 0], [1, 1]]))
    game.assign(np.array([[2, 2], [3, 3]]))
    still = np.zeros((2, 2, 2), np.int32)
    for _ in range(599):
        game.step(still)
    assert game.fighters["character"].tolist() == [[0, 0], [1, 1]]
    observation, step = game.step(still)
    assert step.done.all() and game.fighters["character"].tolist() == [[2, 2], [3, 3]]
    assert observation.element[0, 0, :, 0].tolist() == [2, 3] and observation.element[1, 0, :, 0].tolist() == [3, 2]


def test_some_matches_start_anew_and_the_others_go_on(roster: Roster) -> None:
    game, other = DuelGame(roster, 3, 6), DuelGame(roster, 3, 6)
    characters = np.array([[0, 1, 2], [3, 4, 5]])
    observation, _ = play(game, characters, 50, 1)[0][-1], play(other, characters, 50, 1)
    game.assign(np.array([[7, 7, 7], [8, 8, 8]]))
    before = game.observe()
    game.restart(np.array([False, True, False]), observation)
    assert game.fighters["character"].tolist() == [[0, 7, 2], [3, 8, 5]]
    assert same([Observation(*(x[:, 1] for x in observation))], [Observation(*(x[:, 1] for x in game.observe()))])
    assert same([Observation(*(x[:, [0, 2]] for x in before))], [Observation(*(x[:, [0, 2]] for x in game.observe()))])
    still = np.zeros((2, 3, 2), np.int32)
    seen, _ = game.step(still)
    expected, _ = other.step(still)
    assert same([Observation(*(x[:, [0, 2]] for x in seen))], [Observation(*(x[:, [0, 2]] for x in expected))])


def test_a_battle_is_seen_as_it_ended(plain: Roster) -> None:
    """Against the same decision in a match that goes on: nobody has moved since the last observation but the clock."""
    game = DuelGame(plain, 2, 1)
    observation = game.reset(np.array([[0, 1], [1, 0]]))
    still = np.zeros((2, 2, 2), np.int32)
    for _ in range(599):
        observation, _ = game.step(still)
    following, step = game.step(still)
    assert step.done.all()
    last = Observation(*(x.copy() for x in following))
    game.observe_ended(np.array([True, False]), last)
    time_left = ENVIRONMENT_AT + ENVIRONMENT_FIELDS.index("time_left")
    assert last.basic[:, :, time_left].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert same([Observation(*(x[:, 1] for x in last))], [Observation(*(x[:, 1] for x in following))])
    np.testing.assert_array_equal(last.element[:, 0], observation.element[:, 0])
    np.testing.assert_array_equal(last.mask[:, 0], observation.mask[:, 0])
    own_x, other_x = FIGHTER_FIELDS.index("x"), FIGHTER_WIDTH + FIGHTER_FIELDS.index("x")
    np.testing.assert_array_equal(last.basic[:, 0, [own_x, other_x]], observation.basic[:, 0, [own_x, other_x]])


@pytest.mark.parametrize(
    ("movement", "skill", "message"),
    [
        (9, 0, r"match 1, player 0: illegal action \(9, 0\): movement must be in \[0, 9\)"),
        (0, -1, r"match 1, player 0: illegal action \(0, -1\)"),
        (0, 4, r"match 1, player 0: .*'stay' with 'ultimate' is masked"),
    ],
)
def test_an_illegal_action_is_refused_and_nothing_played(
    roster: Roster, movement: int, skill: int, message: str
) -> None:
    game = DuelGame(roster, 2, 1)
    game.reset(np.zeros((2, 2), int))
    assert game.observe().mask[0, 1, MOVEMENT_COUNT : MOVEMENT_COUNT + SKILL_COUNT][4] == 0
    before = game.state()
    actions = np.zeros((2, 2, 2), np.int32)
    actions[0, 1] = movement, skill
    with pytest.raises(ValueError, match=message):
        game.step(actions)
    assert all(np.array_equal(before[name], value) for name, value in game.state().items())


def test_wrong_shapes_and_characters_are_named(roster: Roster) -> None:
    game = DuelGame(roster, 2, 1)
    with pytest.raises(ValueError, match=r"shape \(2, 2\), got \(2, 3\)"):
        game.reset(np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=rf"\[0, {len(roster)}\), got up to {len(roster)}"):
        game.reset(np.full((2, 2), len(roster)))
    game.reset(np.zeros((2, 2), int))
    with pytest.raises(ValueError, match=r"actions must have shape \(2, 2, 2\)"):
        game.step(np.zeros((2, 2), np.int32))
    with pytest.raises(ValueError, match="matches must be at least 1, got 0"):
        DuelGame(roster, 0, 1)
