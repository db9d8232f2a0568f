from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel.errors import TransferFailedError, TransferTimeoutError
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.scripted import HASH, ScriptedClient, status

FAILED = TransferState.FAILED
SEEDING = TransferState.SEEDING


def test_a_transfer_is_what_the_server_says_whenever_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    client = ScriptedClient([status(done=500)], [status(SEEDING, paths=["/home/me/penguins.csv"])])
    transfer = Transfer(client, status(TransferState.METADATA, name="", total=0))
    assert (transfer.name, transfer.progress, transfer.paths) == ("", 0.0, [])
    assert client.asked == 0
    now += 1
    assert (transfer.name, transfer.progress) == ("penguins.csv", 0.5)
    assert client.asked == 1
    now += 1
    assert transfer.paths == [Path("/home/me/penguins.csv")]
    assert (transfer.state, transfer.info_hash) == (SEEDING, HASH)
    assert transfer.magnet == f"magnet:?xt=urn:btih:{HASH}"


def test_waiting_returns_the_complete_transfer() -> None:
    client = ScriptedClient([status(done=1)], [status(done=999)], [status(SEEDING)])
    transfer = Transfer(client, status())
    assert transfer.wait() is transfer
    assert transfer.known.state is SEEDING


async def test_awaiting_does_the_same_and_leaves_the_loop_free() -> None:
    client = ScriptedClient([status(done=1)], [status(done=999)], [status(SEEDING)])
    transfer = Transfer(client, status())
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    assert await transfer is transfer
    counting.cancel()
    assert turns > 10


def test_waiting_for_what_cannot_be_had_says_why() -> None:
    client = ScriptedClient([status()], [status(FAILED, error="the disk is full")])
    with pytest.raises(TransferFailedError, match=r"^penguins\.csv: the disk is full$"):
        Transfer(client, status()).wait()


async def test_awaiting_what_cannot_be_had_says_why() -> None:
    client = ScriptedClient(TransferFailedError("The transfer is no longer there."))
    with pytest.raises(TransferFailedError, match="no longer there"):
        await Transfer(client, status())


def test_waiting_too_long_says_that_it_goes_on_and_how_far_it_is() -> None:
    client = ScriptedClient([status(done=560, notice="no peers found yet")])
    with pytest.raises(TransferTimeoutError, match="goes on in the background") as caught:
        Transfer(client, status()).wait(timeout=0.1)
    assert str(caught.value).endswith("560 B of 1 kB, 2.1 kB/s from 1 peer; no peers found yet")
    assert isinstance(caught.value, TimeoutError)


def test_in_text_a_transfer_shows_no_more_than_it_should() -> None:
    transfer = Transfer(ScriptedClient([]), status(name="\x1b]8;;http://x\x07evil", done=10))
    assert transfer._repr_mimebundle_() == {"text/plain": repr(transfer)}
    assert repr(transfer) == ("<Transfer �]8;;http://x�evil: 10 B of 1 kB, 2.1 kB/s from 1 peer>")
