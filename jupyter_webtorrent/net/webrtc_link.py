"""One peer-to-peer data channel on aiortc's layers: ICE finds a path, DTLS encrypts, SCTP carries.

Owns the sockets, timers and tasks of those layers and what a hostile peer may do to them. It moves
messages; the byte stream and its back-pressure are webrtc.py's. Importing this module imports aiortc.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import struct
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar, cast

import aioice
import aioice.ice
import aioice.stun
from aiortc import (
    RTCCertificate,
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceTransport,
    RTCSctpCapabilities,
)

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.webrtc_sctp import SctpTransport
from jupyter_webtorrent.net.webrtc_sdp import (
    ACCEPTED_MESSAGE_BYTES,
    MAX_CANDIDATES,
    DataDescription,
    Fingerprint,
    IceCandidate,
    Setup,
)

STUN_SECONDS = 2.0
"""How long a description waits for the public addresses that a STUN server sees."""
PATIENCE_SECONDS = 20.0
"""How long a peer none of whose addresses is known has to come to one of ours."""
MAX_HOST_ADDRESSES = 12
MAX_REMOTE_CANDIDATES = 64
"""Addresses of one peer, those it shows only by sending from them included."""
MAX_QUEUED_DATAGRAMS = 2048
LOW_BUFFERED_BYTES = 1 << 16
"""Unsent bytes at which the listener hears `link_drained`: below what a writer fills the link with."""
LOOPBACK = "127.0.0.1"

_STUN_URL = re.compile(r"stun:([^:/?#\[\]]+|\[[0-9a-fA-F:.]+\])(?::([0-9]{1,5}))?")
_T = TypeVar("_T")


class LinkListener(Protocol):
    """Who uses a link. All calls come from the event loop's thread; none may raise."""

    def message_received(self, data: bytes | str) -> None:
        """One message of the data channel, text or binary."""

    def link_drained(self) -> None:
        """What waits in the link to be sent has become little."""

    def link_lost(self, reason: str) -> None:
        """The channel was open and is gone; called at most once, and not after `close`."""


