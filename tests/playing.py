"""Ways to drive a `DuelGame` in tests."""

from __future__ import annotations

import dataclasses

import numpy as np

from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import MOVES
from camtf.games.duel.state import FIGHTER, MOVEMENTS, SKILLS
from camtf.types import Observation, Step

MOVE = {name: i for i, name in enumerate(MOVEMENTS)}
SKILL = {name: i for i, name in enumerate(SKILLS)}


class Duel:
    """One match between two characters of a roster that stand ``distance_mm`` apart in the middle, player 0 left."""

    def __init__(
        self, roster: Roster, first: str, second: str, distance_mm: int = 900, input_delay_ticks: int = 0
    ) -> None:
        self.game = DuelGame(roster, 1, seed=0, input_delay_ticks=input_delay_ticks)
        self.observation = self.game.reset(np.array([[roster.index(first)], [roster.index(second)]]))
        self.put(0, x_mm=-distance_mm // 2, y_mm=0, facing=1)
        self.put(1, x_mm=distance_mm - distance_mm // 2, y_mm=0, facing=-1)

    def put(self, player: int, **fields: int) -> None:
        """Set fields of a fighter, e.g. its place or a buff's ticks (``buff_ticks=(kind, ticks)``)."""
        state = self.game.state()
        fighters = state["fighters"].view(FIGHTER)
        for name, value in fields.items():
            if isinstance(value, tuple):
                fighters[0, player, 0][name][value[0]] = value[1]
            else:
                fighters[0, player, 0][name] = value
        self.game.restore(state)
        self.observation = self.game.observe()

    def fighter(self, player: int) -> np.void:
        return self.game.fighters[player, 0]

    def play(self, first: str = "stay none", second: str = "stay none", times: int = 1) -> Step:
        """Each player chooses "movement skill", ``times`` decisions long. Returns the last step."""
        actions = np.zeros((2, 1, 2), np.int32)
        for player, choice in enumerate((first, second)):
            movement, skill = choice.split()
            actions[player, 0] = MOVE[movement], SKILL[skill]
        for _ in range(times):
            self.observation, step = self.game.step(actions)
        return step

    def may(self, player: int, skill: str) -> bool:
        return bool(self.observation.mask[player, 0, MOVEMENT_COUNT + SKILL[skill]])

    def may_move(self, player: int, movement: str) -> bool:
        return bool(self.observation.mask[player, 0, MOVE[movement]])


def random_actions(observation: Observation, rng: np.random.Generator) -> np.ndarray:
    """Uniform over the legal actions, int32 ``[P, B, H]``."""
    noise = rng.random(observation.mask.shape)
    legal = np.where(observation.mask > 0, noise, -1.0)
    heads = legal[..., :MOVEMENT_COUNT], legal[..., MOVEMENT_COUNT : MOVEMENT_COUNT + SKILL_COUNT]
    return np.stack([head.argmax(-1) for head in heads], axis=-1).astype(np.int32)


def with_move(roster: Roster, move: str, player: int = 0, **fields: int) -> Roster:
    """The roster with numbers of one character's move changed."""
    moves = roster.moves.copy()
    for name, value in fields.items():
        moves[name][player, MOVES.index(move)] = value
    return dataclasses.replace(roster, moves=moves)
