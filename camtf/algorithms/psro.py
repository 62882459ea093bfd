"""`psro` and `psro_c`: policy-space response oracles (Lanctot et al. 2017, algorithm 1).

A network per iteration, the best response to ``F(U)`` over the frozen ones before it; strategy 0 plays uniformly.
`psro` begins each from scratch, `psro_c` from the weights of the one before it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from camtf.algorithms.freezing import freeze, frozen_or
from camtf.model.policy import Policy
from camtf.population.matchmaking import Graph
from camtf.population.measuring import NOTHING, Measured, effective_population, with_newest
from camtf.population.meta_strategies import SOLVERS, centred
from camtf.population.payoffs import Nodes
from camtf.population.strategies import Served, Strategies, one_policy_each
from camtf.population.training import Context, Task, Training, Unchanging
from camtf.types import Snapshot


def train(context: Context, keep_weights: bool) -> Strategies:
    """Train what is missing of the iterations and return their strategies, the uniform one first.

    Args:
        keep_weights: begin with the weights of the iteration before (`psro_c`).
    """
    c, seed = context.config.generalists, context.config.seed
    everyone = len(context.game.characters)
    solver = SOLVERS[c.meta_strategy or "nash"]
    policy = context.policy(seed)
    population = one_policy_each([], everyone, uniform_first=True)
    measured = with_newest(context, population, NOTHING, np.zeros(0))  # U, of the uniform strategy alone
    for iteration in range(1, c.generations + 1):
        sigma = solver(centred(measured.payoffs))
        name = f"iteration_{iteration:02d}"
        if not keep_weights:
            policy.set_weights(context.policy(seed + iteration).get_weights())
        learn = functools.partial(best_response, context, name, policy, population, measured, sigma)
        newest = frozen_or(context, name, learn)
        policy.set_weights(newest.weights)
        population = one_policy_each([*population.snapshots, newest], everyone, uniform_first=True)
        measured = with_newest(context, population, measured, sigma)
    return freeze(context, population, measured, effective_population(measured, c.accept_margin))


def best_response(
    context: Context, name: str, policy: Policy, population: Strategies, measured: Measured, sigma: np.ndarray
) -> tuple[Snapshot, dict[str, Any]]:
    """Train an iteration's learner in place. Returns it frozen, and what it took."""
    c = context.config.generalists
    task = Task(
        name=name,
        number=len(population),
        policy=policy,
        opponents=Served(context.pool(list(population.snapshots)), population.serving),
        frames=c.frames,
        state=response(context, sigma),
    )
    training = Training(context, task)
    effective = effective_population(measured, c.accept_margin)
    mixtures = np.concatenate([measured.mixtures, sigma[None]])
    for _ in training:  # j ~ sigma, both characters uniformly
        training.show({"effective_population": float(effective)}, lambda: (measured.payoffs, mixtures))
    return training.snapshot(), training.report()


def response(context: Context, sigma: np.ndarray) -> Unchanging:
    """A fixed mixture of frozen strategies to respond to. Nodes are strategies; the newest is the learner."""
    nodes = Nodes(len(sigma) + 1, context.characters, by_character=False, roles=context.game.roles)
    told = np.zeros((nodes.count, context.config.network.mixture_slots), np.float32)
    return Unchanging(nodes, Graph(learners=np.array([len(sigma)]), sigma=np.append(sigma, 0.0)[None], told=told))
