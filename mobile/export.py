"""Turn every Specialist of a run into TFLite models: ``python -m mobile.export --run_dir=runs/x --out_dir=build/x``.

Writes one file per Specialist and precision, ``manifest.json`` and golden observations (see `mobile.pack`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import app, flags, logging
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from camtf import distributed
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.evaluation.report import table
from camtf.game.observation import duel_spec
from camtf.game.roster import RosterError
from camtf.model.policy import Policy
from camtf.provenance import provenance
from camtf.types import Observation
from mobile.pack import HEADS, MODULES, PRECISIONS, Entry, describe, golden_file, write_manifest
from mobile.positions import Specialists
from mobile.runtime import SIGNATURE

FLAGS = flags.FLAGS

_GOLDEN = 64


class ActModule(tf.Module):
    """A Specialist's policy as the device calls it: four modules in, raw logits out; weights and mixture constants."""

    def __init__(self, policy: Policy, mixture: np.ndarray, observation: Observation) -> None:
        super().__init__()
        specs = [tf.TensorSpec((1, *x.shape[1:]), x.dtype, name) for name, x in observation._asdict().items()]

        @tf.function(input_signature=specs)
        def heads(basic: tf.Tensor, buff: tf.Tensor, element: tf.Tensor, mask: tf.Tensor) -> list[tf.Tensor]:
            output = policy(Observation(basic, buff, element, mask), tf.constant(mixture[None]))
            return [output.movement, output.skill]

        # The converter loses Keras 3's variables unless they are constants before it sees them.
        frozen = convert_variables_to_constants_v2(heads.get_concrete_function())

        @tf.function(input_signature=specs)
        def act(basic: tf.Tensor, buff: tf.Tensor, element: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
            return dict(zip(HEADS, frozen(basic, buff, element, mask), strict=True))

        self.act = act


def convert(saved_model: str, precision: str, calibration: Observation) -> bytes:
    """A SavedModel as the bytes of a TFLite model. Raises ValueError on an unknown precision.

    float16 stores weights in half precision; int8 computes in integers too, with ranges taken from the calibration
    observations ``[n, ...]``. Inputs and outputs have the same types in all three.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}")
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[SIGNATURE])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif precision == "int8":
        converter.representative_dataset = _representative(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter.convert()


def _representative(calibration: Observation) -> Callable[[], Iterator[tuple[str, dict[str, np.ndarray]]]]:
    def rows() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        for i in range(len(calibration.mask)):
            yield SIGNATURE, {name: x[i : i + 1] for name, x in calibration._asdict().items()}

    return rows


def export(run: RunDirectory, folder: Path, precisions: list[str], calibration: int, seed: int) -> list[Entry]:
    """Write the models of every Specialist, the golden observations and the manifest. Returns the manifest's entries.

    Raises:
        CheckpointError: the run is not finished or damaged.
    """
    specialists = Specialists(run)
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    observation = None
    for done, (character, snapshot) in enumerate(specialists.snapshots.items()):
        observation = specialists.positions(character, calibration + _GOLDEN, seed)
        golden = Observation(*(x[:_GOLDEN] for x in observation))
        policy = Policy(specialists.config.network, duel_spec(specialists.roster))
        policy.set_weights(snapshot.weights)
        module = ActModule(policy, specialists.mixture(character), observation)
        logits = [module.act(*(x[i : i + 1] for x in golden)) for i in range(_GOLDEN)]
        heads = {head: np.concatenate([row[head].numpy() for row in logits]) for head in HEADS}
        np.savez_compressed(folder / golden_file(character), **golden._asdict(), **heads)
        with tempfile.TemporaryDirectory() as saved_model:
            tf.saved_model.save(module, saved_model, signatures={SIGNATURE: module.act})
            for precision in precisions:
                file = folder / f"{character}.{precision}.tflite"
                calibrating = Observation(*(x[_GOLDEN:] for x in observation))
                file.write_bytes(convert(saved_model, precision, calibrating))
                entries.append(describe(file, character, precision))
        logging.info("%d of %d: %s", done + 1, len(specialists.snapshots), character)
    assert observation is not None
    write_manifest(folder, entries, _about(specialists, observation, heads))
    return entries


def _about(specialists: Specialists, observation: Observation, heads: dict[str, np.ndarray]) -> dict[str, Any]:
    """What is the same for all models of the pack."""
    inputs = {
        name: {"shape": [1, *x.shape[1:]], "dtype": str(x.dtype)} for name, x in zip(MODULES, observation, strict=True)
    }
    outputs = {name: {"shape": [1, x.shape[1]], "dtype": str(x.dtype)} for name, x in heads.items()}
    return {
        "run": str(specialists.run.path),
        "roster_digest": specialists.roster.digest,
        "signature": SIGNATURE,
        "inputs": inputs,
        "outputs": outputs,
        **provenance(),
    }


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of a finished run.", required=True)
    flags.DEFINE_string("out_dir", None, "Folder of the models; made if missing.", required=True)
    flags.DEFINE_list("precision", list(PRECISIONS), f"Which files to write, of {', '.join(PRECISIONS)}.")
    flags.register_validator(
        "precision",
        lambda given: bool(given) and set(given) <= set(PRECISIONS),
        message=f"--precision takes one or more of {', '.join(PRECISIONS)}",
    )
    flags.DEFINE_integer(
        "calibration_positions",
        200,
        "Observations of own battles that the ranges of int8 are taken from, per model.",
        1,
    )
    flags.DEFINE_integer("seed", 30_000, "Seed of the battles that calibration and golden positions come from.", 0)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    distributed.start()
    folder = Path(FLAGS.out_dir)
    try:
        entries = export(RunDirectory(FLAGS.run_dir), folder, FLAGS.precision, FLAGS.calibration_positions, FLAGS.seed)
    except (RosterError, CheckpointError) as error:
        raise SystemExit(f"error: {error}") from error
    rows = [[e.file, e.character, e.precision, f"{e.size_bytes:,}"] for e in entries]
    print(table(["file", "character", "precision", "bytes"], rows))
    print(f"\nwritten to {folder}")
    print(json.dumps({"models": len(entries), "folder": str(folder)}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
