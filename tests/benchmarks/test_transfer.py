"""The short form of `make bench`: our TCP pair keeps up with libtorrent's."""

from __future__ import annotations

import pytest

from tests.benchmarks.transfer import Pair, measure_rounds, random_file, ratio
from tests.interop.peers.programs import LIBTORRENT, OURS

LEAST = 0.5
TRIES = 2
"""A busy machine may spoil one try, not two in a row."""


@pytest.mark.alone
def test_our_tcp_pair_is_at_least_half_as_fast_as_that_of_libtorrent() -> None:
    contenders = [Pair(OURS, OURS, "tcp"), Pair(LIBTORRENT, LIBTORRENT, "tcp")]
    ratios: list[float] = []
    with random_file(64) as path:
        while len(ratios) < TRIES and max(ratios, default=0.0) < LEAST:
            ratios.append(ratio(measure_rounds(contenders, path, rounds=3), "tcp"))
    assert max(ratios) >= LEAST, f"ours / libtorrent: {ratios}"
