"""How many requests to keep under way with a peer: enough that it never waits for us, and little more.

One `Pipeline` a peer. It is told of blocks asked and come; which blocks those are is the downloader's business.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from jupyter_webtorrent.protocol.layout import BLOCK_SIZE

FIRST_DEPTH: Final = 8
LEAST_DEPTH: Final = 4
MOST_DEPTH: Final = 2000
"""For peers that say they keep so many: 31 MiB, a quarter of a second at 1 Gbit/s."""

DEFAULT_QUEUE: Final = 250
"""What a peer keeps that does not say (`reqq`, BEP 10: "the default in libtorrent is 250")."""

HEAD_ROOM: Final = 0.1
"""Seconds of the peer's rate asked for beyond two round trips: it may pause, and so may we.

What waits at one sender cannot be asked of another: at half a second a crowd of 30 behind slow links ends at
1.32 times the bound, at this 1.18 (tests/simulation).
"""
HEAD_ROOM_BYTES: Final = 2 << 20
"""The most that head room comes to: more only wears out the processor's caches."""

SAMPLE_SECONDS: Final = 0.25
"""The least time over which a rate is measured; the best of the last SAMPLES counts."""
SAMPLES: Final = 4

PROBE_SECONDS: Final = 20.0
"""How old the shortest latency gets before it is measured anew, behind a queue of a quarter."""

ASSUMED_DELAY: Final = 1.0
"""Seconds until a block comes from a peer whose rate is unknown."""

_UNKNOWN: Final = float("inf")


class Pipeline:
    """A bandwidth-delay product with head room, grown into by one request a block, as TCP's slow start does.

    A request's latency holds the round trip and the wait behind our own earlier requests; its minimum is
    taken for the round trip. Times are seconds of one steady clock.
    """

    __slots__ = (
        "_began",
        "_came",
        "_ceiling",
        "_latency",
        "_probe_at",
        "_rates",
        "_shortest",
        "depth",
    )

    def __init__(self, now: float) -> None:
        self.depth = FIRST_DEPTH
        """Requests to keep unanswered, if the peer keeps so many."""
        self._ceiling = MOST_DEPTH
        self._latency = _UNKNOWN
        """The round trip, as far as known."""
        self._shortest = _UNKNOWN
        """The shortest latency since the last probe began."""
        self._probe_at = now + PROBE_SECONDS
        self._rates: deque[float] = deque(maxlen=SAMPLES)
        self._began = now
        self._came = 0

    @property
    def rate(self) -> float:
        """Bytes per second that the peer can send; 0 while unknown."""
        return max(self._rates, default=0.0)

    def delay(self, requests: int) -> float:
        """Seconds until a block arrives that is asked for behind so many unanswered requests."""
        if not self._rates:
            return ASSUMED_DELAY
        return self._latency + requests * BLOCK_SIZE / max(self.rate, 1.0)

    def resumed(self, now: float) -> None:
        """Requests are about to go out, and none was under way: no rate can be taken from the pause."""
        self._began, self._came = now, 0
        self._ceiling = min(2 * self._ceiling, MOST_DEPTH)

    def block_came(self, asked_at: float, size: int, now: float) -> None:
        """A block that was asked for has come."""
        latency = now - asked_at
        if latency < self._shortest:
            self._shortest = latency
            self._latency = min(self._latency, latency)
        self._came += size
        if self.depth < self._ceiling:
            self.depth += 1
        elapsed = now - self._began
        if elapsed >= SAMPLE_SECONDS and elapsed >= self._latency:
            self._rates.append(self._came / elapsed)
            self._began, self._came = now, 0
            self._fit(now)

    def _fit(self, now: float) -> None:
        """Give the pipeline the size that the measured rate and round trip ask for."""
        rate, budget = self.rate, 2 * self._latency + HEAD_ROOM
        wanted = 2 * self._latency * rate + min(HEAD_ROOM * rate, HEAD_ROOM_BYTES)
        ceiling = wanted / BLOCK_SIZE
        if now >= self._probe_at + budget:
            self._latency = self._shortest  # of requests that waited behind a short queue
            self._shortest = _UNKNOWN
            self._probe_at = now + PROBE_SECONDS
        elif now >= self._probe_at:
            ceiling /= 4
        self._ceiling = int(min(max(ceiling, LEAST_DEPTH), MOST_DEPTH))
        self.depth = min(self.depth, self._ceiling)


def limit(request_queue: int | None) -> int:
    """The most requests to keep with a peer that says it keeps `request_queue`, or says nothing."""
    return DEFAULT_QUEUE if request_queue is None else min(request_queue, MOST_DEPTH)
