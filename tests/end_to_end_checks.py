"""What must hold of any run that went through the whole line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from camtf.checkpoint import RunDirectory
from camtf.types import Observation
from mobile.pack import Pack
from mobile.positions import Specialists
from mobile.runtime import open_policy


def check_exported(run: Path, models: Path) -> None:
    """A decision of every Specialist's float32 model is Keras's, at a start of the game."""
    specialists, pack = Specialists(RunDirectory(run)), Pack(models)
    n = len(specialists.ids)
    everyone = np.array([specialists.characters, specialists.characters[::-1]])
    seen = specialists.game.make(3, np.arange(n)).reset(everyone)
    assert {entry.character for entry in pack.models} == set(specialists.ids)
    for entry in pack.models:
        row = specialists.ids.index(entry.character)
        own = Observation(*(x[0, row : row + 1] for x in seen))
        mixture = specialists.mixture(entry.character)[None]
        expected = specialists.policy(entry.character)(Observation(*map(tf.constant, own)), tf.constant(mixture))
        if entry.precision == "float32":
            policy = open_policy(pack, entry, "")
            movement, skill = policy.logits(*(own._asdict()[name] for name in policy.inputs))[:2]
            np.testing.assert_allclose(movement, expected.movement, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(skill, expected.skill, rtol=1e-4, atol=1e-5)
