"""A session with a state that a test kills: `python -m tests.engine.survivor`, lines of JSON on stdout.

Says `started` once the session is up, `resumed` once it knows what it has, `progress` as it goes on, `complete`; on
demand `read` once it has read the first MiB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

from jupyter_webtorrent.engine import loop, state_keeper
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.schema.transfers import FetchRequest


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


async def live(options: argparse.Namespace) -> None:
    config = EngineConfig(
        trackers=(),
        transports=frozenset({"tcp"}),
        listen_host="127.0.0.1",
        listen_port=options.port,
        lan_discovery=False,
        pex=False,
        state_folder=options.state,
    )
    began = time.monotonic()
    async with Session(config) as session:
        say("started", seconds=time.monotonic() - began, torrents=len(session.torrents))
        if not session.torrents:
            request = FetchRequest(
                link=options.link,
                folder="" if options.on_demand else str(options.folder),
                peers=[options.peer],
                on_demand=options.on_demand,
            )
            await session.fetch(request)
        (torrent,) = session.torrents.values()
        while torrent.swarm.downloader is None:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
        say("resumed", have=have(torrent))
        if options.on_demand:
            async with session.open_stream(torrent.info_hash, 0) as stream:
                await stream.read(0, 1 << 20, ahead=0)
            say("read", have=have(torrent))
        while not torrent.arrival.done.done():
            say("progress", have=have(torrent), peers=len(torrent.swarm.peers))
            await asyncio.sleep(0.02)
        await torrent.arrival.wait()
        say("complete", down=torrent.swarm.down.total, checked=torrent.data.disk.checked_bytes)
        await asyncio.Event().wait()


def have(torrent: Torrent) -> int:
    assert torrent.info is not None
    return torrent.info.layout.bytes_of_pieces(torrent.swarm.have)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("link")
    parser.add_argument("--peer")
    parser.add_argument("--port", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--batch-seconds", type=float)
    parser.add_argument("--on-demand", action="store_true")
    options = parser.parse_args()
    state_keeper.BATCH_SECONDS = options.batch_seconds
    loop.run(live(options))


if __name__ == "__main__":
    main()
