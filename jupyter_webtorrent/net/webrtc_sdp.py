"""The session descriptions (SDP) of WebRTC data connections: reads a stranger's, writes our own.

Only what one data channel needs (RFC 8841, RFC 8839) is kept; everything else in a description is
ignored, so nothing of it reaches the ICE, DTLS and SCTP code unread. Who connects is left to others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.reach import Reach, reach_of

MAX_SDP_BYTES = 16 * 1024
MAX_CANDIDATES = 20
MAX_MDNS_CANDIDATES = 4
"""Names beyond these are ignored: each costs a multicast query, and a peer reaches us by ours anyway."""

SCTP_PORT = 5000
ACCEPTED_MESSAGE_BYTES = 256 * 1024
"""The largest data channel message we say we accept; browsers and libtorrent say the same."""
DEFAULT_MESSAGE_BYTES = 64 * 1024
"""What a peer accepts that does not say so (RFC 8841, section 6.1)."""
MIN_MESSAGE_BYTES = 1024
"""A peer that accepts less would cost more in message headers than it moves."""

SdpType: TypeAlias = Literal["offer", "answer"]
Setup: TypeAlias = Literal["active", "passive", "actpass"]

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_MID = re.compile(r"[!-~]{1,64}")
_MDNS_NAME = re.compile(r"[A-Za-z0-9-]{1,63}\.local", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_SETUPS: dict[str, Setup] = {"active": "active", "passive": "passive", "actpass": "actpass"}
_CANDIDATE_TYPES = ("host", "srflx", "relay")


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """One address at which a peer may be reached by UDP (RFC 8839, section 5.1)."""

    foundation: str
    priority: int
    host: str
    """An IPv4 or IPv6 address, or an mDNS name that ends in `.local`."""
    port: int
    type: str
    """`host`, `srflx` or `relay`."""

    @property
    def is_name(self) -> bool:
        return self.host.endswith(".local")

    def __str__(self) -> str:
        # The address behind it, which all but hosts must have (section 5.1), is nobody's business.
        any_address = "::" if ":" in self.host else "0.0.0.0"
        related = "" if self.type == "host" else f" raddr {any_address} rport 9"
        return (
            f"candidate:{self.foundation} 1 udp {self.priority} {self.host} {self.port}"
            f" typ {self.type}{related}"
        )


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The digest of a peer's DTLS certificate, as `AB:CD:...` (RFC 8122, section 5)."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class DataDescription:
    """One side's description of a data connection, complete: no candidate follows later."""

    ufrag: str
    pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup
    candidates: tuple[IceCandidate, ...] = ()
    mid: str | None = "0"
    ice_lite: bool = False
    sctp_port: int = SCTP_PORT
    max_message_bytes: int = ACCEPTED_MESSAGE_BYTES
    """0: the peer takes messages of any size."""

    @classmethod
    def parse(
        cls, sdp: str, sdp_type: SdpType, *, loopback_candidates: bool = False
    ) -> DataDescription:
        """Read a peer's offer or answer.

        Candidates that we could not or must not use (TCP, a second component, multicast, and loopback
        unless `loopback_candidates`) are left out. Raises ProtocolError if the description is not one
        data connection, lacks what ICE and DTLS need, or is over a limit.
        """
        if len(sdp) > MAX_SDP_BYTES:
            raise ProtocolError(f"an SDP of {len(sdp)} characters (at most {MAX_SDP_BYTES})")
        lines = [line.rstrip("\r") for line in sdp.split("\n")]
        media = [line for line in lines if line.startswith("m=")]
        if len(media) != 1:
            raise ProtocolError(f"an SDP with {len(media)} media lines (must be 1)")
        if not _is_data_channel(media[0]):
            raise ProtocolError("an SDP that does not describe a WebRTC data channel")
        attributes = _attributes(lines)
        setup = _setup(attributes.get("setup", []), sdp_type)
        return cls(
            ufrag=_credential(attributes, "ice-ufrag", _UFRAG),
            pwd=_credential(attributes, "ice-pwd", _PWD),
            fingerprints=_fingerprints(attributes.get("fingerprint", [])),
            setup=setup,
            candidates=_candidates(
                attributes.get("candidate", []), loopback_candidates=loopback_candidates
            ),
            mid=_mid(attributes.get("mid", [])),
            ice_lite="ice-lite" in attributes,
            sctp_port=_sctp_port(attributes.get("sctp-port", [])),
            max_message_bytes=_max_message_bytes(attributes.get("max-message-size", [])),
        )

    def __str__(self) -> str:
        """The SDP text (RFC 8866), lines ended by CRLF."""
        default = next((c for c in self.candidates if not c.is_name), None)
        host, port = (default.host, default.port) if default else ("0.0.0.0", 9)
        family = "IP6" if ":" in host else "IP4"
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            *([] if self.mid is None else [f"a=group:BUNDLE {self.mid}"]),
            "a=msid-semantic:WMS *",
            *(["a=ice-lite"] if self.ice_lite else []),
            f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel",
            f"c=IN {family} {host}",
            *([] if self.mid is None else [f"a=mid:{self.mid}"]),
            f"a=sctp-port:{self.sctp_port}",
            f"a=max-message-size:{self.max_message_bytes}",
            *(f"a={candidate}" for candidate in self.candidates),
            "a=end-of-candidates",
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.pwd}",
            *(f"a=fingerprint:{f.algorithm} {f.value}" for f in self.fingerprints),
            f"a=setup:{self.setup}",
        ]
        return "".join(f"{line}\r\n" for line in lines)


