"""`Exporter`: from a run to a pack, whole or not at all."""

from __future__ import annotations

import contextlib
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from camtf.checkpoint import RunDirectory
from camtf.evaluation.columns import bar
from camtf.evaluation.record import FILE as EVALUATION
from camtf.files import FileError, check_writable
from camtf.model.policy import BuildNetwork, Policy
from camtf.progress import Progress
from camtf.provenance import provenance
from camtf.settings import quoted
from mobile import deltas, golden
from mobile.contract import describe_inputs, describe_outputs
from mobile.convert import ActModule, convert
from mobile.files import PackError, digest, read
from mobile.fold import Network, fold
from mobile.pack import (
    GENERALIST,
    HEADS,
    MANIFEST,
    PRECISIONS,
    Entry,
    Pack,
    check_names,
    golden_file,
    manifest_bytes,
)
from mobile.positions import Specialists
from mobile.results import read_evaluation
from mobile.runtime import SIGNATURE
from mobile.staging import Staging
from mobile.weights import common_base, weight_tensors

_GOLDEN = 64
_BASE = "base.tflite"
_MAKER = 2
"""Raise it when the same weights and settings come to make other files."""

_WEIGHT_BYTES = {"float32": 4.0, "float16": 2.0, "int8": 1.0}
"""What a file takes for a weight, about."""


LIMITS = {"batch": (1, 1024), "calibration": (1, 100_000), "coarseness": (1e-3, 100.0), "seed": (0, 2**31 - 1)}
"""Least and most of each number in `Options`."""


@dataclass(frozen=True)
class Options:
    """How to export.

    Attributes:
        precisions: of `mobile.pack.PRECISIONS`.
        batch: rows that a model takes at once.
        value: also return the critic's value.
        generalist: also export the last Generalist, which takes the opponent mixture as one more input.
        calibration: observations of own battles that the ranges of int8 are taken from, per model.
        coarseness: of the steps of a delta, see `mobile.deltas.quantise`.
        seed: of the battles that calibration and golden observations come from.

    Raises:
        ValueError: a value is not allowed.
    """

    precisions: tuple[str, ...] = tuple(PRECISIONS)
    batch: int = 1
    value: bool = False
    generalist: bool = False
    calibration: int = 200
    coarseness: float = 0.5
    seed: int = 30_000

    def __post_init__(self) -> None:
        given = self.precisions
        if not given or len(set(given)) < len(given) or not set(given) <= set(PRECISIONS):
            raise ValueError(
                f"precision must be some of {', '.join(PRECISIONS)}, each once, got {quoted(','.join(given))}"
            )
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"{name} must be in [{low}, {high}], got {quoted(value)}")


@dataclass(frozen=True)
class _Plan:
    """What is to be done for one policy: entries that can stay, and precisions that are to be made."""

    name: str
    kept: dict[str, Entry]
    todo: tuple[str, ...]
    golden: dict[str, Any] | None  # its entry in the manifest, where that can stay


