"""Sessions that find each other by the DHT, in virtual time: when they use it, and when not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import InlineOffload
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.session_dht import STATE_FILE
from jupyter_webtorrent.net.dht import Dht
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.memory import Link, MemoryHost, MemoryNetwork
from jupyter_webtorrent.net.memory_datagrams import MemoryDatagramNetwork
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest
from tests.engine.classroom import until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

ROUTER = PeerAddress("40.0.0.1", 6881)
HASH = "magnet:?xt=urn:btih:" + "ab" * 20


class Internet:
    """Machines by IP address, with streams and datagrams, and one DHT node that all know."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        link = Link(latency=0.02)
        self.streams = MemoryNetwork(Random(1), link)
        self.datagrams = MemoryDatagramNetwork(Random(2), link)
        self.router: Dht | None = None
        self.folder = folder
        self.stack = self._own_stack = stack

    async def session(self, host: str, **settings: object) -> Session:
        if self.router is None:  # not in a fixture, where time is not virtual yet
            self.router = Dht((), Random(3))
            await self.router.open(self.datagrams.host(ROUTER.host), "0.0.0.0", ROUTER.port)
            self._own_stack.push_async_callback(self.router.aclose)
        defaults = {"dht_nodes": (str(ROUTER),), "lan_discovery": False, "trackers": ()}
        config = EngineConfig(
            listen_host=host,
            **{**defaults, **settings},  # type: ignore[arg-type]
        )
        session = Session(
            config,
            network=self.streams.host(host),
            datagrams=self.datagrams.host(host),
            offload=InlineOffload(),
            random=Random(host),
        )
        return await self.stack.enter_async_context(session)

    def data(self, name: str = "data.csv") -> str:
        return str(write_random(self.folder / name, 100_000))

    def target(self) -> str:
        folder = self.folder / "target"
        folder.mkdir(exist_ok=True)
        return str(folder)


@pytest_asyncio.fixture
async def internet(tmp_path: Path) -> AsyncIterator[Internet]:
    async with AsyncExitStack() as stack:
        world = Internet(tmp_path, stack)
        yield world


async def test_an_info_hash_is_enough(internet: Internet) -> None:
    seed, leech = await internet.session("41.0.0.1"), await internet.session("42.0.0.1")
    shared = await seed.share(ShareRequest(paths=[internet.data()]))
    await until(lambda: seed.status().dht_nodes == 1)
    fetched = await leech.fetch(
        FetchRequest(link=str(shared.info_hash), folder=internet.target(), trackers=[])
    )
    await fetched.arrival.wait()
    assert leech.status().dht_trouble == ""


async def test_nothing_is_sent_before_the_first_share(internet: Internet) -> None:
    session = await internet.session("41.0.0.1")
    assert len(internet.datagrams.open) == 1
    assert session.status().dht_nodes == 0


async def test_a_private_torrent_is_not_announced(internet: Internet) -> None:
    session = await internet.session("41.0.0.1")
    shared = await session.share(ShareRequest(paths=[internet.data()], private=True))
    assert not shared.peering.handshake.supports_dht
    assert not await announced(internet, shared.info_hash)


async def announced(internet: Internet, info_hash: InfoHash) -> list[PeerAddress]:
    """Who a third node hears of, some time later."""
    await asyncio.sleep(60)
    asker = Dht([ROUTER], Random(9))
    await asker.open(internet.datagrams.host("49.0.0.1"), "0.0.0.0", 6881)
    asker.join()
    await asker.ready.wait()
    found: list[PeerAddress] = []
    await asker.search(info_hash, found.extend, port=None)
    await asker.aclose()
    return found


async def test_an_open_torrent_is_announced_with_our_tcp_port(internet: Internet) -> None:
    session = await internet.session("41.0.0.1")
    shared = await session.share(ShareRequest(paths=[internet.data()]))
    assert shared.peering.handshake.supports_dht
    found = await announced(internet, shared.info_hash)
    assert session.listening is not None
    assert set(found) == {PeerAddress("41.0.0.1", session.listening.port)}


