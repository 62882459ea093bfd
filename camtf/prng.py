"""Chance that depends on where a number is used, not on who asked before.

Every uniform number is a hash of (seed, stream, step, global match, place). So a match sees the same chance on
whatever rank it is played, nothing has to be stored to resume, and no generator is shared.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ACTIONS, OPPONENTS, MINIBATCHES, STARTS = range(4)
"""Streams: what the numbers are for."""

_STRIDE = np.uint64(0xD1B54A32D192ED03)
"""From one number of a match to its next."""


def uniforms(
    seed: int, stream: int, step: int, match_ids: np.ndarray, shape: tuple[int, ...], time_major: bool = False
) -> np.ndarray:
    """Uniform numbers in (0, 1) for the matches with the given global ids, float32 ``[matches, *shape]``; time-major,
    the same numbers lie as ``[shape[0], matches, *shape[1:]]``."""
    first, inner = shape[0], int(np.prod(shape[1:], dtype=np.int64))
    matches = len(match_ids)
    out = np.empty((first, matches, inner) if time_major else (matches, first, inner), np.float32)
    key = np.random.SeedSequence((seed, stream, step)).generate_state(1, np.uint64)[0]
    _fill(key, match_ids.astype(np.uint64), out.swapaxes(0, 1) if time_major else out)
    return out.reshape(*out.shape[:2], *shape[1:])


def match_seeds(seed: int, match_ids: np.ndarray) -> np.ndarray:
    """A 64-bit seed for the game's own generator of every match."""
    key = np.random.SeedSequence((seed, STARTS)).generate_state(1, np.uint64)[0]
    return _mix_each(key, match_ids.astype(np.uint64))


def counted_uniforms(seeds: np.ndarray, episodes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Uniform numbers in (0, 1), float64 ``[n]``: for each of these `match_seeds` one for its episode and its step in
    that. For games that draw a number now and then and keep no generator."""
    return _uniform_each(seeds, episodes.astype(np.uint64), steps.astype(np.uint64))


def decision_uniforms(seeds: np.ndarray, episodes: np.ndarray, steps: np.ndarray, count: int) -> np.ndarray:
    """Uniform numbers in (0, 1), float32 ``[n, count]``: for each of these `match_seeds` as many for its episode and
    its step in that."""
    out = np.empty((len(seeds), count), np.float32)
    _fill_each(seeds, episodes.astype(np.uint64), steps.astype(np.uint64), out)
    return out


@njit(cache=True)
def _fill(key: np.uint64, match_ids: np.ndarray, out: np.ndarray) -> None:
    for b in range(out.shape[0]):
        state = _mix(key ^ _mix(match_ids[b]))
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                out[b, i, j] = _float32(_mix(state))
                state += _STRIDE


@njit(cache=True)
def _fill_each(seeds: np.ndarray, episodes: np.ndarray, steps: np.ndarray, out: np.ndarray) -> None:
    for b in range(out.shape[0]):
        state = _mix(steps[b] ^ _mix(episodes[b] ^ _mix(seeds[b])))
        for i in range(out.shape[1]):
            out[b, i] = _float32(_mix(state))
            state += _STRIDE


@njit(cache=True)
def _mix_each(key: np.uint64, match_ids: np.ndarray) -> np.ndarray:
    out = np.empty_like(match_ids)
    for b in range(len(match_ids)):
        out[b] = _mix(key ^ _mix(match_ids[b]))
    return out


@njit(cache=True)
def _uniform_each(seeds: np.ndarray, episodes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    out = np.empty(len(seeds))
    for b in range(len(seeds)):
        bits = _mix(steps[b] ^ _mix(episodes[b] ^ _mix(seeds[b]))) >> np.uint64(12)
        out[b] = (np.float64(bits) + 0.5) * 2.0**-52
    return out


@njit(cache=True)
def _float32(bits: np.uint64) -> np.float32:
    return (np.float32(bits >> np.uint64(41)) + np.float32(0.5)) * np.float32(2.0**-23)


@njit(cache=True)
def _mix(z: np.uint64) -> np.uint64:
    """The output function of SplitMix64 (Steele, Lea and Flood 2014)."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