class _Door(asyncio.DatagramProtocol):
    """Stands before aioice's protocol on a socket: anyone can send to an open port.

    DTLS records and STUN messages pass, told apart by their first byte (RFC 7983, section 7).
    """

    def __init__(self, stun: aioice.ice.StunProtocol, ice: IceConnection) -> None:
        self._stun = stun
        self._ice = ice

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        kind = data[0] if data else 255
        if 19 < kind < 64:
            self._ice.data_received(data, component=1)
        elif kind < 4:
            with contextlib.suppress(struct.error):  # an attribute shorter than its type
                self._stun.datagram_received(data, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stun.connection_lost(exc)


class IceConnection(aioice.Connection):
    """aioice's ICE agent, with our choice of addresses and bounds on what strangers send."""

    def __init__(
        self, *, controlling: bool, stun_servers: Sequence[str], loopback_candidates: bool
    ) -> None:
        super().__init__(ice_controlling=controlling)
        self._stun = _stun_address(stun_servers)
        self._loopback_candidates = loopback_candidates

    @property
    def remote(self) -> tuple[str, int] | None:
        """The address of the peer that the chosen path leads to."""
        pair = self._nominated.get(1)
        return pair.remote_addr if pair else None

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
        return [*candidates, *await self._reflexive_candidates()]

    async def _reflexive_candidates(self) -> list[aioice.Candidate]:
        """Our addresses as the STUN server sees them (RFC 8445, section 5.1.1.2)."""
        if self._stun is None:
            return []
        tasks = [
            asyncio.create_task(aioice.ice.server_reflexive_candidate(protocol, self._stun))
            for protocol in self._protocols
            if ":" not in protocol.local_candidate.host
            and protocol.local_candidate.host != LOOPBACK
        ]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=STUN_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        return [result[0] for result in results if not isinstance(result, BaseException)]

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
        if self._queue.qsize() < MAX_QUEUED_DATAGRAMS:
            super().data_received(data, component)

    # What RTCDtlsTransport wants of the transport below it.

    @property
    def role(self) -> str:
        return "controlling" if self.ice_controlling else "controlled"

    async def _recv(self) -> bytes:
        return await self.recv()

    async def _send(self, data: bytes) -> None:
        await self.send(data)


class DtlsTransport(RTCDtlsTransport):
    """aiortc's DTLS without media: a peer that negotiates no SRTP keys is welcome."""

    def _setup_srtp(self) -> None:
        pass


class PeerLink:
    """ICE, DTLS and SCTP to one peer, and the one data channel on them.

    Call `gather`, exchange descriptions, then `connect`; `close` in every case, at any time.
    """

    def __init__(
        self, *, offerer: bool, stun_servers: Sequence[str], loopback_candidates: bool
    ) -> None:
        self._offerer = offerer
        self._ice = IceConnection(
            controlling=offerer, stun_servers=stun_servers, loopback_candidates=loopback_candidates
        )
        certificate = RTCCertificate.generateCertificate()
        self._fingerprints = tuple(
            Fingerprint(f.algorithm, f.value) for f in certificate.getFingerprints()
        )
        self._dtls = DtlsTransport(cast(RTCIceTransport, self._ice), [certificate])
        self._sctp = SctpTransport(self._dtls, self._broken)
        self._channel: RTCDataChannel | None = None
        self._listener: LinkListener | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing: asyncio.Task[None] | None = None
        self.max_message_bytes = ACCEPTED_MESSAGE_BYTES

    async def gather(self) -> None:
        """Find the addresses this machine can be reached at. Raises NetError if there are none."""
        await self._ice.gather_candidates()
        if not self._ice.local_candidates:
            raise NetError("this machine has no network address that a WebRTC peer could reach")

    def description(self, setup: Setup, mid: str | None = "0") -> DataDescription:
        """Our side, complete: no candidate follows later."""
        # Public addresses first: they are the ones a peer elsewhere cannot do without.
        candidates = sorted(self._ice.local_candidates, key=lambda c: c.type == "host")
        return DataDescription(
            ufrag=self._ice.local_username,
            pwd=self._ice.local_password,
            fingerprints=self._fingerprints,
            setup=setup,
            candidates=tuple(
                IceCandidate(c.foundation, c.priority, c.host, c.port, c.type)
                for c in candidates[:MAX_CANDIDATES]
            ),
            mid=mid,
        )

    async def connect(
        self, remote: DataDescription, *, active: bool, listener: LinkListener
    ) -> None:
        """Open the data channel to the peer that `remote` describes; `active` side opens DTLS.

        Raises NetError with the layer that failed. Waits as long as the layers do (about a minute
        for ICE): the caller sets the limit.
        """
        self._listener = listener
        await self._connect_ice(remote)
        await self._connect_dtls(remote, active=active)
        await self._open_channel(remote)

    async def _connect_ice(self, remote: DataDescription) -> None:
        self._ice.remote_username = remote.ufrag
        self._ice.remote_password = remote.pwd
        self._ice.remote_is_lite = remote.ice_lite
        if remote.ice_lite:
            self._ice.ice_controlling = True
        adding = asyncio.create_task(self._add_candidates(remote.candidates))
        try:
            await self._ice.connect()
        except ConnectionError:
            raise NetError(
                f"no network path to the peer: none of its {len(remote.candidates)} addresses"
                " answered (a firewall may block UDP)"
            ) from None
        finally:
            adding.cancel()
            await asyncio.gather(adding, return_exceptions=True)

    async def _add_candidates(self, candidates: Iterable[IceCandidate]) -> None:
        """Hand the peer's addresses to ICE; names are looked up while the checks already run."""
        names: list[IceCandidate] = []
        for candidate in candidates:
            if candidate.is_name:
                names.append(candidate)
            else:
                await self._ice.add_remote_candidate(_aioice_candidate(candidate))
        await asyncio.gather(*(self._add_name(candidate) for candidate in names))
        if not self._ice.remote_candidates:
            # Browsers offer nothing but names: the peer may still come to our addresses (RFC 8863).
            await asyncio.sleep(PATIENCE_SECONDS)
        await self._ice.add_remote_candidate(None)

    async def _add_name(self, candidate: IceCandidate) -> None:
        # No multicast here, or its port is taken: the peer can still reach us.
        with contextlib.suppress(OSError):
            await self._ice.add_remote_candidate(_aioice_candidate(candidate))

    async def _connect_dtls(self, remote: DataDescription, *, active: bool) -> None:
        self._dtls._set_role("client" if active else "server")
        fingerprints = [RTCDtlsFingerprint(f.algorithm, f.value) for f in remote.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        if self._dtls.state != "connected":
            raise NetError("the encrypted handshake (DTLS) with the peer failed")
        self._dtls.on("statechange", self._dtls_changed)

    async def _open_channel(self, remote: DataDescription) -> None:
        if remote.max_message_bytes:
            self.max_message_bytes = min(self.max_message_bytes, remote.max_message_bytes)
        self._sctp.on("datachannel", self._channel_offered)
        await self._sctp.start(RTCSctpCapabilities(remote.max_message_bytes), remote.sctp_port)
        if self._offerer:
            label = secrets.token_hex(20)
            self._use(RTCDataChannel(self._sctp, RTCDataChannelParameters(label=label)))
        await self._opened

    def _channel_offered(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            self._broken("the peer opened a second data channel")
        elif not channel.ordered or not (
            channel.maxRetransmits is None and channel.maxPacketLifeTime is None
        ):
            self._broken("the peer's data channel is not ordered and reliable")
        else:
            self._use(channel)

    def _use(self, channel: RTCDataChannel) -> None:
        assert self._listener is not None
        self._channel = channel
        channel.bufferedAmountLowThreshold = LOW_BUFFERED_BYTES
        channel.on("message", self._listener.message_received)
        channel.on("bufferedamountlow", self._listener.link_drained)
        channel.on("close", lambda: self._broken("the peer closed the connection"))
        if channel.readyState == "open":
            self._set_opened()
        else:
            channel.on("open", self._set_opened)

    def _set_opened(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    def _dtls_changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._broken("the peer closed the connection or can no longer be reached")

    def _broken(self, reason: str) -> None:
        """The link is of no more use; whoever waits for it, or uses it, is told once."""
        if self._closing is not None:
            return
        opened = self._opened.done()
        if not opened:
            self._opened.set_exception(NetError(reason))
            self._opened.exception()  # nobody may be waiting for it any more
        self.begin_close()
        if opened and self._listener is not None:
            self._listener.link_lost(reason)

    @property
    def remote(self) -> tuple[str, int] | None:
        return self._ice.remote

    @property
    def buffered(self) -> int:
        """Bytes of messages that SCTP has not begun to send."""
        return self._channel.bufferedAmount if self._channel is not None else 0

    def send(self, message: bytes) -> None:
        """Queue one binary message of at most `max_message_bytes`; ignored when the link is gone."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(message)

    def begin_close(self) -> asyncio.Task[None]:
        """Start to release everything; returns the task that ends when it is done."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        return self._closing

    async def close(self) -> None:
        """Release everything and wait for it; a caller that is cancelled does not stop it."""
        await asyncio.shield(self.begin_close())

    async def _close(self) -> None:
        try:
            await self._sctp.stop()
            pump = self._dtls._task
            await self._dtls.stop()
            if pump is not None:
                await asyncio.gather(pump, return_exceptions=True)
        finally:
            await self._ice.close()
            self._dtls.remove_all_listeners()
            self._listener = None
            if not self._opened.done():
                self._opened.cancel()


def _aioice_candidate(candidate: IceCandidate) -> aioice.Candidate:
    return aioice.Candidate(
        foundation=candidate.foundation,
        component=1,
        transport="udp",
        priority=candidate.priority,
        host=candidate.host,
        port=candidate.port,
        type=candidate.type,
    )


def _stun_address(urls: Sequence[str]) -> tuple[str, int] | None:
    """The host and port of the first STUN URL (RFC 7064). Raises NetError if it cannot be read."""
    if not urls:
        return None
    match = _STUN_URL.fullmatch(urls[0])
    if match is None:
        raise NetError(f"not a STUN server: {urls[0]} (should look like stun:host:3478)")
    return match[1].strip("[]"), int(match[2] or 3478)


async def _uninterrupted(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` to its end even if the caller is cancelled meanwhile."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
