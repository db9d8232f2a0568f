"""The header by which a browser saves an answer under a name that a stranger chose (RFC 6266)."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from jupyter_webtorrent.storage.paths import safe_name

_UNRESERVED: Final = "!#$&+-.^_`|~"
"""What else stands for itself in RFC 8187's ext-value."""


def attachment(name: str) -> str:
    """Content-Disposition for a file of that name, made safe; with an ASCII one for those who read no other."""
    name = safe_name(name)
    plain = "".join(
        character if character.isascii() and character not in '"\\%' else "_" for character in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_UNRESERVED)}"
