"""How long to wait before a tracker is tried again; decides, never waits."""

from __future__ import annotations

import random

FIRST_RETRY = 1.0
SHORTEST = 10.0
LONGEST = 3600.0
JITTER = 1.5
"""A delay is up to this many times its base."""


class Backoff:
    """Delays in seconds: one quick retry, then SHORTEST doubling up to LONGEST, with jitter.

    The first retry is quick because a class often starts before its tracker does.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._base = 0.0

    def next(self) -> float:
        """The delay after one more failure."""
        if not self._base:
            self._base = SHORTEST
            return self._rng.uniform(FIRST_RETRY, 2 * FIRST_RETRY)
        delay = self._rng.uniform(self._base, self._base * JITTER)
        self._base = min(2 * self._base, LONGEST / JITTER)
        return delay

    def reset(self) -> None:
        """The tracker works: its next failure counts as the first."""
        self._base = 0.0
