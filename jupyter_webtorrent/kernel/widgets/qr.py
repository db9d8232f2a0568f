"""A link as a QR code, for whoever sits in the room with a phone or a camera."""

from __future__ import annotations

import io
from dataclasses import replace

import segno

from jupyter_webtorrent.protocol.magnet import MagnetLink

_TRACKERS = 3
_PEERS = 4
_PIXELS_A_MODULE = 4
_QUIET_ZONE = 4
"""Modules; ISO/IEC 18004 wants as many."""


def short_link(magnet: str) -> str:
    """The same torrent with only what is needed to find peers: the fewer characters, the easier to scan."""
    link = MagnetLink.from_text(magnet)
    short = replace(
        link,
        name=None,
        trackers=link.trackers[:_TRACKERS],
        web_seeds=(),
        exact_sources=(),
        peers=link.peers[:_PEERS],
    )
    return str(short)


def qr_png(content: str) -> bytes:
    """A PNG, black on white in any theme."""
    image = io.BytesIO()
    code = segno.make(content, error="m", boost_error=False, micro=False)
    code.save(image, kind="png", scale=_PIXELS_A_MODULE, border=_QUIET_ZONE)
    return image.getvalue()
