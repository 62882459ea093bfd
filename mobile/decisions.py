"""What every model of a pack decides on its golden observations, so that two machines can be compared.

``python -m mobile.decisions pack FOLDER`` prints JSON: for each runtime that is installed and each model, the best
legal actions and the logits. ``python -m mobile.decisions compare A.json B.json`` says how far two such files agree;
its status is 1 where a decision differs. Needs what `mobile.runtime` needs.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mobile.pack import Pack
from mobile.runtime import installed_runtimes, open_policy
from mobile.timing import golden_rows


def decide(pack: Pack) -> dict[str, Any]:
    """Decisions by runtime and file."""
    models: dict[str, Any] = {}
    for runtime in installed_runtimes():
        for model in pack.models:
            policy = open_policy(pack, model, runtime)
            rows = golden_rows(pack, model)
            models[f"{runtime} {model.file}"] = {
                "best": np.concatenate([policy.best(*row) for row in rows]).tolist(),
                "logits": np.concatenate([np.concatenate(policy.logits(*row)[:2], 1) for row in rows]).tolist(),
            }
    return {"machine": platform.machine(), "python": platform.python_version(), "models": models}


def compare(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """For every model and runtime of both: decisions that are the same, of how many, and the largest difference of a
    logit."""
    results = []
    for name in sorted(a["models"].keys() & b["models"].keys()):
        one, other = a["models"][name], b["models"][name]
        same = (np.array(one["best"]) == np.array(other["best"])).all(axis=1)
        difference = np.abs(np.array(one["logits"]) - np.array(other["logits"])).max()
        results.append(
            {"model": name, "same": int(same.sum()), "of": len(same), "largest_difference": float(difference)}
        )
    return results


def main() -> int:
    """The command line."""
    if len(sys.argv) == 3 and sys.argv[1] == "pack":
        print(json.dumps(decide(Pack(sys.argv[2]))))
        return 0
    if len(sys.argv) != 4 or sys.argv[1] != "compare":
        print(__doc__, file=sys.stderr)
        return 2
    a, b = (json.loads(Path(file).read_text(encoding="utf-8")) for file in sys.argv[2:])
    results = compare(a, b)
    for r in results:
        print(f"{r['model']:45} {r['same']} of {r['of']} decisions alike, logits within {r['largest_difference']:.2g}")
    machines = [f"{x['machine']} (Python {x['python']})" for x in (a, b)]
    print(f"{len(results)} models and runtimes, {machines[0]} against {machines[1]}")
    return int(not results or any(r["same"] < r["of"] for r in results))


if __name__ == "__main__":
    sys.exit(main())
