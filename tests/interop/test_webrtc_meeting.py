"""Two Sessions that know of each other by our tracker alone: they meet over WebRTC, and go on as they best can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.schema.failures import FailureCode
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest
from tests.engine.classroom import digest, until, write_random

SIZE = 60_000_000
SECONDS = 60.0


@asynccontextmanager
async def met(folder: Path, tracker: str) -> AsyncIterator[tuple[Session, Session, Torrent]]:
    """A seed, a fetcher and what is on its way; the link holds nobody's address."""
    data = write_random(folder / "data.bin", SIZE)
    (folder / "target").mkdir()
    config = EngineConfig(trackers=(tracker,), stun_servers=(), lan_discovery=False)
    async with Session(config) as near, Session(config) as far:
        shared = await near.share(ShareRequest(paths=[str(data)]))
        request = FetchRequest(
            link=f"magnet:?xt=urn:btih:{shared.info_hash}",
            folder=str(folder / "target"),
            trackers=[tracker],
        )
        yield near, far, await far.fetch(request)


async def test_they_move_to_one_tcp_connection(tmp_path: Path, embedded_tracker: str) -> None:
    async with met(tmp_path, embedded_tracker) as (near, far, fetched):
        (shared,) = near.torrents.values()
        most = 0

        def on_tcp() -> bool:
            nonlocal most
            most = max(
                most,
                len(fetched.peering.connections.shaken()),
                len(shared.peering.connections.shaken()),
            )
            return fetched.peering.connections.bytes_by_transport()["tcp"] > 0

        await until(on_tcp, SECONDS)
        async with asyncio.timeout(SECONDS):
            await fetched.arrival.wait()
        status = far.transfer(fetched)
        assert most == 1
        assert status.by_transport["webrtc"] > 0
        assert sum(status.by_transport.values()) == SIZE
        assert digest(tmp_path / "target" / "data.bin") == digest(tmp_path / "data.bin")


async def test_they_stay_on_webrtc_where_tcp_is_refused(
    tmp_path: Path, embedded_tracker: str
) -> None:
    async with met(tmp_path, embedded_tracker) as (near, far, fetched):
        for session in (near, far):
            assert session._listener is not None
            await session._listener.aclose()
        async with asyncio.timeout(SECONDS):
            await fetched.arrival.wait()
        assert far.transfer(fetched).by_transport == {"webrtc": SIZE}
        refused = [
            failure
            for failure in far.details(fetched).failures
            if failure.code is FailureCode.REFUSED
        ]
        assert all(failure.count == 1 for failure in refused)


@pytest.fixture(autouse=True)
def own_network(webrtc_network: None) -> None:
    """Say how to run this where no peer could connect."""
