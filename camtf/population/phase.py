"""A phase: one learner against frozen opponents for a number of frames. Both stages are made of phases."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config
from camtf.games.duel.env import DuelGame
from camtf.games.duel.roster import Roster
from camtf.games.protocol import BatchedGame
from camtf.interrupt import Interrupted, requested
from camtf.learn.learner import Learner
from camtf.learn.rollout import Rollout, share_matches
from camtf.model.policy import Policy
from camtf.monitor import Monitor
from camtf.plan import self_play_matches
from camtf.population.graph import InteractionGraph
from camtf.population.pool import Pool
from camtf.population.resume import restore, save
from camtf.types import Battles, Segment

MakeGame = Callable[[int, np.ndarray], BatchedGame]
"""From a seed and the global ids of a rank's matches to the game."""

Yardstick = Callable[[Policy, InteractionGraph], dict[str, float]]
"""Win rates of the policy under training against a fixed measure, by name. Every rank calls it."""


def duel(config: Config, roster: Roster) -> MakeGame:
    """The duel, as a configuration wants it."""
    delay = config.game.input_delay_ticks
    return lambda seed, ids: DuelGame(roster, len(ids), seed, config.reward, ids, delay, staggered=True)


@dataclass
class Phase:
    """What one phase trains, on what, against whom.

    Attributes:
        name: unique in the run; its files carry it.
        number: unique in the run; the phase's chance comes from (seed, number).
        frames: learner frames over all ranks.
        baseline: frozen policy that advantages are taken against, or None for the learner's own critic.
        yardstick: what to measure from time to time, or None.
        origin: digest of the snapshot that the policy is a copy of; empty where it begins at random.
    """

    name: str
    number: int
    policy: Policy
    graph: InteractionGraph
    pool: Pool
    frames: int
    baseline: Policy | None = None
    yardstick: Yardstick | None = None
    origin: str = ""


def run_phase(phase: Phase, config: Config, make_game: MakeGame, run: RunDirectory) -> dict[str, Any]:
    """Train the phase's policy in place, resuming from a checkpoint of this phase where there is one.

    Loop: play a segment, score the graph, learn from the segment. In impala mode the next segment is played while
    the learner learns, by the policy as it was before. Returns what it took: frames, updates, fingerprint.

    Raises:
        Interrupted: the run was asked to stop; everything until the last update is saved.
    """
    size = distributed.size()
    seed = int(np.random.SeedSequence((config.seed, phase.number)).generate_state(1)[0])
    self_play = self_play_matches(config.game.matches, phase.graph.self_play_share)
    ids = share_matches(config.game.matches, self_play, distributed.rank(), size)
    overlap = config.ppo.mode == "impala"
    behaviour = Policy(config.network, phase.policy.spec, build=phase.policy.build) if overlap else phase.policy
    rollout = Rollout(
        make_game(seed, ids), behaviour, phase.pool.playing(phase.graph), phase.graph, self_play // size, seed, ids,
        config.ppo.segment, phase.baseline, keep=overlap,
    )  # fmt: skip
    learner = Learner(phase.policy, config.ppo, seed)
    learner.synchronise()
    if overlap:
        behaviour.set_weights(phase.policy.get_weights())
    frames_per_update = config.ppo.segment * rollout.learner_rows * size
    updates = -(-phase.frames // frames_per_update)
    restore(phase.name, phase.origin, run, learner, phase.graph, rollout, behaviour if overlap else None)
    distributed.check_replicas(learner.variables)
    if distributed.sum_over_ranks([float(requested())], "stops")[0]:  # while it started, which takes seconds
        raise Interrupted(f"{phase.name}: stopped after update {learner.updates} of {updates}")
    monitor = Monitor(run, phase.name, updates, learner.updates, frames_per_update, config.histogram_updates)

    with contextlib.closing(monitor), ThreadPoolExecutor(1) as background:
        following: Future[tuple[Segment, Battles]] | None = None
        while learner.updates < updates:
            began = time.monotonic()
            segment, battles = following.result() if following else rollout.collect()
            played = time.monotonic()
            wins, games, stops = distributed.sum_over_ranks([*battles, float(requested())], "battles")
            phase.graph.update(Battles(wins, games))
            if overlap and learner.updates + 1 < updates:
                before = rollout.state(), rollout.segments
                behaviour.set_weights(phase.policy.get_weights())
                following = background.submit(rollout.collect)
            metrics = learner.update(segment, learner.updates / updates, center_advantages=phase.baseline is None)
            last = learner.updates == updates
            metrics |= _battle_metrics(wins, games, phase.graph.frozen_nodes)
            metrics |= {"act_seconds": played - began, "learn_seconds": time.monotonic() - played}
            metrics |= {f"act_{part}_seconds": seconds for part, seconds in rollout.seconds.items()}
            every = config.evaluation.yardstick_updates
            if phase.yardstick and every and (learner.updates % every == 0 or last):
                metrics |= phase.yardstick(phase.policy, phase.graph)
            if distributed.rank() == 0:
                monitor.update(learner.updates, metrics, phase.policy)
            if not last and (stops or learner.updates % config.checkpoint_updates == 0):
                if following:
                    following.result()
                state = before if overlap else (rollout.state(), rollout.segments)
                save(phase.name, phase.origin, run, learner, phase.graph, rollout.match_ids, *state,
                     config.checkpoints_kept, behaviour if overlap else None)  # fmt: skip
            if not last and stops:
                raise Interrupted(f"{phase.name}: stopped after update {learner.updates} of {updates}")
    return {"frames": learner.updates * frames_per_update, "updates": learner.updates,
            "fingerprint": distributed.check_replicas(learner.variables)}  # fmt: skip


def _battle_metrics(wins: np.ndarray, games: np.ndarray, frozen_nodes: int) -> dict[str, float]:
    against_frozen = games[:, :frozen_nodes].sum()
    return {
        "battles": games.sum(),
        "win_rate_against_frozen": wins[:, :frozen_nodes].sum() / against_frozen if against_frozen else 0.5,
    }
