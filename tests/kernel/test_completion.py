from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import jupyter_webtorrent
from jupyter_webtorrent.kernel import completion
from tests.kernel.scripted import ScriptedClient, status

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
    assert complete(f"{prefix} ") == ["fetch", "ls", "remove", "share"]
    assert complete(f"{prefix} s") == ["share"]


def test_options_are_completed(complete: Complete) -> None:
    assert complete("%wt fetch LINK --s") == ["--select"]
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
