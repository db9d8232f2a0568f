"""What a private torrent (BEP 27) says on the local network and in the DHT: nothing, on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.net import lan
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.lsd import GROUP_IPV4
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest
from tests.engine.classroom import until
from tests.engine.test_dht import Internet
from tests.engine.test_pause import SlowDisk

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

LONG = 4000.0
"""Seconds: by then everything public was announced again."""


class RecordedInternet(Internet):
    """Keeps every datagram, those to the group of local discovery too."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        super().__init__(folder, stack)
        self.messages: list[bytes] = []
        deliver = self.datagrams.deliver

        def recorded(data: bytes, sender: PeerAddress, receiver: PeerAddress) -> None:
            self.messages.append(data)
            deliver(data, sender, receiver)

        self.datagrams.deliver = recorded  # type: ignore[method-assign]

    def naming(self, info_hash: InfoHash) -> list[bytes]:
        """The messages that give a torrent away."""
        return [
            message
            for message in self.messages
            if info_hash.digest in message or str(info_hash).encode() in message
        ]

    async def open_session(self, host: str, **settings: object) -> Session:
        return await self.session(host, lan_discovery=True, **settings)


class RecordedGroup:
    """In place of a multicast group."""

    host = GROUP_IPV4

    def __init__(self, messages: list[bytes]) -> None:
        self.send: Callable[[bytes], None] = messages.append

    def close(self) -> None:
        pass


@pytest_asyncio.fixture
async def internet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RecordedInternet]:
    async with AsyncExitStack() as stack:
        world = RecordedInternet(tmp_path, stack)

        async def join(*_: object) -> RecordedGroup:
            return RecordedGroup(world.messages)

        monkeypatch.setattr(lan._Group, "join", join)
        yield world


async def test_an_open_torrent_is_named_on_both_wires(internet: RecordedInternet) -> None:
    session = await internet.open_session("41.0.0.1")
    shared = await session.share(ShareRequest(paths=[internet.data()]))
    await asyncio.sleep(60)
    named = internet.naming(shared.info_hash)
    assert any(message.startswith(b"BT-SEARCH") for message in named)
    assert any(message.startswith(b"d1:ad") for message in named)


@pytest.mark.parametrize("again", [False, True])
async def test_a_private_share_is_named_nowhere_after_a_restart_neither(
    internet: RecordedInternet, again: bool
) -> None:
    kept = internet.folder / "state"
    async with AsyncExitStack() as first_run:
        internet.stack = first_run
        session = await internet.open_session("41.0.0.1", state_folder=kept)
        request = ShareRequest(paths=[internet.data()], private=True)
        info_hash = (await session.share(request)).info_hash
        await asyncio.sleep(LONG)
        if again:
            await first_run.aclose()
            session = await internet.open_session("41.0.0.1", state_folder=kept)
            await session.share(ShareRequest(paths=[internet.data("open.csv")]))
            assert info_hash in session.torrents
            await asyncio.sleep(LONG)
            assert internet.messages
        assert internet.naming(info_hash) == []


@pytest.mark.parametrize("slow", [False, True])
async def test_a_magnet_link_that_turns_out_private_is_named_no_more(
    internet: RecordedInternet, slow: bool
) -> None:
    seed = await internet.open_session("41.0.0.1")
    kept = internet.folder / "state"
    shared = await seed.share(ShareRequest(paths=[internet.data()], private=True))
    async with AsyncExitStack() as first_run:
        internet.stack, stack = first_run, internet.stack
        leech = await internet.open_session("42.0.0.1", state_folder=kept)
        if slow:
            leech._services.offload = SlowDisk()
        fetched = await leech.fetch(
            FetchRequest(
                link=str(shared.info_hash),
                folder=internet.target(),
                trackers=[],
                peers=[str(seed.listening)],
            )
        )
        await until(lambda: fetched.info is not None)
        await asyncio.sleep(0.05)  # what is on its way
        internet.messages.clear()
        await fetched.arrival.wait()
        await asyncio.sleep(LONG)
        assert internet.naming(shared.info_hash) == []
        await leech.pause(shared.info_hash)
        await leech.resume(shared.info_hash)
        await asyncio.sleep(LONG)
        assert internet.naming(shared.info_hash) == []
        internet.stack = stack
    again = await internet.open_session("42.0.0.1", state_folder=kept)
    assert shared.info_hash in again.torrents
    await asyncio.sleep(LONG)
    assert internet.naming(shared.info_hash) == []
