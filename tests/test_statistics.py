"""Every interval on simulated data whose truth is known: of 2,000 cases, 93 to 97% must hold it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap, norm, trim_mean

from camtf.evaluation import statistics
from camtf.evaluation.statistics import Estimate

CASES = 2000


def coverage(estimate: Estimate, truth: float) -> float:
    assert estimate.value.shape == estimate.p.shape and estimate.value.size >= CASES // 4
    assert np.all(estimate.low <= estimate.value) and np.all(estimate.value <= estimate.high)
    return float(np.mean((estimate.low <= truth) & (truth <= estimate.high)))


def holds(estimate: Estimate, truth: float) -> bool:
    """Two standard deviations of 2,000 cases are 1%."""
    return 0.93 <= coverage(estimate, truth) <= 0.97


def scores(rng: np.random.Generator, seeds: int, shared: float, mean: np.ndarray) -> np.ndarray:
    """Scores ``[CASES, S, N]``; a part of the variance between seeds is common to all characters."""
    together, apart = rng.standard_normal((CASES, seeds, 1)), rng.standard_normal((CASES, seeds, len(mean)))
    return mean + 0.05 * (shared**0.5 * together + (1 - shared) ** 0.5 * apart)


MEANS = np.linspace(0.4, 0.7, 8)


def over_battles(outcomes: np.ndarray) -> Estimate:
    """Of outcomes ``[..., cells, games]``, kept as a record keeps them."""
    return statistics.mean_over_battles(outcomes.mean(axis=-1), outcomes.var(axis=-1), outcomes.shape[-1])


@pytest.mark.parametrize("games", [40, 200])
def test_mean_over_battles_of_different_opponents(rng: np.random.Generator, games: int) -> None:
    rates = np.array([0.2, 0.4, 0.6, 0.9])
    assert holds(over_battles((rng.random((CASES, 4, games)) < rates[:, None]).astype(float)), rates.mean())


def test_pairing_makes_the_interval_of_a_gain_narrower(rng: np.random.Generator) -> None:
    """Outcomes that follow the same luck: the same battle is won by both or by none."""
    luck = rng.random((CASES, 3, 60))
    before, after = (luck < 0.45).astype(float), (luck < 0.55).astype(float)
    paired = over_battles(after - before)
    assert holds(paired, 0.1)
    unpaired = over_battles(after - (rng.random(luck.shape) < 0.45))
    assert np.median(unpaired.high - unpaired.low) > 1.8 * np.median(paired.high - paired.low)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("spread", [0.0, 0.08])
def test_mean_over_seeds_and_their_battles(rng: np.random.Generator, seeds: int, spread: float) -> None:
    """Whether the seeds differ or the battles make all the noise; each seed has 3 cells of 40 battles."""
    of_seed = 0.5 + spread * rng.standard_normal((CASES, seeds, 1)) + np.array([-0.1, 0.0, 0.1])
    rates = rng.binomial(40, np.clip(of_seed, 0, 1)) / 40
    assert holds(statistics.mean_over_seeds(rates.mean(axis=-1)), 0.5)


def test_battles_alone_say_nothing_about_the_next_seed(rng: np.random.Generator) -> None:
    """Why the battles of all seeds are not pooled."""
    rates = rng.binomial(400, np.clip(0.5 + 0.08 * rng.standard_normal((CASES, 3)), 0, 1)) / 400
    pooled = statistics.mean_over_battles(rates, rates * (1 - rates), 400)
    assert coverage(pooled, 0.5) < 0.55 and holds(statistics.mean_over_seeds(rates), 0.5)


def test_too_few_of_either_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2, got 1"):
        statistics.mean_over_seeds(np.ones(1))
    with pytest.raises(ValueError, match="at least 2 games in each cell, got 1"):
        statistics.mean_over_battles(np.ones(3), np.zeros(3), 1)


def test_without_any_spread_the_interval_is_a_point() -> None:
    same, zero = statistics.mean_over_seeds(np.full(3, 0.25)), statistics.mean_over_seeds(np.zeros(3))
    assert same[:3] == (0.25, 0.25, 0.25) and same.p == 0.0
    assert zero[:3] == (0.0, 0.0, 0.0) and zero.p == 1.0
    sure = statistics.mean_over_battles(np.ones(2), np.zeros(2), 5)
    assert sure[:3] == (1.0, 1.0, 1.0)


def test_a_t_interval_by_hand() -> None:
    """Values 1, 2, 3: mean 2, standard error 1 / sqrt(3), 4.302653 the quantile of two degrees of freedom."""
    estimate = statistics.mean_over_seeds(np.array([1.0, 2.0, 3.0]), null=2.0)
    assert estimate.low == pytest.approx(2 - 4.302653 / 3**0.5) and estimate.high == pytest.approx(
        2 + 4.302653 / 3**0.5
    )
    assert estimate.p == 1.0
    ratio = statistics.ratio_over_seeds(np.array([0.5, 2.0]))
    assert (
        ratio.value == pytest.approx(1.0)
        and ratio.low * ratio.high == pytest.approx(1.0)
        and ratio.p == pytest.approx(1)
    )


def test_p_values_are_uniform_without_an_effect(rng: np.random.Generator) -> None:
    p = statistics.mean_over_seeds(rng.standard_normal((CASES, 3))).p
    for level in (0.01, 0.05, 0.2, 0.5):
        assert np.mean(p < level) == pytest.approx(level, abs=4 * (level / CASES) ** 0.5)


def test_holm_by_hand() -> None:
    """0.01 * 4, 0.02 * 3, 0.03 * 2, and no smaller than those before; then 0.9 * 1. At most 1."""
    assert statistics.holm(np.array([0.9, 0.02, 0.01, 0.03])) == pytest.approx([0.9, 0.06, 0.04, 0.06])
    assert statistics.holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]


def test_holm_bounds_the_chance_of_any_false_claim(rng: np.random.Generator) -> None:
    """Eight characters, of which three have an effect: no more than 5% claim one of the other five."""
    effect = np.array([0.0] * 5 + [3.0] * 3)
    p = 2 * norm.sf(np.abs(rng.standard_normal((CASES, 8)) + effect))
    adjusted = np.array([statistics.holm(one) for one in p])
    false = np.mean((adjusted[:, :5] < 0.05).any(axis=1))
    assert false < 0.06 and np.mean((p[:, :5] < 0.05).any(axis=1)) > 0.2
    assert np.mean(adjusted[:, 5:] < 0.05) > 0.5


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_interquartile_mean(rng: np.random.Generator, seeds: int, shared: float) -> None:
    truth = trim_mean(MEANS + 0.05 * np.random.default_rng(1).standard_normal((200_000, len(MEANS))), 0.25, axis=None)
    estimate = statistics.interquartile_mean(scores(rng, seeds, shared, MEANS), rng, resamples=100)
    assert holds(estimate, truth)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        statistics.interquartile_mean(np.ones((1, 4)), rng)


def test_the_usual_bootstraps_are_too_narrow_for_three_seeds(rng: np.random.Generator) -> None:
    """Percentiles, and seeds drawn for each character alone, as the module's text says."""
    x, truth = scores(rng, 3, 1.0, MEANS[:1]), MEANS[0]
    few = bootstrap([x[..., 0]], np.mean, n_resamples=200, axis=-1, method="percentile", rng=rng).confidence_interval
    assert 0.70 < np.mean((few.low <= truth) & (truth <= few.high)) < 0.80
    x = scores(rng, 3, 0.86, MEANS)
    apart = bootstrap(
        list(np.moveaxis(x, -1, 0)), lambda *s, axis: np.mean(s, axis=0).mean(axis), n_resamples=200, axis=-1,
        vectorized=True, method="percentile", rng=rng,
    ).confidence_interval  # fmt: skip
    assert np.mean((apart.low <= MEANS.mean()) & (MEANS.mean() <= apart.high)) < 0.6


