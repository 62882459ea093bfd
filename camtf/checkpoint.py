"""Files of a run: atomic, complete, checked when read (`camtf.files`).

A run directory::

    config.json                            every setting, the game's digest, commit, versions, machine, command
    generalists/generation_01.npz          frozen policies of stage 1 (slot_01, iteration_01, ... of other algorithms)
    generalists/population.json            the finished population: its strategies, their policies, U between them, the
                                           battles behind U, and whom each strategy was trained against
    earlier/quarter_1.npz                  neupl: the network after a quarter of the run, and what it was told
    specialists/<character>.npz            one Specialist per character
    specialists/round_01/<character>.npz   as a round but the last left it
    specialists/clusters.json              the characters that share a Specialist, where they do
    controls/matched.npz                   what Specialists are compared with: the Generalist trained on as long,
    controls/own_critic/<character>.npz    and Specialists by plain PPO
    optimizer/<task>.npz                   the optimiser's state at the end of a task
    checkpoints/<task>/00000120.npz       a task under way after an update: weights, optimiser, graph, matches
    metrics/<task>.jsonl                  one JSON line per update
    evaluation.json                        what `camtf.evaluate` measured: `camtf.evaluation.record`
    evaluation/                            parts of it, which an interrupted evaluation goes on from
    exploiters/<name>.npz                  best responses to the population's equilibrium (`--exploiters`)
    pack/                                  the models that `camtf.play` exports where it is given no pack
    tensorboard/<task>/                   the same as scalars, and histograms of the weights
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from camtf import files
from camtf.config import Config, ConfigError, from_json, leaves, to_json
from camtf.games.protocol import Game
from camtf.provenance import provenance
from camtf.settings import quoted
from camtf.specialist_config import CONTROLS
from camtf.types import Snapshot

_LOCK_SECONDS = 30.0


class CheckpointError(files.FileError):
    """A file of a run is missing, damaged, or of another run. Names the file."""


class RunDirectory:
    """Where a run keeps its files. Only rank 0 writes; all ranks read, so they must see the same directory.

    Whatever reads raises CheckpointError where a file is missing or damaged, and whatever writes raises FileError where
    it cannot.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def generalist_file(self, name: str) -> Path:
        """A frozen policy of stage 1."""
        return self.path / "generalists" / f"{name}.npz"

    def earlier_file(self, name: str) -> Path:
        """The network of a population as it was earlier in stage 1."""
        return self.path / "earlier" / f"{name}.npz"

    def specialist_file(self, character_id: str, after_round: int = 0) -> Path:
        """A finished Specialist, or what it was after a round that was not the last."""
        return self.path / "specialists" / (f"round_{after_round:02d}" if after_round else "") / f"{character_id}.npz"

    def control_file(self, name: str, character_id: str) -> Path:
        """A finished control's policy of a character."""
        return self.path / "controls" / ("matched.npz" if name == "matched" else f"{name}/{character_id}.npz")

    def begin(self, config: Config, game: Game, write: bool, network: dict[str, Any] | None = None) -> None:
        """Claim the directory for a run, or check that it holds this very run. Raises CheckpointError.

        Settings that do not change what is trained may differ from those of before; ``config.json`` takes them over.
        Who writes holds a lock until the process ends. One that was killed may leave ranks that live a little longer:
        they are waited for.

        Args:
            network: what tells a network of the user's own from others, see `camtf.model.loading.describe`.
        """
        if write:
            self._lock()
        file = self.path / "config.json"
        if file.exists():
            changed = self._changed(config, game)
            self.check_network(network)
            if changed and write:
                files.write_json(file, {**self._about(), "config": to_json(config)})
                logging.info("%s goes on with other settings: %s", self.path, "; ".join(changed))
        elif write:
            about = {
                "config": to_json(config),
                "game": game.name,
                "game_digest": game.digest,
                "characters": list(game.characters),
                "network": network,
                **provenance(),
            }
            files.write_json(file, about)

    def config(self) -> Config:
        """The configuration that the run was started with. Raises CheckpointError."""
        try:
            return from_json(self._about()["config"])
        except (KeyError, TypeError, ConfigError) as error:
            raise CheckpointError(
                f"{self.path / 'config.json'}: not a configuration of this version: {error}"
            ) from error

    def check_game(self, game: Game) -> None:
        """Raises CheckpointError where the run was trained on another game: other rules, another roster."""
        trained = self._about()["game_digest"]
        if trained != game.digest:
            raise CheckpointError(
                f"{self.path / 'config.json'}: the run has the game (rules and roster) {trained[:16]}, given is "
                f"{game.digest[:16]}"
            )

    def check_network(self, network: dict[str, Any] | None) -> None:
        """Raises CheckpointError where the run was trained with another network of the user's own.

        Args:
            network: as in `begin`.
        """
        there = self._about().get("network")
        different = _difference(there, network)
        if different:
            raise CheckpointError(
                f"{self.path / 'config.json'}: the run has another network than network.name gives now: {different}"
            )

    def write_snapshot(self, file: Path, snapshot: Snapshot, meta: dict[str, Any]) -> None:
        """Write a frozen policy."""
        arrays = {f"weight:{path}": w for path, w in snapshot.weights.items()}
        files.write_arrays(file, {**arrays, "mixture": snapshot.mixture}, {"name": snapshot.name, **meta})

    def read_snapshot(self, file: Path) -> Snapshot:
        """Read a frozen policy. Raises CheckpointError."""
        return self._read_policy(file)[0]

    def specialist(self, character_id: str, generalist: Snapshot) -> Snapshot:
        """A finished Specialist. Raises CheckpointError where it is not a copy of this Generalist, trained on."""
        return self.copy_of(generalist, self.specialist_file(character_id))[0]

    def controls(self) -> tuple[str, ...]:
        """Names of the controls that there are policies of. The Generalists themselves, ``start``, are always one."""
        return ("start", *(name for name in CONTROLS if any(self.control_file(name, "*").parent.glob("*.npz"))))

    def control(self, name: str, start: Mapping[str, Snapshot]) -> dict[str, Snapshot]:
        """What Specialists are compared with, by character id.

        Args:
            name: ``start``: the Generalists themselves; ``matched``: one policy for all, the Generalist trained on as
                all characters, for as many frames as all Specialists together; ``own_critic``: Specialists by plain
                PPO.
            start: the Generalist of each character id.

        Raises:
            CheckpointError: there is no such control, or it is not a copy of these Generalists, trained on.
        """
        if name == "start":
            return dict(start)
        if name not in CONTROLS:
            raise CheckpointError(f"controls are start, {', '.join(CONTROLS)}; got {quoted(name)}")
        return {i: self.copy_of(generalist, self.control_file(name, i))[0] for i, generalist in start.items()}

    def copy_of(self, generalist: Snapshot, file: Path) -> tuple[Snapshot, dict[str, Any]]:
        """A policy that began as a copy of this Generalist, and what it took. Raises CheckpointError where it did not
        begin so."""
        snapshot, meta = self._read_policy(file)
        if meta.get("generalist") != generalist.digest:
            raise CheckpointError(
                f"{file} was copied from the Generalist {meta.get('generalist')}, but {generalist.name} of this run is "
                f"{generalist.digest}; move the file away to train it anew"
            )
        return snapshot, meta

    @property
    def clusters_file(self) -> Path:
        """Which characters share a Specialist."""
        return self.path / "specialists" / "clusters.json"

    def write_optimizer(self, task: str, state: dict[str, np.ndarray]) -> None:
        """Keep the optimiser's state at the end of a task."""
        files.write_arrays(self._optimizer_file(task), state, {"task": task})

    def read_optimizer(self, task: str) -> dict[str, np.ndarray]:
        """The optimiser's state at the end of a task. Raises CheckpointError where it was not kept."""
        return files.read_arrays(self._optimizer_file(task), CheckpointError)[0]

    def _optimizer_file(self, task: str) -> Path:
        return self.path / "optimizer" / f"{task}.npz"

    @property
    def population_file(self) -> Path:
        """What the finished population consists of."""
        return self.path / "generalists" / "population.json"

    def has_population(self) -> bool:
        """Whether stage 1 is finished."""
        return self.population_file.exists()

    def check_population(self) -> None:
        """Raises CheckpointError where stage 1 is not finished."""
        if not self.has_population():
            found = self.population_file.parent.glob("*.npz")
            there = sorted(file.stem for file in found if not file.stem.endswith(".payoffs"))
            raise CheckpointError(
                f"{self.path} holds no finished population ({', '.join(there) or 'nothing'} so far); finish the "
                "Generalists first: camtf.train with the settings of the run and --stage=generalists"
            )

    def write_population(self, about: dict[str, Any]) -> None:
        """Stage 1 is finished."""
        files.write_json(self.population_file, about)

    def read_population(self) -> dict[str, Any]:
        """What the finished population consists of. Raises CheckpointError where stage 1 is not finished."""
        self.check_population()
        about = files.read_json(self.population_file, CheckpointError)
        if not {"strategies", "snapshots", "serving", "payoffs"} <= about.keys():
            raise CheckpointError(f"{self.population_file} is no population: it holds {', '.join(about)}")
        return about

    def generalists(self) -> list[Snapshot]:
        """The finished policies of stage 1, oldest first. Raises CheckpointError where it is not finished."""
        return [self.read_snapshot(self.generalist_file(name)) for name in self.read_population()["snapshots"]]

    def _read_policy(self, file: Path) -> tuple[Snapshot, dict[str, Any]]:
        arrays, meta = files.read_arrays(file, CheckpointError)
        weights = {name.removeprefix("weight:"): a for name, a in arrays.items() if name.startswith("weight:")}
        if not weights or "mixture" not in arrays or "name" not in meta:
            raise CheckpointError(f"{file} holds no policy")
        return Snapshot(meta["name"], weights, arrays["mixture"]), meta

    def write_checkpoint(
        self, phase: str, update: int, arrays: dict[str, np.ndarray], meta: dict[str, Any], keep: int
    ) -> None:
        """Write the state of a phase after an update and drop all but the newest ``keep``."""
        if self.metrics_file(phase).exists():
            files.sync(self.metrics_file(phase))  # `trim_metrics` wants the lines of all updates before
        files.write_arrays(self._checkpoints(phase) / f"{update:08d}.npz", arrays, {**meta, "phase": phase})
        for file in self._checkpoint_files(phase)[:-keep]:
            file.unlink()

    def read_checkpoint(self, phase: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest state of a phase, or None where it has not begun. Raises CheckpointError where it is damaged."""
        there = self._checkpoint_files(phase)
        if not there:
            return None
        try:
            return files.read_arrays(there[-1], CheckpointError)
        except CheckpointError as error:
            older = f"move it away to go on from {there[-2].name}" if len(there) > 1 else "there is none before it"
            raise CheckpointError(f"{error}; {older}") from error

    def drop_checkpoints(self, phase: str) -> None:
        """Remove what a finished phase has left."""
        shutil.rmtree(self._checkpoints(phase), ignore_errors=True)

    def append_metrics(self, phase: str, line: dict[str, Any]) -> None:
        """Add a line, whose ``update`` is the number of its update, to the metrics of a phase."""
        files.append_json_line(self.metrics_file(phase), line)

    def trim_metrics(self, phase: str, updates: int) -> None:
        """Drop the lines of updates after this one, which are about to be made again. Raises CheckpointError where
        the lines up to it are damaged or end before it."""
        file = self.metrics_file(phase)
        if not updates:
            file.unlink(missing_ok=True)
        if not file.exists():
            return
        lines = files.json_lines(file, CheckpointError)
        try:
            end = next((end for line, end in lines if line.get("update") == updates), None)
            if end is None:
                raise CheckpointError(f"{file} is damaged: it ends before update {updates}")
        except CheckpointError as error:
            raise CheckpointError(f"{error}; move it away to go on without the metrics until now") from error
        with files.writing(file):
            os.truncate(file, end)

    def metrics(self, phase: str) -> list[dict[str, Any]]:
        """All lines of a phase; without one that a kill has cut off at the end."""
        return [line for line, _ in files.json_lines(self.metrics_file(phase), CheckpointError)]

    def metrics_file(self, phase: str) -> Path:
        """Where the metrics of a phase are."""
        return self.path / "metrics" / f"{phase}.jsonl"

    def _checkpoints(self, phase: str) -> Path:
        return self.path / "checkpoints" / phase

    def _checkpoint_files(self, phase: str) -> list[Path]:
        there = self._checkpoints(phase).glob("*.npz")
        return sorted((file for file in there if file.stem.isdecimal()), key=lambda file: int(file.stem))

    def _lock(self) -> None:
        with files.writing(self.path / "lock"):
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
        if not file.exists():
            raise CheckpointError(f"{file} does not exist: {self.path} is not a run directory")
        about = files.read_json(file, CheckpointError)
        if not {"config", "game_digest"} <= about.keys():
            raise CheckpointError(f"{file} is not the configuration of a run: it holds {', '.join(about)}")
        return about

    def _changed(self, config: Config, game: Game) -> list[str]:
        """The settings that differ from those of the run, in words. Raises CheckpointError where they must not."""
        self.check_game(game)
        old = {name: value for name, _, value in leaves(self.config())}
        changed = [(name, field, value) for name, field, value in leaves(config) if value != old[name]]
        words = {name: f"{name}: {quoted(old[name])} there, {quoted(value)} given" for name, _, value in changed}
        differing = [words[name] for name, field, _ in changed if field.metadata["fixed"]]
        if differing:
            raise CheckpointError(
                f"{self.path} holds a run with another configuration ({'; '.join(differing)}); "
                "give the same values to resume it, or another --run_dir"
            )
        return list(words.values())


def _difference(there: dict[str, Any] | None, given: dict[str, Any] | None) -> str:
    """What tells two networks of `camtf.model.loading.describe` apart, in words; empty where they are the same."""
    if there is None or given is None:
        return "" if there == given else "one is the default network"
    shapes, others = there["weights"], given["weights"]
    for path in sorted(shapes.keys() | others.keys()):
        if shapes.get(path) != others.get(path):
            return f"weight {path!r} has shape {shapes.get(path, 'none')} there, {others.get(path, 'none')} now"
    if not np.allclose(there["answers"], given["answers"], rtol=1e-3, atol=1e-3):
        return "its weights are alike, but it computes something else with them"
    return ""
