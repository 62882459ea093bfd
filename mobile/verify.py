"""Does each model decide as its Keras original does? ``python -m mobile.verify --run_dir=runs/x --model_dir=build/x``.

On observations from battles that each Specialist really played: the largest difference of a logit, and how often the
best legal movement and the best legal skill are both the same. Then the judge: battles of the model against its
original, as the same character, each played twice with the sides exchanged (`mobile.paired`), and battles of both
against the Generalist population; all sample their actions. Under `horovodrun` the ranks share the battles. Writes
``verify.json`` next to the models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

from camtf import command, distributed
from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError
from camtf.evaluation.battles import Side, View, play
from camtf.evaluation.columns import bar, rate, table
from camtf.evaluation.intervals import rate_with_interval
from camtf.files import FileError, check_writable, write_json
from camtf.games.protocol import GameError
from camtf.model import policy as keras_policy
from camtf.progress import Progress
from camtf.provenance import provenance
from camtf.types import Observation
from mobile.files import PackError
from mobile.pack import GENERALIST, MANIFEST, Entry, Pack
from mobile.paired import Paired, add, play_beside, play_paired
from mobile.positions import Specialists
from mobile.results import check_weights
from mobile.runtime import Policy, choose, gumbel, installed_runtimes, open_policy

FLAGS = flags.FLAGS

_LAST_SEED = 2**31 - 1


@dataclass(frozen=True)
class ModelSide:
    """A TFLite model as one side of battles, row by row as on the device. Implements `battles.Side`.

    Attributes:
        character: of each member, its number in the game.
        mixture: by member ``[members, S]`` where the model takes it, else None.
    """

    policy: Policy
    character: np.ndarray
    mixture: np.ndarray | None = None

    def act(self, view: View) -> np.ndarray:
        """See `camtf.evaluation.battles.Side`."""
        given = view.observation._asdict()
        if self.mixture is not None:
            given["mixture"] = self.mixture[view.member]
        logits = logits_of_rows(self.policy, given)
        return choose(np.concatenate(logits, axis=1), given["mask"], logits[0].shape[1], gumbel(view.uniforms))


def logits_of_rows(policy: Policy, inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``[n, M]`` and ``[n, K]`` of modules ``[n, ...]`` by a model that takes one row."""
    given = [inputs[name] for name in policy.inputs]
    rows = [policy.logits(*(x[i : i + 1] for x in given))[:2] for i in range(len(inputs["mask"]))]
    movement, skill = (np.concatenate(head) for head in zip(*rows, strict=True))
    return movement, skill


def compare(policy: Policy, inputs: dict[str, np.ndarray], reference: keras_policy.PolicyOutput) -> dict[str, float]:
    """Agreement of a model with the original's outputs on n observations, and the largest difference of a logit.

    A legal logit counts alone: what the mask forbids never matters.
    """
    movement, skill = logits_of_rows(policy, inputs)
    mask = inputs["mask"]
    own = keras_policy.PolicyOutput(tf.constant(movement), tf.constant(skill), tf.zeros(len(movement)))
    chosen, expected = (keras_policy.best(output, mask).numpy() for output in (own, reference))
    differences = [
        np.abs(a - b.numpy())[legal > 0]
        for a, b, legal in zip(
            (movement, skill), reference[:2], keras_policy.split_mask(reference, mask), strict=True
        )
    ]  # fmt: skip
    return {
        "agreement": float((chosen == expected).all(axis=1).mean()),
        "agreement_movement": float((chosen == expected)[:, 0].mean()),
        "agreement_skill": float((chosen == expected)[:, 1].mean()),
        "largest_difference": float(max(d.max() for d in differences)),
        "mean_difference": float(np.concatenate(differences).mean()),
    }


