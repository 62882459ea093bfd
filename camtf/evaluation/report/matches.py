"""Interesting matches of a run, to be watched in its report: played anew, recorded, and shown by the duel's viewer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.evaluation.record import EvaluationRecord
from camtf.evaluation.recorded import play_match
from camtf.evaluation.report.page import Match
from camtf.evaluation.sides import Players
from camtf.games.duel.game import Duel
from camtf.games.duel.replay import Replay, play_back
from camtf.games.duel.viewer.page import page_text
from camtf.games.protocol import Game

_FIRST_SEED = 1_000_000


@dataclass(frozen=True)
class Played:
    """A recorded match and what became of it.

    Attributes:
        health: part of their health that both had left before every decision and at the end, ``[T + 1, 2]``.
    """

    replay: Replay
    health: np.ndarray

    @property
    def lead(self) -> float:
        """What the first player was ahead by at the end; negative where it lost."""
        return float(self.health[-1, 0] - self.health[-1, 1])

    @property
    def deficit(self) -> float:
        """What the winner was behind by at its worst; 0 in a draw."""
        ahead = (self.health[:, 0] - self.health[:, 1]) * np.sign(self.lead)
        return max(0.0, -float(ahead.min()))


def interesting(
    game: Game, record: EvaluationRecord, kinds: dict[str, Players], opponents: str, tries: int = 4
) -> list[Match]:
    """The largest comparative advantage, a comeback and a mirror: Specialists against Generalists.

    Nothing for a game that has no viewer, and without Specialists.

    Args:
        opponents: the set whose battles say where the advantage is largest.
        tries: matches from which each is chosen.
    """
    if not isinstance(game, Duel) or not {"generalist", "specialist"} <= kinds.keys():
        return []
    gain = np.nanmean(record.gain("specialist", "generalist", opponents).mean, axis=1)
    own, other = np.unravel_index(int(np.nanargmax(gain)), gain.shape)
    best = [_play(game, record, kinds, int(own), int(other), i) for i in range(tries)]
    same = int(np.argmax(gain.diagonal()))
    mirrors = [_play(game, record, kinds, same, same, i) for i in range(tries)]
    everybody = [_play(game, record, kinds, i % len(gain), (i + 1) % len(gain), i) for i in range(tries)]
    advantage, mirror = max(best, key=lambda m: m.lead), min(mirrors, key=lambda m: abs(m.lead))
    comeback = max((*best, *mirrors, *everybody), key=lambda m: m.deficit)
    names = record.titles
    points = 100 * gain[own, other]
    found = [
        _match(game, advantage, "The largest comparative advantage",
               f"as {names[own]} against {names[other]} the Specialist wins {points:+.1f} points more"),
        _match(game, mirror, "A mirror", f"{names[same]} by its Specialist against {names[same]} by the Generalist"),
    ]  # fmt: skip
    if comeback.deficit > 0:
        behind = f"the winner was behind by {100 * comeback.deficit:.0f}% of the health"
        found.insert(1, _match(game, comeback, "A comeback", behind))
    return found


def _play(game: Duel, record: EvaluationRecord, kinds: dict[str, Players], own: int, other: int, number: int) -> Played:
    ids = record.characters[own], record.characters[other]
    sides = kinds["specialist"].side, kinds["generalist"].side
    replay = play_match(game, ids, sides, ("Specialist", "Generalist"), _FIRST_SEED + number, (own, other))
    full = game.roster.characters["max_health_hp"][[game.roster.index(i) for i in ids]]
    health = np.array([moment.fighters["health_hp"] for moment in play_back(game.roster, replay)])
    return Played(replay, np.maximum(health, 0) / full)


def _match(game: Duel, played: Played, title: str, text: str) -> Match:
    winner = "nobody" if played.lead == 0 else played.replay.players[int(played.lead < 0)]
    seconds = len(played.replay.actions) / 10
    left = " and ".join(f"{100 * share:.0f}%" for share in played.health[-1])
    return Match(
        title, f"{text}; in this one, of {seconds:.0f} s, the winner is {winner} ({left} of the health left)",
        page_text(game.roster, played.replay),
    )  # fmt: skip
