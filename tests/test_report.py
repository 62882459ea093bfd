"""The report: what it says follows from the numbers, and its page can be read on a desk and on a phone."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from camtf import files, report
from camtf.checkpoint import RunDirectory
from camtf.config import preset
from camtf.evaluation.record import FILE, EvaluationRecord
from camtf.evaluation.report import build, style
from camtf.evaluation.report.figures import cam_1_win_rates, cam_2_populations, cam_4_architecture, controls, models
from camtf.evaluation.report.matches import Played
from camtf.evaluation.report.page import as_csv, numbers, render
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Missing, NotMeasured, Number, Section, Sheet, Verdict, judge
from camtf.evaluation.statistics import Estimate
from camtf.games.duel.game import Duel
from camtf.games.duel.replay import Replay
from camtf.model.policy import Policy
from tests.browser import Browser, needs_browser
from tests.made_records import record

LAYOUTS = Path(__file__).parent / "layouts"


def runs(*records: EvaluationRecord) -> Runs:
    return Runs(records, tuple(f"runs/{one.run}" for one in records))


def estimate(low: float, high: float) -> Estimate:
    return Estimate(*map(np.asarray, ((low + high) / 2, low, high, 0.5)))


def swapped(one: EvaluationRecord) -> EvaluationRecord:
    """The record in which Generalists and Specialists have changed places."""
    before, after = one.tables
    tables = dataclasses.replace(after, kind="generalist"), dataclasses.replace(before, kind="specialist")
    gains = tuple(dataclasses.replace(gain, mean=-gain.mean) for gain in one.gains)
    return dataclasses.replace(one, tables=tables, gains=gains)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 0.2, "HOLDS"), (0.2, 0.3, "HOLDS"), (0.01, 0.1, "WEAKER"), (-0.1, 0.1, "FAILS"), (-0.2, -0.1, "FAILS"),
     (-0.1, 0.2, "OPEN"), (np.nan, np.nan, "OPEN")],
)  # fmt: skip
def test_a_claim_is_judged_by_its_interval(low: float, high: float, verdict: str) -> None:
    """Reported is an effect of 0.132; and, the other way round, of -0.132."""
    assert judge(estimate(low, high), 0.132) is Verdict[verdict]
    assert judge(estimate(-high, -low), -0.132) is Verdict[verdict]
    assert judge(estimate(1 - high, 1 - low), 1 - 0.132, null=1.0) is Verdict[verdict]


def test_a_gain_is_found_where_there_is_one() -> None:
    one = [record(seed, n=3, gain=0.15) for seed in (1, 2, 3)]
    found = cam_1_win_rates.section(runs(*one))
    assert found.verdict is Verdict.HOLDS and "3 of 3 characters surely gain" in found.sentence
    (sheet,) = found.sheets
    gain = sheet.rows[-1][3]
    assert isinstance(gain, Number) and gain.low < 15 < gain.high and gain.high - gain.low < 10
    less = cam_1_win_rates.section(runs(*(record(seed, n=3, gain=0.05) for seed in (1, 2, 3))))
    assert less.verdict is Verdict.WEAKER and "a smaller one" in less.sentence


def test_swapping_the_kinds_turns_every_sentence_round() -> None:
    one = record(1, n=3, gain=0.15)
    found, other = (cam_1_win_rates.section(runs(r)) for r in (one, swapped(one)))
    assert found.verdict is Verdict.HOLDS and other.verdict is Verdict.FAILS
    assert "changes the mean win rate against the population by -1" in other.sentence
    assert "0 of 3 characters surely gain" in other.sentence
    won, lost = (controls.section(runs(r)) for r in (one, swapped(one)))
    assert "In 1 of 1 comparisons the Specialists surely win more" in won.sentence
    assert "In 0 of 1" in lost.sentence and "in 1 surely less" in lost.sentence and lost.verdict is Verdict.FAILS
    assert "Not measured: the controls matched, own_critic" in won.sentence and won.verdict is Verdict.OPEN


def test_populations_are_compared_where_there_are_two() -> None:
    small, large = runs(record(1, n=3)), runs(record(1, n=4, gain=0.0))
    found = cam_2_populations.section([small, large])
    assert found.sentence.startswith("3 of 7 characters surely gain, 0 surely lose") and found.verdict is Verdict.OPEN
    with pytest.raises(NotMeasured, match="one population, of 3"):
        cam_2_populations.section([small])


def test_runs_that_do_not_belong_together_are_refused() -> None:
    one = record(1)
    with pytest.raises(ValueError, match="different training seeds, 1 is there more than once"):
        runs(one, one)
    with pytest.raises(ValueError, match=r"made_1 and made_2 differ in game_digest: 0+ and x"):
        runs(one, dataclasses.replace(record(2), game_digest="x"))
    groups = report.grouped([record(1), record(1, n=3), record(2)], ["a", "b", "c"])
    assert [group.paths for group in groups] == [("a", "c"), ("b",)]


def test_a_sheet_holds_text_and_numbers() -> None:
    assert Number(12.345, 11, 13).text(2) == "12.35 [11.00, 13.00]" and Number(float("nan")).text() == "–"
    with pytest.raises(ValueError, match="a row of 'x' has 1 cells, its header 2"):
        Sheet("x", ("a", "b"), (("a",),))
    with pytest.raises(ValueError, match=r"are text or Number, got 1\.5"):
        Sheet("x", ("a",), ((1.5,),))


@pytest.fixture(scope="module")
def network(duel: Duel) -> Any:
    return Policy(preset("test").network, duel.spec).network


@pytest.fixture(scope="module")
def whole(network: Any) -> list[Section | Missing]:
    """Every section, over three seeds."""
    measured = [
        {"model": m, "precision": p, "runtime": "litert", "threads": 1, "median_us": us, "p99_us": 9.0, "size_bytes": b}
        for m in "ab"
        for p, us, b in (("float32", 3.0, 204_800), ("int8", 5.0, 78_848))
    ]
    groups = [runs(*(record(seed, n=3) for seed in (1, 2, 3))), runs(record(1, n=2))]
    return list(build.sections(groups, network, measured))


def test_every_figure_of_the_papers_is_there(whole: list[Section | Missing]) -> None:
    assert all(isinstance(part, Section) for part in whole)
    sources = " ".join(part.source for part in whole)
    for number in range(1, 6):
        assert f"CAM figure {number}" in sources
    for number in (1, 2, 3, 4, 5, 7, 8):
        assert f"M&M figure {number}" in sources
    assert all(part.figures and part.sheets for part in whole if isinstance(part, Section))


def test_what_lacks_its_numbers_says_which_command_measures_it(network: Any) -> None:
    bare = record(1, behaviour=(), advantages=(), social_graphs=(), information=(), curves=(), exploiters=(),
                  performance=(), event_names=())  # fmt: skip
    parts = list(build.sections([runs(bare)], network, None))
    missing = {part.key: part for part in parts if isinstance(part, Missing)}
    assert {"seeds", "cam_2", "cam_3", "mm_1", "mm_2", "mm_3", "mm_5", "mutual_information", "models"} <= missing.keys()
    assert missing["mm_1"].command == "python -m camtf.evaluate --run_dir=runs/made_1"
    assert "mobile.benchmark" in missing["models"].command
    page = render(runs(bare), parts, [], drawn(parts))
    assert "the advantage of the Specialists was not measured" in page and "{{" not in page


def test_a_run_without_specialists_is_reported_as_far_as_it_goes(network: Any) -> None:
    whole = record(1)
    tables, kinds = (whole.tables[0],), (whole.kinds[0],)
    parts = list(
        build.sections([runs(dataclasses.replace(whole, tables=tables, kinds=kinds, gains=()))], network, None)
    )
    found = {part.key: part for part in parts}
    assert isinstance(found["cam_5"], Section)
    for key in ("cam_1", "controls", "mm_4", "mm_8"):
        lacking = found[key]
        assert isinstance(lacking, Missing) and lacking.what == "the run has no Specialists"
        assert lacking.command.startswith("python -m camtf.train --run_dir=runs/made_1 --stage=specialists")


def drawn(parts: list[Section | Missing]) -> dict[tuple[str, str], str]:
    return {
        (p.key, name): style.svg(f, p.title) for p in parts if isinstance(p, Section) for name, f in p.figures.items()
    }


def test_numbers_for_programs_are_those_of_the_page(whole: list[Section | Missing]) -> None:
    found = numbers(runs(*(record(seed, n=3) for seed in (1, 2, 3))), whole)
    json.dumps(found, allow_nan=False)
    rows = found["sections"]["cam_1"]["sheets"][0]["rows"]
    assert [row["character"] for row in rows] == ["Character A", "Character B", "Character C", "mean"]
    lines = list(csv.DictReader(io.StringIO(as_csv(whole))))
    (line,) = (x for x in lines if (x["section"], x["row"], x["column"]) == ("cam_1", "Character B", "gain"))
    assert {k: float(line[k]) for k in ("value", "low", "high")} == rows[1]["gain"]


def test_the_network_is_drawn_from_the_model(network: Any) -> None:
    found = cam_4_architecture.section(network)
    assert f"{network.count_params():,} parameters in 4 modules" in found.sentence and "no two share" in found.sentence
    text = style.svg(found.figures["network"], "x")
    assert all(f">{layer.name}<" in text for layer in network.layers)
    assert cam_4_architecture.depths(network)["value"] == max(cam_4_architecture.depths(network).values())


def test_figures_take_the_ink_of_the_page(whole: list[Section | Missing]) -> None:
    for text in map(style.inline, drawn(whole).values()):
        assert text.startswith("<svg role") and style.INK not in text and "currentColor" in text
        for words in re.findall(r"<text[^>]*>", text):  # black text has no fill, and is lost on dark ground
            assert "fill:" in words, words


def test_models_are_told_by_precision() -> None:
    results = [
        {
            "model": "a",
            "precision": p,
            "runtime": "litert",
            "threads": t,
            "median_us": us,
            "p99_us": 9.0,
            "size_bytes": b,
        }
        for p, t, us, b in (("int8", 1, 4.0, 2048), ("int8", 2, 1.0, 2048), ("float32", 1, 3.0, 4096))
    ]
    found = models.section(results)
    assert "take 2 KiB (int8)" in found.sentence and "3.0 microseconds (float32 in litert)" in found.sentence


def test_a_comeback_is_how_far_the_winner_was_behind() -> None:
    health = np.array([[1.0, 1.0], [0.2, 0.9], [0.2, 0.0]])
    replay = Replay(("a", "b"), ("x", "y"), np.zeros((2, 2, 2), np.int8), 1, 0, 1, "", "")
    assert (Played(replay, health).lead, Played(replay, health).deficit) == pytest.approx((0.2, 0.7))
    lost = Played(replay, health[:, ::-1])
    assert (lost.lead, lost.deficit) == pytest.approx((-0.2, 0.7))
    assert Played(replay, np.ones((2, 2))).deficit == 0.0


def test_an_evaluation_of_other_weights_is_refused(evaluated: RunDirectory, tmp_path: Path) -> None:
    content = files.read_json(evaluated.path / FILE)
    name = next(iter(content["weights"]))
    content["weights"][name] = "0" * 16
    other = tmp_path / "run"
    other.symlink_to(evaluated.path)
    copy = RunDirectory(tmp_path / "copy")
    copy.path.mkdir()
    for entry in evaluated.path.iterdir():
        if entry.name != FILE:
            (copy.path / entry.name).symlink_to(entry)
    with pytest.raises(files.FileError, match=r"evaluation\.json does not exist; python -m camtf\.evaluate"):
        report.write_report([str(copy.path)], tmp_path)
    files.write_json(copy.path / FILE, content)
    with pytest.raises(files.FileError, match=f"other weights of {name}"):
        report.write_report([str(copy.path)], tmp_path)


def test_models_of_other_weights_are_refused(tmp_path: Path) -> None:
    one = record(1, weights={"ember": "abc"})
    results = [{"model": "ember", "precision": "int8"}]
    for content, message in (
        ('{"weights": {"ember": "other"}}', "other weights of ember than those that made_1"),
        ('{"weights": 3}', r"manifest\.json is not the manifest of exported models"),
        ("not JSON", r"manifest\.json is not the manifest of exported models"),
    ):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(files.FileError, match=message):
            report.measured_models(tmp_path, one)
    (tmp_path / "manifest.json").write_text('{"weights": {"ember": "abc"}}')
    files.write_json(tmp_path / "benchmark.json", {"results": results})
    assert report.measured_models(tmp_path, one) == results


@pytest.fixture(scope="module")
def page(report_page: Path) -> Path:
    """The report of a small real run."""
    return report_page


def test_a_report_is_one_file_beside_its_figures(page: Path) -> None:
    text = page.read_text()
    assert "{{" not in text.replace("const DATA", "") and not re.search(r"""(src|href)=["'](?!#)""", text)
    assert not re.search(r"@import|url\((?!#)", text)
    stems = {file.stem for file in (page.parent / "report" / "figures").glob("*.svg")}
    assert stems == {file.stem for file in (page.parent / "report" / "figures").glob("*.png")} and "cam_1_bars" in stems
    found = files.read_json(page.parent / "report" / "numbers.json")
    assert found["sections"]["cam_1"]["sentence"].split(",")[0] in text
    assert len(re.findall('class="match"', text)) >= 2


