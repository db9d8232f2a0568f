"""The Range header of HTTP (RFC 9110 §14): which bytes of a file a request means. Pure."""

from __future__ import annotations

import re
from typing import Final

MAX_HEADER_CHARACTERS: Final = 200
"""Of a Range header. One range needs few; a longer list is refused unread."""

_ONE_RANGE: Final = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))", re.ASCII | re.IGNORECASE)


class UnsatisfiableRangeError(ValueError):
    """The answer is 416: no byte of the file is in the range, or the header asks for too much."""


def requested_range(header: str | None, length: int) -> range | None:
    """The offsets that a Range header asks for, of a file of `length` bytes; None: the whole file.

    Several ranges, another unit and what is no range at all are ignored, as §14.2 allows.
    Raises UnsatisfiableRangeError.
    """
    if header is None:
        return None
    if len(header) > MAX_HEADER_CHARACTERS:
        raise UnsatisfiableRangeError(f"a Range has {MAX_HEADER_CHARACTERS} characters at most")
    found = _ONE_RANGE.fullmatch(header.strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        asked = range(max(0, length - int(suffix)), length)
    elif last and int(last) < int(first):
        return None
    else:
        asked = range(int(first), min(int(last) + 1, length) if last else length)
    if not asked:
        raise UnsatisfiableRangeError("no byte of the file is in that range")
    return asked
