"""Tiers of trackers, from links and people."""

from __future__ import annotations

from pathlib import Path

from jupyter_webtorrent.engine.links import source_of
from jupyter_webtorrent.engine.tiers import merged, one_each
from jupyter_webtorrent.protocol.magnet import MAX_TRACKERS
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.storage.create import create_info
from tests.engine.classroom import write_random

ONE, TWO, THREE = (f"http://{name}.example/announce" for name in ("one", "two", "three"))


def test_named_trackers_are_a_tier_each() -> None:
    assert one_each([ONE, TWO, ONE]) == ((ONE,), (TWO,))


def test_a_tracker_stays_in_the_first_tier_that_has_it() -> None:
    assert merged(((ONE, TWO), (TWO,)), ((THREE, ONE),)) == ((ONE, TWO), (THREE,))


def test_a_torrent_files_tiers_stay_tiers_and_are_as_many_as_a_link_holds(tmp_path: Path) -> None:
    created = create_info([write_random(tmp_path / "data.csv", 100)])
    many = tuple((f"http://{number}.example/a", ONE) for number in range(30))
    source = source_of(Metainfo(created.info, trackers=((TWO, THREE), *many)))
    assert source.tiers[:3] == (
        (TWO, THREE),
        ("http://0.example/a", ONE),
        ("http://1.example/a",),
    )
    assert sum(map(len, source.tiers)) == len(source.link.trackers) == MAX_TRACKERS