_CONTRAST = """(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = text => rgb(text).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor, c = rgb(colour);
      if (c.length < 4 || c[3] > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const cells = ["rgb(254, 254, 254)", "rgb(22, 23, 26)"];
  let worst = [99, ""];
  for (const node of document.querySelectorAll("p, h1, h2, td, th button, a, .verdict, summary, code, b, svg text")) {
    const drawn = node.tagName === "text", ink = getComputedStyle(node)[drawn ? "fill" : "color"];
    if (!node.textContent.trim() || drawn && cells.includes(ink)) continue;
    const [a, b] = [light(ink), light(ground(drawn ? node.closest("div") : node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05) * (drawn ? 1.5 : 1);  // figures' labels may have 3, text needs 4.5
    if (ratio < worst[0]) worst = [ratio, node.textContent.trim().slice(0, 60) + " " + ink];
  }
  return worst;
})()"""

_BOXES = """Object.fromEntries([...document.querySelectorAll("h1, #claims, section")].map(node => {
  const box = node.getBoundingClientRect();
  return [node.id || node.tagName, [box.x, box.width, box.height].map(Math.round)];
}))"""


@needs_browser
def test_it_is_read_on_a_desk_and_on_a_phone(page: Path) -> None:
    sections = set(re.findall(r'<section id="(\w+)"', page.read_text()))
    with Browser() as browser:
        for name, width, height in (("desk", 1280, 900), ("phone", 390, 844)):
            assert browser.open(page, width, height, phone=name == "phone") == []
            assert browser.run("document.documentElement.scrollWidth") == width
            boxes = browser.run(_BOXES)
            assert sections <= boxes.keys()
            assert all(wide > 0.85 * min(width, 960) and high > 25 for _, wide, high in boxes.values())
            for dark in (False, True):
                browser.dark(dark)
                ratio, text = browser.run(_CONTRAST)
                assert ratio >= 4.5, (name, dark, text)
            check_layout(name, boxes)
            picture = Image.open(io.BytesIO(browser.picture())).convert("L")
            assert picture.width == width and len(picture.getcolors() or []) > 50
        check_what_moves(browser)


