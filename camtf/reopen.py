"""Open a run again: everything that it was trained with, from what its directory says."""

from __future__ import annotations

from pathlib import Path

from camtf.checkpoint import RunDirectory
from camtf.games.loading import load_game
from camtf.model.loading import describe, load_network
from camtf.population.training import Context


def reopen(directory: str | Path) -> Context:
    """A run with its own settings, game and network.

    Raises CheckpointError where the game or the network is not what it was trained with.
    """
    run = RunDirectory(directory)
    config = run.config()
    game = load_game(config)
    run.check_game(game)
    build = load_network(config.network, game.spec)
    run.check_network(describe(build, config.network, game.spec))
    return Context(config, game, run, build)
