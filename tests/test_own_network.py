"""The example of the manual for users' own networks: it is run as it stands there, and it learns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from camtf import load_roster
from camtf.evaluation.battles import PolicySide, PoolSide, play
from camtf.games.duel.game import Duel

TEXT = (Path(__file__).parents[1] / "docs" / "own_network.md").read_text(encoding="utf-8")


def test_it_learns_to_beat_how_it_began(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, Any] = {"__name__": "own_network"}
    exec(compile(program, "docs/own_network.md", "exec"), names)
    policy, begin, mixture = names["train"](tmp_path / "run")
    characters = np.arange(16)
    sides = PolicySide(policy, mixture, characters), PoolSide(begin, np.zeros(16, int), characters)
    won = play(Duel(load_roster()), *sides, np.stack([characters, characters], 1), games=16, seed=3)
    assert won.sum() / 256 > 0.6  # 3.2 standard deviations from chance
