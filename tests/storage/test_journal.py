"""The records of a session, as the next one reads them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.storage.database import StateDatabase, slot_path
from jupyter_webtorrent.storage.journal import Journal, KeptTorrent

INFO_HASH = InfoHash(b"\xab" * 20)


def test_a_record_from_before_choices_were_kept_is_read(tmp_path: Path) -> None:
    link = f"magnet:?xt=urn:btih:{INFO_HASH}&so=0-3"
    record = {"link": link, "folder": b"/", "tiers": [], "select": ["*.csv"]}
    state = StateDatabase(slot_path(tmp_path, 0))
    state.commit({f"torrent/{INFO_HASH}": msgspec.msgpack.encode(record)})
    state.close()
    journal = Journal.open(tmp_path)
    kept = journal.take()[INFO_HASH]
    journal.close(clean=True)
    assert kept.torrent == KeptTorrent(link, b"/", [], ["*.csv"])
    assert not kept.torrent.indices
    assert not kept.torrent.priorities
