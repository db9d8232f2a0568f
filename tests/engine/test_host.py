"""The engine in its thread: calls from outside, events, errors and its end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.errors import EngineError, TransferNotFoundError
from jupyter_webtorrent.engine.host import EVENT_SECONDS, EngineHost
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    ShareRequest,
    TransferEvent,
    TransferState,
    TransferStatus,
)
from jupyter_webtorrent.storage.errors import StorageError
from tests.engine.classroom import digest, write_random

WAIT = 20.0
CONFIG = EngineConfig(trackers=(), listen_host="127.0.0.1", transports=frozenset({"tcp"}))


@pytest.fixture
def teacher() -> Iterator[EngineHost]:
    host = EngineHost(CONFIG)
    yield host
    host.close()


@pytest.fixture
def student() -> Iterator[EngineHost]:
    host = EngineHost(CONFIG)
    yield host
    host.close()


def wait_for(host: EngineHost, state: TransferState) -> TransferStatus:
    """The first transfer that reaches a state, from the events."""
    events: queue.Queue[TransferEvent] = queue.Queue()
    unsubscribe = host.subscribe(events.put)
    try:
        while True:
            for transfer in events.get(timeout=WAIT).transfers:
                if transfer.state is state:
                    return transfer
    finally:
        unsubscribe()


def test_a_share_in_one_host_is_fetched_by_another(
    teacher: EngineHost, student: EngineHost, tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", 5_000_000)
    (tmp_path / "here").mkdir()
    shared = teacher.share(ShareRequest(paths=[str(data)])).result(WAIT)
    assert shared.magnet.startswith(f"magnet:?xt=urn:btih:{shared.info_hash}&dn=data.csv&x.pe=")
    request = FetchRequest(link=shared.magnet, folder=str(tmp_path / "here"))
    begun = student.fetch(request).result(WAIT)
    assert begun.info_hash == shared.info_hash
    done = wait_for(student, TransferState.SEEDING)
    assert done.paths == [str(tmp_path / "here" / "data.csv")]
    assert done.by_transport == {"tcp": 5_000_000}
    assert digest(tmp_path / "here" / "data.csv") == digest(data)
    details = student.details(shared.info_hash).result(WAIT)
    assert [(file.path, file.done) for file in details.files] == [("data.csv", 5_000_000)]
    status = student.status().result(WAIT)
    assert status.transfers == 1
    assert status.listening is not None


def test_a_share_twice_is_one_transfer(teacher: EngineHost, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    first = teacher.share(ShareRequest(paths=[str(data)])).result(WAIT)
    second = teacher.share(ShareRequest(paths=[str(data)])).result(WAIT)
    assert first.info_hash == second.info_hash
    assert len(teacher.transfers().result(WAIT)) == 1


def test_a_removed_share_leaves_its_file_alone(teacher: EngineHost, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    shared = teacher.share(ShareRequest(paths=[str(data)])).result(WAIT)
    teacher.remove(shared.info_hash, delete_data=True).result(WAIT)
    assert teacher.transfers().result(WAIT) == []
    assert data.exists()


def test_events_tell_what_was_removed(teacher: EngineHost, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    shared = teacher.share(ShareRequest(paths=[str(data)])).result(WAIT)
    wait_for(teacher, TransferState.SEEDING)
    events: queue.Queue[TransferEvent] = queue.Queue()
    teacher.subscribe(events.put)
    assert [t.info_hash for t in events.get(timeout=WAIT).transfers] == [shared.info_hash]
    teacher.remove(shared.info_hash).result(WAIT)
    while not (event := events.get(timeout=WAIT)).removed:
        pass
    assert event.removed == [shared.info_hash]


def test_events_are_told_only_so_often(teacher: EngineHost, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    shared = teacher.share(ShareRequest(paths=[str(data)])).result(WAIT)
    events: queue.Queue[TransferEvent] = queue.Queue()
    teacher.subscribe(events.put)
    events.get(timeout=WAIT)
    began = time.monotonic()
    changes = 0
    while time.monotonic() - began < 4 * EVENT_SECONDS:
        teacher.pause(shared.info_hash).result(WAIT)
        teacher.resume(shared.info_hash).result(WAIT)
        changes += 2
    told = events.qsize()
    assert 1 <= told <= (time.monotonic() - began) / EVENT_SECONDS + 1
    assert changes > told


def test_what_a_person_can_mend_is_a_plain_error(teacher: EngineHost, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nothing\.csv"):
        teacher.share(ShareRequest(paths=[str(tmp_path / "nothing.csv")])).result(WAIT)
    with pytest.raises(EngineError, match="a link is a magnet link"):
        teacher.fetch(FetchRequest(link="no link", folder=str(tmp_path))).result(WAIT)
    magnet = f"magnet:?xt=urn:btih:{'ab' * 20}&x.pe=127.0.0.1:1"
    with pytest.raises(EngineError, match="there is no folder"):
        teacher.fetch(FetchRequest(link=magnet, folder=str(tmp_path / "no"))).result(WAIT)
    with pytest.raises(TransferNotFoundError):
        teacher.details("ab" * 20).result(WAIT)


def test_a_file_is_read_through_the_host_while_it_comes(
    teacher: EngineHost, student: EngineHost, tmp_path: Path
) -> None:
    data = write_random(tmp_path / "film.bin", 20_000_000)
    truth = data.read_bytes()
    (tmp_path / "here").mkdir()
    shared = teacher.share(ShareRequest(paths=[str(data)])).result(WAIT)
    link = FetchRequest(link=shared.magnet, folder=str(tmp_path / "here"))
    key = student.fetch(link).result(WAIT).info_hash
    stream = student.open_stream(key, "film.bin").result(WAIT)
    for offset in (15_000_000, 3_000_001, 19_999_000):
        expected = truth[offset : offset + 100_000]
        assert stream.read(offset, 100_000).result(WAIT) == expected
        assert student.read(key, 0, offset, 50).result(WAIT) == expected[:50]
    stream.seek(0).result(WAIT)
    assert stream.length().result(WAIT) == len(truth)
    stream.close().result(WAIT)
    with pytest.raises(EngineError, match="the reader is closed"):
        stream.read(0, 1).result(WAIT)
    details = student.set_priorities(key, {0: FilePriority.HIGH}).result(WAIT)
    assert [file.priority for file in details.files] == [FilePriority.HIGH]


def test_a_closed_host_refuses_and_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    host = EngineHost(CONFIG)
    assert threading.active_count() == before  # nothing runs before the first call
    host.share(ShareRequest(paths=[str(write_random(tmp_path / "x", 10))])).result(WAIT)
    host.close()
    host.close()
    assert threading.active_count() == before
    with pytest.raises(EngineError, match="stopped"):
        host.transfers().result(WAIT)
