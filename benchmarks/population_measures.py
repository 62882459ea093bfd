"""What `benchmarks.populations` measures of finished populations, each in a function that every rank calls."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.algorithms import exploiters, population
from camtf.checkpoint import RunDirectory
from camtf.evaluation.battles import BotSide, play
from camtf.population.equilibrium import centred, nash, relative_population_performance
from camtf.population.measuring import strategies_side
from camtf.population.strategies import Strategies, one_policy_each
from camtf.reopen import reopen

_SEED = 70_000
"""Of all battles here, with the training seed: unlike those of training and of the runs' own measurements."""


class Finished:
    """A finished population and the equilibrium of what its strategies win from each other."""

    def __init__(self, run: RunDirectory) -> None:
        self.context = reopen(run.path)
        self.strategies: Strategies = population(self.context)
        about = run.read_population()
        self.payoffs, self.effective_population = np.array(about["payoffs"]), int(about["effective_population"])
        self.nash = nash(centred(self.payoffs))
        self.pairs = np.stack(np.meshgrid(*2 * [np.arange(len(self.context.characters))], indexing="ij"), -1)
        self.pairs = self.pairs.reshape(-1, 2)

    @property
    def mixture(self) -> tuple[np.ndarray, np.ndarray]:
        """The strategies of the equilibrium, and their weights."""
        support = np.flatnonzero(self.nash > 1e-3)
        return support, self.nash[support] / self.nash[support].sum()

    def frames(self) -> int:
        """Learner frames that it was trained for."""
        files = (self.context.run.path / "metrics").glob("*.jsonl")
        tasks = [self.context.run.metrics(file.stem)[-1]["frames"] for file in files]
        return sum(tasks)


def about(one: Finished, bot_games: int, seed: int) -> dict[str, Any]:
    """What a population is by itself."""
    return {
        "learner_frames": one.frames(),
        "strategies": len(one.strategies),
        "effective_population": one.effective_population,
        "nash": one.nash.tolist(),
        "bots": against_bots(one, bot_games, seed),
    }


def between(one: Finished, two: Finished, seed: int) -> dict[str, Any]:
    """Payoffs of one population's strategies against another's, each pairing of characters once."""
    n = len(one.context.characters)
    size = len(one.strategies), len(two.strategies)
    strategies = np.indices(size).reshape(2, -1).T
    entrants = (strategies[:, None] * n + one.pairs).reshape(-1, 2)
    first, second = (strategies_side(p.context, p.strategies) for p in (one, two))
    wins = play(one.context.game, first, second, entrants, 1, _SEED + seed)
    rates = wins.reshape(*size, -1).mean(axis=2)
    return {"payoffs": rates.tolist(), "win_rate": 0.5 + relative_population_performance(2 * rates - 1) / 2}


def against_bots(one: Finished, games: int, seed: int) -> dict[str, float]:
    """Win rate of the Nash mixture against each bot, ``games`` battles of each strategy in it or a few more."""
    characters = np.array(one.context.characters)
    n, game = len(characters), one.context.game
    support, weights = one.mixture
    entrants = (np.stack([support * n, 0 * support], axis=1)[:, None] + one.pairs).reshape(-1, 2)
    side, each = strategies_side(one.context, one.strategies), -(-games // len(one.pairs))
    rates = {}
    for name, bot in game.bots.items():
        wins = play(game, side, BotSide(bot, characters), entrants, each, _SEED + seed)
        rates[name] = float(weights @ wins.reshape(len(support), -1).mean(axis=1) / each)
    return rates


def exploited(one: Finished, number: int, frames: int, games: int, seed: int) -> dict[str, Any]:
    """What a policy that begins as the population's last strategy and trains against the Nash mixture wins from it, by
    fresh battles, ``games`` of each strategy in the mixture or a few more."""
    context, n = one.context, len(one.context.characters)
    start = one.strategies.of(context.characters[0])
    exploiter = exploiters.train(context, one.strategies, one.nash, frames, number, start)
    (support, weights), each = one.mixture, -(-games // len(one.pairs))
    entrants = (np.stack([0 * support, support * n], axis=1)[:, None] + one.pairs).reshape(-1, 2)
    first = strategies_side(context, one_policy_each([exploiter], len(context.game.characters)))
    wins = play(
        context.game, first, strategies_side(context, one.strategies), entrants, each, _SEED + 1000 * number + seed
    )
    rates = wins.reshape(len(support), -1).mean(axis=1) / each
    return {"win_rate": float(weights @ rates), "learner_frames": frames}
