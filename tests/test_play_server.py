"""The server of `camtf.play`: its clock waits for the page, nothing that a page does harms it, and a match is played in
a browser to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web

from camtf.games.duel import replay as replays
from camtf.games.duel.game import Duel
from camtf.games.duel.state import SKILLS
from camtf.games.duel.viewer import film
from camtf.play import __main__ as program
from camtf.play.arena import Arena
from camtf.play.server import Server, is_own
from mobile.pack import Pack
from mobile.play import PackModels
from tests.browser import Browser

ROOT = Path(__file__).parents[1]
CHARACTERS = ("ember_fox", "gale_archer")
START = {"type": "start", "character": "ember_fox", "opponent": "rusher", "opponent_character": "gale_archer",
         "precision": "", "temperature": 1, "delay": 0}  # fmt: skip
INPUT = {"type": "input", "x": 0, "y": 0, "held": [], "tapped": [], "seen": 0}


@contextlib.asynccontextmanager
async def server(arena: Arena, speed: float = 20.0) -> AsyncIterator[tuple[ClientSession, str]]:
    runner = web.AppRunner(Server(arena, "127.0.0.1", speed).app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with ClientSession() as client:
            yield client, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class Page:
    """A page without a browser."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.newest = 0

    async def say(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def hear(self, *kinds: str, answering: bool = False) -> dict[str, Any]:
        """The next message of one of these kinds; what comes before it is dropped, and seen where ``answering``."""
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.receive_str(), 20))
            if message["type"] == "turn":
                self.newest = message["number"]
                if answering:
                    await self.say(**{**INPUT, "seen": self.newest, "x": 1, "tapped": [1]})
            if message["type"] in kinds:
                return dict(message)

    async def silence(self, seconds: float) -> int:
        """Let some time pass. The newest decision that has come."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.hear("never"), seconds)
        return self.newest


async def closed(socket: ClientWebSocketResponse) -> int | None:
    """Why the server ends a connection."""
    while (await asyncio.wait_for(socket.receive(), 20)).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
        pass
    return socket.close_code


def test_bad_messages_and_other_tabs_do_no_harm(duel: Duel) -> None:
    async def play() -> None:
        async with (
            server(Arena(duel, None, CHARACTERS)) as (client, url),
            client.ws_connect(f"{url}/socket") as one,
            client.ws_connect(f"{url}/socket") as other,
            client.ws_connect(f"{url}/socket") as flood,
        ):
            pages = Page(one), Page(other)
            assert len({(await page.hear("welcome"))["session"] for page in pages}) == 2
            for page in pages:
                await page.say(**START)
                await page.hear("turn")
            await one.send_bytes(b"\x00\xff")
            for bad in ("{", json.dumps({**INPUT, "x": 9}), json.dumps({**START, "opponent": "nobody"})):
                await one.send_str(bad)
            refused = [(await pages[0].hear("refused"))["message"] for _ in range(4)]
            assert refused[0] == "a message must be text" and "must be one of punisher" in refused[3]
            await one.send_str("x" * 5000)
            assert await closed(one) == 1009  # too large
            for _ in range(60):
                await flood.send_str("nonsense")
            assert await closed(flood) == 1008
            assert (await pages[1].hear("end", answering=True))["outcome"] in (0.0, 0.5, 1.0)

    asyncio.run(play())


def test_the_clock_waits_for_a_page_that_sleeps_or_is_gone(duel: Duel) -> None:
    async def play() -> None:
        async with server(Arena(duel, None, CHARACTERS), speed=100.0) as (client, url):
            socket = await client.ws_connect(f"{url}/socket")
            page = Page(socket)
            name = (await page.hear("welcome"))["session"]
            await page.say(**START)
            await page.hear("turn")
            halted = await page.silence(0.3)
            assert halted == 11  # as many as may be on the way
            await page.say(**{**INPUT, "seen": halted})
            await page.hear("turn")
            await page.say(type="pause")
            await page.hear("paused")
            halted = await page.silence(0.2)
            await page.say(**{**INPUT, "seen": halted})
            assert await page.silence(0.2) == halted
            await page.say(type="resume")
            await page.hear("turn", answering=True)

            await socket.close()  # the network is gone; the page comes back to its match, which stands still
            async with client.ws_connect(f"{url}/socket?session={name}") as again:
                page = Page(again)
                assert (await page.hear("welcome"))["session"] == name
                halted = (await page.hear("match"))["number"]
                await page.hear("paused")
                assert halted >= 12 and await page.silence(0.2) == 0
                await page.say(type="resume")
                assert (await page.hear("turn", answering=True))["number"] == halted + 1
                async with client.ws_connect(f"{url}/socket?session={name}") as copy:  # the tab was duplicated
                    await page.hear("taken")
                    await closed(again)
                    page = Page(copy)
                    await page.hear("paused")
                    await page.say(type="resume")
                    await page.hear("end", answering=True)

    asyncio.run(play())


def test_only_the_own_page_gets_in(duel: Duel) -> None:
    async def ask() -> None:
        async with server(Arena(duel, None, CHARACTERS)) as (client, url):
            async with client.get(url) as answer:
                assert answer.status == 200 and "Fight a Specialist" in await answer.text()
                assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            for host in ("evil.example", "127.0.0.1.evil.example", "nonsense:99999"):
                async with client.get(url, headers={"Host": host}) as answer:
                    assert answer.status == 403
            for path in ("/replays/unknown", "/replays/unknown.npz", "/../setup.py", "/play.py"):
                async with client.get(url + path) as answer:
                    assert answer.status == 404
            with pytest.raises(WSServerHandshakeError) as refused:
                await client.ws_connect(f"{url}/socket", headers={"Origin": "http://evil.example"})
            assert refused.value.status == 403

    asyncio.run(ask())
    own = ["127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"]
    assert all(map(is_own, own)) and not any(map(is_own, ["0.0.0.0", "evil.example", "192.168.0.4", ""]))


# --- the command


def test_the_command_serves_a_pack_until_ctrl_c(pack: Pack) -> None:
    command = [sys.executable, "-m", "camtf.play", f"--pack={pack.folder}", "--port=0", "--first=gale_archer"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        _, opened = process.stdout.readline(), process.stdout.readline()
        (url,) = re.findall(r"^open (http://127\.0\.0\.1:\d+) in a browser; Ctrl-C ends\n$", opened)
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None and "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"pack": "nowhere"}, r"nowhere/manifest.json does not exist; python -m mobile.export makes a pack"),
        ({"run_dir": "nowhere"}, r"nowhere is not a run directory"),
        ({"first": "nobody"}, r"your character must be one of ember_fox, .*; got 'nobody'"),
        ({"second": "nobody"}, r"the character of punisher must be one of ember_fox, .*; got 'nobody'"),
        ({"pack": "nowhere", "models": "nothing:at_all"}, r"models: the module 'nothing' cannot be imported"),
        ({"host": "192.0.2.1"}, r"error while attempting to bind on address \('192.0.2.1', 0\)"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    flags: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"run_dir": "", "pack": "", "first": "", "second": "", "host": "127.0.0.1", "port": 0, "speed": 1.0,
             "models": "mobile.play:open_models"}  # fmt: skip
    monkeypatch.setattr(program, "FLAGS", SimpleNamespace(**{**given, **flags}))
    with pytest.raises(SystemExit, match=f"^error: .*{message}[^\n]*$"):
        program.main()


# --- the page in a browser


@contextlib.contextmanager
def serving(arena: Arena, speed: float) -> Iterator[str]:
    """The server in a thread; its address."""
    loop, stop, address = asyncio.new_event_loop(), asyncio.Event(), list[str]()
    ready = threading.Event()

    async def run() -> None:
        async with server(arena, speed) as (_, url):
            address.append(url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(20)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def wait_for(browser: Browser, state: str, seconds: float = 60.0) -> None:
    last = time.monotonic() + seconds
    while browser.run("now()") != state:
        assert time.monotonic() < last, (state, browser.run("now()"), browser.errors())
        time.sleep(0.05)


@pytest.mark.skipif(
    film.find_browser() is None,
    reason="no browser to play in: install Chromium (Debian: apt-get install chromium), "
    "or set CAMTF_CHROMIUM to its path",
)
def test_a_match_is_played_in_a_browser(duel: Duel, pack: Pack, tmp_path: Path) -> None:
    arena = Arena(duel, PackModels(pack), CHARACTERS)
    with serving(arena, speed=20.0) as url, Browser() as browser:
        assert browser.open(url, 1280, 800) == []
        wait_for(browser, "menu")
        chosen = "[$('opponent').value, $('precision').options.length, $('character').value, $('delay').value]"
        assert browser.run(chosen) == ["specialist", 4, "ember_fox", "3"]
        browser.run("$('precision').value = 'int8'; document.querySelector('#menu .main').click()")
        wait_for(browser, "fight")
        press_keys_to_the_end(browser)
        check_the_replay(browser, duel, tmp_path / "match.npz")
        check_other_ways_to_play(browser)
        for width, height in ((390, 844), (844, 390)):
            browser.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True
            )
            assert browser.run("document.documentElement.scrollWidth") == width
        assert browser.errors() == []


def press_keys_to_the_end(browser: Browser) -> None:
    """A scripted player: it walks up to the opponent and strikes."""
    turn, last = 0, time.monotonic() + 60
    while browser.run("now()") == "fight" and time.monotonic() < last:
        toward = "KeyD" if browser.run("frames.at(-1)[0].x < frames.at(-1)[1].x") else "ArrowLeft"
        strike = ("KeyJ", "KeyK", "Space", "KeyL")[turn % 4]
        for code, down in ((toward, True), (strike, True), (strike, False), (toward, False)):
            browser.key(code, down)
            time.sleep(0.02)
        turn += 1
    wait_for(browser, "over")


def check_the_replay(browser: Browser, duel: Duel, file: Path) -> None:
    """What one click saves is what the page has shown, bit for bit, and plays back in the viewer."""
    shown = browser.run("frames.map(pair => pair.map(f => [f.x, f.y, f.hp, f.mp, f.m, f.t, ...f.cd]))")
    with urllib.request.urlopen(browser.run("$('save').href")) as answer:
        assert answer.headers.get_filename() == "ember_fox_v_gale_archer.npz"
        file.write_bytes(answer.read())
    replay = replays.load(file)
    assert replay.players == ("person", "specialist int8, temperature 1, 300 ms")
    moments = list(replays.play_back(duel.roster, replay))
    fields = ("x_mm", "y_mm", "health_hp", "mana", "move", "move_tick")
    played = []
    for moment in moments:
        moment.fighters["health_hp"].clip(0, out=moment.fighters["health_hp"])
        played.append([[*(int(f[name]) for name in fields), *f["cooldown_ticks"].tolist()] for f in moment.fighters])
    assert shown[::3] == played
    own = replay.actions[:, 0]
    assert {"attack", "skill_1", "guard"} <= {SKILLS[skill] for skill in own[:, 1]} and (own[:, 0] == 1).sum() > 5
    words = {1.0: "You win!", 0.0: "You lose", 0.5: "Draw"}[browser.run("ended.outcome")]
    assert browser.run("$('result').textContent") == words
    with urllib.request.urlopen(browser.run("$('watch').href")) as answer:
        assert f'"hp":{played[-1][0][2]},' in answer.read().decode()


def check_other_ways_to_play(browser: Browser) -> None:
    """Rematch by a key; the stick and a button by touch; a gamepad; pause; a connection that breaks."""
    browser.call("Input.dispatchKeyEvent", type="keyDown", code="Enter", key="Enter")
    wait_for(browser, "fight")
    assert browser.run("frames.length") < 30 and browser.run("fighters[1].player").startswith("specialist int8")

    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    box = "(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector('%s').getBoundingClientRect())"
    stick, guard = (browser.run(box % node) for node in ("#stick", "[data-skill=guard]"))
    touches = [{"x": stick[0] - 40, "y": stick[1] - 40, "id": 0}, {"x": guard[0], "y": guard[1], "id": 1}]
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=touches[:1])
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=touches)
    assert browser.run("[controls.direction, controls.held.map(h => h.skill)]") == [[-1, 1], ["guard"]]
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert browser.run("[controls.direction, controls.held]") == [[0, 0], []]

    buttons = "[...Array(16)].map((_, i) => ({pressed: i === PRESSED}))"
    pad = "navigator.getGamepads = () => [{connected: true, mapping: 'standard', axes: AXES, buttons: " + buttons + "}]"
    browser.run(pad.replace("AXES", "[0.9, 0.1]").replace("PRESSED", "5") + "; controls.poll()")
    assert browser.run("[controls.direction, controls.held.map(h => h.skill)]") == [[1, 0], ["ultimate"]]
    browser.run(pad.replace("AXES", "[0, 0]").replace("PRESSED", "-1") + "; controls.poll()")
    assert browser.run("[controls.direction, controls.held]") == [[0, 0], []]

    browser.key("Escape", down=True)
    wait_for(browser, "halted")
    newest = browser.run("newest")
    time.sleep(0.2)
    assert browser.run("newest") == newest
    browser.run("$('resume').click()")
    wait_for(browser, "fight")
    browser.run("socket.close()")
    wait_for(browser, "halted")
    back = "socket.readyState === 1 && frames.length === 1 ? done() : setTimeout(look, 20)"
    browser.run(f"new Promise(done => {{ const look = () => {back}; look(); }})")
    wait_for(browser, "halted")
    assert browser.run("newest") >= newest
    browser.run("$('leave').click()")
    wait_for(browser, "menu")
