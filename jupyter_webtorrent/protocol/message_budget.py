"""How fast one tracker socket, or one address, may ask; clock and waiting are the caller's."""

from __future__ import annotations

from jupyter_webtorrent.protocol.token_bucket import TokenBucket

MESSAGES_PER_SECOND = 20.0
MESSAGE_BURST = 1000.0
BYTES_PER_MESSAGE = 1 << 15
"""A message counts once for each such stretch begun, so that large ones cannot buy more work."""


class MessageBudget:
    """MESSAGES_PER_SECOND for one socket, in bursts of up to MESSAGE_BURST."""

    def __init__(self, now: float) -> None:
        self._bucket = TokenBucket(MESSAGES_PER_SECOND, MESSAGE_BURST, now)

    def spend(self, size: int, now: float) -> float:
        """Count a message of `size` bytes; returns the seconds to wait before reading the next."""
        return self._bucket.take(now, max(1, -(-size // BYTES_PER_MESSAGE)))
