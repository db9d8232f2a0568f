from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_webtorrent.kernel import arguments, progress
from jupyter_webtorrent.kernel.commands import play as play_module
from jupyter_webtorrent.kernel.errors import TransferCancelledError
from jupyter_webtorrent.kernel.progress import TextDisplay
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import FetchRequest, FilePriority, TransferState
from tests.kernel.lesson import FILES, LINK, LessonClient
from tests.kernel.scripted import HASH, status

Play = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs `%wt play …` as in a notebook, with that engine; what it displayed."""

    def play(client: LessonClient, line: str, *, in_notebook: bool = True) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = []
        monkeypatch.setattr(play_module, "connect", lambda: client)
        monkeypatch.setattr(play_module, "in_notebook", lambda: in_notebook)
        monkeypatch.setattr(play_module, "display", lambda bundle, raw: shown.append(bundle))
        play_module.play(arguments.parse(f"play {line}"))
        return shown

    return play


def test_a_link_is_played_at_once_and_one_file_of_it_is_fetched_in_order(
    play: Play, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = LessonClient()
    (shown,) = play(client, LINK)
    assert f'src="/webtorrent/stream/{HASH}/week/lecture.mp4"' in shown["text/html"]
    assert client.requests == [
        FetchRequest(link=LINK, folder="", on_demand=True),
        FetchRequest(link=LINK, folder=str(tmp_path), files=[0], sequential=True),
    ]
    assert client.removed == []


@pytest.mark.parametrize("file", ["week/intro.mp4", "intro.mp4", "in*"])
def test_a_file_is_named_by_its_path_its_name_or_a_pattern(play: Play, file: str) -> None:
    (shown,) = play(LessonClient(), f"{LINK} {file}")
    assert "intro.mp4" in shown["text/html"]


@pytest.mark.parametrize(
    ("files", "line", "message"),
    [
        (
            FILES,
            "x.mp4",
            r"^There is no file 'x\.mp4' in it; it has 'week/lecture\.mp4', 'week/int",
        ),
        ((("a.mp4", 10), ("b.mp4", 9)), "", r"^Say which file to play: 'a\.mp4', 'b\.mp4'\.$"),
        (
            tuple((f"{n}.txt", 1) for n in range(9)),
            "",
            r"'0\.txt', .*'4\.txt' and 4 more\.$",
        ),
    ],
)
def test_what_is_unclear_is_asked_and_nothing_is_fetched(
    play: Play, files: tuple[tuple[str, int], ...], line: str, message: str
) -> None:
    client = LessonClient(files)
    with pytest.raises(WebTorrentError, match=message):
        play(client, f"{LINK} {line}")
    assert client.removed == [True]
    assert client.now is None


def test_a_transfer_that_is_there_is_played_and_its_file_is_preferred(play: Play) -> None:
    client = LessonClient(state=TransferState.PAUSED)
    (shown,) = play(client, "week")
    assert "lecture.mp4" in shown["text/html"]
    assert client.requests == []
    assert [change.priorities for change in client.changes] == [{0: FilePriority.HIGH}]
    assert client.resumed == 1


def test_a_magnet_that_is_paused_before_its_files_are_known_is_told_of(play: Play) -> None:
    with pytest.raises(WebTorrentError, match=r"^week is paused, and its files are not known yet"):
        play(LessonClient((), state=TransferState.PAUSED), "week")


def test_who_cancels_the_wait_for_a_share_does_not_end_it(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    def display(cancel: Callable[[], None]) -> TextDisplay:
        cancel()
        return TextDisplay()

    monkeypatch.setattr(progress, "_QUIET", 0.0)
    monkeypatch.setattr(progress, "_display", display)
    client = LessonClient(state=TransferState.CHECKING)
    with pytest.raises(TransferCancelledError, match="waited for no longer"):
        play(client, "week")
    assert client.removed == []


def test_what_is_here_or_read_on_demand_is_left_as_it_is(play: Play) -> None:
    here = LessonClient(state=TransferState.SEEDING, done=1000)
    on_demand = LessonClient(state=TransferState.ON_DEMAND)
    for client in (here, on_demand):
        assert len(play(client, HASH[:6])) == 1
        assert client.changes == []


def test_where_nothing_streams_a_small_file_is_put_into_the_output(play: Play) -> None:
    files = (("<b>$a$.png", 3),)
    client = LessonClient(files, state=TransferState.SEEDING, done=3, streams=False)
    (shown,) = play(client, "week")
    assert 'src="data:image/png;base64,eHh4"' in shown["text/html"]
    assert "<b>" not in shown["text/html"]
    assert shown["text/plain"] == "<b>$a$.png"


@pytest.mark.parametrize(
    ("name", "length", "in_notebook"),
    [("a.mp4", 30_000_000, True), ("a.csv", 10, True), ("a.mp4", 10, False)],
)
def test_else_it_says_where_the_file_is(
    play: Play, capsys: pytest.CaptureFixture[str], name: str, length: int, in_notebook: bool
) -> None:
    client = LessonClient(((name, length),), done=length, streams=False)
    client.now = status(TransferState.SEEDING, name="week", paths=[f"/home/me/{name}"])
    assert play(client, "week", in_notebook=in_notebook) == []
    assert capsys.readouterr().out == f"{name} is here: /home/me/{name}\n"
