"""The records that a report is made of: runs of one game and one setting, each with a training seed of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.evaluation import statistics
from camtf.evaluation.findings import PLAYERS, Gain, Table
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
        """Gains of each seed and character, over all opponents of a set of `sets`, ``[S, N]``. Raises NotMeasured."""
        found = [self._gains(record, kind, control, opponents) for record in self.records]
        return np.stack([np.nanmean(np.concatenate([g.mean for g in of], axis=1), axis=(1, 2)) for of in found])

    def gain_of_each(self, kind: str, control: str, opponents: str) -> Estimate:
        """Gain of each character, ``[N]``: over seeds, or over the battles of a single one. Raises NotMeasured."""
        gains = [self._gain(record, kind, control, opponents) for record in self.records]
        if self.seeds == 1:
            cells = gains[0].mean.reshape(len(self.titles), -1)
            return _over_battles(cells, gains[0].variance.reshape(cells.shape), gains[0].games)
        return statistics.mean_over_seeds(np.stack([gain.rows for gain in gains], axis=-1))

    def mean_gain(self, kind: str, control: str, opponents: str) -> Estimate:
        """Mean gain over the characters, and over all opponents of a set of `sets`. Raises NotMeasured."""
        if self.seeds > 1:
            return statistics.mean_over_seeds(self.gains(kind, control, opponents).mean(axis=1))
        cells = [(g, np.isfinite(g.mean)) for g in self._gains(self.first, kind, control, opponents)]
        mean, variance = (
            np.concatenate([array[finite] for array, (_, finite) in zip(arrays, cells, strict=True)])
            for arrays in ([g.mean for g, _ in cells], [g.variance for g, _ in cells])
        )
        games = np.concatenate([np.full(finite.sum(), max(g.games, 2)) for g, finite in cells])
        return statistics.mean_over_battles(mean, variance, games)

    def sets(self) -> tuple[str, ...]:
        """Sets of opponents that every run has met: ``trained``, ``held_out``, ``bots``, names of own players. What is
        held out from a run are the populations of others, so that its sets have other names in every run."""
        found = [dict.fromkeys(o.name if o.group == PLAYERS else o.group for o in r.opponents) for r in self.records]
        return tuple(name for name in found[0] if all(name in other for other in found))

    def controls(self, kind: str, opponents: str) -> list[str]:
        """What a kind was compared with in every run, against all of a set of `sets`."""
        found = [
            {g.control for g in r.gains if (g.kind, g.opponents) == (kind, o.name)}
            for r in self.records
            for o in r.opponents
            if opponents in (o.group, o.name)
        ]
        return [k.name for k in self.first.kinds if all(k.name in controls for controls in found)]

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

    def _gains(self, record: EvaluationRecord, kind: str, control: str, opponents: str) -> list[Gain]:
        """Against all of a set of `sets`, or one of that name."""
        names = [o.name for o in record.opponents if opponents in (o.group, o.name)]
        return [self._gain(record, kind, control, name) for name in names or [opponents]]

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
