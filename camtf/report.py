"""Everything that was measured of a run, as one page: ``python -m camtf.report --run_dir=runs/cam8``.

Several runs of other training seeds are joined: ``--run_dir=runs/a,runs/b,runs/c``. Writes ``report.html`` and the
folder ``report`` (figures as SVG and PNG, ``numbers.json``, ``numbers.csv``) into the first run, or into ``--out_dir``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from absl import flags

from camtf import command, distributed, files
from camtf.config import ConfigError
from camtf.evaluation import record
from camtf.evaluation.columns import table
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Missing, Section
from camtf.evaluation.subject import Options, Subject
from camtf.games.duel.roster import RosterError
from camtf.reopen import reopen

FLAGS = flags.FLAGS


def define_flags(values: flags.FlagValues = FLAGS) -> None:
    """The command line."""
    flags.DEFINE_list(
        "run_dir", None,
        "Directories of evaluated runs, comma-separated. Those of the same population as the first are its training "
        "seeds; others are populations to compare it with.", required=True, flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string(
        "model_dir", "", "Folder of models that mobile.benchmark has measured; empty: without.", flag_values=values
    )
    flags.DEFINE_string("out_dir", "", "Where to write; empty: into the first run.", flag_values=values)
    flags.DEFINE_integer(
        "matches", 4, "Matches from which each one to watch is chosen; 0: none.", 0, 100, flag_values=values
    )


def main() -> None:
    distributed.start()
    try:
        folder = Path(FLAGS.out_dir or FLAGS.run_dir[0])
        files.check_writable(folder / "report.html")
        page, parts = write_report(FLAGS.run_dir, folder, FLAGS.model_dir, FLAGS.matches)
    except ImportError as error:
        raise command.failure(f"{error}; the extra 'report' brings what a report needs") from error
    except (ConfigError, RosterError, files.FileError, ValueError) as error:
        raise command.failure(error) from error
    print(table(["result", "the papers' claim"], [_line(part) for part in parts]))
    command.say_last(
        {"the page": page, "figures and numbers": page.parent / "report"},
        {"read it": f"open {page} in a browser"},
    )
    verdicts = {p.key: p.verdict.name.lower() for p in parts if isinstance(p, Section)}
    command.print_result({"report": str(page), **verdicts}, page.parent / "report" / "numbers.json")


def write_report(
    run_dirs: list[str], folder: Path, model_dir: str = "", tries: int = 4
) -> tuple[Path, list[Section | Missing]]:
    """Make a report. Returns the page's path and its parts.

    Raises:
        FileError: a run is not evaluated, or not as it is now; or a file cannot be written.
        ValueError: the runs do not fit each other.
    """
    from camtf.evaluation.report import build, matches, page

    subjects = [Subject(reopen(directory), Options(seed=0)) for directory in run_dirs]
    records = [_record(subject) for subject in subjects]
    groups = grouped(records, run_dirs)
    first = subjects[0]
    measured = measured_models(Path(model_dir), records[0]) if model_dir else None
    parts = list(build.sections(groups, first.context.policy().network, measured))
    watched: list[page.Match] = []
    if tries and first.specialists:
        kinds = {kind.name: kind for kind in first.kinds}
        watched = matches.interesting(first.context.game, records[0], kinds, first.trained.found.name, tries)
    return page.write(folder, groups[0], parts, watched), parts


def grouped(records: list[record.EvaluationRecord], paths: list[str]) -> list[Runs]:
    """Runs of the same algorithm and characters together, that of the first in front. Raises ValueError."""
    groups: dict[Any, list[int]] = {}
    for i, one in enumerate(records):
        groups.setdefault((one.algorithm, one.characters), []).append(i)
    return [Runs(tuple(records[i] for i in g), tuple(paths[i] for i in g)) for g in groups.values()]


def _record(subject: Subject) -> record.EvaluationRecord:
    file = subject.context.run.path / record.FILE
    if not file.exists():
        raise files.FileError(f"{file} does not exist; python -m camtf.evaluate --run_dir={file.parent} writes it")
    return record.read(file, subject.weights())


def measured_models(models: Path, of: record.EvaluationRecord) -> list[dict[str, Any]]:
    """What `mobile.benchmark` found of models of these weights. Raises FileError.

    Of the pack's manifest only the names of what it was made of are read; `mobile` checks the rest.
    """
    file = models / "manifest.json"
    try:
        weights = dict(json.loads(files.read_bytes(file))["weights"])
    except (ValueError, KeyError, TypeError) as error:
        raise files.FileError(f"{file} is not the manifest of exported models: {error!r:.80}") from error
    for name, digest in weights.items():
        if of.weights.get(name) != digest:
            raise files.FileError(f"{models} holds other weights of {name} than those that {of.run} was evaluated with")
    return list(files.read_json(models / "benchmark.json")["results"])


def _line(part: Section | Missing) -> list[str]:
    return [part.title, part.verdict.value if isinstance(part, Section) else f"not measured: {part.what}"]


if __name__ == "__main__":
    define_flags()
    command.run(main)
