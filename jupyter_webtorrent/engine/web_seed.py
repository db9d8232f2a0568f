"""A torrent's web seeds (BEP 19): HTTP servers as peers that have everything, never choke and want nothing.

The swarm asks one for blocks as it asks any peer, so rarest first, the end game, time-outs and bans apply. Here
neighbouring blocks become ranges of files, and bytes become blocks again. HTTP itself is `net.webseed`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Protocol

from yarl import URL

from jupyter_webtorrent.engine.connections import Connections
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.throttle import TorrentLimits
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import GuardError, Policy
from jupyter_webtorrent.net.trackers.backoff import SHORTEST, Backoff
from jupyter_webtorrent.net.webseed import FileNotThereError, FileRange, WebSeedError, file_url
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.extension import LT_DONTHAVE, OUR_IDS, encode_dont_have
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerId
from jupyter_webtorrent.protocol.magnet import MAX_WEB_SEEDS
from jupyter_webtorrent.protocol.messages import (
    BitfieldMessage,
    Cancel,
    Extended,
    Message,
    Piece,
    Request,
    Unchoke,
)
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.schema.transfers import WebSeedStatus
from jupyter_webtorrent.swarm.holdings import BOTH_COMPLETE
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import Swarm

REQUESTS_AT_ONCE = 2
"""HTTP requests to one web seed: while one is answered, the next is on its way."""
MAX_RANGE_BYTES = 2 << 20
"""Of one HTTP request: what it asked for and does not need any more cannot be cancelled."""


class WebSeedOwner(Protocol):
    """The torrent, as far as its web seeds know it."""

    swarm: Swarm
    connections: Connections
    limits: TorrentLimits

    def run_commands(self) -> None: ...


class WebSeeds:
    """All web seeds of one torrent, at most MAX_WEB_SEEDS. `run` is their whole life."""

    def __init__(self, owner: WebSeedOwner, services: Services) -> None:
        self._owner = owner
        self._services = services
        self._seeds: dict[str, WebSeed] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._started = asyncio.Event()
        self._needed = asyncio.Event()

    def add(self, urls: Iterable[str], policy: Policy) -> None:
        """Use these too, each once; `policy` says who named them."""
        for url in urls:
            known = self._seeds.pop(url, None)
            if known is not None and not (known.is_refused and policy is Policy.NAMED):
                self._seeds[url] = known
                continue
            if len(self._seeds) >= MAX_WEB_SEEDS:
                continue
            seed = self._seeds[url] = WebSeed(
                url, policy, self._owner, self._services, self._needed
            )
            if self._tasks is not None:
                self._tasks.create_task(seed.run())

    def start(self) -> None:
        """The metadata is known, and the swarm has begun."""
        self._started.set()

    def wake(self) -> None:
        """Pieces are missing again: those that had nothing left to give are of use."""
        self._needed.set()

    async def run(self) -> None:
        """Fetch from them until cancelled."""
        await self._started.wait()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for seed in self._seeds.values():
                tasks.create_task(seed.run())
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None  # a group that ends takes no more tasks

    def urls(self, policy: Policy) -> list[str]:
        """Those that were named so."""
        return [seed.url for seed in self._seeds.values() if seed.policy is policy]

    def statuses(self) -> list[WebSeedStatus]:
        return [seed.status for seed in self._seeds.values()]


class _LeftError(NetError):
    """The swarm closed the web seed's link; the message says why."""


