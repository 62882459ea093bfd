"""Matrix games: both players choose a row at the same time, once or over several rounds."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from camtf.games.bots import uniform_legal
from camtf.games.checks import checked_characters
from camtf.games.protocol import Bot
from camtf.prng import match_seeds
from camtf.types import GameSpec, Observation, Step

OUTCOMES = ("winner", "payoff")


@dataclass(frozen=True, eq=False)
class MatrixGame:
    """A symmetric zero-sum matrix game. Implements `camtf.games.protocol.Game`.

    Observation: *Basic* is the part of the rounds that is left and, where there is a history, the last rounds of this
    match, latest first, own action then the opponent's, each as K numbers of which one is 1; all 0 before the first.
    *Element*: own character and the opponent's, where there are several. *Action-Mask*: all is legal.
    Action: movement 0; the skill is the row.
    Reward: ``payoff[own, other]`` in every round.
    End: after the last round; the observation that comes with it is already of the next match. Nothing is random.

    Args:
        payoff: ``[K, K]``, antisymmetric.
        rounds: of a match, at least 1.
        name: for people.
        history: rounds that are seen, at most 8 or a multiple of 8; None for all up to 8, and none of a single round.
        outcome: how a match counts in payoff matrices. ``winner``: by the sign of the total 1, 0.5, 0. ``payoff``: 0.5
            plus half of the total as a part of the largest there can be.
        copies: how many characters there are; all play alike.

    Raises:
        ValueError: an argument is none of what is allowed.
    """

    payoff: np.ndarray
    rounds: int = 1
    name: str = "matrix"
    history: int | None = None
    outcome: str = "winner"
    copies: int = 1

    def __post_init__(self) -> None:
        payoff = np.array(self.payoff, np.float64)
        if payoff.ndim != 2 or payoff.shape[0] != payoff.shape[1] or not payoff.size:
            raise ValueError(f"payoff must be a square matrix, got shape {payoff.shape}")
        if not np.isfinite(payoff).all() or (payoff != -payoff.T).any():
            raise ValueError(f"payoff must be antisymmetric and finite, got {payoff.tolist()}")
        for setting in ("rounds", "copies"):
            if getattr(self, setting) < 1:
                raise ValueError(f"{setting} must be at least 1, got {getattr(self, setting)}")
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}; got {self.outcome!r}")
        seen = self.rounds_seen
        if seen < 0 or (seen > 8 and seen % 8):
            raise ValueError(f"history must be in [0, 8] or a multiple of 8, got {seen}")
        payoff.flags.writeable = False
        object.__setattr__(self, "payoff", payoff)

    @property
    def rounds_seen(self) -> int:
        """Rounds in the observation."""
        if self.history is not None:
            return self.history
        return min(8, self.rounds) if self.rounds > 1 else 0

    @functools.cached_property
    def spec(self) -> GameSpec:
        """Shapes of the observation and the heads."""
        actions = len(self.payoff)
        return GameSpec(
            movements=1,
            skills=actions,
            fighter_width=0,
            environment_width=1,
            buff_kinds=0,
            buff_fields=0,
            id_counts=(self.copies,) if self.copies > 1 else (),
            attributes=0,
            history=self.rounds_seen,
            history_width=2 * actions if self.rounds_seen else 0,
        )

    @property
    def characters(self) -> tuple[str, ...]:
        """``player_1`` and so on."""
        return tuple(f"player_{i + 1}" for i in range(self.copies))

    @property
    def default_characters(self) -> tuple[str, ...]:
        """All."""
        return self.characters

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of the characters."""
        return tuple(f"Player {i + 1}" for i in range(self.copies))

    @property
    def bots(self) -> Mapping[str, Bot]:
        """Uniform over the rows."""
        return {"random": uniform_legal}

    @property
    def roles(self) -> bool:
        """Both sides are the same."""
        return False

    @property
    def fully_observed(self) -> bool:
        """Both see the same rounds, and every row that was played."""
        return True

    @property
    def digest(self) -> str:
        """Of the matrix and of all that changes what is seen or learned."""
        said = f"{self.payoff.tolist()} {self.rounds} {self.outcome} {self.spec}"
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def information_states(self) -> Observation:
        """What is seen in a game of one round, by character, leaves ``[copies, ...]``: see
        `camtf.evaluation.exact.policy_table`. Raises ValueError where there are more rounds."""
        if self.rounds > 1:
            raise ValueError(f"what is seen can be listed for 1 round, this game has {self.rounds}")
        everyone = np.arange(self.copies)
        first = self.make(0, everyone).reset(np.stack([everyone, everyone]))
        return Observation(*(leaf[0] for leaf in first))

    def make(self, seed: int, match_ids: np.ndarray, staggered: bool = False) -> MatrixMatches:
        """Matches with these ids. ``staggered``: the first ones begin with a part of their rounds gone."""
        first_round = np.zeros(len(match_ids), np.int64)
        if staggered:
            first_round = (match_seeds(seed, np.asarray(match_ids)) % np.uint64(self.rounds)).astype(np.int64)
        return MatrixMatches(self, first_round)


