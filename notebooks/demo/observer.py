"""Says what came to a student, and from whom: each server's own counts, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_webtorrent.schema.transfers import TransferDetails, TransferState
from notebooks.demo.errors import DemoError
from notebooks.demo.servers import JupyterServer

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
    """Address and client of the peers that sent."""
    by_transport: dict[str, int]
    """Bytes received."""
    total: int
    seconds: float


class Observer:
    """Remembers what the servers that may send had sent before; `moves` says what has come since."""

    def __init__(self, senders: Sequence[JupyterServer], before: Uploads) -> None:
        self._senders = senders
        self._before = before

    @classmethod
    async def begin(cls, senders: Sequence[JupyterServer]) -> Observer:
        return cls(senders, await _uploads(senders))

    async def moves(self, student: JupyterServer) -> list[Move]:
        """Every transfer of the student's server; raises DemoError if one is not complete."""
        after = await _uploads(self._senders)
        return [
            self._move(student, await student.details(transfer.info_hash), after)
            for transfer in await student.transfers()
        ]

    def _move(self, student: JupyterServer, details: TransferDetails, after: Uploads) -> Move:
        transfer = details.transfer
        if transfer.state is not TransferState.SEEDING:
            raise DemoError(
                f"{student.name}'s {transfer.name} is {transfer.state.value}",
                transfer.error or transfer.notice,
            )
        key = transfer.info_hash
        return Move(
            name=transfer.name,
            to=student.name,
            senders=tuple(name for name in after if after[name][key] > self._before[name][key]),
            peers=tuple(
                f"{peer.address} ({peer.client})" for peer in details.peers if peer.downloaded
            ),
            by_transport={kind: n for kind, n in transfer.by_transport.items() if n},
            total=transfer.total,
            seconds=transfer.seconds,
        )


async def _uploads(servers: Sequence[JupyterServer]) -> Uploads:
    return {
        server.name: Counter(
            {transfer.info_hash: transfer.uploaded for transfer in await server.transfers()}
        )
        for server in servers
    }
