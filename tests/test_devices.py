"""Timing of models: here, on a phone over adb, on a board over ssh."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from camtf.config import preset
from mobile.devices import Board, DeviceError, Phone, parse_benchmark_model
from mobile.pack import Pack
from mobile.runtime import installed_runtimes
from mobile.timing import time_pack
from tests.test_pack import change

IDS = preset("test").game.characters


def small(pack: Pack, folder: Path) -> Pack:
    """A pack of two of the models."""
    shutil.copytree(pack.folder, folder)
    kept = (f"{IDS[0]}.int8.tflite", f"{IDS[0]}.delta")
    change(folder, lambda manifest: manifest.update(models=[m for m in manifest["models"] if m["file"] in kept]))
    return Pack(folder)


def test_timing_reports_what_it_promises(pack: Pack, tmp_path: Path) -> None:
    one = small(pack, tmp_path / "small")
    results = time_pack(str(one.folder), installed_runtimes(), [1], runs=50)
    assert [r["runtime"] for r in results] == 2 * installed_runtimes()
    for r, model in zip(results, np.repeat(one.models, len(installed_runtimes())), strict=True):
        assert 0 < r["median_us"] <= r["p95_us"] <= r["p99_us"]
        assert r["decision_median_us"] > r["median_us"] and r["size_bytes"] == model.size_bytes
        assert r["model_sha256"] == model.model_sha256
        assert r["memory_kib"] >= 0 and r["load_us"] > 0 and r["cold_median_us"] > 0


TRANSCRIPT = """STARTING!
INFO: Loaded model /data/local/tmp/camtf/model.tflite
INFO: The input model file size (MB): 0.08056
INFO: Initialized session in 1.204ms.
INFO: count=300 first=71 curr=9 min=9 max=71 avg=9.61 std=4 p5=9 median=9 p95=11
INFO: count=500 first=9 curr=9 min=8 max=34 avg=9.1e+00 std=1 p5=9 median=9 p95=10
INFO: Inference timings in us: Init: 1204, First inference: 71, Warmup (avg): 9.61, Inference (avg): 9.1
INFO: Overall peak memory footprint (MB) via periodic monitoring: 3.25
"""
"""What ``benchmark_model`` prints, in its format."""

STAND_IN_ADB = """#!/usr/bin/env python3
import json, pathlib, shutil, sys
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
with open(here / "calls.jsonl", "a") as log:
    log.write(json.dumps(arguments) + "\\n")
assert arguments[:2] == ["-s", "phone1"], arguments
verb, *rest = arguments[2:]
phone = here / "phone"
if verb == "push":
    source, target = rest
    assert target.startswith("/data/local/tmp/camtf/"), target
    shutil.copy(source, phone / pathlib.Path(target).name)
elif rest[0].startswith("mkdir"):
    phone.mkdir()
elif rest[0].startswith("rm -r"):
    shutil.rmtree(phone)
elif rest[0].startswith("cat"):
    count = here / "charge"
    left = int(count.read_text()) if count.exists() else 3000000
    count.write_text(str(left - 40))
    print(left, 4000000, sep="\\n")
elif "benchmark_model --graph" in rest[0]:
    assert (phone / "model.tflite").exists()
    if (here / "broken").exists():
        print("error: cannot open the model", file=sys.stderr)
        sys.exit(1)
    print((here / "transcript").read_text())
else:
    assert rest[0].startswith("chmod +x"), rest
