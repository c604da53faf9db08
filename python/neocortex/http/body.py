"""Request bodies: capped, timed and counted, whatever the client declares.

The web server below reads on without limit of size or time, so both are kept here. A cap is checked on the declared
length first and then while bytes arrive; all bodies in memory together are bounded by one `BodyBudget`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from neocortex.http.errors import BodyTimeout, BodyTooLarge, ClientGone, HTTPError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]

DRAIN_MAX_BYTES = 4 << 20
"""An early answer first reads this much of an unread body: closing on unread bytes resets the connection."""
DRAIN_TIMEOUT_S = 5.0


class BodyBudget:
    """Bytes of body that all requests together may hold."""

    __slots__ = ("held_bytes", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0

    def take(self, size: int) -> None:
        """Counts `size` bytes in; raises 503 when that is beyond the limit."""
        if self.held_bytes + size > self.max_bytes:
            raise HTTPError(503, "too many request bytes in flight")
        self.held_bytes += size

    def give(self, size: int) -> None:
        """Counts `size` bytes out."""
        self.held_bytes -= size


class ReadDeadlines:
    """Interrupts bodies that take longer than `timeout_s` (0 = never), within a quarter of that or a second more.

    One timer for all of them: a timer of its own for each request costs more than the rest of the read.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._sweep_every_s = min(1.0, timeout_s / 4)
        self._reading: dict[Body, tuple[float, asyncio.Task[Any]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, body: Body) -> None:
        """From now on the current task is cancelled, and `body.overdue` set, when the time is up."""
        task = asyncio.current_task()
        if self._timeout_s <= 0 or task is None:
            return
        loop = task.get_loop()
        self._reading[body] = (loop.time() + self._timeout_s, task)
        if self._timer is None:
            self._timer = loop.call_later(self._sweep_every_s, self._sweep, loop)

    def stop(self, body: Body) -> None:
        """The body is complete or given up."""
        self._reading.pop(body, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for body, (deadline, task) in list(self._reading.items()):
            if deadline <= now:
                del self._reading[body]
                body.overdue = True
                task.cancel()
        self._timer = loop.call_later(self._sweep_every_s, self._sweep, loop) if self._reading else None


class Body:
    """The body of one request. `declared` is Content-Length, None when chunked, 0 without a body."""

    __slots__ = (
        "_budget",
        "_bytes",
        "_complete",
        "_deadlines",
        "_expects_continue",
        "_held",
        "_receive",
        "declared",
        "overdue",
        "received",
    )

    def __init__(
        self,
        receive: Receive,
        declared: int | None,
        *,
        expects_continue: bool,
        budget: BodyBudget,
        deadlines: ReadDeadlines,
    ) -> None:
        self._receive = receive
        self.declared = declared
        self.received = 0
        """Bytes that came in so far."""
        self.overdue = False
        """Set by `ReadDeadlines` when it interrupts the read."""
        self._expects_continue = expects_continue
        self._deadlines = deadlines
        self._budget = budget
        self._held = 0
        self._bytes: bytes | None = b"" if declared == 0 else None
        self._complete = declared == 0

    async def read(self, limit: int) -> bytes:
        """All bytes, at most `limit`; the same object when called again.

        Raises `BodyTooLarge`, `BodyTimeout`, `ClientGone`, or 503 when all bodies together are too large.
        """
        if self._bytes is not None:
            if len(self._bytes) > limit:
                raise BodyTooLarge(limit, self.declared)
            return self._bytes
        if self._complete or self.received:
            # An earlier read broke off; what is left of the body is not the body.
            raise ClientGone
        if self.declared is not None:
            if self.declared > limit:
                raise BodyTooLarge(limit, self.declared)
            self._hold(self.declared)
        self._deadlines.start(self)
        try:
            self._bytes = await self._collect(limit)
        except asyncio.CancelledError:
            if not self.overdue:
                raise
            self._complete = True
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            raise BodyTimeout from None
        finally:
            self._deadlines.stop(self)
        return self._bytes

    async def _collect(self, limit: int) -> bytes:
        first = b""
        parts: list[bytes] | None = None
        while not self._complete:
            chunk = await self._next()
            if self.received > limit:
                raise BodyTooLarge(limit, self.declared)
            if self.declared is None:
                self._hold(len(chunk))
            if parts is not None:
                parts.append(chunk)
            elif first:
                parts = [first, chunk]
            else:
                first = chunk
        return first if parts is None else b"".join(parts)

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            self._complete = True
            raise ClientGone
        chunk: bytes = message["body"]
        self.received += len(chunk)
        # The server announces the end in a message of its own; with a declared length there is no need to wait for it.
        if self.received == self.declared or not message["more_body"]:
            self._complete = True
        return chunk

    async def drain(self) -> None:
        """Before an answer: takes what the client is still sending, within bounds, and forgets it."""
        if self._complete or (self._expects_continue and not self.received):
            return
        if self.declared is not None and self.declared > DRAIN_MAX_BYTES:
            return
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while not self._complete and self.received <= DRAIN_MAX_BYTES:
                    await self._next()
        except (TimeoutError, ClientGone):
            self._complete = True

    async def disconnected(self) -> None:
        """Returns when the client has closed the connection; call it once the body is read."""
        while (await self._receive())["type"] == "http.request":
            pass

    def _hold(self, size: int) -> None:
        self._budget.take(size)
        self._held += size

    def close(self) -> None:
        """Gives the bytes back to the budget; called once the answer is written."""
        self._budget.give(self._held)
        self._held = 0
        self._bytes = None
        self._complete = True
