"""Situations: the duel's by hand, and means over the states of battles."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from camtf.config import NetworkConfig
from camtf.evaluation.battles import BotSide, PolicySide
from camtf.evaluation.situations import Residual, by_situation
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.games.duel.situations import SITUATIONS
from camtf.games.matrix import rock_paper_scissors
from camtf.games.situations import between, situations_of
from camtf.model.policy import Policy
from camtf.types import Observation
from tests import playing

NETWORK = NetworkConfig(trunk=(8,), mixture_slots=1)


def answers(match: playing.Duel, player: int) -> dict[str, str]:
    seen = Observation(*(x[player] for x in match.observation))
    return {name: one.answers[int(one.answer(seen)[0])] for name, one in SITUATIONS.items()}


def test_the_duels_situations(plain: Roster) -> None:
    match = playing.Duel(plain, "anvil", "reed", distance_mm=900)
    assert answers(match, 0) == {
        "distance": "under 1 m", "health": "near even", "attacking": "nobody", "skills ready": "three",
    }  # fmt: skip
    match.play("stay attack")
    assert answers(match, 0)["attacking"] == "oneself" and answers(match, 1)["attacking"] == "the opponent"
    match.put(1, x_mm=2_600, health_hp=1)
    assert answers(match, 0)["distance"] == "2 to 4 m" and answers(match, 1)["distance"] == "2 to 4 m"
    assert answers(match, 0)["health"] == "ahead by a quarter" and answers(match, 1)["health"] == "behind by a quarter"


def test_the_duel_offers_them(duel: Duel) -> None:
    assert situations_of(duel) is SITUATIONS and situations_of(rock_paper_scissors()) == {}
    with pytest.raises(ValueError, match="2 edges need 3 answers, got 2"):
        between(("a", "b"), (1.0, 2.0), lambda observation: observation.mask[:, 0])


class Early(type(rock_paper_scissors())):  # type: ignore[misc]
    """Rock, paper, scissors that asks how much of a match is left."""

    situations: ClassVar = {"left": between(("some", "all"), (0.9,), lambda observation: observation.basic[:, 0])}


def test_means_by_situation() -> None:
    """A match of two rounds: in the first, all is left, in the second half. Of a function that is what is left, and of
    the difference of two critics, against the critics themselves."""
    game = Early(rock_paper_scissors().payoff, rounds=2)
    one, two = (Policy(NETWORK, game.spec, seed) for seed in (1, 2))
    told = np.zeros((1, 1), np.float32)
    own, bot = PolicySide(one, told, np.zeros(1, np.int64)), BotSide(game.bots["random"], np.zeros(1, np.int64))
    pairs = np.zeros((1, 2), np.int64)
    table = by_situation(game, lambda seen: seen.basic[:, 0].astype(np.float64), own, bot, pairs, 50, seed=3)
    assert [(row["answer"], row["states"], row["mean"]) for row in table["left"]] == [
        ("some", 50, 0.5),
        ("all", 50, 1.0),
    ]
    (everything,) = table["all"]
    assert everything["states"] == 100 and everything["mean"] == everything["low"] == everything["high"] == 0.75
    residual = Residual(one, two, told[0], added=False, unit=0.1)
    start = by_situation(game, residual, own, bot, pairs, 50, seed=3)["left"][1]  # the first round: one state
    first = Observation(*(x[0] for x in game.make(1, np.arange(1)).reset(np.zeros((2, 1), np.int64))))
    expected = (one.values(first, told) - two.values(first, told)).numpy()[0] / 0.1
    assert start["mean"] == pytest.approx(expected, abs=1e-4) and start["high"] - start["low"] < 1e-3
    added = Residual(one, two, told[0], added=True)(first)
    assert added == pytest.approx(one.values(first, told).numpy(), abs=1e-6)


def test_a_situation_that_never_comes_has_no_mean() -> None:
    game = Early(rock_paper_scissors().payoff, rounds=1)
    side = BotSide(game.bots["random"], np.zeros(1, np.int64))
    rows = by_situation(game, lambda seen: seen.basic[:, 0], side, side, np.zeros((1, 2), np.int64), 4, 1)["left"]
    assert rows[0] == {"answer": "some", "states": 0, "mean": None, "low": None, "high": None}
