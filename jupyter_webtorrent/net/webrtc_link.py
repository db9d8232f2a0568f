"""One peer-to-peer data channel on aiortc's layers: ICE finds a path, DTLS encrypts, SCTP carries.

Owns the sockets, timers and tasks of those layers and what a hostile peer may do to them. It moves
messages; the byte stream and its back-pressure are webrtc.py's. Importing this module imports aiortc.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterable
from typing import Protocol, cast

import aioice
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

from jupyter_webtorrent.net.errors import ConnectError
from jupyter_webtorrent.net.webrtc_config import RtcConfig
from jupyter_webtorrent.net.webrtc_ice import IceConnection
from jupyter_webtorrent.net.webrtc_sctp import SctpTransport
from jupyter_webtorrent.net.webrtc_sdp import (
    ACCEPTED_MESSAGE_BYTES,
    MAX_CANDIDATES,
    DataDescription,
    Fingerprint,
    IceCandidate,
    Setup,
)
from jupyter_webtorrent.protocol.ice_servers import stun_address
from jupyter_webtorrent.schema.failures import FailureCode

PATIENCE_SECONDS = 20.0
"""How long a peer none of whose addresses is known has to come to one of ours."""
LOW_BUFFERED_BYTES = 1 << 16
"""Unsent bytes at which the listener hears `link_drained`: below what a writer fills the link with."""


class LinkListener(Protocol):
    """Who uses a link. All calls come from the event loop's thread; none may raise."""

    def message_received(self, data: bytes | str) -> None:
        """One message of the data channel, text or binary."""

    def link_drained(self) -> None:
        """What waits in the link to be sent has become little."""

    def link_lost(self, reason: str) -> None:
        """The channel was open and is gone; called at most once, and not after `close`."""


class DtlsTransport(RTCDtlsTransport):
    """aiortc's DTLS without media: a peer that negotiates no SRTP keys is welcome."""

    wrong_certificate = False
    """The peer has another certificate than its description names."""

    def _setup_srtp(self) -> None:
        pass

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:  # noqa: N803
        super()._validate_peer_identity(remoteParameters)
        self.wrong_certificate = self.state == "failed"


class PeerLink:
    """ICE, DTLS and SCTP to one peer, and the one data channel on them.

    Call `gather`, exchange descriptions, then `connect`; `close` in every case, at any time.
    """

    def __init__(self, config: RtcConfig, *, offerer: bool) -> None:
        self._offerer = offerer
        self._ice = IceConnection(
            controlling=offerer,
            stun=stun_address(config.stun_servers[0]) if config.stun_servers else None,
            turn_servers=config.turn_servers,
            loopback_candidates=config.loopback_candidates,
        )
        self._step = FailureCode.NO_ROUTE
        """What it means if the step under way does not end."""
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
        """Find the addresses this machine can be reached at. Raises ConnectError if there are none."""
        await self._ice.gather_candidates()
        if not self._ice.local_candidates:
            what = "this machine has no network address that a WebRTC peer could reach"
            raise self._without_turn(FailureCode.NO_NETWORK, what)

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

        Raises ConnectError with the step that failed. Waits as long as the layers do (about a minute
        for ICE): the caller sets the limit, and says `overdue` then.
        """
        self._listener = listener
        await self._connect_ice(remote)
        self._step = FailureCode.TIMED_OUT
        await self._connect_dtls(remote, active=active)
        self._step = FailureCode.NO_CHANNEL
        await self._open_channel(remote)

    def overdue(self) -> ConnectError:
        """What keeps `connect` from its end, in the terms of a person who waits for it."""
        match self._step:
            case FailureCode.NO_ROUTE:
                return self._no_route()
            case FailureCode.TIMED_OUT:
                what = "the encrypted handshake (DTLS) with the peer did not end in time"
            case _:
                what = "the peer was reached, and opened no data channel in time"
        return ConnectError(self._step, what)

    def _no_route(self) -> ConnectError:
        what = "no route between the two machines was found"
        return self._without_turn(FailureCode.NO_ROUTE, what)

    def _without_turn(self, code: FailureCode, what: str) -> ConnectError:
        """The failure as it is, or with the TURN server's trouble that may be to blame for it."""
        if not self._ice.turn_troubles:
            return ConnectError(code, what)
        troubles = ", ".join(self._ice.turn_troubles)
        return ConnectError(FailureCode.TURN_FAILED, f"{what}, and {troubles}")

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
            raise self._no_route() from None
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
        if self._dtls.wrong_certificate:
            raise ConnectError(
                FailureCode.WRONG_CERTIFICATE,
                "whoever answered is not the peer that was asked: it has another certificate",
            )
        if self._dtls.state != "connected":
            raise ConnectError(
                FailureCode.DTLS_FAILED, "the encrypted handshake (DTLS) with the peer failed"
            )
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
            self._opened.set_exception(ConnectError(FailureCode.NO_CHANNEL, reason))
            self._opened.exception()  # nobody may be waiting for it any more
        self.begin_close()
        if opened and self._listener is not None:
            self._listener.link_lost(reason)

    @property
    def remote(self) -> tuple[str, int] | None:
        return self._ice.remote

    @property
    def direct_host(self) -> str | None:
        """The peer's own IP address, if the path leads straight to it."""
        return self._ice.direct_host

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