def test_the_middle_half_by_hand(rng: np.random.Generator) -> None:
    """Of 0 to 7 the middle half is 2, 3, 4, 5."""
    assert statistics.interquartile_mean(np.arange(8.0).reshape(2, 4), rng).value == 3.5
    outlier = np.array([[1.0, 2.0], [3.0, 1e9]])
    assert statistics.interquartile_mean(outlier, rng).value == 2.5


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_probability_of_improvement(rng: np.random.Generator, seeds: int, shared: float) -> None:
    """Both kinds start from the same Generalist: half of a seed's deviation is common to them."""
    before = scores(rng, seeds, shared, MEANS)
    after = scores(rng, seeds, shared, MEANS + 0.06) + 0.5 * (before - MEANS)
    truth = norm.cdf(0.06 / (0.05 * (1 + 1.25) ** 0.5))
    estimate = statistics.probability_of_improvement(after, before)
    assert 0.93 <= coverage(estimate, truth) <= 0.98  # the jackknife errs on the wide side
    assert estimate.value.mean() == pytest.approx(truth, abs=0.01)


def test_improvement_by_hand() -> None:
    """Of the six pairs of different seeds, 1 > 0, 1 < 2, 3 > 0, 3 > 2 (twice each in the second character)."""
    same = np.array([[0.1], [0.2], [0.3]])
    assert statistics.probability_of_improvement(same, same).value == 0.5
    better = statistics.probability_of_improvement(same + 1.0, same)
    assert better.value == 1.0 and better.high == 1.0 and better.low == pytest.approx(0.025 ** (1 / 3))
    worse = statistics.probability_of_improvement(same, same + 1.0)
    assert worse.value == 0.0 and worse.high == pytest.approx(1 - 0.025 ** (1 / 3)) and better.p == worse.p == 0.25
    mixed = statistics.probability_of_improvement(np.array([[1.0], [1.0], [3.0]]), np.array([[0.0], [2.0], [2.0]]))
    assert mixed.value == pytest.approx(3 / 6)  # 1 < 2 twice, 1 > 0, 1 < 2, 3 > 0, 3 > 2
    with pytest.raises(ValueError, match="at least 3 training seeds, got 2"):
        statistics.probability_of_improvement(same[:2], same[:2])


