"""What the page on other frameworks says, and the examples that it names."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from camtf.games.adapters.layouts import ACTIONS, LAYOUTS, Layout, action_form
from camtf.games.duel.bots import BOTS
from camtf.games.duel.roster import Roster
from tests.manual_programs import DOCS, programs
from tests.programs import ROOT

PAGE = "other_frameworks.md"
TEXT = (DOCS / PAGE).read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_the_programs_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": PAGE}
    for program in programs(PAGE):
        exec(compile(program, f"docs/{PAGE}", "exec"), names)
    first, outcome, many, both = capsys.readouterr().out.splitlines()
    assert first.startswith("(595,) ('") and float(outcome) in (0.0, 0.5, 1.0)
    assert many == "(512, 595) (512, 19)" and sum(map(float, both.split())) == 1.0


def test_every_program_of_the_page_is_run_somewhere() -> None:
    """Those of other libraries by `test_environments`."""
    kinds = re.findall(r"^```(\w.*)$", TEXT, re.M)
    assert set(kinds) == {"python", "python sb3", "python tianshou"}


def test_the_tables_of_the_page_are_the_codes(roster: Roster) -> None:
    layouts = dict(re.findall(r"^\| `(\w+)`(?: \(default\))? \| ((?:Dict|Box).*)\|$", TEXT, re.M))
    assert tuple(layouts) == LAYOUTS
    for name, said in layouts.items():
        space = Layout(name, roster, action_form("heads")).space
        shapes = {part: [list(inner.shape)] for part, inner in getattr(space, "items", dict().items)() if inner.shape}
        for part, shape in re.findall(r"`(\w+)` (\[[\d, ]+\])", said):
            assert shapes[part] == [ast.literal_eval(shape)], part
        assert name != "flat" or f"Box {list(space.shape)}" in said
        assert name == "flat" or set(re.findall(r"`(\w+)`", said)) - {"actions", "action_space"} <= set(space)
    assert f"`{'`, `'.join(BOTS)}`, in rising strength" in TEXT
    assert all(f"`{name}`: " in TEXT for name in ACTIONS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.name)
def test_examples_are_short_and_say_what_they_need(example: Any) -> None:
    source = example.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 80
    assert f"python examples/{example.name}" in source and f"python examples/{example.name}" in TEXT
    (requirements,) = re.findall(r"\((examples/requirements[\w-]*\.txt)\)", source)
    pinned = re.findall(r"^([\w.\[\]-]+)==\d", (ROOT / requirements).read_text(encoding="utf-8"), re.M)
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name or "").split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    known = {"ray[rllib]": "ray", "stable-baselines3": "stable_baselines3", "sb3-contrib": "sb3_contrib"}
    foreign = imported & {"torch", "ray", "stable_baselines3", "sb3_contrib"}
    assert foreign and foreign <= {known.get(name, name) for name in pinned}
