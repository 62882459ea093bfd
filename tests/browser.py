"""A browser without a window, driven over a pipe: pages at the width of a desk and of a phone, light and dark."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from camtf.games.duel.viewer.film import find_browser

NO_BROWSER = "no browser: install Chromium (Debian: apt-get install chromium), or set CAMTF_CHROMIUM to its path"
needs_browser = pytest.mark.skipif(find_browser() is None, reason=NO_BROWSER)
_SECONDS = 120.0
_PIPES = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads file 3 and writes file 4."""


_CONTRAST = """(selector => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => parts(colour).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const found = getComputedStyle(node).backgroundColor, alpha = parts(found)[3] ?? 1;
      if (alpha > 0.5) return found;
    }
    return "rgb(255, 255, 255)";
  };
  let worst = [99, ""];
  for (const node of document.querySelectorAll(selector)) {
    const text = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!text || !node.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst[0]) worst = [ratio, node.textContent.trim().slice(0, 60)];
  }
  return worst;
})"""


class Browser:
    """One Chromium with one page, by the DevTools protocol: JSON objects that end in a zero byte."""

    def __init__(self) -> None:
        browser = find_browser()
        assert browser is not None
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe",
            f"--user-data-dir={self._profile.name}",
        ]  # fmt: skip

        self._process = subprocess.Popen(
            [sys.executable, "-c", _PIPES, str(commands), str(answers), browser, *options],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self._number, self._left, self._events = 0, b"", list[dict[str, Any]]()
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._out)  # at which Chromium ends
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        os.close(self._in)
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command. Raises RuntimeError where it fails."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self._events.append(answer)

    def open(self, page: Path | str, width: int, height: int, phone: bool = False, dark: bool = False) -> list[str]:
        """Show a page, a file or an address. Returns what went wrong in its script."""
        self._events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.dark(dark)
        self.call("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._read())
        return self.errors()

    def errors(self) -> list[str]:
        """What has gone wrong in the page's script until now."""
        thrown = [e["params"]["exceptionDetails"] for e in self._events if e.get("method") == "Runtime.exceptionThrown"]
        return [e.get("exception", {}).get("description") or e["text"] for e in thrown]

    def key(self, code: str, down: bool) -> None:
        """Press a key, by its place on the keyboard (``KeyJ``), or let it go."""
        self.call(
            "Input.dispatchKeyEvent", type="keyDown" if down else "keyUp", code=code, key=code.removeprefix("Key")
        )

    def dark(self, on: bool) -> None:
        """Whether the reader prefers a dark page."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def contrast(self, selector: str) -> tuple[float, str]:
        """The lowest contrast of text to its ground (WCAG 2.1) among these elements, and the text."""
        ratio, text = self.run(f"{_CONTRAST}({json.dumps(selector)})")
        return ratio, text

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, fromSurface=True)
        return base64.b64decode(shot["data"])

    def _read(self) -> dict[str, Any]:
        last = time.monotonic() + _SECONDS
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._in], [], [], max(0.0, last - time.monotonic()))
            part = os.read(self._in, 1 << 20) if ready else b""
            if not part:
                raise RuntimeError("the browser does not answer")
            self._left += part
        message, _, self._left = self._left.partition(b"\0")
        return dict(json.loads(message))