class Verifier:
    """Compares the models of a pack with the run that they came from.

    Args:
        positions: observations that each model is compared on.
        battles: of each model against its original, and against the population.
        runtime: a name of `mobile.runtime.RUNTIMES`; the first that is installed where empty.
        seed: of positions and battles.

    Raises:
        PackError: the models were made from other weights.
    """

    def __init__(self, specialists: Specialists, pack: Pack, positions: int, battles: int, runtime: str, seed: int):
        check_weights(pack.folder / MANIFEST, "pack", pack.manifest["weights"], specialists.weights)
        self.specialists, self.pack = specialists, pack
        self.positions, self.battles = positions, battles
        self.runtime, self.seed = runtime, seed

    def verify(self) -> list[dict[str, Any]]:
        """One dictionary per model. Raises PackError where a model is damaged."""
        names = list(dict.fromkeys(model.character for model in self.pack.models))
        results: list[dict[str, Any]] = []
        progress = Progress()
        for done, name in enumerate(names):
            if progress.due() and distributed.rank() == 0:
                progress.show(f"comparison {bar(done, len(names))} {done} of {len(names)} characters, now {name}")
            # A seed of its own: battles of different characters are to be independent.
            seed = self.seed + done
            results += self._generalist(seed) if name == GENERALIST else self._specialist(name, seed)
        return results

    def _specialist(self, name: str, seed: int) -> list[dict[str, Any]]:
        s = self.specialists
        member = s.ids.index(name)
        observation = s.positions(name, self.positions, seed)
        mixture = np.repeat(s.mixture(name)[None], self.positions, axis=0)
        reference = s.policy(name)(Observation(*map(tf.constant, observation)), tf.constant(mixture))
        original = self._against_population(s.side, member, seed)
        results = []
        for model, policy in self._models(name):
            side = ModelSide(policy, s.side.character)
            paired = self._paired(side, s.side, [member], seed)
            results.append(
                {
                    **_about(model),
                    **compare(policy, observation._asdict(), reference),
                    "win_rate_vs_keras": paired.rate(),
                    "win_rate_vs_generalists": self._against_population(side, member, seed),
                    "keras_vs_generalists": original,
                }
            )
        return results

    def _generalist(self, seed: int) -> list[dict[str, Any]]:
        s = self.specialists
        inputs = s.generalist_positions(self.positions, seed)
        tensors = [tf.constant(x) for x in inputs.values()]
        reference = s.generalist_policy()(Observation(*tensors[:4]), tensors[4])
        mixture = np.stack([s.generalist_mixture(i) for i in s.ids])
        results = []
        for model, policy in self._models(GENERALIST):
            side = ModelSide(policy, s.population.character, mixture)
            paired = self._paired(side, s.population, list(range(len(s.ids))), seed)
            results.append({**_about(model), **compare(policy, inputs, reference), "win_rate_vs_keras": paired.rate()})
        return results

    def _paired(self, side: Side, original: Side, members: list[int], seed: int) -> Paired:
        """A model beside its original, as some members."""
        s, each = self.specialists, -(-self.battles // len(members))
        if not s.game.roles:
            return add(play_paired(s.game, side, original, np.array([(m, m) for m in members]), each, seed))
        return add(
            play_beside(s.game, side, original, s.population, s.against_population(m), each, seed + 1000 * m)
            for m in members
        )

    def _models(self, name: str) -> Iterator[tuple[Entry, Policy]]:
        for model in self.pack.models:
            if model.character == name:
                yield model, open_policy(self.pack, model, self.runtime)

    def _against_population(self, side: Side, member: int, seed: int) -> dict[str, Any]:
        s = self.specialists
        pairs = s.against_population(member)
        games = -(-self.battles // len(pairs))
        won = play(s.game, side, s.population, pairs, games, seed)
        return rate_with_interval(won.sum(), games * len(pairs))


def _about(model: Entry) -> dict[str, str]:
    return {
        "file": model.file, "character": model.character, "precision": model.precision,
        "model_sha256": model.model_sha256,
    }  # fmt: skip


def summarise(results: list[dict[str, Any]], positions: int, battles: int) -> dict[str, Any]:
    """Over all models of each precision: mean agreement, battles against the originals, and whether anything was lost:
    whether the interval of those battles excludes a half from above."""
    precisions = list(dict.fromkeys(r["precision"] for r in results))
    of = {p: [r for r in results if r["precision"] == p] for p in precisions}
    rates = {p: [r["win_rate_vs_keras"] for r in of[p]] for p in precisions}
    together = {p: add(Paired(*(r[key] for key in Paired._fields)) for r in rates[p]).rate() for p in precisions}
    return {
        "agreement": {p: float(np.mean([r["agreement"] for r in of[p]])) for p in precisions},
        "win_rate_vs_keras": together,
        "lost": {p: together[p]["high"] < 0.5 for p in precisions},
        "models_that_lost": {p: sum(r["high"] < 0.5 for r in rates[p]) for p in precisions},
        "positions": positions,
        "matches": battles,
    }


def format_report(results: list[dict[str, Any]], summary: dict[str, Any]) -> str:
    """A table of all models, and below it a verdict for each precision."""
    header = ["file", "same decision, %", "largest difference", "mean", "wins v. Keras, % [95%]", "detectable loss"]
    rows = [
        [
            r["file"],
            f"{100 * r['agreement']:.2f}",
            f"{r['largest_difference']:.4f}",
            f"{r['mean_difference']:.5f}",
            rate(r["win_rate_vs_keras"]),
            f"{100 * r['win_rate_vs_keras']['detectable']:.1f}",
            rate(r["win_rate_vs_generalists"]) if "win_rate_vs_generalists" in r else "",
            rate(r["keras_vs_generalists"]) if "keras_vs_generalists" in r else "",
        ]
        for r in results
    ]
    lines = [table([*header, "v. Generalists, % [95%]", "Keras v. Generalists"], rows), ""]
    for precision, together in summary["win_rate_vs_keras"].items():
        verdict = "loses to Keras" if summary["lost"][precision] else "no loss measured"
        lines.append(
            f"{precision:8} all models together v. Keras {rate(together)}: {verdict}; {together['games']:,} battles "
            f"find a loss of {100 * together['detectable']:.1f} points with a probability of 80%"
        )
    return "\n".join(lines)


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of the run that the models came from.", required=True)
    flags.DEFINE_string("model_dir", None, "Folder of the models.", required=True)
    flags.DEFINE_integer("positions", 10_000, "Observations that each model is compared on.", 1, 1_000_000)
    flags.DEFINE_integer("matches", 100, "Battles of each model against its original, one more if odd.", 1, 1_000_000)
    flags.DEFINE_enum("runtime", None, installed_runtimes(), "Runtime; the first installed where not given.")
    flags.DEFINE_integer("seed", 40_000, "Seed of the battles; unlike that of the export.", 0, _LAST_SEED)


def main() -> None:
    distributed.start()
    positions, battles = FLAGS.positions, FLAGS.matches
    folder = Path(FLAGS.model_dir)
    file = folder / "verify.json"
    try:
        specialists = Specialists(RunDirectory(FLAGS.run_dir))
        pack = Pack(folder, specialists.game.digest)
        if distributed.rank() == 0:
            check_writable(file)
        with distributed.together():
            results = Verifier(specialists, pack, positions, battles, FLAGS.runtime or "", FLAGS.seed).verify()
        if distributed.rank() > 0:
            return
        summary = summarise(results, positions, battles)
        about = {"weights": specialists.weights, "seed": FLAGS.seed, **provenance()}
        write_json(file, {"models": results, **summary, **about})
    except (ConfigError, GameError, PackError, FileError, ImportError, distributed.RankLostError) as error:
        raise command.failure(error) from error
    print(format_report(results, summary))
    print(f"\n{positions:,} positions and {battles:,} battles for each model")
    command.say_last(
        {"all comparisons": file},
        {"time the models": f"python -m mobile.benchmark {command.flag('model_dir', folder)}"},
    )
    command.print_result(summary, file)


if __name__ == "__main__":
    define_flags()
    command.run(main)
