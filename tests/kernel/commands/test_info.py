from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_webtorrent.kernel import arguments
from jupyter_webtorrent.kernel.commands import info as info_module
from jupyter_webtorrent.kernel.errors import TransferTimeoutError
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.metainfo import Info, Metainfo, TorrentFile
from jupyter_webtorrent.schema.failures import ConnectionFailure, FailureCode
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    TrackerStatus,
    TransferDetails,
    TransferState,
    WebSeedStatus,
)
from tests.kernel.lesson import LINK, LessonClient
from tests.kernel.scripted import HASH

AskInfo = Callable[[LessonClient, str], str]


@pytest.fixture
def ask_info(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> AskInfo:
    """What `%wt info …` prints, with that engine."""

    def ask(client: LessonClient, line: str) -> str:
        monkeypatch.setattr(info_module, "connect", lambda: client)
        capsys.readouterr()
        info_module.info(arguments.parse(f"info {line}"))
        return capsys.readouterr().out

    return ask


def test_all_about_a_transfer(ask_info: AskInfo) -> None:
    class Client(LessonClient):
        def details(self, info_hash: str) -> TransferDetails:
            failure = ConnectionFailure(
                "10.0.0.3:1", "tcp", FailureCode.REFUSED, "nobody listens there", 3.0, count=2
            )
            return replace(
                super().details(info_hash),
                trackers=[TrackerStatus("ws://t/announce", "working", "hello", 3, 2)],
                web_seeds=[WebSeedStatus("http://w/x", "failed", "404")],
                failures=[failure],
                private=True,
                down_limit=2_000_000,
            )

    shown = ask_info(Client(state=TransferState.DOWNLOADING, done=50), "week")
    assert shown.splitlines() == [
        "name        week",
        f"info hash   {HASH}",
        "size        1.15 kB",
        "state       0 B of 1 kB, 2.1 kB/s from 1 peer",
        "sent        0 B",
        "place       /home/me",
        "private     its peers are found by its trackers alone",
        "down limit  2 MB/s",
        f"link        magnet:?xt=urn:btih:{HASH}",
        "",
        "files",
        "  5%    1 kB   normal  week/lecture.mp4",
        "  50%   100 B  normal  week/intro.mp4",
        "  100%  50 B   normal  week/<b>notes.pdf",
        "",
        "peers",
        "  tcp  100%  ↓ 0 B/s  ↑ 0 B/s  10.0.0.1:1  x",
        "  tcp  100%  ↓ 0 B/s  ↑ 0 B/s  10.0.0.2:1  x",
        "",
        "trackers",
        "  working  ws://t/announce  3 seeders, 2 leechers  hello",
        "",
        "web seeds",
        "  failed  http://w/x  404",
        "",
        "could not be reached",
        "  tcp  10.0.0.3:1  nobody listens there (2 times)",
    ]


def test_what_a_link_stands_for_is_asked_and_let_go(ask_info: AskInfo) -> None:
    client = LessonClient()
    shown = ask_info(client, LINK)
    assert shown.splitlines() == [
        "name       week",
        f"info hash  {HASH}",
        "size       1.15 kB",
        "",
        "files",
        "  1 kB   week/lecture.mp4",
        "  100 B  week/intro.mp4",
        "  50 B   week/<b>notes.pdf",
    ]
    assert client.requests == [FetchRequest(link=LINK, folder="", on_demand=True)]
    assert client.removed == [True]


def test_a_link_that_nobody_answers_for_shows_what_it_says_itself(ask_info: AskInfo) -> None:
    client = LessonClient()
    client.state_of_fetches = TransferState.METADATA
    shown = ask_info(client, f"--timeout 0 {LINK}")
    assert shown.splitlines() == [
        "name       week",
        f"info hash  {HASH}",
        "",
        "trackers",
        "  ws://127.0.0.1:9/announce",
        "",
        "Its files are not known: nobody who has them was found in 0.0 s.",
    ]
    assert client.removed == [True]


def test_a_url_that_does_not_answer_in_time_says_so(ask_info: AskInfo) -> None:
    client = LessonClient()
    client.state_of_fetches = TransferState.METADATA
    with pytest.raises(TransferTimeoutError):
        ask_info(client, "--timeout 0 http://127.0.0.1/x.torrent")
    assert client.removed == [True]


def test_a_fetch_that_began_meanwhile_is_not_taken_away(ask_info: AskInfo) -> None:
    class Client(LessonClient):
        def details(self, info_hash: str) -> TransferDetails:
            found = super().details(info_hash)
            assert self.now is not None
            self.now = replace(self.now, state=TransferState.DOWNLOADING)
            return found

    client = Client()
    ask_info(client, LINK)
    assert client.removed == []


def test_a_torrent_file_is_read_and_nobody_is_asked(
    ask_info: AskInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "x\x1b[31m.csv"
    info = Info.build(name, 16384, b"h" * 20, [TorrentFile((name,), 5)], True, private=True)
    torrent = Metainfo(info, (("ws://t/announce",),), ("http://w/x",))
    (tmp_path / "x.torrent").write_bytes(torrent.to_bytes())
    monkeypatch.chdir(tmp_path)
    client = LessonClient()
    assert ask_info(client, "x.torrent").splitlines() == [
        "name       x�[31m.csv",
        f"info hash  {info.info_hash}",
        "size       5 B",
        "private    its peers are found by its trackers alone",
        "",
        "files",
        "  5 B  x�[31m.csv",
        "",
        "trackers",
        "  ws://t/announce",
        "",
        "web seeds",
        "  http://w/x",
    ]
    assert client.requests == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nothing.torrent", r"^nothing\.torrent cannot be read: No such file or directory\.$"),
        ("magnet:?xt=urn:btih:zz", "info hash"),
        ("nothing", r"^No transfer is called 'nothing'; %wt ls lists them\.$"),
    ],
)
def test_a_mistake_is_said_and_nobody_is_asked(ask_info: AskInfo, line: str, message: str) -> None:
    client = LessonClient()
    with pytest.raises(WebTorrentError, match=message):
        ask_info(client, line)
    assert client.requests == []
