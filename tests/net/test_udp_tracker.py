"""The UDP tracker client, against a tracker under the test's control on loopback."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from typing import cast

import pytest

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import GuardError, Policy
from jupyter_webtorrent.net.trackers import udp as udp_module
from jupyter_webtorrent.net.trackers.udp import UdpTracker
from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.errors import TrackerMessageError, WebTorrentError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId

HASH = InfoHash(bytes(range(20)))
ANNOUNCE = TcpAnnounce(info_hash=HASH, peer_id=PeerId(b"-JW0010-123456789012"), port=6881)
CONNECT, ANNOUNCED, _, ERROR = range(4)
PEERS = b"\x7f\x00\x00\x01\x00\x07" + b"\x0a\x00\x00\x01\x00\x08"
RESPONSE = TcpAnnounceResponse(
    interval=900,
    complete=2,
    incomplete=1,
    peers=(PeerAddress("127.0.0.1", 7), PeerAddress("10.0.0.1", 8)),
)


class FakeTracker(asyncio.DatagramProtocol):
    """Answers as BEP 15 has it; `silent` of the next datagrams get no answer."""

    def __init__(self) -> None:
        self.received: list[tuple[int, bytes]] = []
        """The action and the whole datagram."""
        self.silent = 0
        self.refusal = b""
        self.stray = b""
        self.transport: asyncio.DatagramTransport
        self.connection_ids = iter(range(100, 200))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        first, action, number = struct.unpack_from(">QII", data)
        self.received.append((action, data))
        if self.silent:
            self.silent -= 1
            return
        if self.stray:
            self.transport.sendto(self.stray, address)
        header = struct.pack(">II", action, number)
        if self.refusal and action != CONNECT:
            reply = struct.pack(">II", ERROR, number) + self.refusal
        elif action == CONNECT:
            assert first == 0x41727101980
            reply = header + struct.pack(">Q", next(self.connection_ids))
        elif action == ANNOUNCED:
            reply = header + struct.pack(">III", 900, 1, 2) + PEERS
        else:
            reply = header + struct.pack(">III", 1, 3, 2)
        self.transport.sendto(reply, address)

    @property
    def actions(self) -> list[int]:
        return [action for action, _ in self.received]

    @property
    def url(self) -> str:
        return f"udp://127.0.0.1:{self.transport.get_extra_info('sockname')[1]}/announce"


@pytest.fixture
async def fake() -> AsyncIterator[FakeTracker]:
    _, fake = await asyncio.get_running_loop().create_datagram_endpoint(
        FakeTracker, local_addr=("127.0.0.1", 0)
    )
    yield fake
    fake.transport.abort()
    await asyncio.sleep(0)


@pytest.fixture
async def client(fake: FakeTracker) -> AsyncIterator[UdpTracker]:
    client = UdpTracker(fake.url, Policy.LOCAL, rng=random.Random(3))
    yield client
    await client.aclose()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Waits of 50 ms, and which attempts they were."""
    attempts: list[int] = []

    def timeout(attempt: int) -> float:
        attempts.append(attempt)
        return 0.05

    monkeypatch.setattr(udp_module, "response_timeout", timeout)
    return attempts


async def test_an_announce_connects_first_and_names_its_url(
    fake: FakeTracker, client: UdpTracker
) -> None:
    assert await client.announce(ANNOUNCE) == RESPONSE
    assert fake.actions == [CONNECT, ANNOUNCED]
    _, wire = fake.received[1]
    assert struct.unpack_from(">Q", wire) == (100,)
    assert wire[98:] == b"\x02\x09/announce\x00"


async def test_torrents_that_ask_at_once_share_one_connection(
    fake: FakeTracker, client: UdpTracker
) -> None:
    answers = await asyncio.gather(*(client.announce(ANNOUNCE) for _ in range(50)))
    assert answers == [RESPONSE] * 50
    assert fake.actions.count(CONNECT) == 1
    assert await client.scrape(HASH) == SwarmCounts(complete=1, incomplete=2, downloaded=3)


