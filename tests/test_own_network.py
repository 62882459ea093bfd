"""The example of the manual for users' own networks: it is run as it stands there, and it learns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

TEXT = (Path(__file__).parents[1] / "docs" / "own_network.md").read_text(encoding="utf-8")


def test_it_learns_to_beat_how_it_began(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, Any] = {"__name__": "own_network"}
    exec(compile(program, "docs/own_network.md", "exec"), names)
    graph = names["train"](tmp_path / "run")
    assert graph.win_rates[:16, : graph.frozen_nodes].mean() > 0.52  # moving averages that began at 0.5
