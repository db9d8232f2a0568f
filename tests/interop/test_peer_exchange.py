"""Three peers: one that knows only another meets the third by peer exchange (BEP 11), but for a private torrent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.process import PeerProcess
from tests.interop.peers.programs import LIBTORRENT, OURS, Program

HUB_LIMIT = 200_000
SIZE = 12_000_000
"""A minute's worth for the hub: whoever has it all long before the hub got it from the seed."""
ALONE_SECONDS = 20.0
"""More than either program takes until it first tells of peers."""

SILENT_SEED = ["--set", "enable_outgoing_tcp=false"]
"""It waits to be dialled: two libtorrents that dial each other at once may drop both connections for a minute."""

both_ways = pytest.mark.parametrize(
    ("hub", "newcomer"),
    [(LIBTORRENT, OURS), (OURS, LIBTORRENT)],
    ids=["libtorrent tells us", "we tell libtorrent"],
)


@dataclass(frozen=True, slots=True)
class Class:
    """Who is there: the hub fetches slowly from the seed, and the newcomer knows only the hub."""

    hub_address: str
    hub: PeerProcess
    newcomer: PeerProcess
    deadline: Deadline


@contextmanager
def meeting(tmp_path: Path, hub: Program, newcomer: Program, *options: str) -> Iterator[Class]:
    for name in ("source", "hub", "newcomer"):
        (tmp_path / name).mkdir()
    path = write_file(tmp_path / "source" / "data.bin", SIZE, seed=f"{hub.name} {options}")
    deadline = Deadline(50.0)
    torrent_file = tmp_path / "data.torrent"
    written = [*SILENT_SEED, *options, "--torrent-file", str(torrent_file)]
    limits = ["--limit-lan", "--down-limit", str(HUB_LIMIT)]
    with LIBTORRENT.share(path, transport="tcp", options=written) as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"]
        # A private torrent's file list is given by its file alone: libtorrent sends it to no peer.
        link = str(torrent_file) if "--private" in options else magnet
        # Nor does it tell who is connected already that it has got it since: it has it from the start.
        known_to_hub = str(torrent_file) if hub is LIBTORRENT else link
        source = seed.expect("listening", deadline).fields["tcp"]
        with hub.fetch(
            known_to_hub, tmp_path / "hub", transport="tcp", peers=[source], options=limits
        ) as slow:
            known = slow.expect("listening", deadline).fields["tcp"]
            with newcomer.fetch(
                link, tmp_path / "newcomer", transport="tcp", peers=[known]
            ) as third:
                yield Class(known, slow, third, deadline)


@both_ways
def test_who_knows_one_peer_meets_the_others(
    tmp_path: Path, hub: Program, newcomer: Program
) -> None:
    with meeting(tmp_path, hub, newcomer) as peers:
        peers.newcomer.expect("complete", peers.deadline)
        assert peers.newcomer.wait(peers.deadline) == 0
        assert "complete" not in [line.event for line in peers.hub.drain()]
    assert digests(tmp_path / "newcomer") == digests(tmp_path / "source")


@pytest.mark.prove
@both_ways
def test_nobody_is_told_of_the_peers_of_a_private_torrent(
    tmp_path: Path, hub: Program, newcomer: Program
) -> None:
    with meeting(tmp_path, hub, newcomer, "--private") as peers:
        first = "progress" if newcomer is OURS else "connected"
        seen = [peers.newcomer.expect(first, peers.deadline)]
        while time.monotonic() < seen[0].when + ALONE_SECONDS:
            time.sleep(0.5)
            seen += peers.newcomer.drain()
        assert all(line.event != "complete" for line in seen)
        assert max(line.fields.get("peers", 0) for line in seen) <= 1
        assert {line.fields["tcp"] for line in seen if line.event == "connected"} <= {
            peers.hub_address
        }


@pytest.mark.parametrize(
    ("seeder", "fetcher"),
    [(OURS, LIBTORRENT), (LIBTORRENT, OURS)],
    ids=["we seed", "we fetch"],
)
def test_the_peers_of_a_private_torrent_meet_at_its_tracker(
    tmp_path: Path, embedded_tracker: str, seeder: Program, fetcher: Program
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    path = write_file(source / "data.bin", 1_000_000, seed=f"private {seeder.name}")
    target.mkdir()
    torrent_file = tmp_path / "data.torrent"
    deadline = Deadline(45.0)
    private = ["--private", "--torrent-file", str(torrent_file)]
    at_tracker = ["--tracker", embedded_tracker]
    with seeder.share(
        path, transport="webrtc", trackers=[embedded_tracker], options=private
    ) as seed:
        seed.expect("magnet", deadline)
        with fetcher.fetch(
            str(torrent_file), target, transport="webrtc", options=at_tracker
        ) as fetch:
            fetch.expect("complete", deadline)
            assert fetch.wait(deadline) == 0
    assert digests(target) == digests(source)
