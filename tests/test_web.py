"""A pack in a browser: LiteRT.js gives Keras's golden logits, and what is damaged is refused by one named error."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camtf.config import preset
from mobile import golden
from mobile.pack import HEADS, Pack
from mobile.runtime import choose
from tests.browser import Browser, needs_browser
from tests.file_server import served
from tests.test_pack import change, tell

WEB = Path(__file__).parents[1] / "mobile" / "web"
IDS = preset("test").game.characters

pytestmark = [
    needs_browser,
    pytest.mark.skipif(
        not (WEB / "node_modules/@litertjs/core").exists(),
        reason="LiteRT.js is not installed: npm ci --prefix mobile/web --ignore-scripts",
    ),
]


@pytest.fixture(scope="module")
def site(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server of files on this machine, and its folder, which holds a copy of the pack."""
    root = tmp_path_factory.mktemp("site")
    (root / "web").symlink_to(WEB)
    shutil.copytree(pack.folder, root / "pack")
    with served(root) as address:
        yield address, root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


def visit(browser: Browser, address: str, width: int) -> str:
    """Open the page of golden observations. Returns how it ended, ``done`` or ``error``."""
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
    browser.call("Page.navigate", url=address)
    last = time.monotonic() + 120
    while time.monotonic() < last:
        if state := browser.run("document.body?.dataset.state ?? ''"):
            return str(state)
        time.sleep(0.05)
    raise TimeoutError(address)


def test_every_model_gives_its_golden_logits(browser: Browser, site: tuple[str, Path], pack: Pack) -> None:
    assert visit(browser, f"{site[0]}/web/index.html?pack=/pack", width=390) == "done"
    script = "[...document.getElementById('{}').rows].slice(1).map((r) => [...r.cells].map((c) => c.textContent))"
    lines = browser.run(script.format("models"))
    assert [line[:2] for line in lines] == [[m.character, m.precision] for m in pack.models]
    for _, precision, same, count, within, milliseconds in lines:
        assert count == "64" and int(same) >= (64 if precision in ("float32", "float16") else 58)
        assert float(within) < {"float32": 1e-5, "float16": 1e-2, "int8": 0.1, "delta": 0.1}[precision]
        assert float(milliseconds) >= 0
    assert browser.run("document.documentElement.scrollWidth") <= 390  # tables scroll, not the page

    observed = pack.golden(pack.models[0].character)
    logits = np.concatenate([observed[head] for head in HEADS], axis=1)
    names = [pack.manifest["outputs"][head]["meaning"] for head in HEADS]
    best = choose(logits, observed["mask"], len(names[0])).tolist()
    expected = [[str(i + 1), *2 * [names[0][m], names[1][s]]] for i, (m, s) in enumerate(best)]
    assert browser.run(script.format("choices")) == expected
    browser.run("document.querySelectorAll('#models tr')[3].click()")
    assert browser.run("document.getElementById('title').textContent") == f"{IDS[0]}, int8: its choices"


def test_the_examples_of_the_contract(browser: Browser, site: tuple[str, Path]) -> None:
    visit(browser, f"{site[0]}/web/index.html?pack=/nothing", width=800)
    base = bytes(16) + np.array([1.0], "<f4").tobytes() + bytes(4) + np.array([2.0, 3.0], "<f4").tobytes()
    delta = zlib.compress(bytes.fromhex("0000003f 0000803e 03 fe04"))
    script = f"""import("/web/camtf.js").then(async (camtf) => {{
      const made = await camtf.applyDelta(
        Uint8Array.from({list(base)}), Uint8Array.from({list(delta)}), [[16, 1], [24, 2]]);
      const logits = [0.3, 1.2, -0.5, 0, 0, 0, 0, 0, 0];
      const mask = Array.from({{length: 29}}, (_, i) => [0, 2, 9].includes(i) ? 1 : 0);
      let drawn = 0;
      const noise = () => -Math.log(-Math.log(drawn++ === 2 ? 0.9 : 0.5));
      return [
        [...new Float32Array(made.buffer)], camtf.choose(logits, Array(10).fill(0), mask),
        camtf.choose(logits, Array(10).fill(0), mask, noise)];
    }})"""
    weights, best, sampled = browser.run(script)
    assert [weights[i] for i in (4, 6, 7)] == [2.5, 1.5, 4.0]
    assert best == [0, 0] and sampled == [2, 0]


