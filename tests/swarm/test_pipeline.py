"""How deep a pipeline gets behind senders and paths of every speed, on a clock that is moved by hand."""

from __future__ import annotations

import heapq
from collections import deque

import pytest

from jupyter_webtorrent.protocol.extension import ExtensionHandshake
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.pipeline import (
    ASSUMED_DELAY,
    DEFAULT_QUEUE,
    LEAST_DEPTH,
    MOST_DEPTH,
    Pipeline,
)
from jupyter_webtorrent.swarm.rate import RateMeter


class Sender:
    """Answers requests in order at `rate` bytes per second, over a path of `round_trip` seconds."""

    def __init__(self, rate: float, round_trip: float) -> None:
        self.rate = rate
        self.round_trip = round_trip
        self.pipeline = Pipeline(0.0)
        self.now = 0.0
        self.received = 0
        self._asked: deque[float] = deque()
        self._arrivals: list[tuple[float, float]] = []
        self._free_at = 0.0

    @property
    def requests(self) -> int:
        return len(self._arrivals)

    def run(self, until: float) -> float:
        """Keep the pipeline full up to a time; the rate reached since the last call, in bytes per second."""
        began, before = self.now, self.received
        self._ask()
        while self._arrivals[0][0] <= until:
            self.now, asked_at = heapq.heappop(self._arrivals)
            self.received += BLOCK_SIZE
            self.pipeline.block_came(asked_at, BLOCK_SIZE, self.now)
            self._ask()
        self.now = until
        return (self.received - before) / (until - began)

    def _ask(self) -> None:
        if self.requests > self.pipeline.depth * 3 // 4:
            return
        if not self.requests:
            self.pipeline.resumed(self.now)
        while self.requests < self.pipeline.depth:
            start = max(self._free_at, self.now + self.round_trip / 2)
            self._free_at = start + BLOCK_SIZE / self.rate
            heapq.heappush(self._arrivals, (self._free_at + self.round_trip / 2, self.now))


@pytest.mark.parametrize("round_trip", [0.001, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("rate", [20e3, 1e6, 10e6])
def test_a_path_is_filled_whatever_its_length_and_width(rate: float, round_trip: float) -> None:
    sender = Sender(rate, round_trip)
    sender.run(until=20)
    assert sender.run(until=120) >= 0.9 * rate


def test_the_pipeline_doubles_each_round_trip_until_the_path_is_full() -> None:
    sender = Sender(20e6, 0.1)
    sender.run(until=0.25)
    assert sender.requests <= 32
    sender.run(until=1.0)
    assert sender.run(until=2.0) >= 0.9 * 20e6


@pytest.mark.parametrize("round_trip", [0.01, 0.2])
def test_a_slow_peer_is_asked_for_little(round_trip: float) -> None:
    sender = Sender(20e3, round_trip)
    for second in range(1, 120):
        sender.run(until=second)
        assert sender.requests * BLOCK_SIZE <= 128 << 10
    assert sender.requests * BLOCK_SIZE <= 8 * BLOCK_SIZE


def test_no_queue_builds_up_beyond_the_head_room() -> None:
    sender = Sender(1e6, 0.02)
    for second in range(5, 200, 5):
        sender.run(until=second)
        waited = sender.requests * BLOCK_SIZE / sender.rate  # seconds, by a new request
        assert waited <= 0.4


def test_a_peer_that_slows_down_is_asked_for_less() -> None:
    sender = Sender(10e6, 0.02)
    sender.run(until=5)
    assert sender.requests > 60
    sender.rate = 50e3
    sender.run(until=200)
    assert sender.requests <= 12


def test_a_path_that_gets_longer_is_measured_anew() -> None:
    sender = Sender(5e6, 0.01)
    sender.run(until=5)
    sender.round_trip = 1.0  # longer than two round trips and the head room were
    sender.run(until=60)
    assert sender.run(until=120) >= 0.8 * 5e6


def test_a_pause_of_ours_is_no_slowness_of_the_peer() -> None:
    pipeline = Pipeline(0.0)
    for block in range(1, 200):
        pipeline.block_came(block / 100 - 0.02, BLOCK_SIZE, block / 100)
    depth = pipeline.depth
    pipeline.resumed(100.0)
    for block in range(1, 200):
        pipeline.block_came(100 + block / 100 - 0.02, BLOCK_SIZE, 100 + block / 100)
    assert pipeline.depth >= 0.8 * depth
    assert pipeline.rate >= 0.8 * BLOCK_SIZE * 100


def test_a_pipeline_has_bounds() -> None:
    instant = Pipeline(0.0)
    for _ in range(3 * MOST_DEPTH):
        instant.block_came(0.0, BLOCK_SIZE, 0.0)
    assert instant.depth == MOST_DEPTH
    crawling = Sender(100, 0.01)
    crawling.run(until=10_000)
    assert crawling.pipeline.depth == LEAST_DEPTH


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, DEFAULT_QUEUE), (5, 5), (500, 500), (2000, 2000), (1 << 31, MOST_DEPTH)],
)
def test_no_peer_is_asked_for_more_than_it_keeps(told: int | None, expected: int) -> None:
    handshake = Handshake(InfoHash(bytes(20)), PeerId(bytes(20)))
    peer = Peer(handshake, 0.0, RateMeter(0.0), RateMeter(0.0))
    peer.pipeline.depth = MOST_DEPTH
    peer.extensions = ExtensionHandshake(ids={}, request_queue=told)
    assert peer.depth == expected
    peer.extensions = None
    assert peer.depth == DEFAULT_QUEUE


def test_the_delay_of_one_more_request_is_the_round_trip_and_the_queue() -> None:
    sender = Sender(1e6, 0.1)
    assert sender.pipeline.delay(0) == ASSUMED_DELAY
    sender.run(until=5)
    assert sender.pipeline.delay(0) == pytest.approx(0.12, abs=0.02)
    assert sender.pipeline.delay(61) == pytest.approx(1.1, abs=0.15)
