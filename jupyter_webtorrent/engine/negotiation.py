"""WebRTC connections of one torrent: offers made, offers answered, and their time limits.

The tracker carries the messages (`announcer`); this owns what becomes of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from jupyter_webtorrent.engine.failures import FailureLog
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.net.errors import ConnectError
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.net.webrtc import WebRtcConnection, WebRtcTransport
from jupyter_webtorrent.net.webrtc_config import RtcConfig
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.ice_servers import stun_address
from jupyter_webtorrent.protocol.urls import is_local_host
from jupyter_webtorrent.protocol.ws_messages import Offer, RelayedAnswer, RelayedOffer
from jupyter_webtorrent.schema.failures import FailureCode

log = logging.getLogger(__name__)

OFFER_SECONDS = 50.0
"""How long an offer waits for its answer, as long as webtorrent.js waits."""
CONNECT_SECONDS = 25.0
"""From the answer to an open data channel."""
MAX_QUEUED_OFFERS = 64
"""Offers of others, to all torrents of a session, that wait for their turn."""


@dataclass(slots=True)
class _Attempt:
    """One negotiation."""

    peer: str
    """Its id; the tracker's name while no peer is known."""
    offer_id: bytes
    outgoing: bool


class Negotiator:
    """Makes and answers offers within the session's bounds.

    `connected(transport, outgoing, offer_id, direct_host)` gets every data channel that opens, with the
    peer's IP address if the path leads straight to it; `failures` gets the others.
    """

    def __init__(
        self,
        services: Services,
        connected: Callable[[Transport, bool, bytes, str | None], None],
        failures: FailureLog,
    ) -> None:
        self._services = services
        self._connected = connected
        self._failures = failures
        self._answers: dict[bytes, asyncio.Future[RelayedAnswer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def offer(
        self,
        announce: Callable[[Offer], bool],
        tracker: str,
        *,
        wanted: Callable[[], bool] = lambda: True,
        local: bool = False,
    ) -> None:
        """Make an offer when there is a free slot, and hand it to `announce`; returns then, connected or not.

        `tracker` is the name for people of whoever passes it on.
        `wanted` is asked when the turn has come, which may take as long as other offers wait for answers.
        `local`: the tracker is on this network, and so are its peers: no STUN server is asked.
        """
        await self._services.offers.acquire()
        if not wanted():
            self._services.offers.release()
            return
        made = asyncio.get_running_loop().create_future()
        task = self._spawn(self._offer(announce, tracker, made, self._rtc_config(local)))
        task.add_done_callback(lambda _: self._services.offers.release())
        await made

    def answered(self, answer: RelayedAnswer) -> None:
        """A peer answered one of our offers; an answer to no offer of ours is dropped."""
        future = self._answers.pop(answer.offer_id, None)
        if future is not None and not future.done():
            future.set_result(answer)

    def offered(
        self, offer: RelayedOffer, reply: Callable[[str], bool], *, local: bool = False
    ) -> None:
        """A peer made us an offer: answer it in turn; `reply` takes our description."""
        waiting = self._services.waiting_offers
        task = self._spawn(self._answer(offer, reply, self._rtc_config(local)))
        waiting[task] = None
        task.add_done_callback(lambda task: waiting.pop(task, None))
        if len(waiting) > MAX_QUEUED_OFFERS:
            next(iter(waiting)).cancel()  # the oldest: whoever made it may have given it up

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _rtc_config(self, local: bool) -> RtcConfig:
        config = self._services.config
        stun_servers = config.stun_servers
        if local:
            stun_servers = tuple(u for u in stun_servers if is_local_host(stun_address(u).host))
        return RtcConfig(stun_servers, config.turn_servers, config.loopback_candidates)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _offer(
        self,
        announce: Callable[[Offer], bool],
        tracker: str,
        made: asyncio.Future[None],
        config: RtcConfig,
    ) -> None:
        attempt = _Attempt(tracker, self._services.random.randbytes(20), outgoing=True)
        answered = asyncio.get_running_loop().create_future()
        self._answers[attempt.offer_id] = answered

        async def begin() -> WebRtcConnection:
            return await WebRtcConnection.offer(config)

        async def go_on(connection: WebRtcConnection) -> bool:
            told = announce(Offer(attempt.offer_id, connection.sdp))
            made.set_result(None)
            if not told:
                return False
            try:
                async with asyncio.timeout(OFFER_SECONDS):
                    answer = await answered
            except TimeoutError:
                silent = f"the tracker passed on no answer to our offer in {OFFER_SECONDS:.0f} s"
                raise ConnectError(FailureCode.NO_ANSWER, silent) from None
            attempt.peer = str(answer.peer_id)
            await connection.accept_answer(answer.sdp)
            return True

        try:
            await self._negotiate(attempt, begin, go_on)
        finally:
            self._answers.pop(attempt.offer_id, None)
            if not made.done():
                made.set_result(None)

    async def _answer(
        self, offer: RelayedOffer, reply: Callable[[str], bool], config: RtcConfig
    ) -> None:
        async def begin() -> WebRtcConnection:
            return await WebRtcConnection.answer(config, offer.sdp)

        async def go_on(connection: WebRtcConnection) -> bool:
            return reply(connection.sdp)

        loop = asyncio.get_running_loop()
        came_at = loop.time()
        async with self._services.answers:
            task = asyncio.current_task()
            assert task is not None
            self._services.waiting_offers.pop(task, None)
            if loop.time() - came_at < OFFER_SECONDS:
                attempt = _Attempt(str(offer.peer_id), offer.offer_id, outgoing=False)
                await self._negotiate(attempt, begin, go_on)

    async def _negotiate(
        self,
        attempt: _Attempt,
        begin: Callable[[], Awaitable[WebRtcConnection]],
        go_on: Callable[[WebRtcConnection], Awaitable[bool]],
    ) -> None:
        """One connection from its description to its open channel; nothing is left if it fails."""
        connection: WebRtcConnection | None = None
        transport: WebRtcTransport | None = None
        try:
            connection = await begin()
            if await go_on(connection):
                transport = await self._opened(connection)
                self._connected(
                    transport, attempt.outgoing, attempt.offer_id, transport.direct_host
                )
        except WebTorrentError as error:
            log.debug("WebRTC with %s: %s", attempt.peer, error)
            now = asyncio.get_running_loop().time()
            self._failures.add_error(attempt.peer, "webrtc", error, now)
        finally:
            if transport is None and connection is not None:
                await connection.aclose()

    async def _opened(self, connection: WebRtcConnection) -> WebRtcTransport:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await connection.opened()
        except TimeoutError:
            raise connection.overdue() from None
