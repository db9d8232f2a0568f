"""Connections that came to nothing, as values: what failed, where, and what a person can do about it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class FailureCode(Enum):
    """Where an attempt to connect ended."""

    # WebRTC, in the order of its steps
    NO_NETWORK = "no_network"
    """This machine has no address that a peer could reach."""
    NO_ANSWER = "no_answer"
    """We made an offer, and the tracker passed on no answer."""
    BAD_DESCRIPTION = "bad_description"
    """The peer's offer or answer (SDP) was refused."""
    NO_ROUTE = "no_route"
    """No pair of addresses, one of ours and one of the peer's, let packets through (ICE)."""
    TURN_FAILED = "turn_failed"
    """The same, and a TURN server that should have helped did not."""
    DTLS_FAILED = "dtls_failed"
    """The encrypted handshake failed."""
    WRONG_CERTIFICATE = "wrong_certificate"
    """The peer that answered is not the one that the description names (its fingerprint)."""
    NO_CHANNEL = "no_channel"
    """All was well, but no data channel opened."""
    # TCP
    NO_SUCH_HOST = "no_such_host"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    # Either
    TIMED_OUT = "timed_out"
    NO_HANDSHAKE = "no_handshake"
    """It was connected, and ended before the BitTorrent handshake."""
    WRONG_TORRENT = "wrong_torrent"
    NO_ROOM = "no_room"
    OTHER = "other"


class ConnectionFailure(Struct, frozen=True):
    """Attempts to connect to one peer that ended alike."""

    address: str
    """The peer's address; for WebRTC its peer id, or the tracker's URL where no peer is known."""
    transport: str
    code: FailureCode
    reason: str
    """One line: what happened, and what to do about it."""
    seconds_ago: float
    """Since the last such attempt ended."""
    count: int = 1
