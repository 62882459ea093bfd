"""The environments for other libraries, by those libraries' own tests."""

from __future__ import annotations

import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

import camtf
from camtf.games import adapters
from camtf.games.adapters.layouts import LAYOUTS
from camtf.games.adapters.parallel import AGENTS, DuelParallelEnv
from camtf.games.adapters.single import DuelEnv
from camtf.games.duel.bots import BOTS
from camtf.games.duel.observation import ENVIRONMENT_AT, ENVIRONMENT_FIELDS, FIGHTER_FIELDS
from camtf.games.duel.roster import Roster, RosterError

STILL = np.zeros(2, int)


def test_pettingzoo_api(roster: Roster) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(DuelParallelEnv(roster), num_cycles=700)


def test_pettingzoo_seed(roster: Roster) -> None:
    parallel_seed_test(lambda: DuelParallelEnv(roster), num_cycles=200)


@pytest.mark.parametrize("opponent", list(BOTS))
def test_gymnasium_check(roster: Roster, opponent: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make("camtf/Duel-v0", opponent=opponent, roster=roster).unwrapped)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("actions", ["heads", "joint"])
def test_gymnasium_check_of_what_is_shown(plain: Roster, layout: str, actions: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make("camtf/Duel-v0", roster=plain, observation=layout, actions=actions)
        check_env(env.unwrapped)


def test_names_are_found(plain: Roster, plain_folder: Path) -> None:
    assert adapters.DuelEnv is DuelEnv and adapters.DuelParallelEnv is DuelParallelEnv
    assert isinstance(gymnasium.make("camtf/Duel-v0", roster=plain).unwrapped, DuelEnv)
    of_a_folder = gymnasium.make("camtf:camtf/Duel-v0", roster=str(plain_folder))
    assert of_a_folder.reset(seed=1)[1]["characters"][0] in plain.ids
    assert camtf.__name__ in gymnasium.spec("camtf/Duel-v0").entry_point
    with pytest.raises(AttributeError, match="no attribute 'DuelWorld'"):
        _ = adapters.DuelWorld


@pytest.mark.parametrize("actions", ["heads", "joint"])
def test_masks_say_what_is_not_refused(plain: Roster, actions: str) -> None:
    """Through Gymnasium's wrappers, as sb3-contrib asks; every action that the mask allows is played."""
    env = gymnasium.make("camtf/Duel-v0", roster=plain, actions=actions, illegal="refuse", opponent="random_legal")
    env.action_space.seed(1)
    observation, _ = env.reset(seed=2)
    masks = env.get_wrapper_attr("action_masks")
    restricted = 0
    for _ in range(300):
        mask = masks()
        assert mask.dtype == np.bool_ and np.array_equal(mask, observation["action_mask"])
        restricted += not mask.all()
        sampling = mask.astype(np.int8)
        sample = env.action_space.sample((sampling[:9], sampling[9:]) if actions == "heads" else sampling)
        observation, _, done, _, _ = env.step(sample)
        if done:
            observation, _ = env.reset()
    assert restricted > 100


def test_the_joint_number_is_both_heads(plain: Roster) -> None:
    heads, joint = (DuelEnv("idle", plain, observation="flat", actions=form) for form in ("heads", "joint"))
    seen = [env.reset(seed=4)[0] for env in (heads, joint)]
    for choice in range(90):
        seen = [heads.step(divmod(choice, 10))[0], joint.step(choice)[0]]
        np.testing.assert_array_equal(*seen)
        one, other = heads.action_masks(), joint.action_masks()
        np.testing.assert_array_equal(np.outer(one[:9], one[9:]).reshape(90), other)


def test_a_match_ends_as_the_game_says(plain: Roster) -> None:
    env = DuelParallelEnv(plain, ("anvil", "reed"))
    env.reset(seed=1)
    still = dict.fromkeys(AGENTS, STILL)
    for _ in range(599):
        _, rewards, ended, truncated, infos = env.step(still)
        assert sum(rewards.values()) == 0.0 and not any(ended.values()) and infos[AGENTS[0]] == {}
    seen, _, ended, truncated, infos = env.step(still)
    assert ended == dict.fromkeys(AGENTS, True) and truncated == dict.fromkeys(AGENTS, False)
    assert env.agents == [] and [infos[agent]["outcome"] for agent in AGENTS] == [0.5, 0.5]
    time_left = ENVIRONMENT_AT + ENVIRONMENT_FIELDS.index("time_left")
    assert [seen[agent]["basic"][time_left] for agent in AGENTS] == [0.0, 0.0]  # the last moment of this match
    assert [observation["basic"][time_left] for observation in env.reset()[0].values()] == [1.0, 1.0]


def test_the_last_moment_shows_the_fallen(plain: Roster) -> None:
    env = DuelEnv("rusher", plain, ("reed", "anvil"))
    env.reset(seed=1)
    done = False
    while not done:
        seen, reward, done, _, info = env.step(STILL)
    health = FIGHTER_FIELDS.index("health")
    assert info == {"outcome": 0.0} and reward < -9.0 and seen["basic"][health] == 0.0
    assert env.reset()[0]["basic"][health] == 1.0


def test_characters_by_option_and_by_seed(plain: Roster) -> None:
    env = DuelEnv("idle", plain)
    assert env.reset(seed=3, options={"characters": ("reed", "anvil")})[1]["characters"] == ("reed", "anvil")
    drawn = {env.reset()[1]["characters"] for _ in range(40)}
    assert len(drawn) == 4
    again = [env.reset(seed=7)[1]["characters"] for _ in range(2)]
    assert again[0] == again[1]
    half = DuelEnv("idle", plain, ("reed", None))
    assert {half.reset(seed=seed)[1]["characters"] for seed in range(20)} == {("reed", "reed"), ("reed", "anvil")}
    with pytest.raises(RosterError, match="unknown character 'oak'"):
        env.reset(options={"characters": ("oak", "reed")})
    with pytest.raises(ValueError, match="characters must be two, each an id or None for any; got 'reed'"):
        DuelEnv("idle", plain, "reed")


def test_what_the_mask_forbids(plain: Roster) -> None:
    """Nothing by default; refused with the game's own words where that is asked for."""
    skill_1 = {AGENTS[0]: np.array([0, 2]), AGENTS[1]: STILL}
    again = {AGENTS[0]: np.array([1, 2]), AGENTS[1]: STILL}
    lenient, strict = (DuelParallelEnv(plain, ("anvil", "reed"), illegal) for illegal in ("nothing", "refuse"))
    for env in (lenient, strict):
        env.reset(seed=1)
        env.step(skill_1)
        for _ in range(4):
            observations = env.step(dict.fromkeys(AGENTS, STILL))[0]
        movement, skill = observations[AGENTS[0]]["action_mask"]
        assert movement[1] == 1 and skill[2] == 0  # it may walk, the skill is on its cooldown
    before = observations[AGENTS[0]]["basic"]
    after = lenient.step(again)[0][AGENTS[0]]["basic"]
    own_x = FIGHTER_FIELDS.index("x")
    assert after[own_x] > before[own_x]  # the legal head is done
    with pytest.raises(ValueError, match=r"match 0, player 0: illegal action \(1, 2\).*'skill_1' is masked"):
        strict.step(again)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("illegal", "maybe", "illegal must be one of nothing, refuse; got 'maybe'"),
        ("opponent", "nobody", r"opponent must be one of idle, .*; got 'nobody'"),
        ("observation", "pixels", "observation must be one of modules, flat, rllib, tianshou, network; got 'pixels'"),
        ("actions", "both", "actions must be one of heads, joint; got 'both'"),
    ],
)
def test_arguments_are_refused_by_name(plain: Roster, argument: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DuelEnv(roster=plain, **{argument: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("action", [(9, 0), (0, 10), (-1, 0), (0.5, 0.0), (0,), (0, 0, 0), None, ((0,), (0, 0))])
def test_what_is_no_action(plain: Roster, action: object) -> None:
    both, single = DuelParallelEnv(plain), DuelEnv("idle", plain)
    both.reset(seed=1)
    single.reset(seed=1)
    with pytest.raises(ValueError, match=r"player_1: an action is two whole numbers, movement 0 to 8 and skill 0 to 9"):
        both.step({AGENTS[0]: (0, 0), AGENTS[1]: action})
    with pytest.raises(ValueError, match=r"^an action is two whole numbers.*; got"):
        single.step(action)


@pytest.mark.parametrize("action", [90, -1, 0.5, (0, 0), None])
def test_what_is_no_joint_action(plain: Roster, action: object) -> None:
    env = DuelEnv("idle", plain, actions="joint")
    env.reset(seed=1)
    with pytest.raises(ValueError, match=r"^an action is a whole number, 0 to 89; got"):
        env.step(action)


def test_no_step_outside_a_match(plain: Roster) -> None:
    both, single = DuelParallelEnv(plain), DuelEnv("idle", plain)
    still = dict.fromkeys(AGENTS, (0, 0))
    with pytest.raises(RuntimeError, match=r"no match is running: call reset\(\) first"):
        both.step(still)
    with pytest.raises(RuntimeError, match=r"no match is running: call reset\(\) first"):
        single.step((0, 0))
    both.reset(seed=1)
    with pytest.raises(ValueError, match=r"actions must name player_0 and player_1; got \['player_0'\]"):
        both.step({AGENTS[0]: (0, 0)})
    for _ in range(600):
        ended = both.step(still)[2]
    assert all(ended.values())
    with pytest.raises(RuntimeError, match="no match is running"):
        both.step(still)
