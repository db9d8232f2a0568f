from __future__ import annotations

import pytest

from jupyter_webtorrent.protocol.token_bucket import KeyedBuckets, TokenBucket


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=20, burst=1000, now=0.0)
    assert sum(bucket.try_take(0.0) for _ in range(10_000)) == 1000
    assert sum(bucket.try_take(1.0) for _ in range(100)) == 20


def test_what_is_overdrawn_is_earned_back_first() -> None:
    bucket = TokenBucket(rate=2, burst=10, now=0.0)
    assert bucket.take(0.0, 14) == pytest.approx(2.0)
    assert not bucket.try_take(2.0)
    assert bucket.try_take(2.5)


def test_a_stranger_that_asks_too_much_is_refused_until_it_waits_and_others_are_not() -> None:
    buckets = KeyedBuckets(rate=20, burst=1000, limit=10)
    assert sum(buckets.try_take("10.0.0.1", 0.0) for _ in range(10_000)) == 1000
    assert buckets.try_take("10.0.0.2", 0.0)
    assert sum(buckets.try_take("10.0.0.1", 1.0) for _ in range(100)) == 20


def test_no_more_strangers_are_remembered_than_the_limit() -> None:
    buckets = KeyedBuckets(rate=1, burst=1, limit=3)
    for number in range(100):
        assert buckets.try_take(f"10.0.0.{number}", 0.0)
    assert len(buckets) == 3
