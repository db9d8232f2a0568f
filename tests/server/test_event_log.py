from __future__ import annotations

import asyncio
import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from jupyter_events import EventLogger

from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus
from jupyter_webtorrent.server.event_log import SCHEMA_ID, TransferLog


def status(state: TransferState, error: str = "") -> TransferStatus:
    return TransferStatus(
        "a" * 40,
        "data.csv",
        state,
        "magnet:?",
        total=10,
        done=0,
        by_transport={"tcp": 10},
        error=error,
    )


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(written: io.StringIO) -> TransferLog:
    return TransferLog(EventLogger(handlers=[logging.StreamHandler(written)]))


def events(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_fetch_is_logged_when_it_starts_and_when_it_is_complete(
    log: TransferLog, written: io.StringIO
) -> None:
    states = [TransferState.METADATA, TransferState.DOWNLOADING, TransferState.SEEDING]
    before = None
    for state in [*states, TransferState.SEEDING]:
        now = status(state)
        log.changed(before, now)
        before = now
    assert [event["action"] for event in events(written)] == ["started", "completed"]
    assert events(written)[0]["__schema__"] == SCHEMA_ID


def test_a_failure_is_logged_with_its_reason(log: TransferLog, written: io.StringIO) -> None:
    log.changed(status(TransferState.METADATA), status(TransferState.FAILED, "the disk is full"))
    (event,) = events(written)
    assert (event["action"], event["error"]) == ("failed", "the disk is full")


async def test_who_subscribes_to_jupyters_events_is_told(
    jp_fetch: Any, jp_ws_fetch: Any, jp_serverapp: Any, dataset: Path
) -> None:
    heard: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def listen(logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        heard.put_nowait((schema_id, data))

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    socket = await jp_ws_fetch("api", "events", "subscribe")
    body = json.dumps({"paths": [dataset.name]})
    await jp_fetch("webtorrent", "api", "share", method="POST", body=body)
    actions = []
    while "completed" not in actions:
        schema_id, data = await asyncio.wait_for(heard.get(), 10)
        assert (schema_id, data["name"]) == (SCHEMA_ID, dataset.name)
        actions.append(data["action"])
    assert actions == ["started", "completed"]
    told = json.loads(await asyncio.wait_for(socket.read_message(), 10))
    assert (told["schema_id"], told["action"]) == (SCHEMA_ID, "started")
    socket.close()
