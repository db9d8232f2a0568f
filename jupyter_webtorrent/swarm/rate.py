"""How fast bytes flow: a counter that is cheap to feed and is sampled about once a second."""

from __future__ import annotations

from collections import deque

WINDOW_SAMPLES = 5


class RateMeter:
    """Counts bytes; the rate is that of the last few samples. Time is in seconds, any steady clock's."""

    __slots__ = ("_samples", "rate", "total")

    def __init__(self, now: float) -> None:
        self.total = 0
        """Bytes since the start."""
        self.rate = 0.0
        """Bytes per second, as of the last sample."""
        self._samples = deque([(now, 0)], maxlen=WINDOW_SAMPLES + 1)

    def add(self, count: int) -> None:
        self.total += count

    def sample(self, now: float) -> float:
        """Take in what came since the last sample; returns the new rate."""
        if now > self._samples[-1][0]:
            self._samples.append((now, self.total))
            began, before = self._samples[0]
            self.rate = (self.total - before) / (now - began)
        return self.rate