RATES_BEFORE = np.array([0.35, 0.45, 0.6, 0.8])
RATES_AFTER = np.array([0.55, 0.6, 0.68, 0.8])


@pytest.mark.parametrize("paired", [True, False])
def test_ratio_of_spreads(rng: np.random.Generator, paired: bool) -> None:
    """Where the same battles are played, what the kind before wins, the one after wins, too."""
    games, before, after = 1000, RATES_BEFORE, RATES_AFTER
    both = before if paired else before * after
    chances = np.stack([both, after - both, before - both, 1 - after - before + both], axis=-1)
    won_both, won_after, won_before, _ = np.moveaxis(rng.multinomial(games, chances, (CASES, 4)) / games, -1, 0)
    one, other = won_both + won_after, won_both + won_before
    variances = [one * (1 - one), other * (1 - other), won_after + won_before - (won_after - won_before) ** 2]
    estimate = statistics.spread_ratio(one, other, (np.stack(variances) / (games - 1)) ** 0.5, rng, resamples=100)
    truth = after.std() / before.std()
    assert holds(estimate, truth)
    assert np.median(estimate.value) == pytest.approx(truth, rel=0.01)


def test_noise_of_battles_is_no_spread(rng: np.random.Generator) -> None:
    """A spread of 0.05, as 80 battles measure it: half of the measured variance is theirs."""
    true = 0.5 + 0.05 * rng.standard_normal(3000)
    one, other = rng.binomial(80, true) / 80, rng.binomial(800, true) / 800
    errors = np.stack([(r * (1 - r) / n) ** 0.5 for r, n in ((one, 79), (other, 799))])
    ratio = statistics.spread_ratio(one, other, np.concatenate([errors, [np.hypot(*errors)]]), rng, 50)
    assert one.std() / other.std() > 1.3 and ratio.value == pytest.approx(1.0, abs=0.08)


