"""The trackers where peers meet over WebRTC: ours and bittorrent-tracker's, each in a process of its own."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.deadline import Deadline
from tests.interop.peers.node_modules import node_modules
from tests.interop.peers.process import PeerProcess
from tests.interop.peers.programs import OURS

START_SECONDS = 20.0


@contextmanager
def embedded_tracker() -> Iterator[str]:
    """Run `jupyter-webtorrent tracker`; yield its announce URL."""
    command = [*OURS.command, "tracker", "--listen", "127.0.0.1:0"]
    with PeerProcess("our tracker", command) as tracker:
        announce_url = re.compile(r"ws://127\.0\.0\.1:\d+/announce")
        line = tracker.expect_line(
            lambda line: announce_url.search(line.text) is not None,
            "a WebSocket URL",
            Deadline(START_SECONDS),
        )
        yield announce_url.findall(line.text)[0]
        code = tracker.stop(signal.SIGINT)
        if code != 0 or "Traceback" in tracker.stderr():
            raise tracker.failure(f"ended with {code} on SIGINT")


@contextmanager
def bittorrent_tracker() -> Iterator[dict[str, str]]:
    """Run bittorrent-tracker's server in Node; yield its announce URLs by scheme: ws, http and udp."""
    script = Path(__file__).with_name("bittorrent_tracker.mjs")
    with PeerProcess("bittorrent-tracker", ["node", str(script), str(node_modules())]) as tracker:
        said = tracker.expect("tracker", Deadline(START_SECONDS)).fields
        yield {scheme: str(said[scheme]) for scheme in ("ws", "http", "udp")}
