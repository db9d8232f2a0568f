from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel import sharing
from jupyter_webtorrent.kernel.sharing import fetch, share
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest, TransferStatus
from tests.kernel.scripted import ScriptedClient, status


class RecordingClient(ScriptedClient):
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        super().__init__([status()])
        self.requests: list[ShareRequest | FetchRequest] = []

    def share(self, request: ShareRequest) -> TransferStatus:
        self.requests.append(request)
        return status()

    def fetch(self, request: FetchRequest) -> TransferStatus:
        self.requests.append(request)
        return status()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordingClient:
    client = RecordingClient()
    monkeypatch.setattr(sharing, "connect", lambda: client)
    monkeypatch.chdir(tmp_path)
    return client


def test_paths_are_those_of_the_notebook(client: RecordingClient, tmp_path: Path) -> None:
    named: list[str | Path] = ["a.csv", Path("week1/b.csv"), "~/c.csv"]
    share(iter(named))
    home = os.path.expanduser("~")
    paths = [f"{tmp_path}/a.csv", f"{tmp_path}/week1/b.csv", f"{home}/c.csv"]
    assert client.requests == [ShareRequest(paths, copy_notebooks=True)]


@pytest.mark.parametrize("paths", ["", ["a.csv", ""]])
def test_an_empty_path_does_not_share_the_whole_folder(
    client: RecordingClient, paths: str | list[str]
) -> None:
    with pytest.raises(WebTorrentError, match=r"^An empty path would share the whole folder"):
        share(paths)
    assert client.requests == []


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("  MAGNET:?dn=x.torrent\n", "MAGNET:?dn=x.torrent"),
        ("HTTPS://example.org/a.torrent", "HTTPS://example.org/a.torrent"),
        ("a.torrent", "{folder}/a.torrent"),
        (Path("A.TORRENT"), "{folder}/A.TORRENT"),
        ("ab" * 20, "ab" * 20),
    ],
)
def test_only_a_torrent_file_is_looked_for_in_the_notebooks_folder(
    client: RecordingClient, tmp_path: Path, link: str | Path, sent: str
) -> None:
    fetch(link)
    assert client.requests == [FetchRequest(sent.format(folder=tmp_path), str(tmp_path))]
