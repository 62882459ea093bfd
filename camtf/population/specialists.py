"""Stage 2: the Specialists, one network per character, copied from the Generalist and trained against it frozen."""

from __future__ import annotations

import dataclasses

from absl import logging

from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config
from camtf.game.observation import duel_spec
from camtf.game.roster import Roster
from camtf.model.policy import Policy
from camtf.population.generalists import participants
from camtf.population.graph import InteractionGraph
from camtf.population.phase import Phase, duel, run_phase
from camtf.population.pool import Pool
from camtf.types import Snapshot


def train(config: Config, roster: Roster, run: RunDirectory, generalists: list[Snapshot]) -> dict[str, Snapshot]:
    """Train what is missing of the Specialists and return all of them by character id.

    Each begins as a copy of the last Generalist and plays its one character against frozen Generalists in every
    character, drawn by how far they beat it. With ``advantage = cam`` it maximises the comparative advantage
    ``A_k = Q(s, a_k, a_g) - V_Generalist(s)`` (CAM eq. 16-18): returns bootstrapped by its own critic, against what the
    frozen Generalist expects.
    """
    c = config.specialists
    config = dataclasses.replace(config, ppo=dataclasses.replace(config.ppo, learning_rate=c.learning_rate))
    last = generalists[-1]
    pool_snapshots = generalists[-c.opponents :]
    characters = participants(config, roster)
    specialists: dict[str, Snapshot] = {}
    policy = Policy(config.network, duel_spec(roster))
    baseline = Policy(config.network, duel_spec(roster))
    baseline.set_weights(last.weights)
    pool = Pool(config.network, duel_spec(roster), pool_snapshots)
    for character in characters:
        character_id = roster.ids[character]
        file = run.specialist_file(character_id)
        if not file.exists():
            policy.set_weights(last.weights)
            graph = InteractionGraph(
                snapshots=len(pool_snapshots),
                characters=characters,
                learners=(character,),
                roster_size=len(roster),
                self_play_share=0.0,
                solver=c.solver,
                slots=config.network.mixture_slots,
                slot=(0,) * (len(pool_snapshots) + 1),
                conditioning=last.mixture,
            )
            number = config.generalists.generations + 1 + character
            phase = Phase(
                f"specialist {character_id}", number, policy, graph, pool, c.frames,
                baseline if c.advantage == "cam" else None,
            )  # fmt: skip
            took = run_phase(phase, config, duel(config, roster), run)
            if distributed.rank() == 0:
                run.write_snapshot(file, Snapshot(character_id, policy.get_weights(), last.mixture), took)
                logging.info("%s is done: %s", phase.name, file)
            distributed.barrier()
        specialists[character_id] = run.read_snapshot(file)
    return specialists
