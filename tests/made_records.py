"""Records with known truths, for tests of what is made of them: win rates and gains as they are asked for."""

from __future__ import annotations

import numpy as np

from camtf.evaluation.findings import (
    Advantage,
    Behaviour,
    Curve,
    Diversity,
    Exploiter,
    Gain,
    Information,
    Kind,
    Opponents,
    Performance,
    SocialGraph,
    Strategies,
    Table,
)
from camtf.evaluation.record import VERSION, EvaluationRecord

SKILLS = ("none", "strike", "dash", "guard", "scroll")
EVENTS = ("forcing_moves", "counter_moves", "clone_substitute")


def rates(before: np.ndarray, gain: np.ndarray, rng: np.random.Generator, games: int) -> tuple[Table, Table, Gain]:
    """Both tables and the gain between them, of characters whose win rates and gains ``[N]`` are given."""
    n = len(before)
    outcomes = []
    for rate in (before, before + gain):
        wins = rng.binomial(games, np.broadcast_to(np.clip(rate, 0, 1)[:, None, None], (n, 1, n)))
        outcomes.append(wins / games)
    one, other = (Table(k, "trained", games, x, x * (1 - x)) for k, x in zip(("generalist", "specialist"), outcomes))
    return one, other, Gain(
        "specialist", "generalist", "trained", games, other.mean - one.mean, one.variance + other.variance
    )  # fmt: skip


def behaviour(kind: str, n: int, apart: float, rng: np.random.Generator) -> Behaviour:
    """Characters whose frequencies lie ``apart`` from a common one."""
    k = len(SKILLS)
    shares = np.full((n, k), 1 / k)
    shares[np.arange(n), np.arange(n) % k] += apart
    shares /= shares.sum(axis=1, keepdims=True)
    counts = rng.multinomial(4000, shares).astype(float)
    skill = counts / 4000
    return Behaviour(
        kind, "trained", 100, np.full(n, 4000.0), np.full((n, 9), 1 / 9), skill, np.stack([counts / 10] * 10),
        (1 - (skill**2).sum(axis=1)) / 4000, np.full((n, k), 0.5),
        np.stack([skill * w for w in (1.2, 1.0, 0.8)], axis=-1), 60,
        5 + 10 * apart * rng.standard_normal((n, 3)), np.full((n, 3), 0.1), np.full((n, 3), 50.0),
    )  # fmt: skip


def record(seed: int = 1, n: int = 4, generations: int = 4, gain: float = 0.15, games: int = 400,
           **changes: object) -> EvaluationRecord:  # fmt: skip
    """A record of a run in which every Specialist gains so much, in probability."""
    rng = np.random.default_rng(seed)
    ids, titles = tuple(f"character_{i}" for i in range(n)), tuple(f"Character {chr(65 + i)}" for i in range(n))
    before = np.linspace(0.35, 0.65, n) + 0.02 * rng.standard_normal()
    one, other, difference = rates(before, np.full(n, gain), rng, games)
    kinds = ("generalist", "specialist")
    levels = np.arange(generations)
    between = 0.5 + 0.4 * np.tanh(0.4 * (levels[:, None] - levels[None, :]))
    apart = {"generalist": 0.05, "specialist": 0.3}
    acts = {kind: behaviour(kind, n, apart[kind], rng) for kind in kinds}
    sigmas = {"generalist": np.full((n, n), 1 / n), "specialist": 0.7 * np.roll(np.eye(n), 1, axis=1) + 0.3 / n}
    frames = np.linspace(0, 2e6, 9)
    found = dict(
        version=VERSION, run=f"made_{seed}", game="made", game_digest="0" * 64, characters=ids, titles=titles,
        movement_names=tuple("abcdefghi"), skill_names=SKILLS, event_names=EVENTS, algorithm="mia", weights={}, seed=9,
        ranks=1, training_seed=seed, kinds=tuple(Kind(kind, ("",) * n) for kind in kinds),
        opponents=(Opponents("trained", "trained", ("generation_04",), (("",) * n,)),),
        tables=(one, other), gains=(difference,),
        strategies=Strategies(
            tuple(f"generation_{i + 1:02d}" for i in levels), (("",) * n,) * generations, 500, between,
            between * (1 - between),
        ),
        behaviour=tuple(acts.values()),
        diversity=tuple(Diversity(kind, "trained", np.zeros((n, n)), 0.1, 0.01, 0.1) for kind in kinds),
        advantages=tuple(
            Advantage(player, prior, 100, scale * rng.standard_normal((n, n)), np.full((n, n), 0.01))
            for player, prior, scale in (("generalist", "generation_03", 0.2), ("specialist", "generalist", 0.8))
        ),
        social_graphs=tuple(
            SocialGraph(kind, "trained", "pfsp", s, -(s * np.log(s)).sum(axis=1)) for kind, s in sigmas.items()
        ),
        information=tuple(
            Information(kind, 50, 5000, *(np.full((n, n), x) for x in (i, 1e-3, 0, 2e-3, i - 3e-3, i + 1e-3)))
            for kind, i in (("generalist", 0.03), ("specialist", 0.01))
        ),
        curves=tuple(
            Curve(task, stage, 0.0, 1.0, start + frames, {"v_rusher": low + 0.2 * np.sqrt(frames / 2e6)})
            for task, stage, start, low in (
                ("generation_01", "generalists", 0.0, 0.3), ("specialist_a", "specialists", 2e6, 0.5)
            )
        ),
        exploiters=(Exploiter(("generation_04",), np.ones(1), 1, "", "", 1_000_000, 1000, 0.58, 0.015),),
        performance=(Performance("other", ("a", "b"), ("c", "d"), 100, np.array([[0.6, 0.55], [0.5, 0.45]]), 0.05),),
        commit="0123456789ab", command="", machine="a machine", versions={},
    )  # fmt: skip
    return EvaluationRecord(**(found | changes))  # type: ignore[arg-type]
