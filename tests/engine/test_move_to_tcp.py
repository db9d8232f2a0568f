"""Two of ours that meet over WebRTC end on one TCP connection if one of them can be reached, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.connections import MOVE_SECONDS
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.schema.failures import FailureCode
from tests.engine.classroom import Classroom, all_done, classroom, digest, until, write_random
from tests.engine.test_meeting import channels

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

SIZE = 10_000_000
RATE = 1e6


@asynccontextmanager
async def met_over_webrtc(
    folder: Path, *, reachable: bool = True, hosts: tuple[str | None, str | None] = ("near", "far")
) -> AsyncIterator[tuple[Classroom, Torrent, Torrent]]:
    """A seed and a fetcher with a data channel between them and no other word of each other.

    `hosts` is where each seems to be to the other, the seed's first.
    """
    data = write_random(folder / "data.csv", SIZE)
    async with classroom(folder, Link(latency=0.02, rate=RATE)) as room:
        near, far = await room.machine("near"), await room.machine("far")
        shared = await near.share(data)
        fetched = await far.fetch(shared, ["nowhere:1"])
        if not reachable:
            for address in list(room.network._listeners):
                del room.network._listeners[address]
        await asyncio.sleep(1)
        one, other = channels(room)
        shared.peering._channel_opened(one, True, b"one", hosts[1])
        fetched.peering._channel_opened(other, False, b"one", hosts[0])
        await until(lambda: bool(shared.swarm.peers and fetched.swarm.peers))
        yield room, shared, fetched


def kinds(torrent: Torrent) -> list[str]:
    return [connection.transport.kind for _, connection in torrent.peering.connections.shaken()]


async def nearly_done(fetched: Torrent) -> None:
    """Before it is: two seeds need each other no more."""
    await until(lambda: fetched.swarm.down.total > SIZE * 0.9)


async def test_they_end_on_one_tcp_connection_and_lose_nothing(tmp_path: Path) -> None:
    async with met_over_webrtc(tmp_path) as (_, shared, fetched):
        await until(lambda: fetched.swarm.down.total > 0, 20)
        assert kinds(fetched) == ["webrtc"]
        # In memory what is not TCP is called memory.
        await until(lambda: kinds(fetched) == kinds(shared) == ["memory"], 20)
        moved_with = fetched.peering.connections.bytes_by_transport()["webrtc"]
        await nearly_done(fetched)
        assert kinds(fetched) == kinds(shared) == ["memory"]
        await all_done([fetched], 120)
        counts = fetched.peering.connections.bytes_by_transport()
        assert 0 < counts["webrtc"] == moved_with < SIZE / 2
        # No block is counted twice, and what was under way is asked for once more, no more.
        assert sum(counts.values()) == fetched.swarm.down.total == SIZE
        assert digest(tmp_path / "far" / "data.csv") == digest(tmp_path / "data.csv")


async def test_where_tcp_is_refused_they_stay_on_webrtc_after_one_try(tmp_path: Path) -> None:
    async with met_over_webrtc(tmp_path, reachable=False) as (_, shared, fetched):
        await nearly_done(fetched)
        assert kinds(fetched) == kinds(shared) == ["webrtc"]
        for torrent, host in ((shared, "far"), (fetched, "near")):
            (failure,) = [
                failure
                for failure in torrent.peering.failures.listed(0.0)
                if failure.address.startswith(host)
            ]
            assert (failure.code, failure.count) == (FailureCode.REFUSED, 1)


async def test_nobody_is_dialled_where_a_relay_stands_for_the_peer(tmp_path: Path) -> None:
    async with met_over_webrtc(tmp_path, hosts=(None, None)) as (_, shared, fetched):
        await nearly_done(fetched)
        assert kinds(fetched) == kinds(shared) == ["webrtc"]
        assert fetched.peering.connections._moves | shared.peering.connections._moves == set()


async def test_no_port_of_the_system_s_services_is_dialled(tmp_path: Path) -> None:
    async with met_over_webrtc(tmp_path) as (_, shared, fetched):
        for torrent in (shared, fetched):
            (peer,) = torrent.swarm.peers
            await until(lambda peer=peer: peer.extensions is not None)  # type: ignore[misc]
            peer.dialled = PeerAddress(peer.host, 25)  # as if it had said so
        await asyncio.sleep(4 * MOVE_SECONDS)
        assert kinds(fetched) == kinds(shared) == ["webrtc"]
        assert fetched.peering.connections._moves | shared.peering.connections._moves == set()
