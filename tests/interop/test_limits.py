"""Rate limits against a peer that knows nothing of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.programs import LIBTORRENT, OURS

LIMIT = 1_000_000


def measured_rate(tmp_path: Path, *, we_seed: bool, seconds: int) -> float:
    """Bytes a second that libtorrent gets from us, or we from it, at a limit that takes so many seconds."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    path = write_file(source / "data.bin", LIMIT * seconds, seed="limits")
    seeder, fetcher = (OURS, LIBTORRENT) if we_seed else (LIBTORRENT, OURS)
    deadline = Deadline(20 + 2 * seconds)
    up = ["--limit-lan", "--up-limit", "1M"] if we_seed else []
    down = [] if we_seed else ["--limit-lan", "--down-limit", "1000k"]
    with seeder.share(path, transport="tcp", options=up) as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        peers = [seed.expect("listening", deadline).fields["tcp"]]
        with fetcher.fetch(magnet, target, transport="tcp", peers=peers, options=down) as fetch:
            begun = fetch.expect("started" if we_seed else "listening", deadline).when
            complete = fetch.expect("complete", deadline).when
            assert fetch.wait(deadline) == 0
    assert digests(target) == digests(source)
    return LIMIT * seconds / (complete - begun)


@pytest.mark.parametrize("we_seed", [True, False], ids=["up", "down"])
def test_libtorrent_gets_and_gives_what_the_limit_allows(tmp_path: Path, we_seed: bool) -> None:
    rate = measured_rate(tmp_path, we_seed=we_seed, seconds=8)
    assert 0.75 * LIMIT < rate < 1.1 * LIMIT  # finding each other counts


@pytest.mark.prove
@pytest.mark.parametrize("we_seed", [True, False], ids=["up", "down"])
def test_a_limit_is_held_within_a_tenth(tmp_path: Path, we_seed: bool) -> None:
    # Long enough that finding each other and the file list, which count too, do not matter.
    rate = measured_rate(tmp_path, we_seed=we_seed, seconds=30)
    print(f"limit {LIMIT / 1e6:.2f} MB/s, measured {rate / 1e6:.3f} MB/s")
    assert 0.9 * LIMIT < rate < 1.1 * LIMIT
