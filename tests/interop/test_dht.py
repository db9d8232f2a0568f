"""Peers that know nothing but an info hash, and one node of the DHT, meet by the DHT alone (BEP 5, BEP 32)."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_webtorrent.protocol.magnet import MagnetLink
from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.programs import LIBTORRENT, OURS, Program


def find_by_dht(
    folder: Path, seeder: Program, fetcher: Program, node: Program, listen: str
) -> None:
    """Three nodes: the third one is all that the seeder and the fetcher know."""
    source, target, elsewhere = folder / "source", folder / "target", folder / "elsewhere"
    for each in (source, target, elsewhere):
        each.mkdir()
    path = write_file(source / "data.csv", 3_000_000, seed=folder.name)
    other = write_file(elsewhere / "other.csv", 1000, seed="other")
    deadline = Deadline(60.0)
    nobody = ["--dht-node", listen.replace(":0", ":1")]
    with node.share(other, transport="tcp", listen=listen, options=nobody) as third:
        known = ["--dht-node", third.expect("listening", deadline).fields["tcp"]]
        with seeder.share(path, transport="tcp", listen=listen, options=known) as seed:
            magnet = MagnetLink.from_text(seed.expect("magnet", deadline).fields["magnet"])
            with fetcher.fetch(
                str(MagnetLink(magnet.info_hash)),
                target,
                transport="tcp",
                listen=listen,
                options=["--no-tracker", *known],
            ) as fetch:
                fetch.expect("complete", deadline)
                assert fetch.wait(deadline) == 0, fetch.failure("did not end well")
    assert digests(target) == digests(source)


@pytest.mark.parametrize("node", [OURS, LIBTORRENT], ids=lambda program: program.name)
@pytest.mark.parametrize(
    ("seeder", "fetcher"),
    [(OURS, LIBTORRENT), (LIBTORRENT, OURS), (OURS, OURS)],
    ids=lambda program: program.name,
)
def test_three_nodes_are_enough(
    tmp_path: Path, seeder: Program, fetcher: Program, node: Program
) -> None:
    find_by_dht(tmp_path, seeder, fetcher, node, "127.0.0.1:0")


@pytest.mark.parametrize(
    ("seeder", "fetcher", "node"),
    [(OURS, OURS, OURS), (OURS, LIBTORRENT, OURS), (LIBTORRENT, OURS, LIBTORRENT)],
    ids=lambda program: program.name,
)
def test_ipv6_has_a_dht_of_its_own(
    tmp_path: Path, seeder: Program, fetcher: Program, node: Program
) -> None:
    find_by_dht(tmp_path, seeder, fetcher, node, "[::1]:0")
