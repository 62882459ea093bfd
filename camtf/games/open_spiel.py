"""Games of OpenSpiel (Lanctot et al. 2019, arXiv 1908.09453), small enough for their whole tree to lie in memory.

Needs the extra ``open_spiel``. A game's tree is walked through once a process, in about 30 s a million histories;
afterwards a decision of B matches is a few look-ups in tables (`camtf.games.tree`), and `camtf.evaluation.exact` gives
exact values and best responses.

The seats of a game are its characters: each player sits where its character says, one in each seat.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from camtf.games.bots import uniform_legal
from camtf.games.checks import checked_characters
from camtf.games.protocol import Bot
from camtf.games.sequences import likelihoods
from camtf.games.tree import GameTree, enumerate_tree
from camtf.prng import counted_uniforms, match_seeds
from camtf.types import GameSpec, Observation, Step

try:
    import pyspiel
except ImportError as error:
    raise ImportError(f"camtf.games.open_spiel needs {error.name}; install camtf[open_spiel]") from error

SEATS = ("first", "second")
MEMORIES = ("full", "last8")
OUTCOMES = ("winner", "payoff")
_HISTORY = 8


@dataclass(frozen=True)
class OpenSpielGame:
    """A two-player zero-sum game of OpenSpiel. Implements `camtf.games.protocol.Game`.

    Observation, of a seat: *Basic* is a tensor of OpenSpiel's and, with ``last8``, the last 8 decisions, latest first,
    own action then the other seat's, each as K numbers of which one is 1; all 0 where there was none or the seat cannot
    know which it was. *Element*: own seat and the other's. *Action-Mask*: the one movement, legal skills, and K zeros.
    Action: movement 0; the skill is OpenSpiel's action. In a game of turns the last skill is to wait: all that the
    seat can do that does not move, and nothing that the other can.
    Reward: the returns, when a game ends.
    End: with the game; the observation that comes with it is already of the next.

    Args:
        game: as OpenSpiel writes it, e.g. ``leduc_poker`` or ``goofspiel(num_cards=4)``.
        memory: what is seen. ``full``: the information-state tensor, which holds all that a seat knows; where the game
            has none, the observation tensor. ``last8``: the observation tensor, which tells what lies open now, and the
            last 8 decisions. In a game of at most 8 decisions (goofspiel with up to 9 cards, Kuhn, Leduc) both
            hold the same, in other words; in a longer one ``last8`` forgets.
        outcome: how an end counts in payoff matrices. ``winner``: 1, 0.5 for a draw, 0. ``payoff``: 0.5 plus half of
            the return as a part of the largest return there is: the equilibrium of such counts is the game's own.
        reward_scale: factor on the returns.
        limit: most histories.

    Raises:
        ValueError: the game is unknown, is not one of two players and zero sum, has no information states, lacks the
            tensor that the memory needs, or (once its tree is needed) is larger than the limit.
    """

    game: str
    memory: str = "full"
    outcome: str = "winner"
    reward_scale: float = 1.0
    limit: int = 2_000_000

    def __post_init__(self) -> None:
        for setting, allowed in (("memory", MEMORIES), ("outcome", OUTCOMES)):
            if getattr(self, setting) not in allowed:
                raise ValueError(f"{setting} must be one of {', '.join(allowed)}; got {getattr(self, setting)!r}")
        loaded = _load(self.game)
        kind = loaded.get_type()
        if loaded.num_players() != 2 or kind.utility != pyspiel.GameType.Utility.ZERO_SUM:
            raise ValueError(f"{self.game!r} must be a zero-sum game of two players")
        if not kind.provides_information_state_string:
            raise ValueError(f"{self.game!r} has no information states; choose a game that has")
        if not getattr(kind, f"provides_{self._tensor(loaded)}"):
            raise ValueError(f"{self.game!r} has no {self._tensor(loaded)}, which memory={self.memory!r} needs")

    @property
    def name(self) -> str:
        """OpenSpiel's, with all that was chosen."""
        return self.game

    @property
    def characters(self) -> tuple[str, ...]:
        """The seats."""
        return SEATS

    @property
    def default_characters(self) -> tuple[str, ...]:
        """Both."""
        return SEATS

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of the seats."""
        return "First seat", "Second seat"

    @property
    def bots(self) -> Mapping[str, Bot]:
        """Uniform over the legal actions."""
        return {"random": uniform_legal}

    @property
    def roles(self) -> bool:
        """The characters are the seats."""
        return True

    @property
    def digest(self) -> str:
        """Of the rules with all parameters and of every option that changes what is seen or learned."""
        said = f"{_load(self.game)} {self.memory} {self.outcome} {self.reward_scale} {self.spec}"
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def tree(self) -> GameTree:
        """All histories; one for all games with the same rules."""
        return self._enumerated[0]

    @functools.cached_property
    def spec(self) -> GameSpec:
        """Shapes of the observation and the heads."""
        actions, history = self.tree.actions, _HISTORY if self.memory == "last8" else 0
        return GameSpec(
            movements=1,
            skills=actions,
            fighter_width=0,
            environment_width=self._enumerated[1].shape[1],
            buff_kinds=0,
            buff_fields=0,
            id_counts=(2,),
            attributes=0,
            history=history,
            history_width=2 * actions if history else 0,
        )

    @functools.cached_property
    def information_states(self) -> Observation:
        """What is seen in each information state of `tree`, leaves ``[I, ...]``. Read-only."""
        seen, tree = self.spec.empty_observation(len(self.tree.seat)), self.tree
        seen.basic[:, : self.spec.environment_width] = self._enumerated[1]
        if self.spec.history:
            past = tree.last_actions(_HISTORY)
            seen.basic[:, self.spec.environment_width :] = _one_hot(past, tree.actions).reshape(len(past), -1)
        seen.element[..., 0] = np.stack([tree.seat, 1 - tree.seat], axis=-1)
        seen.mask[:, 0] = 1.0
        seen.mask[:, 1 : 1 + tree.actions] = tree.legal
        for leaf in seen:
            leaf.flags.writeable = False
        return seen

    def likelihoods(self, tables: Sequence[np.ndarray]) -> np.ndarray:
        """See `camtf.games.protocol.InformationStates`."""
        return likelihoods(self.tree, tables)

    def make(self, seed: int, match_ids: np.ndarray, staggered: bool = False) -> OpenSpielMatches:
        """Matches with these ids. ``staggered`` changes nothing: they are short."""
        return OpenSpielMatches(self, seed, match_ids)

    @functools.cached_property
    def _enumerated(self) -> tuple[GameTree, np.ndarray]:
        loaded = _load(self.game)
        return _enumerate(str(loaded), self._tensor(loaded), self.limit)

    def _tensor(self, loaded: pyspiel.Game) -> str:
        if self.memory == "full" and loaded.get_type().provides_information_state_tensor:
            return "information_state_tensor"
        return "observation_tensor"


class OpenSpielMatches:
    """B matches of an `OpenSpielGame`. Implements `camtf.games.protocol.BatchedGame`."""

    def __init__(self, game: OpenSpielGame, seed: int, match_ids: np.ndarray) -> None:
        if len(match_ids) < 1:
            raise ValueError("matches must be at least 1, got 0")
        self.spec = game.spec
        self.characters = len(SEATS)
        self.matches = len(match_ids)
        self._game = game
        self._tree = game.tree
        self._seen = game.information_states
        self._seeds = match_seeds(seed, np.asarray(match_ids))
        largest = float(np.abs(self._tree.returns).max())
        self._unit = 0.5 / largest if game.outcome == "payoff" and largest else 0.0
        self._node = np.zeros(self.matches, np.int32)
        self._seat, self._next_seat = np.zeros((2, self.matches), np.int8)  # of player 0
        self._episode, self._draws = np.zeros((2, self.matches), np.int64)

    def empty_observation(self, *leading: int) -> Observation:
        """Buffers for ``leading + [P, B]`` observations."""
        return self.spec.empty_observation(*leading, 2, self.matches)

    def assign(self, characters: np.ndarray) -> None:
        """Where each player sits from the next start of its match on, int ``[P, B]``."""
        self._next_seat[...] = checked_characters(characters, self.matches, self.characters, roles=True)[0]

    def reset(self, characters: np.ndarray, out: Observation | None = None) -> Observation:
        """Start every match with the players in these seats, int ``[P, B]``."""
        self.assign(characters)
        self._start(np.arange(self.matches))
        return self.observe(out)

    def step(self, actions: np.ndarray, out: Observation | None = None) -> tuple[Observation, Step]:
        """One decision of both seats of every match, int32 ``[P, B, H]``.

        Raises:
            ValueError: an action is illegal. Names match, player and action; nothing was played.
        """
        actions = np.asarray(actions)
        if actions.shape != (2, self.matches, 2):
            raise ValueError(f"actions must have shape {(2, self.matches, 2)}, got {actions.shape}")
        tree, node = self._tree, self._node
        skill = actions[..., 1]
        known = (actions[..., 0] == 0) & (skill >= 0) & (skill < tree.actions)
        rank = np.where(known, tree.rank[self.information_state, np.where(known, skill, 0)], -1)
        if (rank < 0).any():
            self._refuse(actions, rank)
        first, second = np.where(self._seat, rank[::-1], rank)
        self._node = tree.first_child[node] + first * tree.second_actions[node] + second
        self._let_chance_play(np.arange(self.matches))
        returns = tree.returns[self._node] * np.where(self._seat, -1.0, 1.0)
        done = tree.end[self._node]
        self._start(np.flatnonzero(done))
        reward = (self._game.reward_scale * returns).astype(np.float32)
        won = self._unit * returns if self._unit else 0.5 * np.sign(returns)
        return self.observe(out), Step(np.stack([reward, -reward]), done, (0.5 + won).astype(np.float32))

    def observe(self, out: Observation | None = None) -> Observation:
        """The current observations again."""
        out = self.empty_observation() if out is None else out
        states = self.information_state
        for table, leaf in zip(self._seen, out, strict=True):
            np.take(table, states, axis=0, out=leaf, mode="clip")  # the mode in which NumPy writes to where it shall
        return out

    def state(self) -> dict[str, np.ndarray]:
        """All that the future depends on beside the seed, arrays ``[B, ...]``."""
        seats = np.stack([self._seat, self._next_seat], axis=-1)
        return {"node": self._node.copy(), "seats": seats, "chance": np.stack([self._episode, self._draws], axis=-1)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`. Raises ValueError where it is of another number of matches or another game."""
        for name, array in self.state().items():
            if state[name].shape != array.shape:
                raise ValueError(f"state of {name!r} has shape {state[name].shape}, this game needs {array.shape}")
        if state["node"].max() >= len(self._tree.end):
            raise ValueError(f"state is of another game: node {state['node'].max()} of {len(self._tree.end)}")
        self._node = state["node"].copy()
        self._seat, self._next_seat = state["seats"].T.copy()
        self._episode, self._draws = state["chance"].T.copy()

    @property
    def information_state(self) -> np.ndarray:
        """Where both players are now: numbers of information states of the game's tree, ``[P, B]``."""
        first, second = self._tree.info[self._node].T
        return np.stack([np.where(self._seat, second, first), np.where(self._seat, first, second)])

    def _start(self, which: np.ndarray) -> None:
        """Start the next match in these places."""
        self._node[which] = 0
        self._seat[which] = self._next_seat[which]
        self._episode[which] += 1
        self._draws[which] = 0
        self._let_chance_play(which)

    def _let_chance_play(self, which: np.ndarray) -> None:
        """Draw outcomes in these matches until a decision or the end."""
        tree = self._tree
        while len(which := which[tree.chance[self._node[which]]]):
            drawn = counted_uniforms(self._seeds[which], self._episode[which], self._draws[which])
            child = tree.first_child[self._node[which]]
            while (later := drawn > tree.outcome_end[child]).any():
                child += later
            self._node[which] = child
            self._draws[which] += 1

    def _refuse(self, actions: np.ndarray, rank: np.ndarray) -> None:
        player, match = (int(i[0]) for i in np.nonzero(rank < 0))
        legal = np.flatnonzero(self._tree.legal[self.information_state[player, match]]).tolist()
        given = tuple(int(a) for a in actions[player, match])
        raise ValueError(f"match {match}, player {player}: illegal action {given}: movement 0 with a skill of {legal}")


