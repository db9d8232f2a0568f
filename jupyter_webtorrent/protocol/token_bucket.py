"""A rate with bursts, as a token bucket; clock and waiting are the caller's."""

from __future__ import annotations


class TokenBucket:
    """`rate` things a second on average, up to `burst` at once; what is overdrawn is earned back first."""

    __slots__ = ("_then", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float, tokens: float | None = None) -> None:
        """It begins with so many `tokens`, at most `burst`; None: full."""
        self.rate = rate
        self.burst = burst
        self._tokens = burst if tokens is None else min(burst, tokens)
        self._then = now

    def tokens(self, now: float) -> float:
        """What may be taken at once; below zero it is overdrawn."""
        self._tokens = min(self.burst, self._tokens + (now - self._then) * self.rate)
        self._then = now
        return self._tokens

    def try_take(self, now: float) -> bool:
        """Whether one more fits; it then counts."""
        if self.tokens(now) < 1:
            return False
        self._tokens -= 1
        return True

    def take(self, now: float, count: int = 1) -> float:
        """Count so many in any case; returns the seconds to wait until they fit."""
        self.tokens(now)
        self.spend(count)
        return max(0.0, -self._tokens / self.rate)

    def spend(self, count: int) -> None:
        """Count so many in any case."""
        self._tokens -= count


class KeyedBuckets:
    """A bucket for each of many strangers: at most `limit` are remembered, the latest ones."""

    def __init__(self, rate: float, burst: float, limit: int) -> None:
        self._rate = rate
        self._burst = burst
        self._limit = limit
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def try_take(self, key: str, now: float) -> bool:
        """Whether one more of this stranger's fits; it then counts."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst, now)
        self._buckets[key] = bucket  # the latest last
        while len(self._buckets) > self._limit:
            del self._buckets[next(iter(self._buckets))]
        return bucket.try_take(now)
