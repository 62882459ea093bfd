"""What a phase shows while it trains: log lines, one JSON line per update, TensorBoard."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf
from absl import logging

from camtf import files
from camtf.checkpoint import RunDirectory
from camtf.evaluation.columns import bar
from camtf.model.policy import Policy

_LOG_SECONDS = 10.0
Pictures = Callable[[], Mapping[str, np.ndarray]]
"""Draws what there is to see, by name, uint8 ``[height, width, 3]``."""

_WRITE_ERRORS = {tf.errors.ResourceExhaustedError: errno.ENOSPC, tf.errors.OutOfRangeError: errno.EFBIG}
"""What TensorFlow calls these two where it writes a file."""


class Monitor:
    """Rank 0 calls `update` after every update.

    Args:
        updates, done: updates of the whole phase, and how many were already made when it began.
        frames_per_update: learner frames of an update, over all ranks.
        histogram_updates: updates between two histograms of the weights and two rows of pictures, 0 for none.
    """

    def __init__(
        self, run: RunDirectory, phase: str, updates: int, done: int, frames_per_update: int, histogram_updates: int
    ) -> None:
        self._run, self._phase = run, phase
        self._folder = run.path / "tensorboard" / phase
        self._updates, self._done = updates, done
        self._frames_per_update = frames_per_update
        self._histogram_updates = histogram_updates
        self._began = self._last = time.monotonic()
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
        now = time.monotonic()
        if now - self._last >= _LOG_SECONDS or number == self._updates:
            self._last = now
            self._log(number, frames, rate, metrics)

    def close(self) -> None:
        """Write what is left. Raises FileError where it cannot be written."""
        if self._writer is not None:
            with self._writing():
                self._writer.close()

    def _log(self, number: int, frames: int, rate: float, metrics: dict[str, float]) -> None:
        bots = [f"{name.removeprefix('v_')} {won:.2f}" for name, won in self._bots.items()]
        logging.info(
            "%s %s %s of %s frames, %s frames/s, %d s left; wins: %s; entropy %.2f, kl %.4f",
            self._phase, bar(number, self._updates), f"{frames:,}",
            f"{self._updates * self._frames_per_update:,}", f"{rate:,.0f}",
            (self._updates - number) * self._frames_per_update / rate,
            ", ".join([f"others {metrics['win_rate']:.2f}", *bots]),
            metrics["entropy"], metrics["kl"],
        )  # fmt: skip

    def _summarise(self, number: int, metrics: dict[str, float], policy: Policy, pictures: Pictures) -> None:
        with self._writing():
            if self._writer is None:
                self._writer = tf.summary.create_file_writer(str(self._folder))
            with self._writer.as_default(step=number):
                for name, value in metrics.items():
                    tf.summary.scalar(name, value)
                if self._histogram_updates and number % self._histogram_updates == 0:
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
