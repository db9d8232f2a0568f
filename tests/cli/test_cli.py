"""The command line as programs use it: real processes on the loopback, their lines and exit statuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_webtorrent.cli.main import build_parser
from jupyter_webtorrent.protocol.metainfo import Info, Metainfo, TorrentFile
from tests.engine.classroom import digest, write_random

COMMAND = [sys.executable, "-m", "jupyter_webtorrent.cli"]
SECONDS = 30


class Program:
    """A running command; its stdout a line at a time."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def event(self, name: str) -> dict[str, Any]:
        """The next event of that name."""
        while line := self.line():
            event: dict[str, Any] = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(f"no {name}: {self.process.communicate()}")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=SECONDS)
        return self.process.returncode


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()


@pytest.fixture
def start(programs: list[Program]) -> Any:
    def start(*arguments: str | Path) -> Program:
        programs.append(Program(*(str(argument) for argument in arguments)))
        return programs[-1]

    return start


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


ALONE = ("--no-tracker", "--no-lan", "--no-dht")
TCP = ("--transport", "tcp", "--listen", "127.0.0.1:0")


def test_share_prints_the_link_first_and_fetch_prints_the_path(start: Any, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1_000_003)
    (tmp_path / "here").mkdir()
    share = start("share", data, "--no-tracker", *TCP)
    link = share.line()
    assert link.startswith("magnet:?xt=urn:btih:")
    fetch = run("fetch", link, "-d", tmp_path / "here", *TCP)
    assert fetch.returncode == 0, fetch.stderr
    assert fetch.stdout == f"{tmp_path / 'here' / 'data.csv'}\n"
    assert digest(tmp_path / "here" / "data.csv") == digest(data)
    assert share.end(signal.SIGTERM) == 0


def test_with_json_every_line_is_an_event(start: Any, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1_000_003)
    (tmp_path / "here").mkdir()
    share = start("share", data, "--no-tracker", "--json", *TCP)
    listening = share.event("listening")["tcp"]
    magnet = share.event("magnet")["magnet"].partition("&x.pe")[0]
    fetch = run("fetch", magnet, "--peer", listening, "-d", tmp_path / "here", "--json", *TCP)
    events = [json.loads(line) for line in fetch.stdout.splitlines()]
    assert fetch.returncode == 0
    complete = events[-1]
    assert complete["event"] == "complete"
    assert complete["paths"] == [str(tmp_path / "here" / "data.csv")]
    assert complete["bytes"] == 1_000_003
    assert complete["by_transport"] == {"tcp": 1_000_003, "webrtc": 0, "webseed": 0}
    progress = share.event("progress")
    assert {"done", "total", "down_rate", "up_rate", "peers"} <= progress.keys()
    assert share.end() == 0


def test_a_fetch_that_seeds_ends_well_when_its_goal_is_reached(start: Any, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 100_000)
    (tmp_path / "here").mkdir()
    share = start("share", data, "--no-tracker", *TCP)
    goal = ("--seed", "--seed-ratio", "1.5", "--seed-time", "1")
    fetch = run("fetch", share.line(), "-d", tmp_path / "here", *goal, *TCP)
    assert fetch.returncode == 0, fetch.stderr
    assert fetch.stdout == f"{tmp_path / 'here' / 'data.csv'}\n"
    assert "seeded for 1 s" in fetch.stderr
    assert share.end() == 0


@pytest.mark.parametrize(
    ("text", "rate"), [("1", 1), ("500k", 500_000), ("2.5M", 2_500_000), ("1G", 10**9)]
)
def test_a_rate_is_in_bytes_a_second(text: str, rate: int) -> None:
    options = build_parser().parse_args(["share", "data.csv", "--up-limit", text])
    assert (options.up_limit, options.down_limit) == (rate, None)


@pytest.mark.parametrize("text", ["", "0", "k", "-1", "0.5", "nan", "infM", "1e400", "5 kB", "5K"])
def test_what_is_no_rate_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["share", "data.csv", f"--down-limit={text}"])
    assert "bytes a second, as 500k or 2.5M" in capsys.readouterr().err


