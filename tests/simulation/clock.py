"""A virtual clock: what is to happen, in the order of its time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

Call = Callable[[], None]


class VirtualClock:
    """Runs calls at their times, as fast as the machine can; `now` is in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._calls: list[tuple[float, int, Call]] = []
        self._order = count()

    def at(self, time: float, call: Call) -> None:
        """Calls of one time run in the order they were asked for."""
        heappush(self._calls, (time, next(self._order), call))

    def run(self, until: float) -> None:
        """Run all that is to happen until then."""
        calls = self._calls
        while calls and calls[0][0] <= until:
            self.now, _, call = heappop(calls)
            call()
        self.now = until
