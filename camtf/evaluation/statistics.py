"""Intervals of what is measured: over the battles of one run, and over training seeds.

Which interval may be given depends on how many training seeds there are:

=======  ==============================================================================================================
seeds    interval
=======  ==============================================================================================================
1        over battles: of this very run, it says nothing about the next one
2, 3...  over seeds: t quantiles of ``seeds - 1`` degrees of freedom. What is measured of a seed carries the noise of
         its battles with it, so that the spread between seeds holds both levels of the hierarchy
=======  ==============================================================================================================

Percentiles of a bootstrap, the usual choice, cover the truth in 72 to 75% of cases with 3 seeds in place of 95%: three
values drawn from three have too small a spread, and never leave their range. So a bootstrap gives the standard error
here, enlarged by ``sqrt(seeds / (seeds - 1))``, and Student's distribution the quantile (Hesterberg 2015, arXiv
1411.5279, section 4). Seeds are drawn whole, with all their characters, which share the Generalists of their run:
independent draws for each character, as for games that are trained apart (Agarwal et al. 2021, arXiv 2108.13264), cover
as little as 63%. And a drawn seed keeps its battles: drawing those again counts their noise twice (Davison and Hinkley
1997, Bootstrap Methods and their Application, section 3.8). ``tests/test_statistics.py`` measures all of this.

Arrays may have further axes before those that are named, each entry of which is a case of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import bootstrap, t, trim_mean

CONFIDENCE = 0.95
_RESAMPLES = 2000


class Estimate(NamedTuple):
    """A value with its 95% interval.

    ``p`` is the two-sided p-value of the hypothesis that there is no effect: a difference of 0, a ratio of 1, a
    probability of 1/2. All are float arrays ``[...]`` of one shape.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def _student(value: np.ndarray, error: np.ndarray, freedom: np.ndarray | float, null: float = 0.0) -> Estimate:
    """Interval and p-value from a standard error; infinitely many degrees of freedom make it normal."""
    half = t.ppf(0.5 + CONFIDENCE / 2, freedom) * error
    with np.errstate(divide="ignore", invalid="ignore"):  # without any spread the interval is a point
        distance = np.where(value == null, 0.0, np.abs(value - null) / error)
    return Estimate(value, value - half, value + half, 2 * t.sf(distance, freedom))


def _exp(log: Estimate) -> Estimate:
    """A ratio from its logarithm."""
    return Estimate(np.exp(log.value), np.exp(log.low), np.exp(log.high), log.p)


def _needs_seeds(seeds: int) -> None:
    if seeds < 2:
        raise ValueError(f"an interval over training seeds needs at least 2, got {seeds}")


def mean_over_battles(mean: np.ndarray, variance: np.ndarray, games: np.ndarray | int) -> Estimate:
    """Mean over cells, with the interval of one run.

    The cells are strata: what differs between opponents is no noise. Gains are those of the same battles: the same
    seed, opponent and battle number. Degrees of freedom as by Welch and Satterthwaite.

    Args:
        mean, variance: of the outcomes or gains of each cell, ``[..., cells]``, the variance divided by the number of
            games as in `camtf.evaluation.findings`.
        games: of each cell, at least 2; one number, or one for each, ``[cells]``.

    Returns:
        Estimate of shape ``[...]``.
    """
    if np.min(games) < 2:
        raise ValueError(f"an interval over battles needs at least 2 games in each cell, got {np.min(games)}")
    parts = variance / (games - 1) / mean.shape[-1] ** 2
    total = parts.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(total > 0, total**2 / (parts**2 / (games - 1)).sum(axis=-1), np.inf)
    return _student(mean.mean(axis=-1), np.sqrt(total), freedom)


def mean_over_seeds(values: np.ndarray, null: float = 0.0) -> Estimate:
    """Mean of what was measured once of each training seed, float ``[..., S]``, with the t interval over seeds."""
    seeds = values.shape[-1]
    _needs_seeds(seeds)
    return _student(values.mean(axis=-1), values.std(axis=-1, ddof=1) / np.sqrt(seeds), seeds - 1, null)


