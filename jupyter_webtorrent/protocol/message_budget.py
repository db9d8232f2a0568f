"""How fast one tracker socket, or one address, may ask, as a token bucket; clock and waiting are the caller's."""

from __future__ import annotations

MESSAGES_PER_SECOND = 20.0
MESSAGE_BURST = 1000.0
BYTES_PER_MESSAGE = 1 << 15
"""A message counts once for each such stretch begun, so that large ones cannot buy more work."""


class MessageBudget:
    """MESSAGES_PER_SECOND for one socket or address, in bursts of up to MESSAGE_BURST."""

    def __init__(self, now: float) -> None:
        self._tokens = MESSAGE_BURST
        self._then = now

    def spend(self, size: int, now: float) -> float:
        """Count a message of `size` bytes; returns the seconds to wait before reading the next."""
        self._earn(now)
        self._tokens -= max(1, -(-size // BYTES_PER_MESSAGE))
        return max(0.0, -self._tokens / MESSAGES_PER_SECOND)

    def allow(self, now: float) -> bool:
        """Count one message if there is room for it, where nobody can be made to wait."""
        self._earn(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _earn(self, now: float) -> None:
        earned = (now - self._then) * MESSAGES_PER_SECOND
        self._tokens = min(MESSAGE_BURST, self._tokens + earned)
        self._then = now
