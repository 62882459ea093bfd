"""A replay as an animated GIF, drawn by the page itself in a browser without a window."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from camtf import files

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MILLISECONDS = 100


def find_browser() -> str | None:
    """Path of a Chromium: ``CAMTF_CHROMIUM``, or the first of `BROWSERS` on the PATH."""
    return os.environ.get("CAMTF_CHROMIUM") or next((path for path in map(shutil.which, BROWSERS) if path), None)


def open_page(page: Path, query: str) -> str:
    """The page's document after its script has run. Raises RuntimeError where no browser is found or it fails."""
    browser = find_browser()
    if browser is None:
        raise RuntimeError(f"no browser: none of {', '.join(BROWSERS)} on the PATH and CAMTF_CHROMIUM is not set")
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", "--dump-dom",
            f"{page.resolve().as_uri()}?{query}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{browser} failed on {page}: {done.stderr[-500:]}")
    return done.stdout


def write_film(page: Path, file: Path, first: int, count: int, width: int = 550) -> int:
    """Write ``count`` moments of a page from moment ``first`` on as a GIF, ten a second, in real time.

    Returns the number of frames (fewer where the match ends before). Raises RuntimeError without a browser, and
    FileError where the film cannot be written.
    """
    from PIL import Image

    document = open_page(page, f"film={first},{count}")
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
        for data in re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", document)
    ]
    if not pictures:
        raise RuntimeError(f"{page} has no moment {first}")
    small = [p.resize((width, p.height * width // p.width)).quantize(128, Image.Quantize.FASTOCTREE) for p in pictures]
    film = io.BytesIO()
    small[0].save(film, "GIF", save_all=True, append_images=small[1:], duration=_MILLISECONDS, loop=0, optimize=True)
    files.write_bytes(file, film.getvalue())
    return len(small)