class MatrixMatches:
    """B matches of a `MatrixGame`. Implements `camtf.games.protocol.BatchedGame`.

    Args:
        first_round: int ``[B]``, rounds that are gone when the first match begins.
    """

    def __init__(self, game: MatrixGame, first_round: np.ndarray) -> None:
        if len(first_round) < 1:
            raise ValueError("matches must be at least 1, got 0")
        self.spec = game.spec
        self.characters = game.copies
        self.matches = len(first_round)
        self._game = game
        self._unit = 0.5 / (game.rounds * (np.abs(game.payoff).max() or 1.0)) if game.outcome == "payoff" else 0.0
        self._first_round = first_round
        self._round = np.zeros(self.matches, np.int64)
        self._total = np.zeros(self.matches)  # of player 0
        self._past = np.full((2, self.matches, game.rounds_seen), -1, np.int32)
        self._character, self._next_character = np.zeros((2, 2, self.matches), np.int32)

    def empty_observation(self, *leading: int) -> Observation:
        """Buffers for ``leading + [P, B]`` observations."""
        return self.spec.empty_observation(*leading, 2, self.matches)

    def assign(self, characters: np.ndarray) -> None:
        """Who plays each match from its next start on, int ``[P, B]``."""
        self._next_character[...] = checked_characters(characters, self.matches, self.characters)

    def reset(self, characters: np.ndarray, out: Observation | None = None) -> Observation:
        """Start every match with these characters ``[P, B]``."""
        self.assign(characters)
        self._start(np.ones(self.matches, bool))
        self._round[...] = self._first_round
        return self.observe(out)

    def step(self, actions: np.ndarray, out: Observation | None = None) -> tuple[Observation, Step]:
        """One round of every match, int32 ``[P, B, H]``.

        Raises:
            ValueError: an action is illegal. Names match, player and action; nothing was played.
        """
        actions = np.asarray(actions)
        if actions.shape != (2, self.matches, 2):
            raise ValueError(f"actions must have shape {(2, self.matches, 2)}, got {actions.shape}")
        row = actions[..., 1]
        wrong = (actions[..., 0] != 0) | (row < 0) | (row >= self.spec.skills)
        if wrong.any():
            player, match = (int(i[0]) for i in np.nonzero(wrong))
            given = tuple(int(a) for a in actions[player, match])
            allowed = f"movement 0 with a skill in [0, {self.spec.skills})"
            raise ValueError(f"match {match}, player {player}: illegal action {given}: {allowed}")
        gained = self._game.payoff[row[0], row[1]]
        self._total += gained
        self._round += 1
        self._past = np.concatenate([row[..., None], self._past], axis=-1)[..., : self._past.shape[-1]]
        done = self._round == self._game.rounds
        won = self._unit * self._total if self._unit else 0.5 * np.sign(self._total)
        outcome = np.where(done, 0.5 + won, 0.5).astype(np.float32)
        self._start(done)
        reward = gained.astype(np.float32)
        return self.observe(out), Step(np.stack([reward, -reward]), done, outcome)

    def observe(self, out: Observation | None = None) -> Observation:
        """The current observations again."""
        out = self.empty_observation() if out is None else out
        out.basic[..., 0] = 1.0 - self._round / self._game.rounds
        if self._past.shape[-1]:
            both = np.stack([self._past, self._past[::-1]], axis=-1)
            seen = both[..., None] == np.arange(self.spec.skills)
            out.basic[..., 1:] = seen.reshape(2, self.matches, -1)
        if self.characters > 1:
            out.element[..., 0] = np.stack([self._character, self._character[::-1]], axis=-1)
        out.mask[..., : 1 + self.spec.skills] = 1.0
        out.mask[..., 1 + self.spec.skills :] = 0.0
        return out

    def state(self) -> dict[str, np.ndarray]:
        """All that the future depends on, arrays ``[B, ...]``."""
        return {
            "round": self._round.copy(),
            "total": self._total.copy(),
            "past": self._past.swapaxes(0, 1).copy(),
            "characters": np.concatenate([self._character, self._next_character]).T.copy(),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`. Raises ValueError where it is of other matches."""
        for name, array in self.state().items():
            if state[name].shape != array.shape:
                raise ValueError(f"state of {name!r} has shape {state[name].shape}, this game needs {array.shape}")
        self._round = state["round"].copy()
        self._total = state["total"].copy()
        self._past = state["past"].swapaxes(0, 1).copy()
        self._character, self._next_character = state["characters"].T.copy().reshape(2, 2, -1)

    def _start(self, which: np.ndarray) -> None:
        """Start the next match in these places, bool ``[B]``."""
        self._round[which] = 0
        self._total[which] = 0.0
        self._past[:, which] = -1
        self._character[:, which] = self._next_character[:, which]


def rock_paper_scissors(rounds: int = 1, history: int | None = None) -> MatrixGame:
    """Each row is beaten by the next one, and the last by the first."""
    return MatrixGame(np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]), rounds, "rock_paper_scissors", history)


def rps_with_sink(rocks: int = 8) -> MatrixGame:
    """Rock, paper, scissors in which rock is there ``rocks`` times, as the first rows; paper and scissors are the last.

    The uniform policy, with which a population begins, is then the sink (1 - 2e, e, e) over rock, paper and scissors,
    with e = 1 / (rocks + 2). The best response to it is paper, to that scissors, and with a = 1 - 3e the equilibrium of
    the three is (1, a, a) / (1 + 2a).
    """
    if rocks < 2:
        raise ValueError(f"rocks must be at least 2, so that there is a best response to the sink; got {rocks}")
    kind = np.array([0] * rocks + [1, 2])
    return MatrixGame(rock_paper_scissors().payoff[kind[:, None], kind], name="rps_with_sink")


def transitive_ladder(rungs: int = 4, bottoms: int = 1) -> MatrixGame:
    """A row on a higher rung beats every row on a lower one, by 1 over their distance.

    Args:
        rungs: at least 2.
        bottoms: how often the lowest rung is there, as the first rows. With twice as many as rungs the uniform policy
            stands mostly on the lowest; the best response to it is the second, and to each rung the next: they are
            found one by one, up to the last. With 1, the last rung is the best response to the uniform policy.
    """
    if rungs < 2 or bottoms < 1:
        raise ValueError(f"there must be at least 2 rungs and 1 bottom, got {rungs} and {bottoms}")
    height = np.array([0] * bottoms + list(range(1, rungs)))
    distance = height[:, None] - height
    payoff = np.divide(1.0, distance, out=np.zeros(distance.shape), where=distance != 0)
    return MatrixGame(payoff, name="transitive_ladder")


def biased_rps() -> MatrixGame:
    """Rock, paper, scissors with unequal stakes, divided by 50; in equilibrium (1, 10, 5) / 16. Counted by payoff: by
    the winner alone it would be the plain game."""
    return MatrixGame(np.array([[0, -25, 50], [25, 0, -5], [-50, 5, 0]]) / 50.0, name="biased_rps", outcome="payoff")
