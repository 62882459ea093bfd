"""How strong is a policy in training, by the scripted bots that it is never trained against?"""

from __future__ import annotations

import numpy as np

from camtf.evaluation.battles import BotSide, PolicySide, play
from camtf.games.duel.bots import BOTS
from camtf.games.duel.roster import Roster
from camtf.model.policy import Policy
from camtf.population.graph import InteractionGraph

_SEED = 20_240_607


def against_bots(
    roster: Roster, policy: Policy, graph: InteractionGraph, games: int, input_delay_ticks: int = 0
) -> dict[str, float]:
    """Win rate against each bot, ``v_<bot>``, over at least ``games`` battles each: the policy as each character that
    it learns, the bot as each character of the pool, all pairs alike. The battles are the same at every look."""
    pairs = np.stack(np.meshgrid(*map(np.arange, (len(graph.learners), len(graph.characters))), indexing="ij"), -1)
    pairs = pairs.reshape(-1, 2)
    if len(pairs) > games:
        pairs = np.random.default_rng(_SEED).permutation(pairs)[:games]
    per_pair = -(-games // len(pairs))
    own = PolicySide(policy, graph.mixture(slice(None)), graph.learners)
    rates = {}
    for name in BOTS:
        wins = play(
            roster, own, BotSide(name, graph.characters), pairs, per_pair, _SEED, input_delay_ticks=input_delay_ticks
        )
        rates[f"v_{name}"] = float(wins.sum()) / (per_pair * len(pairs))
    return rates