def with_interval(values: Sequence[float], least: float = -np.inf, most: float = np.inf) -> dict[str, Any]:
    """What results keep of one value a training seed: ``mean``, ``low`` and ``high`` of `mean_over_seeds` (None from a
    single seed), ``values``. With three seeds the interval is 4.3 standard errors to a side: it says how little three
    are. It is cut off at the least and the most that a value can be."""
    x = np.asarray(values, np.float64)
    found = {"mean": float(x.mean()), "low": None, "high": None, "values": x.tolist()}
    if len(x) > 1:
        estimate = mean_over_seeds(x)
        found |= {"low": max(float(estimate.low), least), "high": min(float(estimate.high), most)}
    return found


def ratio_over_seeds(ratios: np.ndarray) -> Estimate:
    """Geometric mean of one positive ratio of each training seed, ``[..., S]``; the interval is of its logarithm."""
    return _exp(mean_over_seeds(np.log(ratios)))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values ``[N]``: where one is below alpha, so is the chance of any false claim (Holm 1979)."""
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def interquartile_mean(scores: np.ndarray, rng: np.random.Generator, resamples: int = _RESAMPLES) -> Estimate:
    """Mean of the middle half of all scores ``[..., S, N]`` (seeds, characters; Agarwal et al. 2021, section 4.3).

    A quarter is cut off at either end, of whole scores as SciPy's `trim_mean` does. Every character keeps as many
    scores in each resample (the strata); the seeds are drawn for all characters together.
    """
    seeds, characters = scores.shape[-2:]
    _needs_seeds(seeds)

    def middle(*drawn: np.ndarray, axis: int) -> np.ndarray:
        assert axis == -1
        return trim_mean(np.concatenate(drawn, axis=-1), 0.25, axis=-1)

    strata = [scores[..., n] for n in range(characters)]
    result = bootstrap(
        strata, middle, n_resamples=resamples, paired=True, axis=-1, vectorized=True, method="percentile", rng=rng
    )
    error = np.asarray(result.standard_error) * np.sqrt(seeds / (seeds - 1))
    return _student(np.asarray(middle(*strata, axis=-1)), error, seeds - 1)


def probability_of_improvement(after: np.ndarray, before: np.ndarray) -> Estimate:
    """How likely a run of one kind beats a run of the other: the mean over characters of P(X > Y) + P(X = Y) / 2.

    Every run is compared with every run of another seed (Mann and Whitney's U; Agarwal et al. 2021, section 4.3); runs
    of one seed grew from the same Generalists and are no independent pair. The standard error is the jackknife's, which
    leaves out a seed of both kinds at a time (in a bootstrap a seed drawn twice would meet itself), and the interval is
    made of the logarithm of the odds, so that it stays within 0 and 1. Where all
    comparisons end the same way there is no spread to make an interval of; it then reaches to the probability with
    which as many seeds would look like that in 2.5% of cases.

    Args:
        after, before: scores ``[..., S, N]`` of at least 3 seeds.
    """
    if after.shape != before.shape:
        raise ValueError(f"both kinds need the same seeds and characters, got {after.shape} and {before.shape}")
    seeds = after.shape[-2]
    if seeds < 3:
        raise ValueError(f"the probability of improvement needs at least 3 training seeds, got {seeds}")
    difference = after[..., :, None, :] - before[..., None, :, :]
    better = (0.5 + 0.5 * np.sign(difference)).mean(axis=-1) * (1.0 - np.eye(seeds))  # [..., S, S], row beats column
    with_seed = better.sum(axis=-1) + better.sum(axis=-2)
    total = better.sum(axis=(-2, -1))
    value = total / (seeds * (seeds - 1))
    without = (total[..., None] - with_seed) / ((seeds - 1) * (seeds - 2))
    error = without.std(axis=-1) * np.sqrt(seeds - 1)
    unanimous = (value == 0.0) | (value == 1.0)
    inner = np.where(unanimous, 0.5, value)
    on_line = _student(logit(inner), error / (inner * (1.0 - inner)), seeds - 1)
    furthest = ((1 - CONFIDENCE) / 2) ** (1 / seeds)
    low = np.where(unanimous, np.where(value == 1.0, furthest, 0.0), expit(on_line.low))
    high = np.where(unanimous, np.where(value == 1.0, 1.0, 1.0 - furthest), expit(on_line.high))
    return Estimate(value, low, high, np.where(unanimous, 0.5 ** (seeds - 1), on_line.p))


def spread_ratio(
    after: np.ndarray, before: np.ndarray, errors: np.ndarray, rng: np.random.Generator, resamples: int = _RESAMPLES
) -> Estimate:
    """Standard deviation between the characters' win rates after, over that before, of one run (M&M figure 4).

    What battles add to the spread is taken off. A parametric bootstrap: rates are drawn again around what was found, by
    the noise of their battles, which both kinds share where they played the same ones; the interval is normal in the
    logarithm. Without any spread beyond the noise the ratio is not a number.

    Args:
        after, before: win rates ``[..., N]``.
        errors: standard errors of both and of the gain from the one to the other, ``[3, ..., N]``.
    """
    variance_after, variance_before = errors[0] ** 2, errors[1] ** 2
    common = np.clip((variance_after + variance_before - errors[2] ** 2) / 2, 0.0, np.minimum(*errors[:2] ** 2))
    noise = rng.standard_normal((3, resamples, *after.shape))
    together = np.sqrt(common) * noise[0]
    drawn_after = after + together + np.sqrt(variance_after - common) * noise[1]
    drawn_before = before + together + np.sqrt(variance_before - common) * noise[2]

    def log_ratio(one: np.ndarray, other: np.ndarray, times: int) -> np.ndarray:
        spread = one.var(axis=-1, ddof=1) - times * variance_after.mean(axis=-1)
        spread_before = other.var(axis=-1, ddof=1) - times * variance_before.mean(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return 0.5 * (np.log(spread) - np.log(spread_before))

    error = np.nanstd(log_ratio(drawn_after, drawn_before, 2), axis=0, ddof=1)  # drawn rates have the noise twice
    return _exp(_student(log_ratio(after, before, 1), error, np.inf))


def diversity(frequency: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Mean Euclidean distance between the characters' action frequencies (CAM figure 3), sampling noise taken off.

    Args:
        frequency: how often each character chooses each action, ``[..., N, A]``, rows that sum to 1.
        noise: what sampling adds to the expected square of the length of a row, ``[..., N]``.

    Returns:
        float ``[...]``.
    """
    characters = frequency.shape[-2]
    if characters < 2:
        raise ValueError(f"distances between characters need at least 2, got {characters}")
    return distances(frequency, noise).mean(axis=-1)


def distances(frequency: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Euclidean distances between rows ``[..., N, A]``, as of `diversity`: ``[..., N (N - 1) / 2]``, in the order of
    NumPy's ``triu_indices(N, 1)``."""
    first, second = np.triu_indices(frequency.shape[-2], 1)
    square = ((frequency[..., first, :] - frequency[..., second, :]) ** 2).sum(axis=-1)
    return np.sqrt(np.maximum(square - noise[..., first] - noise[..., second], 0.0))


def diversity_ratio(
    after: tuple[np.ndarray, np.ndarray],
    before: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
    resamples: int = _RESAMPLES,
) -> Estimate:
    """`diversity` after over that before, of one run.

    A parametric bootstrap: frequencies are drawn again as if of as many independent decisions as have this noise
    together; decisions of one battle resemble each other, so that there are fewer than were made.

    Args:
        after, before: frequencies ``[..., N, A]`` and noise ``[..., N]``.
    """
    values, drawn = [], []
    for frequency, noise in (after, before):
        values.append(np.log(diversity(frequency, noise)))
        variance = 1.0 - (frequency**2).sum(axis=-1)
        decisions = np.clip(np.rint(variance / np.maximum(noise, 1e-9)), 1, 1e9).astype(np.int64)
        again = rng.multinomial(decisions, frequency, (resamples, *decisions.shape)) / decisions[..., None]
        with np.errstate(divide="ignore"):
            drawn.append(np.log(diversity(again, 2.0 * noise)))  # which has the noise twice
    return _exp(_student(values[0] - values[1], (drawn[0] - drawn[1]).std(axis=0, ddof=1), np.inf))
