"""What a phase writes for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import metadata

from camtf.checkpoint import RunDirectory
from camtf.config import leaves, override, preset
from camtf.monitor import Monitor


def test_every_setting_is_a_hyperparameter_of_the_phase(tmp_path: Path) -> None:
    config = override(preset("test"), {"ppo.learning_rate": 0.125, "generalists.belief": True})
    policy: Any = None  # no histogram is due
    monitor = Monitor(RunDirectory(tmp_path / "mine"), "generation_01", 3, 0, 640, config)
    for number in (1, 2):
        monitor.update(number, {"win_rate": 0.25 * number, "entropy": 1.0, "kl": 0.1}, policy, dict)
    monitor.close()
    (file,) = (tmp_path / "mine" / "tensorboard" / "generation_01").iterdir()
    values = [v for event in tf.compat.v1.train.summary_iterator(str(file)) for v in event.summary.value]
    (told,) = (v for v in values if v.metadata.plugin_data.plugin_name == metadata.PLUGIN_NAME and v.tag)
    start = metadata.parse_session_start_info_plugin_data(told.metadata.plugin_data.content)
    found = {
        name: value.WhichOneof("kind") and getattr(value, value.WhichOneof("kind"))
        for name, value in start.hparams.items()
    }
    assert found.keys() == {name for name, _, _ in leaves(config)} and start.group_name == "mine/generation_01"
    assert found["ppo.learning_rate"] == 0.125 and found["generalists.belief"] is True
    assert found["game.characters"] == "ember_fox,gale_archer" and found["network.trunk"] == "32"
    rates = [float(tf.make_ndarray(v.tensor)) for v in values if v.tag == "win_rate"]
    assert rates == [0.25, 0.5]