"""


@pytest.fixture
def adb(tmp_path: Path) -> Path:
    """A stand-in for adb, which checks every call, keeps what is pushed, and replays a transcript: no phone is here."""
    program = tmp_path / "adb"
    program.write_text(STAND_IN_ADB)
    program.chmod(0o755)
    (tmp_path / "transcript").write_text(TRANSCRIPT)
    (tmp_path / "benchmark_model").write_bytes(b"ELF")
    return program


def test_a_phone_is_timed_over_adb_and_left_clean(pack: Pack, adb: Path, tmp_path: Path) -> None:
    one = small(pack, tmp_path / "small")
    results = Phone(str(adb), tmp_path / "benchmark_model", "phone1").time_pack(one, [1, 2], 500)
    assert [(r["precision"], r["threads"]) for r in results] == [("int8", 1), ("int8", 2), ("delta", 1), ("delta", 2)]
    first = results[0]
    assert (first["median_us"], first["p95_us"], first["p99_us"]) == (9, 10, None)
    assert first["load_us"] == 1204 and first["cold_median_us"] == 71 and first["memory_kib"] == 3328
    assert first["energy_uj"] == pytest.approx(40 * 3600 * 4 / 800)  # microampere hours at 4 V, over 800 runs
    calls = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert calls[-1][2:] == ["shell", "rm -r /data/local/tmp/camtf"] and not (tmp_path / "phone").exists()
    (command, *_) = [call[3] for call in calls if "--graph" in call[3]]
    assert "--num_runs=500" in command and "--num_threads=1" in command
    assert re.search(r"--input_layer=act_\w+:0,act_\w+:0,act_\w+:0,act_\w+:0 ", command)
    assert "act_element::0:/data/local/tmp/camtf/element.bin" in command  # a colon in a name is written twice
    pushed = [call[4].rsplit("/", 1)[1] for call in calls if call[2] == "push"]
    assert pushed.count("model.tflite") == 2 and pushed.count("element.bin") == 2


def test_a_phone_that_fails_is_left_clean(pack: Pack, adb: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(DeviceError, match=r"benchmark_model --graph.* failed: error: cannot open the model"):
        Phone(str(adb), tmp_path / "benchmark_model", "phone1").time_pack(pack, [1], 500)
    assert not (tmp_path / "phone").exists()
    with pytest.raises(DeviceError, match="nothing does not exist; it is TensorFlow's benchmark_model"):
        Phone(str(adb), tmp_path / "nothing")
    with pytest.raises(DeviceError, match="no-such-adb is not installed"):
        Phone("no-such-adb", tmp_path / "benchmark_model").time_pack(pack, [1], 500)
    with pytest.raises(DeviceError, match="benchmark_model printed no timing"):
        parse_benchmark_model("Loaded model")


def test_a_board_is_timed_over_ssh_and_left_clean(pack: Pack, tmp_path: Path) -> None:
    """Stand-ins for ssh and scp, whose other machine is a folder of this one; there the real timing runs, with nothing
    of camtf beside it."""
    ssh, scp, board = tmp_path / "ssh", tmp_path / "scp", tmp_path / "board"
    board.mkdir()
    ssh.write_text(f'#!/bin/sh\n[ "$1" = pi@board ] || exit 9\ncd {board} && TMPDIR={board} PYTHONPATH= sh -c "$2"\n')
    scp.write_text('#!/bin/sh\nfor last; do :; done\nset -- "$@" --\nargs=""\nwhile [ "$1" != "$last" ]; do\n'
                   '  [ "$1" = -q ] || args="$args $1"; shift\ndone\nexec cp $args "${last#pi@board:}"\n')  # fmt: skip
    for program in (ssh, scp):
        program.chmod(0o755)
    one = small(pack, tmp_path / "small")
    results = Board("pi@board", sys.executable, str(ssh), str(scp)).time_pack(one, [1], 30)
    assert [r["precision"] for r in results] == ["int8", "int8", "delta", "delta"]
    assert all(r["median_us"] > 0 for r in results) and list(board.iterdir()) == []
    with pytest.raises(DeviceError, match=r"ssh other .mktemp -d. failed"):
        Board("other", ssh=str(ssh), scp=str(scp)).time_pack(one, [1], 30)
    for printing in ("true", "echo nonsense", "echo {}"):
        with pytest.raises(DeviceError, match=r"mobile\.timing printed no results"):
            Board("pi@board", f"{printing} #", str(ssh), str(scp)).time_pack(one, [1], 30)


def test_the_device_part_imports_neither_tensorflow_nor_camtf() -> None:
    program = (
        "import sys, mobile.timing, mobile.decisions, mobile.runtime\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'camtf', 'keras', 'absl')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
