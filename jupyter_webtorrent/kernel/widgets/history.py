"""The rates of the last minutes, in steps of equal length: what a plot shows. It reads no clock."""

from __future__ import annotations

from collections import deque

STEP = 2.0
"""Seconds."""
STEPS = 150
_LATE = 4
"""Steps between two looks that are nothing unusual."""
_LOWEST_TOP = 1000
"""Bytes a second: an idle transfer's few bytes must not look like a peak."""


class RateHistory:
    """Bytes a second, both ways, of at most `STEPS` steps; the newest is last."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, int]] = deque(maxlen=STEPS)
        self._begun = 0.0

    def add(self, now: float, down: float, up: float) -> bool:
        """Note the rates at a time in seconds; returns whether the plot is another one by that."""
        rates = (round(down), round(up))
        missed = int((now - self._begun) / STEP) if self._steps else 1
        if missed < 1:
            return False
        # A look that came late stands for those it replaces; over a laptop's sleep there was nothing.
        between = rates if missed <= _LATE else (0, 0)
        self._steps.extend([between] * min(missed - 1, STEPS))
        self._begun = self._begun + missed * STEP if len(self._steps) else now
        self._steps.append(rates)
        return True

    @property
    def down(self) -> list[int]:
        return [down for down, _ in self._steps]

    @property
    def up(self) -> list[int]:
        return [up for _, up in self._steps]

    @property
    def span(self) -> float:
        """Seconds from the first step to the last."""
        return max(len(self._steps) - 1, 0) * STEP

    @property
    def top(self) -> int:
        """A round rate (1, 2 or 5 times a power of ten) that none is above."""
        highest = max((max(step) for step in self._steps), default=0)
        power = _LOWEST_TOP
        while True:
            for factor in (1, 2, 5):
                if highest <= factor * power:
                    return factor * power
            power *= 10