class WebSeed:
    """One web seed of a torrent whose metadata is known. Implements `PeerLink` while it is in the swarm."""

    kind = "webseed"
    client = "web seed"

    def __init__(
        self,
        url: str,
        policy: Policy,
        owner: WebSeedOwner,
        services: Services,
        needed: asyncio.Event,
    ) -> None:
        """`needed` is set when pieces are missing again."""
        self.url = url
        target = URL(url, encoded=url.isascii())
        self.remote = target.host_port_subcomponent or ""
        self.policy = policy
        self._owner = owner
        self._services = services
        self._needed = needed
        # Nobody else knows it, so nobody else can come by this name.
        self._peer_id = PeerId(b"-WS0000-" + services.random.randbytes(12))
        self._backoff = Backoff(services.random)
        self._loop = asyncio.get_running_loop()
        self.is_refused = False
        """Whether it is where this policy may not lead."""
        self._given_up = False
        self._reason = ""
        self._peer: Peer | None = None
        self._left: asyncio.Future[None] = self._loop.create_future()
        self._pending: dict[int, Request] = {}
        """Requests that are in no HTTP request yet, by their place in the torrent, oldest first."""
        self._asked = asyncio.Event()

    @property
    def status(self) -> WebSeedStatus:
        if self._peer is not None:
            return WebSeedStatus(self.url, "working")
        return WebSeedStatus(self.url, "failed" if self._reason else "waiting", self._reason)

    async def run(self) -> None:
        """Be in the swarm whenever it lacks something, again after each failure, until it is of no use."""
        while not self._given_up:
            while self._owner.swarm.is_complete:
                self._needed.clear()
                await self._needed.wait()
            info = self._owner.swarm.info
            assert info is not None
            retry_after = 0.0
            try:
                await self._serve(info)
            except GuardError as error:
                self.is_refused = self._given_up = True
                self._leave(str(error))
            except NetError as error:
                self._leave(str(error))
                retry_after = error.retry_after if isinstance(error, WebSeedError) else 0.0
            finally:
                self._leave("")  # only if this was cancelled
            if not self._given_up:
                await asyncio.sleep(max(self._backoff.next(), retry_after))

    # PeerLink

    def send(self, messages: tuple[Message, ...]) -> None:
        info = self._owner.swarm.info
        assert info is not None
        for message in messages:
            if isinstance(message, Request):
                self._pending[info.layout.offset(message.index) + message.begin] = message
                self._asked.set()
            elif isinstance(message, Cancel):
                self._pending.pop(info.layout.offset(message.index) + message.begin, None)

    def serve_uploads(self) -> None:
        pass  # it asks for nothing

    def close(self, reason: str, *, final: bool = False) -> None:
        if reason == BOTH_COMPLETE:
            self._leave("")  # nothing is wrong with it, and something may be missing again
        else:
            self._given_up = final
            self._leave(reason)

    # In the swarm

    async def _serve(self, info: Info) -> None:
        """Join, and fetch what the swarm asks for; ends by raising NetError."""
        self._pending.clear()
        self._left = self._loop.create_future()
        peer = self._join(info)
        joined_at = self._loop.time()
        workers = [asyncio.create_task(self._work(peer, info)) for _ in range(REQUESTS_AT_ONCE)]
        ends: list[asyncio.Future[None]] = [self._left, *workers]
        try:
            # Not a task group: before Python 3.13 it forgets a cancellation that comes while a worker fails.
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            next(end for end in ends if end in done).result()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            # One that sends a little and then fails must not be tried every second.
            if peer.down.total and self._loop.time() - joined_at >= SHORTEST:
                self._backoff.reset()

    def _join(self, info: Info) -> Peer:
        swarm, now = self._owner.swarm, self._loop.time()
        handshake = Handshake(swarm.info_hash, self._peer_id, supports_extensions=False)
        peer = self._peer = swarm.peer_joined(handshake, now)
        peer.prefers_runs = True
        self._reason = ""
        self._owner.connections.web_seed_joined(self, peer)
        everything = BitfieldMessage(Bitfield.full(info.piece_count).to_bytes())
        for message in (everything, Unchoke()):
            swarm.received(peer, message, now)
        swarm.refill(peer, now)
        self._owner.run_commands()
        return peer

    def _leave(self, reason: str) -> None:
        """Leave the swarm, if it is in it; what it was asked for is free again. No reason: it is no failure."""
        peer, self._peer = self._peer, None
        if peer is None:
            return
        self._reason = reason
        if not self._left.done():
            self._left.set_exception(_LeftError(reason))
            self._left.exception()  # the task that waits for it may have ended already
        self._owner.connections.web_seed_left(self, peer)
        self._owner.limits.forget(peer)
        self._owner.swarm.peer_left(peer, self._loop.time())
        self._owner.run_commands()

    async def _work(self, peer: Peer, info: Info) -> None:
        """Fetch what is asked for, one run of neighbouring blocks after the other."""
        while True:
            await self._asked.wait()
            run = self._take_run(peer)
            if run:
                await self._fetch(peer, info, run)
            else:
                self._asked.clear()

    def _take_run(self, peer: Peer) -> list[Request]:
        """The oldest pending request and those that follow it in the torrent without a gap."""
        self._pending = {
            place: request
            for place, request in self._pending.items()
            if (request.index, request.begin) in peer.requests  # else the swarm took it back
        }
        place = next(iter(self._pending), None)
        run: list[Request] = []
        length = 0
        while place is not None and place in self._pending and length < MAX_RANGE_BYTES:
            request = self._pending.pop(place)
            run.append(request)
            length += request.length
            place += request.length
        return run

    async def _fetch(self, peer: Peer, info: Info, run: list[Request]) -> None:
        """Bring the blocks of a run, file by file; raises NetError."""
        layout = info.layout
        blocks = _Blocks(run)
        take = partial(self._take, peer, blocks)
        start = layout.offset(run[0].index) + run[0].begin
        for segment in layout.segments(start, sum(request.length for request in run)):
            file = info.files[segment.file_index]
            if file.padding:
                take(bytes(segment.length))
                continue
            try:
                url = file_url(self.url, info, segment.file_index)
                part = FileRange(url, segment.offset, segment.length, file.length)
                await self._services.ranges.read(part, self.policy, take)
            except FileNotThereError as error:
                self._lacks(peer, info, segment.file_index, error)
                for request in run:
                    if (request.index, request.begin) in peer.requests:
                        self.send((request,))
                return

    def _take(self, peer: Peer, blocks: _Blocks, data: bytes) -> None:
        """Bytes of a run came."""
        now, swarm = self._loop.time(), self._owner.swarm
        for piece in blocks.cut(data):
            if self._peer is not peer:
                raise _LeftError(self._reason)
            swarm.received(peer, piece, now)
        if self._peer is peer:
            swarm.refill(peer, now)
        self._owner.run_commands()

    def _lacks(self, peer: Peer, info: Info, file: int, error: NetError) -> None:
        """A file is not on the server: do without its pieces; raises the error if that leaves none."""
        if self._peer is not peer:
            raise error
        swarm, now = self._owner.swarm, self._loop.time()
        for index in info.layout.pieces_of_file(file):
            payload = encode_dont_have(index)
            swarm.received(peer, Extended(OUR_IDS[LT_DONTHAVE], payload), now)
        if peer.have is None or not peer.have.any():
            raise error
        swarm.refill(peer, now)
        self._owner.run_commands()


class _Blocks:
    """Cuts the bytes of a run, as they come, into its blocks."""

    def __init__(self, run: list[Request]) -> None:
        self._run = iter(run)
        self._request = next(self._run, None)
        self._block = bytearray()

    def cut(self, data: bytes) -> list[Piece]:
        """The blocks that these bytes complete."""
        pieces: list[Piece] = []
        view = memoryview(data)
        while view and (request := self._request) is not None:
            count = request.length - len(self._block)
            part, view = view[:count], view[count:]
            if self._block or len(part) < count:
                self._block += part
                part = memoryview(self._block)
            if len(part) == request.length:
                pieces.append(Piece(request.index, request.begin, part))
                self._block = bytearray()
                self._request = next(self._run, None)
        return pieces