async def test_a_restored_torrent_is_announced_once_there_is_a_port(
    internet: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(host: MemoryHost, address: object, accepted: object) -> None:
        raise NetError("the port is taken")

    host, state = "41.0.0.1", tmp_path / "state"
    async with AsyncExitStack() as first_run:
        internet.stack, stack = first_run, internet.stack
        session = await internet.session(host, state_folder=state)
        await session.share(ShareRequest(paths=[internet.data()]))
    internet.stack = stack
    with monkeypatch.context() as patch:
        patch.setattr(MemoryHost, "listen", refuse)
        session = await internet.session(host, state_folder=state)
    (torrent,) = session.torrents.values()
    assert not await announced(internet, torrent.info_hash)
    await session.share(ShareRequest(paths=[internet.data("other.csv")]))
    assert session.listening is not None
    found = await announced(internet, torrent.info_hash)
    assert set(found) == {PeerAddress(host, session.listening.port)}


async def test_without_the_dht_no_port_is_opened(internet: Internet) -> None:
    session = await internet.session("41.0.0.1", dht=False)
    shared = await session.share(ShareRequest(paths=[internet.data()]))
    assert not shared.peering.handshake.supports_dht
    assert len(internet.datagrams.open) == 1
    with pytest.raises(EngineError, match="nobody to fetch from"):
        await session.fetch(FetchRequest(link=HASH, folder=internet.target(), trackers=[]))


async def test_peers_tell_each_other_of_their_nodes(internet: Internet) -> None:
    """With no node to begin with, two that meet by address are a DHT."""
    lonely = {"dht_nodes": ("43.0.0.9:1",)}
    seed = await internet.session("41.0.0.1", **lonely)
    leech = await internet.session("42.0.0.1", **lonely)
    shared = await seed.share(ShareRequest(paths=[internet.data()]))
    fetched = await leech.fetch(
        FetchRequest(
            link=str(shared.info_hash),
            folder=internet.target(),
            trackers=[],
            peers=[str(seed.listening)],
        )
    )
    await fetched.arrival.wait()
    await until(lambda: seed.status().dht_nodes == leech.status().dht_nodes == 1)


async def test_a_local_torrent_asks_no_public_bootstrap_node(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_webtorrent.engine.session_dht.DEFAULT_DHT_NODES", (str(ROUTER),))
    session = await internet.session("192.168.1.2")
    link = f"{HASH}&x.pe=192.168.1.7:6881"
    await session.fetch(FetchRequest(link=link, folder=internet.target(), trackers=[]))
    await asyncio.sleep(60)
    assert internet.datagrams.sent == 0
    await session.share(ShareRequest(paths=[internet.data()]))
    await until(lambda: session.status().dht_nodes == 1)


async def test_a_bootstrap_that_fails_has_its_reason(internet: Internet) -> None:
    session = await internet.session("41.0.0.1", dht_nodes=("43.0.0.9:1",))
    fetched = await session.fetch(FetchRequest(link=HASH, folder=internet.target(), trackers=[]))
    await until(lambda: session.status().dht_trouble == "no DHT node answered")
    assert "no DHT node answered" in session.transfer(fetched).notice


@pytest.mark.parametrize("corrupt", [False, True])
async def test_the_nodes_are_kept_between_runs(internet: Internet, corrupt: bool) -> None:
    kept = internet.folder / "state"
    async with AsyncExitStack() as first_run:
        internet.stack, stack = first_run, internet.stack
        session = await internet.session("41.0.0.1", state_folder=kept)
        await session.share(ShareRequest(paths=[internet.data()]))
        await until(lambda: session.status().dht_nodes == 1)
        internet.stack = stack
    assert (kept / STATE_FILE).exists()
    if corrupt:
        (kept / STATE_FILE).write_bytes(b"d4:ipv4")
    session = await internet.session("41.0.0.1", state_folder=kept, dht_nodes=("43.0.0.9:1",))
    await session.share(ShareRequest(paths=[internet.data()]))
    await asyncio.sleep(30)
    assert session.status().dht_nodes == (0 if corrupt else 1)


async def test_a_folder_that_cannot_be_written_costs_only_the_nodes(internet: Internet) -> None:
    blocked = Path(internet.data("file"))
    session = await internet.session("41.0.0.1", state_folder=blocked)
    await session.share(ShareRequest(paths=[internet.data()]))
    await until(lambda: session.status().dht_nodes == 1)


async def test_a_bad_bootstrap_node_is_named(internet: Internet) -> None:
    session = await internet.session("41.0.0.1", dht_nodes=("nowhere",))
    with pytest.raises(WebTorrentError, match="nowhere"):
        await session.share(ShareRequest(paths=[internet.data()]))
