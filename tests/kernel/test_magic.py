from __future__ import annotations

import _thread
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_webtorrent.kernel.client import Client
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.servers import JupyterServer

CSV = "species,island,bill_length_mm\n" * 450
NOBODY = "magnet:?xt=urn:btih:" + "ab" * 20 + "&dn=nobody.csv&x.pe=127.0.0.1%3A9"
"""A link whose one peer is a port that nothing listens on."""

Run = Callable[[str], str]


@pytest.fixture
def teacher(servers: list[JupyterServer], monkeypatch: pytest.MonkeyPatch) -> Client:
    """This process as a kernel of the first server; no server has any transfers yet."""
    for server in reversed(servers):
        client = server.enter(monkeypatch)
        for status in client.transfers():
            client.remove(status.info_hash)
    return client


@pytest.fixture
def wt(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a `%wt` line as a cell and gives what it printed."""

    def wt(line: str) -> str:
        capsys.readouterr()
        shell.run_line_magic("wt", line)
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return wt


def with_address(magnet: str, client: Client) -> str:
    """A magnet link that leads to a server without any tracker."""
    listening = client.session().listening
    assert listening is not None
    return f"{magnet}&x.pe={listening}"


def assert_fails_in_one_line(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    """Run a `%wt` line in a cell that must fail, and leave one line that holds `message`."""
    capsys.readouterr()
    result = shell.run_cell(f"%wt {line}")  # type: ignore[no-untyped-call]
    out, err = capsys.readouterr()
    assert isinstance(result.error_in_exec, UsageError)
    assert "Traceback" not in out + err
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_share_prints_its_magnet_link_first(teacher: Client, wt: Run) -> None:
    Path("my data.csv").write_text(CSV)
    magnet, words = wt("share 'my data.csv'").splitlines()
    (status,) = teacher.transfers()
    assert magnet == status.magnet
    assert magnet.startswith(f"magnet:?xt=urn:btih:{status.info_hash}&dn=my%20data.csv")
    assert words == "Sharing my data.csv (13.5 kB) for as long as this Jupyter server runs."


def test_a_share_takes_patterns_and_a_name(teacher: Client, wt: Run) -> None:
    Path("week1").mkdir()
    for name in ("a.csv", "b.csv", "c.txt", "[x].md"):
        Path("week1", name).write_text(name)
    wt(
        "share week1/*.csv week1/[x].md --name 'week 1' --tracker ws://127.0.0.1:9/announce --private"
    )
    (status,) = teacher.transfers()
    files = teacher.details(status.info_hash).files
    assert status.name == "week 1"
    assert sorted(file.path for file in files) == ["[x].md", "a.csv", "b.csv"]
    assert "tr=ws%3A%2F%2F127.0.0.1%3A9%2Fannounce" in status.magnet


def test_a_file_whose_name_looks_like_a_pattern_stands_for_itself(teacher: Client, wt: Run) -> None:
    Path("grades[1].csv").write_text("mine")
    Path("grades1.csv").write_text("of others")
    Path("dangling[1]").symlink_to("nowhere")
    wt("share 'grades[1].csv'")
    assert [status.name for status in teacher.transfers()] == ["grades[1].csv"]
    Path("dangling1").write_text("of others")
    with pytest.raises(UsageError, match=r"cannot share .*dangling\[1\]: No such file"):
        wt("share 'dangling[1]'")


def test_a_pattern_is_meant_in_a_folder_whose_name_looks_like_one(
    teacher: Client, wt: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("[2024]").mkdir()
    monkeypatch.chdir("[2024]")
    Path("pattern.csv").write_text(CSV)
    wt("share pat*.csv")
    assert [status.name for status in teacher.transfers()] == ["pattern.csv"]


def test_a_file_that_a_pattern_finds_is_not_taken_for_a_home_folder(
    teacher: Client, wt: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private.key").write_text("k")
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("~").write_text(CSV)
    wt("share '[~]'")
    assert [status.name for status in teacher.transfers()] == ["~"]


def test_a_fetch_waits_until_the_file_is_there(
    teacher: Client, servers: list[JupyterServer], wt: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("penguins.csv").write_text(CSV)
    magnet = with_address(wt("share penguins.csv").splitlines()[0], teacher)
    student = servers[1].enter(monkeypatch)
    lines = wt(f"fetch '{magnet}'").splitlines()
    target = servers[1].root / "penguins.csv"
    assert target.read_text() == CSV
    words, place = lines[-1].split(" -> ")
    assert re.fullmatch(r"penguins\.csv: 13\.5 kB( from 1 peer)? over tcp in \d\.\d s", words)
    assert place == "penguins.csv"
    assert [status.state for status in student.transfers()] == [TransferState.SEEDING]


def test_a_fetch_takes_a_folder_and_a_selection(
    teacher: Client, servers: list[JupyterServer], wt: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("lesson").mkdir()
    Path("lesson", "a.csv").write_text(CSV)
    Path("lesson", "b.txt").write_text("b" * 40_000)
    magnet = with_address(wt("share lesson").splitlines()[0], teacher)
    servers[1].enter(monkeypatch)
    wt(f"fetch {magnet} -d new/downloads --select '*.csv'")
    arrived = servers[1].root / "new" / "downloads" / "lesson"
    assert (arrived / "a.csv").read_text() == CSV
    assert not (arrived / "b.txt").exists()


def test_a_fetch_in_the_background_returns_a_handle(
    teacher: Client,
    servers: list[JupyterServer],
    shell: InteractiveShell,
    wt: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("big.csv").write_text(CSV * 20)
    magnet = with_address(wt("share big.csv").splitlines()[0], teacher)
    servers[1].enter(monkeypatch)
    transfer = shell.run_line_magic("wt", f"fetch -b {magnet}")
    assert isinstance(transfer, Transfer)
    assert transfer.wait(timeout=30).paths == [servers[1].root / "big.csv"]


def test_an_interrupt_leaves_the_fetch_running_and_says_so(
    teacher: Client, shell: InteractiveShell
) -> None:
    def interrupt() -> None:
        while not teacher.transfers():
            pass
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(UsageError, match=r"^Interrupted: .* goes on in the background"):
        shell.run_line_magic("wt", f"fetch {NOBODY}")
    thread.join()
    (status,) = teacher.transfers()
    assert status.state is TransferState.METADATA


@pytest.mark.parametrize("line", ["share interrupted.csv", f"fetch {NOBODY}", "ls", "remove x"])
@pytest.mark.usefixtures("teacher")
def test_an_interrupt_of_a_request_is_one_line_and_no_traceback(
    shell: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    def interrupted(*args: object, **kwargs: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "_send", interrupted)
    assert_fails_in_one_line(shell, capsys, line, "Interrupted")


def test_an_interrupt_before_the_last_line_is_one_line_too(
    teacher: Client,
    shell: InteractiveShell,
    wt: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*args: object) -> str:
        raise KeyboardInterrupt

    Path("late.csv").write_text(CSV)
    magnet = with_address(wt("share late.csv").splitlines()[0], teacher)
    monkeypatch.setattr(Transfer, "completion", interrupted)
    assert_fails_in_one_line(shell, capsys, f"fetch {magnet}", "Interrupted")


def test_a_fetch_that_takes_too_long_is_told_in_one_line(
    teacher: Client, shell: InteractiveShell
) -> None:
    with pytest.raises(UsageError, match=r"nobody\.csv is not complete after 0\.2 s; it goes on"):
        shell.run_line_magic("wt", f"fetch --timeout 0.2 {NOBODY}")


def test_ls_shows_what_there_is_and_remove_ends_it(teacher: Client, wt: Run) -> None:
    assert wt("ls") == "Nothing is shared or fetched. See %wt --help\n"
    Path("listed.csv").write_text(CSV)
    wt("share listed.csv")
    wt(f"fetch -b {NOBODY}")
    header, first, second, *_ = wt("ls").splitlines()
    assert header.split() == [
        "NAME",
        "SIZE",
        "DONE",
        "STATE",
        "DOWN",
        "UP",
        "PEERS",
        "INFO",
        "HASH",
    ]
    assert first.split()[:5] == ["listed.csv", "13.5", "kB", "100%", "seeding"]
    assert second.split()[:4] == ["nobody.csv", "?", "0%", "metadata"]

    assert wt("remove listed.csv") == "Removed listed.csv.\n"
    assert Path("listed.csv").exists()
    assert wt("remove --data ababab") == "Removed nobody.csv and what was fetched.\n"
    assert teacher.transfers() == []


def test_a_removal_needs_one_meaning(teacher: Client, wt: Run, shell: InteractiveShell) -> None:
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "same.csv").write_text(folder)
        wt(f"share {folder}/same.csv")
    with pytest.raises(UsageError, match=r"2 transfers are meant by 'same\.csv'"):
        shell.run_line_magic("wt", "remove same.csv")
    with pytest.raises(UsageError, match=r"No transfer is called 'other\.csv'"):
        shell.run_line_magic("wt", "remove other.csv")
    for status in teacher.transfers():
        wt(f"remove '{status.magnet}'")
    assert teacher.transfers() == []


def test_transfers_are_paused_and_resumed_by_name_or_all(
    teacher: Client, wt: Run, shell: InteractiveShell
) -> None:
    assert wt("pause --all") == "There is nothing to pause.\n"
    for name in ("one.csv", "two.csv"):
        Path(name).write_text(CSV + name)
        wt(f"share {name}")
    assert wt("pause one.csv one.csv") == "Paused one.csv.\n"
    assert wt("pause --all") == "Paused two.csv.\n"
    assert {status.state for status in teacher.transfers()} == {TransferState.PAUSED}
    assert "paused" in wt("ls")
    assert wt("resume two.csv") == "Resumed two.csv.\n"
    assert wt("resume --all") == "Resumed one.csv.\n"
    assert {status.state for status in teacher.transfers()} == {TransferState.SEEDING}
    for line in ("pause", "resume --all one.csv"):
        with pytest.raises(UsageError, match=r"^Name the transfers to .*, or say --all\. See %wt"):
            shell.run_line_magic("wt", line)


def test_of_several_to_remove_none_goes_if_one_is_not_there(
    teacher: Client, wt: Run, shell: InteractiveShell
) -> None:
    for name in ("one.csv", "two.csv"):
        Path(name).write_text(CSV + name)
        wt(f"share {name}")
    with pytest.raises(UsageError, match=r"^No transfer is called 'tow\.csv'"):
        shell.run_line_magic("wt", "remove one.csv tow.csv")
    assert len(teacher.transfers()) == 2
    assert wt("remove --data one.csv two.csv") == "Removed one.csv.\nRemoved two.csv.\n"
    assert Path("one.csv").exists()


def test_a_share_has_goals_web_seeds_and_a_torrent_file(
    teacher: Client, wt: Run, shell: InteractiveShell
) -> None:
    Path("goals.csv").write_text(CSV)
    lines = wt(
        "share goals.csv --seed-ratio 2 --seed-time 60 --web-seed http://127.0.0.1:9/goals.csv "
        "--torrent-file goals.torrent"
    ).splitlines()
    assert "ws=http%3A%2F%2F127.0.0.1%3A9%2Fgoals.csv" in lines[0]
    assert lines[2] == "Wrote goals.torrent."
    shown = wt("info goals.torrent")
    (status,) = teacher.transfers()
    assert f"info hash  {status.info_hash}" in shown
    assert "100%  13.5 kB  normal  goals.csv" in shown
    with pytest.raises(UsageError, match=r"^The name of a \.torrent file ends in \.torrent, not"):
        shell.run_line_magic("wt", "share goals.csv --torrent-file goals.csv")
    assert Path("goals.csv").read_text() == CSV


def test_a_notebook_is_shared_as_a_copy_and_says_so(teacher: Client, wt: Run) -> None:
    Path("lesson.ipynb").write_text("{}")
    _, words = wt("share lesson.ipynb").splitlines()
    assert words == (
        "Sharing lesson.ipynb (2 B) for as long as this Jupyter server runs (lesson.ipynb is shared as it is now; "
        "share it again after you change it)."
    )


def test_the_files_of_a_link_are_shown_and_nothing_is_fetched(
    teacher: Client, servers: list[JupyterServer], wt: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("peeked").mkdir()
    Path("peeked", "a.csv").write_text(CSV)
    Path("peeked", "b.txt").write_text("b" * 40_000)
    magnet = with_address(wt("share peeked").splitlines()[0], teacher)
    student = servers[1].enter(monkeypatch)
    shown = wt(f"info {magnet}")
    assert "size       53.5 kB" in shown
    assert re.search(r"files\n  13\.5 kB  .*a\.csv\n  40 kB    .*b\.txt\n$", shown)
    assert student.transfers() == []
    assert not list(servers[1].root.glob("*peeked*"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("shore x", "did you mean %wt share?"),
        ("fetch", "required: LINK"),
        ("share 'x", "check the quotes"),
        ("share nothing.csv", "nothing.csv"),
        ('share ""', "An empty path would share the whole folder"),
        ("fetch hello", "A link is a magnet link"),
        ("fetch magnet:?xt=urn:btih:zz", "info hash"),
        ("fetch nothing.torrent", "nothing.torrent"),
        (f"fetch {NOBODY} -d penguins.csv/x", "penguins.csv/x' cannot be used: Not a directory"),
        ("share data.csv --torrent-file", "expected one argument"),
        ("info '<b>\\x1b[31m\\u202e'", "No transfer is called"),
        ("play nothing", "No transfer is called 'nothing'"),
    ],
)
@pytest.mark.usefixtures("teacher")
def test_a_mistake_is_one_line_and_no_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    assert_fails_in_one_line(shell, capsys, line, message)


def test_without_an_answer_of_the_server_a_line_says_so(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_WEBTORRENT_URL", "http://127.0.0.1:9/webtorrent/api/")
    for line in ("ls", "share x", f"fetch {NOBODY}", "remove x", "info x", "play x", "pause --all"):
        with pytest.raises(UsageError, match=r"^No Jupyter server with jupyter_webtorrent"):
            shell.run_line_magic("wt", line)


def test_a_token_that_expired_is_said_and_not_waited_for(
    teacher: Client,
    shell: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shell.run_line_magic("wt", f"fetch -b {NOBODY}")
    send = Client._send

    def send_with_old_token(client: Client, *arguments: Any, **options: Any) -> bytes:
        return send(Client(replace(client.address, token="0ld")), *arguments, **options)

    monkeypatch.setattr(Client, "_send", send_with_old_token)
    for line in ("ls", f"fetch {NOBODY}", "pause nobody.csv"):
        assert_fails_in_one_line(shell, capsys, line, "it does not know this kernel's token")
    monkeypatch.undo()


def test_a_link_needs_no_quotes(teacher: Client, wt: Run, shell: InteractiveShell) -> None:
    link = f"{NOBODY}&tr=ws%3A%2F%2F127.0.0.1%3A9%2Fannounce"
    result = shell.run_cell(f"%wt fetch -b {link}")  # type: ignore[no-untyped-call]
    assert result.success
    (status,) = teacher.transfers()
    assert (status.name, "tr=ws" in status.magnet) == ("nobody.csv", True)


@pytest.mark.parametrize("line", ["", "--help", "fetch --help"])
def test_help_is_printed(wt: Run, line: str) -> None:
    assert wt(line).startswith("usage: %wt")


def test_variables_of_the_notebook_can_stand_in_a_line(
    teacher: Client, wt: Run, shell: InteractiveShell
) -> None:
    Path("from variable.csv").write_text(CSV)
    shell.user_ns["path"] = "from variable.csv"
    shell.run_cell("%wt share '{path}'")  # type: ignore[no-untyped-call]
    assert [status.name for status in teacher.transfers()] == ["from variable.csv"]
