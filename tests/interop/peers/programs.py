"""How each peer is started. All take the options of our own command line, so one function serves them all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.peers.process import PeerProcess


@dataclass(frozen=True, slots=True)
class Program:
    """A peer's command, up to `share` or `fetch`."""

    name: str
    command: tuple[str, ...]

    def share(
        self,
        path: Path,
        *,
        transport: str,
        trackers: Sequence[str] = (),
        options: Sequence[str] = (),
        listen: str = "127.0.0.1:0",
    ) -> PeerProcess:
        """Seed `path`; says `magnet`, and over TCP `listening`, then goes on until it is stopped."""
        where = options if trackers else ["--no-tracker", *options]
        return self._start("share", str(path), transport, trackers, (), where, listen)

    def fetch(
        self,
        magnet: str,
        folder: Path,
        *,
        transport: str,
        peers: Sequence[str] = (),
        options: Sequence[str] = (),
        listen: str = "127.0.0.1:0",
    ) -> PeerProcess:
        """Fetch into `folder` knowing only the link and, without a tracker, `peers`; says `complete` and ends."""
        where = ["-d", str(folder), *options]
        return self._start("fetch", magnet, transport, (), peers, where, listen)

    def _start(
        self,
        verb: str,
        what: str,
        transport: str,
        trackers: Sequence[str],
        peers: Sequence[str],
        options: Sequence[str],
        listen: str,
    ) -> PeerProcess:
        command = [*self.command, verb, what, "--json", "--transport", transport, *options]
        if transport == "tcp":
            command += ["--listen", listen]
        for url in trackers:
            command += ["--tracker", url]
        for address in peers:
            command += ["--peer", address]
        return PeerProcess(f"{self.name} {verb}", command)


OURS = Program("ours", (sys.executable, "-m", "jupyter_webtorrent.cli"))
LIBTORRENT = Program("libtorrent", (sys.executable, "-m", "tests.interop.peers.libtorrent_peer"))
CHROMIUM = Program("Chromium", (sys.executable, "-m", "tests.interop.peers.chromium_peer"))
OLD_CHROMIUM = Program(
    "Chromium with webtorrent.js 1", (*CHROMIUM.command, "--package", "webtorrent-1")
)
NODE = Program("Node", (sys.executable, "-m", "tests.interop.peers.node_peer"))
