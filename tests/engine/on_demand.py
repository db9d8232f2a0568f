"""A course that is shared, and students who read of it on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    TransferState,
)
from tests.engine.classroom import (
    Classroom,
    Machine,
    until,
    write_random,
)

MIB = 1 << 20
SLOW = Link(latency=0.02, rate=4_000_000)
NAMES = ("a.bin", "b.bin", "c.bin")
SIZE = 12 * MIB


async def share(room: Classroom) -> tuple[Machine, Torrent]:
    """A teacher with a course."""
    for number, name in enumerate(NAMES):
        write_random(room.folder / "course" / name, SIZE, seed=number)
    teacher = await room.machine("teacher")
    return teacher, await teacher.share(room.folder / "course")


def content(room: Classroom, name: str) -> bytes:
    return (room.folder / "course" / name).read_bytes()


def request(
    teacher: Machine, shared: Torrent, folder: Path | str = "", **options: object
) -> FetchRequest:
    link = f"magnet:?xt=urn:btih:{shared.info_hash}"
    return FetchRequest(link=link, folder=str(folder), peers=[teacher.address], **options)  # type: ignore[arg-type]


async def look_into(student: Machine, teacher: Machine, shared: Torrent) -> Torrent:
    """The student has the list of files."""
    torrent = await student.session.fetch(request(teacher, shared, on_demand=True))
    await until(lambda: torrent.state is TransferState.ON_DEMAND)
    return torrent


async def read(machine: Machine, torrent: Torrent, name: str, offset: int, length: int) -> bytes:
    async with machine.session.open_stream(torrent.info_hash, name) as stream:
        return await stream.read(offset, length, ahead=0)


@asynccontextmanager
async def computer(room: Classroom, name: str, state: Path) -> AsyncIterator[Machine]:
    """A machine whose session ends with the `with`, and whose next one knows of it."""
    folder = room.folder / name
    folder.mkdir(exist_ok=True)
    async with room.session(name, state_folder=state) as session:
        yield Machine(name, session, folder)


def only(session: Session) -> Torrent:
    (torrent,) = session.torrents.values()
    return torrent


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
