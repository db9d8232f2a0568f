"""How fast bytes flow: a counter that is cheap to feed and is sampled about once a second."""

from __future__ import annotations

_KEPT = 0.7
"""How much of the old rate a sample one second later keeps."""


class RateMeter:
    """Counts bytes; `sample` turns them into a smoothed rate. Time is in seconds, any steady clock's."""

    __slots__ = ("_sampled_at", "_sampled_total", "rate", "total")

    def __init__(self, now: float) -> None:
        self.total = 0
        """Bytes since the start."""
        self.rate = 0.0
        """Bytes per second, as of the last sample."""
        self._sampled_at = now
        self._sampled_total = 0

    def add(self, count: int) -> None:
        self.total += count

    def sample(self, now: float) -> float:
        """Take in what came since the last sample; returns the new rate."""
        elapsed = now - self._sampled_at
        if elapsed <= 0:
            return self.rate
        current = (self.total - self._sampled_total) / elapsed
        kept = _KEPT**elapsed
        self.rate = current + (self.rate - current) * kept if self.rate else current
        if self.rate < 1:
            self.rate = 0.0
        self._sampled_at = now
        self._sampled_total = self.total
        return self.rate
