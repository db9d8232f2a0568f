from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import jupyter_webtorrent
from jupyter_webtorrent.kernel import completion
from jupyter_webtorrent.kernel.arguments import COMMANDS
from jupyter_webtorrent.protocol.metainfo import Info, Metainfo, TorrentFile
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.lesson import LessonClient
from tests.kernel.scripted import HASH, ScriptedClient, status

Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """What a shell offers at the end of a line, in a folder with some files."""
    (tmp_path / "data.csv").touch()
    (tmp_path / "my data.csv").touch()
    (tmp_path / "lesson.torrent").touch()
    (tmp_path / "week1").mkdir()
    (tmp_path / "week1" / "a.ipynb").touch()
    (tmp_path / ".secret").touch()
    monkeypatch.chdir(tmp_path)

    def complete(line: str) -> list[str]:
        with provisionalcompleter():
            return [each.text for each in shell.Completer.completions(line, len(line))]

    return complete


@pytest.mark.parametrize("prefix", ["%wt", "wt"])
def test_commands_are_completed(complete: Complete, prefix: str) -> None:
    assert complete(f"{prefix} ") == list(COMMANDS)
    assert complete(f"{prefix} s") == ["share"]
    assert complete(f"{prefix} p") == ["pause", "play"]


def test_options_are_completed(complete: Complete) -> None:
    assert complete("%wt fetch LINK --s") == ["--select", "--sequential"]
    assert "--data" in complete("%wt remove --")


def test_a_share_completes_files_and_folders(complete: Complete) -> None:
    assert complete("%wt share d") == ["data.csv"]
    assert complete("%wt share w") == ["week1/"]
    assert complete("%wt share week1/") == ["week1/a.ipynb"]
    assert complete("%wt share m") == ["my\\ data.csv"]
    assert complete("%wt share my\\ d") == ["my\\ data.csv"]
    assert complete("%wt share 'my d") == ["'my data.csv"]
    assert ".secret" not in complete("%wt share ")
    assert complete("%wt share .s") == [".secret"]


def test_a_fetch_completes_torrent_files_and_target_folders(complete: Complete) -> None:
    assert complete("%wt fetch ") == ["lesson.torrent", "week1/"]
    assert complete("%wt fetch LINK -d w") == ["week1/"]


def test_a_removal_completes_what_there_is(
    complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "connect", lambda: ScriptedClient([status()]))
    assert complete("%wt remove p") == ["penguins.csv"]


@pytest.fixture
def lesson(monkeypatch: pytest.MonkeyPatch) -> LessonClient:
    """The one transfer there is."""
    client = LessonClient(state=TransferState.DOWNLOADING)
    monkeypatch.setattr(completion, "connect", lambda: client)
    return client


@pytest.mark.usefixtures("lesson")
@pytest.mark.parametrize("command", ["pause", "resume", "remove", "info", "play"])
def test_transfers_are_completed_by_name_hash_and_link(complete: Complete, command: str) -> None:
    assert "week" in complete(f"%wt {command} ")
    assert complete(f"%wt {command} wee")[0] == "week"
    assert complete(f"%wt {command} {HASH[:5]}") == [HASH]
    assert complete(f"%wt {command} magnet:") == [f"magnet:?xt=urn:btih:{HASH}"]


@pytest.mark.usefixtures("lesson")
def test_what_is_named_already_is_not_offered_again(complete: Complete) -> None:
    assert "week" not in complete("%wt pause week wee")
    assert complete("%wt fetch magnet:") == [f"magnet:?xt=urn:btih:{HASH}"]


@pytest.mark.usefixtures("lesson")
def test_files_of_a_transfer_are_completed(complete: Complete) -> None:
    assert complete("%wt play week week/l") == ["week/lecture.mp4"]
    assert complete(f"%wt fetch magnet:?xt=urn:btih:{HASH} --select week/i") == ["week/intro.mp4"]
    assert "week/lecture.mp4" not in complete("%wt play other week/")


def test_files_of_a_torrent_file_are_completed(complete: Complete, tmp_path: Path) -> None:
    info = Info.build("a b.csv", 16384, b"h" * 20, [TorrentFile(("a b.csv",), 5)], True)
    (tmp_path / "lesson.torrent").write_bytes(Metainfo(info).to_bytes())
    assert complete("%wt fetch lesson.torrent --select ") == ["a\\ b.csv"]
    assert complete("%wt fetch lesson.torrent --select 'a") == ["'a b.csv"]


def test_values_of_options_are_completed(complete: Complete) -> None:
    assert complete("%wt fetch LINK --dir ") == ["week1/"]
    assert complete("%wt share data.csv --torrent-file l") == ["lesson.torrent"]


def test_a_name_that_would_not_be_typed_is_offered_as_its_hash(
    complete: Complete, lesson: LessonClient
) -> None:
    lesson.now = status(name="evil\u202e.csv")
    assert complete("%wt remove ") == [HASH]


def test_completion_without_a_server_is_quiet(
    complete: Complete, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("JUPYTER_WEBTORRENT_URL", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    complete("%wt remove p")
    assert capsys.readouterr() == ("", "")


def test_the_package_offers_its_names_and_no_others() -> None:
    assert {"share", "fetch", "SharePanel", "FetchPanel", "Transfer"} <= set(
        dir(jupyter_webtorrent)
    )
    for name in jupyter_webtorrent.__all__:
        assert getattr(jupyter_webtorrent, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'shore'"):
        jupyter_webtorrent.shore  # noqa: B018
