"""Updates, an evaluation and every population algorithm, written to a file: what `test_ranks` runs in 1, 2, 4 ranks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from camtf import distributed

distributed.start()

from camtf.algorithms import train_population  # noqa: E402
from camtf.checkpoint import RunDirectory  # noqa: E402
from camtf.config import override, preset  # noqa: E402
from camtf.evaluation.battles import BotSide, PolicySide, play  # noqa: E402
from camtf.evaluation.coding import to_json  # noqa: E402
from camtf.evaluation.population import evaluate  # noqa: E402
from camtf.evaluation.subject import Options  # noqa: E402
from camtf.games.duel.game import Duel  # noqa: E402
from camtf.games.duel.observation import duel_spec  # noqa: E402
from camtf.games.duel.roster import load_roster  # noqa: E402
from camtf.games.matrix import MatrixGame  # noqa: E402
from camtf.learn.learner import Learner  # noqa: E402
from camtf.learn.moments import NotFiniteError  # noqa: E402
from camtf.learn.rollout import Record, share_matches  # noqa: E402
from camtf.learn.terms import ppo_with  # noqa: E402
from camtf.model.policy import Policy  # noqa: E402
from camtf.population.training import Context  # noqa: E402
from camtf.types import Observation  # noqa: E402
from mobile.positions import draw  # noqa: E402
from tests.ladder import CONFIG as LADDER_RUN  # noqa: E402
from tests.ladder import GAME as LADDER_GAME  # noqa: E402
from tests.ladder import random_run  # noqa: E402
from tests.test_learner import NETWORK, PPO, rollout  # noqa: E402

LADDER = MatrixGame(np.array([[0, -1, -1], [1, 0, -1], [1, 1, 0]]), rounds=3, copies=2)
POPULATION = override(
    preset("test"),
    {
        "network.trunk": (8,),
        "network.mixture_slots": 4,
        "ppo.segment": 6,
        "ppo.epochs": 1,
        "ppo.minibatches": 2,
        "ppo.learning_rate": 0.01,
        "generalists.frames": 500,
        "generalists.slots": 4,
        "generalists.evaluation_share": 0.25,
        "generalists.solve_updates": 2,
        "generalists.accept_margin": 0.0,
        "generalists.measured_games": 40,
        "checkpoint_updates": 100,
        "histogram_updates": 0,
    },
)


def populations(folder: Path, algorithms: list[str]) -> dict[str, np.ndarray]:
    """Weights, conditioning, U and Sigma of a population by each of some algorithms. What ranks share is the same in
    all iterations of `psro`, `psro_c` and `independent`: the first stands for them."""
    arrays = {}
    for algorithm in algorithms:
        generations = 1 if algorithm in ("psro", "independent") else 2
        characters = ("player_1",) if algorithm == "independent" else ()
        changes = {
            "generalists.algorithm": algorithm, "generalists.generations": generations, "game.characters": characters,
        }  # fmt: skip
        run = RunDirectory(folder / algorithm)
        config = override(POPULATION, changes)
        run.begin(config, LADDER, write=distributed.rank() == 0)
        distributed.barrier()
        strategies = train_population(Context(config, LADDER, run))
        about = run.read_population()
        for name in ("payoffs", "games", "mixtures"):
            arrays[f"{algorithm}|{name}"] = np.array(about[name])
        for snapshot in strategies.snapshots:
            arrays[f"{algorithm}|{snapshot.name}|told"] = snapshot.mixture
            for name, weight in snapshot.weights.items():
                arrays[f"{algorithm}|{snapshot.name}|{name.replace('/', '|')}"] = weight
    return arrays


def evaluation(folder: Path) -> str:
    """All that an evaluation of policies that draw has found, but for what says where it was made."""
    if distributed.rank() == 0:
        random_run(folder)
    distributed.barrier()
    config = override(LADDER_RUN, {"evaluation.games": 10, "evaluation.bot_games": 6})
    found = evaluate(Context(config, LADDER_GAME, RunDirectory(folder)), Options(seed=1))
    document = to_json(found)
    assert document.pop("ranks") == distributed.size()
    return json.dumps({name: value for name, value in document.items() if name not in ("command", "commit")})


def main(file: str, algorithms: list[str]) -> None:
    roster = load_roster()
    rank, size = distributed.rank(), distributed.size()
    policy = Policy(NETWORK, duel_spec(roster), seed=100 + rank)  # unequal, until rank 0's are given to all
    layout = share_matches(8, 8, 0, rank, size)
    ids = layout.ids
    played = rollout(roster, policy, layout, record=Record(opponent_action=True))
    learner = Learner(policy, PPO, 1, ppo_with(PPO, information=0.1))  # whose table is counted over all ranks
    unequal = size > 1
    try:
        distributed.check_replicas(learner.variables)
    except distributed.ReplicaError as error:
        assert unequal and "different networks: rank 0" in str(error)
        unequal = False
    assert not unequal
    learner.synchronise()
    first = distributed.check_replicas(learner.variables)
    rewards = []
    for _ in range(3):
        unroll, _ = played.collect()
        rewards.append(unroll.reward)
        learner.update(unroll)
    last = distributed.check_replicas(learner.variables)
    assert last != first
    refused = False
    try:  # one rank's reward is NaN: every rank refuses the update, and none takes a step
        learner.update(unroll._replace(reward=unroll.reward * (np.nan if rank == size - 1 else 1.0)))
    except NotFiniteError:
        refused = True
    assert refused and distributed.check_replicas(learner.variables) == last
    row_ids = np.concatenate([ids, ids + 1_000])  # both players of matches in self-play
    rows = distributed.gather_rows({"ids": row_ids, "reward": np.concatenate(rewards).T})
    some = np.arange(4)
    pairs = np.stack(np.meshgrid(some, some, indexing="ij"), -1).reshape(-1, 2)
    game = Duel(roster)
    untrained = Policy(NETWORK, game.spec, seed=1)
    mixture = np.full((len(roster), NETWORK.mixture_slots), 1 / NETWORK.mixture_slots, np.float32)
    sides = PolicySide(untrained, mixture, some), BotSide(game.bots["random_legal"], some)
    wins = play(game, *sides, pairs, games=4, seed=1)
    row = np.flatnonzero(np.arange(60) % 3 % size == rank)  # of four ranks, the last has seen nothing
    seen = Observation(*(np.repeat(row[:, None] // 2, 3, axis=1).astype(kind) for kind in ("f4", "f4", "i4", "f4")))
    drawn = draw(seen, 25, seed=3)
    found = evaluation(Path(file).with_suffix("") / "evaluated")
    own = {name.replace("/", "|"): w for name, w in policy.get_weights().items()}
    trained = populations(Path(file).with_suffix(""), algorithms)
    if rank == 0:
        order = np.argsort(rows["ids"])
        np.savez(
            file,
            reward=rows["reward"][order],
            wins=wins,
            drawn=drawn.element,
            evaluation=np.array(found),
            **own,
            **trained,
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
