from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import pytest

from jupyter_webtorrent.kernel.errors import ServerUnavailableError
from jupyter_webtorrent.kernel.watch import DetailsViewer, Watch, watch_of
from jupyter_webtorrent.schema.transfers import TransferDetails, TransferState, TransferStatus
from tests.kernel.scripted import HASH, Answer, PanelServer, ScriptedClient, status

Seen = queue.Queue[tuple[TransferStatus | None, str]]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threads():
        thread.join(5)
        assert not thread.is_alive()


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "webtorrent-watch"]


def test_one_thread_serves_all_views_and_ends_with_the_last_one() -> None:
    client = ScriptedClient([status(done=1)], [status(done=2)])
    watch = Watch(client)
    first: Seen = queue.Queue()
    second: Seen = queue.Queue()

    def view(seen: Seen) -> object:
        return lambda now, problem: seen.put((now, problem))

    viewers = [lambda now, problem, seen=seen: seen.put((now, problem)) for seen in (first, second)]
    for viewer in viewers:
        watch.add(HASH, viewer)
    (thread,) = threads()
    while (shown := first.get(timeout=5))[0] != status(done=2):
        assert shown == (status(done=1), "")
    assert second.get(timeout=5)[0] is not None
    for viewer in viewers:
        watch.discard(viewer)
    thread.join(5)
    assert threads() == []


def test_a_view_added_later_starts_the_watch_again() -> None:
    watch = Watch(ScriptedClient([status(TransferState.SEEDING)]))
    for _ in range(2):
        seen: Seen = queue.Queue()

        def viewer(now: TransferStatus | None, problem: str, seen: Seen = seen) -> None:
            seen.put((now, problem))

        watch.add(HASH, viewer)
        assert seen.get(timeout=5) == (status(TransferState.SEEDING), "")
        watch.discard(viewer)


def test_a_transfer_that_is_gone_and_a_server_that_is_gone_are_told_apart() -> None:
    watch = Watch(ScriptedClient([], ServerUnavailableError("No Jupyter server answers.")))
    seen: Seen = queue.Queue()

    def viewer(now: TransferStatus | None, problem: str) -> None:
        seen.put((now, problem))

    watch.add(HASH, viewer)
    assert seen.get(timeout=5) == (None, "")
    watch.discard(viewer)
    watch.add(HASH, viewer)  # wakes it
    assert seen.get(timeout=5) == (None, "No Jupyter server answers.")
    watch.discard(viewer)


@pytest.mark.parametrize(
    "answer",
    [[status(TransferState.SEEDING)], ServerUnavailableError("No Jupyter server answers.")],
)
def test_a_view_that_breaks_is_dropped_and_the_others_go_on(answer: Answer) -> None:
    watch = Watch(ScriptedClient(answer))
    broken: Seen = queue.Queue()
    seen: Seen = queue.Queue()

    def breaks(now: TransferStatus | None, problem: str) -> None:
        broken.put((now, problem))
        raise RuntimeError("its comm is closed")

    def viewer(now: TransferStatus | None, problem: str) -> None:
        seen.put((now, problem))

    watch.add(HASH, breaks)
    watch.add(HASH, viewer)
    first = seen.get(timeout=5)
    watch.discard(viewer)
    watch.add(HASH, viewer)  # wakes it
    assert seen.get(timeout=5) == first
    watch.discard(viewer)
    assert broken.qsize() == 1


def test_details_are_one_request_however_many_want_them_and_none_for_what_is_gone() -> None:
    server = PanelServer(status())
    watch = Watch(server)
    first: queue.Queue[TransferDetails] = queue.Queue()
    second: queue.Queue[TransferDetails] = queue.Queue()
    listed: queue.Queue[tuple[list[TransferStatus], str]] = queue.Queue()
    viewers: list[DetailsViewer] = [first.put, second.put]

    def gone(details: TransferDetails) -> None:
        raise AssertionError("it is not there")

    def everything(transfers: list[TransferStatus], problem: str) -> None:
        listed.put((transfers, problem))

    with watch._lock:  # the first look sees all of them
        for viewer in viewers:
            watch.add_details(HASH, viewer)
        watch.add_details("00" * 20, gone)
        watch.add_list(everything)
    assert first.get(timeout=5) == second.get(timeout=5)
    assert listed.get(timeout=5) == ([status()], "")
    assert server.details_asked == 1
    for viewer in (*viewers, gone):
        watch.discard(viewer)
    watch.discard(everything)


def test_a_watch_looks_at_once_when_it_is_told_to() -> None:
    watch = Watch(ScriptedClient([status(TransferState.SEEDING)]))
    seen: Seen = queue.Queue()

    def viewer(now: TransferStatus | None, problem: str) -> None:
        seen.put((now, problem))

    begun = time.monotonic()
    watch.add(HASH, viewer)
    seen.get(timeout=5)
    watch.look()
    seen.get(timeout=5)
    assert time.monotonic() - begun < 1
    watch.discard(viewer)


def test_a_client_has_one_watch() -> None:
    client = ScriptedClient([])
    assert watch_of(client) is watch_of(client)
