"""Files of a run: whole or not there, checked when read, without pickle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from camtf.checkpoint import CheckpointError, RunDirectory, read_arrays, write_arrays
from camtf.config import override, preset
from camtf.games.duel.roster import Roster
from camtf.types import Snapshot

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b|c/d": np.array([1 << 60])}


def test_arrays_come_back(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x.npz", ARRAYS, {"step": 3})
    arrays, meta = read_arrays(tmp_path / "x.npz")
    assert meta == {"step": 3} and all(np.array_equal(arrays[name], a) for name, a in ARRAYS.items())
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]  # no temporary file stays


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x.npz", ARRAYS, {"step": 1})
    with pytest.raises(TypeError):
        write_arrays(tmp_path / "x.npz", ARRAYS, {"step": object()})
    assert read_arrays(tmp_path / "x.npz")[1] == {"step": 1}


@pytest.mark.parametrize("keep", [0, 1, 100, -10])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    file = tmp_path / "x.npz"
    write_arrays(file, ARRAYS, {})
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"x.npz is damaged"):
        read_arrays(file)


def test_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    write_arrays(file, {"a": np.zeros(1000)}, {})
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match=r"x.npz is damaged"):
        read_arrays(file)


def test_pickled_content_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", __meta__=np.array("{}"), a=np.array([print], dtype=object))
    with pytest.raises(CheckpointError, match=r"x.npz is damaged"):
        read_arrays(tmp_path / "x.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing.npz does not exist"):
        read_arrays(tmp_path / "nothing.npz")
    with pytest.raises(CheckpointError, match=r"is not a run directory"):
        RunDirectory(tmp_path / "none").config()


def test_a_run_belongs_to_its_configuration_and_roster(tmp_path: Path, roster: Roster, plain: Roster) -> None:
    run, config = RunDirectory(tmp_path / "run"), preset("test")
    run.begin(config, roster, write=True)
    run.begin(config, roster, write=True)  # the same again is a resume
    assert run.config() == config
    with pytest.raises(CheckpointError, match=r"another configuration \(ppo.clip_epsilon: 0.2 there, 0.3 given\)"):
        run.begin(override(config, {"ppo.clip_epsilon": 0.3}), roster, write=True)
    with pytest.raises(CheckpointError, match=r"the run has the roster \w{16}, given is \w{16}"):
        run.begin(config, plain, write=True)
    (tmp_path / "run" / "config.json").write_text(json.dumps({"config": {"sed": 1}}))
    with pytest.raises(CheckpointError, match=r"not a configuration of this version"):
        run.config()
    (tmp_path / "run" / "config.json").write_text('{"config": ')
    with pytest.raises(CheckpointError, match=r"config.json is damaged"):
        run.config()


def test_snapshots_come_back(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    snapshot = Snapshot("generation_01", {"trunk/kernel": np.ones((2, 2))}, np.zeros((3, 4), np.float32))
    run.write_snapshot(run.generalist_file(1), snapshot, {"frames": 5})
    (back,) = run.generalists()
    assert back.name == "generation_01" and np.array_equal(back.weights["trunk/kernel"], np.ones((2, 2)))
    write_arrays(tmp_path / "x.npz", {"a": np.zeros(1)}, {})
    with pytest.raises(CheckpointError, match=r"x.npz holds no policy"):
        run.read_snapshot(tmp_path / "x.npz")
    with pytest.raises(CheckpointError, match=r"holds no Generalist"):
        RunDirectory(tmp_path / "empty").generalists()
