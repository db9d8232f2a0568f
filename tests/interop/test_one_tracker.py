"""A tracker that a link names and the settings name too is one tracker, with one connection."""

from __future__ import annotations

from pathlib import Path

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest
from jupyter_webtorrent.tracker.server import EmbeddedTracker
from tests.engine.classroom import until


async def test_who_fetched_by_a_link_shares_at_the_same_tracker(tmp_path: Path) -> None:
    (tmp_path / "own.bin").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "downloads").mkdir()
    embedded = EmbeddedTracker()
    await embedded.start()
    url = embedded.urls[0]
    try:
        config = EngineConfig(
            trackers=(url,),
            stun_servers=(),
            listen_host="127.0.0.1",
            loopback_candidates=True,
            dht=False,
        )
        async with Session(config) as session:
            link = f"magnet:?xt=urn:btih:{'ab' * 20}&tr={url}"
            fetched = await session.fetch(FetchRequest(link, str(tmp_path / "downloads")))
            shared = await session.share(ShareRequest([str(tmp_path / "own.bin")]))
            await until(
                lambda: all(
                    tracker.state == "working"
                    for torrent in (fetched, shared)
                    for tracker in session.details(torrent).trackers
                ),
                20,
            )
    finally:
        await embedded.aclose()
