"""How strong is each character once it is played as well as anybody knows how?

Of each character there are several policies. Where two characters meet, both sides choose among theirs as in a game of
its own: by an equilibrium of the win rates between the policies. The choice is made on some battles, what it wins is
measured on others, because the best of what was measured looks better than it is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from camtf.config import ConfigError
from camtf.evaluation.battles import PoolSide, Side, View, play
from camtf.evaluation.intervals import NORMAL_95
from camtf.evaluation.sides import measured_kinds
from camtf.evaluation.subject import finished_specialists
from camtf.games.protocol import Game
from camtf.population.equilibrium import zero_sum
from camtf.population.strategies import Strategies
from camtf.population.training import Context
from camtf.types import Snapshot


@dataclass(frozen=True)
class Candidates:
    """P ways to play each of N characters: member ``p N + i`` of the side plays character i in the p-th way."""

    names: tuple[str, ...]
    side: PoolSide

    @property
    def characters(self) -> np.ndarray:
        """Indices of the characters, int ``[N]``."""
        return self.side.character[: len(self.side.character) // len(self.names)]


def candidates(runs: list[tuple[Context, Strategies]]) -> Candidates:
    """Of each run the last strategy, the Specialists and the controls. Raises ConfigError where runs do not fit."""
    first = runs[0][0]
    names, snapshots = [], list[Snapshot]()
    for context, strategies in runs:
        for what, one, other in (
            ("characters", context.characters, first.characters),
            ("networks", context.config.network, first.config.network),
            ("games", context.game.digest, first.game.digest),
        ):
            if one != other:
                raise ConfigError(f"{context.run.path} and {first.run.path} have different {what}")
        for kind in measured_kinds(context, strategies, finished_specialists(context, strategies)):
            names.append(f"{context.run.path.name}/{kind.name}")
            snapshots += kind.snapshots
    distinct = {s.digest: s for s in snapshots}
    place = {digest: i for i, digest in enumerate(distinct)}
    served = np.array([place[s.digest] for s in snapshots])
    character = np.tile(first.characters, len(names))
    return Candidates(tuple(names), PoolSide(first.pool(list(distinct.values())), served, character))


@dataclass(frozen=True)
class Battles:
    """Battles between characters played as well as they can be.

    Attributes:
        own, other: places of the characters among those that take part, int ``[n]``; own is below other.
        pairs: members of the candidates' side that play them, int ``[n, 2]``: player 0, player 1.
        swapped: bool ``[n]``, whether own is player 1.
    """

    own: np.ndarray
    other: np.ndarray
    pairs: np.ndarray
    swapped: np.ndarray

    def of(self, character: int) -> Battles:
        """Those in which a character takes part."""
        chosen = (self.own == character) | (self.other == character)
        return Battles(*(x[chosen] for x in (self.own, self.other, self.pairs, self.swapped)))


def choose(game: Game, known: Candidates, games: int, battles: int, seed: int) -> Battles:
    """Let all candidates of all pairs of characters meet, and list battles between equilibria of what they won.

    Args:
        games: between two candidates; half of them each way round, rounded up.
        battles: of the list, for each pair of characters.
    """
    n, ways, half = len(known.characters), np.arange(len(known.names)), -(-games // 2)
    own, other = np.triu_indices(n, 1)
    grid = np.stack(np.meshgrid(ways, ways, indexing="ij"), -1).reshape(-1, 2) * n  # [P P, 2]
    pairs = (grid[None] + np.stack([own, other], -1)[:, None]).reshape(-1, 2)
    wins = play(game, known.side, known.side, pairs, half, seed)
    wins += half - play(game, known.side, known.side, pairs[:, ::-1], half, seed + 1)
    rates = (wins / (2 * half)).reshape(len(own), len(ways), len(ways))
    lists = []
    for k, rate in enumerate(rates):
        found = zero_sum(2.0 * rate - 1.0)
        counts = shared_out(np.outer(found.rows, found.columns).ravel(), battles)
        lists.append(np.repeat(pairs.reshape(len(own), -1, 2)[k], counts, axis=0))
    members = np.concatenate(lists)
    swapped = np.arange(len(members)) % 2 == 1
    members[swapped] = members[swapped, ::-1]
    return Battles(np.repeat(own, battles), np.repeat(other, battles), members, swapped)


def shared_out(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers that add up to ``total``, as near as can be to these shares of it (largest remainders)."""
    exact = shares / shares.sum() * total
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts


def outcomes(game: Game, side: Side, battles: Battles, seed: int) -> np.ndarray:
    """What ``own`` wins in each battle, 1, 0.5 or 0, float ``[n]``. The ranks share them, and all get all."""
    won = play(game, side, side, battles.pairs, 1, seed)
    return np.where(battles.swapped, 1.0 - won, won)


@dataclass(frozen=True)
class Rates:
    """Win rates of N characters, and those between them, each with its standard error."""

    strength: np.ndarray  # [N], mean over the others
    strength_error: np.ndarray  # [N]
    matchup: np.ndarray  # [N, N], row against column; 0.5 on the diagonal
    matchup_error: np.ndarray  # [N, N]


def rates(battles: Battles, won: np.ndarray, characters: int) -> Rates:
    """Win rates from all pairs' battles."""
    matchup, error = np.full((characters, characters), 0.5), np.zeros((characters, characters))
    for i, j in zip(*np.triu_indices(characters, 1), strict=True):
        x = won[(battles.own == i) & (battles.other == j)]
        matchup[i, j], matchup[j, i] = x.mean(), 1.0 - x.mean()
        error[i, j] = error[j, i] = x.std(ddof=1) / np.sqrt(len(x))
    others = characters - 1
    strength = (matchup.sum(axis=1) - 0.5) / others
    return Rates(strength, np.sqrt((error**2).sum(axis=1)) / others, matchup, error)


@dataclass(frozen=True)
class Without:
    """A side that plays as before, but never chooses a skill as one of its characters. Implements `Side`.

    Attributes:
        skill: column of the action mask.
        forbidden: the character that lacks it, an index of the game.
    """

    side: Side
    skill: int
    forbidden: int

    @property
    def character(self) -> np.ndarray:
        """See `Side`."""
        return self.side.character

    def act(self, view: View) -> np.ndarray:
        """See `Side`."""
        mask = view.observation.mask.copy()
        mask[self.side.character[view.member] == self.forbidden, self.skill] = 0.0
        return self.side.act(dataclasses.replace(view, observation=view.observation._replace(mask=mask)))


def paired(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Mean difference of the same battles with its 95% interval."""
    change = after - before
    half = NORMAL_95 * change.std(ddof=1) / np.sqrt(len(change))
    return {"change": float(change.mean()), "low": float(change.mean() - half), "high": float(change.mean() + half)}


def skills_that_win(game: Game, known: Candidates, battles: Battles, character: int, seed: int) -> list[dict[str, Any]]:
    """How much less a character wins without each of its skills, in the same battles, the most first.

    The policies were trained with the skill, so that a part of what is lost is that they do not know what else to do.
    """
    some, spec = battles.of(character), game.spec
    sign = np.where(some.own == character, 1.0, -1.0)
    won = sign * (outcomes(game, known.side, some, seed) - 0.5)
    found = []
    for skill, name in enumerate(spec.skill_names):
        if skill:  # the first is to use none
            less = Without(known.side, spec.movements + skill, int(known.characters[character]))
            found.append({"skill": name, **paired(won, sign * (outcomes(game, less, some, seed) - 0.5))})
    return sorted(found, key=lambda x: x["change"])
