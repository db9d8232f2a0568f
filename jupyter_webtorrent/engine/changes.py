"""What of a session's settings can change while it runs, and what becomes of its torrents then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Final

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent

AT_ONCE: Final = frozenset(
    {
        "listen_elsewhere",
        "trackers",
        "stun_servers",
        "turn_servers",
        "down_limit",
        "up_limit",
        "limit_lan",
        "seed_ratio",
        "seed_seconds",
        "upload_slots",
        "max_peers",
        "max_peers_per_torrent",
    }
)
"""The settings that need no new socket. All others ask for a new session."""


def changed_settings(before: EngineConfig, after: EngineConfig) -> set[str]:
    """The names of those that differ."""
    names = (field.name for field in fields(EngineConfig))
    return {name for name in names if getattr(before, name) != getattr(after, name)}


def apply(config: EngineConfig, services: Services, torrents: Iterable[Torrent]) -> None:
    """Take over settings of which only those that apply at once are new."""
    before, services.config = services.config, config
    changed = changed_settings(before, config)
    if "down_limit" in changed:
        services.down.set_rate(config.down_limit)
    if "up_limit" in changed:
        services.up.set_rate(config.up_limit)
    for torrent in torrents:
        torrent.peering.limits.changed()
        torrent.swarm.choker.slots = config.upload_slots
    follow_goals(before, config, torrents)


def follow_goals(before: EngineConfig, after: EngineConfig, torrents: Iterable[Torrent]) -> None:
    """Downloads that had the session's own goals have its new ones."""
    had = (before.seed_ratio, before.seed_seconds)
    if had == (after.seed_ratio, after.seed_seconds):
        return
    for torrent in torrents:
        goal = torrent.goal
        if torrent.shared is None and not goal.is_met and (goal.ratio, goal.seconds) == had:
            goal.set(after.seed_ratio, after.seed_seconds)
            torrent.keep()
