"""The records that a report is made of: runs of one game and one setting, each with a training seed of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.evaluation import statistics
from camtf.evaluation.findings import Gain, Table
from camtf.evaluation.record import EvaluationRecord
from camtf.evaluation.report.section import NotMeasured
from camtf.evaluation.statistics import Estimate

EVALUATE = "python -m camtf.evaluate --run_dir={run}"


@dataclass(frozen=True)
class Runs:
    """Evaluations of runs that differ in their training seed alone, in the order of the command line.

    Raises ValueError where they are of different games, characters or algorithms, or of one training seed twice.
    """

    records: tuple[EvaluationRecord, ...]
    paths: tuple[str, ...]  # of the run directories, for the commands that a reader is told

    def __post_init__(self) -> None:
        first = self.records[0]
        for record in self.records[1:]:
            for name in ("game", "game_digest", "characters", "algorithm"):
                one, other = getattr(first, name), getattr(record, name)
                if one != other:
                    raise ValueError(f"{first.run} and {record.run} differ in {name}: {one!s:.80} and {other!s:.80}")
        seeds = [record.training_seed for record in self.records]
        twice = [seed for seed in seeds if seeds.count(seed) > 1]
        if twice:
            raise ValueError(f"runs over seeds need different training seeds, {twice[0]} is there more than once")

    @property
    def first(self) -> EvaluationRecord:
        """The run of those things that are shown of one run alone."""
        return self.records[0]

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of the characters, ``[N]``."""
        return self.first.titles

    @property
    def seeds(self) -> int:
        """S."""
        return len(self.records)

    def trained(self) -> str:
        """Name of the opponents that stage 2 trained against."""
        found = self.first.set_of("trained")
        if not found:
            raise self.lacks("the opponents that stage 2 trains against were not met")
        return found[0].name

    def lacks(self, what: str, flags: str = "") -> NotMeasured:
        """What to raise where a part of the records is missing."""
        return NotMeasured(what, f"{EVALUATE.format(run=self.paths[0])} {flags}".strip())

    def lacks_kind(self, kind: str, what: str) -> NotMeasured:
        """What to raise where a kind of players was not measured, or the run has none of that kind."""
        if kind == "specialist" and not any(k.name == kind for k in self.first.kinds):
            train = f"python -m camtf.train --run_dir={self.paths[0]} --stage=specialists"
            return NotMeasured("the run has no Specialists", f"{train} && {EVALUATE.format(run=self.paths[0])}")
        return self.lacks(what)

    def rates(self, kind: str, opponents: str) -> np.ndarray:
        """Win rates of each seed and character against a set, ``[S, N]``. Raises NotMeasured."""
        return np.stack([self._table(record, kind, opponents).rows for record in self.records])

    def rate_of_each(self, kind: str, opponents: str) -> Estimate:
        """Win rate of each character, ``[N]``. Raises NotMeasured."""
        tables = [self._table(record, kind, opponents) for record in self.records]
        if self.seeds == 1:
            cells = tables[0].mean.reshape(len(self.titles), -1)
            return _over_battles(cells, tables[0].variance.reshape(cells.shape), tables[0].games)
        return statistics.mean_over_seeds(np.stack([table.rows for table in tables], axis=-1), null=0.5)

    def gains(self, kind: str, control: str, opponents: str) -> np.ndarray:
        """Gains of each seed and character, ``[S, N]``. Raises NotMeasured."""
        return np.stack([self._gain(record, kind, control, opponents).rows for record in self.records])

    def gain_of_each(self, kind: str, control: str, opponents: str) -> Estimate:
        """Gain of each character, ``[N]``: over seeds, or over the battles of a single one. Raises NotMeasured."""
        gains = [self._gain(record, kind, control, opponents) for record in self.records]
        if self.seeds == 1:
            cells = gains[0].mean.reshape(len(self.titles), -1)
            return _over_battles(cells, gains[0].variance.reshape(cells.shape), gains[0].games)
        return statistics.mean_over_seeds(np.stack([gain.rows for gain in gains], axis=-1))

    def mean_gain(self, kind: str, control: str, opponents: str) -> Estimate:
        """Mean gain over the characters. Raises NotMeasured."""
        gains = [self._gain(record, kind, control, opponents) for record in self.records]
        if self.seeds == 1:
            finite = np.isfinite(gains[0].mean)
            return _over_battles(gains[0].mean[finite], gains[0].variance[finite], gains[0].games)
        return statistics.mean_over_seeds(np.array([gain.rows.mean() for gain in gains]))

    def controls(self, kind: str, opponents: str) -> list[str]:
        """What a kind was compared with in every record, against a set."""
        found = [[g.control for g in r.gains if (g.kind, g.opponents) == (kind, opponents)] for r in self.records]
        return [name for name in found[0] if all(name in other for other in found)]

    def basis(self) -> str:
        """What the intervals are over, for people."""
        if self.seeds == 1:
            return "95% intervals over the battles of this run: they say nothing about another training seed"
        return f"95% intervals over {self.seeds} training seeds (Student's t)"

    def _table(self, record: EvaluationRecord, kind: str, opponents: str) -> Table:
        try:
            return record.table(kind, opponents)
        except KeyError as error:
            raise self.lacks_kind(kind, f"no battles of {kind} against {opponents} are in {record.run}") from error

    def _gain(self, record: EvaluationRecord, kind: str, control: str, opponents: str) -> Gain:
        try:
            return record.gain(kind, control, opponents)
        except KeyError as error:
            raise self.lacks_kind(
                kind, f"no gains of {kind} over {control} against {opponents} are in {record.run}"
            ) from error


def _over_battles(mean: np.ndarray, variance: np.ndarray, games: int) -> Estimate:
    """Rows over the cells that could be played."""
    if mean.ndim == 1:
        return statistics.mean_over_battles(mean, variance, max(games, 2))
    rows = [
        statistics.mean_over_battles(m[np.isfinite(m)], v[np.isfinite(m)], max(games, 2))
        for m, v in zip(mean, variance)
    ]
    return Estimate(*map(np.stack, zip(*rows, strict=True)))
