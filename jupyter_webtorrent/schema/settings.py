"""What a person may set while the server runs, over what its administrator configured."""

from __future__ import annotations

from msgspec import Struct


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """None, everywhere: as the server is configured."""

    trackers: list[str] | None = None
    """Of the shares and links that name none of their own."""
    download_folder: str | None = None
    """Where downloads go that name no folder, relative to the folder that Jupyter serves."""
    listen_port: int | None = None
    """For TCP peers; 0: any free one."""
    down_limit: int | None = None
    """Bytes a second of all transfers, as is the next; 0: no limit."""
    up_limit: int | None = None
    limit_lan: bool | None = None
    """Whether the limits hold on the local network too."""
    lan_discovery: bool | None = None
    dht: bool | None = None
    port_mapping: bool | None = None
    seed_ratio: float | None = None
    """A download is paused once so many times its bytes were passed on; 0: never."""
    seed_seconds: float | None = None
    """The same for the time it is passed on; 0: never."""


class SettingsStatus(Struct, frozen=True):
    """What was set, and what holds."""

    chosen: Settings
    effective: Settings
    """No field of it is None."""
