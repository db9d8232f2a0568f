"""How long a crowd takes from one seed, over what a fluid would take; everybody ends, and nobody starves."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from jupyter_webtorrent.swarm import piece_download
from tests.simulation.crowd import HEADINGS, Crowd, Member, Outcome, equal_links, run

KIB = 1 << 10
MBIT = 1e6 / 8
LATEST = 20.0
"""Seconds after which nobody joins any more."""


@pytest.fixture(autouse=True)
def shared_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pieces on their way share their memory: their bytes mean nothing here, and there are thousands."""
    buffers: dict[int, bytearray] = {}

    def shared(size: int) -> bytearray:
        return buffers.setdefault(size, bytearray(size))

    monkeypatch.setattr(piece_download, "bytearray", shared, raising=False)


def mixed_links(peers: int, *, pieces: int, piece_length: int, seed: int = 1) -> Crowd:
    """Fast and slow, near and far; some come late, and a fifth leaves early."""
    random = Random(seed)
    members = [Member(20 * MBIT, 100 * MBIT)]
    for number in range(peers):
        up, down = random.choice([(1, 16), (5, 50), (10, 50), (20, 100)])
        joins = random.random() * (LATEST if number % 3 == 0 else 1)
        leaves = joins + 5 + random.random() * 20 if number % 5 == 4 else None
        members.append(
            Member(up * MBIT, down * MBIT, 0.002 + random.random() * 0.05, joins, leaves)
        )
    return Crowd(
        name=f"{peers} on mixed links, who come and go",
        members=members,
        pieces=pieces,
        piece_length=piece_length,
        seed=seed,
    )


def check(outcome: Outcome, *, ratio: float, wait: float, last_over_median: float = 1.25) -> None:
    print(f"{outcome}  {outcome.crowd.pieces} x {outcome.crowd.piece_length // KIB} KiB")
    assert outcome.unfinished == 0
    assert outcome.ratio <= ratio
    assert outcome.longest_wait <= wait
    assert outcome.last_over_median <= last_over_median


def check_unequal(outcome: Outcome) -> None:
    """The bound takes no account of who comes late, and that may be LATEST seconds."""
    ratio = 2.0 + LATEST / outcome.crowd.fluid_bound
    check(outcome, ratio=ratio, wait=20, last_over_median=4)


def test_a_class_of_8_ends_near_the_bound() -> None:
    print(f"\n{HEADINGS}")
    check(run(equal_links(8, pieces=512, piece_length=64 * KIB)), ratio=1.25, wait=2)


def test_a_class_of_30_ends_near_the_bound() -> None:
    print(f"\n{HEADINGS}")
    check(run(equal_links(30, pieces=256, piece_length=64 * KIB)), ratio=1.6, wait=3)


def test_nobody_starves_in_a_crowd_of_unequal_links() -> None:
    print(f"\n{HEADINGS}")
    check_unequal(run(mixed_links(30, pieces=128, piece_length=64 * KIB)))


def test_one_run_is_like_another() -> None:
    crowd = equal_links(5, pieces=64, piece_length=32 * KIB)
    first, again = run(crowd), run(crowd)
    assert first == again
    assert run(replace(crowd, seed=2)).times != first.times


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_crowds_of_all_sizes_end_near_the_bound() -> None:
    print(f"\n{HEADINGS}")
    for peers in (8, 16, 30):
        crowd = equal_links(peers, pieces=1024, piece_length=64 * KIB)
        check(run(crowd), ratio=1.25, wait=3)
    check(run(equal_links(300, pieces=128, piece_length=64 * KIB)), ratio=3, wait=10)
    check(run(equal_links(1000, pieces=64, piece_length=64 * KIB)), ratio=5, wait=20)
    for peers in (30, 300):
        check_unequal(run(mixed_links(peers, pieces=128, piece_length=64 * KIB)))
