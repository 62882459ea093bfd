"""The vector environment: as many single ones, bit for bit, in every way to begin anew."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from camtf.games.adapters.layouts import LAYOUTS
from camtf.games.adapters.single import DuelEnv
from camtf.games.adapters.vector import DuelVectorEnv
from camtf.games.duel.roster import Roster


def same(a: Any, b: Any) -> bool:
    """Whether two observations or infos are the same, whatever they are made of."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, tuple) or (isinstance(a, np.ndarray) and a.dtype.hasobject):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(np.array_equal(a, b))


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_it_is_as_many_single_ones(plain: Roster, mode: AutoresetMode) -> None:
    """Observations, rewards, ends and all that is told; the oracle is Gymnasium's own vector of `DuelEnv`."""
    arguments: dict[str, Any] = {"opponent": "rusher", "roster": plain, "characters": ("reed", None)}
    fast = gymnasium.make_vec("camtf/Duel-v0", num_envs=3, autoreset_mode=mode, **arguments)
    slow = SyncVectorEnv([lambda: DuelEnv(**arguments)] * 3, autoreset_mode=mode)
    assert fast.observation_space == slow.observation_space and fast.action_space == slow.action_space
    assert same(fast.reset(seed=9), slow.reset(seed=9))
    fast.action_space.seed(5)
    ends = 0
    for _ in range(400):
        actions = fast.action_space.sample()
        stepped = fast.step(actions)
        assert same(stepped, slow.step(actions))
        assert same(fast.unwrapped.action_masks(), np.stack(slow.call("action_masks")))
        ends += stepped[2].sum()
        if mode is AutoresetMode.DISABLED and stepped[2].any():
            with pytest.raises(RuntimeError, match=r"no match is running: call reset\(\) first"):
                fast.step(actions)
            assert same(*(envs.reset(options={"reset_mask": stepped[2].copy()}) for envs in (fast, slow)))
    assert ends > 6


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("actions", ["heads", "joint"])
def test_what_is_shown_is_in_the_space(plain: Roster, layout: str, actions: str) -> None:
    envs = DuelVectorEnv(4, "punisher", plain, observation=layout, actions=actions)
    single = DuelEnv("punisher", plain, observation=layout, actions=actions)
    assert envs.single_observation_space == single.observation_space
    envs.action_space.seed(1)
    first, _ = envs.reset(seed=1)
    kept = [first]
    for _ in range(60):
        observation, *_ = envs.step(envs.action_space.sample())
        assert envs.observation_space.contains(observation)
        kept.append(observation)
    assert same(first, envs.reset(seed=1)[0]) and not same(kept[-2], kept[-1])  # arrays of their own


def test_one_compiled_step_of_a_match_does_not_know_its_neighbours(roster: Roster) -> None:
    few, many = (DuelVectorEnv(n, "punisher", roster, observation="flat") for n in (2, 5))
    few.reset(seed=3)
    many.reset(seed=3)
    many.action_space.seed(1)
    for _ in range(150):
        actions = many.action_space.sample()
        one, all_ = few.step(actions[:2]), many.step(actions)
        assert same(one[0], all_[0][:2]) and same(one[1], all_[1][:2])


def test_gymnasiums_wrappers_count_matches(plain: Roster) -> None:
    envs = RecordEpisodeStatistics(DuelVectorEnv(2, "rusher", plain, ("reed", "anvil")))
    envs.reset(seed=1)
    lengths, rewards = [], np.zeros(2)
    for _ in range(300):
        _, reward, ended, _, info = envs.step(np.zeros((2, 2), int))
        rewards += reward
        if ended.any():
            lengths += list(info["episode"]["l"][ended])
            np.testing.assert_allclose(info["episode"]["r"][ended], rewards[ended], atol=1e-3)
            assert (info["outcome"][ended] == 0.0).all()
            break
    assert lengths and max(lengths) < 600


def test_staggered_matches_begin_at_different_times(plain: Roster) -> None:
    envs = DuelVectorEnv(64, "idle", plain, staggered=True, autoreset_mode="SameStep")
    envs.reset(seed=1)
    ends = np.stack([envs.step(np.zeros((64, 2), int))[2] for _ in range(1200)])
    assert (ends[:600].sum(axis=0) == 1).all() and len(np.unique(ends[:600].argmax(axis=0))) > 50
    np.testing.assert_array_equal(ends[600:], ends[:600])  # and from then on whole ones


def test_masks_of_all_and_of_each(plain: Roster) -> None:
    envs = gymnasium.make_vec("camtf/Duel-v0", num_envs=3, roster=plain)
    observation, _ = envs.reset(seed=1)
    masks = envs.unwrapped.action_masks()
    assert masks.shape == (3, 19) and masks.dtype == np.bool_ and same(masks, observation["action_mask"])
    assert same(np.stack(envs.unwrapped.get_attr("action_masks")), masks)
    with pytest.raises(AttributeError, match="answer to 'action_masks'; got 'render'"):
        envs.unwrapped.call("render")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_envs": 0}, "num_envs must be at least 1, got 0"),
        (
            {"autoreset_mode": "Sometimes"},
            "autoreset_mode must be one of NextStep, SameStep, Disabled; got 'Sometimes'",
        ),
    ],
)
def test_arguments_are_refused_by_name(plain: Roster, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DuelVectorEnv(roster=plain, **arguments)


def test_what_is_refused(plain: Roster) -> None:
    envs = DuelVectorEnv(3, "idle", plain, illegal="refuse")
    still = np.zeros((3, 2), int)
    mask = np.array([True, False, False])
    with pytest.raises(RuntimeError, match=r"no match is running: call reset\(\) first"):
        envs.step(still)
    with pytest.raises(ValueError, match="reset_mask goes with matches that were started before"):
        envs.reset(options={"reset_mask": mask})
    envs.reset(seed=1)
    for wrong in (np.array([True, False]), np.zeros(3, bool), [True, False, False], np.ones(3, int)):
        with pytest.raises(ValueError, match=r"reset_mask must be bool, of shape \(3,\) and not all False; got"):
            envs.reset(options={"reset_mask": wrong})
    with pytest.raises(ValueError, match=r"movement 0 to 8 and skill 0 to 9, and many an array of shape \(3, 2\); got"):
        envs.step(still[:2])
    with pytest.raises(ValueError, match=r"skill 0 to 9; got \[0, 10\] for match 1"):
        envs.step(still + np.array([[0, 0], [0, 10], [0, 0]]))
    skill_1 = still + np.array([[0, 0], [0, 0], [0, 2]])
    envs.step(skill_1)
    with pytest.raises(ValueError, match=r"match 2, player 0: illegal action \(0, 2\)"):
        envs.step(skill_1)
