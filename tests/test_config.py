"""Configuration: every wrong value is refused with what was given and what is allowed."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from camtf import config as c


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ppo.clip_epsilon": 2.0}, r"PPOConfig.clip_epsilon must be in \[1e-06, 1.0\], got 2.0"),
        ({"ppo.epochs": 0}, r"PPOConfig.epochs must be in \[1, 100\], got 0"),
        ({"ppo.epochs": 1.5}, r"PPOConfig.epochs must be of type int, got 1.5"),
        ({"ppo.minibatches": 7}, r"minibatches must divide PPOConfig.segment = 100, got 7; 5 or 10 would"),
        ({"ppo.minibatches": 101}, r"minibatches must divide PPOConfig.segment = 100, got 101; 100 would"),
        ({"generalists.algorithm": "neupll"}, r"algorithm must be one of mia, neupl, .*, independent; got 'neupll'"),
        ({"generalists.meta_strategy": "nosh"}, r"meta_strategy must be one of empty, pfsp, .*, prd; got 'nosh'"),
        (
            {"generalists.meta_strategy": "nash"},
            r"meta_strategy must be one of pfsp, pfsp_hard, pfsp_even, uniform with the algorithm mia; got 'nash'",
        ),
        ({"generalists.algorithm": "neupl", "generalists.slots": 17}, r"slots must not exceed .*= 16, got 17"),
        ({"generalists.generations": 99}, r"generations must not exceed .*mixture_slots = 16, got 99"),
        ({"network.trunk": (0,)}, r"NetworkConfig.trunk must be in \[1, 8192\], got \(0,\)"),
        ({"network.trunk": (64.0,)}, r"NetworkConfig.trunk must hold items of type int, got \(64.0,\)"),
        ({"network.trunk": (1,) * 17}, r"NetworkConfig.trunk must have at most 16 items, got 17: \(1, 1, "),
        ({"ppo.value_cost": math.inf}, r"PPOConfig.value_cost must be in \[0.0, 1000.0\], got inf"),
        ({"ppo.target_kl": math.nan}, r"PPOConfig.target_kl must be in \[0.0, 1000.0\], got nan"),
        ({"reward.result": 1e38}, r"RewardConfig.result must be in \[0.0, 10000.0\], got 1e\+38"),
        ({"checkpoints_kept": 10**40}, r"Config.checkpoints_kept must be in \[1, 1000\], got 10{40}"),
        ({"evaluation.games": 10**5000}, r"EvaluationConfig.games must be in \[1, 100000\], got <int>"),
        ({"game.characters": ("a", "b", "a")}, r"GameConfig.characters must name each character once, got 'a' twice"),
        ({"ppo.learning_rat": 1e-3}, r"unknown setting .*learning_rat'; the settings are .*learning_rate"),
        ({"seed": -1}, r"Config.seed must be in \[0, 2147483647\], got -1"),
    ],
)
def test_wrong_values_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(c.ConfigError, match=message):
        c.override(c.Config(), changes)


def test_every_number_has_bounds() -> None:
    """So that neither an infinite nor an absurd one gets through: see the cases above."""
    for name, field, value in c.leaves(c.Config()):
        if type(value) in (int, float) or field.metadata["items"] is int:
            assert field.metadata["low"] is not None and field.metadata["high"] <= 10**12, name
        if isinstance(value, tuple):
            assert field.metadata["items"] and field.metadata["most"], name


@pytest.mark.parametrize(
    "changes",
    [
        {"generalists.meta_strategy": "x" * 100_000},
        {"x" * 100_000: 1},
        {"game.characters": "y" * 10**6},
        {"game.characters": ("é" * 10**5,) * 2},
        {"seed": 10**4000},
    ],
)
def test_a_message_cuts_what_it_quotes(changes: dict) -> None:
    with pytest.raises(c.ConfigError, match=r" ... .*\([\d,]+ characters\)") as refused:
        c.override(c.Config(), changes)
    assert len(str(refused.value)) < 2500


def test_override_changes_what_it_names_and_nothing_else() -> None:
    changed = c.override(c.Config(), {"ppo.clip_epsilon": 0.3, "seed": 5})
    assert changed.ppo.clip_epsilon == 0.3 and changed.seed == 5
    assert dataclasses.replace(changed, seed=1, ppo=c.PPOConfig()) == c.Config()


@pytest.mark.parametrize("name", list(c.PRESETS))
def test_a_config_survives_json(name: str) -> None:
    preset = c.preset(name)
    assert c.from_json(json.loads(json.dumps(c.to_json(preset)))) == preset


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(c.ConfigError, match="unknown preset 'quick'; the presets are quickstart, paper, test"):
        c.preset("quick")


def test_the_paper_preset_holds_the_papers_numbers() -> None:
    ppo = c.preset("paper").ppo
    assert (ppo.clip_epsilon, ppo.segment, ppo.discount, ppo.learning_rate) == (0.1, 100, 0.995, 1e-4)
    reward = c.preset("paper").reward
    assert (reward.own_health, reward.opponent_health, reward.result) == (10, 10, 10)
    assert (reward.combo, reward.mana) == (5, 5)
    assert c.preset("paper").generalists.generations == 13


def test_every_setting_explains_itself() -> None:
    for name, field, _ in c.leaves(c.Config()):
        assert field.metadata["help"], name
