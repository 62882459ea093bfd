"""What a phase shows while it trains: a line of progress, one JSON line per update, TensorBoard."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from camtf import files
from camtf.checkpoint import RunDirectory
from camtf.config import Config, leaves
from camtf.evaluation.columns import bar
from camtf.model.policy import Policy
from camtf.progress import Progress

Pictures = Callable[[], Mapping[str, np.ndarray]]
"""Draws what there is to see, by name, uint8 ``[height, width, 3]``."""

_WRITE_ERRORS = {tf.errors.ResourceExhaustedError: errno.ENOSPC, tf.errors.OutOfRangeError: errno.EFBIG}
"""What TensorFlow calls these two where it writes a file."""


class Monitor:
    """Rank 0 calls `update` after every update.

    Args:
        updates, done: updates of the whole phase, and how many were already made when it began.
        frames_per_update: learner frames of an update, over all ranks.
        config: of the run; TensorBoard's HParams get all its settings.
    """

    def __init__(
        self, run: RunDirectory, phase: str, updates: int, done: int, frames_per_update: int, config: Config
    ) -> None:
        self._run, self._phase, self._config = run, phase, config
        self._folder = run.path / "tensorboard" / phase
        self._updates, self._done = updates, done
        self._frames_per_update = frames_per_update
        self._began, self._progress = time.monotonic(), Progress()
        self._bots: dict[str, float] = {}  # at the last look at them
        self._writer: tf.summary.SummaryWriter | None = None

    def update(self, number: int, metrics: dict[str, float], policy: Policy, pictures: Pictures) -> None:
        """Take in the metrics of an update, which counts from 1, and what to draw when pictures are due.

        Raises FileError where they cannot be written.
        """
        frames = number * self._frames_per_update
        rate = (number - self._done) * self._frames_per_update / max(time.monotonic() - self._began, 1e-9)
        self._run.append_metrics(self._phase, {"update": number, "frames": frames, **metrics})
        self._summarise(number, metrics, policy, pictures)
        self._bots |= {name: value for name, value in metrics.items() if name.startswith("v_")}
        if number == self._updates:
            self._progress.end(self._line(number, frames, rate, metrics))
        elif self._progress.due():
            self._progress.show(self._line(number, frames, rate, metrics))

    def close(self) -> None:
        """Write what is left. Raises FileError where it cannot be written."""
        if self._writer is not None:
            with self._writing():
                self._writer.close()

    def _line(self, number: int, frames: int, rate: float, metrics: dict[str, float]) -> str:
        wins = [f"others {metrics['win_rate']:.2f}"]
        wins += [f"{name.removeprefix('v_')} {won:.2f}" for name, won in self._bots.items()]
        seconds = (self._updates - number) * self._frames_per_update / rate
        return (
            f"{self._phase} {bar(number, self._updates)} {frames:,} of {self._updates * self._frames_per_update:,} "
            f"frames, {rate:,.0f} frames/s, {seconds:.0f} s left; "
            f"wins: {', '.join(wins)}; entropy {metrics['entropy']:.2f}, kl {metrics['kl']:.4f}"
        )

    def _summarise(self, number: int, metrics: dict[str, float], policy: Policy, pictures: Pictures) -> None:
        with self._writing():
            if self._writer is None:
                self._writer = tf.summary.create_file_writer(str(self._folder))
                with self._writer.as_default(step=number):
                    hparams.hparams(settings(self._config), trial_id=f"{self._run.path.resolve().name}/{self._phase}")
            with self._writer.as_default(step=number):
                for name, value in metrics.items():
                    tf.summary.scalar(name, value)
                every = self._config.histogram_updates
                if every and number % every == 0:
                    for name, picture in pictures().items():
                        tf.summary.image(name, picture[None])
                    for path, weight in policy.get_weights().items():
                        tf.summary.histogram(path, weight)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Within, what TensorFlow says of the folder becomes a FileError."""
        with files.writing(self._folder):
            try:
                yield
            except tf.errors.OpError as error:
                if str(self._folder) not in error.message:
                    raise
                reason = error.message.split("; ", 1)[-1].split("\n")[0]
                raise OSError(_WRITE_ERRORS.get(type(error), errno.EIO), reason) from error


def settings(config: Config) -> dict[str, bool | int | float | str]:
    """Every setting by its dotted name, as TensorBoard's HParams take it: a tuple as one string."""
    return {name: ",".join(map(str, value)) if isinstance(value, tuple) else value for name, _, value in leaves(config)}