def test_several_paths_become_one_folder(start: Any, tmp_path: Path) -> None:
    one, other = write_random(tmp_path / "a.csv", 1000), write_random(tmp_path / "b.csv", 2000, 2)
    (tmp_path / "here").mkdir()
    share = start("share", one, other, "--name", "both", "--no-tracker", *TCP)
    fetch = run("fetch", share.line(), "-d", tmp_path / "here", *TCP)
    assert fetch.stdout == f"{tmp_path / 'here' / 'both'}\n"
    assert digest(tmp_path / "here" / "both") == {
        "a.csv": digest(one)["."],
        "b.csv": digest(other)["."],
    }


def test_a_fetched_file_is_passed_on_with_seed(start: Any, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 500_000)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    share = start("share", data, "--no-tracker", *TCP)
    first = start("fetch", share.line(), "-d", tmp_path / "first", "--seed", "--json", *TCP)
    address = first.event("listening")["tcp"]
    info_hash = json.loads(run("info", "--json", _torrent(tmp_path, data)).stdout)["info hash"]
    first.event("complete")
    share.end()
    second = run("fetch", info_hash, "--peer", address, "-d", tmp_path / "second", *TCP)
    assert second.returncode == 0, second.stderr
    assert digest(tmp_path / "second" / "data.csv") == digest(data)
    assert first.end() == 0


def _torrent(folder: Path, data: Path) -> Path:
    created = run("create", data, "-o", folder / "data.torrent", "--tracker", "ws://127.0.0.1:1/a")
    assert created.returncode == 0, created.stderr
    return folder / "data.torrent"


def test_a_killed_fetch_goes_on_and_never_shows_half_a_file(start: Any, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 40_000_000)
    here = tmp_path / "here"
    here.mkdir()
    share = start("share", data, "--no-tracker", *TCP)
    link = share.line()
    fetch = start("fetch", link, "-d", here, *TCP)
    part = here / ".data.csv.wtpart"
    while not (part.exists() and part.stat().st_blocks * 512 > 4_000_000):
        assert fetch.process.poll() is None
    fetch.end(signal.SIGKILL)
    assert not (here / "data.csv").exists()
    kept = part.stat().st_blocks * 512
    again = run("fetch", link, "-d", here, "--json", *TCP)
    complete = json.loads(again.stdout.splitlines()[-1])
    assert complete["by_transport"]["tcp"] <= 40_000_000 - kept + 1_000_000
    assert digest(here / "data.csv") == digest(data)
    assert os.listdir(here) == ["data.csv"]


def test_a_torrent_file_leads_to_the_data_too(start: Any, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 100_000)
    (tmp_path / "here").mkdir()
    torrent = tmp_path / "x.torrent"
    share = start("share", data, "--no-tracker", "--torrent-file", torrent, "--json", *TCP)
    address = share.event("listening")["tcp"]
    fetch = run("fetch", torrent, "--peer", address, "-d", tmp_path / "here", *TCP)
    assert fetch.returncode == 0, fetch.stderr
    assert digest(tmp_path / "here" / "data.csv") == digest(data)


def test_create_and_info_tell_the_same_torrent(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 100_000)
    torrent = _torrent(tmp_path, data)
    facts = json.loads(run("info", torrent, "--json").stdout)
    assert facts["name"] == "data.csv"
    assert facts["bytes"] == 100_000
    assert facts["trackers"] == ["ws://127.0.0.1:1/a"]
    assert facts["files"] == ["data.csv (100,000 bytes)"]
    plain = run("info", facts["magnet"])
    assert f"info hash: {facts['info hash']}" in plain.stdout.splitlines()


def test_a_hostile_name_cannot_command_the_terminal(tmp_path: Path) -> None:
    torrent = tmp_path / "evil.torrent"
    name = "\x1b]0;owned\x07\x1b[2J"
    info = Info.build(name, 1 << 14, bytes(20), [TorrentFile((name,), 5)], single_file=True)
    torrent.write_bytes(Metainfo(info).to_bytes())
    shown = run("info", torrent)
    assert "name: �]0;owned��[2J\n" in shown.stdout
    assert not set("\x1b\x07") & set(shown.stdout)
    assert json.loads(run("info", torrent, "--json").stdout)["name"] == name


