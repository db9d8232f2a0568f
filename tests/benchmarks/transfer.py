"""How fast one peer fetches from another, ours and libtorrent's, over TCP and over WebRTC.

`python -m tests.benchmarks.transfer`, where WebRTC can work (see tests/namespace.py). Each side is a
process of its own; the rounds are interleaved, so that what slows the machine slows every pair; medians and
their ratios are what to quote. A time runs from the moment the fetching side sets out for its peer, which it
knows by address or by a tracker, until every piece is verified: link metadata and connecting are part of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.network import HOW_TO_RUN, own_address
from tests.interop.peers.programs import LIBTORRENT, OURS, Program
from tests.interop.peers.trackers import embedded_tracker

MIB = 1 << 20
RUN_SECONDS = 120.0
LOSSES = 6
"""Connections that a measurement may lose before it counts as failed."""
PIECE_LENGTH = 256 * 1024
"""What our `share` chooses for the full 256 MiB; libtorrent's is told."""


class ConnectionLostError(Exception):
    """libtorrent lost its only peer half-way, and would wait minutes for the next announce."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Who sends, who fetches, over what."""

    seeder: Program
    fetcher: Program
    transport: str

    def __str__(self) -> str:
        return f"{self.seeder.name} -> {self.fetcher.name}"


def pairs(transport: str) -> list[Pair]:
    """Every pairing of ours and libtorrent, the two that are compared first."""
    return [
        Pair(OURS, OURS, transport),
        Pair(LIBTORRENT, LIBTORRENT, transport),
        Pair(OURS, LIBTORRENT, transport),
        Pair(LIBTORRENT, OURS, transport),
    ]


def measure(pair: Pair, path: Path, trackers: Sequence[str] = ()) -> float:
    """Move `path` once; return MB/s (10^6 bytes).

    Raises ConnectionLostError, PeerError, and AssertionError if what arrived differs.
    """
    deadline = Deadline(RUN_SECONDS)
    options = ["--piece-length", str(PIECE_LENGTH)] if pair.seeder is LIBTORRENT else []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=path.parent.parent)))
        seed = stack.enter_context(
            pair.seeder.share(path, transport=pair.transport, trackers=trackers, options=options)
        )
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        peers = [] if trackers else [seed.expect("listening", deadline).fields["tcp"]]
        fetch = stack.enter_context(
            pair.fetcher.fetch(magnet, folder, transport=pair.transport, peers=peers)
        )
        is_ours = pair.fetcher is OURS
        start = fetch.expect("listening" if is_ours else "started", deadline)
        done = "complete" if is_ours else "verified"
        # Over TCP libtorrent hangs up on purpose, when its offer of encryption is not understood.
        last = (done, "disconnected") if pair.transport == "webrtc" else (done,)
        end = fetch.expect_line(lambda line: line.event in last, f"“{done}”", deadline)
        if end.event != done:
            raise ConnectionLostError(end.text)
        fetch.wait(deadline)
        assert digests(folder) == digests(path.parent), f"{pair} moved wrong bytes"
    return path.stat().st_size / 1e6 / (end.when - start.when)


def measure_rounds(
    candidates: Iterable[Pair], path: Path, rounds: int, trackers: Sequence[str] = ()
) -> dict[Pair, list[float]]:
    """Measure all pairs once a round, so that no pair has the quiet minutes to itself."""
    speeds: dict[Pair, list[float]] = {pair: [] for pair in candidates}
    for _ in range(rounds):
        for pair, runs in speeds.items():
            runs.append(_measure_patiently(pair, path, trackers))
    return speeds


def _measure_patiently(pair: Pair, path: Path, trackers: Sequence[str]) -> float:
    """Measure again when a connection was lost: two libtorrents over WebRTC lose every other one."""
    for _ in range(LOSSES - 1):
        try:
            return measure(pair, path, trackers)
        except ConnectionLostError as error:
            print(f"{pair} over {pair.transport}: {error}; once more", file=sys.stderr)
    return measure(pair, path, trackers)


def ratio(speeds: dict[Pair, list[float]], transport: str) -> float:
    """Our pair's median over libtorrent's."""
    ours = median(speeds[Pair(OURS, OURS, transport)])
    return ours / median(speeds[Pair(LIBTORRENT, LIBTORRENT, transport)])


@contextmanager
def random_file(mib: int) -> Iterator[Path]:
    """A file of `mib` MiB in memory where the system has a place for that, else in the page cache."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield write_file(Path(folder) / "source" / "random.bin", mib * MIB, seed=f"{mib} MiB")


def report(title: str, speeds: dict[Pair, list[float]], transport: str) -> None:
    """Print one table."""
    print(f"\n{title:<32}{'MB/s':>8}   runs")
    for pair, runs in speeds.items():
        each = "  ".join(f"{run:.0f}" if run >= 100 else f"{run:.1f}" for run in runs)
        print(f"  {pair!s:<30}{median(runs):>8.1f}   {each}")
    print(f"  {'ours / libtorrent':<30}{ratio(speeds, transport):>8.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tcp", type=int, default=256, metavar="MIB", help="0: leave TCP out")
    parser.add_argument("--webrtc", type=int, default=64, metavar="MIB", help="0: leave it out")
    options = parser.parse_args()
    if options.webrtc and own_address() is None:
        parser.error(HOW_TO_RUN)
    if options.tcp:
        with random_file(options.tcp) as path:
            speeds = measure_rounds(pairs("tcp"), path, options.rounds)
        report(f"TCP, {options.tcp} MiB", speeds, "tcp")
    if options.webrtc:
        with random_file(options.webrtc) as path, embedded_tracker() as url:
            speeds = measure_rounds(pairs("webrtc"), path, options.rounds, [url])
        report(f"WebRTC, {options.webrtc} MiB", speeds, "webrtc")


if __name__ == "__main__":
    main()
