"""A whole evaluation: every measure of `camtf.evaluation`, of one finished run, as one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from camtf.evaluation import exploitation
from camtf.evaluation.advantages import advantage_fight, advantage_found
from camtf.evaluation.behaviour import behaviour, counting, diversity
from camtf.evaluation.exploitation import Trained, exploiter_fight, exploiter_found
from camtf.evaluation.fights import Fight, Fighter, Lot, Tally
from camtf.evaluation.findings import Gain
from camtf.evaluation.record import EvaluationRecord
from camtf.evaluation.sides import Opposition, Players
from camtf.evaluation.social import social_graph
from camtf.evaluation.states import information
from camtf.evaluation.subject import Options, Subject
from camtf.evaluation.tables import (
    Outcomes,
    fights_against,
    performance_fight,
    performance_found,
    strategies_fight,
    strategies_found,
)
from camtf.population.training import Context

ADVANTAGE_PART, INFORMATION_PART = 4, 8
"""Advantage vectors take a fourth, mutual information an eighth of the battles of a pairing: both look at every
decision of them, and converge faster than win rates."""


@dataclass(frozen=True)
class Plan:
    """Every fight of an evaluation, by what it is for. All are known before the first is played.

    Attributes:
        tables: kinds against sets of opponents.
        strategies: between the strategies of the population; None where there is only one.
        performance: against other populations.
        advantages: of kinds against those before them: both names, and the fight.
        exploiters: trained ones against the population.
    """

    tables: list[tuple[Players, Opposition, list[Fight]]]
    strategies: Fight | None
    performance: list[tuple[Opposition, Fight]]
    advantages: list[tuple[str, str, Fight]]
    exploiters: list[tuple[Trained, Fight]]

    @property
    def battles(self) -> int:
        """Of all of them."""
        fights = [fight for _, _, some in self.tables for fight in some]
        fights += [fight for _, fight in self.performance] + [fight for *_, fight in self.advantages]
        fights += [fight for _, fight in self.exploiters] + ([self.strategies] if self.strategies else [])
        return sum(fight.battles for fight in fights)


def plan_of(subject: Subject, hunted: list[Trained]) -> Plan:
    """What is to be played of a run.

    Args:
        hunted: its exploiters.
    """
    context, seed = subject.context, subject.options.seed
    games, n = context.config.evaluation.games, len(context.characters)

    def counter(pairs: np.ndarray) -> Callable[[Lot], Tally]:
        return counting(context.game, pairs)

    tables = []
    for opposition in subject.oppositions:
        tally = ("counted", counter) if opposition is subject.trained else None
        for kind in subject.kinds:
            fights = fights_against(context, kind, opposition, subject.games(opposition), seed, tally)
            tables.append((kind, opposition, fights))
    return Plan(
        tables=tables,
        strategies=strategies_fight(context, subject.strategies, subject.side, games * n, seed),
        performance=[
            (other, performance_fight(context, subject.strategies, subject.side, other, games, seed))
            for other in subject.others
        ],
        advantages=[
            (own.name, prior.name, advantage_fight(context, own, prior, -(-games // ADVANTAGE_PART), seed))
            for own, prior in subject.iterations
        ],
        exploiters=[
            (exploiter, exploiter_fight(context, exploiter, subject.strategies, subject.side, games * n, seed))
            for exploiter in hunted
        ],
    )


def evaluate(context: Context, options: Options) -> EvaluationRecord:
    """Measure a run. Every rank calls, and all get the same record.

    What is measured is kept in parts in the run directory: an interrupted evaluation goes on where it was.

    Raises:
        CheckpointError: stage 1 of the run, or of one that it is measured against, is not finished.
        ConfigError: the options do not fit the run.
    """
    subject = Subject(context, options)
    hunted = exploitation.train(context, subject.strategies, options.exploiters, options.exploiter_frames)
    plan = plan_of(subject, hunted)
    fighter = Fighter(context.game, context.run, plan.battles)
    tables = [(kind, against, fights, [fighter.play(f) for f in fights]) for kind, against, fights in plan.tables]
    outcomes = [Outcomes(kind.name, against.found.name, fights, played) for kind, against, fights, played in tables]
    acted = [
        behaviour(kind.name, against.found.name, context.game, played)
        for kind, against, _, played in tables
        if against is subject.trained
    ]
    strategies = strategies_found(
        context, subject.strategies, plan.strategies, fighter.play(plan.strategies) if plan.strategies else None
    )
    measured = tuple(found.table() for found in outcomes)
    solver = context.config.specialists.meta_strategy
    games = context.config.evaluation.games
    found = EvaluationRecord(
        **subject.described(),
        tables=measured,
        gains=tuple(gains(outcomes)),
        strategies=strategies,
        behaviour=tuple(acted),
        diversity=tuple(diversity(one) for one in acted),
        advantages=tuple(
            advantage_found(own, prior, fight, fighter.play(fight)) for own, prior, fight in plan.advantages
        ),
        social_graphs=tuple(social_graph(t, solver) for t in measured if t.opponents == subject.trained.found.name),
        information=tuple(
            information(
                context, subject.kinds, subject.kinds[0], max(2, games // INFORMATION_PART), options.seed,
                fighter.parts,
            )
        ),
        curves=tuple(subject.curves()),
        exploiters=tuple(
            exploiter_found(context, exploiter, subject.strategies, fight, fighter.play(fight))
            for exploiter, fight in plan.exploiters
        ),
        performance=tuple(
            performance_found(subject.strategies, other, fight, fighter.play(fight))
            for other, fight in plan.performance
        ),
    )  # fmt: skip
    fighter.parts.tidy()
    return found


def gains(outcomes: list[Outcomes]) -> list[Gain]:
    """Of the Specialist over every other kind, against each set of opponents."""
    return [
        own.gain_over(control)
        for own in outcomes
        for control in outcomes
        if own.kind == "specialist" and control.kind != "specialist" and control.opponents == own.opponents
    ]
