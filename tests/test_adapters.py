"""The environments for other libraries, by those libraries' own tests."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

from camtf.games.adapters import AGENTS, DuelEnv, DuelParallelEnv
from camtf.games.duel.bots import BOTS
from camtf.games.duel.observation import FIGHTER_FIELDS
from camtf.games.duel.roster import Roster, RosterError


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
        warnings.filterwarnings("ignore", message=".*render_mode.*|.*spec.*|.*Box.*|.*unwrapped.*")
        check_env(DuelEnv(opponent, roster), skip_render_check=True)


def test_a_match_ends_as_the_game_says(plain: Roster) -> None:
    env = DuelParallelEnv(plain, ("anvil", "reed"))
    env.reset(seed=1)
    still = dict.fromkeys(AGENTS, np.zeros(2, int))
    for _ in range(599):
        _, rewards, ended, truncated, infos = env.step(still)
        assert sum(rewards.values()) == 0.0 and not any(ended.values()) and infos[AGENTS[0]] == {}
    _, _, ended, truncated, infos = env.step(still)
    assert ended == dict.fromkeys(AGENTS, True) and truncated == dict.fromkeys(AGENTS, False)
    assert env.agents == [] and [infos[agent]["outcome"] for agent in AGENTS] == [0.5, 0.5]


def test_characters_by_option_and_by_seed(plain: Roster) -> None:
    env = DuelEnv("idle", plain)
    assert env.reset(seed=3, options={"characters": ("reed", "anvil")})[1]["characters"] == ("reed", "anvil")
    drawn = {env.reset()[1]["characters"] for _ in range(40)}
    assert len(drawn) == 4
    again = [env.reset(seed=7)[1]["characters"] for _ in range(2)]
    assert again[0] == again[1]
    with pytest.raises(RosterError, match="unknown character 'oak'"):
        env.reset(options={"characters": ("oak", "reed")})


def test_what_the_mask_forbids(plain: Roster) -> None:
    """Nothing by default; refused with the game's own words where that is asked for."""
    skill_1 = {AGENTS[0]: np.array([0, 2]), AGENTS[1]: np.array([0, 0])}
    again = {AGENTS[0]: np.array([1, 2]), AGENTS[1]: np.array([0, 0])}
    lenient, strict = (DuelParallelEnv(plain, ("anvil", "reed"), illegal) for illegal in ("nothing", "refuse"))
    for env in (lenient, strict):
        env.reset(seed=1)
        env.step(skill_1)
        for _ in range(4):
            observations = env.step(dict.fromkeys(AGENTS, np.zeros(2, int)))[0]
        movement, skill = observations[AGENTS[0]]["action_mask"]
        assert movement[1] == 1 and skill[2] == 0  # it may walk, the skill is on its cooldown
    before = observations[AGENTS[0]]["basic"]
    after = lenient.step(again)[0][AGENTS[0]]["basic"]
    own_x = FIGHTER_FIELDS.index("x")
    assert after[own_x] > before[own_x]  # the legal head is done
    with pytest.raises(ValueError, match=r"match 0, player 0: illegal action \(1, 2\).*'skill_1' is masked"):
        strict.step(again)
    with pytest.raises(ValueError, match="illegal must be one of nothing, refuse; got 'maybe'"):
        DuelParallelEnv(plain, illegal="maybe")
    with pytest.raises(ValueError, match=r"opponent must be one of idle, .*; got 'nobody'"):
        DuelEnv("nobody", plain)


@pytest.mark.parametrize("action", [(9, 0), (0, 10), (-1, 0), (0.5, 0.0), (0,), (0, 0, 0), None])
def test_what_is_no_action(plain: Roster, action: object) -> None:
    both, single = DuelParallelEnv(plain), DuelEnv("idle", plain)
    both.reset(seed=1)
    single.reset(seed=1)
    with pytest.raises(ValueError, match=r"player 1: an action is two whole numbers, movement 0 to 8 and skill 0 to 9"):
        both.step({AGENTS[0]: (0, 0), AGENTS[1]: action})
    with pytest.raises(ValueError, match=r"player 0: an action is two whole numbers.*; got"):
        single.step(action)


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
