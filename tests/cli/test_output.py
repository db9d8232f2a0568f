"""What reaches a person's terminal, whatever strangers called their files."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_webtorrent.cli.output import JsonOutput, Output, TextOutput
from jupyter_webtorrent.schema.failures import ConnectionFailure, FailureCode
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe"
SHOWN = "�]0;owned��[2J�gnp.exe"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Puts it in the place of stderr, so that there is a progress bar."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def status(state: TransferState = TransferState.DOWNLOADING, *paths: str) -> TransferStatus:
    return TransferStatus(
        "ab" * 20, HOSTILE, state, "magnet:?", total=1000, done=10, paths=[*paths], notice=HOSTILE
    )


@pytest.mark.parametrize("state", [TransferState.DOWNLOADING, TransferState.SEEDING])
def test_a_bar_and_its_notice_obey_no_strangers_name(
    monkeypatch: pytest.MonkeyPatch, state: TransferState
) -> None:
    terminal = on_terminal(monkeypatch)
    output = TextOutput()
    for _ in range(3):
        output.progress(status(state))
    output.close()
    assert terminal.getvalue().count(SHOWN) >= 2
    assert not set("\x1b\x07\u202e") & set(terminal.getvalue())


def test_without_a_terminal_every_notice_is_still_told(capsys: pytest.CaptureFixture[str]) -> None:
    output = TextOutput()
    for notice in ("no peers yet", "no peers yet", "tracker refused"):
        output.progress(replace(status(), notice=notice))
    output.close()
    assert capsys.readouterr().err == "no peers yet\ntracker refused\n"


def test_an_error_is_one_line_that_obeys_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    TextOutput().error(f"cannot get it: 400,\n  message: {HOSTILE}")
    line = f"jupyter webtorrent: cannot get it: 400, message: {SHOWN}\n"
    assert capsys.readouterr().err == line


def test_a_fact_is_a_line_of_its_own_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    TextOutput().facts({"name": HOSTILE, "files": ["a  b.csv", "a\nprivate: False"]})
    out, _ = capsys.readouterr()
    assert out.splitlines() == [
        f"name: {SHOWN}",
        "files: a  b.csv",
        "files: a�private: False",
    ]


def test_the_path_of_what_came_is_exact_for_the_program_that_reads_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = str(Path("👩\u200d🔬", "a  b.csv"))
    TextOutput().complete(status(TransferState.SEEDING, path))
    out, err = capsys.readouterr()
    assert out == f"{path}\n"
    assert err == f"{SHOWN}\n"


@pytest.mark.parametrize("make", [TextOutput, JsonOutput])
def test_no_output_passes_an_escape_on(
    make: type[Output], capsys: pytest.CaptureFixture[str]
) -> None:
    output = make()
    output.progress(status())
    output.facts({"name": HOSTILE})
    output.error(HOSTILE)
    output.close()
    assert "\x1b" not in "".join(capsys.readouterr())


def test_json_holds_the_name_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    JsonOutput().facts({"name": HOSTILE})
    assert json.loads(capsys.readouterr().out)["name"] == HOSTILE


def test_the_likely_reasons_are_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    failures = [
        ConnectionFailure(
            f"192.0.2.{number}:1", "tcp", FailureCode.REFUSED, "no\x1b[m", 1.0, number
        )
        for number in range(1, 8)
    ]
    TextOutput().failures(failures)
    first, second, *_, last = capsys.readouterr().err.splitlines()
    assert first == "192.0.2.1:1 (tcp): no\N{REPLACEMENT CHARACTER}[m"
    assert second.startswith("192.0.2.2:1 (tcp, 2 times): ")
    assert last == "and 2 more like these"