async def test_a_connection_id_is_used_for_a_minute(
    fake: FakeTracker, client: UdpTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.announce(ANNOUNCE)
    await client.announce(ANNOUNCE)
    assert fake.actions == [CONNECT, ANNOUNCED, ANNOUNCED]
    monkeypatch.setattr(udp_module, "CONNECTION_SECONDS", -1.0)
    assert client._line is not None
    client._line.good_until = 0.0
    await client.announce(ANNOUNCE)
    assert fake.actions[3:] == [CONNECT, ANNOUNCED]


async def test_a_tracker_that_is_silent_is_waited_for_longer_each_time(
    fake: FakeTracker, client: UdpTracker, impatient: list[int]
) -> None:
    fake.silent = 5
    for _ in range(5):
        with pytest.raises(NetError, match="no answer within"):
            await client.announce(ANNOUNCE)
    assert await client.announce(ANNOUNCE) == RESPONSE
    # Each attempt looks the name up, and the first timeout bounds that too.
    assert [attempt for attempt in impatient if attempt] == [1, 2, 3, 3, 3]
    assert fake.actions == [CONNECT] * 6 + [ANNOUNCED]


async def test_all_who_wait_for_one_connection_are_told_that_it_failed(
    fake: FakeTracker, client: UdpTracker, impatient: list[int]
) -> None:
    fake.silent = 1
    outcomes = await asyncio.gather(
        *(client.announce(ANNOUNCE) for _ in range(50)), return_exceptions=True
    )
    assert all(isinstance(outcome, NetError) for outcome in outcomes)
    assert fake.actions == [CONNECT]


async def test_a_port_where_nobody_listens_is_known_at_once(fake: FakeTracker) -> None:
    url = fake.url
    fake.transport.abort()
    await asyncio.sleep(0)  # the socket closes in the next turn
    client = UdpTracker(url, Policy.LOCAL)
    async with asyncio.timeout(5):
        with pytest.raises(NetError, match="connection refused"):
            await client.announce(ANNOUNCE)
    await client.aclose()


async def test_a_refusal_is_told_and_a_new_connection_made(
    fake: FakeTracker, client: UdpTracker
) -> None:
    fake.refusal = b"torrent not \x1b[2Jknown"
    with pytest.raises(TrackerMessageError, match="the tracker refused: torrent not \ufffd"):
        await client.announce(ANNOUNCE)
    fake.refusal = b""
    assert await client.announce(ANNOUNCE) == RESPONSE
    assert fake.actions == [CONNECT, ANNOUNCED] * 2


@pytest.mark.parametrize(
    "stray",
    [b"", b"x", bytes(8), bytes(16), struct.pack(">IIIII", 1, 1, 1, 1, 1), b"\xff" * 2000],
)
async def test_strays_are_passed_over(fake: FakeTracker, client: UdpTracker, stray: bytes) -> None:
    fake.stray = stray
    assert await client.announce(ANNOUNCE) == RESPONSE


async def test_an_answer_of_another_kind_is_one_plain_line(
    fake: FakeTracker, client: UdpTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.announce(ANNOUNCE)
    monkeypatch.setattr(client._rng, "getrandbits", lambda bits: 77)
    fake.stray = struct.pack(">IIQ", CONNECT, 77, 1)
    with pytest.raises(TrackerMessageError, match="something else"):
        await client.announce(ANNOUNCE)


async def test_who_gives_up_leaves_nothing_behind(fake: FakeTracker, client: UdpTracker) -> None:
    fake.silent = 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.announce(ANNOUNCE)
    # aclose ends the connect that goes on; no_task_is_left looks.


async def test_a_name_that_leads_where_it_may_not_is_never_asked(fake: FakeTracker) -> None:
    async def resolve(host: str) -> list[str]:
        return {"private.example": ["127.0.0.1"], "both.example": ["203.0.114.1", "169.254.1.1"]}[
            host
        ]

    port = fake.url.split(":")[2].partition("/")[0]
    for host, policy in (("private.example", Policy.PUBLIC), ("both.example", Policy.LOCAL)):
        client = UdpTracker(f"udp://{host}:{port}", policy, resolve=resolve)
        with pytest.raises(GuardError):
            await client.announce(ANNOUNCE)
        await client.aclose()
    assert fake.received == []


async def test_a_name_that_does_not_resolve_is_one_plain_line() -> None:
    async def resolve(host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    client = UdpTracker("udp://nowhere.example:1", Policy.LOCAL, resolve=resolve)
    with pytest.raises(WebTorrentError, match=r"the name nowhere\.example does not"):
        await client.announce(ANNOUNCE)
    await client.aclose()


def test_a_url_without_a_port_is_refused() -> None:
    with pytest.raises(NetError, match="names a port"):
        UdpTracker("udp://tracker.example/announce", Policy.LOCAL)
