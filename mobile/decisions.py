"""What every model of a pack decides on its golden observations, so that two machines can be compared.

``python -m mobile.decisions pack FOLDER`` prints JSON: for each runtime that is installed and each model, the best
legal actions and the logits. ``python -m mobile.decisions compare A.json B.json`` says how far two such files agree;
its status is 1 where they do not agree as far as `ALLOWED` says. Needs what `mobile.runtime` needs.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mobile.files import PackError, cut
from mobile.pack import Pack
from mobile.runtime import installed_runtimes, open_policy
from mobile.timing import golden_rows

ALLOWED = {"float32": (1.0, 0.0), "float16": (1.0, 0.0), "delta": (1.0, 0.0), "int8": (0.95, 2.0)}
"""By precision: the least share of equal decisions, and by how many steps of the output's quantisation, at most, the
choice of one machine may lie above that of the other where they differ. Integer arithmetic is exact, but processors
round the product that brings a layer's sums back to 8 bits in different ways; one step more or less turns a near tie.
"""


def decide(pack: Pack) -> dict[str, Any]:
    """Decisions by runtime and file."""
    models: dict[str, Any] = {}
    for runtime in installed_runtimes():
        for model in pack.models:
            policy = open_policy(pack, model, runtime)
            rows = golden_rows(pack, model)
            movement, skill = (np.concatenate(head) for head in zip(*(policy.logits(*row)[:2] for row in rows)))
            models[f"{runtime} {model.file}"] = {
                "precision": model.precision,
                "model_sha256": model.model_sha256,
                "best": np.concatenate([policy.best(*row) for row in rows]).tolist(),
                "logits": [movement.tolist(), skill.tolist()],
            }
    return {"machine": platform.machine(), "python": platform.python_version(), "models": models}


def compare(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """For every model and runtime of both: decisions that are the ``same``, ``of`` how many, the ``largest_difference``
    of a logit, the ``widest_tie`` that was decided in two ways (in steps), and whether they ``agree`` as they should.

    Raises:
        PackError: they are of different models, or have none in common.
    """
    results = []
    for name in sorted(a["models"].keys() & b["models"].keys()):
        one, other = a["models"][name], b["models"][name]
        if one["model_sha256"] != other["model_sha256"]:
            raise PackError(f"{cut(name)} is not the same model in both files")
        best = np.array([one["best"], other["best"]])
        logits = [np.array([x, y], np.float64) for x, y in zip(one["logits"], other["logits"])]
        same = (best[0] == best[1]).all(axis=1)
        tie = max(_widest_tie(best[..., head], values) for head, values in enumerate(logits))
        share, steps = ALLOWED[one["precision"]]
        results.append(
            {
                "model": name,
                "same": int(same.sum()),
                "of": len(same),
                "largest_difference": max(float(np.abs(x - y).max()) for x, y in logits),
                "widest_tie": tie,
                "agree": bool(same.mean() >= share and tie <= steps),
            }
        )
    if not results:
        raise PackError("the two files have no model and runtime in common")
    return results


def _widest_tie(best: np.ndarray, logits: np.ndarray) -> float:
    """How far the choice of one machine lies above the other's, at most, in steps of the quantisation; 0 where all
    choices are the same.

    Args:
        best: choices of a head by both machines, ``[2, n]``.
        logits: of the head, ``[2, n, actions]``. All are multiples of one step apart.
    """
    rows = np.flatnonzero(best[0] != best[1])
    if not len(rows):
        return 0.0
    chosen, refused = (logits[[[0], [1]], rows, choice[:, rows]] for choice in (best, best[::-1]))
    apart = np.diff(np.unique(logits))
    step = apart[apart > 1e-6 * np.abs(logits).max()].min(initial=np.inf)
    return float(round((chosen - refused).max() / step, 3))


def main() -> int:
    """The command line."""
    if len(sys.argv) == 3 and sys.argv[1] == "pack":
        print(json.dumps(decide(Pack(sys.argv[2]))))
        return 0
    if len(sys.argv) != 4 or sys.argv[1] != "compare":
        print(__doc__, file=sys.stderr)
        return 2
    a, b = map(_read, sys.argv[2:])
    results = compare(a, b)
    for r in results:
        verdict = "as it should be" if r["agree"] else "TOO FEW" if r["widest_tie"] == 0 else "TOO DIFFERENT"
        print(
            f"{r['model']:45} {r['same']} of {r['of']} decisions alike, logits within {r['largest_difference']:.2g}, "
            f"ties within {r['widest_tie']:.1f} steps: {verdict}"
        )
    machines = [f"{x['machine']} (Python {x['python']})" for x in (a, b)]
    print(f"{len(results)} models and runtimes, {machines[0]} against {machines[1]}")
    return int(not all(r["agree"] for r in results))


def _read(name: str) -> dict[str, Any]:
    """What `decide` gave. Raises PackError."""
    try:
        content = json.loads(Path(name).read_text(encoding="utf-8"))
        for model in content["models"].values():
            shapes = [np.shape(model["best"])[1:], *(np.shape(head)[:1] for head in model["logits"])]
            if shapes != [(2,), *[np.shape(model["best"])[:1]] * 2] or model["precision"] not in ALLOWED:
                raise ValueError("a model's decisions and logits do not fit each other")
            str(model["model_sha256"]), str(content["machine"]), str(content["python"])
        return content
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PackError(f"{name} is missing or damaged: {cut(error)}") from error


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PackError as error:
        sys.exit(f"error: {error}")
