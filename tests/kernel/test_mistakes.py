"""What a person mistypes after `%wt` is told in one line, with the engine in the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from IPython.core.error import UsageError

from jupyter_webtorrent.kernel import sharing
from jupyter_webtorrent.kernel.commands import fetch, info, play
from jupyter_webtorrent.kernel.magic import WebTorrentMagics
from tests.kernel.alone import Person

NOBODY = f"magnet:?xt=urn:btih:{'cd' * 20}&dn=nobody.csv&x.pe=127.0.0.1:9"


@pytest.fixture
def magics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebTorrentMagics]:
    with Person(tmp_path / "me").access(monkeypatch) as access:
        for module in (sharing, fetch, info, play):
            monkeypatch.setattr(module, "connect", lambda: access)
        yield WebTorrentMagics()


def told(magics: WebTorrentMagics, line: str) -> str:
    with pytest.raises(UsageError) as raised:
        cast("Any", magics).wt(line)
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("command", ["info", "play", "fetch"])
@pytest.mark.parametrize("path", ["'~nosuch/x.torrent'", '"a\0b.torrent"'])
def test_a_torrent_file_that_cannot_be(magics: WebTorrentMagics, command: str, path: str) -> None:
    assert ".torrent" in told(magics, f"{command} {path}")


def test_a_url_that_cannot_be(magics: WebTorrentMagics) -> None:
    assert "not a URL to use" in told(magics, "fetch http://[::1/x.torrent")


def test_a_folder_that_cannot_be(magics: WebTorrentMagics) -> None:
    assert "There can be no folder" in told(magics, f"fetch -b {NOBODY} -d 'a\0b'")


@pytest.mark.parametrize("line", ["share x", f"fetch -b {NOBODY}", "fetch x.torrent"])
def test_a_folder_of_the_notebook_that_was_deleted(magics: WebTorrentMagics, line: str) -> None:
    Path.cwd().rmdir()
    assert told(magics, line).startswith("The folder in which this kernel runs was deleted: ")
