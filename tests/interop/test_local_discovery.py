"""Peers that know nothing but an info hash meet on the local network (BEP 14)."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_webtorrent.protocol.magnet import MagnetLink
from tests.interop.corpus import digests, write_file
from tests.interop.deadline import Deadline
from tests.interop.network import HOW_TO_RUN, own_address
from tests.interop.peers.programs import LIBTORRENT, OURS, Program

EVERYWHERE = "0.0.0.0:0"
LSD = {LIBTORRENT: ["--set", "enable_lsd=true"], OURS: ["--no-dht"]}


@pytest.mark.parametrize(
    ("seeder", "fetcher"),
    [(OURS, LIBTORRENT), (LIBTORRENT, OURS), (OURS, OURS)],
    ids=lambda program: program.name,
)
def test_an_info_hash_is_enough_on_one_network(
    tmp_path: Path, seeder: Program, fetcher: Program
) -> None:
    if own_address() is None:
        pytest.fail(HOW_TO_RUN, pytrace=False)
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    path = write_file(source / "data.csv", 3_000_000, seed=f"{seeder.name} {fetcher.name}")
    deadline = Deadline(45.0)
    with seeder.share(path, transport="tcp", listen=EVERYWHERE, options=LSD[seeder]) as seed:
        magnet = MagnetLink.from_text(seed.expect("magnet", deadline).fields["magnet"])
        bare = str(MagnetLink(magnet.info_hash))
        with fetcher.fetch(
            bare,
            target,
            transport="tcp",
            listen=EVERYWHERE,
            options=["--no-tracker", *LSD[fetcher]],
        ) as fetch:
            fetch.expect("complete", deadline)
            assert fetch.wait(deadline) == 0, fetch.failure("did not end well")
    assert digests(target) == digests(source)
