"""Payoffs between strategies, their Nash equilibrium, and what a population is worth by it. NumPy and SciPy alone.

Payoffs ``A [n, n]`` are antisymmetric: ``A_ij`` is what strategy i gains against j, ``A_ji = -A_ij``, in any scale.
From win rates `centred` makes them: ``A = 2 U - 1``. A mixture ``p [n]`` is a distribution over strategies. The game
is symmetric and zero-sum, so its value is 0, and p is an equilibrium where no strategy gains against it: ``A p <= 0``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.special import log_softmax

_ROUNDING = 1e-6  # how far payoffs may be from antisymmetric, of the largest: float32, averages of counts
_COLDEST = 1e-9  # the last temperature, of the largest payoff
_NOTHING = 1e-8  # probability below which a strategy counts as outside the equilibrium


class PayoffError(ValueError):
    """Payoffs, win rates, mixtures or settings that there is no answer for."""


def centred(win_rates: np.ndarray) -> np.ndarray:
    """``A = 2 U - 1`` of win probabilities ``U [n, n]``: a draw counts 0.5, ``U_ji = 1 - U_ij``, diagonal 0.5."""
    u = _matrix(win_rates, "win rates", square=True)
    if (u < 0).any() or (u > 1).any():
        raise PayoffError(f"win rates must be in [0, 1], got {u.min():g} to {u.max():g}")
    _refuse(np.abs(u + u.T - 1.0), _ROUNDING, "win rates must obey U[j, i] = 1 - U[i, j]", u)
    return u - u.T


def antisymmetric(payoffs: np.ndarray) -> np.ndarray:
    """A copy of payoffs ``[n, n]`` in float64, rid of rounding; `PayoffError` where they are not antisymmetric."""
    a = _matrix(payoffs, "payoffs", square=True)
    _refuse(np.abs(a + a.T), _ROUNDING * np.abs(a).max(), "payoffs must obey A[j, i] = -A[i, j]", a)
    return a / 2 - a.T / 2


def nash(payoffs: np.ndarray) -> np.ndarray:
    """The Nash equilibrium of maximum entropy ``[n]``: unique, and shared out evenly among duplicates.

        p = argmax H(p)  over the mixtures with A p <= 0      (Balduzzi et al. 2018, the proposition "maxent NE")

    It is the limit, as the temperature t falls to 0, of the logit equilibria ``p_t = softmax(A p_t / t)`` (McKelvey and
    Palfrey 1995), which are followed to t = 1e-9 of the largest payoff by Newton's method. Why the limit is this one:
    p_t maximises ``x'A p_t + t H(x)`` and ``p_t'A p_t = 0``. Compared with a pure strategy that gives
    ``(A p_t)_i <= t H(p_t)``, so the exploitability is at most t log n; compared with any equilibrium q, for which
    ``q'A p_t >= 0``, it gives ``H(p_t) >= H(q)``. A linear program finds an equilibrium too, but no particular one.
    """
    a = antisymmetric(payoffs)
    scale = np.abs(a).max()
    log_p = np.full(len(a), -np.log(len(a)))
    if scale == 0.0:
        return np.exp(log_p)
    a /= scale
    temperature, cooling = 1.0, 0.4
    while temperature > _COLDEST:
        colder = max(cooling * temperature, _COLDEST)
        found = logit_equilibrium(a, log_p, colder, 1e-6 if colder == _COLDEST else 0.5)
        if found is not None:
            temperature, log_p, cooling = colder, found, max(cooling**1.2, 0.2)
        elif cooling < 0.99:
            cooling **= 0.5
        else:
            raise ArithmeticError(f"the logit equilibria of {len(a)} strategies end at temperature {temperature:g}")
    mixture = np.exp(log_p)
    mixture[mixture < _NOTHING] = 0.0
    return mixture / mixture.sum()


def logit_equilibrium(
    payoffs: np.ndarray, log_p: np.ndarray, temperature: float, tolerance: float
) -> np.ndarray | None:
    """log p with ``p = softmax(A p / t)``, by damped Newton from a guess ``log_p [n]``; None where that does not help.

    It solves ``F = t log p - A p + c = 0`` for p and c, to a tolerance in log p. The Jacobian in log p, ``t I - A
    diag(p)``, is regular for every p since A is antisymmetric; where p is as good as 0 it is ``t I``. Payoffs are at
    most 1 in size.
    """
    c = -temperature * np.exp(log_p) @ log_p
    left = temperature * log_p - payoffs @ np.exp(log_p) + c
    for _ in range(12):  # a guess from nearby takes 2 to 6
        size = np.abs(left).max()
        if size <= tolerance * temperature:
            return log_p
        p = np.exp(log_p)
        played = np.flatnonzero(p > 1e-20)
        flow = payoffs[:, played] * p[played]
        jacobian = temperature * np.eye(len(played)) - flow[played]
        newton, by_c = np.linalg.solve(jacobian, -np.stack([left[played], np.ones(len(played))], axis=1)).T
        c_step = -(p[played] @ newton) / (p[played] @ by_c)  # so that p still sums to 1
        newton += c_step * by_c
        step = (flow @ newton - left - c_step) / temperature
        step[played] = newton
        length = min(1.0, 0.9 / max(-step[p > 0.1 * temperature].min(initial=0.0), 0.9))
        while True:
            trial = _moved(log_p, length * step, np.log(0.1 * temperature))
            left = temperature * trial - payoffs @ np.exp(trial) + c + length * c_step
            if np.abs(left).max() <= (1.0 - 0.25 * length) * size:
                break
            length /= 2.0
            if length < 1e-9:  # as close as floating-point numbers get
                return log_p if size <= 1e-4 * temperature else None
        log_p, c = trial, c + length * c_step
    return None


def exploitability(payoffs: np.ndarray, mixture: np.ndarray) -> float:
    """What the best pure strategy gains against a mixture ``[n]``: ``max_i (A p)_i``, 0 for an equilibrium."""
    a, p = antisymmetric(payoffs), np.asarray(mixture, np.float64)
    if p.shape != (len(a),) or not (p >= 0).all() or abs(p.sum() - 1.0) > _ROUNDING:
        raise PayoffError(f"a mixture must be a distribution over {len(a)} strategies, got {described(p)}")
    return float((a @ p).max())


def relative_population_performance(payoffs: np.ndarray) -> float:
    """How population P does against Q where both mix as well as they can: the value of the game between them.

        v(P, Q) = p'A q,   (p, q) a Nash equilibrium of the zero-sum game A [m, n]

    of what P's m strategies gain against Q's n (Balduzzi et al. 2019, "relative population performance"), in the unit
    of the payoffs: of ``A = 2 U - 1`` it runs from -1 to 1.
    """
    return zero_sum(payoffs).value


class ZeroSum(NamedTuple):
    """An equilibrium of a zero-sum game ``[m, n]``."""

    value: float  # for the rows, in the unit of the payoffs
    rows: np.ndarray  # mixture of the rows, [m]
    columns: np.ndarray  # mixture of the columns, [n]


def zero_sum(payoffs: np.ndarray) -> ZeroSum:
    """An equilibrium of the zero-sum game of what m rows gain against n columns, by SciPy's linear program."""
    a = _matrix(payoffs, "payoffs", square=False)
    m, n = a.shape
    scale = np.abs(a).max() or 1.0
    found = linprog(np.ones(m), -(a.T / scale + 2.0), -np.ones(n))  # x = p / v of payoffs that are made positive
    if found.status != 0:
        raise ArithmeticError(f"the linear program of {m} x {n} strategies was not solved: {found.message}")
    rows, columns = found.x / found.x.sum(), -found.ineqlin.marginals / -found.ineqlin.marginals.sum()
    return ZeroSum(float(scale * (1.0 / found.fun - 2.0)), rows, np.maximum(columns, 0.0))


