"""Which URLs lead out of the local network, and what of them is shown."""

from __future__ import annotations

import pytest

from jupyter_webtorrent.protocol.urls import is_local, shown_url


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("ws://127.0.0.1:8000/announce", True),
        ("ws://[::1]:8000/announce", True),
        ("ws://192.168.1.7:8000/announce", True),
        ("ws://10.0.0.7/announce", True),
        ("ws://[fe80::1]/announce", True),
        ("ws://localhost:8000/announce", True),
        ("ws://teacher:8000/announce", True),
        ("ws://teacher.local:8000/announce", True),
        ("wss://tracker.example.org", False),
        ("ws://8.8.8.8/announce", False),
        ("ws://[2001:4860:4860::8888]/announce", False),
        ("ws://[::1/announce", False),
    ],
)
def test_a_host_is_local_by_its_address_or_name(url: str, local: bool) -> None:
    assert is_local(url) is local


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a.example/x.torrent?token=HUSH", "http://a.example/x.torrent"),
        ("http://me:HUSH@a.example:80/x#HUSH", "http://a.example:80/x"),
        ("http://me@HUSH@[::1]:9/x", "http://[::1]:9/x"),
        ("wss://a.example", "wss://a.example"),
        ("http://[::1/?HUSH", "http:…"),
        ("http://a.example/\u202eb", "http://a.example/\ufffdb"),
    ],
)
def test_a_shown_url_holds_no_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
