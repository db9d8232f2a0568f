"""Settings that change while the engine runs: at once, or by beginning the session anew; nothing is lost."""

from __future__ import annotations

import asyncio
import queue
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_webtorrent.engine.changes import AT_ONCE
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.host import EngineHost
from jupyter_webtorrent.engine.offload import InlineOffload
from jupyter_webtorrent.engine.runner import SessionRunner
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    ShareRequest,
    TransferEvent,
    TransferState,
)
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.journal import Journal
from tests.engine.classroom import (
    Classroom,
    Machine,
    all_done,
    classroom,
    digest,
    until,
    write_random,
)

MB = 1_000_000
FAST = Link(latency=0.01, rate=5_000_000)
WAIT = 20.0


class Computer:
    """A machine whose session may begin anew."""

    def __init__(self, room: Classroom, name: str, state: Path | None) -> None:
        self._room, self.name, self._state = room, name, state
        self.folder = room.folder / name
        self.folder.mkdir()
        first = room.session(name, state_folder=state).config
        self.runner = SessionRunner(first, self._make)

    def _make(self, config: EngineConfig, port: int) -> Session:
        return Session(
            config,
            network=self._room.network.host(self.name),
            offload=InlineOffload(),
            port=port,
        )

    @property
    def session(self) -> Session:
        return self.runner.session

    @property
    def torrent(self) -> Torrent:
        (torrent,) = self.session.torrents.values()
        return torrent

    async def configure(self, **settings: Any) -> None:
        await self.runner.configure(replace(self.session.config, **settings))

    async def fetch(self, teacher: Machine, shared: Torrent, **options: Any) -> None:
        link = f"magnet:?xt=urn:btih:{shared.info_hash}&x.pe={teacher.address}"
        request = FetchRequest(link, str(self.folder), **options)
        await self.runner.call(lambda session: session.fetch(request))


@asynccontextmanager
async def computer(
    room: Classroom, name: str = "student", *, remembers: bool = True
) -> AsyncIterator[Computer]:
    machine = Computer(room, name, room.folder / f"{name}-state" if remembers else None)
    await machine.runner.start()
    try:
        yield machine
    finally:
        await machine.runner.aclose()


@asynccontextmanager
async def lesson(
    folder: Path, size: int = 20 * MB, **options: Any
) -> AsyncIterator[tuple[Classroom, Computer, Machine, Torrent]]:
    """A student who fetches from the teacher."""
    data = write_random(folder / "data.bin", size)
    async with classroom(folder, FAST) as room, computer(room, **options) as student:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        await student.fetch(teacher, shared)
        await until(lambda: student.torrent.swarm.have.count() > 0)
        yield room, student, teacher, shared


