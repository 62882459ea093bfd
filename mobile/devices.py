"""Other machines to time a pack on: an Android phone over adb, a board over ssh. Both are left as they were."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from camtf.evaluation.columns import bar
from camtf.progress import Progress
from mobile.pack import INPUTS, Entry, Pack
from mobile.runtime import SIGNATURE, load_interpreter
from mobile.timing import golden_rows

_PHONE_FOLDER = "/data/local/tmp/camtf"
_NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
_DEVICE_MODULES = ("__init__", "deltas", "files", "golden", "pack", "runtime", "timing")
_BATTERY = "/sys/class/power_supply/battery"


class DeviceError(RuntimeError):
    """A call of the device failed. Names the command and what it printed."""


class Phone:
    """An Android phone, timed by TensorFlow's own ``benchmark_model``.

    Args:
        adb: the adb program.
        benchmark_model: TensorFlow's binary for the phone's processor.
        serial: which phone, where several are connected.
    """

    def __init__(self, adb: str, benchmark_model: Path, serial: str = "") -> None:
        if not benchmark_model.is_file():
            raise DeviceError(f"{benchmark_model} does not exist; it is TensorFlow's benchmark_model for the phone")
        self._adb = [adb, *(["-s", serial] if serial else [])]
        self._binary = benchmark_model

    def time_pack(self, pack: Pack, threads: list[int], runs: int) -> list[dict[str, Any]]:
        """Every model with every number of threads. Keys as those of `mobile.timing.time_model`, as far as
        ``benchmark_model`` tells: it has no 99th percentile and knows inference alone; what it does not tell is None.
        """
        self._call("shell", f"mkdir -p {_PHONE_FOLDER}")
        try:
            self._call("push", str(self._binary), f"{_PHONE_FOLDER}/benchmark_model")
            self._call("shell", f"chmod +x {_PHONE_FOLDER}/benchmark_model")
            results, progress, whole = [], Progress(), len(pack.models)
            for done, model in enumerate(pack.models):
                if progress.due():
                    progress.show(f"timing on the phone {bar(done, whole)} {done} of {whole} models")
                results += self._time_model(pack, model, threads, runs)
            return results
        finally:
            self._call("shell", f"rm -r {_PHONE_FOLDER}")

    def _time_model(self, pack: Pack, model: Entry, threads: list[int], runs: int) -> list[dict[str, Any]]:
        content = pack.read(model)
        details = load_interpreter(content).get_signature_runner(SIGNATURE).get_input_details()
        row = dict(zip((name for name in INPUTS if name in details), golden_rows(pack, model)[0], strict=True))
        in_order = sorted(details, key=lambda name: details[name]["index"])
        with tempfile.TemporaryDirectory() as scratch:
            files = {"model.tflite": content, **{f"{name}.bin": _raw(row[name]) for name in in_order}}
            for name, data in files.items():
                (Path(scratch) / name).write_bytes(data)
                self._call("push", str(Path(scratch) / name), f"{_PHONE_FOLDER}/{name}")
        layers = [details[name]["name"] for name in in_order]
        # Real inputs: random ids would point outside the embedding. A colon in a name is written twice.
        values = [
            f"{layer.replace(':', '::')}:{_PHONE_FOLDER}/{name}.bin"
            for layer, name in zip(layers, in_order, strict=True)
        ]
        command = [
            f"{_PHONE_FOLDER}/benchmark_model", f"--graph={_PHONE_FOLDER}/model.tflite", f"--num_runs={runs}",
            "--warmup_runs=300", "--warmup_min_secs=0", "--min_secs=0", "--report_peak_memory_footprint=true",
            f"--input_layer={','.join(layers)}",
            f"--input_layer_shape={':'.join(','.join(map(str, row[name].shape)) for name in in_order)}",
            f"--input_layer_value_files={','.join(values)}",
        ]  # fmt: skip
        results = []
        for count in threads:
            before = self._charge()
            printed = self._call("shell", shlex.join([*command, f"--num_threads={count}"]))
            energy = _energy_uj(before, self._charge(), runs + 300)
            results.append(
                {
                    "model": model.character, "precision": model.precision, "model_sha256": model.model_sha256,
                    "runtime": "benchmark_model", "threads": count, **parse_benchmark_model(printed),
                    "size_bytes": model.size_bytes, "energy_uj": energy,
                }
            )  # fmt: skip
        return results

    def _charge(self) -> tuple[float, float] | None:
        """Charge of the battery in microampere hours and its voltage in microvolts, where the phone tells."""
        try:
            printed = self._call("shell", f"cat {_BATTERY}/charge_counter {_BATTERY}/voltage_now")
            charge, voltage = map(float, printed.split())
        except (DeviceError, ValueError):
            return None
        return charge, voltage

    def _call(self, *arguments: str) -> str:
        return _run([*self._adb, *arguments], errors_too=True)


def parse_benchmark_model(printed: str) -> dict[str, float | None]:
    """Times in microseconds and memory in KiB from what ``benchmark_model`` prints. Raises DeviceError where it has
    printed no timing."""
    # One such line for the warm-up, then one for the timed runs.
    lines = re.findall(r"count=.*\bavg=.*", printed)
    init = re.search(rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}", printed)
    if not lines or init is None:
        raise DeviceError(f"benchmark_model printed no timing:\n{printed[-2000:]}")

    def number(name: str, text: str) -> float | None:
        found = re.search(rf"\b{name}={_NUMBER}", text)
        return float(found[1]) if found else None

    peak = re.search(rf"Overall peak memory footprint \(MB\)[^:]*: {_NUMBER}", printed)
    median = number("median", lines[-1])
    return {
        "median_us": median if median is not None else number("avg", lines[-1]),
        "p95_us": number("p95", lines[-1]),
        "p99_us": None,
        "decision_median_us": None,
        "cold_median_us": float(init[2]),
        "load_us": float(init[1]),
        "memory_kib": float(peak[1]) * 1024 if peak else None,
    }


class Board:
    """A machine with ssh, Python, NumPy and a TFLite runtime, timed by `mobile.timing`.

    Args:
        host: as ssh takes it.
        python: the interpreter there.
        ssh, scp: the programs here.
    """

    def __init__(self, host: str, python: str = "python3", ssh: str = "ssh", scp: str = "scp") -> None:
        self._host, self._python, self._ssh, self._scp = host, python, ssh, scp

    def time_pack(self, pack: Pack, threads: list[int], runs: int) -> list[dict[str, Any]]:
        """As `mobile.timing.time_pack`, there."""
        folder = self._shell("mktemp -d").strip()
        try:
            here = Path(__file__).parent
            sent = [*(f"{module}.py" for module in _DEVICE_MODULES), "manifest.schema.json"]
            self._shell(f"mkdir {shlex.quote(folder)}/mobile")
            _run([self._scp, "-q", *(str(here / name) for name in sent), f"{self._host}:{folder}/mobile/"])
            _run([self._scp, "-q", "-r", str(pack.folder), f"{self._host}:{folder}/pack"])
            wanted = shlex.quote(json.dumps({"folder": "pack", "threads": threads, "runs": runs}))
            printed = self._shell(f"cd {shlex.quote(folder)} && {self._python} -m mobile.timing {wanted}")
            return _results(printed)
        finally:
            self._shell(f"rm -r {shlex.quote(folder)}")

    def _shell(self, command: str) -> str:
        return _run([self._ssh, self._host, command])


def _results(printed: str) -> list[dict[str, Any]]:
    """What `mobile.timing` prints in its last line. Raises DeviceError where it did not."""
    with contextlib.suppress(ValueError, IndexError):
        results = json.loads(printed.strip().splitlines()[-1])
        if isinstance(results, list):
            return results
    raise DeviceError(f"mobile.timing printed no results:\n{printed[-2000:]}")


def _run(command: list[str], errors_too: bool = False) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DeviceError(f"{command[0]} is not installed") from error
    if done.returncode:
        raise DeviceError(f"{shlex.join(command)} failed: {(done.stderr or done.stdout).strip()[-1000:]}")
    return done.stdout + (done.stderr if errors_too else "")


def _raw(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _energy_uj(before: tuple[float, float] | None, after: tuple[float, float] | None, runs: int) -> float | None:
    """Energy of one run from the battery's charge; None where it does not tell or did not move."""
    if before is None or after is None or before[0] <= after[0]:
        return None
    return round((before[0] - after[0]) * 3600 * (before[1] + after[1]) / 2 / 1e6 / runs, 2)
