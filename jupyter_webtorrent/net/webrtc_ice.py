"""aioice's ICE agent as we use it: which addresses we name, which servers help, what strangers may send.

Owns the UDP sockets of a WebRTC connection and its relays; what goes over the path that it finds is
webrtc_link.py's. Importing this module imports aioice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import struct
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

import aioice
import aioice.ice
import aioice.stun

from jupyter_webtorrent.protocol.ice_servers import TurnServer
from jupyter_webtorrent.protocol.identity import PeerAddress

STUN_SECONDS = 2.0
"""How long a description waits for the public addresses that a STUN server sees."""
TURN_SECONDS = 5.0
"""And for those of TURN servers: a relay takes several round trips to make."""
RELEASE_SECONDS = 1.0
"""How long a relay has to confirm that it is given up."""
MAX_HOST_ADDRESSES = 12
MAX_TURN_SERVERS = 4
MAX_REMOTE_CANDIDATES = 64
"""Addresses of one peer, those it shows only by sending from them included."""
MAX_DATAGRAM_BYTES = 2048
"""No peer sends more at once: DTLS and SCTP keep below what any path carries."""
MAX_QUEUED_BYTES = 1 << 18
"""Of datagrams that wait for us; the rest is lost, and a peer that means it sends it again."""
LOOPBACK = "127.0.0.1"

_T = TypeVar("_T")

# Its debug lines hold the user's name and what is signed with the password.
logging.getLogger("aioice.turn").setLevel(logging.INFO)


class IceConnection(aioice.Connection):
    """aioice's ICE agent, with our choice of addresses and bounds on what strangers send."""

    def __init__(
        self,
        *,
        controlling: bool,
        stun: PeerAddress | None = None,
        turn_servers: Sequence[TurnServer] = (),
        loopback_candidates: bool = False,
    ) -> None:
        super().__init__(ice_controlling=controlling)
        self.turn_troubles: list[str] = []
        """Why a TURN server is of no use, in one line each, once gathered."""
        self._stun = stun
        self._turn_servers = turn_servers[:MAX_TURN_SERVERS]
        self._loopback_candidates = loopback_candidates
        self.queued_bytes = 0
        """Of datagrams that came and wait to be taken."""

    @property
    def remote(self) -> tuple[str, int] | None:
        """The address of the peer that the chosen path leads to."""
        pair = self._nominated.get(1)
        return pair.remote_addr if pair else None

    @property
    def direct_host(self) -> str | None:
        """The peer's own IP address, if the chosen path leads straight to it: no relay, no known NAT."""
        pair = self._nominated.get(1)
        if pair is None or pair.local_candidate.type == "relay":
            return None
        host: str = pair.remote_addr[0]
        return host if pair.remote_candidate.type in ("host", "prflx") else None

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109 - aioice's signature
    ) -> list[aioice.Candidate]:
        addresses = addresses[:MAX_HOST_ADDRESSES]
        if self._loopback_candidates:
            addresses = [LOOPBACK]
        # Cancelled half-way, aioice forgets the sockets it has opened so far.
        candidates = await _uninterrupted(super().get_component_candidates(component, addresses))
        for protocol in self._protocols:
            protocol.transport.set_protocol(_Door(protocol, self))
        reflexive, relayed = await asyncio.gather(
            self._reflexive_candidates(list(self._protocols)), self._relayed_candidates()
        )
        return [*candidates, *reflexive, *relayed]

    async def _reflexive_candidates(
        self, protocols: Sequence[aioice.ice.StunProtocol]
    ) -> list[aioice.Candidate]:
        """Our addresses as the STUN server sees them (RFC 8445, section 5.1.1.2)."""
        if self._stun is None:
            return []
        server = (self._stun.host, self._stun.port)
        found = await _within(
            STUN_SECONDS,
            [
                aioice.ice.server_reflexive_candidate(protocol, server)
                for protocol in protocols
                if ":" not in protocol.local_candidate.host
                and protocol.local_candidate.host != LOOPBACK
            ],
        )
        return [result[0] for result in found if not isinstance(result, BaseException)]

    async def _relayed_candidates(self) -> list[aioice.Candidate]:
        """Addresses at TURN servers that stand for us (RFC 8445, section 5.1.1.2)."""
        found = await _within(TURN_SECONDS, [self._relay(server) for server in self._turn_servers])
        for server, result in zip(self._turn_servers, found, strict=True):
            if isinstance(result, BaseException):
                self.turn_troubles.append(f"the {server} {_turn_trouble(result)}")
        return [result for result in found if not isinstance(result, BaseException)]

    async def _relay(self, server: TurnServer) -> aioice.Candidate:
        candidate, protocol = await aioice.ice.relayed_candidate(
            component=1,
            hide_related_address=True,
            protocol_factory=lambda: _RelayedProtocol(self),
            turn_server=(server.host, server.port),
            turn_username=server.username,
            turn_password=server.password,
            turn_ssl=server.transport == "tls",
            turn_transport="udp" if server.transport == "udp" else "tcp",
        )
        self._protocols.append(protocol)  # from here on, `close` sees to it
        return candidate

    async def close(self) -> None:
        # aioice asks a server that is gone for 40 s whether it has heard that we go.
        relays = [
            cast(Any, protocol.transport)._TurnTransport__inner_protocol.delete()
            for protocol in self._protocols
            if isinstance(protocol, _RelayedProtocol)
        ]
        await _within(RELEASE_SECONDS, relays)
        await super().close()

    def request_received(
        self,
        message: aioice.stun.Message,
        addr: tuple[str, int],
        protocol: aioice.ice.StunProtocol,
    ) -> None:
        # aioice takes the priority for granted and remembers every address a check came from.
        if (
            "PRIORITY" in message.attributes
            and len(self._remote_candidates) < MAX_REMOTE_CANDIDATES
        ):
            super().request_received(message, addr, protocol)

    def data_received(self, data: bytes, component: int) -> None:
        size = len(data)
        if size <= MAX_DATAGRAM_BYTES and self.queued_bytes + size <= MAX_QUEUED_BYTES:
            self.queued_bytes += size
            super().data_received(data, component)

    # What RTCDtlsTransport wants of the transport below it.

    @property
    def role(self) -> str:
        return "controlling" if self.ice_controlling else "controlled"

    async def _recv(self) -> bytes:
        data = await self.recv()
        self.queued_bytes -= len(data)
        return data

    async def _send(self, data: bytes) -> None:
        await self.send(data)


