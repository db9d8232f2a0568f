"""Sessions on a network in memory, for tests under virtual time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.offload import InlineOffload, Offload
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link, MemoryNetwork
from jupyter_webtorrent.net.webseed import RangeReader
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest

WIFI = Link(latency=0.02, loss=0.01, rate=2_000_000)


class Classroom:
    """Machines by name, each with a session and a folder of its own."""

    def __init__(self, folder: Path, link: Link, stack: AsyncExitStack) -> None:
        self.network = MemoryNetwork(Random(7), link)
        self.folder = folder
        self._stack = stack

    def session(
        self,
        name: str,
        *,
        ranges: RangeReader | None = None,
        offload: Offload | None = None,
        **settings: object,
    ) -> Session:
        """A machine's session, for the caller to enter."""
        return Session(
            EngineConfig(trackers=(), listen_host=name, lan_discovery=False, **settings),  # type: ignore[arg-type]
            network=self.network.host(name),
            offload=offload or InlineOffload(),
            random=Random(name),
            ranges=ranges,
        )

    async def machine(
        self, name: str, *, ranges: RangeReader | None = None, **settings: object
    ) -> Machine:
        session = self.session(name, ranges=ranges, offload=None, **settings)
        folder = self.folder / name
        folder.mkdir()
        return Machine(name, await self._stack.enter_async_context(session), folder)

    async def machines(self, prefix: str, count: int) -> list[Machine]:
        return [await self.machine(f"{prefix}-{number}") for number in range(count)]


class Machine:
    def __init__(self, name: str, session: Session, folder: Path) -> None:
        self.name = name
        self.session = session
        self.folder = folder

    @property
    def address(self) -> str:
        return str(self.session.listening)

    async def share(self, *paths: Path) -> Torrent:
        return await self.session.share(ShareRequest(paths=[str(path) for path in paths]))

    async def fetch(
        self,
        torrent: Torrent,
        peers: Iterable[str] = (),
        select: Iterable[str] = (),
        *,
        sequential: bool = False,
    ) -> Torrent:
        link = f"magnet:?xt=urn:btih:{torrent.info_hash}"
        request = FetchRequest(
            link=link,
            folder=str(self.folder),
            peers=list(peers),
            select=list(select),
            sequential=sequential,
        )
        return await self.session.fetch(request)


@asynccontextmanager
async def classroom(folder: Path, link: Link = WIFI) -> AsyncIterator[Classroom]:
    async with AsyncExitStack() as stack:
        yield Classroom(folder, link, stack)


async def all_done(torrents: Iterable[Torrent], seconds: float) -> None:
    """Wait, at most so many virtual seconds, until all are complete."""
    async with asyncio.timeout(seconds):
        for torrent in torrents:
            await torrent.arrival.wait()


async def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Look again every 50 ms of virtual time, which costs no real time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event for half-way
            await asyncio.sleep(0.05)


def write_random(path: Path, size: int, seed: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(Random(seed).randbytes(size))
    return path


def digest(path: Path) -> dict[str, str]:
    """The SHA-256 of each file below a path, by its relative name."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }
