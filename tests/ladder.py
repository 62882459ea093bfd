"""Runs of known strength: policies that always choose one row of a game in which the higher row surely wins."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from camtf.checkpoint import RunDirectory
from camtf.config import Config, GameConfig, GeneralistConfig, NetworkConfig, PPOConfig
from camtf.games.matrix import MatrixGame
from camtf.population.training import Context
from camtf.types import Snapshot

ROWS = 5
GAME = MatrixGame(np.sign(np.subtract.outer(np.arange(ROWS), np.arange(ROWS))), rounds=2, name="ladder", copies=2)
"""A battle has two rounds."""


def make_ladder(config: Config) -> MatrixGame:
    return GAME


CONFIG = Config(
    game=GameConfig(name="tests.ladder:make_ladder", matches=16),
    network=NetworkConfig(mixture_slots=2, trunk=(8,)),
    ppo=PPOConfig(segment=4, minibatches=4, discount=0.5, reward_scale=0.5),
    generalists=GeneralistConfig(algorithm="independent", generations=2),
)
IDS = GAME.characters


def always(context: Context, name: str, row: int, value: float = 0.0) -> Snapshot:
    """Chooses a row, and expects a value."""
    weights = {path: np.zeros_like(w) for path, w in context.policy().get_weights().items()}
    weights["skill/bias"][row] = 60.0
    weights["value/bias"][0] = value
    return Snapshot(name, weights, np.zeros((len(IDS), 2), np.float32))


def drawing(context: Context, name: str, seed: int) -> Snapshot:
    """Draws its rows by random weights, which look at the rounds before."""
    weights = {path: 4.0 * w for path, w in context.policy(seed).get_weights().items()}
    return Snapshot(name, weights, np.full((len(IDS), 2), 0.5, np.float32))


def random_run(folder: Path) -> None:
    """A finished run of policies that all draw."""
    context = ladder_run(folder, [(0, 0), (0, 0)], specialists=(0, 0))
    run = context.run
    for number, name in enumerate(run.read_population()["snapshots"]):
        generalist = drawing(context, name, number)
        run.write_snapshot(run.generalist_file(name), generalist, {})
        character = name.split("_", 2)[2]
        own = drawing(context, character, 10 + number)
        run.write_snapshot(run.specialist_file(character), own, {"generalist": generalist.digest})


def ladder_run(
    folder: Path,
    rounds: list[tuple[int, int]],
    specialists: tuple[int, int] | None = None,
    value: float = 0.0,
) -> Context:
    """A finished run.

    Args:
        rounds: of each strategy, oldest first, the rows that both characters choose.
        specialists: the rows of the Specialists.
        value: what the critics of the last strategy expect, in scaled reward.
    """
    run = RunDirectory(folder)
    run.begin(CONFIG, GAME, write=True)
    context = Context(CONFIG, GAME, run)
    names = []
    for number, rows in enumerate(rounds, 1):
        for character, row in zip(IDS, rows, strict=True):
            names.append(f"round_{number:02d}_{character}")
            snapshot = always(context, names[-1], row, value if number == len(rounds) else 0.0)
            run.write_snapshot(run.generalist_file(names[-1]), snapshot, {})
            if specialists and number == len(rounds):
                own = always(context, character, specialists[IDS.index(character)])
                run.write_snapshot(run.specialist_file(character), own, {"generalist": snapshot.digest})
    count = len(rounds)
    run.write_population({
        "algorithm": "independent",
        "strategies": [f"round_{number:02d}" for number in range(1, count + 1)],
        "snapshots": names,
        "serving": np.arange(2 * count).reshape(count, 2).tolist(),
        "payoffs": (0.5 + 0.5 * np.sign(np.subtract.outer(np.arange(count), np.arange(count)))).tolist(),
    })  # fmt: skip
    return context
