"""One page: its connection, its clock and its matches, one after the other.

The clock runs here, a decision every 100 ms. It stands still while the page is hidden or asked for it, while the page
has not received what was sent (a tab that sleeps, a slow network), and while there is no connection; nothing is lost by
any of them, and nothing piles up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

from absl import logging
from aiohttp import WSCloseCode, WSMsgType, web

from camtf.files import FileError
from camtf.games.duel.state import TICKS_PER_DECISION, TICKS_PER_SECOND
from camtf.games.duel.viewer.page import describe_fighter, describe_state
from camtf.play.arena import Arena
from camtf.play.match import Match, Turn
from camtf.play.messages import Input, Leave, Message, MessageError, Pause, Resume, Start, parse

_SECONDS_PER_DECISION = TICKS_PER_DECISION / TICKS_PER_SECOND
_FIRST_COUNTDOWN_SECONDS = 3.0
_COUNTDOWN_SECONDS = 1.0
_MOST_UNSEEN = 10
"""Decisions that the page may be behind before the clock waits for it."""
_MOST_LATE_SECONDS = 0.5
"""What the clock makes up for where the machine was busy; more than that is forgotten."""
_MOST_MESSAGES_PER_SECOND = 300
_MOST_REFUSED = 50
_SEND_SECONDS = 10.0


class Session:
    """What the server keeps of a page.

    Args:
        speed: how fast the clock runs; 1 is real time.
    """

    def __init__(self, name: str, arena: Arena, speed: float) -> None:
        self.name = name
        self.left_at: float | None = None
        self._arena = arena
        self._speed = speed
        self._socket: web.WebSocketResponse | None = None
        self._match: Match | None = None
        self._clock: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._paused = False
        self._seen = 0
        self._end: dict[str, Any] | None = None

    async def serve(self, socket: web.WebSocketResponse) -> None:
        """Talk to the page until the connection ends. A page that comes back, or its copy in another tab, takes the
        place of the one before."""
        if self._socket is not None:
            await self._send({"type": "taken"})
            await self._socket.close()
        self._socket, self.left_at = socket, None
        await self._greet()
        try:
            await self._listen(socket)
        finally:
            if self._socket is socket:
                self._socket, self.left_at = None, time.monotonic()
                self._pause()

    async def close(self) -> None:
        """Give everything up."""
        await self._stop()
        if self._socket is not None:
            await self._socket.close(code=WSCloseCode.GOING_AWAY)

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        second, messages, refused = 0, 0, 0
        async for raw in socket:
            now = int(time.monotonic())
            second, messages = now, messages + 1 if now == second else 1
            if messages > _MOST_MESSAGES_PER_SECOND * max(1.0, self._speed) or refused > _MOST_REFUSED:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
                return
            try:
                if raw.type is not WSMsgType.TEXT:
                    raise MessageError("a message must be text")
                message = parse(raw.data)
                async with self._one_at_a_time:  # a connection that is being taken over may still say something
                    await self._obey(message)
            except MessageError as error:
                refused += 1
                await self._send({"type": "refused", "message": str(error)})

    async def _obey(self, message: Message) -> None:
        if isinstance(message, Input):
            self._seen = max(self._seen, message.seen)
            if self._match is not None:
                self._match.person.take(message)
        elif isinstance(message, Start):
            await self._begin(message)
        elif isinstance(message, Pause):
            self._pause()
            await self._send({"type": "paused"})
        elif isinstance(message, Resume):
            self._paused = False
        elif isinstance(message, Leave):
            await self._stop()
        self._news.set()

    async def _begin(self, start: Start) -> None:
        await self._stop()
        try:
            self._match = await asyncio.to_thread(self._arena.match, start)
        except MessageError:
            raise
        except (ValueError, RuntimeError) as error:  # a model that is damaged or of another pack
            raise MessageError(str(error)) from error
        self._paused, self._seen, self._end = False, 0, None
        await self._send(self._shown_match(self._match))
        self._clock = asyncio.create_task(self._run(self._match))

    async def _stop(self) -> None:
        clock, self._clock, self._match = self._clock, None, None
        if clock is not None:
            clock.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await clock

    def _pause(self) -> None:
        self._paused = True
        if self._match is not None:
            self._match.person.let_go()

    async def _run(self, match: Match) -> None:
        """Play a match to its end."""
        try:
            await self._count_down(_FIRST_COUNTDOWN_SECONDS)
            due = time.monotonic()
            while match.outcome is None:
                if await self._wait_for_page(match):
                    due = time.monotonic()
                turn = match.play()
                await self._send(self._shown_turn(match, turn))
                due = max(due + _SECONDS_PER_DECISION / self._speed, time.monotonic() - _MOST_LATE_SECONDS)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            replay = await asyncio.to_thread(match.replay)
            self._end = {"type": "end", "outcome": match.outcome, "replay": self._arena.keep(replay)}
            await self._send(self._end)
        except (ValueError, FileError) as error:
            logging.exception("a match was given up")
            await self._send({"type": "refused", "message": f"the match was given up: {error}"})

    async def _wait_for_page(self, match: Match) -> bool:
        """Wait while the clock stands still. Says whether it did."""
        waited = False
        while self._paused or self._socket is None or match.decisions - self._seen > _MOST_UNSEEN:
            paused, waited = self._paused, True
            self._news.clear()
            await self._news.wait()
            if paused and not self._paused:
                await self._count_down(_COUNTDOWN_SECONDS)
        return waited

    async def _count_down(self, seconds: float) -> None:
        await self._send({"type": "countdown", "seconds": seconds / self._speed})
        await asyncio.sleep(seconds / self._speed)

    async def _greet(self) -> None:
        await self._send({"type": "welcome", "session": self.name, **self._arena.describe()})
        if self._match is not None:  # the page comes back to it
            self._seen = self._match.decisions
            await self._send(self._shown_match(self._match))
            if self._end is not None:
                await self._send(self._end)
            elif self._match.outcome is None:
                await self._send({"type": "paused"})

    async def _send(self, message: dict[str, Any]) -> None:
        """To the page, where there is one that takes it."""
        socket = self._socket
        if socket is None or socket.closed:
            return
        try:
            await asyncio.wait_for(socket.send_str(json.dumps(message, separators=(",", ":"))), _SEND_SECONDS)
        except (ConnectionError, asyncio.TimeoutError):
            self._pause()

    def _shown_match(self, match: Match) -> dict[str, Any]:
        roster = self._arena.game.roster
        players = ("you", match.opponent.title)
        return {
            "type": "match",
            "number": match.decisions,
            "fighters": [describe_fighter(roster, c, who) for c, who in zip(match.indices, players, strict=True)],
            "state": [describe_state(fighter) for fighter in match.fighters],
            "legal": match.legal.astype(int).tolist(),
            "speed": self._speed,
        }

    def _shown_turn(self, match: Match, turn: Turn) -> dict[str, Any]:
        return {
            "type": "turn",
            "number": match.decisions,
            "ticks": [[describe_state(fighter) for fighter in tick] for tick in turn.ticks],
            "actions": turn.actions.tolist(),
            "legal": match.legal.astype(int).tolist(),
        }
