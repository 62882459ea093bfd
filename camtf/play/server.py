"""The web server: the page, its connection, and the replays of finished matches."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import WSCloseCode, web

from camtf.games.duel import replay as replays
from camtf.games.duel.viewer.page import STAGE, page_text
from camtf.play.arena import Arena
from camtf.play.messages import LARGEST_BYTES
from camtf.play.session import Session

_PAGE = Path(__file__).with_name("page")
_FILES = {
    "/": (_PAGE / "play.html", "text/html"),
    "/play.css": (_PAGE / "play.css", "text/css"),
    "/play.js": (_PAGE / "play.js", "text/javascript"),
    "/controls.js": (_PAGE / "controls.js", "text/javascript"),
    "/stage.js": (STAGE, "text/javascript"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_VIEWER_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_MOST_SESSIONS = 32
_KEPT_SECONDS = 600.0
"""How long a page may be away before its match is given up."""
_HEARTBEAT_SECONDS = 20.0


class Server:
    """Serves pages.

    Args:
        host: the address that is listened on; where it is this machine's own (127.0.0.1, localhost), requests that
            name another host are refused, so that no other web page can reach in by a name of its own.
        speed: how fast all clocks run; 1 is real time.
    """

    def __init__(self, arena: Arena, host: str, speed: float) -> None:
        self._arena = arena
        self._host = host
        self._speed = speed
        self._sessions: dict[str, Session] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.app = web.Application(middlewares=[self._guarded])
        for path in _FILES:
            self.app.router.add_get(path, self._file)
        self.app.router.add_get("/socket", self._socket)
        self.app.router.add_get("/replays/{name}.npz", self._replay_file)
        self.app.router.add_get("/replays/{name}", self._replay_page)
        self.app.cleanup_ctx.append(self._housekeeping)

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if is_own(self._host) and not is_own(_asked_for(request)):
            raise web.HTTPForbidden(text=f"this server answers on {self._host} alone, not on {request.host[:100]}\n")
        response = await handler(request)
        if not response.prepared:
            response.headers.setdefault("Content-Security-Policy", _POLICY)
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Cache-Control"] = "no-store"
        return response

    async def _file(self, request: web.Request) -> web.Response:
        file, kind = _FILES[request.path]
        return web.Response(text=file.read_text(encoding="utf-8"), content_type=kind)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text=f"the page of {origin[:100]} may not play here\n")
        socket = web.WebSocketResponse(max_msg_size=LARGEST_BYTES, heartbeat=_HEARTBEAT_SECONDS)
        await socket.prepare(request)
        session = self._session(request.query.get("session", ""))
        if session is None:
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too many pages are open")
        else:
            await session.serve(socket)
        return socket

    def _session(self, name: str) -> Session | None:
        """The page's session, or a new one; None where there are too many. Those that nobody may come back to make
        room."""
        if name not in self._sessions:
            away = sorted((s for s in self._sessions.values() if s.left_at), key=lambda s: s.left_at or 0.0)
            if len(self._sessions) >= _MOST_SESSIONS:
                if not away:
                    return None
                self._drop(away[0])
            session = Session(secrets.token_urlsafe(12), self._arena, self._speed)
            self._sessions[session.name] = session
            return session
        return self._sessions[name]

    def _drop(self, session: Session) -> None:
        del self._sessions[session.name]
        task = asyncio.create_task(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _housekeeping(self, app: web.Application) -> AsyncIterator[None]:
        async def forget() -> None:
            while True:
                await asyncio.sleep(_KEPT_SECONDS / 10)
                for session in [*self._sessions.values()]:
                    if session.left_at and time.monotonic() - session.left_at > _KEPT_SECONDS:
                        self._drop(session)

        task = asyncio.create_task(forget())
        app.on_shutdown.append(self._close_all)
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _close_all(self, app: web.Application) -> None:
        for session in [*self._sessions.values()]:
            await session.close()

    def _replay(self, request: web.Request) -> replays.Replay:
        name = request.match_info["name"]
        if name not in self._arena.replays:
            raise web.HTTPNotFound(text="there is no such replay here any more\n")
        return self._arena.replays[name]

    async def _replay_file(self, request: web.Request) -> web.Response:
        replay = self._replay(request)
        name = "_v_".join(replay.characters)
        headers = {"Content-Disposition": f'attachment; filename="{name}.npz"'}
        return web.Response(body=replays.to_bytes(replay), content_type="application/octet-stream", headers=headers)

    async def _replay_page(self, request: web.Request) -> web.Response:
        text = await asyncio.to_thread(page_text, self._arena.game.roster, self._replay(request))
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _VIEWER_POLICY})


def _asked_for(request: web.Request) -> str:
    """The host that a request names; empty where it names none."""
    try:
        return request.url.host or ""
    except ValueError:  # it is no address at all
        return ""


def is_own(host: str) -> bool:
    """Is this an address or name of the machine itself that no other machine can reach?"""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