def effective_diversity(payoffs: np.ndarray) -> float:
    """``p' max(A, 0) p`` at the Nash equilibrium p: how much its strategies exploit each other.

    Balduzzi et al. 2019, "effective diversity". 0 where one strategy beats all others; 1/3 for rock-paper-scissors.
    """
    a = antisymmetric(payoffs)
    p = nash(a)
    return float(p @ np.maximum(a, 0.0) @ p)


def described(x: np.ndarray) -> str:
    """An array for an error message."""
    return f"shape {x.shape}" + (f", {np.min(x):g} to {np.max(x):g}, sum {np.sum(x):g}" if x.size else "")


def _moved(log_p: np.ndarray, step: np.ndarray, log_small: float) -> np.ndarray:
    """log p after a step in log p that is taken in p itself where p is not small.

    There the payoffs ``A p``, which are linear in p, outweigh ``t log p``.
    """
    above = np.maximum(log_p - log_small, 0.0)
    y = np.expm1(above) + np.minimum(log_p - log_small, 0.0) + np.exp(above) * step
    return log_softmax(log_small + np.where(y > 0, np.log1p(np.maximum(y, 0.0)), y))


def _matrix(values: np.ndarray, what: str, square: bool) -> np.ndarray:
    """Finite numbers ``[m, n]`` in float64, a copy."""
    try:
        given = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise PayoffError(f"{what} must be a matrix of numbers: {error}") from error
    if given.dtype.kind not in "fiu":
        raise PayoffError(f"{what} must be a matrix of numbers, got {given.dtype} of shape {given.shape}")
    x = given.astype(np.float64)
    if x.ndim != 2 or x.size == 0 or (square and x.shape[0] != x.shape[1]):
        raise PayoffError(f"{what} must be a {'square ' * square}matrix and not empty, got shape {x.shape}")
    if not np.isfinite(x).all():
        i, j = np.argwhere(~np.isfinite(x))[0]
        raise PayoffError(f"{what} must be finite, got {x[i, j]} in row {i}, column {j}")
    return x


def _refuse(distance: np.ndarray, allowed: float, rule: str, x: np.ndarray) -> None:
    i, j = np.unravel_index(distance.argmax(), distance.shape)
    if distance[i, j] > allowed:
        raise PayoffError(f"{rule}, got [{i}, {j}] = {x[i, j]:g} and [{j}, {i}] = {x[j, i]:g}")
