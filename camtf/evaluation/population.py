"""Win rates of a run's Generalists and Specialists, against the Generalist population and the scripted bots."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf import distributed
from camtf.config import Config
from camtf.evaluation.battles import BotSide, PoolSide, play
from camtf.evaluation.intervals import rate_with_interval
from camtf.games.loading import participants
from camtf.games.pairing import pairings
from camtf.games.protocol import Game
from camtf.model.policy import BuildNetwork, build_network
from camtf.population.pool import Pool
from camtf.types import Snapshot


def evaluate(
    config: Config,
    game: Game,
    generalists: list[Snapshot],
    specialists: dict[str, Snapshot],
    seed: int,
    build: BuildNetwork = build_network,
) -> dict[str, Any]:
    """Play all pairings.

    Every character k, played by the last Generalist and by its Specialist, meets the last Generalist in every
    character (``games`` battles a pairing), and every bot in every character (``bot_games`` battles over all of
    them). Generations meet each other over all pairs of characters.

    Args:
        generalists: all generations, oldest first.
        specialists: by character id.
        build: made the run's networks.

    Returns a dictionary that JSON can hold: ``characters`` (a list), ``bots``, ``generations``, ``weights`` (the digest
    of each snapshot that was measured, by its name) and ``ranks``.
    """
    games, bot_games = config.evaluation.games, config.evaluation.bot_games
    characters = np.array(participants(config, game))
    n = len(characters)
    everyone = pairings(game, characters, characters)
    met = len(everyone) // n  # how many characters each one meets

    generalist_pool = Pool(config.network, game.spec, [generalists[-1]], build)
    population = PoolSide(generalist_pool, np.zeros(n, np.int64), characters)
    chosen = [specialists[game.characters[c]] for c in characters]
    sides = {
        "generalist": population,
        "specialist": PoolSide(Pool(config.network, game.spec, chosen, build), np.arange(n), characters),
    }
    per_bot = -(-bot_games // n)
    rows: list[dict[str, Any]] = [{"character": game.characters[c], "name": game.titles[c]} for c in characters]
    bots: dict[str, dict[str, Any]] = {kind: {} for kind in sides}
    for kind, side in sides.items():
        wins = play(game, side, population, everyone, games, seed).reshape(n, met)
        others = characters[everyone[:, 1]].reshape(n, met)
        for row, won, against in zip(rows, wins, others, strict=True):
            row[kind] = rate_with_interval(won.sum(), games * met)
            row[kind]["against"] = {game.characters[c]: w / games for c, w in zip(against, won, strict=True)}
        for name, bot in game.bots.items():
            won = play(game, side, BotSide(bot, characters), everyone, per_bot, seed).reshape(n, met)
            bots[kind][name] = rate_with_interval(won.sum(), per_bot * n * met)
            for row, w in zip(rows, won.sum(axis=1), strict=True):
                row[kind].setdefault("against_bots", {})[name] = rate_with_interval(w, per_bot * met)
    return {
        "characters": rows,
        "bots": bots,
        "generations": _generations(config, game, generalists, characters, seed, build),
        "weights": {snapshot.name: snapshot.digest for snapshot in [*generalists, *chosen]},
        "ranks": distributed.size(),
    }


def _generations(
    config: Config,
    game: Game,
    generalists: list[Snapshot],
    characters: np.ndarray,
    seed: int,
    build: BuildNetwork,
) -> list[list[dict[str, Any] | None]]:
    """Win rate of each generation (row) against each earlier one (column), over all pairs of characters."""
    n, count, both = len(characters), len(generalists), pairings(game, characters, characters)
    pool = Pool(config.network, game.spec, generalists, build)
    side = PoolSide(pool, np.repeat(np.arange(count), n), np.tile(characters, count))
    earlier = [(a, b) for a in range(count) for b in range(a)]
    pairs = np.array([(a * n + i, b * n + j) for a, b in earlier for i, j in both])
    table: list[list[dict[str, Any] | None]] = [[None] * count for _ in range(count)]
    if earlier:
        games = max(1, config.evaluation.games // n)
        wins = play(game, side, side, pairs, games, seed).reshape(len(earlier), -1).sum(axis=1)
        for (a, b), won in zip(earlier, wins, strict=True):
            table[a][b] = rate_with_interval(won, games * len(both))
    return table
