"""The UDP tracker client (BEP 15): one socket to one tracker, shared by all torrents of a session.

Owns the socket, the connection id and who waits for which answer. The datagrams are `protocol.udp_tracker`; when to
announce, and when to try again, is the caller's business.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy, Resolve, resolve_checked, system_resolve
from jupyter_webtorrent.net.reasons import plain_reason
from jupyter_webtorrent.net.trackers.client import MAX_QUESTIONS_AT_ONCE, with_peers_named_by
from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.udp_tracker import (
    CONNECTION_SECONDS,
    Connected,
    Refused,
    Reply,
    Scraped,
    encode_announce,
    encode_connect,
    encode_scrape,
    parse_reply,
    response_timeout,
    url_data,
)

LONGEST_ATTEMPT: Final = 3
"""Two minutes for an answer: for a tracker that is down longer, the caller's back-off waits."""

R = TypeVar("R", Connected, TcpAnnounceResponse, Scraped)


class UdpTracker:
    """A tracker at a udp:// URL. Implements `TcpTracker`.

    A question is one datagram, after one to connect; who gets no answer asks again, and each time in a row that
    nobody got one the wait doubles. `aclose` leaves no socket or task behind.
    """

    def __init__(
        self,
        url: str,
        policy: Policy,
        *,
        rng: random.Random | None = None,
        resolve: Resolve = system_resolve,
    ) -> None:
        """`policy`: where the URL may lead. Raises WebTorrentError if it names no host and port."""
        self._address = _address_of(url)
        self._url_data = url_data(url)
        self._policy = policy
        self._rng = rng or random.SystemRandom()
        self._resolve = resolve
        self._attempt = 0
        self._line: _Line | None = None
        self._connecting: asyncio.Task[_Line] | None = None
        self._turns = asyncio.Semaphore(MAX_QUESTIONS_AT_ONCE)

    async def announce(self, announce: TcpAnnounce) -> TcpAnnounceResponse:
        def build(line: _Line, transaction_id: int) -> bytes:
            return encode_announce(line.connection_id, transaction_id, announce, self._url_data)

        line, response = await self._ask(build, TcpAnnounceResponse)
        return with_peers_named_by(response, [line.host])

    async def scrape(self, info_hash: InfoHash) -> SwarmCounts:
        def build(line: _Line, transaction_id: int) -> bytes:
            return encode_scrape(line.connection_id, transaction_id, [info_hash])

        _, scraped = await self._ask(build, Scraped)
        if not scraped.counts:
            raise TrackerMessageError("the scrape does not name the torrent")
        return scraped.counts[0]

    async def aclose(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        self._hang_up(self._line)

    async def _ask(self, build: Callable[[_Line, int], bytes], kind: type[R]) -> tuple[_Line, R]:
        line = await self._connected()
        async with self._turns:
            return line, await self._exchange(line, lambda number: build(line, number), kind)

    async def _connected(self) -> _Line:
        """A line with a connection id that still holds; whoever waits for a new one waits for the same."""
        line = self._line
        if line is not None and asyncio.get_running_loop().time() < line.good_until:
            return line
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._has_connected)
        return await asyncio.shield(self._connecting)

    def _has_connected(self, task: asyncio.Task[_Line]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()  # all who waited may have been cancelled

    async def _connect(self) -> _Line:
        if self._line is None:
            self._line = await self._open()
        line = self._line
        asked_at = asyncio.get_running_loop().time()
        connected = await self._exchange(line, encode_connect, Connected)
        line.connection_id = connected.connection_id
        line.good_until = asked_at + CONNECTION_SECONDS
        return line

    async def _open(self) -> _Line:
        """A socket to the tracker's address as it is now, IPv4 first: that is how most peers are reached."""
        name = self._address.host
        try:
            async with asyncio.timeout(response_timeout(0)):
                found = await resolve_checked(name, self._policy, self._resolve)
        except OSError:
            raise NetError(f"the name {name} does not resolve") from None
        address = min(found, key=lambda address: address.version)
        try:
            _, line = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Line(str(address), ipv6=address.version == 6),
                remote_addr=(str(address), self._address.port),
            )
        except OSError as error:
            raise NetError(plain_reason(error) or "it cannot be reached") from error
        return line

    async def _exchange(self, line: _Line, build: Callable[[int], bytes], kind: type[R]) -> R:
        """Send one datagram and wait for its answer."""
        number = self._rng.getrandbits(32)
        while number in line.waiting:
            number = self._rng.getrandbits(32)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        line.waiting[number] = answer
        seconds = response_timeout(min(self._attempt, LONGEST_ATTEMPT))
        try:
            line.send(build(number))
            async with asyncio.timeout(seconds):
                reply = await answer
        except (OSError, TimeoutError) as error:
            # Look the name up anew, and from whatever network this machine is in by then.
            if self._line is line:
                self._attempt += 1
                self._hang_up(line)
            silent = isinstance(error, TimeoutError)
            reason = f"no answer within {seconds:.0f} s" if silent else plain_reason(error)
            raise NetError(reason or "it cannot be reached") from None
        finally:
            line.waiting.pop(number, None)
        self._attempt = 0
        if isinstance(reply, Refused):
            line.good_until = 0.0  # perhaps our connection id was too old for it
            raise TrackerMessageError(reply.reason)
        if not isinstance(reply, kind):
            raise TrackerMessageError("it answered something else than it was asked")
        return reply

    def _hang_up(self, line: _Line | None) -> None:
        if line is not None:
            line.close()
        self._line = None


@dataclass(eq=False, slots=True)
class _Line(asyncio.DatagramProtocol):
    """A socket connected to one address, which nobody else can answer on."""

    host: str
    ipv6: bool
    connection_id: int = 0
    good_until: float = 0.0
    """By the event loop's clock."""
    waiting: dict[int, asyncio.Future[Reply]] = field(default_factory=dict)
    """By transaction id."""
    _transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _address: object) -> None:
        try:
            number, reply = parse_reply(data, ipv6=self.ipv6)
        except TrackerMessageError:
            return  # a stray: whoever waits goes on waiting
        answer = self.waiting.get(number)
        if answer is not None and not answer.done():
            answer.set_result(reply)

    def error_received(self, error: Exception) -> None:
        """The system says that nobody listens there, or there is no way."""
        for answer in self.waiting.values():
            if not answer.done():
                answer.set_exception(error)

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionError("the socket was closed")
        self._transport.sendto(data)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.abort()


def _address_of(url: str) -> PeerAddress:
    """The host and port of a udp:// URL, which `check_url` let pass."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port is None:
        raise NetError("a UDP tracker's URL names a port, as in udp://host:6969/announce")
    return PeerAddress(host, parts.port)
