"""When a torrent has been seeded enough."""

from __future__ import annotations


class SeedingGoal:
    """Whichever is reached first ends the seeding, once: who resumes after that wants it seeded without end."""

    def __init__(self, ratio: float | None = None, seconds: float | None = None) -> None:
        self.ratio = ratio
        """Bytes sent, over the bytes that were fetched or are shared; None: no such goal."""
        self.seconds = seconds
        """Of seeding, pauses not counted; None: no such goal."""
        self.is_met = False
        self._seeded = 0.0

    def seeded(self, seconds: float, *, sent: int, size: int) -> str:
        """So many seconds more; which goal that reaches, in one line, or an empty one."""
        self._seeded += seconds
        reached = "" if self.is_met else self._reached(sent, size)
        self.is_met |= bool(reached)
        return reached

    def _reached(self, sent: int, size: int) -> str:
        if self.ratio is not None and sent >= self.ratio * size:
            return f"seeded to a ratio of {self.ratio:g}"
        if self.seconds is not None and self._seeded >= self.seconds:
            return f"seeded for {self.seconds:g} s"
        return ""
