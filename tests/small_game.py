"""A game of two decisions whose best move can be seen: for what must hold in any game."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from camtf.config import Config
from camtf.games.protocol import Bot
from camtf.prng import match_seeds
from camtf.types import GameSpec, Observation, Step

MOVES, DECISIONS = 3, 2
SPEC = GameSpec(
    movements=MOVES, skills=1, fighter_width=1, environment_width=MOVES, buff_kinds=1, buff_fields=1, id_counts=(2,),
    attributes=0,
)  # fmt: skip


class GuessMatches:
    """B matches: whoever names the move that both see gets a point, the same one does not come twice in a row."""

    spec = SPEC
    characters = 2

    def __init__(self, seed: int, match_ids: np.ndarray) -> None:
        self.matches = len(match_ids)
        self._chance = match_seeds(seed, match_ids)
        self._players = self._next = np.zeros((2, self.matches), np.int64)
        self._turn, self._lead, self._shown = np.zeros((3, self.matches), np.int64)

    def empty_observation(self, *leading: int) -> Observation:
        return self.spec.empty_observation(*leading, 2, self.matches)

    def assign(self, characters: np.ndarray) -> None:
        self._next = np.array(characters, np.int64)

    def reset(self, characters: np.ndarray, out: Observation | None = None) -> Observation:
        self.assign(characters)
        self._begin(np.ones(self.matches, np.bool_))
        return self.observe(out)

    def step(self, actions: np.ndarray, out: Observation | None = None) -> tuple[Observation, Step]:
        right = actions[..., 0] == self._shown
        gain = right[0].astype(np.int64) - right[1]
        self._lead, self._turn = self._lead + gain, self._turn + 1
        self._shown = (self._shown + 1) % MOVES
        done = self._turn == DECISIONS
        outcome = np.where(done, 0.5 + 0.5 * np.sign(self._lead), 0.5).astype(np.float32)
        self._begin(done)
        return self.observe(out), Step(np.stack([gain, -gain]).astype(np.float32), done, outcome)

    def observe(self, out: Observation | None = None) -> Observation:
        out = self.empty_observation() if out is None else out
        out.basic[...] = 0.0
        out.basic[:, np.arange(self.matches), 2 + self._shown] = 1.0
        out.element[..., 0, 0], out.element[..., 1, 0] = self._players, self._players[::-1]
        out.mask[...] = 1.0
        return out

    def state(self) -> dict[str, np.ndarray]:
        rest = np.stack([self._turn, self._lead, self._shown, *self._players, *self._next], axis=1)
        return {"chance": self._chance.copy(), "rest": rest}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self._chance = state["chance"].copy()
        self._turn, self._lead, self._shown, *players = state["rest"].T.copy()
        self._players, self._next = np.stack(players[:2]), np.stack(players[2:])

    def _begin(self, which: np.ndarray) -> None:
        self._chance = np.where(which, self._chance * np.uint64(6364136223846793005) + np.uint64(1), self._chance)
        self._turn[which] = self._lead[which] = 0
        self._shown[which] = (self._chance[which] >> np.uint64(33)) % np.uint64(MOVES)
        self._players = np.where(which, self._next, self._players)


def right(game: Any, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Names what is shown."""
    return _moves(observation.basic[:, 2:].argmax(axis=1))


def wrong(game: Any, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Names another."""
    return _moves((observation.basic[:, 2:].argmax(axis=1) + 1) % MOVES)


def guess(game: Any, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Looks at nothing."""
    return _moves((uniforms[:, 0] * MOVES).astype(np.int64))


def _moves(movement: np.ndarray) -> np.ndarray:
    return np.stack([movement, np.zeros_like(movement)], axis=1).astype(np.int32)


@dataclass(frozen=True)
class Guess:
    """The game. Implements `camtf.games.protocol.Game`."""

    name: str = "guess"
    spec: GameSpec = SPEC
    characters: tuple[str, ...] = ("ann", "bob")
    default_characters: tuple[str, ...] = ("ann", "bob")
    titles: tuple[str, ...] = ("Ann", "Bob")
    roles: bool = False
    digest: str = "guess 1"
    bots: dict[str, Bot] = field(default_factory=lambda: {"wrong": wrong, "guess": guess, "right": right})

    def make(self, seed: int, match_ids: np.ndarray, staggered: bool = False) -> GuessMatches:
        return GuessMatches(seed, match_ids)


GUESS = Guess()


def make_guess(config: Config) -> Guess:
    return Guess(name=f"guess for seed {config.seed}")


def make_nothing(config: Config) -> None:
    return None


def make_without_config() -> Guess:
    return GUESS


UNTITLED = Guess(titles=())
ROLES = Guess(roles=True)
THREE_ROLES = Guess(characters=("ann", "bob", "cid"), titles=("Ann", "Bob", "Cid"), roles=True)
SHOUTED = Guess(characters=("Ann", "Bob"))
NO_GAME = "a game"
