"""The plan of a run: what the ranks cannot share is refused before anything starts, with what they could."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from camtf import plan
from camtf.config import Config, ConfigError, EvaluationConfig, override, preset

BOTH = ("generalists", "specialists")


def refusal(changes: dict[str, Any], ranks: int, stages: tuple[str, ...] = BOTH) -> str:
    """The message of a refusal, or nothing."""
    try:
        plan.check(override(Config(), changes), ranks, stages)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("changes", "ranks", "stages", "message"),
    [
        ({"game.matches": 510}, 4, BOTH, "game.matches = 510 cannot be shared evenly by 4 ranks; 504 or 512 can"),
        ({"game.matches": 2}, 4, BOTH, "game.matches = 2 cannot be shared evenly by 4 ranks; 8 can"),
        ({"game.matches": 512, "generalists.self_play_share": 0.4}, 2, BOTH,
         "generalists.self_play_share = 0.4 makes 205 of game.matches = 512 self-play, which cannot be shared evenly "
         "by 2 ranks; a share of 0.398 or 0.402 can, or game.matches = 510 or 514"),
        ({"game.matches": 512, "generalists.self_play_share": 0.4}, 1, BOTH, ""),
        ({"game.matches": 512, "generalists.self_play_share": 0.4}, 2, ("specialists",), ""),
        ({"game.matches": 512, "generalists.self_play_share": 0.4, "generalists.generations": 1}, 2, BOTH, ""),
        ({"generalists.self_play_share": 0.0}, 2, BOTH, ""),
        ({"game.matches": 512, "specialists.self_play_share": 0.4}, 2, ("specialists",),
         "specialists.self_play_share = 0.4 makes 205 of game.matches = 512 self-play, which cannot be shared evenly "
         "by 2 ranks; a share of 0.398 or 0.402 can, or game.matches = 510 or 514"),
        ({"game.matches": 512, "specialists.self_play_share": 0.4, "specialists.groups": 2}, 2, ("specialists",), ""),
        ({"game.matches": 6, "specialists.groups": 2, "specialists.controls": ("matched",)}, 4, ("specialists",),
         "game.matches = 6 cannot be shared evenly by 4 ranks; 4 or 8 can"),  # one network, which all ranks train
        ({"game.matches": 512, "generalists.self_play_share": 0.4, "generalists.algorithm": "psro"}, 2, BOTH, ""),
        ({"game.matches": 16, "generalists.self_play_share": 0.4, "generalists.algorithm": "independent"}, 4, BOTH, ""),
        ({"game.matches": 510, "generalists.algorithm": "psro_c"}, 4, BOTH,
         "game.matches = 510 cannot be shared evenly by 4 ranks; 508 or 512 can"),
        ({"game.matches": 512, "generalists.algorithm": "neupl"}, 16, BOTH, ""),
        ({"game.matches": 512, "generalists.algorithm": "neupl", "generalists.evaluation_share": 0.3}, 4, BOTH,
         "generalists.evaluation_share = 0.3 makes 154 of game.matches = 512 battles that are only counted, which "
         "cannot be shared evenly by 4 ranks; a share of 0.297 or 0.305 can, or game.matches = 508 or 520"),
        ({"game.matches": 512, "generalists.algorithm": "neupl"}, 4, ("specialists",), ""),
        ({"game.matches": 512, "generalists.algorithm": "simplex_neupl"}, 2, BOTH, ""),
        ({"game.matches": 2, "generalists.algorithm": "neupl", "generalists.evaluation_share": 0.9}, 1, BOTH,
         "generalists.evaluation_share = 0.9 makes 2 of game.matches = 2 battles that are only counted, which leaves "
         "none to learn from; a share of 0.5 can, or game.matches = 5"),
        ({"generalists.self_play_share": 1.0}, 2, BOTH, ""),
        ({"game.matches": 6, "specialists.groups": 2}, 4, ("specialists",), ""),  # 6 matches for 2 ranks of a group
        ({"game.matches": 6, "specialists.groups": 3}, 4, ("specialists",), ""),  # 4 ranks make 2 groups
        ({"game.matches": 6}, 4, ("specialists",), "game.matches = 6 cannot be shared evenly by 4 ranks; 4 or 8 can"),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_is_refused(
    changes: dict[str, Any], ranks: int, stages: tuple[str, ...], message: str
) -> None:
    assert refusal(changes, ranks, stages) == message


@pytest.mark.parametrize(
    ("algorithm", "setting", "most"),
    [("mia", "self_play_share", 1.0), ("neupl", "evaluation_share", 0.9), ("psro", "evaluation_share", 0.9)],
)
def test_what_a_refusal_names_works(rng: np.random.Generator, algorithm: str, setting: str, most: float) -> None:
    """Over random plans: with every number of matches that it names, and with every share, nothing is refused."""
    refused = 0
    for _ in range(200):
        ranks, groups = (int(x) for x in rng.integers(1, 9, 2))
        changes: dict[str, Any] = {"game.matches": int(rng.integers(1, 200)), "specialists.groups": groups}
        changes["generalists.algorithm"] = algorithm
        changes[f"generalists.{setting}"] = float(rng.integers(0, 100 * most + 1)) / 100
        message = refusal(changes, ranks)
        refused += bool(message)
        shares, matches = message, ""
        if setting in message:
            shares, matches = re.fullmatch(r".* a share of (.+) can, or game.matches = (.+)", message).groups()  # type: ignore[union-attr]
            named = [(f"generalists.{setting}", float(x)) for x in shares.split(" or ")]
        elif message:
            matches, named = re.fullmatch(r".* ranks; (.+) can", message)[1], []  # type: ignore[index]
        else:
            assert changes["game.matches"] % ranks == 0
            continue
        for name, value in [*named, *(("game.matches", int(x)) for x in matches.split(" or "))]:
            assert refusal(changes | {name: value}, ranks) == "", (changes, name, value)
    assert refused > 60


@pytest.mark.parametrize(
    ("wished", "ranks", "groups"),
    [(1, 4, 1), (2, 4, 2), (3, 4, 2), (4, 4, 4), (9, 4, 4), (2, 1, 1), (4, 6, 3), (2, 5, 1)],
)
def test_groups_follow_the_ranks(wished: int, ranks: int, groups: int) -> None:
    assert plan.groups_of(wished, ranks) == groups


def test_an_evaluation_has_a_size() -> None:
    """A battle takes eight bytes of a list: the bounds of each number alone would let terabytes through."""
    plan.check_evaluation(EvaluationConfig(games=100_000, bot_games=1_000_000), 6)
    plan.check_evaluation(preset("paper").evaluation, 300)
    with pytest.raises(
        ConfigError, match=r"games = 100000 for each pairing of 320 characters makes 10,240,000,000 battles"
    ):
        plan.check_evaluation(EvaluationConfig(games=100_000), 320)
    with pytest.raises(ConfigError, match=r"at most 100,000,000 can be played, which bot_games = 312500 makes"):
        plan.check_evaluation(EvaluationConfig(games=1, bot_games=1_000_000), 320)


@pytest.mark.parametrize("ranks", [1, 2, 4, 8])
@pytest.mark.parametrize("name", ["quickstart", "paper", "test"])
def test_presets_can_be_shared(name: str, ranks: int) -> None:
    plan.check(preset(name), ranks, BOTH)
