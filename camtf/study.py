"""A whole study: ``python -m camtf.study --preset=cam8 --seeds=1,2,3 --run_dir=runs/cam8``.

Trains the populations of a study, Specialists and controls, lets them meet populations and bots that they never met,
and writes reports and ``results.json``. Every step is a command of its own under ``horovodrun``, kept as a log in the
study's folder; ``--plan`` shows them all, with frames and estimated hours, and does nothing. Killed and started again,
a study goes on where it was.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from camtf import command, files, plan
from camtf.config import MOST_SEED
from camtf.evaluation.columns import table
from camtf.provenance import provenance
from camtf.settings import quoted
from camtf.studies.doing import Done
from camtf.studies.presets import PRESETS, StudyError, preset
from camtf.studies.steps import HELD_OUT_SEED, Plan, Step, hours

FLAGS = flags.FLAGS


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_enum("preset", None, list(PRESETS), "Which study.", required=True)
    flags.DEFINE_list("seeds", ["1"], "Training seeds, comma-separated; claims about training need several.")
    flags.DEFINE_string("run_dir", None, "Folder of the study: its runs, reports, results.json.", required=True)
    flags.DEFINE_float("scale", 1.0, "Factor on all frames and battles.", 1e-4, 100.0)
    flags.DEFINE_integer("ranks", 2, "Ranks of every step, started by horovodrun; one for each core.", 1, 4096)
    flags.DEFINE_bool("plan", False, "Show what would be done, and do nothing.")
    flags.DEFINE_float(
        "frames_per_second", 80_000.0, "Learner frames a second over all ranks, for the plan's hours; "
        "benchmarks.throughput measures them.", 1.0,
    )  # fmt: skip
    flags.DEFINE_float(
        "decisions_per_second", 300_000.0, "Decisions a second in battles, for the plan's hours; "
        "benchmarks.evaluation measures them.", 1.0,
    )  # fmt: skip


def main() -> None:
    """Show the plan, or carry it out."""
    try:
        if plan.ranks_started() > 1:
            raise StudyError("a study starts horovodrun itself; start it without, and give --ranks")
        todo = Plan(preset(FLAGS.preset), Path(FLAGS.run_dir), _seeds(FLAGS.seeds), FLAGS.scale)
        if FLAGS.plan:
            print(shown(todo.steps()))
            return
        files.check_writable(todo.results)
        carry_out(todo)
    except (StudyError, files.FileError) as error:
        raise command.failure(error) from error


def _seeds(given: list[str]) -> tuple[int, ...]:
    """Raises StudyError where they are no different whole numbers."""
    wrong = [s for s in given if not s.strip().isdecimal() or int(s) > MOST_SEED - HELD_OUT_SEED]
    if wrong or not given or len({int(s) for s in given}) < len(given):
        raise StudyError(
            f"--seeds must be different whole numbers up to {MOST_SEED - HELD_OUT_SEED}, got {quoted(','.join(given))}"
        )
    return tuple(int(s) for s in given)


def shown(steps: list[Step]) -> str:
    """What would be done: a table, then the commands."""
    rates = FLAGS.frames_per_second, FLAGS.decisions_per_second
    rows = [
        [s.name, f"{s.frames / 1e6:.1f}" if s.frames else "", f"{s.decisions / 1e6:.0f}" if s.decisions else "",
         f"{60 * hours([s], *rates):.0f}"]
        for s in steps
    ]  # fmt: skip
    total = ["all", f"{sum(s.frames for s in steps) / 1e6:.1f}", f"{sum(s.decisions for s in steps) / 1e6:.0f}",
             f"{60 * hours(steps, *rates):.0f}"]  # fmt: skip
    header = ["step", "million frames", "million decisions of battles", "minutes, about"]
    commands = "\n".join(" ".join(s.arguments(FLAGS.ranks)) for s in steps)
    return (
        f"{table(header, [*rows, total])}\n\nabout {hours(steps, *rates):.1f} hours at {rates[0]:,.0f} learner frames "
        f"and {rates[1]:,.0f} decisions a second\n\n{commands}"
    )


def carry_out(todo: Plan) -> None:
    """Every step that is not done yet, then the results. Raises FileError; SystemExit where a step fails."""
    from camtf.studies import results

    steps = todo.steps()
    doings = [Done(todo.folder, i, step) for i, step in enumerate(steps)]
    for i, (step, done) in enumerate(zip(steps, doings, strict=True)):
        if done.is_done():
            print(f"[{i + 1} of {len(steps)}] {step.name}: done before", flush=True)
            continue
        print(f"[{i + 1} of {len(steps)}] {step.name}, {hours_left(steps[i:])}", flush=True)
        done.carry_out(FLAGS.ranks)
    seconds = sum(done.seconds() for done in doings)
    found = results.results(todo, seconds / 3600, sum(step.frames for step in steps))
    found |= {"study": FLAGS.preset, "scale": todo.scale, **provenance()}
    files.write_json(todo.results, found)
    print(results.report(found))
    pages = {f"report of {name}": todo.report(name) / "report.html" for name in todo.study.specialists}
    command.say_last({"all results": todo.results, **pages}, {})
    command.print_result({k: v for k, v in found.items() if not isinstance(v, dict)}, todo.results)


def hours_left(steps: list[Step]) -> str:
    """An estimate for people."""
    return f"about {hours(steps, FLAGS.frames_per_second, FLAGS.decisions_per_second):.1f} hours left in all"


if __name__ == "__main__":
    define_flags()
    command.run(main)
