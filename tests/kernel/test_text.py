from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.scripted import details, status


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (13_519, "13.5 kB"),
        (999_600, "1 MB"),
        (52_428_800, "52.4 MB"),
        (1.5e12, "1.5 TB"),
        (5e18, "5e+03 PB"),
    ],
)
def test_sizes_have_three_digits(count: float, words: str) -> None:
    assert text.size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_have_two_units(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


def test_a_label_has_nothing_that_would_be_set_as_mathematics() -> None:
    shown = text.label(r"$\href{javascript:alert(1)}{x}$ \(y\)")
    assert "$" not in shown
    assert "\\" not in shown
    assert text.label("5$ off") == "5$ off"


def test_a_very_long_name_keeps_its_two_ends() -> None:
    shown = text.short_name("a" * 300 + ".csv")
    assert shown == "a" * 40 + "…" + "a" * 36 + ".csv"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TransferState.METADATA, "looking for the files among 1 peer"),
        (TransferState.CHECKING, "checking what is on disk: 560 B of 1 kB"),
        (TransferState.DOWNLOADING, "560 B of 1 kB, 2.1 kB/s from 1 peer"),
        (TransferState.SEEDING, "sharing 1 kB: 0 B/s to 1 peer"),
        (TransferState.FAILED, "failed: disk full"),
    ],
)
def test_every_state_has_a_line(state: TransferState, words: str) -> None:
    assert text.progress_line(status(state, done=560, error="disk full")) == words


def test_a_share_tells_of_what_was_sent_and_of_who_is_there_if_there_is_any() -> None:
    alone = status(TransferState.SEEDING, peers=0)
    assert text.progress_line(alone) == "sharing 1 kB"
    left = replace(alone, uploaded=3000)
    assert text.progress_line(left) == "sharing 1 kB: 3 kB sent"
    busy = replace(left, peers=2, up_rate=500.0)
    assert text.progress_line(busy) == "sharing 1 kB: 3 kB sent, 500 B/s to 2 peers"


def test_a_path_below_the_notebooks_folder_is_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert text.place(str(tmp_path / "data" / "penguins.csv")) == str(Path("data", "penguins.csv"))
    assert text.place(str(tmp_path.parent / "other.csv")) == str(tmp_path.parent / "other.csv")


def test_a_path_is_whole_once_the_notebooks_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert text.place(str(gone / "penguins.csv")) == str(gone / "penguins.csv")


def test_a_notice_is_part_of_the_line() -> None:
    line = text.progress_line(status(notice="no peers\nfound yet", peers=0))
    assert line == "0 B of 1 kB, 2.1 kB/s from 0 peers; no peers found yet"


def test_the_last_line_of_a_fetch_says_what_came_from_whom_and_where_it_is() -> None:
    done = status(TransferState.SEEDING, paths=["/home/me/penguins.csv"])
    line = "penguins.csv: 1 kB, already here -> /home/me/penguins.csv"
    assert text.completion_line(details(done)) == line

    done = status(
        TransferState.SEEDING,
        paths=["/home/me/penguins.csv"],
        by_transport={"webrtc": 0, "tcp": 1000},
    )
    assert text.completion_line(details(done, [600, 0, 400])) == (
        "penguins.csv: 1 kB from 2 peers over tcp in 0.4 s -> /home/me/penguins.csv"
    )

    done = status(
        TransferState.SEEDING,
        by_transport={"tcp": 400, "webrtc": 600},
        notice="saved as penguins (1).csv",
    )
    assert text.completion_line(details(done, [1])) == (
        "penguins.csv: 1 kB from 1 peer over webrtc and tcp in 0.4 s -> /home/me "
        "(saved as penguins (1).csv)"
    )


def test_a_fraction_is_of_what_is_wanted() -> None:
    assert text.fraction(status(done=250)) == 0.25
    assert text.fraction(status(TransferState.METADATA, total=0)) == 0.0
    assert text.fraction(status(TransferState.SEEDING, total=0)) == 1.0


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.0, ""),
        (0.001, ""),
        (2000.0, ""),
        (500.0, ", 2 s left"),
        (10.0, ", 1 min 40 s left"),
    ],
)
def test_the_time_left_is_told_where_it_says_something(rate: float, words: str) -> None:
    line = text.progress_line(replace(status(), down_rate=rate))
    assert line.endswith(f"from 1 peer{words}")


def test_cells_of_a_column_begin_below_each_other() -> None:
    assert text.columns([("a", "bc", ""), ("def", "g", "h")]) == ["a    bc", "def  g   h"]
    assert text.columns([("a", "", "b"), ("c", "", "d")]) == ["a  b", "c  d"]
    assert text.columns([]) == []
