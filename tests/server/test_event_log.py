from __future__ import annotations

import io
import json
import logging
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
