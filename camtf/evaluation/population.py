"""Win rates of a run's Generalists and Specialists, against the Generalist population and the scripted bots."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf import distributed
from camtf.config import Config
from camtf.evaluation.battles import BotSide, PoolSide, play
from camtf.evaluation.intervals import rate_with_interval
from camtf.games.loading import participants
from camtf.games.protocol import Game
from camtf.population.pool import Pool
from camtf.types import Snapshot


def evaluate(
    config: Config, game: Game, generalists: list[Snapshot], specialists: dict[str, Snapshot], seed: int
) -> dict[str, Any]:
    """Play all pairings.

    Every character k, played by the last Generalist and by its Specialist, meets the last Generalist in every
    character (``games`` battles a pairing), and every bot in every character (``bot_games`` battles over all of
    them). Generations meet each other over all pairs of characters.

    Args:
        generalists: all generations, oldest first.
        specialists: by character id.

    Returns a dictionary that JSON can hold: ``characters`` (a list), ``bots``, ``generations``, ``weights`` (the digest
    of each snapshot that was measured, by its name) and ``ranks``.
    """
    games, bot_games = config.evaluation.games, config.evaluation.bot_games
    characters = np.array(participants(config, game))
    n = len(characters)
    everyone = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1).reshape(-1, 2)

    generalist_pool = Pool(config.network, game.spec, [generalists[-1]])
    population = PoolSide(generalist_pool, np.zeros(n, np.int64), characters)
    chosen = [specialists[game.characters[c]] for c in characters]
    sides = {
        "generalist": population,
        "specialist": PoolSide(Pool(config.network, game.spec, chosen), np.arange(n), characters),
    }
    per_bot = -(-bot_games // n)
    rows: list[dict[str, Any]] = [{"character": game.characters[c], "name": game.titles[c]} for c in characters]
    bots: dict[str, dict[str, Any]] = {kind: {} for kind in sides}
    for kind, side in sides.items():
        wins = play(game, side, population, everyone, games, seed).reshape(n, n)
        for row, won in zip(rows, wins, strict=True):
            row[kind] = rate_with_interval(won.sum(), games * n)
            row[kind]["against"] = {game.characters[c]: w / games for c, w in zip(characters, won, strict=True)}
        for name, bot in game.bots.items():
            won = play(game, side, BotSide(bot, characters), everyone, per_bot, seed).reshape(n, n)
            bots[kind][name] = rate_with_interval(won.sum(), per_bot * n * n)
            for row, w in zip(rows, won.sum(axis=1), strict=True):
                row[kind].setdefault("against_bots", {})[name] = rate_with_interval(w, per_bot * n)
    return {
        "characters": rows,
        "bots": bots,
        "generations": _generations(config, game, generalists, characters, seed),
        "weights": {snapshot.name: snapshot.digest for snapshot in [*generalists, *chosen]},
        "ranks": distributed.size(),
    }


def _generations(
    config: Config, game: Game, generalists: list[Snapshot], characters: np.ndarray, seed: int
) -> list[list[dict[str, Any] | None]]:
    """Win rate of each generation (row) against each earlier one (column), over all pairs of characters."""
    n, count = len(characters), len(generalists)
    pool = Pool(config.network, game.spec, generalists)
    side = PoolSide(pool, np.repeat(np.arange(count), n), np.tile(characters, count))
    pairings = [(a, b) for a in range(count) for b in range(a)]
    pairs = np.array([(a * n + i, b * n + j) for a, b in pairings for i in range(n) for j in range(n)])
    table: list[list[dict[str, Any] | None]] = [[None] * count for _ in range(count)]
    if pairings:
        games = max(1, config.evaluation.games // n)
        wins = play(game, side, side, pairs, games, seed).reshape(len(pairings), -1).sum(axis=1)
        for (a, b), won in zip(pairings, wins, strict=True):
            table[a][b] = rate_with_interval(won, games * n * n)
    return table