def _is_data_channel(media_line: str) -> bool:
    fields = media_line[2:].split()
    return (
        len(fields) == 4
        and fields[0] == "application"
        and fields[2] in ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP")
        and fields[3] == "webrtc-datachannel"
    )


def _attributes(lines: Iterable[str]) -> dict[str, list[str]]:
    """The values of every `a=` line. With one media line, session and media level mean the same."""
    attributes: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            attributes.setdefault(name, []).append(value.strip())
    return attributes


def _credential(attributes: dict[str, list[str]], name: str, pattern: re.Pattern[str]) -> str:
    values = attributes.get(name)
    if not values:
        raise ProtocolError(f"an SDP without {name}")
    if not pattern.fullmatch(values[-1]):
        raise ProtocolError(f"an SDP with a bad {name}")
    return values[-1]


def _fingerprints(values: Sequence[str]) -> tuple[Fingerprint, ...]:
    fingerprints = []
    for value in values:
        algorithm, _, digest = value.partition(" ")
        size = _DIGEST_BYTES.get(algorithm.lower())
        if size is None:
            continue
        digest = digest.strip().upper()
        if not re.fullmatch(rf"[0-9A-F]{{2}}(?::[0-9A-F]{{2}}){{{size - 1}}}", digest):
            raise ProtocolError(f"an SDP with a bad {algorithm.lower()} fingerprint")
        fingerprints.append(Fingerprint(algorithm.lower(), digest))
    if not fingerprints:
        raise ProtocolError("an SDP without a sha-256, sha-384 or sha-512 fingerprint")
    return tuple(fingerprints)


def _setup(values: Sequence[str], sdp_type: SdpType) -> Setup:
    """Who opens DTLS (RFC 8842, section 5): an offer may leave it open, an answer decides."""
    setup = _SETUPS.get(values[-1]) if values else None
    if setup is None and not values and sdp_type == "offer":
        return "actpass"
    if setup is None or (setup == "actpass" and sdp_type == "answer"):
        raise ProtocolError(f"an SDP {sdp_type} without a valid setup attribute")
    return setup


def _mid(values: Sequence[str]) -> str | None:
    if not values:
        return None
    if not _MID.fullmatch(values[-1]):
        raise ProtocolError("an SDP with a bad mid")
    return values[-1]


def _sctp_port(values: Sequence[str]) -> int:
    port = _number(values[-1]) if values else SCTP_PORT
    if port is None or not 1 <= port <= 65535:
        raise ProtocolError("an SDP with a bad sctp-port")
    return port


def _max_message_bytes(values: Sequence[str]) -> int:
    if not values:
        return DEFAULT_MESSAGE_BYTES
    size = _number(values[-1])
    if size is None or 0 < size < MIN_MESSAGE_BYTES:
        raise ProtocolError(f"an SDP with a max-message-size under {MIN_MESSAGE_BYTES}")
    return size


def _candidates(values: Sequence[str], *, loopback_candidates: bool) -> tuple[IceCandidate, ...]:
    if len(values) > MAX_CANDIDATES:
        raise ProtocolError(f"an SDP with {len(values)} candidates (at most {MAX_CANDIDATES})")
    usable: list[IceCandidate] = []
    names = 0
    for value in values:
        candidate = _candidate(value, loopback_candidates=loopback_candidates)
        if candidate is None:
            continue
        names += candidate.is_name
        if not candidate.is_name or names <= MAX_MDNS_CANDIDATES:
            usable.append(candidate)
    return tuple(usable)


def _candidate(value: str, *, loopback_candidates: bool) -> IceCandidate | None:
    """One `candidate` attribute, or None if it is malformed or of no use to us."""
    fields = value.split()
    if len(fields) < 8 or fields[6] != "typ" or fields[7] not in _CANDIDATE_TYPES:
        return None
    foundation, component, transport, _, host, _, _, kind = fields[:8]
    priority, port = _number(fields[3]), _number(fields[5])
    if component != "1" or transport.lower() != "udp":
        return None
    if priority is None or not 1 <= priority < 1 << 31 or port is None or not 1 <= port < 1 << 16:
        return None
    if not _MDNS_NAME.fullmatch(host):
        address = _peer_address(host, loopback_candidates=loopback_candidates)
        if address is None:
            return None
        host = address
    return IceCandidate(foundation[:32], priority, host, port, kind)


def _peer_address(host: str, *, loopback_candidates: bool) -> str | None:
    """The address in canonical form, or None if no peer can be there."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.scope_id or address.is_link_local
    ):
        return None
    nearest = Reach.MACHINE if loopback_candidates else Reach.NETWORK
    return str(address) if reach_of(host) >= nearest else None


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None
