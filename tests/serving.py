"""The server of `camtf.play`, for tests: any free port, as long as a block lasts."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator

from aiohttp import ClientSession, web

from camtf.play.arena import Arena
from camtf.play.server import Server


@contextlib.asynccontextmanager
async def server(arena: Arena, speed: float = 20.0) -> AsyncIterator[tuple[ClientSession, str]]:
    arena.first_match().play()  # as the command does: what must be compiled first takes longer than a page waits
    runner = web.AppRunner(Server(arena, "127.0.0.1", speed).app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with ClientSession() as client:
            yield client, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


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
    assert ready.wait(300)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
