"""The entries that a transfer's start, completion and failure leave in Jupyter's own event log.

Administrators subscribe to them with jupyter_events; browsers and kernels use the events WebSocket instead.
"""

from __future__ import annotations

from typing import Any

from jupyter_events import EventLogger

from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

SCHEMA_ID = "https://events.jupyter.org/jupyter_webtorrent/transfer/v1"

SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "Peer-to-peer transfers",
    "personal-data": True,
    "description": "A transfer of jupyter-webtorrent has started, is complete, or has failed.",
    "type": "object",
    "required": ["action", "info_hash", "name"],
    "properties": {
        "action": {"enum": ["started", "completed", "failed"]},
        "info_hash": {"type": "string", "description": "40 hexadecimal digits."},
        "name": {"type": "string"},
        "total": {"type": "integer", "description": "Wanted bytes; 0 while unknown."},
        "seconds": {"type": "number", "description": "How long the download took."},
        "by_transport": {
            "type": "object",
            "description": "Bytes received, by transport.",
            "additionalProperties": {"type": "integer"},
        },
        "error": {"type": "string", "description": "Why it failed; else empty."},
    },
}


class TransferLog:
    """Turns changes of transfers into events of one schema."""

    def __init__(self, logger: EventLogger) -> None:
        self._logger = logger
        logger.register_event_schema(SCHEMA)

    def changed(self, before: TransferStatus | None, now: TransferStatus) -> None:
        if before is None:
            self._emit("started", now)
        if now.is_complete and not (before is not None and before.is_complete):
            self._emit("completed", now)
        if now.state is TransferState.FAILED and (before is None or before.state is not now.state):
            self._emit("failed", now)

    def _emit(self, action: str, status: TransferStatus) -> None:
        self._logger.emit(
            schema_id=SCHEMA_ID,
            data={
                "action": action,
                "info_hash": status.info_hash,
                "name": status.name,
                "total": status.total,
                "seconds": status.seconds,
                "by_transport": status.by_transport,
                "error": status.error,
            },
        )
