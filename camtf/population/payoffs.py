"""U: counted win rates between the nodes of the interaction graph. Square, and kept over a whole run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.population.meta_strategies import RowSolver
from camtf.types import Outcomes

_RESCALE = 1e6
"""Weight of the newest battle at which all counts are divided by it."""
_NOTHING = 1e-9


@dataclass(frozen=True)
class Nodes:
    """The vertices of an interaction graph, numbered: strategies, each as every character or as all of them together.

    Attributes:
        strategies: how many there can be.
        characters: those that take part, indices into `camtf.games.protocol.Game.characters`.
        by_character: a node for each strategy and character (strategy-major), else one for each strategy, which stands
            for a character drawn uniformly.
        roles: characters are the two roles of the game, so that nodes of the same one never meet.
    """

    strategies: int
    characters: tuple[int, ...]
    by_character: bool
    roles: bool = False

    @property
    def count(self) -> int:
        """n."""
        return self.strategies * (len(self.characters) if self.by_character else 1)

    @property
    def strategy(self) -> np.ndarray:
        """Strategy of every node, int ``[n]``."""
        return np.arange(self.count) // (len(self.characters) if self.by_character else 1)

    @property
    def character(self) -> np.ndarray:
        """Character of every node, int ``[n]``; -1 where it stands for all."""
        if not self.by_character:
            return np.full(self.count, -1)
        return np.tile(np.array(self.characters), self.strategies)

    def mixtures(self, solver: RowSolver, learners: np.ndarray, rates: np.ndarray, first: int = 0) -> np.ndarray:
        """Each learner's mixture of the opponents that it can meet, float64 ``[r, c]``.

        Args:
            solver: from win rates to a mixture.
            learners: nodes, int ``[r]``.
            rates: their win rates against the c nodes from ``first`` on, ``[r, c]``.
        """
        if not (self.roles and self.by_character):
            return solver(rates)
        found = np.zeros_like(rates)
        others = self.character[first : first + rates.shape[1]]
        for row, own in enumerate(self.character[learners]):
            found[row, others != own] = solver(rates[row, others != own])
        return found

    def of(self, strategy: np.ndarray | int, character: np.ndarray | int) -> np.ndarray:
        """Nodes of strategies as characters."""
        if not self.by_character:
            return np.broadcast_arrays(strategy, character)[0]
        position = np.full(max(self.characters) + 1, -1)
        position[list(self.characters)] = np.arange(len(self.characters))
        return np.asarray(strategy) * len(self.characters) + position[character]

    def as_everyone(self, strategy: int) -> np.ndarray:
        """All nodes of a strategy."""
        return np.flatnonzero(self.strategy == strategy)


class Payoffs:
    """Battles won between n nodes, older ones counting less.

    ``U_ij`` is the share of battles that i won against j, a draw half of one; ``U_ji = 1 - U_ij`` exactly, and an edge
    that was never played is 0.5.

    Args:
        nodes: n.
        decay: what a battle's weight is multiplied with at each `fade`; 1 keeps all for ever.
        prior_games: drawn battles that every edge begins with.
    """

    def __init__(self, nodes: int, decay: float = 1.0, prior_games: float = 1.0) -> None:
        self._wins = np.zeros((nodes, nodes), np.float32)
        self._games = np.zeros((nodes, nodes), np.float32)
        self._decay, self._prior = decay, prior_games
        self._weight = 1.0  # of the newest battle

    @property
    def nodes(self) -> int:
        """n."""
        return len(self._games)

    def fade(self) -> None:
        """All battles so far count less from now on."""
        self._weight /= self._decay
        if self._weight > _RESCALE:
            self._wins /= self._weight
            self._games /= self._weight
            self._weight = 1.0

    def count(self, first: np.ndarray, second: np.ndarray, outcome: np.ndarray) -> None:
        """Add battles between nodes ``first`` and ``second``, int ``[n]``, won by the first as ``outcome`` says. One of
        a node against itself, or of what is no node (negative), is left out: it says nothing."""
        known = (first >= 0) & (second >= 0) & (first != second)
        first, second, outcome = first[known], second[known], np.asarray(outcome, np.float32)[known]
        weight = np.float32(self._weight)
        np.add.at(self._wins, (first, second), weight * outcome)
        np.add.at(self._wins, (second, first), weight * (1 - outcome))
        np.add.at(self._games, (first, second), weight)
        np.add.at(self._games, (second, first), weight)

    def count_outcomes(self, nodes: Nodes, outcomes: Outcomes) -> None:
        """Add finished battles, by their strategies and characters. Negative strategies are left out."""
        known = (outcomes.strategy >= 0).all(axis=1)
        strategy, character = outcomes.strategy[known], outcomes.character[known]
        first, second = (nodes.of(strategy[:, p], character[:, p]) for p in range(2))
        self.count(first, second, outcomes.outcome[known])

    def set_edge(self, first: int, second: int, wins: float, games: float) -> None:
        """Put what was measured apart in place of an edge's counts."""
        weight = self._weight
        self._wins[first, second], self._wins[second, first] = weight * wins, weight * (games - wins)
        self._games[first, second] = self._games[second, first] = weight * games

    def games(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Battles behind the edges of some rows, by their present weight, float64 ``[rows, n]``."""
        return self._games[rows].astype(np.float64) / self._weight

    def rates(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """U, or some rows of it, float64 ``[rows, n]``."""
        lead = self._wins[rows].astype(np.float64) - self._wins[:, rows].T  # exactly antisymmetric
        return 0.5 + 0.5 * lead / np.maximum(self._games[rows] + self._prior * self._weight, _NOTHING)

    def against(self, row: int, mixture: np.ndarray) -> tuple[float, float]:
        """`against` of a node and a mixture ``[n]`` of nodes."""
        return against(self.rates(np.array([row]))[0], self.games(np.array([row]))[0], mixture)

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is, for a checkpoint: the edges that were played."""
        played = np.flatnonzero(self._games)
        return {
            "payoff_edge": played,
            "payoff_wins": self._wins.ravel()[played],
            "payoff_games": self._games.ravel()[played],
            "payoff_weight": np.array(self._weight),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from `arrays`."""
        self._wins[...], self._games[...] = 0.0, 0.0
        np.put(self._wins, arrays["payoff_edge"], arrays["payoff_wins"])
        np.put(self._games, arrays["payoff_edge"], arrays["payoff_games"])
        self._weight = float(arrays["payoff_weight"])


class Counted:
    """Nodes, and the battles between them as they are counted while one learner trains.

    With a ``graph`` beside it, it is a `camtf.population.training.State`.
    """

    def __init__(self, nodes: Nodes, payoffs: Payoffs) -> None:
        self.nodes, self.payoffs = nodes, payoffs

    def count(self, battles: Outcomes) -> None:
        """Add an unroll's battles; those before it count less."""
        self.payoffs.fade()
        self.payoffs.count_outcomes(self.nodes, battles)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `camtf.population.training.State`."""
        return self.payoffs.arrays()

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """See `camtf.population.training.State`."""
        self.payoffs.restore(arrays)


def against(rates: np.ndarray, games: np.ndarray, mixture: np.ndarray) -> tuple[float, float]:
    """Win rate against a mixture, ``U_i . sigma``, and its standard error, from a row of U and the battles behind it.

    Each edge's variance is that of a rate with one battle more of either result, so that few battles, all of them won,
    are no proof.

    Args:
        rates, games, mixture: float ``[n]``.
    """
    careful = (rates * games + 1.0) / (games + 2.0)
    variance = careful * (1.0 - careful) / (games + 1.0)
    return float(mixture @ rates), float(np.sqrt(np.square(mixture) @ variance))
