from __future__ import annotations

import os

import pytest

from jupyter_webtorrent.kernel.arguments import (
    COMMANDS,
    ArgumentError,
    HelpRequested,
    options,
    parse,
    split,
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("share data.csv", ["share", "data.csv"]),
        ("share 'my data.csv' \"my other.csv\"", ["share", "my data.csv", "my other.csv"]),
        ('share "it\'s fine"', ["share", "it's fine"]),
        ("fetch magnet:?xt=a&tr=ws://h:1/#x", ["fetch", "magnet:?xt=a&tr=ws://h:1/#x"]),
    ],
)
def test_a_line_is_taken_apart_as_a_shell_would(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_elsewhere_than_on_windows_a_backslash_protects_a_space(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "name", "posix")
    assert split(r"share my\ data.csv") == ["share", "my data.csv"]


def test_on_windows_a_backslash_separates_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    words = split(r'share C:\Users\ada\x.csv "C:\my data\y.csv"')
    monkeypatch.undo()
    assert words == ["share", r"C:\Users\ada\x.csv", r"C:\my data\y.csv"]


def test_quotes_that_do_not_close_are_a_mistake() -> None:
    with pytest.raises(ArgumentError, match="check the quotes"):
        split("share 'data.csv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("shore x", "%wt has no command 'shore', did you mean %wt share? See %wt --help"),
        ("torrent x", "%wt has no command 'torrent'. See %wt --help"),
        ("--data ls", "unrecognized arguments: --data"),
        ("share", "the following arguments are required: PATH. See %wt share --help"),
        ("fetch", "the following arguments are required: LINK. See %wt fetch --help"),
        ("fetch x --dri y", "unrecognized arguments: --dri"),
        ("fetch x --timeout soon", "'soon' is not a number of 0 or more. See %wt fetch --help"),
        ("fetch x --timeout inf", "'inf' is not a number of 0 or more"),
        ("share x --seed-ratio -1", "'-1' is not a number of 0 or more"),
        ("remove", "required: TRANSFER"),
        ("ls x", "unrecognized arguments: x"),
    ],
)
def test_a_mistake_is_one_line_and_ends_nothing(line: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        parse(line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["--help", "-h", *(f"{command} --help" for command in COMMANDS)])
def test_help_is_asked_for_and_not_printed_here(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HelpRequested, match=r"usage: %wt"):
        parse(line)
    assert capsys.readouterr() == ("", "")


def test_the_help_names_every_command_and_option() -> None:
    with pytest.raises(HelpRequested) as caught:
        parse("--help")
    for command in COMMANDS:
        assert f"\n    {command} " in str(caught.value)
        with pytest.raises(HelpRequested) as of_command:
            parse(f"{command} --help")
        assert f"\nExample: %wt {command}" in str(of_command.value)
        for option in options(command):
            assert option in str(of_command.value)


def test_a_fetch_has_its_options() -> None:
    found = parse("fetch LINK -d 'my data' -b --select '*.csv' --select a/b --timeout 3")
    assert vars(found) == {
        "command": "fetch",
        "link": "LINK",
        "dir": "my data",
        "background": True,
        "select": ["*.csv", "a/b"],
        "sequential": False,
        "timeout": 3.0,
    }
