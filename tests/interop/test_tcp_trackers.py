"""TCP peers that meet at HTTP and UDP trackers, and know nothing of each other before."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_webtorrent.protocol.magnet import MagnetLink
from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.programs import LIBTORRENT, OURS, Program

CASE_SECONDS = 45.0
BYTES = 3_000_000


@pytest.fixture(params=["embedded http", "bittorrent-tracker http", "bittorrent-tracker udp"])
def tracker(request: pytest.FixtureRequest) -> str:
    """An announce URL."""
    name, _, scheme = request.param.partition(" ")
    if name == "embedded":
        websocket: str = request.getfixturevalue("embedded_tracker")
        return websocket.replace("ws://", "http://")
    urls: dict[str, str] = request.getfixturevalue("bittorrent_trackers")
    return urls[scheme]


@pytest.mark.parametrize("private", [False, True], ids=["a magnet link", "a private torrent"])
@pytest.mark.parametrize(
    ("seeder", "fetcher"),
    [(OURS, LIBTORRENT), (LIBTORRENT, OURS), (OURS, OURS)],
    ids=["ours to libtorrent", "libtorrent to ours", "ours to ours"],
)
def test_peers_meet_by_the_tracker_alone(
    tmp_path: Path, tracker: str, seeder: Program, fetcher: Program, private: bool
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    path = write_file(source / "data.csv", BYTES, seed=f"{tmp_path.name}")
    deadline = Deadline(CASE_SECONDS)
    file = tmp_path / "data.torrent"
    options = ["--private", "--torrent-file", str(file)] if private else []
    with seeder.share(path, transport="tcp", trackers=[tracker], options=options) as seed:
        magnet = MagnetLink.from_text(seed.expect("magnet", deadline).fields["magnet"])
        assert magnet.trackers == (tracker,)
        # Without the seed's own address. libtorrent gives nobody the metadata of a private torrent (BEP 27).
        bare = str(MagnetLink(magnet.info_hash, trackers=magnet.trackers))
        with fetcher.fetch(str(file) if private else bare, target, transport="tcp") as fetch:
            complete = fetch.expect("complete", deadline).fields
            assert fetch.wait(deadline) == 0, fetch.failure("did not end well")
            assert complete["bytes"] == BYTES
    assert digests(target) == digests(source)
