"""A session that seeds many torrents at once costs little while nobody asks for them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.interop.peers import trackers


def seed(count: int) -> dict[str, float]:
    """Seed so many torrents at a tracker in a process of its own; what it measured."""
    with trackers.embedded_tracker() as url:
        done = subprocess.run(
            [sys.executable, "-m", "tests.engine.many_torrents", str(count), url],
            capture_output=True,
            text=True,
            timeout=110,
            check=True,
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def test_a_hundred_torrents_are_seeded_at_once() -> None:
    figures = seed(100)
    assert figures["seeding"] == 100
    assert figures["add_seconds"] < 30
    assert figures["memory_megabytes"] < 50


@pytest.mark.prove
def test_a_thousand_torrents_idle_below_a_twentieth_of_a_core() -> None:
    figures = seed(1000)
    print(f"1,000 torrents seeded by one session: {figures}")
    assert figures["seeding"] == 1000
    assert figures["add_seconds"] < 60
    assert figures["idle_core_percent"] < 5
    assert figures["memory_megabytes"] < 150