@pytest.mark.looptime
@pytest.mark.asyncio
@pytest.mark.parametrize("remembers", [False, True])
async def test_rates_goals_and_slots_change_without_a_new_session(
    remembers: bool, tmp_path: Path
) -> None:
    async with lesson(tmp_path, remembers=remembers) as (_, student, _, _):
        session, torrent = student.session, student.torrent
        settings: dict[str, Any] = {
            "down_limit": 100_000,
            "limit_lan": True,
            "upload_slots": 2,
            "max_peers": 5,
            "seed_ratio": 1.5,
            "trackers": ("ws://127.0.0.1:9/announce",),
        }
        assert settings.keys() <= AT_ONCE
        await student.configure(**settings)
        assert student.session is session
        await asyncio.sleep(10)  # what was asked before comes at its old rate
        before = torrent.swarm.down.total
        await asyncio.sleep(20)
        assert torrent.swarm.down.total - before < 2.5 * MB
        assert torrent.swarm.choker.slots == 2
        assert (torrent.goal.ratio, torrent.goal.seconds) == (1.5, None)
        await student.configure(down_limit=None, seed_ratio=None)
        await all_done([torrent], 30)
        assert torrent.goal.ratio is None
        (tmp_path / "own.txt").write_text("own")
        request = ShareRequest(paths=[str(tmp_path / "own.txt")])
        own = await student.runner.call(lambda session: session.share(request))
        assert own.peering.trackers == ("ws://127.0.0.1:9/announce",)


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_a_limit_begins_to_hold_on_the_local_network_for_those_who_are_there(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.bin", 20 * MB)
    async with classroom(tmp_path, FAST) as room, computer(room, "127.0.0.1") as teacher:
        await teacher.configure(up_limit=50_000)
        request = ShareRequest(paths=[str(data)])
        shared = await teacher.runner.call(lambda session: session.share(request))
        student = await room.machine("127.0.0.2")
        fetched = await student.fetch(shared, [str(teacher.session.listening)])
        await until(lambda: fetched.swarm.down.total > MB, 10)
        await teacher.configure(limit_lan=True)
        await asyncio.sleep(5)
        before = fetched.swarm.down.total
        await asyncio.sleep(20)
        assert 0 < fetched.swarm.down.total - before < 1.5 * MB


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_own_goals_are_kept_and_the_sessions_follow_it(tmp_path: Path) -> None:
    async with lesson(tmp_path) as (_, student, _, _):
        student.torrent.goal.set(3.0, None)
        await student.configure(seed_ratio=1.0)
        assert student.torrent.goal.ratio == 3.0
        student.torrent.goal.set(1.0, None)
        await student.configure(seed_ratio=2.0, pex=False)
        assert student.torrent.goal.ratio == 2.0


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_a_session_begins_anew_and_its_torrents_go_on(tmp_path: Path) -> None:
    async with lesson(tmp_path) as (room, student, _, _):
        first, torrent = student.session, student.torrent
        listening = first.listening
        await until(lambda: torrent.swarm.have.count() > 40)
        room.network.unplug("teacher")
        await asyncio.sleep(1)  # what was on its way has come
        missing = next(piece for piece in range(900, 1000) if piece not in torrent.swarm.have)
        async with first.open_stream(torrent.info_hash, 0) as stream:
            reading = asyncio.create_task(stream.read(missing * 16384, 1000))
            await asyncio.sleep(1)
            await student.configure(pex=False)
            with pytest.raises(EngineError, match="the transfer was stopped"):
                await reading
        assert student.session is not first
        assert student.session.listening == listening
        room.network.plug("teacher")
        again = student.torrent
        await all_done([again], 600)
        assert digest(student.folder / "data.bin") == digest(tmp_path / "data.bin")
        assert again.swarm.down.total < 20 * MB - 40 * 16384


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_calls_wait_for_the_session_that_comes(tmp_path: Path) -> None:
    async with lesson(tmp_path) as (_, student, _, shared):
        other = write_random(tmp_path / "other.bin", 5 * MB, seed=2)
        request = ShareRequest(paths=[str(other)])
        changing = asyncio.create_task(student.configure(pex=False))
        await asyncio.sleep(0)
        calls = [
            asyncio.create_task(student.runner.call(call, may_take_long=may_take_long))
            for call, may_take_long in (
                (lambda session: session.share(request), True),
                (lambda session: session.pause(shared.info_hash), False),
            )
        ]
        await changing
        share, _ = await asyncio.gather(*calls)
        assert share in student.session.torrents.values()
        assert student.session.torrents[shared.info_hash].state is TransferState.PAUSED


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_a_long_call_is_made_again_and_a_short_one_is_waited_for(tmp_path: Path) -> None:
    async with classroom(tmp_path, FAST) as room, computer(room) as student:
        sessions: list[Session] = []
        ended: list[str] = []

        async def long(session: Session) -> str:
            sessions.append(session)
            if len(sessions) == 1:
                await asyncio.Event().wait()
            return "long"

        async def short(session: Session) -> None:
            await asyncio.sleep(5)
            ended.append("short")

        calls = asyncio.gather(
            student.runner.call(long, may_take_long=True), student.runner.call(short)
        )
        await asyncio.sleep(1)
        await student.configure(pex=False)
        assert ended == ["short"]
        assert (await calls)[0] == "long"
        assert sessions[0] is not sessions[1] is student.session
        given_up = asyncio.create_task(student.runner.call(short))
        await asyncio.sleep(1)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert given_up.cancelled()
        assert ended == ["short"]


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_without_a_state_what_needs_a_new_session_is_refused(tmp_path: Path) -> None:
    async with lesson(tmp_path, remembers=False) as (_, student, _, _):
        before = student.session.config
        with pytest.raises(EngineError, match="dht, pex: not while there are transfers"):
            await student.configure(pex=False, dht=False, down_limit=1000)
        assert student.session.config is before
        await student.session.remove(student.torrent.info_hash)
        await student.configure(pex=False, down_limit=1000)
        assert not student.session.config.pex


def _refuse(*_: Any) -> None:
    raise StorageError("no space left on device")


@pytest.mark.looptime
@pytest.mark.asyncio
@pytest.mark.parametrize("call", ["open", "commit"])
async def test_without_a_state_that_can_be_written_no_transfer_is_lost(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Journal, call, _refuse if call == "commit" else staticmethod(_refuse))
    async with lesson(tmp_path) as (_, student, _, _):
        session = student.session
        await asyncio.sleep(10)
        with pytest.raises(EngineError, match="pex: not while there are transfers"):
            await student.configure(pex=False)
        assert student.session is session
        await all_done([student.torrent], 60)


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_a_disk_that_fills_up_as_a_session_ends_costs_no_transfer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lesson(tmp_path) as (_, student, _, _):
        save = student.session.save

        async def save_and_fill_up() -> None:
            await save()
            monkeypatch.setattr(Journal, "commit", _refuse)

        monkeypatch.setattr(student.session, "save", save_and_fill_up)
        await student.configure(pex=False)
        await all_done([student.torrent], 60)
        assert digest(student.folder / "data.bin") == digest(tmp_path / "data.bin")


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_a_second_server_that_starts_amid_a_change_takes_no_transfer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        classroom(tmp_path) as room,
        computer(room, "one") as one,
        AsyncExitStack() as stack,
    ):
        (tmp_path / "note.ipynb").write_text("{}")
        request = ShareRequest([str(tmp_path / "note.ipynb")], copy_notebooks=True)
        shared = await one.runner.call(lambda session: session.share(request))
        two = room.session("two", state_folder=tmp_path / "one-state")
        aclose = one.session.aclose

        async def aclose_and_start_another() -> None:
            await aclose()
            await stack.enter_async_context(two)

        monkeypatch.setattr(one.session, "aclose", aclose_and_start_another)
        await one.configure(pex=False)
        assert not two.torrents
        await until(lambda: one.torrent.state is TransferState.SEEDING)
        assert one.torrent.info_hash == shared.info_hash
        assert one.torrent.copied


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_a_state_folder_cannot_be_exchanged(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room, computer(room) as student:
        with pytest.raises(EngineError, match="state folder cannot be changed"):
            await student.configure(state_folder=tmp_path / "other")


@pytest.mark.looptime
@pytest.mark.asyncio
async def test_a_session_that_cannot_listen_goes_back_to_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lesson(tmp_path) as (_, student, _, _):
        before, listening = student.session.config, student.session.listening
        listen = Session.listen

        async def refuse(session: Session) -> None:
            if session.config.listen_port == 5000:
                raise NetError("cannot listen on port 5000: Address already in use")
            await listen(session)

        monkeypatch.setattr(Session, "listen", refuse)
        with pytest.raises(NetError, match="port 5000: Address already in use"):
            await student.configure(listen_port=5000, seed_ratio=1.0)
        assert student.session.config == before
        assert student.session.listening == listening
        assert student.torrent.goal.ratio is None
        await all_done([student.torrent], 60)


CONFIG = EngineConfig(
    trackers=(),
    listen_host="127.0.0.1",
    transports=frozenset({"tcp"}),
    lan_discovery=False,
    dht=False,
)


def test_a_port_that_is_taken_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    host = EngineHost(replace(CONFIG, state_folder=tmp_path / "state"))
    events: queue.Queue[TransferEvent] = queue.Queue()
    try:
        data = write_random(tmp_path / "data.bin", 1000)
        shared = host.share(ShareRequest(paths=[str(data)])).result(WAIT)
        listening = host.status().result(WAIT).listening
        host.subscribe(events.put)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            config = replace(CONFIG, state_folder=tmp_path / "state", listen_port=port)
            with pytest.raises(NetError, match=f"{port}: .*in use"):
                host.configure(config).result(WAIT)
            assert host.status().result(WAIT).listening == listening
        host.configure(config).result(WAIT)
        assert host.status().result(WAIT).listening == f"127.0.0.1:{port}"
        (transfer,) = host.transfers().result(WAIT)
        assert transfer.info_hash == shared.info_hash
        while f"127.0.0.1:{port}" not in _last_magnet(events):
            pass
        host.configure(replace(config, listen_port=port, up_limit=1000)).result(WAIT)
    finally:
        host.close()


def test_a_server_that_is_slow_to_give_a_torrent_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    host = EngineHost(replace(CONFIG, state_folder=tmp_path / "state"))
    try:
        data = write_random(tmp_path / "data.bin", 1000)
        shared = host.share(ShareRequest(paths=[str(data)])).result(WAIT)
        metainfo = host.metainfo(shared.info_hash).result(WAIT)
        with socket.socket() as slow:
            slow.bind(("127.0.0.1", 0))
            slow.listen()
            link = f"http://127.0.0.1:{slow.getsockname()[1]}/announce/data.torrent"
            fetch = host.fetch(FetchRequest(link, str(tmp_path)))
            first, _ = slow.accept()
            with first:
                host.configure(replace(CONFIG, state_folder=tmp_path / "state", pex=False)).result(
                    WAIT
                )
                assert host.status().result(WAIT).transfers == 1
            again, _ = slow.accept()
            with again:
                again.sendall(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(metainfo), metainfo)
                )
            assert fetch.result(WAIT).info_hash == shared.info_hash
    finally:
        host.close()


