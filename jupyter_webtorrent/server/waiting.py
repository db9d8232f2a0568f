"""How long requests for files wait for bytes that are not here, and how many of them at a time.

A browser opens six connections to a server over HTTP/1.1: players that hold them all would keep JupyterLab itself
from its server. What a file is and how it is read is left to `streaming`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from jupyter_webtorrent.protocol.errors import WebTorrentError

SEATS: Final = 3
"""Requests of one server that may wait at a time; the other connections of a browser stay free."""
AT_ONCE_SECONDS: Final = 1.0
"""What takes no longer, as bytes on the disk do not, needs no seat."""
MID_BODY_SECONDS: Final = 5.0
"""The same for an answer that has begun: a player that is a little ahead of its peers is no trouble."""
DOUBT_SECONDS: Final = 5.0
"""After this somebody asks whether anything comes at all."""
LONGEST_SECONDS: Final = 20.0
"""Nobody waits longer for one read, but those who say that they do."""
RETRY_AFTER_SECONDS: Final = 5

_MAX_PATIENCE: Final = 86_400
_WAIT: Final = re.compile(
    r"(?:^|[,;])\s*wait\s*=\s*([0-9]{1,9})\s*(?:$|[,;])", re.IGNORECASE | re.ASCII
)

T = TypeVar("T")


class NotComingError(WebTorrentError):
    """What was asked for does not come soon enough; it may be asked for again later."""


def patience(prefer: str) -> int | None:
    """The seconds that a `Prefer: wait=…` (RFC 7240) grants; None if it grants none."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), _MAX_PATIENCE) if found else None


class WaitingRoom:
    """One server's requests that wait."""

    def __init__(self) -> None:
        self._taken = 0

    async def wait(
        self, coming: Future[T], why_not: Callable[[], Awaitable[str]], *, begun: bool = False
    ) -> T:
        """What is coming, and whatever it raises; NotComingError with the reason if it takes too long.

        `why_not` says in a line why nothing at all comes, or "" while something does. `begun` is whether the
        answer's headers are out. What is not waited for any more is cancelled.
        """
        waited = asyncio.wrap_future(coming)
        try:
            at_once = MID_BODY_SECONDS if begun else AT_ONCE_SECONDS
            if await _is_done(waited, at_once):
                return await waited
            if self._taken >= SEATS:
                raise NotComingError("other files are waited for already; try again in a moment")
            self._taken += 1
            try:
                if await _is_done(waited, DOUBT_SECONDS - at_once):
                    return await waited
                if not begun and (reason := await why_not()):
                    raise NotComingError(f"nothing of it comes at the moment: {reason}")
                if await _is_done(waited, LONGEST_SECONDS - DOUBT_SECONDS):
                    return await waited
                raise NotComingError(f"nothing of it came in {LONGEST_SECONDS:.0f} s")
            finally:
                self._taken -= 1
        finally:
            waited.cancel()

    async def wait_patiently(self, coming: Future[T], seconds: float) -> T:
        """The same for who says how long to wait, and is no browser: it needs no seat."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(coming)
        except TimeoutError:
            raise NotComingError(f"nothing of it came in {seconds:.0f} s") from None


async def _is_done(future: asyncio.Future[T], seconds: float) -> bool:
    await asyncio.wait([future], timeout=max(0.0, seconds))
    return future.done()
