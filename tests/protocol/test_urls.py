"""Which URLs lead out of the local network."""

from __future__ import annotations

import pytest

from jupyter_webtorrent.protocol.urls import is_local


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
