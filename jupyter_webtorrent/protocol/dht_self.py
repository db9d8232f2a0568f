"""What a DHT node learns of itself from others: its public address (BEP 42), and whether strangers reach it (BEP 43).

Pure: time is an argument.
"""

from __future__ import annotations

from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.protocol.routing_table import place_of

MIN_VOTES = 5
"""Nodes at different places that must agree on our address."""
MAX_HOSTS = 16

MAX_ASKED = 1000
PERIOD_SECONDS = 3600.0
TRIAL_SECONDS = 900.0
"""At the start of each period, in which strangers may find out that they reach us."""


class OwnAddress:
    """The public address that others see us at."""

    def __init__(self) -> None:
        self.host: str | None = None
        self._votes: dict[str, set[str]] = {}

    def told(self, host: str, voter: PeerAddress) -> bool:
        """A node says that our query came from `host`; returns whether the address is now another one."""
        internet = Reach.INTERNET
        if host == self.host or not reach_of(host) is reach_of(voter.host) is internet:
            return False
        votes = self._votes.setdefault(host, set())
        votes.add(place_of(voter))
        if len(votes) >= MIN_VOTES:
            self.host = host
            self._votes.clear()
            return True
        if len(self._votes) > MAX_HOSTS:
            del self._votes[next(iter(self._votes))]
        return False


class Reachability:
    """Whether to answer queries at all: a node that strangers cannot reach only costs them time."""

    def __init__(self, now: float) -> None:
        self._started = now
        self._asked: dict[str, None] = {}
        """Hosts that we sent to lately: a NAT lets their packets in."""
        self._reached_at: float | None = None

    def asked(self, address: PeerAddress) -> None:
        self._asked.pop(address.host, None)
        self._asked[address.host] = None
        if len(self._asked) > MAX_ASKED:
            del self._asked[next(iter(self._asked))]

    def queried_by(self, address: PeerAddress, now: float) -> None:
        if address.host not in self._asked and reach_of(address.host) is Reach.INTERNET:
            self._reached_at = now

    def is_read_only(self, now: float) -> bool:
        """Towards the public internet. At first, and once in a while, it is tried out whether we are reached."""
        reached_at = self._reached_at
        if reached_at is not None and now - reached_at < PERIOD_SECONDS + TRIAL_SECONDS:
            return False
        return (now - self._started) % PERIOD_SECONDS >= TRIAL_SECONDS
