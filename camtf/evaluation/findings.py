"""The parts of an evaluation's record, a dataclass for each thing that is measured.

Dimension letters, beside those of `camtf.types`: *N* characters that take part, in the order of
`EvaluationRecord.characters`; *O* opponents of a set, each a policy or a bot as one character; *S* strategies of a
population; *G* battles of a cell; *K*, *M* skill and movement actions; *E* counted events; *D* bins of time.

All win rates are of the row: 1 is "the row won every battle", a draw counts 0.5. Half of a cell's battles are played
with the row as player 0 and half as player 1. A cell's battles have the same seeds whichever kind plays the row, so
that two kinds can be subtracted battle by battle. Intervals are not kept where they follow from what is: from a mean,
its variance and the number of battles. Where two characters cannot meet (the roles of a game), a cell is not a number,
``null`` in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camtf.evaluation.intervals import rate_with_interval

TRAINED, HELD_OUT, BOTS, PLAYERS = "trained", "held_out", "bots", "players"
"""Sets of opponents: (a) those that stage 2 trains against, (b) populations of other runs, (c) scripted bots; and a
kind of this run's own players."""


@dataclass(frozen=True, eq=False)
class Kind:
    """One player for each character: who plays it when this kind does.

    Attributes:
        name: ``generalist`` (the last strategy of stage 1), ``specialist``, or a control: ``start``, ``matched``,
            ``own_critic``.
        digests: of the policy that plays each character, ``[N]``.
    """

    name: str
    digests: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Opponents:
    """A set of opponents: every one of ``strategies`` as every character, strategy-major, ``O = S N``.

    Attributes:
        name: unique in the record, e.g. ``trained``, ``bots``, or the label of another run.
        group: one of `TRAINED`, `HELD_OUT`, `BOTS`, `PLAYERS`.
        strategies: names of the strategies, bots or of the kind, ``[S]``.
        digests: of the policy that plays each strategy as each character, ``[S][N]``; empty for what is no network.
    """

    name: str
    group: str
    strategies: tuple[str, ...]
    digests: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if self.group not in (TRAINED, HELD_OUT, BOTS, PLAYERS) or len(self.digests) != len(self.strategies):
            raise ValueError(f"opponents {self.name!r}: unknown group {self.group!r}, or digests that do not fit")


