from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel import arguments, progress, sharing
from jupyter_webtorrent.kernel.commands import fetch as fetch_module
from jupyter_webtorrent.kernel.errors import TransferCancelledError
from jupyter_webtorrent.kernel.progress import TextDisplay
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.lesson import LINK, LessonClient


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
