"""Our super-seed (BEP 16) and a crowd of libtorrents, which choose their pieces as they always do."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.process import PeerProcess
from tests.interop.peers.programs import LIBTORRENT, OURS

FETCHERS = 3
TOTAL = 12 << 20
RATE = 4 << 20
"""Bytes per second that a fetcher takes: all of them are there before the first has everything."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_three_libtorrents_get_everything_from_one_seed(tmp_path: Path) -> None:
    deadline = Deadline(60.0)
    source = tmp_path / "source"
    source.mkdir()
    path = write_file(source / "data.csv", TOTAL, seed="crowd")
    with ExitStack() as stack:
        seed = stack.enter_context(OURS.share(path, transport="tcp"))
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        known = [seed.expect("listening", deadline).fields["tcp"]]
        fetches: list[tuple[PeerProcess, Path]] = []
        for number in range(FETCHERS):
            folder = tmp_path / f"target-{number}"
            folder.mkdir()
            address = f"127.0.0.1:{free_port()}"
            fetch = LIBTORRENT.fetch(
                magnet,
                folder,
                transport="tcp",
                peers=known,
                options=["--set", f"download_rate_limit={RATE}"],
                listen=address,
            )
            fetches.append((stack.enter_context(fetch), folder))
            known = [*known, address]
        for fetch, folder in fetches:
            fetch.expect("complete", deadline)
            assert fetch.wait(deadline) == 0, fetch.failure("did not end well")
            assert digests(folder) == digests(source)
