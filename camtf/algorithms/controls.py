"""What Specialists are compared with: networks trained from the same Generalist, for as many frames, by the same code.

``matched``: the conditional network, trained on as ALL characters, one for everybody, for as many frames as all
Specialists together have taken. What Specialists gain over it, they gain by being specialised.
``own_critic``: Specialists by plain PPO, each for as many frames as the Specialist of the same characters. What
Specialists gain over them, they gain by their critic.

Both meet the pool of the Specialists' last round and have all of their other settings. The third control, ``start``, is
the Generalist itself.
"""

from __future__ import annotations

import dataclasses

from absl import logging

from camtf import distributed
from camtf.algorithms.best_response import Course, learn, learner_of, number_of
from camtf.population.strategies import Strategies
from camtf.population.training import Context
from camtf.specialist_config import CONTROLS

Frames = dict[tuple[int, ...], int]
"""Frames that each team's Specialist has taken, over all rounds."""


def train(context: Context, generalists: Strategies, frames: Frames, pool: Strategies) -> None:
    """Train what is missing of the controls that the run asks for. Every rank calls.

    Args:
        pool: the opponents of the Specialists' last round.

    Raises:
        CheckpointError: one that is there is a copy of another Generalist.
    """
    wanted = context.config.specialists.controls
    if "matched" in wanted:  # one network, which all ranks train together
        train_control(context, generalists, "matched", context.characters, sum(frames.values()), pool)
    if "own_critic" in wanted:
        with distributed.own_group() as (group, groups):
            for team, taken in list(frames.items())[group::groups]:
                train_control(context, generalists, "own_critic", team, taken, pool)
    distributed.barrier()


def train_control(
    context: Context, generalists: Strategies, control: str, team: tuple[int, ...], frames: int, pool: Strategies
) -> None:
    """Train a control's network for a team where it is not there yet."""
    run, c, generalist = context.run, context.config.specialists, generalists.of(team[0])
    ids = [context.game.characters[x] for x in team]
    files = list(dict.fromkeys(run.control_file(control, i) for i in ids))
    if all(file.exists() for file in files):
        for file in files:
            run.copy_of(generalist, file)
        return
    course = Course(
        name=f"control_{control}" if control == "matched" else f"control_{control}_{ids[0]}",
        number=number_of(context, c.rounds + CONTROLS.index(control), team),
        team=team,
        generalist=generalist,
        start=generalist,
        opponents=pool,
        frames=frames,
        advantage="own_critic" if control == "own_critic" else c.advantage,
        optimizer=learner_of(context, generalist) if c.keep_optimizer else "",
        converges=False,
    )
    snapshot, report = learn(context, course)
    if distributed.rank() == 0:
        for file in files:
            run.write_snapshot(
                file,
                dataclasses.replace(snapshot, name=control if control == "matched" else f"{control}_{file.stem}"),
                report,
            )
        run.drop_checkpoints(course.name)
        logging.info("%s is done: %s", course.name, files[0])
    distributed.barrier()
