from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel import arguments, progress, sharing
from jupyter_webtorrent.kernel.commands import fetch as fetch_module
from jupyter_webtorrent.kernel.errors import TransferCancelledError
from jupyter_webtorrent.kernel.progress import TextDisplay
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    TransferDetails,
    TransferState,
    TransferStatus,
)
from tests.kernel.lesson import LINK, LessonClient
from tests.kernel.scripted import HASH, ScriptedClient, details, status


@pytest.mark.parametrize(
    ("before", "removed", "message"),
    [
        (None, [False], r"^week is cancelled\."),
        (TransferState.DOWNLOADING, [], r"^week is waited for no longer\.$"),
    ],
)
def test_cancel_removes_a_fetch_that_this_line_began_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    before: TransferState | None,
    removed: list[bool],
    message: str,
) -> None:
    def display(cancel: Callable[[], None]) -> TextDisplay:
        cancel()
        return TextDisplay()

    client = LessonClient(state=before)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "_QUIET", 0.0)
    monkeypatch.setattr(progress, "_display", display)
    for module in (sharing, fetch_module):
        monkeypatch.setattr(module, "connect", lambda: client)
    with pytest.raises(TransferCancelledError, match=message):
        fetch_module.fetch(arguments.parse(f"fetch {LINK}"))
    assert client.removed == removed


DEAD = "no peers yet (ws://127.0.0.1:9/announce: cannot connect: \x1b[31mrefused\n)"


class Client(ScriptedClient):
    def fetch(self, request: FetchRequest) -> TransferStatus:
        return status(TransferState.METADATA, name="", total=0)

    def details(self, info_hash: str) -> TransferDetails:
        return details(self.transfer(info_hash), [1000])


def test_a_dead_tracker_is_in_the_line_of_a_fetch_that_waits_and_gone_once_it_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(
        [],  # what was there before
        [status(TransferState.METADATA, name="", total=0, peers=0, notice=DEAD)],
        [status(done=500)],
        [status(TransferState.SEEDING, paths=["/home/me/penguins.csv"])],
    )
    for module in (sharing, fetch_module):
        monkeypatch.setattr(module, "connect", lambda: client)
    monkeypatch.setattr(progress, "_QUIET", 0.0)
    fetch_module.fetch(arguments.parse(f"fetch {HASH}"))
    waiting, coming, done = capsys.readouterr().out.splitlines()
    assert waiting == (
        f"{HASH}: looking for the files; "
        "no peers yet (ws://127.0.0.1:9/announce: cannot connect: \N{REPLACEMENT CHARACTER}[31mrefused )"
    )
    assert coming == "penguins.csv: 500 B of 1 kB, 2.1 kB/s from 1 peer"
    assert done == "penguins.csv: 1 kB, already here -> /home/me/penguins.csv"
