"""What ends the demo before its time."""

from __future__ import annotations


class DemoError(Exception):
    """The lesson cannot go on: the message is one plain line, `details` the lines that show why."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details
