"""How a tracker's retries spread out."""

from __future__ import annotations

import random

from jupyter_webtorrent.net.trackers.backoff import JITTER, LONGEST, SHORTEST, Backoff


def test_the_first_retry_is_quick_and_later_ones_double_up_to_an_hour() -> None:
    backoff = Backoff(random.Random(1))
    delays = [backoff.next() for _ in range(12)]
    assert 1 <= delays[0] <= 2
    for attempt, delay in enumerate(delays[1:]):
        base = min(SHORTEST * 2**attempt, LONGEST / JITTER)
        assert base <= delay <= base * JITTER


def test_a_tracker_that_worked_is_retried_quickly_again() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(5):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 2


def test_clients_that_fail_together_do_not_return_together() -> None:
    delays = set()
    for seed in range(30):
        backoff = Backoff(random.Random(seed))
        backoff.next()
        delays.add(round(backoff.next(), 1))
    assert len(delays) > 20
