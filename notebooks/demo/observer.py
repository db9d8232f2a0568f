"""Watches a student's transfers, and says afterwards what came from whom.

A peer's address and client are known while it is connected; who sent how much is what each server counted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from jupyter_webtorrent.schema.transfers import PeerStatus, TransferState, TransferStatus
from notebooks.demo.errors import DemoError
from notebooks.demo.servers import JupyterServer

_LOOK_SECONDS = 0.05

Uploads = dict[str, Counter[str]]
"""Bytes sent, by server and info hash."""


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer that has arrived."""

    name: str
    to: str
    senders: tuple[str, ...]
    """The servers whose count of sent bytes rose."""
    peers: tuple[str, ...]
    """Address and client of the peers seen to send."""
    by_transport: dict[str, int]
    """Bytes received."""
    total: int
    seconds: float


@dataclass(slots=True)
class Observer:
    """What was seen of one student's transfers; `moves` once they are over."""

    moves: list[Move] = field(default_factory=list)
    _seen: dict[str, dict[str, PeerStatus]] = field(default_factory=lambda: defaultdict(dict))

    async def look(self, student: JupyterServer) -> None:
        """Remember who sends now."""
        for transfer in await student.transfers():
            details = await student.details(transfer.info_hash)
            for peer in details.peers:
                if peer.downloaded:
                    self._seen[transfer.info_hash][peer.address] = peer

    async def look_often(self, student: JupyterServer) -> None:
        while True:
            await self.look(student)
            await asyncio.sleep(_LOOK_SECONDS)

    def conclude(
        self,
        student: JupyterServer,
        transfers: list[TransferStatus],
        before: Uploads,
        after: Uploads,
    ) -> None:
        for transfer in transfers:
            if transfer.state is not TransferState.SEEDING:
                raise DemoError(
                    f"{student.name}'s {transfer.name} is {transfer.state.value}",
                    transfer.error or transfer.notice,
                )
            key = transfer.info_hash
            peers = self._seen[key].values()
            self.moves.append(
                Move(
                    name=transfer.name,
                    to=student.name,
                    senders=tuple(name for name in after if after[name][key] > before[name][key]),
                    peers=tuple(f"{peer.address} ({peer.client})" for peer in peers),
                    by_transport={kind: n for kind, n in transfer.by_transport.items() if n},
                    total=transfer.total,
                    seconds=transfer.seconds,
                )
            )


@contextlib.asynccontextmanager
async def observing(
    student: JupyterServer, others: Sequence[JupyterServer]
) -> AsyncIterator[Observer]:
    """Watch a student's server while the block runs. `others` are the servers that may send."""
    observer = Observer()
    before = await _uploads(others)
    looking = asyncio.create_task(observer.look_often(student))
    try:
        yield observer
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    observer.conclude(student, await student.transfers(), before, await _uploads(others))


async def _uploads(servers: Sequence[JupyterServer]) -> Uploads:
    return {
        server.name: Counter(
            {transfer.info_hash: transfer.uploaded for transfer in await server.transfers()}
        )
        for server in servers
    }
