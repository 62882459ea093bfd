"""What the Specialists gain over every control, against every set of opponents."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Section, Sheet, Verdict, number
from camtf.evaluation.statistics import Estimate

KEY, TITLE, SOURCE = "controls", "Is it the specialising?", ""
_WANTED = ("generalist", "matched", "own_critic")
_SETS = {"trained": "the population trained against", "held_out": "populations never met", "bots": "scripted bots"}


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    found = gains(runs)
    if not found:
        raise runs.lacks_kind("specialist", "no gains over a control were measured")
    over = {control for control, _, _ in found}
    lacking = [control for control in _WANTED if control not in over]
    sets = [name for name in _SETS if not any(name == met for _, met, _ in found)]
    surely = [f"over {c}, against {_SETS.get(g, g)}" for c, g, e in found if float(e.low) > 0]
    lost = [f"than {c}, against {_SETS.get(g, g)}" for c, g, e in found if float(e.high) < 0]
    complete = not lacking and not sets
    verdict = Verdict.FAILS if lost else Verdict.HOLDS if complete and len(surely) == len(found) else Verdict.OPEN
    gaps = ""
    if lacking:
        gaps += f" Not measured: the {'control' if len(lacking) == 1 else 'controls'} {', '.join(lacking)}."
    if sets:
        gaps += f" Not met: {', '.join(_SETS[s] for s in sets)}."
    sentence = f"In {len(surely)} of {len(found)} comparisons the Specialists surely win more than the control"
    sentence += f" ({'; '.join(surely)})" if surely else ""
    sentence += f", in {len(lost)} surely less ({'; '.join(lost)})" if lost else ""
    rows = tuple((control, name, number(estimate, 100)) for control, name, estimate in found)
    return Section(
        KEY, TITLE, SOURCE, "no controls but the Generalist itself", verdict,
        f"{sentence}. A Specialist counts as better only where it beats every control on every "
        f"set of opponents.{gaps}",
        f"Mean over the characters, paired by seed, opponent and battle. {runs.basis()}.",
        {"gains": draw(runs, found)},
        (Sheet("Gain of the Specialists, points", ("control", "opponents", "gain"), rows, 2),),
    )  # fmt: skip


def gains(runs: Runs) -> list[tuple[str, str, Estimate]]:
    """Mean gain over each control against each set of opponents: control, set, gain."""
    return [
        (control, name, runs.mean_gain("specialist", control, name))
        for name in runs.sets()
        for control in runs.controls("specialist", name)
    ]


def draw(runs: Runs, found: list[tuple[str, str, Estimate]]) -> Figure:
    """A line for each comparison: mean, interval, a dot for each seed."""
    figure, ((panel,),) = style.figure(7.6, 0.36 * len(found) + 1.1)
    for place, (control, name, estimate) in enumerate(found):
        colour = style.kind_colour(control, _WANTED.index(control) if control in _WANTED else 0)
        value, low, high = (100 * float(x) for x in estimate[:3])
        panel.errorbar([value], [place], xerr=[[value - low], [high - value]], fmt="o", ms=5, capsize=3, color=colour)
        style.dots(
            panel, place + 0.2, 100 * runs.gains("specialist", control, name).mean(axis=1), colour, upright=False
        )
    panel.axvline(0, color=style.INK, linewidth=0.8)
    labels = [f"over {control}, against {_SETS.get(name, name)}" for control, name, _ in found]
    panel.set_yticks(np.arange(len(found)), labels)
    panel.set_ylim(len(found) - 0.5, -0.5)
    panel.set_xlabel("gain of the Specialists, points")
    return figure
