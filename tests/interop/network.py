"""Whether WebRTC has a chance here: no peer gathers a candidate where there is only loopback."""

from __future__ import annotations

import socket

HOW_TO_RUN = (
    "WebRTC needs an address that is not loopback and a default route: "
    "run this behind `python tests/namespace.py`, as make does"
)


def own_address() -> str | None:
    """The address that the default route starts from, or None. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: documentation only
        except OSError:
            return None
        return str(probe.getsockname()[0])
