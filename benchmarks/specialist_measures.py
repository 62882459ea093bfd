"""What Specialists win beyond their controls, battle by battle: the measurements of `benchmarks.specialists`."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.algorithms import population
from camtf.checkpoint import RunDirectory
from camtf.evaluation.battles import BotSide, PoolSide, Side, play
from camtf.evaluation.intervals import NORMAL_95
from camtf.games.pairing import pairings
from camtf.population.measuring import strategies_side
from camtf.population.training import Context
from camtf.reopen import reopen
from camtf.types import Snapshot

_SEED = 70_000


def gains(run: RunDirectory, held_out: list[RunDirectory], games: int, seed: int) -> dict[str, Any]:
    """Gains of a run's Specialists over each of its controls, against each set of opponents. Every rank calls.

    Specialists and controls play the same battles: the same characters against the same opponents from the same seeds,
    so that a gain is a mean of paired differences, over characters equally.

    Args:
        held_out: runs of populations that the Specialists have never met; with none, nothing is said about those.
        games: battles of each character against each set, about.

    Returns:
        ``gain_over_<control>_<opponents>``: ``gain``, ``low`` and ``high`` of its 95% interval over battles alone, and
        ``by_character``; and ``characters``, ``parameters``, ``specialist_frames``.
    """
    context = reopen(run.path)
    strategies, ids = population(context), context.game.characters
    start = {ids[x]: strategies.of(x) for x in context.characters}
    players = {name: run.control(name, start) for name in run.controls()}
    players["specialist"] = {i: run.specialist(i, generalist) for i, generalist in start.items()}
    won = {name: _won(context, snapshots, held_out, games, seed) for name, snapshots in players.items()}
    found: dict[str, Any] = {
        "characters": len(context.characters),
        "parameters": context.policy().parameters,
        "specialist_frames": context.config.specialists.frames * context.config.specialists.rounds,
    }
    for control in run.controls():
        for against, own in won["specialist"].items():
            difference = own - won[control][against]  # [characters, battles]
            error = difference.std(ddof=1) / np.sqrt(difference.size)
            gain = float(difference.mean())
            found[f"gain_over_{control}_{against}"] = {
                "gain": gain,
                "low": gain - NORMAL_95 * float(error),
                "high": gain + NORMAL_95 * float(error),
                "by_character": dict(zip(start, difference.mean(axis=1).tolist(), strict=True)),
            }
    return found


def _won(
    context: Context, players: dict[str, Snapshot], held_out: list[RunDirectory], games: int, seed: int
) -> dict[str, np.ndarray]:
    """Outcomes ``[characters, battles]`` of each character's player against each set of opponents."""
    game, characters = context.game, np.array(context.characters)
    pool = context.pool(list(players.values()))
    own = PoolSide(pool, np.arange(len(characters)), characters)
    sets: dict[str, list[Side]] = {"population": [strategies_side(context, population(context))]}
    others = [reopen(run.path) for run in held_out]
    sets |= {"held_out": [strategies_side(other, population(other)) for other in others]} if others else {}
    sets |= {"bots": [BotSide(bot, characters) for bot in game.bots.values()]} if game.bots else {}
    return {
        name: np.concatenate([_against(context, own, side, -(-games // len(sides)), seed) for side in sides], axis=1)
        for name, sides in sets.items()
    }


def _against(context: Context, own: PoolSide, side: Side, games: int, seed: int) -> np.ndarray:
    """Outcomes ``[characters, games]`` against a side's members: all equally often, as far as the number goes."""
    chance, pairs = np.random.default_rng(_SEED + seed), []
    for member in range(len(own.character)):
        others = chance.permutation(pairings(context.game, own.character[[member]], side.character)[:, 1])
        pairs.append(np.stack([np.full(games, member), others[np.arange(games) % len(others)]], axis=1))
    wins = play(context.game, own, side, np.concatenate(pairs), 1, _SEED + seed)
    return wins.reshape(len(own.character), games)
