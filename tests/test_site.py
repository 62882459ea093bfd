"""The site of documents: it is made without a warning, all of its links lead somewhere, and it fits on a phone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from camtf.games.duel.viewer.film import find_browser
from tests.browser import NO_BROWSER, Browser
from tests.documents import NOTEBOOKS, PAGES
from tests.file_server import served
from tests.programs import ROOT

MISSING = [name for name in ("mkdocs", "material", "mkdocstrings") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the extra docs is not installed: no {', '.join(MISSING)}")


class Links(HTMLParser):
    """Links, anchors and what a page loads by itself."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links, self.loaded, self.anchors = list[str](), list[str](), set[str]()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attributes if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("script", "img", "iframe") and "src" in given:
            self.loaded.append(given["src"])
        if tag == "link" and "href" in given:
            self.loaded.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as launch/docs.sh makes it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0 and not done.stdout + done.stderr, (done.stdout + done.stderr)[-3000:]
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    return {page: Links(page) for page in site.rglob("*.html") if page.name != "404.html"}


def test_every_page_is_there(site: Path, pages: dict[Path, Links]) -> None:
    there = {str(page.relative_to(site)) for page in pages}
    for page in {*PAGES, *NOTEBOOKS} - {"README.md"}:
        name = str(Path(page.removeprefix("docs/")).with_suffix(".html")).replace("README", "index")
        assert name in there, page


def test_every_link_leads_somewhere(site: Path, pages: dict[Path, Links]) -> None:
    for page, found in pages.items():
        for link in found.links + found.loaded:
            if ":" in link.partition("/")[0]:
                continue
            path, _, anchor = unquote(link).partition("#")
            target = Path(os.path.normpath(page.parent / path)) if path else page
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file() and target.is_relative_to(site), f"{page.relative_to(site)}: {link}"
            if anchor and target in pages and not anchor.startswith("__"):
                assert anchor in pages[target].anchors, f"{page.relative_to(site)}: {link}"


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, Links]) -> None:
    assert not {link for found in pages.values() for link in found.loaded if link.startswith(("http:", "https:", "//"))}


def test_every_block_of_code_is_drawn_as_one(pages: dict[Path, Links]) -> None:
    assert not [page.name for page in pages if "```" in page.read_text(encoding="utf-8")]


def test_the_reference_has_what_programs_use(site: Path, pages: dict[Path, Links]) -> None:
    for page, name in [
        ("game", "camtf.games.duel.env.DuelGame.step"),
        ("game", "camtf.games.protocol.BatchedGame"),
        ("training", "camtf.config.preset"),
        ("populations", "camtf.population.meta_strategies.nash"),
        ("evaluation", "camtf.evaluation.record.read"),
        ("mobile", "mobile.pack.Pack"),
    ]:
        assert name in pages[site / "reference" / f"{page}.html"].anchors


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a server shows the site: from files, search does not work."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip(NO_BROWSER)
    with Browser() as opened:
        yield opened


@pytest.mark.parametrize("page", ["index", "game", "characters", "reference/game", "settings"])
def test_it_fits_on_a_desk_and_on_a_phone(address: str, browser: Browser, page: str) -> None:
    for width, height, phone in ((1280, 800, False), (390, 844, True)):
        assert browser.open(f"{address}/{page}.html", width, height, phone) == []
        assert browser.run("document.documentElement.scrollWidth") == width
        if folder := os.environ.get("CAMTF_PICTURES"):  # to be looked at
            (Path(folder) / f"{page.replace('/', '_')}_{width}.png").write_bytes(browser.picture())


def test_search_finds_a_setting_and_a_character(address: str, browser: Browser) -> None:
    for word, page in (("clip_epsilon", "settings.html"), ("Thorn Witch", "characters.html")):
        assert browser.open(f"{address}/index.html?q={word.replace(' ', '+')}", 1280, 800) == []
        found: list[str] = []
        last = time.monotonic() + 30
        while not found and time.monotonic() < last:
            time.sleep(0.05)
            found = browser.run("[...document.querySelectorAll('.md-search-result__link')].map(link => link.href)")
        assert any(page in link for link in found), (word, found)