class _Cells:
    """Cells ``[N, S, N]`` of G battles each, and their rows."""

    games: int
    mean: np.ndarray
    variance: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Of each character against the whole set, ``[N]``."""
        return np.nanmean(self.mean, axis=(1, 2))

    @property
    def errors(self) -> np.ndarray:
        """Standard error of `rows`, ``[N]``: of battles drawn anew with these policies, not of training anew."""
        return _row_errors(self.variance, self.games)


@dataclass(frozen=True, eq=False)
class Table(_Cells):
    """Win rates of one kind, as every character, against one set of opponents.

    Attributes:
        kind, opponents: names.
        games: G, battles of each cell.
        mean: win rate of the kind, ``[N, S, N]``: own character, opponent's strategy, opponent's character.
        variance: of a battle's outcome within each cell, around the cell's mean (divided by G), ``[N, S, N]``.
    """

    kind: str
    opponents: str
    games: int
    mean: np.ndarray
    variance: np.ndarray

    def __post_init__(self) -> None:
        _check_shapes(f"table {self.kind} v. {self.opponents}", self.mean, self.variance)
        if self.games < 1 or not (np.isnan(self.mean) | (self.mean >= 0) & (self.mean <= 1)).all():
            raise ValueError(f"table {self.kind} v. {self.opponents}: rates must be in [0, 1], games at least 1")

    @property
    def battles(self) -> int:
        """Battles behind one row."""
        return self.games * int(np.isfinite(self.mean[0]).sum())

    def rate(self, character: int, strategy: int | None = None) -> dict[str, Any]:
        """`camtf.evaluation.intervals.rate_with_interval` of a character, by its place, against the whole set or one
        of its strategies."""
        cells = self.mean[character] if strategy is None else self.mean[character, strategy]
        games = self.games * int(np.isfinite(cells).sum())
        return rate_with_interval(float(np.nanmean(cells)) * games, games)


@dataclass(frozen=True, eq=False)
class Gain(_Cells):
    """How much more one kind wins than another, battle by battle: same opponent, same seed.

    Attributes:
        kind, control, opponents: names; positive is a gain of ``kind`` over ``control``.
        games: G, paired battles of each cell.
        mean: of the difference of outcomes, in [-1, 1], ``[N, S, N]`` as in `Table`.
        variance: of the difference within each cell (divided by G), ``[N, S, N]``.
    """

    kind: str
    control: str
    opponents: str
    games: int
    mean: np.ndarray
    variance: np.ndarray

    def __post_init__(self) -> None:
        _check_shapes(f"gain {self.kind} over {self.control}", self.mean, self.variance)


@dataclass(frozen=True, eq=False)
class Strategies:
    """Strategies of a population against each other: generations, slots, iterations or rounds, oldest first.

    Attributes:
        names: ``[S]``.
        digests: of the policy of each as each character, ``[S][N]``; empty where it plays uniformly.
        games: battles of a pair of strategies, over all pairs of characters.
        mean: win rate of the row against the column, ``[S, S]``; 0.5 on the diagonal, where nothing was played, and
            ``mean[j, i] == 1 - mean[i, j]``.
        variance: of a battle's outcome, ``[S, S]``.
    """

    names: tuple[str, ...]
    digests: tuple[tuple[str, ...], ...]
    games: int
    mean: np.ndarray
    variance: np.ndarray

    def __post_init__(self) -> None:
        _check_shapes("strategies", self.mean, self.variance, rank=2)
        if not np.allclose(self.mean + self.mean.T, 1.0):
            raise ValueError("strategies: win rates of both sides of a pair must add up to 1")


@dataclass(frozen=True, eq=False)
class Behaviour:
    """What a kind does against a set of opponents, as each character.

    Attributes:
        kind, opponents: names.
        battles: of each character; equal for all kinds, so that sampling noise is.
        decisions: of each character in all of them, ``[N]``.
        movement: share of each movement action among the decisions, ``[N, M]``.
        skill: share of each skill action, ``[N, K]``.
        skill_groups: how often each skill was chosen in each tenth of the battles, dealt out in turn, ``[10, N, K]``.
        skill_noise: what sampling adds to the expected square of the length of a row of ``skill``, ``[N]``: the
            variance of its mean over battles, summed over actions. `(1 - sum f^2) / n` is that of independent
            decisions; the decisions of a battle are not.
        legal: share of decisions at which each skill was legal, ``[N, K]``.
        timing: how often each skill is chosen per decision of each bin of time, ``[N, K, D]``; the last bin holds what
            is later. null (not a number) where no battle lasted as long.
        bin_decisions: decisions of a bin.
        events: counts per battle, ``[N, E]``; see `EvaluationRecord.event_names`.
        event_errors: standard error of those, ``[N, E]``.
        opportunities: decisions per battle at which each was possible, ``[N, E]``.
    """

    kind: str
    opponents: str
    battles: int
    decisions: np.ndarray
    movement: np.ndarray
    skill: np.ndarray
    skill_groups: np.ndarray
    skill_noise: np.ndarray
    legal: np.ndarray
    timing: np.ndarray
    bin_decisions: int
    events: np.ndarray
    event_errors: np.ndarray
    opportunities: np.ndarray


@dataclass(frozen=True, eq=False)
class Diversity:
    """How differently the characters of a kind act: distances between their rows of `Behaviour.skill`.

    Attributes:
        distances: length of the difference between two characters' rows, sampling noise taken off its square, which
            is then no less than 0; ``[N, N]``.
        mean: of all pairs.
        error: standard error of ``mean`` over battles (delete-one-group jackknife over `Behaviour.skill_groups`).
        raw: ``mean`` with the noise left in.
    """

    kind: str
    opponents: str
    distances: np.ndarray
    mean: float
    error: float
    raw: float


@dataclass(frozen=True, eq=False)
class Advantage:
    """Advantage vectors (M&M figure 1): ``A_k[j] = E[G_t - V_prior(s_t)]`` over the decisions of battles of character
    k, played by a newer policy, against character j, played by the one before it, whose critic expects ``V_prior``.

    Attributes:
        player, prior: names of the newer and the prior policies, e.g. ``specialist`` and ``generalist``.
        games: battles of each cell.
        mean: ``[N, N]``, in units of the game's reward; G is discounted as in training.
        errors: standard error over battles, ``[N, N]``.
    """

    player: str
    prior: str
    games: int
    mean: np.ndarray
    errors: np.ndarray

    @property
    def deviation(self) -> np.ndarray:
        """``A_k[j] - mean_k A_k[j]``, what the radial figure shows, ``[N, N]``."""
        return self.mean - np.nanmean(self.mean, axis=0)


@dataclass(frozen=True, eq=False)
class SocialGraph:
    """Whom each character of a kind would train against now: ``Sigma = F(U)`` over a set of opponents (M&M figure 2).

    Attributes:
        solver: name of F.
        sigma: ``[N, S N]``, rows that sum to 1, over the set's opponents strategy-major.
        entropy: of each row, in nats, ``[N]``; ``log(S N)`` where it is uniform.
    """

    kind: str
    opponents: str
    solver: str
    sigma: np.ndarray
    entropy: np.ndarray

    @property
    def deviation(self) -> np.ndarray:
        """``Sigma_k[j] - mean_k Sigma_k[j]``, ``[N, S N]``."""
        return self.sigma - self.sigma.mean(axis=0)


@dataclass(frozen=True, eq=False)
class Information:
    """Mutual information between the actions of two players, over the states of battles between Generalists.

    See `camtf.evaluation.information.information_between`. Of a kind as one character against the Generalist as
    another; all kinds are asked in the same states.

    Attributes:
        states: joint states of each pair, of ``battles`` battles.
        value: I in nats, summed over the heads, ``[N, N]``: own character, the Generalist's character.
        null: mean of the same over shufflings of who was met where, ``[N, N]``.
        null_low, null_high: 95% of the shufflings lie between, ``[N, N]``.
        low, high: 95% interval of ``value - null`` over battles (jackknife, Student's t), ``[N, N]``.
    """

    kind: str
    battles: int
    states: int
    value: np.ndarray
    null: np.ndarray
    null_low: np.ndarray
    null_high: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class Curve:
    """What one learner's metrics say, over the frames of the whole run.

    Attributes:
        task: name of the metrics file.
        stage: ``generalists``, ``specialists`` or ``controls``.
        start_frames: learner frames of the run before this learner's stage or generation began.
        factor: total frames for each of the learner's own: N where N Specialists train beside each other.
        frames: total learner frames at each point, ``[n]``.
        values: by the name of the metric, ``[n]``; null where it was not measured then.
    """

    task: str
    stage: str
    start_frames: float
    factor: float
    frames: np.ndarray
    values: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Exploiter:
    """A best response, trained against a frozen mixture and measured on fresh battles.

    Attributes:
        target: strategies of the mixture, ``[S]``; ``mixture``: their probabilities, ``[S]``.
        seed: of its training.
        start: digest of the policy that it began as; empty where from scratch.
        digest: of the exploiter.
        frames: learner frames that it was given.
        games: battles that measure it.
        win_rate: its own against the mixture; ``error`` is the standard error over battles.
    """

    target: tuple[str, ...]
    mixture: np.ndarray
    seed: int
    start: str
    digest: str
    frames: int
    games: int
    win_rate: float
    error: float


@dataclass(frozen=True, eq=False)
class Performance:
    """Relative population performance of this run's population against another's (Balduzzi et al. 2019, definition 3).

    Attributes:
        other: label of the other run.
        own_names, other_names: strategies, ``[S]`` and ``[S']``.
        games: battles of a cell.
        mean: win rate of own strategies, ``[S, S']``.
        value: of the zero-sum game between the two for this run, in [-1, 1]; positive is better.
    """

    other: str
    own_names: tuple[str, ...]
    other_names: tuple[str, ...]
    games: int
    mean: np.ndarray
    value: float


def _row_errors(variance: np.ndarray, games: int) -> np.ndarray:
    cells = np.isfinite(variance).sum(axis=(1, 2))
    return np.sqrt(np.nansum(variance, axis=(1, 2)) / max(games - 1, 1)) / cells


def _check_shapes(name: str, mean: np.ndarray, variance: np.ndarray, rank: int = 3) -> None:
    if mean.ndim != rank or mean.shape != variance.shape:
        raise ValueError(f"{name}: mean and variance must be of one shape, got {mean.shape} and {variance.shape}")
