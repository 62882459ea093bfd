"""Does each model decide as its Keras original does? ``python -m mobile.verify --run_dir=runs/x --model_dir=build/x``.

On observations from battles that each Specialist really played: the largest difference of a logit, and how often the
best legal movement and the best legal skill are both the same. Then battles of the model against the original, as the
same character, both sampling their actions. Writes ``verify.json`` next to the models.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from camtf import distributed
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.evaluation.battles import View, play
from camtf.evaluation.intervals import rate_with_interval
from camtf.evaluation.report import rate, table
from camtf.game.roster import RosterError
from camtf.model import policy as keras_policy
from camtf.types import Observation
from mobile.pack import Pack, PackError
from mobile.positions import Specialists
from mobile.runtime import Policy, installed_runtimes

FLAGS = flags.FLAGS


@dataclass(frozen=True)
class ModelSide:
    """A TFLite model as one side of battles, decision by decision as on the device. Implements `battles.Side`."""

    policy: Policy
    character: np.ndarray

    def act(self, view: View) -> np.ndarray:
        """See `camtf.evaluation.battles.Side`."""
        return decide(self.policy, view.observation, view.uniforms)


def decide(policy: Policy, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Sampled actions int32 ``[n, H]`` of n rows, one after the other."""
    return np.concatenate(
        [policy.sample(uniforms[i : i + 1], *(x[i : i + 1] for x in observation)) for i in range(len(observation.mask))]
    )


def compare(policy: Policy, observation: Observation, reference: keras_policy.PolicyOutput) -> dict[str, float]:
    """Agreement of a model with the original's outputs on n observations, and the largest difference of a logit.

    A legal logit counts alone: what the mask forbids never matters.
    """
    rows = [policy.logits(*(x[i : i + 1] for x in observation)) for i in range(len(observation.mask))]
    movement, skill = (np.concatenate(head) for head in zip(*rows, strict=True))
    own = keras_policy.PolicyOutput(tf.constant(movement), tf.constant(skill), tf.zeros(len(movement)))
    chosen, expected = (keras_policy.best(output, observation.mask).numpy() for output in (own, reference))
    differences = [
        np.abs(a - b.numpy())[legal > 0]
        for a, b, legal in zip(
            (movement, skill), reference[:2], keras_policy.split_mask(reference, observation.mask), strict=True
        )
    ]
    return {
        "agreement": float((chosen == expected).all(axis=1).mean()),
        "agreement_movement": float((chosen == expected)[:, 0].mean()),
        "agreement_skill": float((chosen == expected)[:, 1].mean()),
        "largest_difference": float(max(d.max() for d in differences)),
        "mean_difference": float(np.concatenate(differences).mean()),
    }


def verify(specialists: Specialists, pack: Pack, positions: int, matches: int, runtime: str, seed: int) -> list[dict]:
    """Compare every model of the pack. One dictionary per model.

    Raises:
        PackError: a model is damaged, or of another roster than the run.
    """
    if pack.manifest["roster_digest"] != specialists.roster.digest:
        raise PackError(f"{pack.folder} was exported for another roster than that of {specialists.run.path}")
    results: list[dict[str, Any]] = []
    for character in dict.fromkeys(model.character for model in pack.models):
        entrant = specialists.ids.index(character)
        observation = specialists.positions(character, positions, seed)
        mixture = tf.repeat(specialists.mixture(character)[None], positions, axis=0)
        tensors = Observation(*map(tf.constant, observation))
        reference = specialists.pool.policies[entrant](tensors, mixture)
        for model in (m for m in pack.models if m.character == character):
            policy = Policy(pack.read(model), runtime)
            side = ModelSide(policy, specialists.side.character)
            (won,) = play(
                specialists.roster, side, specialists.side, np.array([[entrant, entrant]]), matches, seed,
                input_delay_ticks=specialists.config.game.input_delay_ticks,
            )  # fmt: skip
            results.append(
                {
                    "file": model.file,
                    "character": character,
                    "precision": model.precision,
                    **compare(policy, observation, reference),
                    "win_rate_vs_keras": rate_with_interval(won, matches),
                }
            )
        logging.info("%s is compared", character)
    return results


def summarise(results: list[dict[str, Any]], positions: int, matches: int) -> dict[str, Any]:
    """Means over the characters, by precision."""
    precisions = list(dict.fromkeys(r["precision"] for r in results))
    of = {p: [r for r in results if r["precision"] == p] for p in precisions}
    return {
        "agreement": {p: float(np.mean([r["agreement"] for r in of[p]])) for p in precisions},
        "win_rate_vs_keras": {
            p: float(np.mean([r["win_rate_vs_keras"]["win_rate"] for r in of[p]])) for p in precisions
        },
        "positions": positions,
        "matches": matches,
    }


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of the run that the models came from.", required=True)
    flags.DEFINE_string("model_dir", None, "Folder of the models.", required=True)
    flags.DEFINE_integer("positions", 10_000, "Observations that each model is compared on.", 1)
    flags.DEFINE_integer("matches", 100, "Battles of each model against its original.", 1)
    flags.DEFINE_enum("runtime", None, installed_runtimes(), "Runtime; the first installed where not given.")
    flags.DEFINE_integer("seed", 40_000, "Seed of the battles; unlike the one that the models were made with.", 0)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    distributed.start()
    positions, matches = FLAGS.positions, FLAGS.matches
    try:
        specialists, pack = Specialists(RunDirectory(FLAGS.run_dir)), Pack(FLAGS.model_dir)
        results = verify(specialists, pack, positions, matches, FLAGS.runtime or "", FLAGS.seed)
    except (RosterError, CheckpointError, PackError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    summary = summarise(results, positions, matches)
    file = Path(FLAGS.model_dir) / "verify.json"
    file.write_text(json.dumps({"models": results, **summary, "seed": FLAGS.seed}, indent=2) + "\n", encoding="utf-8")
    rows = [
        [
            r["file"],
            f"{100 * r['agreement']:.2f}",
            f"{r['largest_difference']:.4f}",
            f"{r['mean_difference']:.5f}",
            rate(r["win_rate_vs_keras"]),
        ]
        for r in results
    ]
    print(table(["file", "same decision, %", "largest difference", "mean", "wins v. Keras, % [95%]"], rows))
    print(f"\n{positions:,} positions and {matches:,} battles for each model; written to {file}")
    print(json.dumps(summary))


if __name__ == "__main__":
    define_flags()
    app.run(main)
