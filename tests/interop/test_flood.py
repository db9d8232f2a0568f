"""An honest fetch beside silent peers and hundreds of connections a second: as fast, and in no more memory."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_webtorrent.protocol.magnet import MagnetLink
from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.process import PeerProcess
from tests.interop.peers.programs import OURS


@dataclass(frozen=True, slots=True)
class Figures:
    quiet_rate: float
    """Bytes per second, the median of several fetches, as is the next one."""
    flooded_rate: float
    memory: int
    """Bytes that the seed's peak memory grew by in the flood."""
    connections: float
    """Made a second, the median."""

    def __str__(self) -> str:
        return (
            f"{self.quiet_rate / 1e6:.0f} MB/s before and {self.flooded_rate / 1e6:.0f} MB/s in the flood"
            f" ({self.flooded_rate / self.quiet_rate:.0%}), memory grew by {self.memory / 1e6:.0f} MB,"
            f" {self.connections:.0f} connections a second"
        )


def flood(folder: Path, *, size: int, silent: int, rate: int, seconds: float) -> Figures:
    """Fetch a file of `size` bytes again and again, before the flood and for `seconds` of it."""
    data = write_file(folder / "source" / "data.csv", size, seed="flood")
    deadline = Deadline(90 + 2 * seconds)
    with OURS.share(data, transport="tcp") as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        address = seed.expect("listening", deadline).fields["tcp"]
        fetched = iter(range(1000))

        def fetch() -> float:
            target = folder / f"target {next(fetched)}"
            target.mkdir()
            with OURS.fetch(magnet, target, transport="tcp", peers=[address]) as peer:
                complete = peer.expect("complete", deadline).fields
                assert peer.wait(deadline) == 0
            assert digests(target) == digests(data.parent)
            (target / "data.csv").unlink()
            return float(complete["bytes"] / complete["seconds"])

        quiet = [fetch() for _ in range(5)]
        memory = seed.peak_memory()
        command = [sys.executable, "-m", "tests.interop.flood", address]
        command += [str(MagnetLink.from_text(magnet).info_hash), str(silent), str(rate)]
        with PeerProcess("flood", command) as attacker:
            attacker.expect("ready", deadline)
            flooded: list[float] = []
            end = time.monotonic() + seconds
            while time.monotonic() < end or len(flooded) < 5:
                flooded.append(fetch())
            made = [line.fields["count"] for line in attacker.drain() if line.event == "made"]
        return Figures(
            statistics.median(quiet),
            statistics.median(flooded),
            seed.peak_memory() - memory,
            statistics.median(made),
        )


@pytest.mark.alone
def test_a_short_flood_keeps_nobody_from_fetching(tmp_path: Path) -> None:
    figures = flood(tmp_path, size=20_000_000, silent=300, rate=200, seconds=3)
    assert figures.memory < 100_000_000
    assert figures.connections > 150


@pytest.mark.prove
@pytest.mark.timeout(400)
def test_500_silent_peers_and_200_connects_a_second_for_a_minute(tmp_path: Path) -> None:
    figures = flood(tmp_path, size=256 << 20, silent=500, rate=200, seconds=60)
    print(f"500 silent peers and a flood for a minute: {figures}")
    assert figures.flooded_rate >= 0.8 * figures.quiet_rate
    assert figures.memory < 100_000_000
    assert figures.connections >= 190
