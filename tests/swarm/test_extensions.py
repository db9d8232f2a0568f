"""What our extension handshakes offer, and when."""

from __future__ import annotations

from random import Random

import pytest

from jupyter_webtorrent.protocol.extension import OUR_IDS, UT_PEX, ExtensionHandshake
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.metainfo import Info, TorrentFile
from jupyter_webtorrent.swarm.extensions import Extensions


def info(*, private: bool) -> Info:
    file = TorrentFile(("data.bin",), 1)
    return Info.build("data.bin", 1 << 14, bytes(20), [file], single_file=True, private=private)


def offered(extensions: Extensions) -> int | None:
    message = extensions.handshake(upload_only=False)
    return ExtensionHandshake.decode(message.payload).ids.get(UT_PEX)


def test_peer_exchange_is_offered_before_the_torrent_is_known() -> None:
    """libtorrent forgets an extension that the first handshake lacks, and drops who uses it later."""
    extensions = Extensions(InfoHash(bytes(20)), "", Random(1), pex=True)
    assert offered(extensions) == OUR_IDS[UT_PEX]
    extensions.metadata_found(info(private=False))
    assert offered(extensions) == OUR_IDS[UT_PEX]


def test_peer_exchange_is_taken_back_when_the_torrent_turns_out_private() -> None:
    extensions = Extensions(InfoHash(bytes(20)), "", Random(1), pex=True)
    extensions.metadata_found(info(private=True))
    assert offered(extensions) == 0


@pytest.mark.parametrize("private", [False, True])
def test_peer_exchange_that_is_switched_off_is_never_offered(private: bool) -> None:
    extensions = Extensions(InfoHash(bytes(20)), "", Random(1), pex=False)
    assert offered(extensions) is None
    extensions.metadata_found(info(private=private))
    assert offered(extensions) is None
