"""Reads the members of an untrusted JSON object, each as what its message says it must be.

Knows no message: which members there are, and the limits of what they hold, is up to the caller.
"""

from __future__ import annotations

from typing import Self

import msgspec

from jupyter_webtorrent.protocol.errors import TrackerMessageError

MAX_LINE_CHARACTERS = 200
"""Of the text for a person that a tracker may send."""


class JsonMembers:
    """The members of one JSON object; all methods raise TrackerMessageError for what is not so."""

    def __init__(self, members: dict[str, object]) -> None:
        self._members = members
        self.get = members.get

    @classmethod
    def of_frame(cls, frame: str | bytes, *, max_bytes: int) -> Self:
        """Decode a whole message."""
        if len(frame) > max_bytes:
            raise TrackerMessageError(f"a message over {max_bytes} bytes")
        try:
            value = msgspec.json.decode(frame)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise TrackerMessageError("not JSON, or nested too deeply") from None
        return cls.of(value, "the message")

    @classmethod
    def of(cls, value: object, what: str) -> Self:
        if not isinstance(value, dict):
            raise TrackerMessageError(f"{what} is not a JSON object")
        return cls(value)

    def id20(self, name: str) -> bytes:
        """20 bytes, written as latin-1 text."""
        return id20(self.get(name), name)

    def text(self, name: str) -> str:
        value = self.get(name)
        if not isinstance(value, str):
            raise TrackerMessageError(f"{name} is not text")
        return value

    def line(self, name: str) -> str:
        """Text for a person, made safe to show; empty if missing."""
        if self.get(name) is None:
            return ""
        head = self.text(name)[:MAX_LINE_CHARACTERS]
        return "".join(char if char.isprintable() else " " for char in head).strip()

    def count(self, name: str) -> int | None:
        """A number from 0 to 2^63 - 1, or its digits as text; None if missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TrackerMessageError(f"{name} is not a number")
        if not 0 <= value < 1 << 63:
            raise TrackerMessageError(f"{name} is out of range")
        return int(value)


def id20(value: object, name: str) -> bytes:
    """The 20 bytes behind a latin-1 text; raises TrackerMessageError."""
    if not isinstance(value, str) or len(value) != 20:
        raise TrackerMessageError(f"{name} is not a text of 20 characters")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise TrackerMessageError(f"{name} has characters over U+00FF") from None
