from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel.errors import (
    NoAnswerError,
    ServerUnavailableError,
    TransferFailedError,
    TransferTimeoutError,
)
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import FilePriority, TransferState
from tests.kernel.lesson import FILES, LessonClient
from tests.kernel.scripted import HASH, ScriptedClient, status

FAILED = TransferState.FAILED
SEEDING = TransferState.SEEDING


def test_a_transfer_is_what_the_server_says_whenever_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    client = ScriptedClient([status(done=500)], [status(SEEDING, paths=["/home/me/penguins.csv"])])
    transfer = Transfer(client, status(TransferState.METADATA, name="", total=0))
    assert (transfer.name, transfer.progress, transfer.paths) == ("", 0.0, [])
    assert client.asked == 0
    now += 1
    assert (transfer.name, transfer.progress) == ("penguins.csv", 0.5)
    assert client.asked == 1
    now += 1
    assert transfer.paths == [Path("/home/me/penguins.csv")]
    assert (transfer.state, transfer.info_hash) == (SEEDING, HASH)
    assert transfer.magnet == f"magnet:?xt=urn:btih:{HASH}"


def test_waiting_returns_the_complete_transfer() -> None:
    client = ScriptedClient([status(done=1)], [status(done=999)], [status(SEEDING)])
    transfer = Transfer(client, status())
    assert transfer.wait() is transfer
    assert transfer.known.state is SEEDING


async def test_awaiting_does_the_same_and_leaves_the_loop_free() -> None:
    client = ScriptedClient([status(done=1)], [status(done=999)], [status(SEEDING)])
    transfer = Transfer(client, status())
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    assert await transfer is transfer
    counting.cancel()
    assert turns > 10


def test_waiting_for_what_cannot_be_had_says_why() -> None:
    client = ScriptedClient([status()], [status(FAILED, error="the disk is full")])
    with pytest.raises(TransferFailedError, match=r"^penguins\.csv: the disk is full$"):
        Transfer(client, status()).wait()


async def test_awaiting_what_cannot_be_had_says_why() -> None:
    client = ScriptedClient(TransferFailedError("The transfer is no longer there."))
    with pytest.raises(TransferFailedError, match="no longer there"):
        await Transfer(client, status())


def test_waiting_too_long_says_that_it_goes_on_and_how_far_it_is() -> None:
    client = ScriptedClient([status(done=560, notice="no peers found yet")])
    with pytest.raises(TransferTimeoutError, match="goes on in the background") as caught:
        Transfer(client, status()).wait(timeout=0.1)
    assert str(caught.value).endswith("560 B of 1 kB, 2.1 kB/s from 1 peer; no peers found yet")
    assert isinstance(caught.value, TimeoutError)


def test_in_text_a_transfer_shows_no_more_than_it_should() -> None:
    transfer = Transfer(ScriptedClient([]), status(name="\x1b]8;;http://x\x07evil", done=10))
    assert transfer._repr_mimebundle_() == {"text/plain": repr(transfer)}
    assert repr(transfer) == ("<Transfer �]8;;http://x�evil: 10 B of 1 kB, 2.1 kB/s from 1 peer>")


def test_a_server_that_went_away_and_came_back_ends_no_wait() -> None:
    gone = NoAnswerError("No server answers.")
    # One that has just started may not have its transfers yet.
    restoring = TransferFailedError("The transfer is no longer there.")
    client = ScriptedClient([status(done=1)], gone, gone, restoring, [status(SEEDING)])
    transfer = Transfer(client, status())
    troubles = [transfer.trouble for _ in transfer.pauses(None)]
    away = "this Jupyter server does not answer, trying again"
    assert troubles == ["", away, away, away]
    assert transfer.trouble == ""
    assert transfer.known.state is SEEDING


async def test_awaiting_outlasts_a_server_that_went_away_too() -> None:
    client = ScriptedClient(NoAnswerError("No server answers."), [status(SEEDING)])
    assert (await Transfer(client, status())).known.state is SEEDING


def test_a_server_that_stays_away_ends_a_wait_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pauses = Transfer(ScriptedClient(NoAnswerError("No server answers.")), status()).pauses(None)
    while now < 159.0:
        now += next(pauses)
    now += 1.0
    with pytest.raises(NoAnswerError, match=r"^No server answers\.$"):
        next(pauses)


def test_a_timeout_is_heeded_while_the_server_is_away() -> None:
    client = ScriptedClient(NoAnswerError("No server answers."))
    with pytest.raises(TransferTimeoutError, match=r"this Jupyter server does not answer, trying"):
        Transfer(client, status()).wait(timeout=0.1)


def test_a_server_that_refuses_ends_a_wait_at_once() -> None:
    client = ScriptedClient(ServerUnavailableError("The server refuses: Forbidden"))
    with pytest.raises(ServerUnavailableError, match="Forbidden"):
        Transfer(client, status()).wait()
    assert client.asked == 1


def test_a_transfer_has_its_files_and_who_is_connected() -> None:
    transfer = Transfer(LessonClient(state=TransferState.DOWNLOADING), status())
    assert [file.path for file in transfer.files] == [path for path, _ in FILES]
    assert [peer.address for peer in transfer.peers] == ["10.0.0.1:1", "10.0.0.2:1"]


def test_files_are_chosen_and_preferred_by_their_paths_or_names() -> None:
    client = LessonClient(state=TransferState.DOWNLOADING)
    transfer = Transfer(client, status())
    transfer.select("*.pdf")
    transfer.select(["lecture.mp4", "week/intro.mp4"])  # as it is
    transfer.prioritize("intro.mp4", "high")
    assert [change.priorities for change in client.changes] == [
        {0: FilePriority.SKIP, 1: FilePriority.SKIP, 2: FilePriority.NORMAL},
        {1: FilePriority.HIGH},
    ]
    with pytest.raises(WebTorrentError, match=r"^No file of penguins\.csv matches \*\.csv\.$"):
        transfer.select("*.csv")
    with pytest.raises(
        WebTorrentError, match=r"^A priority is one of skip, low, normal, high, not"
    ):
        transfer.prioritize("intro.mp4", "urgent")


def test_a_torrent_file_replaces_nothing_but_another_one(tmp_path: Path) -> None:
    transfer = Transfer(LessonClient(), status())
    (tmp_path / "x.torrent").write_text("old")
    assert transfer.save_torrent(tmp_path / "x.torrent") == tmp_path / "x.torrent"
    assert (tmp_path / "x.torrent").read_bytes() == b"d4:infode"
    (tmp_path / "data.csv").write_text("mine")
    with pytest.raises(WebTorrentError, match=r"ends in \.torrent, not"):
        transfer.save_torrent(tmp_path / "data.csv")
    assert (tmp_path / "data.csv").read_text() == "mine"
    with pytest.raises(WebTorrentError, match="cannot be written: No such file"):
        transfer.save_torrent(tmp_path / "nowhere" / "x.torrent")
