"""The arithmetic of limits: buckets, and turns that are fair."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.engine.limits import BURST_SECONDS, ByteBucket, Flow, Limiter, Share
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE


class Crowd:
    """Peers that always have a block more to send, and what each got to send."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.sent: Counter[str] = Counter()

    def join(self, name: str, share: Share, block: int = BLOCK_SIZE) -> None:
        def take_turn() -> int:
            self.sent[name] += block
            self.limiter.wait(flow)
            return block

        flow = Flow(share, take_turn)
        self.limiter.wait(flow)

    def run(self, start: float, seconds: float) -> None:
        now = start
        while now < start + seconds:
            delay = self.limiter.serve(now)
            assert delay is not None
            now += max(delay, 0.005)


@given(
    rate=st.integers(1, 1 << 30),
    spendings=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 1 << 18)), max_size=50),
)
def test_a_bucket_never_gives_more_than_its_rate_a_burst_and_one_spending(
    rate: int, spendings: list[tuple[float, int]]
) -> None:
    bucket = ByteBucket(rate)
    now, spent = 100.0, 0
    bucket.opens_in(now)
    largest = 0
    for pause, count in spendings:
        now += pause
        if not bucket.opens_in(now):
            bucket.spend(count)
            spent += count
            largest = max(largest, count)
    assert spent <= rate * (now - 100.0 + BURST_SECONDS) + largest + 1


def test_a_bucket_opens_when_it_said_it_would() -> None:
    bucket = ByteBucket(1000)
    bucket.opens_in(0.0)
    bucket.spend(16_000)
    delay = bucket.opens_in(0.0)
    assert delay == pytest.approx(16.0)
    assert bucket.opens_in(delay - 0.1) > 0
    assert bucket.opens_in(delay) == 0


def test_a_new_rate_does_not_wait_for_debts_of_the_old() -> None:
    bucket = ByteBucket(50_000_000)
    bucket.opens_in(0.0)
    bucket.spend(20_000_000)
    bucket.set_rate(100_000, 0.0)
    assert bucket.opens_in(0.0) <= BLOCK_SIZE / 100_000
    bucket.set_rate(None, 0.0)
    assert bucket.opens_in(0.0) == 0


@pytest.mark.parametrize("rate", [20_000, 500_000, 50_000_000])
def test_a_limit_is_held(rate: int) -> None:
    crowd = Crowd(Limiter(rate))
    share = Share()
    for number in range(7):
        crowd.join(f"peer {number}", share)
    crowd.run(1000.0, 60.0)
    assert sum(crowd.sent.values()) == pytest.approx(rate * 60, rel=0.02)


def test_torrents_share_alike_whatever_their_number_of_peers() -> None:
    crowd = Crowd(Limiter(500_000))
    small, large = Share(), Share()
    crowd.join("small", small)
    for number in range(20):
        crowd.join(f"large {number}", large)
    crowd.run(0.0, 60.0)
    total = sum(crowd.sent.values())
    assert crowd.sent["small"] == pytest.approx(total / 2, rel=0.02)
    assert min(crowd.sent.values()) > 0.9 * total / 40


def test_who_comes_late_owes_nobody_the_past() -> None:
    crowd = Crowd(Limiter(500_000))
    crowd.join("early", Share())
    crowd.run(0.0, 60.0)
    before = crowd.sent["early"]
    crowd.join("late", Share())
    crowd.run(60.0, 10.0)
    assert crowd.sent["early"] - before == pytest.approx(crowd.sent["late"], rel=0.1)


def test_a_peer_that_asks_for_large_blocks_gets_no_more_bytes() -> None:
    crowd = Crowd(Limiter(500_000))
    share = Share()
    crowd.join("greedy", share, 8 * BLOCK_SIZE)
    for number in range(4):
        crowd.join(f"modest {number}", share)
    crowd.run(0.0, 120.0)
    assert crowd.sent["greedy"] == pytest.approx(crowd.sent["modest 0"], rel=0.1)


def test_a_torrent_that_was_away_for_a_moment_keeps_its_claim() -> None:
    limiter = Limiter(50_000_000)
    crowd = Crowd(limiter)
    many, one = Share(), Share()
    for number in range(20):
        crowd.join(f"many {number}", many)
    sent = 0

    def take_turn() -> int:
        nonlocal sent
        sent += BLOCK_SIZE
        return BLOCK_SIZE

    flow = Flow(one, take_turn)
    for turn in range(12_000):  # a task that sends a block, and then comes back for more
        limiter.wait(flow)
        limiter.serve(turn * 0.0005)
    assert sent == pytest.approx(sum(crowd.sent.values()), rel=0.1)


def test_a_torrents_own_limit_leaves_the_rest_to_the_others() -> None:
    crowd = Crowd(Limiter(500_000))
    crowd.join("own limit", Share(100_000))
    crowd.join("free", Share())
    crowd.run(0.0, 60.0)
    assert crowd.sent["own limit"] == pytest.approx(6_000_000, rel=0.02)
    assert crowd.sent["free"] == pytest.approx(24_000_000, rel=0.02)


def test_a_limit_is_held_from_moment_to_moment() -> None:
    crowd = Crowd(Limiter(500_000))
    crowd.join("peer", Share())
    sent = [0]
    for second in range(20):
        crowd.run(float(second), 1.0)
        sent.append(crowd.sent["peer"])
    assert all(400_000 < after - before < 600_000 for before, after in list(pairwise(sent))[1:])


def test_who_has_nothing_to_send_any_more_takes_nobodys_turn() -> None:
    limiter = Limiter(500_000)
    share = Share()
    turns = iter([BLOCK_SIZE])
    limiter.wait(Flow(share, lambda: 0))
    limiter.wait(Flow(share, lambda: next(turns)))
    assert limiter.serve(0.0) is None
    assert list(turns) == []
