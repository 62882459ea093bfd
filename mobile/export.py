"""Turn every Specialist of a run into TFLite models: ``python -m mobile.export --run_dir=runs/x --out_dir=build/x``.

Writes one file per Specialist and precision, ``manifest.json`` and golden observations (see `mobile.pack`). What is
there already, made from the same weights by the same settings, is kept. Where it fails, the folder is as it was.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from camtf import command, distributed
from camtf.checkpoint import RunDirectory
from camtf.evaluation.columns import table
from camtf.files import FileError
from camtf.games.protocol import GameError
from mobile.exporter import LIMITS, Exporter, Options
from mobile.files import PackError
from mobile.pack import PRECISIONS

FLAGS = flags.FLAGS


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of a finished run.", required=True)
    flags.DEFINE_string("out_dir", None, "Folder of the models; made if missing.", required=True)
    flags.DEFINE_list("precision", list(PRECISIONS), f"Which files to write, of {', '.join(PRECISIONS)}, each once.")
    flags.DEFINE_bool("value", False, "Models also return the critic's value.")
    flags.DEFINE_bool("generalist", False, "Also export the Generalist, which takes its mixture as one more input.")
    flags.DEFINE_integer("batch", 1, f"Rows that a model takes at once, {_range('batch')}.")
    flags.DEFINE_integer(
        "calibration_positions", 200,
        f"Observations of own battles that the ranges of int8 are taken from, per model, {_range('calibration')}.",
    )  # fmt: skip
    flags.DEFINE_float(
        "coarseness", 0.5,
        f"Steps of a delta, in root mean squares of a tensor's differences, {_range('coarseness')}.",
    )  # fmt: skip
    flags.DEFINE_integer(
        "seed", 30_000, f"Seed of the battles that calibration and golden observations come from, {_range('seed')}."
    )


def _range(name: str) -> str:
    return "{:,} to {:,}".format(*LIMITS[name])


def main() -> None:
    distributed.start()
    if distributed.size() > 1:
        raise command.failure("one process writes a pack; start python -m mobile.export without horovodrun")
    folder = Path(FLAGS.out_dir)
    try:
        options = Options(
            tuple(FLAGS.precision), FLAGS.batch, FLAGS.value, FLAGS.generalist, FLAGS.calibration_positions,
            FLAGS.coarseness, FLAGS.seed,
        )  # fmt: skip
        exporter = Exporter(RunDirectory(FLAGS.run_dir), folder, options)
        entries = exporter.export()
    except (GameError, PackError, FileError, ValueError) as error:
        raise command.failure(error) from error
    rows = [[e.file, e.character, e.precision, f"{e.size_bytes:,}"] for e in entries]
    print(table(["file", "character", "precision", "bytes"], rows))
    print(f"\n{exporter.kept} files were there already")
    models, run = command.flag("model_dir", folder), command.flag("run_dir", FLAGS.run_dir)
    command.say_last(
        {"models and manifest": folder, "how an app uses them": "mobile/README.md"},
        {
            "compare with Keras": f"python -m mobile.verify {run} {models}",
            "time them": f"python -m mobile.benchmark {models}",
        },
    )
    command.print_result({"models": len(entries), "kept": exporter.kept, "folder": str(folder)}, None)


if __name__ == "__main__":
    define_flags()
    command.run(main)
