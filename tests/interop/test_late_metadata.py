"""The file list from a peer that had none itself when it was met (BEP 9)."""

from __future__ import annotations

from pathlib import Path

from tests.interop.corpus import write_file
from tests.interop.deadline import Deadline
from tests.interop.peers.programs import LIBTORRENT, OURS

SIZE = 15_000_000
"""Its file list is two pieces long."""
APART = ["--no-pex"]
"""The seed and the newcomer are not to meet: the hub is whom it must come from."""


def test_libtorrent_gives_the_file_list_that_it_got_after_we_met(tmp_path: Path) -> None:
    """It announces it to nobody who was connected before; asked, it gives it."""
    source, hub_folder, target = (tmp_path / name for name in ("source", "hub", "target"))
    for folder in (hub_folder, target):
        folder.mkdir()
    path = write_file(source / "data.bin", SIZE, seed="late metadata")
    deadline = Deadline(25.0)
    with OURS.share(path, transport="tcp", options=APART) as seed:
        magnet = seed.expect("magnet", deadline).fields["magnet"].partition("&x.pe=")[0]
    slowly = ["--limit-lan", "--down-limit", "500000"]  # it ends when it has everything
    with LIBTORRENT.fetch(magnet, hub_folder, transport="tcp", options=slowly) as hub:
        address = hub.expect("listening", deadline).fields["tcp"]
        with OURS.fetch(
            magnet, target, transport="tcp", peers=[address], options=APART
        ) as newcomer:
            newcomer.expect_line(lambda line: line.fields.get("peers", 0) > 0, "peer", deadline)
            to_hub = ["--peer", address, *APART]
            with OURS.share(path, transport="tcp", options=to_hub):
                newcomer.expect_line(
                    lambda line: line.fields.get("total") == SIZE, "file list", deadline
                )
