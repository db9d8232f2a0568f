"""Who is in which swarm, and until when. Pure: time is an argument, in seconds of any clock that only goes forward.

A member has a name, unique in its room, and an owner who speaks for it: for WebSocket peers a peer id and a socket, for
HTTP peers an address and its IP. What is told of members is left to `swarms` and `addresses`.
"""

from __future__ import annotations

import random
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from jupyter_webtorrent.protocol.announce import SwarmCounts
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.tracker.errors import RefusedError

INTERVAL = 120.0
"""Seconds between announces, as bittorrent-tracker asks of WebSocket peers."""
LIFETIME = 5 * 60.0
"""Seconds after its last announce that a peer no longer counts, its socket open or not. It is forgotten
when its swarm is next looked at, and the stalest ones where there is no room for another."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Name = TypeVar("Name", bound=Hashable)
Owner = TypeVar("Owner", bound=Hashable)
SwarmKey: TypeAlias = tuple[str, InfoHash]
"""A room's name (empty for the open tracker) and a torrent: rooms are swarms apart."""


@dataclass(frozen=True, slots=True)
class SwarmLimits:
    """Bounds on what strangers can make the tracker remember."""

    swarms: int = 10_000
    peers_per_swarm: int = 1_000
    swarms_per_owner: int = 2_000
    """And so peer ids: libtorrent has one for each torrent, all on one socket."""


@dataclass(slots=True)
class Member(Generic[Owner]):
    owner: Owner
    complete: bool
    seen: float


@dataclass(slots=True)
class _Swarm(Generic[Name, Owner]):
    """Members in the order of their last announce, so that the stale ones stand first."""

    members: dict[Name, Member[Owner]] = field(default_factory=dict)
    seeds: int = 0
    downloaded: int = 0

    @property
    def counts(self) -> SwarmCounts:
        return SwarmCounts(self.seeds, len(self.members) - self.seeds, self.downloaded)


@dataclass(slots=True)
class _Identity(Generic[Owner]):
    """A name in a room: one owner's, as long as it is in any swarm there."""

    owner: Owner
    swarms: int = 0


class Registry(Generic[Name, Owner]):
    """All members of all swarms, within the limits."""

    def __init__(
        self, rng: random.Random, limits: SwarmLimits | None = None, *, owners: str
    ) -> None:
        """`owners`: what an owner is called in a refusal."""
        self._rng = rng
        self._limits = limits or SwarmLimits()
        self._owners = owners
        self._swarms: dict[SwarmKey, _Swarm[Name, Owner]] = {}
        """In the order of their last announce."""
        self._identities: dict[tuple[str, Name], _Identity[Owner]] = {}
        self._memberships: dict[Owner, dict[tuple[SwarmKey, Name], None]] = {}
        """In the order of their last announce."""

    @property
    def is_empty(self) -> bool:
        """Nothing at all is remembered."""
        return not (self._swarms or self._identities or self._memberships)

    def counts(self, key: SwarmKey, now: float) -> SwarmCounts:
        """Those of a swarm; of an unknown one, zeros."""
        self.expire(key, now)
        swarm = self._swarms.get(key)
        return SwarmCounts() if swarm is None else swarm.counts

    def member(self, key: SwarmKey, name: Name) -> Member[Owner] | None:
        swarm = self._swarms.get(key)
        return None if swarm is None else swarm.members.get(name)

    def is_anothers(self, room: str, name: Name, owner: Owner) -> bool:
        """Whether a name belongs to somebody else."""
        identity = self._identities.get((room, name))
        return identity is not None and identity.owner != owner

    def join(
        self,
        now: float,
        key: SwarmKey,
        name: Name,
        owner: Owner,
        *,
        complete: bool,
        completed: bool,
    ) -> None:
        """Note a member's state; `completed`: its download ended just now. Raises RefusedError if something is full."""
        swarm = self._swarms.get(key)
        member = None if swarm is None else swarm.members.pop(name, None)
        if swarm is None or member is None:
            swarm = self._room_for_one(now, key, owner)
            self._identities.setdefault((key[0], name), _Identity(owner)).swarms += 1
            member = Member(owner, False, now)
        elif completed and not member.complete:
            swarm.downloaded += 1
        swarm.seeds += complete - member.complete
        member.complete = complete
        member.seen = now
        swarm.members[name] = member
        _put_last(self._swarms, key, swarm)
        _put_last(self._memberships.setdefault(owner, {}), (key, name), None)

    def leave(self, key: SwarmKey, name: Name) -> None:
        """Forget a member; one that is not there is ignored."""
        swarm = self._swarms.get(key)
        member = None if swarm is None else swarm.members.pop(name, None)
        if swarm is None or member is None:
            return
        swarm.seeds -= member.complete
        if not swarm.members:
            del self._swarms[key]
        memberships = self._memberships[member.owner]
        del memberships[key, name]
        if not memberships:
            del self._memberships[member.owner]
        identity = self._identities[key[0], name]
        identity.swarms -= 1
        if not identity.swarms:
            del self._identities[key[0], name]

    def leave_all(self, owner: Owner) -> None:
        """An owner is gone, and every member it spoke for."""
        for key, name in list(self._memberships.get(owner, ())):
            self.leave(key, name)

    def expire(self, key: SwarmKey, now: float) -> None:
        """Forget the members of a swarm that have not announced for LIFETIME."""
        while swarm := self._swarms.get(key):
            name, oldest = next(iter(swarm.members.items()))
            if now - oldest.seen <= LIFETIME:
                return
            self.leave(key, name)

    def others(self, key: SwarmKey, name: Name, count: int) -> list[tuple[Name, Member[Owner]]]:
        """Random others than a member: downloaders only for a seed, a seed among them for a downloader."""
        members = self._swarms[key].members
        is_seed = members[name].complete
        others = [
            (other, member)
            for other, member in members.items()
            if other != name and not (is_seed and member.complete)
        ]
        chosen = self._rng.sample(others, min(max(0, count), len(others)))
        if chosen and not any(member.complete for _, member in chosen):
            seeds = [other for other in others if other[1].complete]
            if seeds:
                chosen[0] = self._rng.choice(seeds)
        return chosen

    def _room_for_one(self, now: float, key: SwarmKey, owner: Owner) -> _Swarm[Name, Owner]:
        """A swarm that one more member is within the limits of, new or not; the stalest make room."""
        limits = self._limits
        memberships = self._memberships.get(owner, {})
        if len(memberships) >= limits.swarms_per_owner:
            stalest, _ = next(iter(memberships))
            self.expire(stalest, now)
            if len(memberships) >= limits.swarms_per_owner:
                raise RefusedError(f"over {limits.swarms_per_owner} torrents on one {self._owners}")
        swarm = self._swarms.get(key)
        if swarm is None:
            if len(self._swarms) >= limits.swarms:
                self.expire(next(iter(self._swarms)), now)
            if len(self._swarms) >= limits.swarms:
                raise RefusedError(f"the tracker is full: {limits.swarms} torrents")
            swarm = _Swarm()
        elif len(swarm.members) >= limits.peers_per_swarm:
            raise RefusedError(f"the swarm is full: {limits.peers_per_swarm} peers")
        return swarm


def _put_last(entries: dict[K, V], key: K, value: V) -> None:
    entries.pop(key, None)
    entries[key] = value
