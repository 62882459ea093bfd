"""Decisions of two machines: exact where arithmetic is, and within a tie where integers are rounded."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobile import decisions
from mobile.decisions import compare, decide
from mobile.files import PackError
from mobile.pack import Pack

STEP = 0.125


def machine(precision: str, rng: np.random.Generator, rows: int = 100) -> dict[str, Any]:
    """What a machine says of one model whose logits are whole steps, the best action always two steps ahead."""
    logits = [rng.integers(-40, 40, size=(rows, n)) for n in (9, 10)]
    best = np.stack([x.argmax(axis=1) for x in logits], axis=1)
    for head, x in enumerate(logits):
        x[np.arange(rows), best[:, head]] = 42
    logits = [(x * STEP).tolist() for x in logits]
    model = {"precision": precision, "model_sha256": "a" * 64, "best": best.tolist(), "logits": logits}
    return {"machine": "x", "python": "3", "models": {"m": model}}


def turned(a: dict[str, Any], rows: int, steps: int) -> dict[str, Any]:
    """Another machine, which decides otherwise in so many rows, the choice of the first being so many steps behind."""
    b = copy.deepcopy(a)
    model = b["models"]["m"]
    for row in range(rows):
        head = row % 2
        chosen = model["best"][row][head]
        other = model["best"][row][head] = (chosen + 1) % 9
        model["logits"][head][row][other] = model["logits"][head][row][chosen] + steps * STEP
    return b


@pytest.mark.parametrize(
    ("precision", "rows", "steps", "agree"),
    [
        ("int8", 0, 0, True),
        ("int8", 5, 1, False),  # the first machine's choice is more than 2 steps ahead there
        ("float32", 0, 0, True),
        ("float32", 1, 0, False),
        ("float16", 1, 1, False),
        ("delta", 1, 1, False),
    ],
)
def test_how_far_two_machines_may_differ(
    precision: str, rows: int, steps: int, agree: bool, rng: np.random.Generator
) -> None:
    a = machine(precision, rng)
    (result,) = compare(a, turned(a, rows, steps))
    assert (result["same"], result["of"], result["agree"]) == (100 - rows, 100, agree)


def test_a_tie_is_measured_in_steps_on_both_machines(rng: np.random.Generator) -> None:
    a = machine("int8", rng)
    for row in range(100):  # the second best is two steps behind
        for head in (0, 1):
            a["models"]["m"]["logits"][head][row][(a["models"]["m"]["best"][row][head] + 1) % 9] = 40 * STEP
    for rows, steps, tie, agree in ((5, 0, 2, True), (5, 2, 2, True), (5, 3, 3, False), (6, 0, 2, False)):
        (result,) = compare(a, turned(a, rows, steps))
        assert (result["widest_tie"], result["agree"]) == (tie, agree)
        (other_way,) = compare(turned(a, rows, steps), a)
        assert other_way == result
    (same,) = compare(a, a)
    assert same["widest_tie"] == 0 and same["largest_difference"] == 0


def test_a_pack_agrees_with_itself_and_other_models_are_refused(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    mine = decide(pack)
    a.write_text(json.dumps(mine))
    monkeypatch.setattr("sys.argv", ["decisions", "compare", str(a), str(b)])
    with pytest.raises(PackError, match=r"b.json is missing or damaged: .*No such file"):
        decisions.main()
    b.write_text(json.dumps(mine))
    assert decisions.main() == 0
    assert capsys.readouterr().out.count("64 of 64 decisions alike") == len(mine["models"])
    name = next(name for name in mine["models"] if "int8" in name)
    mine["models"][name]["best"] = np.roll(mine["models"][name]["best"], 1, axis=0).tolist()
    b.write_text(json.dumps(mine))
    assert decisions.main() == 1
    mine["models"][name]["model_sha256"] = "b" * 64
    b.write_text(json.dumps(mine))
    with pytest.raises(PackError, match=r"int8\.tflite is not the same model in both files"):
        decisions.main()
    for damaged in ("[]", '{"models": {"m": {}}}', json.dumps({**mine, "models": {}})):
        b.write_text(damaged)
        with pytest.raises(PackError, match=r"b.json is missing or damaged|have no model and runtime in common"):
            decisions.main()