def test_the_tracker_prints_its_urls_and_ends_when_told(start: Any) -> None:
    tracker = start("tracker", "--listen", "127.0.0.1:0")
    websocket = tracker.line()
    assert websocket.startswith("ws://127.0.0.1:")
    assert tracker.line() == websocket.replace("ws://", "http://")
    assert tracker.end() == 0


def test_a_fetch_nobody_serves_gives_up_in_time_and_says_why(tmp_path: Path) -> None:
    link = f"magnet:?xt=urn:btih:{'ab' * 20}"
    fetch = run("fetch", link, "--peer", "127.0.0.1:1", "-d", tmp_path, "--timeout", "3", *TCP)
    assert fetch.returncode == 1
    assert fetch.stdout == ""
    (last,) = fetch.stderr.splitlines()[-1:]
    assert last == (
        "jupyter webtorrent: not complete after 3 s: no peers yet"
        " (cannot connect to 127.0.0.1:1: Connection refused - is the program that shares still running there?)"
    )


def test_a_program_hears_which_connections_failed_where(tmp_path: Path) -> None:
    link = f"magnet:?xt=urn:btih:{'ab' * 20}"
    peers = ("--peer", "127.0.0.1:1", "--peer", "nobody.invalid:1")
    fetch = run("fetch", link, *peers, "-d", tmp_path, "--timeout", "3", "--json", *TCP)
    *_, failures, error = (json.loads(line) for line in fetch.stdout.splitlines())
    assert (failures["event"], error["event"]) == ("failures", "error")
    codes = {each["address"]: each["code"] for each in failures["failures"]}
    assert codes == {"127.0.0.1:1": "refused", "nobody.invalid:1": "no_such_host"}
    for each in failures["failures"]:
        assert each["transport"] == "tcp"
        assert each["count"] >= 1
        assert each["seconds_ago"] <= 3


@pytest.mark.parametrize("option", ["--turn", "--stun"])
def test_a_server_that_cannot_be_read_is_refused_without_its_password(option: str) -> None:
    text = "turn:me:some-secret@host:port:too:many" if option == "--turn" else "stun:a:b:c"
    fetch = run("fetch", "ab" * 20, option, text)
    assert fetch.returncode == 2
    assert "should look like" in fetch.stderr
    assert "some-secret" not in fetch.stderr


def test_a_dead_tracker_is_named(tmp_path: Path) -> None:
    link = f"magnet:?xt=urn:btih:{'ab' * 20}&tr=ws%3A%2F%2F127.0.0.1%3A8099%2Fannounce"
    fetch = run("fetch", link, "-d", tmp_path, "--timeout", "3", "--json", *TCP)
    error = json.loads(fetch.stdout.splitlines()[-1])
    assert error["event"] == "error"
    assert "ws://127.0.0.1:8099/announce" in error["message"]
    assert "refused" in error["message"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["fetch", "magnet:?xt=urn:btih:zz"], 1, "info hash"),
        (
            ["fetch", "magnet:?xt=urn:btih:" + "ab" * 20, *ALONE],
            1,
            "nobody to fetch from",
        ),
        (["fetch", "nothing.torrent"], 1, "cannot read nothing.torrent"),
        (["fetch", "http://127.0.0.1:1/x.torrent"], 1, "cannot get http://127.0.0.1:1/x.torrent"),
        (["share", "nothing.csv", "--no-tracker"], 1, "nothing.csv"),
        (["share", ".", "--tracker", "file:///etc/passwd"], 1, "not a tracker's URL"),
        (["info", "magnet:?dn=x"], 1, "info hash"),
        (["fetch", "x", "--peer", "nonsense"], 2, "HOST:PORT"),
        (["fetch", "x", "--listen", "127.0.0.1:99999"], 2, "port"),
        (["fetch", "x", "--timeout", "-1"], 2, "seconds"),
        (["fetch", "x", "--transport", "pigeon"], 2, "pigeon"),
        ([], 2, "COMMAND"),
    ],
)
def test_a_mistake_is_one_plain_line(
    arguments: list[str], status: int, message: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert status == 2 or len(done.stderr.splitlines()) == 1
