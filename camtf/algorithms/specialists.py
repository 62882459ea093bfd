"""Stage 2: the Specialists, a network for each character, copied from the Generalist and trained against it frozen.

    psi_k <- theta*  for every character k                  copies, disjoint from now on
    pool  <- { frozen Generalists }
    repeat                                                  a round
      for every k:                                          independent of each other: in parallel where there are ranks
        until k converged:  play against sigma_k = F(U_k), PPO step on psi_k, update U_k      (`best_response`)
      pool <- pool + { psi_k }                              only after ALL Specialists of the round converged
    until the population's win rate converges

With ``advantage = cam`` a Specialist maximises the comparative advantage ``A_k = Q(s, a_k, a_g) - V_Generalist(s)``
(CAM eq. 16-18): returns bootstrapped by its own critic, against what the frozen Generalist expects. M&M's explicit form
is ``own_critic`` with a ``mutual_information`` above 0.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from absl import logging

from camtf import distributed
from camtf.algorithms import clusters, controls
from camtf.algorithms.best_response import Course, learn, learner_of, number_of
from camtf.algorithms.clusters import Teams
from camtf.population.convergence import all_converged
from camtf.population.strategies import Strategies
from camtf.population.training import Context
from camtf.types import Snapshot


def train(context: Context, generalists: Strategies) -> dict[str, Snapshot]:
    """Train what is missing of the Specialists and of their controls; return the Specialists by character id.

    Raises:
        ConfigError: there are more clusters than characters.
        CheckpointError: what is there is not of these Generalists.
    """
    clusters.check(context)
    context = with_own_settings(context)
    c, run, ids = context.config.specialists, context.run, context.game.characters
    teams = clusters.teams(context, generalists)
    pool = latest(generalists, c.opponents)
    players = {x: generalists.of(x) for x in context.characters}
    frames = dict.fromkeys(teams, 0)
    for number in range(1, c.rounds + 1):
        reports = train_round(context, generalists, teams, pool, players, number)
        players, frames = {}, {team: frames[team] + reports[team][1]["frames"] for team in teams}
        for team, (snapshot, _) in reports.items():
            players |= dict.fromkeys(team, snapshot)
        measured = [(r["gain"], r["gain_error"]) for _, r in reports.values() if "gain" in r]
        if number == c.rounds or (measured and all_converged(measured, c.convergence.gain)):
            break
        pool = joined(pool, f"round_{number:02d}", players)
    if number < c.rounds:
        publish(context, generalists, teams, number)
    controls.train(context, generalists, frames, pool)
    return {ids[x]: run.specialist(ids[x], generalists.of(x)) for x in context.characters}


def with_own_settings(context: Context) -> Context:
    """The run with the Specialists' own step size and entropy."""
    c = context.config.specialists
    ppo = dataclasses.replace(context.config.ppo, learning_rate=c.learning_rate)
    if c.entropy_cost >= 0:
        ppo = dataclasses.replace(ppo, entropy_cost=c.entropy_cost)
    return dataclasses.replace(context, config=dataclasses.replace(context.config, ppo=ppo))


def train_round(
    context: Context,
    generalists: Strategies,
    teams: Teams,
    pool: Strategies,
    players: dict[int, Snapshot],
    number: int,
) -> dict[tuple[int, ...], tuple[Snapshot, dict[str, Any]]]:
    """Every team's network of a round, trained where it is not there yet, and what it took. The groups of ranks deal
    them out among themselves; all are there before any rank goes on.

    Args:
        players: who plays each character at the round's beginning.
    """
    c, run, ids = context.config.specialists, context.run, context.game.characters
    after = number if number < c.rounds else 0
    missing = [team for team in teams if not all(run.specialist_file(ids[x], after).exists() for x in team)]
    for team in teams:  # before hours of work: is what is there of this Generalist?
        if team not in missing:
            run.copy_of(generalists.of(team[0]), run.specialist_file(ids[team[0]], after))
    distributed.barrier()  # before anybody writes one
    with distributed.own_group() as (group, groups):
        for team in missing[group::groups]:
            course = course_of(context, generalists, team, pool, players[team[0]], number)
            snapshot, report = learn(context, course)
            if distributed.rank() == 0:
                for x in team:
                    own = dataclasses.replace(snapshot, name=ids[x])
                    run.write_snapshot(run.specialist_file(ids[x], after), own, report)
                run.drop_checkpoints(course.name)
                logging.info("%s is done: %s", course.name, run.specialist_file(ids[team[0]], after))
            distributed.barrier()
    distributed.barrier()
    return {team: run.copy_of(generalists.of(team[0]), run.specialist_file(ids[team[0]], after)) for team in teams}


def course_of(
    context: Context, generalists: Strategies, team: tuple[int, ...], pool: Strategies, start: Snapshot, number: int
) -> Course:
    """What a team's network learns in a round."""
    config, ids = context.config, context.game.characters
    c, first, alone = config.specialists, number == 1, f"specialist_{ids[team[0]]}"
    generalist = generalists.of(team[0])
    before = learner_of(context, generalist) if first else round_name(alone, number - 1)
    return Course(
        name=round_name(alone, number),
        number=number_of(context, number - 1, team),
        team=team,
        generalist=generalist,
        start=start,
        opponents=pool,
        frames=c.frames,
        advantage=c.advantage,
        optimizer=before if c.keep_optimizer else "",
        first=first,
    )


def round_name(name: str, number: int) -> str:
    """Name of a task in a round."""
    return name if number == 1 else f"{name}_round_{number:02d}"


def latest(strategies: Strategies, count: int) -> Strategies:
    """The last strategies of a population, with the policies that they need; all of them where the count is 0."""
    serving = strategies.serving[-count:]
    used = np.unique(serving[serving >= 0])
    place = np.full(len(strategies.snapshots) + 1, -1)
    place[used] = np.arange(len(used))
    return Strategies(strategies.names[-count:], tuple(strategies.snapshots[i] for i in used), place[serving])


def joined(pool: Strategies, name: str, players: dict[int, Snapshot]) -> Strategies:
    """The pool with one more strategy: a round's Specialists, each as its own character."""
    new = list({id(snapshot): snapshot for snapshot in players.values()}.values())
    row = pool.serving[-1].copy()  # for characters that do not take part
    for character, snapshot in players.items():
        row[character] = len(pool.snapshots) + next(i for i, one in enumerate(new) if one is snapshot)
    return Strategies((*pool.names, name), (*pool.snapshots, *new), np.concatenate([pool.serving, row[None]]))


def publish(context: Context, generalists: Strategies, teams: Teams, number: int) -> None:
    """The Specialists of this round, in which the population has converged, are the run's."""
    run, ids = context.run, context.game.characters
    if distributed.rank() == 0:
        logging.info("the Specialists have converged in round %d of %d", number, context.config.specialists.rounds)
        for x in (x for team in teams for x in team):
            if not run.specialist_file(ids[x]).exists():
                snapshot, report = run.copy_of(generalists.of(x), run.specialist_file(ids[x], number))
                run.write_snapshot(run.specialist_file(ids[x]), snapshot, report)
    distributed.barrier()
