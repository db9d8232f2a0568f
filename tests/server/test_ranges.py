from __future__ import annotations

import pytest

from jupyter_webtorrent.server.ranges import UnsatisfiableRangeError, requested_range


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=10-19", range(10, 20)),
        ("bytes=90-", range(90, 100)),
        ("bytes=90-1000", range(90, 100)),
        ("bytes=-1", range(99, 100)),
        ("bytes=-1000", range(100)),
        (" Bytes=0-9 ", range(10)),
        ("bytes=0-" + "9" * 180, range(100)),
        ("bytes=-" + "9" * 180, range(100)),
    ],
)
def test_one_range_is_read(header: str, asked: range) -> None:
    assert requested_range(header, 100) == asked


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=9-8",
        "bytes=a-b",
        "bytes=1 - 2",
        "bytes=0x1-2",
        "bytes=-5-9",
        "bytes=--5",
        "bytes=\N{ARABIC-INDIC DIGIT ZERO}-\N{ARABIC-INDIC DIGIT NINE}",
        "bytes=0-1,5-9",
        "pieces=0-1",
    ],
)
def test_what_is_not_one_range_means_the_whole_file(header: str | None) -> None:
    assert requested_range(header, 100) is None


@pytest.mark.parametrize(
    ("header", "length"),
    [
        ("bytes=100-", 100),
        ("bytes=100-200", 100),
        ("bytes=" + "9" * 100 + "-", 100),
        ("bytes=-0", 100),
        ("bytes=0-", 0),
        ("bytes=-5", 0),
        ("bytes=" + ",".join(f"{at}-{at}" for at in range(1000)), 100),
        ("bytes=" + "9" * 5000 + "-", 100),
    ],
)
def test_a_range_without_a_byte_and_a_long_list_are_refused(header: str, length: int) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        requested_range(header, length)