class _Door(asyncio.DatagramProtocol):
    """Stands before aioice's protocol on a socket: anyone can send to an open port."""

    def __init__(self, stun: aioice.ice.StunProtocol, ice: IceConnection) -> None:
        self._stun = stun
        self._ice = ice

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        _let_in(data, addr, self._stun.datagram_received, self._ice)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stun.connection_lost(exc)


class _RelayedProtocol(aioice.ice.StunProtocol):
    """The same for what a TURN server passes on: it relays whatever comes."""

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        _let_in(data, addr, super().datagram_received, self.receiver)


def _let_in(
    data: bytes,
    addr: tuple[Any, ...],
    stun: Callable[[bytes, tuple[Any, ...]], None],
    ice: aioice.Connection,
) -> None:
    """DTLS records and STUN messages pass, told apart by their first byte (RFC 7983, section 7)."""
    kind = data[0] if data else 255
    if 19 < kind < 64:
        ice.data_received(data, component=1)
    elif kind < 4:
        with contextlib.suppress(struct.error):  # an attribute shorter than its type
            stun(data, addr)


def _turn_trouble(error: BaseException) -> str:
    if isinstance(error, aioice.stun.TransactionFailed):
        code = error.response.error_code
        if code in (401, 403):
            return "refused the user or password"
        return f"refused to relay (error {code})"
    if isinstance(error, asyncio.CancelledError | aioice.stun.TransactionTimeout):
        return "did not answer"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "has a certificate that this machine does not trust"
    return "cannot be reached"


async def _within(
    seconds: float, work: Sequence[Coroutine[Any, Any, _T]]
) -> list[_T | BaseException]:
    """Do all at once for so long; what is not done by then, or fails, is an exception in its place."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    return results


async def _uninterrupted(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` to its end even if the caller is cancelled meanwhile."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
