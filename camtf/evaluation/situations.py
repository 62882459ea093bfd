"""Where does a character gain over common play? The residual critic by situation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from camtf import distributed
from camtf.evaluation.battles import Side, Turn, play
from camtf.evaluation.intervals import NORMAL_95
from camtf.games.protocol import Game
from camtf.games.situations import Situation, situations_of
from camtf.model.policy import Policy
from camtf.types import Observation


@dataclass(frozen=True)
class Residual:
    """``delta(s)``: what a Specialist's critic expects in a state beyond what the Generalist's does.

    Attributes:
        specialist, generalist: their policies.
        told: what both are conditioned on as the character, float32 ``[S]``.
        added: the Specialist's value output is delta itself (``advantage = residual``), else V of which the
            Generalist's is taken.
        unit: a reward of 1 is this much of the critic's; `camtf.config.PPOConfig.reward_scale`.
    """

    specialist: Policy
    generalist: Policy
    told: np.ndarray
    added: bool
    unit: float = 1.0

    def __call__(self, observation: Observation) -> np.ndarray:
        """delta, in units of reward, float ``[n]``."""
        told = np.repeat(self.told[None].astype(np.float32), len(observation.mask), axis=0)
        value = self.specialist.values(observation, told).numpy()
        if not self.added:
            value = value - self.generalist.values(observation, told).numpy()
        return value / self.unit


def by_situation(
    game: Game,
    delta: Callable[[Observation], np.ndarray],
    own: Side,
    opponents: Side,
    pairs: np.ndarray,
    games: int,
    seed: int,
) -> dict[str, list[dict[str, Any]]]:
    """Mean of a function of states over the states of battles, by each of the game's situations.

    Every rank calls; the ranks share the battles.

    Args:
        delta: from what the first side sees, leaves ``[n, ...]``, to a number for each state, e.g. a `Residual`.
        own: the first side, whose states they are.
        opponents: the second side.
        pairs, games, seed: see `camtf.evaluation.battles.play`.

    Returns:
        By the situation's name a row for each answer: ``answer``, ``states`` (how many), ``mean``, and ``low`` and
        ``high`` of a 95% interval over battles (of a ratio of sums: Cochran 1977, section 6.4); numbers are None where
        there is no such state. ``all`` has one row for all states together. Means of a critic say something beside
        that one alone: its level belongs to nobody's action.
    """
    everything = Situation(("all states",), lambda observation: np.zeros(len(observation.mask), np.int64))
    asked = {"all": everything, **situations_of(game)}
    battles = len(pairs) * games
    sums = {name: np.zeros((2, battles, len(one.answers))) for name, one in asked.items()}

    def watch(turn: Turn) -> None:
        seen = Observation(*(x[0][turn.counts] for x in turn.observation))
        if not len(seen.mask):
            return
        found, battle = delta(seen), turn.battle[turn.counts]
        for name, one in asked.items():
            answer = one.answer(seen)
            np.add.at(sums[name][0], (battle, answer), 1.0)
            np.add.at(sums[name][1], (battle, answer), found)

    play(game, own, opponents, pairs, games, seed, watch=watch)
    table = {}
    for name, one in asked.items():
        states, totals = distributed.sum_over_ranks([sums[name]], "situations")[0]
        table[name] = [_row(answer, states[:, k], totals[:, k]) for k, answer in enumerate(one.answers)]
    return table


def _row(answer: str, states: np.ndarray, totals: np.ndarray) -> dict[str, Any]:
    """Mean over all states of a ratio ``totals / states`` of battles, float ``[battles]`` each, and its interval."""
    count, battles = float(states.sum()), len(states)
    if not count:
        return {"answer": answer, "states": 0, "mean": None, "low": None, "high": None}
    mean = float(totals.sum() / count)
    square = np.square(totals - mean * states).sum() * battles / max(battles - 1, 1)
    half = NORMAL_95 * float(np.sqrt(square)) / count
    return {"answer": answer, "states": int(count), "mean": mean, "low": mean - half, "high": mean + half}