def test_a_bad_pack_is_refused(browser: Browser, site: tuple[str, Path], pack: Pack) -> None:
    address, root = site
    assert visit(browser, f"{address}/web/index.html?pack=/nothing", width=800) == "error"
    shown = browser.run("document.getElementById('error').textContent")
    assert shown == f"{address}/nothing/manifest.json cannot be read: 404 File not found"
    folder = shutil.copytree(root / "pack", root / "bad")
    whole = {file.name: file.read_bytes() for file in folder.iterdir()}
    int8, delta, seen = f"{IDS[0]}.int8.tflite", f"{IDS[0]}.delta", f"{IDS[0]}.golden.npz"

    def said(digest: str = "") -> str:
        """What reading the pack ends with; the pack is whole again then."""
        script = f"""import("/web/camtf.js").then(async (camtf) => {{
          try {{
            const pack = await camtf.openPack("/bad", {json.dumps(digest)});
            for (const precision of ["int8", "delta"]) await pack.read(pack.entry("{IDS[0]}", precision));
            await pack.golden("{IDS[0]}");
            return "";
          }} catch (error) {{
            return error.constructor.name + ": " + error.message;
          }}
        }})"""
        message = str(browser.run(script))
        for name, content in whole.items():
            (folder / name).write_bytes(content)
        return message

    assert said() == "" and said(pack.manifest["game_digest"]) == ""
    assert said("0" * 64) == "PackError: manifest.json: its models are for another game: duel"
    (folder / "manifest.json").write_bytes(whole["manifest.json"].replace(b'"duel"', b'"dual"'))
    assert said() == "PackError: manifest.json: it does not begin with the digest of its content"
    (folder / "manifest.json").write_bytes(b"[" * 1000)
    assert said().startswith("PackError: manifest.json: ")
    edits: list[tuple[Callable[[dict[str, Any]], object], str]] = [
        (lambda m: m.update(format=99), "manifest.json: it has format 99, needed is 3; export again"),
        (lambda m: m["models"][2].update(file="../x"), "manifest.json: ../x is no file's name"),
        (
            lambda m: m["inputs"]["basic"].update(shape=[1, 300]),
            f"{seen}: basic is 64 x 288, needed is float32 64 x 300",
        ),
        (lambda m: m["deltas"].update(tensors=[[8, 2], [4, 1]]), f"{delta}: the tensor 4,1 does not begin after"),
    ]
    for edit, message in edits:
        change(folder, edit)
        assert said().startswith(f"PackError: {message}")
    contents = [
        (int8, whole[int8][:-5], False, f"has {len(whole[int8]) - 5} bytes, its manifest says {len(whole[int8])}"),
        (int8, whole[int8][:-5] + b"damag", False, "has another digest than its manifest says"),
        (delta, whole[delta][:-20], True, "damaged: its compressed bytes are not those of"),
        (delta, zlib.compress(bytes(8 << 20)), True, "damaged: its compressed bytes are not those of"),
        (delta, whole[f"{IDS[1]}.delta"], True, "does not give the model of the manifest"),
        (seen, whole[seen][:-30], True, "damaged: it is no ZIP archive"),
        (seen, golden.encode({"mask": np.zeros((2, 29), "f4")}), True, "basic is missing, needed is float32 2 x 288"),
    ]
    for name, content, sealed, message in contents:
        (folder / name).write_bytes(content)
        if sealed:
            tell(folder, name)
        assert name in (line := said()) and message in line
