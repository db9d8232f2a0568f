"""The trackers, started once for all tests: each test's torrent has an info hash of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.network import HOW_TO_RUN, own_address
from tests.interop.peers import trackers


@pytest.fixture(scope="session")
def webrtc_network() -> None:
    """Fail what needs WebRTC where no peer could connect."""
    if own_address() is None:
        pytest.fail(HOW_TO_RUN, pytrace=False)


@pytest.fixture(scope="session")
def embedded_tracker(webrtc_network: None) -> Iterator[str]:
    """Our own tracker's announce URL."""
    with trackers.embedded_tracker() as url:
        yield url


@pytest.fixture(scope="session")
def bittorrent_trackers() -> Iterator[dict[str, str]]:
    """The announce URLs of bittorrent-tracker's server, by scheme."""
    with trackers.bittorrent_tracker() as urls:
        yield urls


@pytest.fixture(scope="session")
def bittorrent_tracker(webrtc_network: None, bittorrent_trackers: dict[str, str]) -> str:
    """The one for WebRTC."""
    return bittorrent_trackers["ws"]
