"""`webtorrent://` URLs: what a link knows, for one file, and back."""

from __future__ import annotations

import pytest

import jupyter_webtorrent as wt
from jupyter_webtorrent.kernel.torrent_url import TorrentUrl
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.magnet import parse_link_or_hash

HASH = "ab" * 20
TRACKER = "ws://127.0.0.1:9/announce"
LINK = f"magnet:?xt=urn:btih:{HASH}&dn=week 1&tr={TRACKER}&x.pe=[::1]:80"


def test_a_url_of_a_file_holds_what_its_link_knows() -> None:
    url = wt.url(LINK, "a ?%.csv")
    assert "::" not in url.partition("://")[2]  # fsspec's own
    read = TorrentUrl.from_text(url)
    assert read.info_hash == HASH
    assert read.path == "a%20%3F%25.csv"
    link = parse_link_or_hash(read.magnet)
    assert link.trackers == (TRACKER,)
    assert [str(peer) for peer in link.peers] == ["[::1]:80"]


@pytest.mark.parametrize(
    "link",
    [
        f"  MAGNET:?xt.1=urn:btih:{HASH.upper()}&TR={TRACKER}#a secret\n",
        f"magnet:?tr.1={TRACKER}&so=0-3&xt=urn:btih:{HASH}&xl=5",
    ],
)
def test_a_link_as_others_write_it_gives_the_same_url(link: str) -> None:
    assert wt.url(link, "a.csv") == (
        f"webtorrent://{HASH}/a.csv?tr=ws%3A%2F%2F127.0.0.1%3A9%2Fannounce"
    )


def test_an_info_hash_is_a_url_and_a_file_that_is_the_torrent_needs_no_path() -> None:
    assert wt.url(HASH) == f"webtorrent://{HASH}"
    assert wt.url(HASH, "week 1/a.csv") == f"webtorrent://{HASH}/week%201/a.csv"


def test_what_is_no_link_has_no_url() -> None:
    with pytest.raises(WebTorrentError, match="neither a magnet link nor an info hash"):
        wt.url("data.torrent")
    with pytest.raises(WebTorrentError, match="webtorrent://INFO_HASH/PATH"):
        TorrentUrl.from_text("https://example.org/a.csv")
