"""A phase: one learner against frozen opponents for a number of frames. Both stages are made of phases."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from absl import logging

from camtf import distributed
from camtf.checkpoint import RunDirectory, read_arrays, write_arrays
from camtf.config import Config
from camtf.game.env import DuelGame
from camtf.game.roster import Roster
from camtf.learn.learner import Learner
from camtf.learn.rollout import Rollout, share_matches
from camtf.model.policy import Policy
from camtf.population.graph import InteractionGraph
from camtf.population.pool import Pool
from camtf.types import BatchedGame

_LOG_SECONDS = 10.0


MakeGame = Callable[[int, np.ndarray], BatchedGame]
"""From a seed and the global ids of a rank's matches to the game."""


def duel(config: Config, roster: Roster) -> MakeGame:
    """The duel, as a configuration wants it."""
    game = config.game
    return lambda seed, ids: DuelGame(roster, len(ids), seed, config.reward, ids, game.input_delay_ticks)


@dataclass
class Phase:
    """What one phase trains, on what, against whom.

    Attributes:
        name: unique in the run; checkpoints carry it.
        number: unique in the run; the phase's chance comes from (seed, number).
        frames: learner frames over all ranks.
        baseline: frozen policy that advantages are taken against, or None for the learner's own critic.
    """

    name: str
    number: int
    policy: Policy
    graph: InteractionGraph
    pool: Pool
    frames: int
    baseline: Policy | None = None


def run_phase(phase: Phase, config: Config, make_game: MakeGame, run: RunDirectory) -> dict[str, Any]:
    """Train the phase's policy in place, resuming from a checkpoint of this phase where there is one.

    Loop: play a segment, learn from it, score the graph. Returns what it took: frames, updates, seconds.
    """
    rank, size = distributed.rank(), distributed.size()
    seed = int(np.random.SeedSequence((config.seed, phase.number)).generate_state(1)[0])
    self_play = round(config.game.matches * phase.graph.self_play_share)
    ids = share_matches(config.game.matches, self_play, rank, size)
    game = make_game(seed, ids)
    rollout = Rollout(
        game, phase.policy, phase.pool.playing(phase.graph), phase.graph, self_play // size, seed, ids,
        config.ppo.segment, phase.baseline,
    )  # fmt: skip
    learner = Learner(phase.policy, config.ppo, seed, rollout.row_ids)
    learner.synchronise()
    frames_per_update = config.ppo.segment * rollout.learner_rows * size
    updates = -(-phase.frames // frames_per_update)
    _restore(phase, learner, rollout, run)
    distributed.check_replicas(learner.variables)
    report = _progress(phase.name, updates * frames_per_update, learner.updates * frames_per_update)

    began = time.monotonic()
    while learner.updates < updates:
        segment, battles = rollout.collect()
        played = time.monotonic()
        wins, games = distributed.sum_over_ranks(battles, "battles")
        metrics = learner.update(segment, center_advantages=phase.baseline is None)
        phase.graph.update(battles._replace(wins=wins, games=games))
        frames = learner.updates * frames_per_update
        frozen = slice(phase.graph.frozen_nodes)
        against_frozen = games[:, frozen].sum()
        metrics |= {
            "battles": games.sum(),
            "win_rate_against_frozen": wins[:, frozen].sum() / against_frozen if against_frozen else 0.5,
        }
        metrics |= {"act_seconds": played - began, "learn_seconds": time.monotonic() - played}
        began = time.monotonic()
        if rank == 0:
            run.append_metrics({"phase": phase.name, "update": learner.updates, "frames": frames, **metrics})
            report(frames, metrics)
        if learner.updates % config.checkpoint_updates == 0 and learner.updates < updates:
            _save(phase, learner, rollout, run)
    return {"frames": learner.updates * frames_per_update, "updates": learner.updates,
            "fingerprint": distributed.check_replicas(learner.variables)}  # fmt: skip


def _save(phase: Phase, learner: Learner, rollout: Rollout, run: RunDirectory) -> None:
    """Write everything that the future of the phase depends on. Matches are kept by global id, so that another number
    of ranks can take them up."""
    distributed.check_replicas(learner.variables)
    matches = distributed.gather_rows({"ids": rollout.match_ids, **rollout.state()})
    if distributed.rank() == 0:
        order = np.argsort(matches["ids"])
        arrays = {f"match:{name}": array[order] for name, array in matches.items()}
        arrays |= {f"variable:{i}": v.numpy() for i, v in enumerate(learner.variables)}
        arrays["win_rates"] = phase.graph.win_rates
        meta = {"phase": phase.name, "updates": learner.updates, "segments": rollout.segments}
        write_arrays(run.checkpoint_file, arrays, meta | {"ranks": distributed.size()})


def _restore(phase: Phase, learner: Learner, rollout: Rollout, run: RunDirectory) -> None:
    if not run.checkpoint_file.exists():
        return
    arrays, meta = read_arrays(run.checkpoint_file)
    if meta["phase"] != phase.name:
        return
    for i, variable in enumerate(learner.variables):
        variable.assign(arrays[f"variable:{i}"])
    learner.updates = meta["updates"]
    phase.graph.restore(arrays["win_rates"])
    own = np.searchsorted(arrays["match:ids"], rollout.match_ids)
    matches = {name.removeprefix("match:"): a[own] for name, a in arrays.items() if name.startswith("match:")}
    rollout.restore(matches, meta["segments"])
    if distributed.rank() == 0:
        logging.info("%s: resumed after update %d", phase.name, learner.updates)
        if meta["ranks"] != distributed.size():
            logging.warning(
                "the checkpoint is of %d ranks, now there are %d: the result will differ by floating-point order",
                meta["ranks"],
                distributed.size(),
            )


def _progress(name: str, total: int, done: int) -> Callable[[int, dict[str, float]], None]:
    """A reporter that logs a line at most every few seconds, and at the end."""
    began = last = time.monotonic()

    def report(frames: int, metrics: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _LOG_SECONDS and frames < total:
            return
        last = now
        rate = (frames - done) / max(now - began, 1e-9)
        logging.info(
            "%s: %s of %s frames, %s frames/s, %d s left, wins against frozen %.2f, entropy %.2f, kl %.4f",
            name, f"{frames:,}", f"{total:,}", f"{rate:,.0f}", (total - frames) / rate,
            metrics["win_rate_against_frozen"], metrics["entropy"], metrics["kl"],
        )  # fmt: skip

    return report
