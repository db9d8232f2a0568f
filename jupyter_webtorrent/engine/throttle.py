"""Rate limits in the event loop: blocks to send wait for their turn, and so do requests for blocks.

A download is limited by what is asked for, not by what is read: so it holds over TCP, WebRTC and HTTP alike, and
nothing else a peer says waits behind blocks that nobody wants yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from jupyter_webtorrent.engine.limits import Flow, Limiter, Share
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE
from jupyter_webtorrent.protocol.messages import Request
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import Swarm
from jupyter_webtorrent.swarm.uploads import Uploads

SHORTEST_PAUSE = 0.005
"""Seconds: turns that come faster than this are given together."""


class Throttle:
    """A Limiter that is served by the event loop's timers."""

    def __init__(self, rate: int | None) -> None:
        self._limiter = Limiter(rate)
        self._timer: asyncio.Handle | None = None
        self._is_due = False
        """Whether `_serve` runs, or will in the next turn of the loop."""

    def limits(self, share: Share) -> bool:
        return self._limiter.limits(share)

    def turn_bytes(self, share: Share) -> int:
        return self._limiter.turn_bytes(share)

    def set_rate(self, rate: int | None, share: Share | None = None) -> None:
        """Limit all, or one torrent, to `rate` bytes a second; None: no limit."""
        bucket = self._limiter.bucket if share is None else share.bucket
        bucket.set_rate(rate, asyncio.get_running_loop().time())
        self._serve_soon()

    def wait(self, flow: Flow) -> None:
        """Give the flow its turn, from the loop, as soon as the limits allow."""
        self._limiter.wait(flow)
        self._serve_soon()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _serve_soon(self) -> None:
        if not self._is_due:
            self.close()
            self._timer = asyncio.get_running_loop().call_soon(self._serve)
            self._is_due = True

    def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._is_due = True
        delay = self._limiter.serve(loop.time())
        self._is_due = False
        self._timer = None
        if delay is not None:
            self._timer = loop.call_later(max(delay, SHORTEST_PAUSE), self._serve)


class UploadTurns:
    """One peer's requests, each taken when the limits allow its block to be sent."""

    def __init__(
        self, throttle: Throttle, share: Share, peer: Peer, is_exempt: Callable[[], bool]
    ) -> None:
        self._throttle = throttle
        self._peer = peer
        self._is_exempt = is_exempt
        self._flow = Flow(share, self._take)
        self._taken: asyncio.Future[Request | None] | None = None

    @property
    def are_limited(self) -> bool:
        return self._throttle.limits(self._flow.share) and not self._is_exempt()

    async def next(self) -> Request | None:
        """The request whose turn it is; None if meanwhile the peer was choked or cancelled them all."""
        self._taken = asyncio.get_running_loop().create_future()
        self._throttle.wait(self._flow)
        return await self._taken

    def _take(self) -> int:
        if self._taken is None or self._taken.done():
            return 0
        request = Uploads.take(self._peer)
        self._taken.set_result(request)
        return 0 if request is None else request.length


class DownloadTurns:
    """One torrent's requests to its peers, asked when the limits allow their blocks. Implements `RequestGate`."""

    def __init__(
        self,
        throttle: Throttle,
        share: Share,
        swarm: Swarm,
        run_commands: Callable[[], None],
        is_exempt: Callable[[Peer], bool],
    ) -> None:
        self._throttle = throttle
        self._is_exempt = is_exempt
        self._share = share
        self._swarm = swarm
        self._run_commands = run_commands
        self._flows: dict[Peer, Flow] = {}
        self._served: Peer | None = None
        """Whose turn it is."""
        self._left = 0
        """How many bytes may still be asked in this turn."""

    def forget(self, peer: Peer) -> None:
        """The peer is gone."""
        self._flows.pop(peer, None)

    def limits_changed(self) -> None:
        """Be asked by the swarm only while there is a limit."""
        self._swarm.requesting.gate = self if self._throttle.limits(self._share) else None

    # RequestGate

    def room(self, peer: Peer) -> int | None:
        if peer is self._served:
            return max(0, -(-self._left // BLOCK_SIZE))
        if self._is_exempt(peer):
            return None
        flow = self._flows.get(peer)
        if flow is None:
            flow = self._flows[peer] = Flow(self._share, lambda: self._ask(peer))
        self._throttle.wait(flow)
        return 0

    def asked(self, peer: Peer, count: int) -> None:
        if peer is self._served:
            self._left -= count

    def _ask(self, peer: Peer) -> int:
        if peer not in self._swarm.peers:
            return 0
        allowed = self._throttle.turn_bytes(self._share)
        self._served, self._left = peer, allowed
        self._swarm.refill(peer, asyncio.get_running_loop().time())
        self._served = None
        asked = allowed - self._left
        if asked:
            self._throttle.wait(self._flows[peer])  # it may take more
        self._run_commands()
        return asked


class TorrentLimits:
    """One torrent's part in the limits of its session, both ways."""

    def __init__(
        self,
        down: Throttle,
        up: Throttle,
        swarm: Swarm,
        run_commands: Callable[[], None],
        is_exempt: Callable[[Peer], bool],
    ) -> None:
        """`is_exempt` says of whom the limits do not hold, in either direction, now."""
        self._down, self._up = down, up
        self._down_share, self._up_share = Share(), Share()
        self._requests = DownloadTurns(down, self._down_share, swarm, run_commands, is_exempt)
        self._is_exempt = is_exempt
        self.changed()

    @property
    def down(self) -> int | None:
        """Bytes a second, as is `up`; None: no limit of its own."""
        return self._down_share.bucket.rate

    @property
    def up(self) -> int | None:
        return self._up_share.bucket.rate

    def set(self, down: int | None, up: int | None) -> None:
        """What `down` and `up` are from now on."""
        self._down.set_rate(down, self._down_share)
        self._up.set_rate(up, self._up_share)
        self.changed()

    def changed(self) -> None:
        """The session's limits are others now."""
        self._requests.limits_changed()

    def upload_turns(self, peer: Peer) -> UploadTurns:
        """For a peer that has joined: how it is served."""
        return UploadTurns(self._up, self._up_share, peer, lambda: self._is_exempt(peer))

    def forget(self, peer: Peer) -> None:
        """The peer is gone."""
        self._requests.forget(peer)
