"""The interaction graph: win rates U between nodes, mixtures Sigma = F(U), and drawing opponents from them."""

from __future__ import annotations

import numpy as np
from numba import njit

from camtf.population.solvers import SOLVERS
from camtf.types import Battles

_STEP_PER_BATTLE = 0.02
"""Weight of one battle in the moving average that estimates an edge of U."""


class InteractionGraph:
    """What one learner knows of its opponents. Implements `camtf.learn.rollout.Matchmaker`.

    Nodes are (snapshot, character), snapshot-major; after the frozen ones stand the learner's own, one per character,
    for self-play. Every edge begins at 0.5.

    Args:
        snapshots: number of frozen snapshots.
        characters: roster indices of the N characters that opponents play.
        learners: roster indices of the characters that the learner plays, drawn alike.
        roster_size: length of the roster; U has a row for each of its characters.
        self_play_share: mass of the learner's own nodes; 1 where there are no snapshots.
        solver: name of F.
        slots: S.
        slot: for every snapshot, then for the learner itself, the slot of the mixture input that stands for it.
        conditioning: a fixed mixture input for each character ``[roster, S]`` (a Specialist's), or None: Sigma.
    """

    def __init__(
        self,
        snapshots: int,
        characters: tuple[int, ...],
        learners: tuple[int, ...],
        roster_size: int,
        self_play_share: float,
        solver: str,
        slots: int,
        slot: tuple[int, ...],
        conditioning: np.ndarray | None = None,
    ) -> None:
        assert len(slot) == snapshots + 1
        self.characters = np.array(characters, np.int32)
        self.learners = np.array(learners, np.int32)
        self.frozen_nodes = snapshots * len(characters)
        self.nodes = self.frozen_nodes + len(characters)
        self.self_play_share = self_play_share if snapshots else 1.0
        self.win_rates = np.full((roster_size, self.nodes), 0.5)
        self._solver = SOLVERS[solver]
        self._conditioning = conditioning
        self._in_slot = np.eye(slots)[np.repeat(np.array(slot, np.int64), len(characters))]
        self._own_node = np.full(roster_size, -1, np.int64)
        self._own_node[self.characters] = self.frozen_nodes + np.arange(len(characters))
        self._solve()

    def update(self, battles: Battles) -> None:
        """Move the edges towards the outcomes of finished battles and solve the graph again."""
        keep = (1.0 - _STEP_PER_BATTLE) ** battles.games
        played = battles.games > 0
        outcome = np.divide(battles.wins, battles.games, out=np.zeros_like(battles.wins), where=played)
        self.win_rates = np.where(played, keep * self.win_rates + (1.0 - keep) * outcome, self.win_rates)
        self._solve()

    def restore(self, win_rates: np.ndarray) -> None:
        """Take over edges that were saved."""
        assert win_rates.shape == self.win_rates.shape
        self.win_rates = win_rates.copy()
        self._solve()

    def draw(self, uniforms: np.ndarray, self_play: int) -> tuple[np.ndarray, np.ndarray]:
        """Learner's character and opponent's node from uniforms ``[..., B, 2]``; the first ``self_play`` of B matches
        draw one of the learner's own nodes, the rest a frozen one."""
        character = self.learners[
            np.minimum((uniforms[..., 0] * len(self.learners)).astype(int), len(self.learners) - 1)
        ]
        own = _draw(self._cumulative_own, character[..., :self_play], uniforms[..., :self_play, 1])
        frozen = _draw(self._cumulative_frozen, character[..., self_play:], uniforms[..., self_play:, 1])
        return character, np.concatenate([own + self.frozen_nodes, frozen], axis=-1)

    def node_character(self, node: np.ndarray) -> np.ndarray:
        """Roster index of the character that each node plays."""
        return self.characters[node % len(self.characters)]

    def own_node(self, character: np.ndarray) -> np.ndarray:
        """The learner's own node of each character."""
        return self._own_node[character]

    def mixture(self, character: np.ndarray | slice) -> np.ndarray:
        """What the network is conditioned on, float32 ``[..., S]``."""
        return self._mixture[character]

    def snapshot_of(self, node: np.ndarray) -> np.ndarray:
        """Index of the frozen snapshot behind each frozen node."""
        return node // len(self.characters)

    def _solve(self) -> None:
        frozen = self.frozen_nodes
        own_rows = self._solver(self.win_rates[:, frozen:])
        frozen_rows = self._solver(self.win_rates[:, :frozen]) if frozen else self.win_rates[:, :0]
        self.sigma = np.concatenate(
            [(1.0 - self.self_play_share) * frozen_rows, self.self_play_share * own_rows], axis=1
        )
        self._cumulative_own = np.cumsum(own_rows, axis=1)
        self._cumulative_frozen = np.cumsum(frozen_rows, axis=1)
        if self._conditioning is not None:
            self._mixture = self._conditioning.astype(np.float32)
        else:
            self._mixture = (self.sigma @ self._in_slot).astype(np.float32)


def _draw(cumulative: np.ndarray, row: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Index drawn from the given row of cumulative distributions ``[rows, n]``, for each uniform number."""
    drawn = np.zeros(uniforms.shape, np.int64)
    if cumulative.shape[1]:
        _search(cumulative, row.ravel(), uniforms.ravel(), drawn.reshape(-1))
    return drawn


@njit(cache=True)
def _search(cumulative: np.ndarray, row: np.ndarray, uniforms: np.ndarray, drawn: np.ndarray) -> None:
    last = cumulative.shape[1] - 1  # sums may end a rounding error below 1
    for i in range(len(drawn)):
        drawn[i] = min(np.searchsorted(cumulative[row[i]], uniforms[i]), last)
