"""What a WebRTC negotiation may use; apart from the code that uses it, which imports much."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_webtorrent.protocol.ice_servers import TurnServer


@dataclass(frozen=True, slots=True)
class RtcConfig:
    """What a negotiation may use. The default names no host."""

    stun_servers: tuple[str, ...] = ()
    """`stun:host:port` URLs; the first one is asked for our public address."""
    turn_servers: tuple[TurnServer, ...] = ()
    """Asked to relay for us, all of them at once."""
    loopback_candidates: bool = False
    """Use 127.0.0.1 alone: for demos and tests that stay on one machine."""