def _last_magnet(events: queue.Queue[TransferEvent]) -> str:
    event = events.get(timeout=WAIT)
    assert not event.removed
    return event.transfers[0].magnet if event.transfers else ""


def test_a_port_that_need_not_be_gives_way_to_any_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = write_random(tmp_path / "data.bin", 1000)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        strict = replace(CONFIG, state_folder=tmp_path / "state", listen_port=port)
        config = replace(strict, listen_elsewhere=True)
        host = EngineHost(config)
        try:
            host.share(ShareRequest(paths=[str(data)])).result(WAIT)
            listening = host.status().result(WAIT).listening
            assert listening not in (None, f"127.0.0.1:{port}")
            assert f"{port}: Address already in use: any other does" in caplog.text
            host.configure(replace(config, pex=False)).result(WAIT)
            assert host.status().result(WAIT).listening == listening
            with pytest.raises(NetError, match="in use"):
                host.configure(strict).result(WAIT)
        finally:
            host.close()


def test_an_engine_that_did_not_begin_yet_takes_any_settings(tmp_path: Path) -> None:
    host = EngineHost(CONFIG)
    try:
        host.configure(replace(CONFIG, state_folder=tmp_path / "state")).result(WAIT)
        assert not (tmp_path / "state").exists()
        assert host.transfers().result(WAIT) == []
        assert (tmp_path / "state").exists()
    finally:
        host.close()
    with pytest.raises(EngineError, match="the engine has stopped"):
        host.configure(CONFIG).result(WAIT)
