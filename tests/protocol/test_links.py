from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.links import LinkKind, link_kind


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("magnet:?xt=urn:btih:" + "a" * 40, LinkKind.MAGNET),
        ("MAGNET:?dn=x.torrent", LinkKind.MAGNET),
        ("f" * 40, LinkKind.HASH),
        ("B" * 32, LinkKind.HASH),
        ("https://host/y.torrent", LinkKind.URL),
        ("HTTPS://host/y.torrent", LinkKind.URL),
        ("Http://host/y", LinkKind.URL),
        ("a.torrent", LinkKind.FILE),
        ("A.TORRENT", LinkKind.FILE),
        ("/a/b.torrent", LinkKind.FILE),
        ("~/b.torrent", LinkKind.FILE),
        ("http:/host.torrent", LinkKind.FILE),
        ("f" * 40 + ".torrent", LinkKind.FILE),
        ("file:///etc/passwd", None),
        ("f" * 41, None),
        ("f" * 40 + "\n", None),
        ("\N{LATIN SMALL LETTER LONG S}" * 32, None),
        ("data.csv", None),
        ("", None),
    ],
)
def test_links_are_told_apart_by_their_looks(link: str, kind: LinkKind | None) -> None:
    assert link_kind(link) is kind


@given(st.text(), st.sampled_from([str.upper, str.lower, str.title]))
def test_the_case_of_a_scheme_does_not_matter(rest: str, change: object) -> None:
    assert callable(change)
    for scheme, kind in (("magnet:", LinkKind.MAGNET), ("https://", LinkKind.URL)):
        assert link_kind(change(scheme) + rest) is kind
