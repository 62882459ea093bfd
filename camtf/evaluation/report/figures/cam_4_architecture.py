"""CAM figure 4 and M&M figure 6: the network, drawn from the Keras model itself."""

from __future__ import annotations

from typing import Any

import keras
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from camtf.evaluation.report import style
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict

KEY, TITLE, SOURCE = "cam_4", "The network", "CAM figure 4, M&M figure 6"


def section(model: keras.Model) -> Section:
    """Of the network that a run trained."""
    modules = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    rows = tuple((layer.name, Number(layer.count_params())) for layer in model.layers if layer.count_params())
    own = {m.name: {id(v) for v in m.weights} for m in modules}
    shared = sum(bool(own[a.name] & own[b.name]) for a in modules for b in modules if a is not b)
    separate = "no two share a weight" if not shared else f"{shared // 2} pairs of them share weights"
    convolutions = sum(isinstance(part, keras.layers.Conv1D) for m in modules for part in m.layers)
    return Section(
        KEY, TITLE, SOURCE, "four modules, sparsely connected", Verdict.NONE,
        f"The network has {model.count_params():,} parameters in {len(modules)} modules and a trunk; {separate}, and "
        f"they meet only where the trunk joins them. They have {convolutions} Conv1D layers.",
        "Drawn from the Keras model that the run trains.",
        {"network": draw(model)},
        (Sheet("Parameters", ("layer", "parameters"), rows, 0),),
    )  # fmt: skip


def depths(model: keras.Model) -> dict[str, int]:
    """How many layers lie between each layer and the inputs, by name."""
    found: dict[str, int] = {}
    for layer in model.layers:  # Keras lists them in the order of the data
        found[layer.name] = max((found[source] + 1 for source in sources(layer)), default=0)
    return found


def sources(layer: Any) -> list[str]:
    """Names of the layers whose outputs a layer takes, in the model where it was called last."""
    nodes = layer._inbound_nodes
    return list(dict.fromkeys(t._keras_history.operation.name for t in nodes[-1].input_tensors)) if nodes else []


def draw(model: keras.Model) -> Figure:
    """Boxes for the layers, from the inputs above to the outputs below, with shapes and numbers of parameters."""
    depth = depths(model)
    by_depth: dict[int, list[Any]] = {}
    for layer in model.layers:
        by_depth.setdefault(depth[layer.name], []).append(layer)
    widest, deepest = max(map(len, by_depth.values())), max(by_depth)
    figure, ((panel,),) = style.figure(max(7.6, 1.7 * widest), 0.95 * (deepest + 1))
    place: dict[str, tuple[float, float]] = {}
    for level, layers in by_depth.items():
        for i, layer in enumerate(layers):
            place[layer.name] = (i + 0.5) * widest / len(layers), deepest - level
            _box(panel, layer, *place[layer.name])
    for layer in model.layers:
        x, y = place[layer.name]
        for source in sources(layer):
            fx, fy = place[source]
            panel.annotate(
                "", (x, y + 0.3), (fx, fy - 0.3), arrowprops={"arrowstyle": "->", "color": style.PAPER, "lw": 0.9}
            )
    panel.set_xlim(0, widest)
    panel.set_ylim(-0.5, deepest + 0.5)
    panel.axis("off")
    return figure


def _box(panel: Any, layer: Any, x: float, y: float) -> None:
    module = isinstance(layer, keras.Model)
    colour = style.GENERALIST if module else style.SPECIALIST if layer.count_params() else style.PAPER
    panel.add_patch(
        FancyBboxPatch((x - 0.42, y - 0.26), 0.84, 0.52, boxstyle="round,pad=0.02,rounding_size=0.08", facecolor=colour,
                       alpha=0.22, edgecolor=colour)
    )  # fmt: skip
    outputs = layer.output if isinstance(layer.output, list) else [layer.output]
    shape = " + ".join("×".join(str(d) for d in o.shape[1:]) for o in outputs)
    inner = ", ".join(part.name for part in layer.layers if part.count_params()) if module else ""
    panel.text(x, y + 0.12, layer.name, ha="center", va="center", fontsize=8, weight="bold")
    panel.text(x, y - 0.02, inner, ha="center", va="center", fontsize=6.5)
    parameters = f", {layer.count_params():,} parameters" if layer.count_params() else ""
    panel.text(x, y - 0.16, f"{shape}{parameters}", ha="center", va="center", fontsize=6.5)
