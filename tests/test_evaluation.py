"""Battles to the end, and the tables made of them."""

from __future__ import annotations

import numpy as np
import pytest

from camtf.config import preset
from camtf.evaluation.battles import BotSide, play
from camtf.evaluation.population import evaluate
from camtf.evaluation.report import population_table, table
from camtf.games.duel.bots import BOTS
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.model.policy import Policy
from camtf.types import Snapshot


@pytest.mark.parametrize("matches", [1, 3, 64])
def test_every_battle_counts_once(roster: Roster, matches: int) -> None:
    """Wins of both sides add up to the battles, however they are packed."""
    one, two = BotSide("rusher", np.array([0, 2])), BotSide("random_legal", np.array([1, 3, 4]))
    pairs = np.array([(0, 0), (0, 1), (1, 2), (1, 0)])
    seen = 0

    def watch(observation: object, active: np.ndarray) -> None:
        nonlocal seen
        seen += active.sum()

    wins = play(roster, one, two, pairs, 3, seed=5, matches=matches, watch=watch)
    assert wins.shape == (4,) and (wins >= 0).all() and (wins <= 3).all() and np.all(wins * 2 % 1 == 0)
    assert 12 * 20 < seen <= 12 * 600


def test_a_mirror_match_is_even(roster: Roster) -> None:
    side = BotSide("random_legal", np.array([2]))
    wins = play(roster, side, side, np.array([(0, 0)]), 400, seed=3)
    assert abs(wins[0] / 400 - 0.5) < 0.09  # 3.6 standard deviations


def test_evaluation_has_everyone_and_counts_add_up(roster: Roster) -> None:
    config = preset("test")
    ids = config.game.characters

    def snapshot(name: str, seed: int) -> Snapshot:
        weights = Policy(config.network, duel_spec(roster), seed).get_weights()
        return Snapshot(name, weights, np.full((len(roster), config.network.mixture_slots), 1 / 16, np.float32))

    generations = [snapshot("generation_01", 1), snapshot("generation_02", 2)]
    result = evaluate(config, roster, generations, {i: snapshot(i, 3) for i in ids}, seed=1)
    assert [row["character"] for row in result["characters"]] == list(ids)
    n, games = len(ids), config.evaluation.games
    generalist = [row["generalist"] for row in result["characters"]]
    assert all(r["games"] == n * games and r["low"] <= r["win_rate"] <= r["high"] for r in generalist)
    # The Generalist plays itself: what one character wins, another loses.
    assert np.mean([r["win_rate"] for r in generalist]) == pytest.approx(0.5, abs=0.3)
    assert set(result["bots"]["specialist"]) == set(BOTS)
    assert result["generations"][1][0]["games"] == n * n * max(1, games // n) and result["generations"][0] == [None] * 2
    text = population_table(result)
    assert "Ember Fox" in text and "mean" in text and "generation" in text


def test_a_table_lines_up() -> None:
    lines = table(["name", "x"], [["a", "1.5"], ["longer", "10.25"]]).split("\n")
    assert lines == ["name        x", "------  -----", "a         1.5", "longer  10.25"]
