"""Stage 1: the Generalists, one conditional network for all characters, generation after generation (`mia`)."""

from __future__ import annotations

from absl import logging

from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config
from camtf.games.duel.game import Duel
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.games.loading import participants
from camtf.model.policy import BuildNetwork, Policy, build_network
from camtf.population.graph import InteractionGraph
from camtf.population.phase import Phase, Yardstick, duel, run_phase
from camtf.population.pool import Pool
from camtf.types import Snapshot


def train(
    config: Config,
    roster: Roster,
    run: RunDirectory,
    yardstick: Yardstick | None = None,
    build: BuildNetwork = build_network,
) -> list[Snapshot]:
    """Train what is missing of the generations and return all of them, oldest first. ``build`` makes their network.

    Generation g starts from g - 1 and learns, as every character, a best response to mixtures of all generations
    before it (M&M A.4), weighed by how far they beat it, with itself as one more opponent. Generation 1 has none
    before it and learns by self-play alone.
    """
    snapshots: list[Snapshot] = []
    policy = Policy(config.network, duel_spec(roster), config.seed, build)
    characters = participants(config, Duel(roster))
    for generation in range(1, config.generalists.generations + 1):
        file = run.generalist_file(generation)
        if not file.exists():
            graph = InteractionGraph(
                snapshots=len(snapshots),
                characters=characters,
                learners=characters,
                roster_size=len(roster),
                self_play_share=config.generalists.self_play_share,
                solver=config.generalists.solver,
                slots=config.network.mixture_slots,
                slot=tuple(range(generation)),
            )
            pool = Pool(config.network, duel_spec(roster), snapshots, build)
            phase = Phase(
                file.stem, generation, policy, graph, pool, config.generalists.frames, yardstick=yardstick,
                origin=snapshots[-1].digest if snapshots else "",
            )  # fmt: skip
            took = run_phase(phase, config, duel(config, roster), run)
            if distributed.rank() == 0:
                frozen = Snapshot(file.stem, policy.get_weights(), graph.mixture(slice(None)))
                run.write_snapshot(file, frozen, took)
                run.drop_checkpoints(phase.name)
                logging.info("%s is done: %s", phase.name, file)
            distributed.barrier()
        snapshots.append(run.read_snapshot(file))
        policy.set_weights(snapshots[-1].weights)
    return snapshots
