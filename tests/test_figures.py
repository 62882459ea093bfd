"""Figures show what they were given."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from camtf.evaluation.figures import learning_curves
from camtf.games.duel.bots import BOTS

_SVG = "{http://www.w3.org/2000/svg}"


def test_learning_curves_have_a_line_for_each_run_and_bot(tmp_path: Path) -> None:
    looks = [{"frames": 1e6 * i, "minutes": 0.5 * i, **{f"v_{bot}": 0.3 * i for bot in BOTS}} for i in range(4)]
    learning_curves([looks, looks[:2]], tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text()
    lines = [p for p in ElementTree.fromstring(text).iter(f"{_SVG}path") if "stroke-width: 1.2" in p.get("style", "")]
    in_panels = [line.get("d", "").count("L") + 1 for line in lines if line.get("clip-path")]
    assert sorted(in_panels) == sorted([4, 2] * len(BOTS) * 2)
    for bot in BOTS:
        assert f"<!-- {bot} -->" in text
