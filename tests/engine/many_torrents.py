"""One session that seeds many torrents, measured from within: `python -m tests.engine.many_torrents COUNT [TRACKER]`.

A process of its own, so that its memory and CPU time are the session's. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from jupyter_webtorrent.engine import loop
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.schema.transfers import ShareRequest, TransferState

FILE_BYTES = 100_000
IDLE_SECONDS = 10.0


async def measure(count: int, trackers: list[str], folder: Path) -> dict[str, float]:
    """Seconds to add them all, then, while idle, the share of a core and the memory over the empty session."""
    paths = []
    for number in range(count):
        file = folder / f"lesson {number}.csv"
        file.write_bytes(os.urandom(FILE_BYTES))
        paths.append(str(file))
    config = EngineConfig(trackers=(), listen_host="127.0.0.1", stun_servers=())
    async with Session(config) as session:
        first = await session.share(ShareRequest(paths=[str(folder)], trackers=[]))
        await session.remove(first.info_hash)
        empty = _resident_bytes()
        began = time.perf_counter()
        for path in paths:
            await session.share(ShareRequest(paths=[path], trackers=trackers))
        added = time.perf_counter() - began
        await asyncio.sleep(2)
        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - began
        states = [transfer.state for transfer in session.transfers()]
        return {
            "seeding": states.count(TransferState.SEEDING),
            "add_seconds": added,
            "idle_core_percent": 100 * cpu / wall,
            "memory_megabytes": (_resident_bytes() - empty) / 1e6,
        }


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        figures = loop.run(measure(int(sys.argv[1]), sys.argv[2:], Path(name)))
    print(json.dumps(figures))
