"""A run that begins with the first generations of another: ``python -m camtf.studies.first_generations --of=runs/a
--run_dir=runs/b --generations=4``. Then ``camtf.train --stage=specialists`` goes on from there."""

from __future__ import annotations

import shutil

import numpy as np
from absl import flags

from camtf import command
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.population.measuring import Measured, effective_population, since_each

FLAGS = flags.FLAGS


def first_generations(whole: RunDirectory, run: RunDirectory, count: int) -> None:
    """Give a run the first generations of a population, as if no others had been trained. Raises CheckpointError."""
    if run.has_population():
        raise CheckpointError(f"{run.path} holds a population already")
    about = whole.read_population()
    if len(about["strategies"]) < count:
        raise CheckpointError(f"{whole.path} has {len(about['strategies'])} generations, {count} are needed")
    names = about["snapshots"][:count]
    for folder, ending in (("generalists", "npz"), ("optimizer", "npz"), ("metrics", "jsonl")):
        (run.path / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            file = whole.path / folder / f"{name}.{ending}"
            if file.exists():
                shutil.copyfile(file, run.path / folder / file.name)
    square = {key: np.array(about[key])[:count, :count] for key in ("payoffs", "games", "mixtures")}
    effective = effective_population(Measured(**square), whole.config().generalists.accept_margin)
    run.write_population(
        {
            "algorithm": about["algorithm"],
            "strategies": about["strategies"][:count],
            "snapshots": names,
            "serving": about["serving"][:count],
            **{key: x.tolist() for key, x in square.items()},
            "effective_population": effective,
            "relative_population_performance": dict(
                zip(about["strategies"], since_each(square["payoffs"]).tolist(), strict=False)
            ),
        }
    )


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("of", None, "Run directory of the whole population.", required=True)
    flags.DEFINE_string("run_dir", None, "Directory of the new run.", required=True)
    flags.DEFINE_integer("generations", None, "How many of its generations.", 1, 256, required=True)


def main() -> None:
    """Copy, or say in one line why not."""
    try:
        first_generations(RunDirectory(FLAGS.of), RunDirectory(FLAGS.run_dir), FLAGS.generations)
    except CheckpointError as error:
        raise command.failure(error) from error
    print(f"{FLAGS.run_dir} has the first {FLAGS.generations} generations of {FLAGS.of}")


if __name__ == "__main__":
    define_flags()
    command.run(main)
