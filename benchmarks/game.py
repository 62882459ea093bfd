"""How fast is the game? ``python -m benchmarks.game``.

Random legal play of mixed characters on one core, with rules, observations, masks, rewards and restarts; both players'
decisions count. Choosing the random actions is compiled too and not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from absl import flags
from numba import njit

from benchmarks import results
from camtf import command
from camtf.evaluation.columns import table
from camtf.games.duel.env import DuelGame
from camtf.games.duel.matches import first_illegal
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import load_roster
from camtf.prng import ACTIONS, uniforms
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


def measure(matches: int, steps: int, repeats: int, seed: int) -> dict[str, list[float]]:
    """Seconds of each repeat for the whole step, for writing observations alone and for checking actions alone."""
    roster = load_roster()
    game = DuelGame(roster, matches, seed)
    rng = np.random.default_rng(seed)
    observation = game.reset(rng.integers(0, len(roster), (2, matches)))
    actions = np.zeros((2, matches, 2), np.int32)
    ids = np.arange(matches)
    taken: dict[str, list[float]] = {"step": [], "observations": [], "legality": []}
    calls = {
        "legality": lambda: first_illegal(game.fighters, actions, roster.moves),
        "step": lambda: game.step(actions, observation),
        "observations": lambda: game.observe(observation),
    }
    for repeat in range(repeats + 1):
        seconds = dict.fromkeys(calls, 0.0)
        for step in range(steps):
            game.assign(rng.integers(0, len(roster), (2, matches)))
            choose(observation.mask, uniforms(seed, ACTIONS, repeat * steps + step, ids, (2, 2)), actions)
            for part, call in calls.items():
                began = time.perf_counter()
                call()
                seconds[part] += time.perf_counter() - began
        for part, total in seconds.items():
            taken[part].append(total)
    return {part: values[1:] for part, values in taken.items()}


def first_call_seconds() -> float:
    """Seconds that a fresh process needs to compile everything and play its first decision."""
    program = (
        "import time, numpy as np; began = time.perf_counter(); from camtf import DuelGame, load_roster; "
        "game = DuelGame(load_roster(), 2, 0); game.reset(np.zeros((2, 2), int)); "
        "game.step(np.zeros((2, 2, 2), np.int32)); print(time.perf_counter() - began)"
    )
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "NUMBA_CACHE_DIR": cache}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
    return float(done.stdout)


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("matches", 256, "Matches at the same time.", 1)
    flags.DEFINE_integer("steps", 600, "Decisions of each match in a repeat.", 1)
    flags.DEFINE_integer("repeats", 7, "Repeats; the median counts.", 1)
    flags.DEFINE_integer("seed", 1, "Seed.", 0)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    taken = measure(FLAGS.matches, FLAGS.steps, FLAGS.repeats, FLAGS.seed)
    rates = 2 * FLAGS.matches * FLAGS.steps / np.array(taken["step"])
    share = {part: float(np.median(taken[part]) / np.median(taken["step"])) for part in ("observations", "legality")}
    share["rules"] = 1.0 - sum(share.values())
    compiling = first_call_seconds()
    rows = [
        ["decisions/s, median", f"{np.median(rates):,.0f}"],
        ["lowest, highest", f"{min(rates):,.0f}, {max(rates):,.0f}"],
        *([f"share of {part}", f"{100 * value:.0f} %"] for part, value in share.items()),
        ["compiling, once", f"{compiling:.1f} s"],
    ]
    print(table([f"{FLAGS.matches} matches, one core", ""], rows))
    summary: dict[str, Any] = {
        "decisions_per_second": round(float(np.median(rates))),
        "compile_seconds": round(compiling, 1),
    }
    summary |= {**{f"{part}_share": round(v, 3) for part, v in share.items()}, **provenance()}
    results.give(summary, FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
