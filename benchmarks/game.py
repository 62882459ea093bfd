"""How fast is the game? ``python -m benchmarks.game``.

Random legal play of mixed characters on one core, with rules, observations, masks, rewards and restarts; both players'
decisions count. Choosing the random actions is compiled too and not counted.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
from absl import app, flags
from numba import njit

from camtf.chance import ACTIONS, uniforms
from camtf.evaluation.report import table
from camtf.game.env import DuelGame
from camtf.game.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.game.roster import load_roster
from camtf.provenance import provenance

FLAGS = flags.FLAGS


@njit(cache=True)
def choose(mask: Any, chance: Any, out: Any) -> None:
    """Uniform over the legal movements and, apart, over the legal skills."""
    for p in range(mask.shape[0]):
        for b in range(mask.shape[1]):
            for head in range(2):
                first = 0 if head == 0 else MOVEMENT_COUNT
                count = MOVEMENT_COUNT if head == 0 else SKILL_COUNT
                legal = 0
                for k in range(count):
                    legal += mask[p, b, first + k] > 0
                left = int(chance[b, p, head] * legal)
                for k in range(count):
                    if mask[p, b, first + k] > 0:
                        if left == 0:
                            out[p, b, head] = k
                            break
                        left -= 1


def measure(matches: int, steps: int, repeats: int, seed: int) -> list[float]:
    """Decisions per second of each repeat."""
    roster = load_roster()
    game = DuelGame(roster, matches, seed)
    rng = np.random.default_rng(seed)
    observation = game.reset(rng.integers(0, len(roster), (2, matches)))
    actions = np.zeros((2, matches, 2), np.int32)
    ids = np.arange(matches)
    rates = []
    for repeat in range(repeats + 1):
        taken = 0.0
        for step in range(steps):
            choose(observation.mask, uniforms(seed, ACTIONS, repeat * steps + step, ids, (2, 2)), actions)
            began = time.perf_counter()
            game.step(actions, observation)
            taken += time.perf_counter() - began
        rates.append(2 * matches * steps / taken)
    return rates[1:]


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("matches", 256, "Matches at the same time.", 1)
    flags.DEFINE_integer("steps", 600, "Decisions of each match in a repeat.", 1)
    flags.DEFINE_integer("repeats", 7, "Repeats; the median counts.", 1)
    flags.DEFINE_integer("seed", 1, "Seed.", 0)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    rates = measure(FLAGS.matches, FLAGS.steps, FLAGS.repeats, FLAGS.seed)
    median = float(np.median(rates))
    rows = [
        ["decisions/s, median", f"{median:,.0f}"],
        ["lowest", f"{min(rates):,.0f}"],
        ["highest", f"{max(rates):,.0f}"],
    ]
    print(table([f"{FLAGS.matches} matches, one core", ""], rows))
    print(json.dumps({"decisions_per_second": round(median), **provenance()}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
