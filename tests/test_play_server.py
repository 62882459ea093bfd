"""The server of `camtf.play`: its clock waits for the page, and nothing that a page does harms it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from camtf.games.duel.game import Duel
from camtf.play import __main__ as program
from camtf.play.arena import Arena
from camtf.play.server import is_own
from mobile.pack import Pack
from tests.serving import server

ROOT = Path(__file__).parents[1]
CHARACTERS = ("ember_fox", "gale_archer")
START = {"type": "start", "character": "ember_fox", "opponent": "rusher", "opponent_character": "gale_archer",
         "precision": "", "temperature": 1, "delay": 0}  # fmt: skip
INPUT = {"type": "input", "x": 0, "y": 0, "held": [], "tapped": [], "seen": 0}


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
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=take_ctrl_c
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            _, opened = process.stdout.readline(), process.stdout.readline()
            (url,) = re.findall(r"^open (http://127\.0\.0\.1:\d+) in a browser; Ctrl-C ends\n$", opened)
            with urllib.request.urlopen(url) as answer:
                assert answer.status == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


def take_ctrl_c() -> None:
    """As from a terminal: what a shell has started in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


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
