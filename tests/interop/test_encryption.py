"""Obfuscated connections to and from libtorrent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.programs import LIBTORRENT, OURS


@pytest.mark.parametrize("we_seed", [True, False], ids=["we seed", "we fetch"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("require", "rc4"),
        ("require", "both"),
        ("prefer", "rc4"),
        ("prefer", "plain"),
        ("prefer", "both"),
        ("prefer", "off"),
    ],
)
def test_libtorrent_meets_us(tmp_path: Path, ours: str, theirs: str, we_seed: bool) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    path = write_file(source / "data.bin", 3_000_001, seed=f"{ours} {theirs}")
    seeder, fetcher = (OURS, LIBTORRENT) if we_seed else (LIBTORRENT, OURS)
    options = {OURS: ["--encryption", ours], LIBTORRENT: ["--encryption", theirs]}
    deadline = Deadline(45)
    with seeder.share(path, transport="tcp", options=options[seeder]) as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        peers = [seed.expect("listening", deadline).fields["tcp"]]
        with fetcher.fetch(
            magnet, target, transport="tcp", peers=peers, options=options[fetcher]
        ) as fetch:
            fetch.expect("complete", deadline)
            assert fetch.wait(deadline) == 0
    assert digests(target) == digests(source)
