"""What a person may set while the server runs, over what its administrator configured."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_TRACKERS: Final = 20
MAX_NUMBER: Final = 2**53 - 1
"""What JavaScript's numbers hold exactly."""

# These tell readers of the schema what is refused; who takes Settings refuses it in words of its own.
_Trackers = Annotated[list[str], Meta(extra_json_schema={"maxItems": MAX_TRACKERS})]
_Port = Annotated[int, Meta(extra_json_schema={"minimum": 0, "maximum": 65535})]
_Bytes = Annotated[int, Meta(extra_json_schema={"minimum": 0, "maximum": MAX_NUMBER})]
_Number = Annotated[float, Meta(extra_json_schema={"minimum": 0, "maximum": MAX_NUMBER})]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """None, everywhere: as the server is configured."""

    trackers: _Trackers | None = None
    """Of the shares and links that name none of their own."""
    download_folder: str | None = None
    """Where downloads go that name no folder, relative to the folder that Jupyter serves."""
    listen_port: _Port | None = None
    """For TCP peers; 0: any free one."""
    down_limit: _Bytes | None = None
    """Bytes a second of all transfers, as is the next; 0: no limit."""
    up_limit: _Bytes | None = None
    limit_lan: bool | None = None
    """Whether the limits hold on the local network too."""
    lan_discovery: bool | None = None
    dht: bool | None = None
    port_mapping: bool | None = None
    seed_ratio: _Number | None = None
    """A download is paused once so many times its bytes were passed on; 0: never."""
    seed_seconds: _Number | None = None
    """The same for the time it is passed on; 0: never."""


class SettingsStatus(Struct, frozen=True):
    """What was set, and what holds."""

    chosen: Settings
    effective: Settings
    """No field of it is None."""
