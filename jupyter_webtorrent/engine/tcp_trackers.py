"""The HTTP and UDP trackers of a session: one client each, shared by all torrents.

Also how far a tracker of any kind may lead, which depends on who named it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random

from jupyter_webtorrent.net.guard import Policy, tracker_policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.trackers.client import TcpTracker
from jupyter_webtorrent.net.trackers.http import HttpTracker
from jupyter_webtorrent.net.trackers.udp import UdpTracker


class TcpTrackers:
    """Clients by URL, made at their first use."""

    def __init__(self, http: GuardedClient, random: Random) -> None:
        self.key = random.getrandbits(32)
        """By which all trackers know this session again."""
        self._http = http
        self._random = random
        self._named: set[str] = set()
        self._clients: dict[tuple[str, Policy], TcpTracker] = {}

    def named(self, urls: Iterable[str]) -> None:
        """A person named these: they may be anywhere."""
        self._named.update(urls)

    def is_named(self, url: str) -> bool:
        return url in self._named

    def policy_of(self, url: str) -> Policy:
        """Where this tracker, of any kind, may be."""
        return Policy.NAMED if url in self._named else tracker_policy(url)

    def get(self, url: str) -> TcpTracker:
        """The client of an http://, https:// or udp:// tracker; raises WebTorrentError if it cannot be used."""
        policy = self.policy_of(url)
        if (url, policy) not in self._clients:
            self._clients[url, policy] = self._new(url, policy)
        return self._clients[url, policy]

    async def aclose(self) -> None:
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))

    def _new(self, url: str, policy: Policy) -> TcpTracker:
        if url.lower().startswith("udp:"):
            return UdpTracker(url, policy, rng=self._random)
        return HttpTracker(url, self._http, policy)
