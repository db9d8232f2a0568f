"""What kind of link a person pasted, by its looks alone: no disk is read, no host is asked.

Whether it is a good one is for its reader to say.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class LinkKind(Enum):
    """What stands for a torrent."""

    MAGNET = "magnet"
    """A magnet link (BEP 9)."""
    HASH = "hash"
    """An info hash: 40 hexadecimal or 32 base32 characters."""
    URL = "url"
    """Where a .torrent file is got by HTTP."""
    FILE = "file"
    """The path of a .torrent file."""


_LOOKS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE | re.ASCII | re.DOTALL))
    for kind, pattern in (
        (LinkKind.MAGNET, r"magnet:.*"),
        (LinkKind.URL, r"https?://.*"),
        (LinkKind.HASH, r"[0-9a-f]{40}|[a-z2-7]{32}"),
        (LinkKind.FILE, r".*\.torrent"),
    )
)


def link_kind(text: str) -> LinkKind | None:
    """The one kind that a link, without spaces around it, can be; None if it looks like none of them."""
    return next((kind for kind, looks in _LOOKS if looks.fullmatch(text)), None)
