"""How fast bytes may flow, and whose turn it is where the limits do not suffice for all.

Pure of clocks: time, in seconds, is an argument. `engine.throttle` calls this from an event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from jupyter_webtorrent.protocol.layout import BLOCK_SIZE
from jupyter_webtorrent.protocol.token_bucket import TokenBucket

BURST_SECONDS = 0.25
"""How much of its rate an idle bucket saves up."""
TURN_SECONDS = 0.02
"""How much of its rate may flow in one turn, but always a block."""


class ByteBucket:
    """Bytes that may flow: `rate` a second, or any number if it is None.

    Invariant: it is open unless the last spending overdrew it, and opens again once that is paid for.
    """

    __slots__ = ("_bucket", "rate")

    def __init__(self, rate: int | None = None) -> None:
        self.rate = rate
        self._bucket = _bucket(rate, 0.0, 0.0)

    def set_rate(self, rate: int | None, now: float) -> None:
        """What was overdrawn at the old rate is forgotten, but for a block."""
        saved = 0.0 if self._bucket is None else self._bucket.tokens(now)
        self.rate = rate
        self._bucket = _bucket(rate, now, max(saved, -float(BLOCK_SIZE)))

    def opens_in(self, now: float) -> float:
        """Seconds until bytes may flow; 0: now."""
        if self._bucket is None:
            return 0.0
        tokens = self._bucket.tokens(now)
        # A byte of grace: a sum of many small times seldom comes out even.
        return 0.0 if tokens > -1.0 else -tokens / self._bucket.rate

    def spend(self, count: int) -> None:
        if self._bucket is not None:
            self._bucket.spend(count)


def _bucket(rate: int | None, now: float, tokens: float) -> TokenBucket | None:
    return None if rate is None else TokenBucket(rate, rate * BURST_SECONDS, now, tokens)


class Flow:
    """One peer's bytes in one direction.

    `take_turn` lets about a block flow and returns its bytes, or 0 if there is nothing to send any more.
    """

    __slots__ = ("ahead", "is_waiting", "share", "take_turn")

    def __init__(self, share: Share, take_turn: Callable[[], int]) -> None:
        self.share = share
        self.take_turn = take_turn
        self.is_waiting = False
        self.ahead = 0
        """Bytes by which its last turn went over a block: it sits out as many turns."""


class Share:
    """One torrent's bytes in one direction: its own limit, and its peers that wait."""

    __slots__ = ("_flows", "bucket", "served")

    def __init__(self, rate: int | None = None) -> None:
        self.bucket = ByteBucket(rate)
        self.served = 0
        """What it was given, in bytes: the torrent that was given least is next."""
        self._flows: deque[Flow] = deque()

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._flows)

    def add(self, flow: Flow) -> None:
        flow.is_waiting = True
        self._flows.append(flow)

    def next(self) -> Flow:
        """The peer whose turn it is: each in the order they came, but none twice what the others get."""
        while (flow := self._flows.popleft()).ahead > 0:
            flow.ahead -= BLOCK_SIZE
            self._flows.append(flow)
        flow.is_waiting = False
        return flow


class Limiter:
    """One direction of a session: a limit for all torrents, one for each, and turns for those that wait.

    Torrents share alike, whatever their number of peers; the peers of one torrent share alike too.
    """

    def __init__(self, rate: int | None = None) -> None:
        self.bucket = ByteBucket(rate)
        self._waiting: dict[Share, None] = {}
        self._served = 0
        """What the torrent that was last served had been given: who comes new begins there."""

    def limits(self, share: Share) -> bool:
        """Whether there is any limit for this torrent."""
        return self.bucket.rate is not None or share.bucket.rate is not None

    def turn_bytes(self, share: Share) -> int:
        """What may flow in one turn."""
        rates = [rate for rate in (self.bucket.rate, share.bucket.rate) if rate is not None]
        return max(BLOCK_SIZE, int(min(rates, default=0) * TURN_SECONDS))

    def wait(self, flow: Flow) -> None:
        """The peer has something to send, and waits for its turn; waiting twice is waiting once."""
        if flow.is_waiting:
            return
        share = flow.share
        if share not in self._waiting:
            # Who is back within a moment keeps its claim; who comes new has none on the past.
            moment = int((self.bucket.rate or 0) * BURST_SECONDS)
            share.served = max(share.served, self._served - moment)
            self._waiting[share] = None
        share.add(flow)

    def serve(self, now: float) -> float | None:
        """Give turns until a limit is reached; returns the seconds until the next, None if nobody waits."""
        while self._waiting:
            delay = self.bucket.opens_in(now)
            ready = None if delay else self._next(now)
            if ready is None:
                own = min(share.bucket.opens_in(now) for share in self._waiting)
                return max(delay, own)
            flow = ready.next()
            self._served = ready.served
            if not ready:
                del self._waiting[ready]
            count = flow.take_turn()
            flow.ahead = max(0, count - BLOCK_SIZE)
            ready.served += count
            ready.bucket.spend(count)
            self.bucket.spend(count)
        return None

    def _next(self, now: float) -> Share | None:
        ready = [share for share in self._waiting if not share.bucket.opens_in(now)]
        return min(ready, key=lambda share: share.served, default=None)