class Exporter:
    """Writes the pack of a run: all of it, or nothing where it fails.

    Args:
        build: made the run's networks; where None, what the run's configuration names.

    Raises:
        CheckpointError: the run is not finished or damaged.
        FileError: the folder cannot be written to.
        PackError: a character's id cannot name files, or the run's evaluation is of other weights.
        ValueError: the Generalist is to be exported, but there is not one for all characters; or the value is, but what
            the Specialists' critics say is added to another.
    """

    def __init__(self, run: RunDirectory, folder: Path, options: Options, build: BuildNetwork | None = None) -> None:
        check_writable(folder / MANIFEST)
        self.specialists = Specialists(run, build)
        self.folder = folder
        self.options = options
        self.kept = 0
        if options.generalist:
            _ = self.specialists.generalist  # refuses where there is none, before anything is made
        if options.value and self.specialists.config.specialists.advantage == "residual":
            raise ValueError(
                f"value must not be asked for of {run.path}: specialists.advantage = residual trains critics that say "
                "what is added to the Generalist's value"
            )
        self.outputs = [*HEADS, *(["value"] if options.value else [])]
        check_names(self.specialists.ids)
        self._win_rates = self._evaluated(run.path / EVALUATION)
        self._before: dict[str, Any] = {}
        self._entries: dict[str, Entry] = {}
        with contextlib.suppress(PackError):  # what is no pack yet, or not any more, is made anew
            before = Pack(folder)
            self._before, self._entries = before.manifest, {entry.file: entry for entry in before.models}

    def export(self) -> list[Entry]:
        """Write the models, the golden observations and the manifest. Returns the manifest's entries.

        Raises FileError where something cannot be written.
        """
        names = [*self.specialists.ids, *([GENERALIST] if self.options.generalist else [])]
        plans = [self._plan(name) for name in names]
        self.kept = sum(len(plan.kept) for plan in plans)
        entries: list[Entry] = []
        floats: dict[str, bytes] = {}
        about: dict[str, Any] = {"golden": {}}
        with Staging(self.folder) as staging:
            self._check_room(plans)
            progress = Progress()
            for done, plan in enumerate(plans):
                if progress.due():
                    progress.show(f"export {bar(done, len(plans))} {done} of {len(plans)} characters, now {plan.name}")
                entries += self._export_one(plan, floats, about["golden"], staging)
            if "delta" in self.options.precisions:
                about["deltas"], more = self._export_deltas(floats, staging)
                entries += more
            manifest = {**self._describe(), **about, **provenance()}
            staging.write(MANIFEST, manifest_bytes(self.folder, entries, manifest))
            staging.commit()
        return entries

    def _plan(self, name: str) -> _Plan:
        wanted = [p for p in self.options.precisions if p != "delta"]
        kept = {p: entry for p in wanted if (entry := self._kept(name, p))}
        golden = self._before.get("golden", {}).get(name)
        stays = golden and golden["source"] == self._source(name, "golden") and self._is_whole(**golden)
        return _Plan(name, kept, tuple(p for p in wanted if p not in kept), golden if stays else None)

    def _kept(self, name: str, precision: str) -> Entry | None:
        """The entry of a file that need not be made again."""
        entry = self._entries.get(f"{name}.{precision}.tflite")
        if entry is None or entry.source != self._source(name, precision):
            return None
        if not self._is_whole(entry.file, entry.sha256, entry.size_bytes):
            return None
        return replace(entry, win_rate=self._win_rates.get(name))

    def _is_whole(self, file: str, sha256: str, size_bytes: int, source: str = "") -> bool:
        with contextlib.suppress(PackError):
            return bool(read(self.folder / file, size_bytes, sha256))
        return False

    def _check_room(self, plans: list[_Plan]) -> None:
        """Raises FileError where the disk has not the room that the new models will take, about."""
        weights = sum(w.size for w in next(iter(self.specialists.snapshots.values())).weights.values())
        needed = sum(_WEIGHT_BYTES[precision] * weights for plan in plans for precision in plan.todo)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise FileError(
                f"{self.folder} will need about {needed:,.0f} bytes, {free:,} are free: {needed - free:,.0f} are "
                "missing; make room and start the same command again"
            )

    def _export_one(
        self, plan: _Plan, floats: dict[str, bytes], goldens: dict[str, Any], staging: Staging
    ) -> list[Entry]:
        """The TFLite files of one policy; its float32 model goes into ``floats``, where deltas need it."""
        name, entries = plan.name, dict(plan.kept)
        if plan.golden:
            goldens[name] = plan.golden
        make_float = "delta" in self.options.precisions and name != GENERALIST
        if make_float and "float32" in entries:
            floats[name] = (self.folder / entries["float32"].file).read_bytes()
        if plan.todo or not plan.golden or (make_float and name not in floats):
            keras.utils.clear_session()  # so that layers get the same names in every model
            network, example = self._network(name), self._example(name)
            if not plan.golden:
                first = {key: x[:_GOLDEN] for key, x in example.items()}
                goldens[name] = self._write_golden(name, network, first, staging)
            shipped = ActModule(network, example, self.outputs, self.options.batch)
            calibration = {key: example[key][_GOLDEN:] for key in shipped.inputs}
            precisions = dict.fromkeys([*plan.todo, *(["float32"] if make_float and name not in floats else [])])
            for precision, content in convert(shipped, list(precisions), calibration, self.options.batch).items():
                if precision == "float32" and make_float:
                    floats[name] = content
                if precision in plan.todo:
                    file = f"{name}.{precision}.tflite"
                    staging.write(file, content)
                    entries[precision] = self._entry(file, name, precision, content, content)
        return [entries[p] for p in self.options.precisions if p != "delta"]

    def _write_golden(
        self, name: str, network: Network | Policy, example: dict[str, np.ndarray], staging: Staging
    ) -> dict[str, Any]:
        module = ActModule(network, example, self.outputs, 1)
        inputs = {key: example[key] for key in module.inputs}
        rows = [module.act(*(x[i : i + 1] for x in inputs.values())) for i in range(_GOLDEN)]
        heads = {head: np.concatenate([row[head].numpy() for row in rows]) for head in self.outputs}
        file, content = golden_file(name), golden.encode({**inputs, **heads})
        staging.write(file, content)
        return {
            "file": file, "sha256": digest(content), "size_bytes": len(content), "source": self._source(name, "golden")
        }  # fmt: skip

    def _export_deltas(self, floats: dict[str, bytes], staging: Staging) -> tuple[dict[str, Any], list[Entry]]:
        """What the manifest says of the base, and the entries of the deltas."""
        tensors = weight_tensors(next(iter(floats.values())))
        base = common_base(list(floats.values()), tensors)
        staging.write(_BASE, base)
        about = {
            "base": _BASE, "sha256": digest(base), "size_bytes": len(base), "tensors": [list(t) for t in tensors],
        }  # fmt: skip
        entries = []
        for name, model in floats.items():
            file, delta = f"{name}.delta", deltas.encode(base, model, tensors, self.options.coarseness)
            staging.write(file, delta)
            entries.append(self._entry(file, name, "delta", delta, deltas.decode(base, delta, tensors)))
        return about, entries

    def _entry(self, file: str, name: str, precision: str, content: bytes, model: bytes) -> Entry:
        return Entry(
            file, name, precision, digest(content), len(content), digest(model), self._source(name, precision),
            PRECISIONS[precision], self._win_rates.get(name),
        )  # fmt: skip

    def _network(self, name: str) -> Network | Policy:
        if name == GENERALIST:
            return self.specialists.generalist_policy()
        return fold(self.specialists.policy(name), self.specialists.mixture(name), self.specialists.own_element(name))

    def _example(self, name: str) -> dict[str, np.ndarray]:
        """Inputs of real battles, golden ones first. Raises ValueError where what is to be constant is not."""
        count = self.options.calibration + _GOLDEN
        if name == GENERALIST:
            return self.specialists.generalist_positions(count, self.options.seed)
        seen, own = self.specialists.positions(name, count, self.options.seed), self.specialists.own_element(name)
        if own is not None and (seen.element[:, 0] != own).any():
            raise ValueError(
                f"the game {self.specialists.game.name} has GameSpec.fixed_elements, but the own row of the Element "
                f"module of {name} changes in play"
            )
        return seen._asdict()

    def _source(self, name: str, precision: str) -> str:
        """Digest of all that a model, or golden observations, are made from."""
        options = self.options
        settings: list[Any] = [_MAKER, tf.__version__, precision, options.batch, options.value]
        if precision in ("int8", "golden"):
            settings += [options.calibration, options.seed]
        if precision == "delta":
            settings += [options.coarseness]
        specialists = self.specialists
        own = [] if name == GENERALIST else [specialists.snapshots[name].digest]
        population = dict.fromkeys(s.digest for s in specialists.generalists.values())
        settings += [*own, *population, specialists.game.digest]
        return digest(repr(settings).encode())

    def _evaluated(self, file: Path) -> dict[str, dict[str, Any]]:
        """Win rates of the Specialists by character, where the run has been evaluated."""
        if not file.exists():
            return {}
        evaluation = read_evaluation(file, self.specialists.weights)
        table = evaluation.table("specialist", "trained")
        return {character: table.rate(k) for k, character in enumerate(evaluation.characters)}

    def _describe(self) -> dict[str, Any]:
        """What is the same for all models of the pack."""
        specialists, batch = self.specialists, self.options.batch
        mixtures = {i: specialists.generalist_mixture(i).tolist() for i in specialists.ids}
        return {
            "game": specialists.game.name,
            "game_digest": specialists.game.digest,
            "signature": SIGNATURE,
            "batch": batch,
            "run": str(specialists.run.path),
            "weights": specialists.weights,
            "inputs": describe_inputs(specialists.game.spec, batch),
            "outputs": describe_outputs(specialists.game.spec, batch, self.outputs),
            **({"mixtures": mixtures} if self.options.generalist else {}),
        }
