"""What a person chose while the engine runs: checked, laid over its configuration, and kept beside its state.

Who may choose, and what a download folder may be, is for those above to say.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.urls import TRACKER_SCHEMES, check_url
from jupyter_webtorrent.schema.settings import MAX_NUMBER, MAX_TRACKERS, Settings
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.files import read_small_file

log = logging.getLogger(__name__)

FILE_NAME = "settings.json"
MAX_FILE_BYTES = 1 << 20

_ZERO_IS_NONE = {"down_limit", "up_limit", "seed_ratio", "seed_seconds"}
"""Here None means "as it is configured"."""


class ChoiceError(WebTorrentError):
    """A setting that makes no sense, or cannot be kept."""


def check_choices(chosen: Settings) -> None:
    """Raises ChoiceError for the first setting that makes no sense."""
    trackers = chosen.trackers or []
    if len(trackers) > MAX_TRACKERS:
        raise ChoiceError(f"There may be {MAX_TRACKERS} trackers, not {len(trackers):,}.")
    for number, url in enumerate(trackers, 1):
        try:
            check_url(url, TRACKER_SCHEMES)
        except WebTorrentError as error:
            raise ChoiceError(f"Tracker {number} of {len(trackers)}: {error}.") from None
    if chosen.listen_port is not None and not 0 <= chosen.listen_port <= 65535:
        raise ChoiceError("A port is a number from 0, for any free one, to 65535.")
    for name in sorted(_ZERO_IS_NONE):
        value = getattr(chosen, name)
        if value is not None and not 0 <= value <= MAX_NUMBER:
            raise ChoiceError(f"{name} is a number from 0, for none, to {MAX_NUMBER:,}.")


def with_choices(config: EngineConfig, chosen: Settings) -> EngineConfig:
    """The configuration with what was chosen in its place."""
    changes: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(chosen).items() if value is not None
    }
    changes.pop("download_folder", None)
    for name in _ZERO_IS_NONE & changes.keys():
        changes[name] = changes[name] or None
    if "trackers" in changes:
        changes["trackers"] = tuple(dict.fromkeys(changes["trackers"]))
    if "listen_port" in changes:  # all of a person's servers and kernels have this one
        changes["listen_elsewhere"] = True
    return replace(config, **changes)


def effective_settings(config: EngineConfig, download_folder: str) -> Settings:
    """What holds, with every field."""
    return Settings(
        trackers=list(config.trackers),
        download_folder=download_folder,
        listen_port=config.listen_port,
        down_limit=config.down_limit or 0,
        up_limit=config.up_limit or 0,
        limit_lan=config.limit_lan,
        lan_discovery=config.lan_discovery,
        dht=config.dht,
        port_mapping=config.port_mapping,
        seed_ratio=config.seed_ratio or 0,
        seed_seconds=config.seed_seconds or 0,
    )


def load_choices(folder: Path) -> Settings:
    """What was kept in a state folder; nothing, and a line in the log, if that cannot be used."""
    file = folder / FILE_NAME
    if not file.exists():
        return Settings()
    try:
        chosen = msgspec.json.decode(read_small_file(file, MAX_FILE_BYTES), type=Settings)
        check_choices(chosen)
    except (StorageError, ChoiceError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("%s is ignored: %s", file, error)
        return Settings()
    return chosen


def keep_choices(folder: Path, chosen: Settings) -> None:
    """Replace what was kept, at once and whole; raises ChoiceError."""
    fresh = folder / f"{FILE_NAME}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(chosen)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / FILE_NAME)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise ChoiceError(f"The settings cannot be kept: {error.strerror or error}.") from None
