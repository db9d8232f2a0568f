"""Files and folders between our engine and others, both ways, from a magnet link alone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.host import EngineHost
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.schema.transfers import FetchRequest, TransferState
from tests.interop.corpus import digests, write_file, write_folder
from tests.interop.deadline import Deadline
from tests.interop.peers.programs import (
    CHROMIUM,
    LIBTORRENT,
    NODE,
    OLD_CHROMIUM,
    OURS,
    Program,
)

CASE_SECONDS = 45.0

SINGLE_FILE_BYTES = 25 * (1 << 20) + 4_321
"""Where create-torrent's rule begins to give a piece two blocks."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Whom we meet, over what, and where: at a tracker's fixture, or by the seed's own address."""

    partner: Program
    transport: str
    tracker: str | None = None
    slow_file: bool = False
    """The large file is left to `make prove`."""


MEETINGS = {
    "libtorrent over TCP": Meeting(LIBTORRENT, "tcp"),
    "libtorrent at our tracker": Meeting(LIBTORRENT, "webrtc", "embedded_tracker"),
    "libtorrent at bittorrent-tracker": Meeting(LIBTORRENT, "webrtc", "bittorrent_tracker"),
    "webtorrent.js at our tracker": Meeting(CHROMIUM, "webrtc", "embedded_tracker"),
    "webtorrent.js 1 at our tracker": Meeting(
        OLD_CHROMIUM, "webrtc", "embedded_tracker", slow_file=True
    ),
    "webtorrent.js in Node over TCP": Meeting(NODE, "tcp"),
}


def write_single_file(source: Path, seed: str) -> Path:
    return write_file(source / "measurements.csv", SINGLE_FILE_BYTES, seed=seed)


def write_nested_folder(source: Path, seed: str) -> Path:
    return write_folder(source / "Kurs Ökologie", seed=seed)


WRITERS: Mapping[str, Callable[[Path, str], Path]] = {
    "single file": write_single_file,
    "folder": write_nested_folder,
}


def cases() -> Iterator[ParameterSet]:
    """Each meeting with a file and with a folder."""
    for name, meeting in MEETINGS.items():
        for kind, write in WRITERS.items():
            slow = meeting.slow_file and write is write_single_file
            marks = [pytest.mark.prove] if slow else []
            yield pytest.param(meeting, write, id=f"{name}-{kind}", marks=marks)


def transfer(
    seeder: Program,
    fetcher: Program,
    path: Path,
    folder: Path,
    *,
    transport: str,
    trackers: Sequence[str],
    options: Sequence[str] = (),
) -> None:
    """Share `path`, fetch it into `folder` by its link, and hold both programs to their promises."""
    deadline = Deadline(CASE_SECONDS)
    size = sum(file.stat().st_size for file in path.parent.rglob("*") if file.is_file())
    with seeder.share(path, transport=transport, trackers=trackers, options=options) as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        peers = [] if trackers else [seed.expect("listening", deadline).fields["tcp"]]
        with fetcher.fetch(magnet, folder, transport=transport, peers=peers) as fetch:
            complete = fetch.expect("complete", deadline).fields
            assert fetch.wait(deadline) == 0, fetch.failure("did not end well")
            assert complete["paths"] == [str(folder / path.name)]
            assert complete["bytes"] == size
            if fetcher is OURS:
                assert complete["by_transport"][transport] >= size
                assert "Traceback" not in fetch.stderr(), fetch.failure("wrote a traceback")
        if seeder is OURS:
            assert seed.stop(signal.SIGINT) == 0, seed.failure("did not end well")
            assert "Traceback" not in seed.stderr(), seed.failure("wrote a traceback")
    assert digests(folder) == digests(path.parent)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the files come from, and where they go."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


@pytest.mark.parametrize("we_seed", [True, False], ids=["we seed", "we fetch"])
@pytest.mark.parametrize(("meeting", "write"), list(cases()))
def test_every_byte_arrives_from_a_magnet_link_alone(
    request: pytest.FixtureRequest,
    folders: tuple[Path, Path],
    meeting: Meeting,
    write: Callable[[Path, str], Path],
    we_seed: bool,
) -> None:
    source, target = folders
    seeder, fetcher = (OURS, meeting.partner) if we_seed else (meeting.partner, OURS)
    transfer(
        seeder,
        fetcher,
        write(source, request.node.name),
        target,
        transport=meeting.transport,
        trackers=[request.getfixturevalue(meeting.tracker)] if meeting.tracker else [],
    )


def test_a_hybrid_torrent_is_fetched_by_its_v1_side(folders: tuple[Path, Path]) -> None:
    source, target = folders
    transfer(
        LIBTORRENT,
        OURS,
        write_nested_folder(source, "hybrid"),
        target,
        transport="tcp",
        trackers=[],
        options=["--hybrid"],
    )


def test_a_file_is_read_at_any_offset_while_libtorrent_sends_it(
    folders: tuple[Path, Path],
) -> None:
    source, target = folders
    film = write_file(source / "film.bin", 48 << 20, seed="film")
    truth, deadline = film.read_bytes(), Deadline(CASE_SECONDS)
    host = EngineHost(
        EngineConfig(trackers=(), listen_host="127.0.0.1", transports=frozenset({"tcp"}))
    )
    with LIBTORRENT.share(film, transport="tcp") as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        peers = [seed.expect("listening", deadline).fields["tcp"]]
        try:
            request = FetchRequest(link=magnet, folder=str(target), peers=peers)
            key = host.fetch(request).result(CASE_SECONDS).info_hash
            stream = host.open_stream(key, film.name).result(CASE_SECONDS)
            for offset in (40 << 20, 7_000_001, 47 << 20, 0, 25 << 20):
                expected = truth[offset : offset + 200_000]
                assert stream.read(offset, 200_000).result(CASE_SECONDS) == expected
        finally:
            host.close()


def test_what_is_read_on_demand_comes_from_libtorrent_and_no_more(
    folders: tuple[Path, Path],
) -> None:
    source, _ = folders
    film = write_file(source / "film.bin", 48 << 20, seed="film")
    truth, deadline = film.read_bytes(), Deadline(CASE_SECONDS)
    host = EngineHost(
        EngineConfig(trackers=(), listen_host="127.0.0.1", transports=frozenset({"tcp"}))
    )
    with LIBTORRENT.share(film, transport="tcp") as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        peers = [seed.expect("listening", deadline).fields["tcp"]]
        try:
            request = FetchRequest(link=magnet, folder="", peers=peers, on_demand=True)
            key = host.fetch(request).result(CASE_SECONDS).info_hash
            offsets = (40 << 20, 7_000_001, 47 << 20)
            for offset in offsets:
                got = host.read(key, film.name, offset, 200_000).result(CASE_SECONDS)
                assert got == truth[offset : offset + 200_000]
            transfer = host.details(key).result(CASE_SECONDS).transfer
            assert transfer.state is TransferState.ON_DEMAND
            assert 600_000 <= transfer.done <= transfer.downloaded < 3 << 20
            assert (
                Metainfo.from_bytes(host.metainfo(key).result(CASE_SECONDS)).info.name == film.name
            )
        finally:
            host.close()
