"""One UDP port that speaks KRPC: queries out, each with its time limit, and other nodes' queries in.

What a query means, and whom to ask, is `dht_node`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from jupyter_webtorrent.net.datagrams import DatagramNetwork, Datagrams
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.krpc import (
    AnnouncePeer,
    BadQueryError,
    FindNode,
    GetPeers,
    KrpcError,
    Message,
    Ping,
    Query,
    decode,
)
from jupyter_webtorrent.protocol.token_bucket import TokenBucket

ANSWER_SECONDS = 5.0
MAX_OUTSTANDING = 256
TRANSACTION_BYTES = 4
"""Random ones: a stranger who did not see the query cannot answer it."""

QUERIES_PER_SECOND = 40.0
QUERY_BURST = 20.0

QUERY_TYPES = (Ping, FindNode, GetPeers, AnnouncePeer)


class QueryPace:
    """How fast all ports of a session may send queries; answers are not among them."""

    def __init__(self, now: float) -> None:
        self._bucket = TokenBucket(QUERIES_PER_SECOND, QUERY_BURST, now)

    async def turn(self) -> None:
        """Wait for one's turn to send one query."""
        delay = self._bucket.take(asyncio.get_running_loop().time())
        if delay > 0:
            await asyncio.sleep(delay)

    def try_turn(self) -> bool:
        """Take a turn if there is one now: for what need not be sent."""
        return self._bucket.try_take(asyncio.get_running_loop().time())


@dataclass(slots=True)
class _Outstanding:
    address: PeerAddress
    answer: asyncio.Future[Message | None]
    timer: asyncio.TimerHandle


class DhtSocket:
    """An open port; `aclose` leaves no query unanswered: those under way count as failed."""

    def __init__(
        self,
        random: Random,
        answer: Callable[[Message, Query, PeerAddress], Message | None],
        may_complain: Callable[[PeerAddress], bool],
    ) -> None:
        """`answer` is given each query; `may_complain` says whether to answer one that cannot be read."""
        self._random = random
        self._answer = answer
        self._may_complain = may_complain
        self._outstanding: dict[bytes, _Outstanding] = {}
        self._port: Datagrams

    async def open(self, network: DatagramNetwork, address: PeerAddress) -> None:
        """Raises NetError."""
        self._port = await network.bind(address, self._received)

    @property
    def address(self) -> PeerAddress:
        return self._port.address

    def query(
        self, address: PeerAddress, query: Query, *, read_only: bool
    ) -> asyncio.Future[Message | None]:
        """Send a query; the future's result is a message with a Reply or a Failure, or None if none came."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Message | None] = loop.create_future()
        if len(self._outstanding) >= MAX_OUTSTANDING:
            answer.set_result(None)
            return answer
        transaction = self._random.randbytes(TRANSACTION_BYTES)
        while transaction in self._outstanding:
            transaction = self._random.randbytes(TRANSACTION_BYTES)
        timer = loop.call_later(ANSWER_SECONDS, self._end, transaction, None)
        self._outstanding[transaction] = _Outstanding(address, answer, timer)
        self._port.send(Message(transaction, query, read_only=read_only).encode(), address)
        return answer

    async def aclose(self) -> None:
        for transaction in list(self._outstanding):
            self._end(transaction, None)
        await self._port.aclose()

    def _received(self, data: bytes, sender: PeerAddress) -> None:
        if sender.port == 0:
            return
        try:
            message = decode(data)
        except BadQueryError as error:
            if self._may_complain(sender):
                self._port.send(error.answer.encode(), sender)
            return
        except KrpcError:
            return
        body = message.body
        if isinstance(body, QUERY_TYPES):
            answer = self._answer(message, body, sender)
            if answer is not None:
                self._port.send(answer.encode(), sender)
            return
        outstanding = self._outstanding.get(message.transaction)
        if outstanding is not None and outstanding.address == sender:
            self._end(message.transaction, message)

    def _end(self, transaction: bytes, message: Message | None) -> None:
        outstanding = self._outstanding.pop(transaction)
        outstanding.timer.cancel()
        if not outstanding.answer.done():
            outstanding.answer.set_result(message)