def goofspiel(cards: int, memory: str = "full", outcome: str = "winner") -> OpenSpielGame:
    """Goofspiel with hidden bids and prizes from the highest down. Returns are half of the difference in points."""
    rules = f"goofspiel(imp_info=True,egocentric=True,num_cards={cards},points_order=descending"
    return OpenSpielGame(f"{rules},returns_type=point_difference)", memory, outcome)


def _load(game: str) -> pyspiel.Game:
    try:
        return pyspiel.load_game(game)
    except pyspiel.SpielError as error:
        raise ValueError(f"OpenSpiel does not know the game {game!r}: {str(error).splitlines()[0]}") from error


@functools.lru_cache(maxsize=8)
def _enumerate(game: str, tensor: str, limit: int) -> tuple[GameTree, np.ndarray]:
    return enumerate_tree(pyspiel.load_game(game), tensor, limit)


def _one_hot(values: np.ndarray, count: int) -> np.ndarray:
    """``[..., count]``; all 0 for -1."""
    return (values[..., None] == np.arange(count)).astype(np.float32)


KUHN_POKER = OpenSpielGame("kuhn_poker")
LEDUC_POKER = OpenSpielGame("leduc_poker")
GOOFSPIEL_4 = goofspiel(4)
GOOFSPIEL_5 = goofspiel(5)
