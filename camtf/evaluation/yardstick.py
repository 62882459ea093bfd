"""How strong is a policy in training, by the scripted bots that it is never trained against?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camtf.evaluation.battles import BotSide, PolicySide, Side, play
from camtf.games.pairing import pairings
from camtf.games.protocol import Game
from camtf.model.policy import Policy
from camtf.population.matchmaking import GraphMatchmaker

_SEED = 20_240_607


def against_bots(game: Game, side: Side, characters: np.ndarray, games: int) -> dict[str, float]:
    """Win rate against each bot of the game, ``v_<bot>``, over at least ``games`` battles each.

    Every member of the side meets the bot as each of ``characters`` that it can meet, all pairs equally often. The
    battles are the same each time.
    """
    pairs = pairings(game, side.character, characters)
    if len(pairs) > games:
        pairs = np.random.default_rng(_SEED).permutation(pairs)[:games]
    per_pair = -(-games // len(pairs))
    rates = {}
    for name, bot in game.bots.items():
        wins = play(game, side, BotSide(bot, characters), pairs, per_pair, _SEED)
        rates[f"v_{name}"] = float(wins.sum()) / (per_pair * len(pairs))
    return rates


def periodic_evaluation(game: Game, games: int) -> Callable[[Policy, GraphMatchmaker], dict[str, float]]:
    """`against_bots` of a policy in training, as each character that it learns, over ``games`` battles or more."""

    def evaluate(policy: Policy, matchmaker: GraphMatchmaker) -> dict[str, float]:
        side = PolicySide(policy, matchmaker.conditioning(len(game.characters)), matchmaker.learned_characters)
        return against_bots(game, side, np.array(matchmaker.nodes.characters), games)

    return evaluate
