"""Files of a run: atomic, complete, without pickle.

A run directory::

    config.json                            the whole configuration, roster digest, commit, versions, machine, command
    generalists/generation_01.npz          frozen Generalists, in order
    specialists/<character>.npz            one Specialist per character
    checkpoints/<phase>/00000120.npz       a phase under way after an update: weights, optimiser, graph, matches
    metrics/<phase>.jsonl                  one JSON line per update
    tensorboard/<phase>/                   the same as scalars, and histograms of the weights
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from camtf.config import Config, ConfigError, from_json, leaves, to_json
from camtf.games.duel.roster import Roster
from camtf.games.protocol import Game
from camtf.provenance import provenance
from camtf.types import Snapshot

_LOCK_SECONDS = 30.0


class CheckpointError(RuntimeError):
    """A file of a run is missing, damaged, or of another run. Names the file."""


def write_arrays(file: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    """Write arrays and a JSON header to a temporary name, then rename: the file is whole or not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".tmp")
    with temporary.open("wb") as stream:
        np.savez(stream, __meta__=np.array(json.dumps(meta)), **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def read_arrays(file: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and header of a file. Raises CheckpointError."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return arrays, json.loads(str(arrays.pop("__meta__")))
    except FileNotFoundError as error:
        raise CheckpointError(f"{file} does not exist") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{file} is damaged: {error}") from error


class RunDirectory:
    """Where a run keeps its files. Only rank 0 writes; all ranks read, so they must see the same directory."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def generalist_file(self, generation: int) -> Path:
        """A frozen Generalist; generations count from 1."""
        return self.path / "generalists" / f"generation_{generation:02d}.npz"

    def specialist_file(self, character_id: str) -> Path:
        """A finished Specialist."""
        return self.path / "specialists" / f"{character_id}.npz"

    def begin(self, config: Config, roster: Roster, write: bool) -> None:
        """Claim the directory for a run, or check that it holds this very run. Raises CheckpointError.

        Who writes holds a lock until the process ends. One that was killed may leave ranks that live a little longer:
        they are waited for.
        """
        if write:
            self._lock()
        file = self.path / "config.json"
        if file.exists():
            self._check_same(config, roster)
        elif write:
            about = {
                "config": to_json(config),
                "roster_digest": roster.digest,
                "characters": list(roster.ids),
                **provenance(),
            }
            temporary = file.with_suffix(".tmp")
            temporary.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            temporary.replace(file)

    def config(self) -> Config:
        """The configuration that the run was started with. Raises CheckpointError."""
        try:
            return from_json(self._about()["config"])
        except (KeyError, TypeError, ConfigError) as error:
            raise CheckpointError(
                f"{self.path / 'config.json'}: not a configuration of this version: {error}"
            ) from error

    def check_roster(self, roster: Roster | Game) -> None:
        """Raises CheckpointError where the run was trained on another roster."""
        trained = self._about()["roster_digest"]
        if trained != roster.digest:
            raise CheckpointError(
                f"{self.path / 'config.json'}: the run has the roster {trained[:16]}, given is {roster.digest[:16]}"
            )

    def write_snapshot(self, file: Path, snapshot: Snapshot, meta: dict[str, Any]) -> None:
        """Write a frozen policy."""
        arrays = {f"weight:{path}": w for path, w in snapshot.weights.items()}
        write_arrays(file, {**arrays, "mixture": snapshot.mixture}, {"name": snapshot.name, **meta})

    def read_snapshot(self, file: Path) -> Snapshot:
        """Read a frozen policy. Raises CheckpointError."""
        arrays, meta = read_arrays(file)
        weights = {name.removeprefix("weight:"): a for name, a in arrays.items() if name.startswith("weight:")}
        if not weights or "mixture" not in arrays:
            raise CheckpointError(f"{file} holds no policy")
        return Snapshot(meta["name"], weights, arrays["mixture"])

    def generalists(self) -> list[Snapshot]:
        """The finished Generalists, oldest first. Raises CheckpointError where there is none."""
        files = sorted((self.path / "generalists").glob("generation_*.npz"))
        if not files:
            raise CheckpointError(f"{self.path} holds no Generalist; train with --stage=generalists first")
        return [self.read_snapshot(file) for file in files]

    def write_checkpoint(
        self, phase: str, update: int, arrays: dict[str, np.ndarray], meta: dict[str, Any], keep: int
    ) -> None:
        """Write the state of a phase after an update and drop all but the newest ``keep``."""
        write_arrays(self._checkpoints(phase) / f"{update:08d}.npz", arrays, {**meta, "phase": phase})
        for file in self._checkpoint_files(phase)[:-keep]:
            file.unlink()

    def read_checkpoint(self, phase: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest state of a phase, or None where it has not begun. Raises CheckpointError where it is damaged."""
        files = self._checkpoint_files(phase)
        if not files:
            return None
        try:
            return read_arrays(files[-1])
        except CheckpointError as error:
            older = f"move it away to go on from {files[-2].name}" if len(files) > 1 else "there is none before it"
            raise CheckpointError(f"{error}; {older}") from error

    def drop_checkpoints(self, phase: str) -> None:
        """Remove what a finished phase has left."""
        shutil.rmtree(self._checkpoints(phase), ignore_errors=True)

    def append_metrics(self, phase: str, line: dict[str, Any]) -> None:
        """Add a line to the metrics of a phase."""
        file = self.metrics_file(phase)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def trim_metrics(self, phase: str, updates: int) -> None:
        """Drop the lines of updates after this one, which are about to be made again."""
        file = self.metrics_file(phase)
        if file.exists():
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)[:updates]
            temporary = file.with_suffix(".tmp")
            temporary.write_text("".join(lines), encoding="utf-8")
            temporary.replace(file)

    def metrics(self, phase: str) -> list[dict[str, Any]]:
        """All lines of a phase."""
        return [json.loads(line) for line in self.metrics_file(phase).read_text(encoding="utf-8").splitlines()]

    def metrics_file(self, phase: str) -> Path:
        """Where the metrics of a phase are."""
        return self.path / "metrics" / f"{phase}.jsonl"

    def _checkpoints(self, phase: str) -> Path:
        return self.path / "checkpoints" / phase

    def _checkpoint_files(self, phase: str) -> list[Path]:
        return sorted(self._checkpoints(phase).glob("*.npz"))

    def _lock(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock_file = (self.path / "lock").open("w")
        last = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() > last:
                    raise CheckpointError(f"{self.path} is in use by another process that trains there") from error
                time.sleep(0.2)

    def _about(self) -> dict[str, Any]:
        file = self.path / "config.json"
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise CheckpointError(f"{file} does not exist: {self.path} is not a run directory") from error
        except json.JSONDecodeError as error:
            raise CheckpointError(f"{file} is damaged: {error}") from error

    def _check_same(self, config: Config, roster: Roster) -> None:
        self.check_roster(roster)
        old = {name: value for name, _, value in leaves(self.config())}
        new = {name: value for name, _, value in leaves(config)}
        differing = [f"{name}: {old[name]!r} there, {new[name]!r} given" for name in new if old[name] != new[name]]
        if differing:
            raise CheckpointError(
                f"{self.path} holds a run with another configuration ({'; '.join(differing)}); "
                "give the same values to resume it, or another --run_dir"
            )
