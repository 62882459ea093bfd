"""Which characters share a Specialist: those that are like each other as the Generalist plays them."""

from __future__ import annotations

import numpy as np
from absl import logging
from scipy.cluster.hierarchy import cut_tree, linkage

from camtf import distributed, files
from camtf.checkpoint import CheckpointError
from camtf.config import ConfigError
from camtf.evaluation.battles import PoolSide, Turn, play
from camtf.games.pairing import pairings
from camtf.population.strategies import Strategies
from camtf.population.training import Context

_SEED = 60_000
"""Of the battles that characters are compared by, with the run's own seed."""

Teams = list[tuple[int, ...]]
"""The characters that one network plays, indices into ``game.characters``, each character once."""


def check(context: Context) -> None:
    """Raises ConfigError where there are fewer characters than clusters, or self-play where characters are roles."""
    c, most = context.config.specialists, len(context.characters)
    if c.clusters.count > most:
        raise ConfigError(
            f"ClusterConfig.count must not exceed the {most} characters that take part, got {c.clusters.count}"
        )
    if context.game.roles and c.self_play_share:
        raise ConfigError(
            f"SpecialistConfig.self_play_share must be 0 in {context.game.name}, whose characters are its two roles: "
            f"none meets itself; got {c.self_play_share}"
        )


def teams(context: Context, generalists: Strategies) -> Teams:
    """A team for each network of stage 2: every character alone, or clusters, which are made once and kept.

    Every rank calls. Raises CheckpointError where the clusters were made from another Generalist.
    """
    c, run, ids = context.config.specialists.clusters, context.run, context.game.characters
    if not c.count:
        return [(x,) for x in context.characters]
    generalist = generalists.of(context.characters[0]).digest
    if not run.clusters_file.exists():
        rows = what_is_won(context, generalists) if c.by == "payoffs" else what_is_done(context, generalists)
        found = [[ids[context.characters[i]] for i in members] for members in grouped(rows, c.count)]
        if distributed.rank() == 0:
            files.write_json(run.clusters_file, {"by": c.by, "generalist": generalist, "clusters": found})
            logging.info("clusters by %s: %s", c.by, "; ".join(", ".join(members) for members in found))
        distributed.barrier()
    about = files.read_json(run.clusters_file, CheckpointError)
    if about.get("generalist") != generalist:
        raise CheckpointError(
            f"{run.clusters_file} was made from the Generalist {about.get('generalist')}, but that of this run is "
            f"{generalist}; move the file away to make it anew"
        )
    return [tuple(ids.index(i) for i in members) for members in about["clusters"]]


def grouped(rows: np.ndarray, count: int) -> list[list[int]]:
    """Rows ``[n, features]`` in this many groups, by Ward's hierarchical clustering (Ward 1963): at each step the two
    groups are joined that raise the sum of squares within groups least. Groups in the order of their first row."""
    if len(rows) == 1:
        return [[0]]
    label = cut_tree(linkage(rows, "ward"), n_clusters=count).ravel()
    return [np.flatnonzero(label == one).tolist() for one in dict.fromkeys(label.tolist())]


def what_is_won(context: Context, generalists: Strategies) -> np.ndarray:
    """Win rates of the last Generalist as each character against itself as each, ``[N, N]``."""
    wins, _ = _played(context, generalists)
    return wins / context.config.specialists.clusters.games


def what_is_done(context: Context, generalists: Strategies) -> np.ndarray:
    """How often the last Generalist does what as each character, ``[N, M + K]``; each head's frequencies sum to 1."""
    _, counts = _played(context, generalists)
    return counts / counts.sum(axis=1, keepdims=True) * 2.0


def _played(context: Context, generalists: Strategies) -> tuple[np.ndarray, np.ndarray]:
    """Wins ``[N, N]`` of each pairing's battles, and how often each action was taken as each character ``[N, M + K]``,
    by the first side alone."""
    characters, spec = np.array(context.characters), context.game.spec
    n, games = len(characters), context.config.specialists.clusters.games
    side = PoolSide(context.pool(list(generalists.snapshots)), generalists.serving[-1, characters], characters)
    pairs = pairings(context.game, characters, characters)
    counts = np.zeros((n, spec.movements + spec.skills))

    def watch(turn: Turn) -> None:
        own, (movement, skill) = pairs[turn.battle // games, 0][turn.counts], turn.actions[0, turn.counts].T
        np.add.at(counts, (own, movement), 1)
        np.add.at(counts, (own, spec.movements + skill), 1)

    wins = play(context.game, side, side, pairs, games, _SEED + context.config.seed, watch=watch)
    won = np.full((n, n), 0.5 * games)
    won[tuple(pairs.T)] = wins
    return won, distributed.sum_over_ranks([counts], "actions_done")[0]
