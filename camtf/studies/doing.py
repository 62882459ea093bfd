"""Carrying out the steps of a study: each once, with a log, and a file that says that it is done."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camtf import command, files
from camtf.settings import quoted
from camtf.studies.presets import StudyError
from camtf.studies.steps import Step

_RANK = re.compile(r"^\[\d+\]<std(out|err)>:")
_STOPPED = (130, -signal.SIGINT, -signal.SIGTERM)
"""What a step ends with that was asked to stop."""


class Done:
    """What is known of a step: its file ``steps/<number>.json`` says that it is done, of what, and how long it took.

    Args:
        folder: of the study.
        number: of the step, from 0.
    """

    def __init__(self, folder: Path, number: int, step: Step) -> None:
        self.step = step
        self.file = folder / "steps" / f"{number + 1:02d}.json"
        self.log = self.file.with_suffix(".log")

    def is_done(self) -> bool:
        """Raises StudyError where the file is of another command: another seed, scale, or version of the study."""
        about = self._about()
        if about and about["command"] != " ".join(self.step.command):
            raise StudyError(
                f"{self.file} is of another study: {quoted(about['command'])} there, now it would be "
                f"{quoted(' '.join(self.step.command))}; give another --run_dir, or what this one was begun with"
            )
        return bool(about.get("done"))

    def seconds(self) -> float:
        """How long it took, over all attempts."""
        return float(self._about().get("seconds", 0.0))

    def carry_out(self, ranks: int) -> None:
        """Run it, with what it prints on the screen and in its log.

        Raises SystemExit where it fails or is stopped: as long as it lasted then is counted, too.
        """
        began, before, code = time.monotonic(), self.seconds(), 1
        try:
            code = self._run(ranks)
        finally:
            took = before + time.monotonic() - began
            about = {"name": self.step.name, "command": " ".join(self.step.command)}
            files.write_json(self.file, {**about, "done": code == 0, "seconds": round(took, 3)})
        if code in _STOPPED:
            print("stopped; start the same command again to go on from there", file=sys.stderr)
            raise SystemExit(_STOPPED[0])
        if code:
            raise command.failure(f"{self.step.name} failed with {code}; what it printed is in {self.log}")

    def _run(self, ranks: int) -> int:
        program = [sys.executable if word == "python" else word for word in self.step.arguments(ranks)]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with (
            self.log.open("a", encoding="utf-8") as log,
            subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
            _passing_on(process),
        ):
            assert process.stdout is not None
            for line in process.stdout:
                text = _RANK.sub("", line)
                log.write(text)
                if not text.startswith("{"):  # a step's line for programs
                    print(text, end="", flush=True)
            return process.wait()

    def _about(self) -> dict[str, Any]:
        return files.read_json(self.file) if self.file.exists() else {}


@contextlib.contextmanager
def _passing_on(process: subprocess.Popen[str]) -> Iterator[None]:
    """What asks this process to stop asks the step. A Ctrl-C in a terminal reaches the step by itself."""
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