def frequencies(rng: np.random.Generator, truth: np.ndarray, cases: int) -> tuple[np.ndarray, np.ndarray]:
    """Of 40 battles of 60 decisions, which resemble each other within a battle, and the noise that this makes."""
    mood = rng.dirichlet(np.ones(truth.shape[-1]), (cases, len(truth), 40))
    shares = rng.multinomial(60, 0.9 * truth[:, None] + 0.1 * mood) / 60
    return shares.mean(axis=-2), shares.var(axis=-2, ddof=1).sum(axis=-1) / 40


ALIKE = np.array([[0.4, 0.3, 0.2, 0.1], [0.35, 0.3, 0.2, 0.15], [0.4, 0.25, 0.2, 0.15]])
APART = np.array([[0.6, 0.2, 0.1, 0.1], [0.2, 0.5, 0.1, 0.2], [0.25, 0.2, 0.4, 0.15]])


def distances(truth: np.ndarray) -> float:
    """What `frequencies` should find: a tenth of every decision is the same for all."""
    return 0.9 * float(np.mean([np.linalg.norm(truth[i] - truth[j]) for i in range(3) for j in range(i)]))


def test_diversity_ratio(rng: np.random.Generator) -> None:
    between = 0.5 * (APART + ALIKE)
    estimate = statistics.diversity_ratio(
        frequencies(rng, APART, CASES // 4), frequencies(rng, between, CASES // 4), rng, resamples=100
    )
    assert holds(estimate, distances(APART) / distances(between))


def test_distances_without_the_noise_of_the_sample(rng: np.random.Generator) -> None:
    """Which makes characters that act alike look different."""
    found = frequencies(rng, ALIKE, 800)
    with_noise = statistics.diversity(found[0], 0 * found[1]).mean() - distances(ALIKE)
    assert abs(statistics.diversity(*found).mean() - distances(ALIKE)) < 0.75 * with_noise
    apart = frequencies(rng, APART, 800)
    assert statistics.diversity(*apart).mean() == pytest.approx(distances(APART), rel=0.005)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        statistics.diversity(found[0][:, :1], found[1][:, :1])


def test_distances_by_hand() -> None:
    """Two who always choose another action are sqrt(2) apart; half of the square is noise in the second case."""
    pure = np.eye(2)
    assert statistics.diversity(pure, np.zeros(2)) == pytest.approx(2**0.5)
    assert statistics.diversity(pure, np.array([0.75, 0.25])) == pytest.approx(1.0)
    equal = statistics.diversity_ratio((pure, np.zeros(2)), (pure, np.zeros(2)), np.random.default_rng(1), 9)
    assert equal[:3] == (1.0, 1.0, 1.0)


def test_what_results_keep_of_seeds() -> None:
    """Student's interval of three values, worked by hand: 4.303 standard errors of 1 / sqrt(3); of one value none."""
    found = statistics.with_interval([1.0, 2.0, 3.0])
    assert found["mean"] == 2.0 and found["values"] == [1.0, 2.0, 3.0]
    assert found["high"] == pytest.approx(2.0 + 4.3027 / 3**0.5, abs=1e-3) and found["low"] + found["high"] == 4.0
    cut = statistics.with_interval([0.9, 0.98, 0.94], 0.0, 1.0)
    assert cut["high"] == 1.0 and 0.8 < cut["low"] < 0.9
    assert statistics.with_interval([0.5]) == {"mean": 0.5, "low": None, "high": None, "values": [0.5]}
