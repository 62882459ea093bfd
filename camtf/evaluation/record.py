"""What an evaluation found, as one typed record: ``evaluation.json`` of a run directory.

Its parts, with shapes and units, are in `camtf.evaluation.findings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camtf import files
from camtf.evaluation.coding import RecordError, from_json, to_json
from camtf.evaluation.findings import (
    Advantage,
    Behaviour,
    Curve,
    Diversity,
    Exploiter,
    Gain,
    Information,
    Kind,
    Opponents,
    Performance,
    SocialGraph,
    Strategies,
    Table,
)
from camtf.settings import quoted

VERSION = 2
"""Of the record. Raised when a field changes its meaning; another version is refused."""

_AGAIN = "python -m camtf.evaluate makes it anew"

FILE = "evaluation.json"
"""Its name in a run directory."""


@dataclass(frozen=True, eq=False)
class EvaluationRecord:
    """All that one evaluation found.

    Attributes:
        version: `VERSION`.
        run: label of the run directory.
        game, game_digest: of what was played.
        characters, titles: ids and names of those that take part, ``[N]``.
        movement_names, skill_names: of the actions, ``[M]`` and ``[K]``; empty where the game gives none.
        event_names: what the game counts, ``[E]``.
        algorithm: of stage 1.
        weights: digest of every snapshot of this run that was measured, by its name: strategies, Specialists,
            controls (as ``<control>/<character>``).
        seed: of all battles.
        ranks: that played; they change no outcome.
        training_seed: of the run.
        commit, command, machine, versions: where this comes from.
    """

    version: int
    run: str
    game: str
    game_digest: str
    characters: tuple[str, ...]
    titles: tuple[str, ...]
    movement_names: tuple[str, ...]
    skill_names: tuple[str, ...]
    event_names: tuple[str, ...]
    algorithm: str
    weights: dict[str, str]
    seed: int
    ranks: int
    training_seed: int
    kinds: tuple[Kind, ...]
    opponents: tuple[Opponents, ...]
    tables: tuple[Table, ...]
    gains: tuple[Gain, ...]
    strategies: Strategies
    behaviour: tuple[Behaviour, ...]
    diversity: tuple[Diversity, ...]
    advantages: tuple[Advantage, ...]
    social_graphs: tuple[SocialGraph, ...]
    information: tuple[Information, ...]
    curves: tuple[Curve, ...]
    exploiters: tuple[Exploiter, ...]
    performance: tuple[Performance, ...]
    commit: str
    command: str
    machine: str
    versions: dict[str, str]

    def __post_init__(self) -> None:
        n = len(self.characters)
        for kind in self.kinds:
            if len(kind.digests) != n:
                raise ValueError(f"kind {kind.name}: {len(kind.digests)} digests for {n} characters")
        sets = {o.name: len(o.strategies) for o in self.opponents}
        measurements: tuple[Table | Gain, ...] = (*self.tables, *self.gains)
        for measured in measurements:
            shape = (n, sets.get(measured.opponents), n)
            if measured.mean.shape != shape:
                raise ValueError(f"{measured.kind} v. {measured.opponents}: shape {measured.mean.shape}, not {shape}")

    def table(self, kind: str, opponents: str) -> Table:
        """Of a kind against a set. Raises KeyError where it was not measured."""
        for table in self.tables:
            if (table.kind, table.opponents) == (kind, opponents):
                return table
        raise KeyError(f"no table of {kind} against {opponents}; there are {', '.join(self._pairs())}")

    def gain(self, kind: str, control: str, opponents: str) -> Gain:
        """Of a kind over a control against a set. Raises KeyError where it was not measured."""
        for gain in self.gains:
            if (gain.kind, gain.control, gain.opponents) == (kind, control, opponents):
                return gain
        raise KeyError(f"no gain of {kind} over {control} against {opponents}")

    def opponents_named(self, name: str) -> Opponents:
        """A set of opponents. Raises KeyError where there is none of this name."""
        return {o.name: o for o in self.opponents}[name]

    def set_of(self, group: str) -> tuple[Opponents, ...]:
        """The sets of opponents of a group."""
        return tuple(o for o in self.opponents if o.group == group)

    def _pairs(self) -> list[str]:
        return [f"{t.kind} v. {t.opponents}" for t in self.tables]


def write(file: Path, record: EvaluationRecord) -> None:
    """Write a record whole. Raises FileError."""
    files.write_json(file, to_json(record))


def read(file: Path, weights: Mapping[str, str] | None = None) -> EvaluationRecord:
    """A record as it was written.

    Args:
        weights: digests by snapshot that it must be of; None for any.

    Raises RecordError where the file is missing or damaged, of another version of the record, or of other weights:
    names what differs.
    """
    if not file.exists():
        raise RecordError(f"{file} does not exist; python -m camtf.evaluate writes it")
    document = files.read_json(file, RecordError)
    if document.get("version") != VERSION:
        there = quoted(document.get("version"))
        raise RecordError(f"{file} is of version {there} of the record, this is {VERSION}; {_AGAIN}")
    try:
        record = from_json(EvaluationRecord, document)
    except RecordError as error:
        raise RecordError(f"{file} is damaged or of another version: {error}; {_AGAIN}") from error
    if weights is not None:
        check_weights(file, record, weights)
    return record


def check_weights(file: Path, record: EvaluationRecord, weights: Mapping[str, str]) -> None:
    """Raises RecordError where a record is of other weights than these, by snapshot; names the first."""
    for name, digest in weights.items():
        found = record.weights.get(name)
        if found != digest:
            there = "none there" if found is None else f"{found[:40]} there"
            raise RecordError(f"{file} is of other weights of {name} ({there}, {digest} here); {_AGAIN}")


def same(first: Any, second: Any) -> bool:
    """Whether two records say the same, number by number."""
    return bool(to_json(first) == to_json(second))
