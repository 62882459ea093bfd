"""How fast is the duel as other libraries see it? ``python -m benchmarks.vector_env``.

``gymnasium.make_vec("camtf/Duel-v0")`` on one core: random choices against a bot, all that a step gives back in new
NumPy arrays, and matches that begin anew. A step is one decision of the player; the bot's is made in it, so that
two decisions are a step. Drawing the random choices is not counted. One match alone, for comparison:
``gymnasium.make``, with its wrappers.
"""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np
from absl import flags

import camtf
from benchmarks import results
from camtf import command
from camtf.evaluation.columns import table
from camtf.games.adapters.layouts import LAYOUTS
from camtf.games.duel.bots import BOTS
from camtf.provenance import provenance

FLAGS = flags.FLAGS


def vector_rates(matches: int, steps: int, repeats: int, seed: int, **arguments: Any) -> list[float]:
    """Steps a second of every repeat, all matches together."""
    envs = gymnasium.make_vec(
        "camtf/Duel-v0", matches, staggered=True, autoreset_mode="SameStep", roster=camtf.load_roster(), **arguments
    )
    envs.reset(seed=seed)
    envs.action_space.seed(seed)
    actions = [envs.action_space.sample() for _ in range(100)]
    rates = []
    for _ in range(repeats + 1):  # the first compiles and warms up
        began = time.perf_counter()
        for step in range(steps):
            envs.step(actions[step % len(actions)])
        rates.append(matches * steps / (time.perf_counter() - began))
    return rates[1:]


def single_rates(steps: int, repeats: int, seed: int, **arguments: Any) -> list[float]:
    """Steps a second of every repeat of one match after the other."""
    env = gymnasium.make("camtf/Duel-v0", **arguments)
    env.reset(seed=seed)
    env.action_space.seed(seed)
    actions = [env.action_space.sample() for _ in range(steps)]
    rates = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        for action in actions:
            if env.step(action)[2]:
                env.reset()
        rates.append(steps / (time.perf_counter() - began))
    return rates[1:]


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("matches", 512, "Matches at the same time.", 1)
    flags.DEFINE_integer("steps", 400, "Steps of each match in a repeat.", 1)
    flags.DEFINE_integer("repeats", 7, "Repeats; the median counts.", 1)
    flags.DEFINE_integer("seed", 1, "Seed.", 0)
    flags.DEFINE_multi_enum("opponent", ["rusher", "punisher"], list(BOTS), "Bots to play against.")
    flags.DEFINE_multi_enum("observation", ["flat", "modules"], list(LAYOUTS), "Layouts of the observation.")
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    rows, medians = [], {}
    for opponent in FLAGS.opponent:
        for layout in FLAGS.observation:
            rates = vector_rates(
                FLAGS.matches, FLAGS.steps, FLAGS.repeats, FLAGS.seed, opponent=opponent, observation=layout
            )
            single = single_rates(FLAGS.steps, FLAGS.repeats, FLAGS.seed, opponent=opponent, observation=layout)
            medians[f"{opponent}_{layout}"] = {
                "steps_per_second": round(float(np.median(rates))),
                "decisions_per_second": round(2 * float(np.median(rates))),
                "steps_per_second_one_match": round(float(np.median(single))),
            }
            spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
            numbers = [f"{value:,}" for value in medians[f"{opponent}_{layout}"].values()]
            rows.append([opponent, layout, numbers[0], spread, *numbers[1:]])
    header = ["opponent", "observation", "steps/s", "repeats", "decisions/s of both", "steps/s, one match"]
    print(table(header, rows))
    print(f"\n{FLAGS.matches} matches at a time, one core; medians of {FLAGS.repeats} repeats")
    summary = {"matches": FLAGS.matches, "results": medians, **provenance()}
    results.give(summary, FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
