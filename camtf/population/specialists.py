"""Stage 2: the Specialists, one network per character, copied from the Generalist and trained against it frozen."""

from __future__ import annotations

import dataclasses

from absl import logging

from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config
from camtf.games.duel.game import Duel
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.games.loading import participants
from camtf.model.policy import Policy
from camtf.population.graph import InteractionGraph
from camtf.population.phase import Phase, Yardstick, duel, run_phase
from camtf.population.pool import Pool
from camtf.types import Snapshot


def train(
    config: Config, roster: Roster, run: RunDirectory, generalists: list[Snapshot], yardstick: Yardstick | None = None
) -> dict[str, Snapshot]:
    """Train what is missing of the Specialists and return all of them by character id.

    Each begins as a copy of the last Generalist and plays its one character against frozen Generalists in every
    character, drawn by how far they beat it. With ``advantage = cam`` it maximises the comparative advantage
    ``A_k = Q(s, a_k, a_g) - V_Generalist(s)`` (CAM eq. 16-18): returns bootstrapped by its own critic, against what the
    frozen Generalist expects. The groups of ranks deal the characters out among themselves.
    """
    c = config.specialists
    config = dataclasses.replace(config, ppo=dataclasses.replace(config.ppo, learning_rate=c.learning_rate))
    spec = duel_spec(roster)
    characters = participants(config, Duel(roster))
    policy, baseline = Policy(config.network, spec), Policy(config.network, spec)
    baseline.set_weights(generalists[-1].weights)
    pool = Pool(config.network, spec, generalists[-c.opponents :])
    missing = [character for character in characters if not run.specialist_file(roster.ids[character]).exists()]
    for character in set(characters) - set(missing):  # before hours of work: is it of this Generalist?
        run.specialist(roster.ids[character], generalists[-1])
    distributed.barrier()  # before anybody writes one
    with distributed.own_group() as (group, groups):
        for character in missing[group::groups]:
            policy.set_weights(generalists[-1].weights)
            graph = InteractionGraph(
                snapshots=len(pool.snapshots),
                characters=characters,
                learners=(character,),
                roster_size=len(roster),
                self_play_share=0.0,
                solver=c.solver,
                slots=config.network.mixture_slots,
                slot=(0,) * (len(pool.snapshots) + 1),
                conditioning=generalists[-1].mixture,
            )
            phase = Phase(
                name=f"specialist_{roster.ids[character]}",
                number=config.generalists.generations + 1 + character,
                policy=policy,
                graph=graph,
                pool=pool,
                frames=c.frames,
                baseline=baseline if c.advantage == "cam" else None,
                yardstick=yardstick,
                origin=generalists[-1].digest,
            )
            took = run_phase(phase, config, duel(config, roster), run)
            took["generalist"] = generalists[-1].digest
            if distributed.rank() == 0:
                file = run.specialist_file(roster.ids[character])
                run.write_snapshot(file, Snapshot(file.stem, policy.get_weights(), generalists[-1].mixture), took)
                run.drop_checkpoints(phase.name)
                logging.info("%s is done: %s", phase.name, file)
            distributed.barrier()
    distributed.barrier()
    return {roster.ids[c]: run.specialist(roster.ids[c], generalists[-1]) for c in characters}