def check_layout(name: str, boxes: dict[str, list[int]]) -> None:
    """Every section stands where it stood, about as large: fonts differ between machines."""
    stored = json.loads((LAYOUTS / f"report_{name}.json").read_text())
    assert list(boxes) == list(stored)
    for key, (x, width, height) in boxes.items():
        assert (x, width) == tuple(stored[key][:2]), key
        assert height == pytest.approx(stored[key][2], rel=0.35), key


def check_what_moves(browser: Browser) -> None:
    """A click on a column sorts by it, another the other way round; a match is shown when it is asked for."""
    column = """(() => { const table = document.querySelector("#cam_1 table.sortable");
      table.closest("details").open = true; table.tHead.rows[0].cells[3].firstChild.click();
      return [...table.tBodies[0].rows].map(row => Number(row.cells[3].dataset.value)); })()"""
    up, down = browser.run(column), browser.run(column)
    assert up == sorted(up) and down == up[::-1] and len(up) == 3
    browser.run("document.querySelector('.match button').click()")
    assert browser.run("""new Promise(done => { const frame = document.querySelector(".match iframe");
      const clock = () => frame.contentDocument?.getElementById("clock")?.textContent;
      const look = () => clock() === "60.0" ? done(true) : setTimeout(look, 50);
      look(); })""")
    assert browser.run("document.documentElement.scrollWidth") == 390
