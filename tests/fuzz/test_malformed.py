"""Whatever somebody made up: refused with a typed error, or safe on disk; never slow, never large."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_webtorrent.engine import links
from jupyter_webtorrent.engine.offload import InlineOffload
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.magnet import MagnetLink
from jupyter_webtorrent.protocol.metainfo import Info, Metainfo
from jupyter_webtorrent.protocol.urls import TRACKER_SCHEMES
from jupyter_webtorrent.storage.store import PieceStore
from tests.fuzz import malformed

MAX_SECONDS = 1.0
MAX_BYTES = 64 << 20

TORRENTS = dict(malformed.torrents())
MAGNETS = dict(malformed.magnets())
NAMES = dict(malformed.names())

TRACKERS = tuple(f"{scheme}://" for scheme in TRACKER_SCHEMES)


@pytest.fixture(autouse=True)
def other_tests_cost_nothing() -> Iterator[None]:
    """What the tests before left in memory is not looked through again while a parser is timed."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def refusal(action: Callable[[], object]) -> WebTorrentError | None:
    """The typed error, one plain line; None if it was taken. Done twice: for its time, and for its memory."""
    began = time.process_time()
    error = _attempt(action)
    assert time.process_time() - began < MAX_SECONDS
    tracemalloc.start()
    try:
        _attempt(action)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MAX_BYTES
    if error is not None:
        text = str(error)
        assert text
        assert "\n" not in text
        assert len(text) < 400
    return error


def _attempt(action: Callable[[], object]) -> WebTorrentError | None:
    try:
        action()
    except WebTorrentError as error:
        return error
    return None


def test_there_are_more_than_150_of_them() -> None:
    assert len(TORRENTS) + len(MAGNETS) + len(NAMES) >= 150


@pytest.mark.parametrize("what", TORRENTS)
def test_a_made_up_torrent_is_refused_or_safe(what: str, tmp_path: Path) -> None:
    file = tmp_path / "made up.torrent"
    file.write_bytes(TORRENTS[what])
    folder = tmp_path / "downloads"
    folder.mkdir()

    def add() -> None:
        source = asyncio.run(links.resolve(str(file), InlineOffload(), GuardedClient()))
        assert source.info is not None
        PieceStore.open_download(source.info, folder).close()

    refusal(add)
    assert_nothing_outside(tmp_path, {"made up.torrent", "downloads"})


@pytest.mark.parametrize("what", MAGNETS)
def test_a_made_up_link_is_refused_or_harmless(what: str) -> None:
    if refusal(lambda: MagnetLink.from_text(MAGNETS[what])) is None:
        link = MagnetLink.from_text(MAGNETS[what]).shortened()
        assert MagnetLink.from_text(str(link)) == link
        assert all(url.startswith(TRACKERS) for url in link.trackers)
        assert all(url.startswith(("http://", "https://")) for url in link.web_seeds)


@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("whole_name", [False, True], ids=["a file", "the torrent"])
def test_a_made_up_name_stays_inside_the_folder(
    what: str, whole_name: bool, tmp_path: Path
) -> None:
    """Its files arrive, every byte of them, below the folder and under names that any system takes."""
    paths = NAMES[what]
    if whole_name and len(paths) == 1 and len(paths[0]) == 1:
        torrent = malformed.torrent_with([(b"data.csv",)], name=paths[0][0])
    else:
        torrent = malformed.torrent_with(paths)
    folder = tmp_path / "school" / "downloads"
    folder.mkdir(parents=True)

    def fetch() -> None:
        deliver(Metainfo.from_bytes(torrent).info, folder)

    error = refusal(fetch)
    assert_nothing_outside(tmp_path, {"school"})
    assert_nothing_outside(folder.parent, {"downloads"})
    if error is None:
        arrived = [path for path in folder.rglob("*") if path.is_file()]
        assert len(arrived) == len(paths)
        assert all(path.resolve().is_relative_to(folder.resolve()) for path in arrived)
        assert all(path.read_bytes() == b"\0" for path in arrived)


def deliver(info: Info, folder: Path) -> None:
    store = PieceStore.open_download(info, folder)
    try:
        for index in range(info.piece_count):
            assert store.write_piece(index, bytes(info.layout.piece_size(index)))
        store.finish()
    finally:
        store.close()


def assert_nothing_outside(folder: Path, expected: set[str]) -> None:
    assert {path.name for path in folder.iterdir()} == expected
