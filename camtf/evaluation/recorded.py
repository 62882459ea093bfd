"""Matches of the duel that are recorded, to be watched."""

from __future__ import annotations

import numpy as np

from camtf.evaluation.battles import Side, turns
from camtf.games.duel import replay as replays
from camtf.games.duel.game import Duel


def play_match(
    game: Duel,
    characters: tuple[str, str],
    sides: tuple[Side, Side],
    players: tuple[str, str],
    seed: int,
    members: tuple[int, int] = (0, 0),
) -> replays.Replay:
    """One recorded match.

    Args:
        characters: ids of those that the members play.
        sides, members: who plays, by a member of each side.
        players: who they are, for people.
    """
    played = turns(game, *sides, np.zeros(1, np.int64), np.array([members]), seed, matches=1)
    actions = np.stack([turn.actions[:, 0] for turn in played])
    return replays.record(game.roster, characters, actions, seed, players, game.input_delay_ticks)
