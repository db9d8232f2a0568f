"""Jupyter answers at once while the engine in its process moves data at full speed both ways."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.kernel.servers import PROJECT, JupyterServer, jupyter_server

MIB = 1 << 20
LIMIT_SECONDS = 0.1
"""For 99 of 100 answers."""
PAUSE_SECONDS = 0.02
"""Between two questions."""


def make_file(path: Path, size: int, beginning: bytes = b"") -> None:
    """A file of zeros but for its beginning."""
    with open(path, "wb") as file:
        file.write(beginning)
        file.truncate(size)


@contextmanager
def traffic_peer(folder: Path, size: int) -> Iterator[subprocess.Popen[str]]:
    """A `traffic_peer` that seeds a file of `size` zeros."""
    folder.mkdir()
    make_file(folder / "seeded.bin", size)
    command = [sys.executable, "-m", "tests.server.traffic_peer", str(folder)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:
        yield peer
        assert peer.stdin is not None
        peer.stdin.close()
        assert peer.wait(30) == 0


class Api:
    """The server's own API and ours."""

    def __init__(self, server: JupyterServer, session: aiohttp.ClientSession) -> None:
        self.url = str(server.info["url"])
        self.headers = {"Authorization": f"token {server.info['token']}"}
        self._session = session

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        url = self.url + path
        async with self._session.request(method, url, json=body, headers=self.headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status != 204 else None

    @asynccontextmanager
    async def kernel(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """A function that has a new kernel run an empty cell, through the server."""
        kernel = (await self.ask("POST", "api/kernels", {"name": "python3"}))["id"]
        path = f"api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        async with self._session.ws_connect(self.url + path, headers=self.headers) as connection:

            async def echo() -> None:
                header = {
                    "msg_id": uuid.uuid4().hex,
                    "msg_type": "execute_request",
                    "username": "",
                    "session": "test",
                    "date": "",
                    "version": "5.3",
                }
                content = {"code": "", "silent": True}
                acknowledge_at_once(connection)
                await connection.send_json(
                    {
                        "header": header,
                        "parent_header": {},
                        "metadata": {},
                        "content": content,
                        "channel": "shell",
                    }
                )
                while True:
                    message = await connection.receive_json()
                    acknowledge_at_once(connection)
                    if (
                        message["msg_type"] == "execute_reply"
                        and message["parent_header"]["msg_id"] == header["msg_id"]
                    ):
                        return

            await echo()  # it is up now
            yield echo
        await self.ask("DELETE", f"api/kernels/{kernel}")

    async def fetch_again_and_again(self, link: str) -> None:
        while True:
            fetched = await self.ask("POST", "webtorrent/api/fetch", {"link": link})
            path = f"webtorrent/api/torrents/{fetched['info_hash']}"
            while (await self.ask("GET", path))["transfer"]["state"] != "seeding":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            await self.ask("DELETE", path + "?data=true")

    async def rates(self, into: list[tuple[float, float]]) -> None:
        """Bytes a second down and up, each second."""
        while True:
            await asyncio.sleep(1)
            session = await self.ask("GET", "webtorrent/api/session")
            into.append((session["down_rate"], session["up_rate"]))


def acknowledge_at_once(connection: aiohttp.ClientWebSocketResponse) -> None:
    """Else the system waits 40 ms, and Jupyter's side, which has TCP_NODELAY off, waits with the rest for that."""
    option = getattr(socket, "TCP_QUICKACK", None)
    own = connection.get_extra_info("socket")
    if option is not None and own is not None:
        own.setsockopt(socket.IPPROTO_TCP, option, 1)


async def latencies(ask: Callable[[], Awaitable[object]], seconds: float) -> list[float]:
    """How long each answer took, in order of size."""
    taken = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        await ask()
        taken.append(time.monotonic() - began)
        await asyncio.sleep(PAUSE_SECONDS)
    return sorted(taken)


class Figures(NamedTuple):
    """What answers took, in seconds."""

    p50: float
    p99: float
    worst: float

    @classmethod
    def of(cls, name: str, taken: list[float]) -> Figures:
        """Print those of one question."""
        p50, p99 = (taken[int(len(taken) * share)] for share in (0.5, 0.99))
        print(
            f"{name}: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms,"
            f" max {taken[-1] * 1000:.1f} ms of {len(taken)}"
        )
        return cls(p50, p99, taken[-1])


async def measure(folder: Path, seconds: float, size: int) -> tuple[Figures, Figures, float]:
    """`/api/status`, a kernel's echo, and the lesser of both rates in bytes a second."""
    with jupyter_server(folder / "server") as server, traffic_peer(folder / "peer", size) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        make_file(server.root / "shared.bin", size, b"not the peer's file")
        link = await asyncio.to_thread(peer.stdout.readline)
        async with aiohttp.ClientSession() as session:
            api = Api(server, session)
            async with api.kernel() as echo:
                idle = await latencies(echo, seconds / 8)
                shared = await api.ask("POST", "webtorrent/api/share", {"paths": ["shared.bin"]})
                print(shared["magnet"], file=peer.stdin, flush=True)
                rates: list[tuple[float, float]] = []
                tasks = [
                    asyncio.create_task(api.fetch_again_and_again(link.strip())),
                    asyncio.create_task(api.rates(rates)),
                ]
                while not rates or min(rates[-1]) == 0:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                rates.clear()
                try:
                    status, echoes = await asyncio.gather(
                        latencies(lambda: api.ask("GET", "api/status"), seconds),
                        latencies(echo, seconds),
                    )
                finally:
                    for task in tasks:
                        task.cancel()
                    ended = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
    down, up = (sum(column) / len(rates) for column in zip(*rates, strict=True))
    print(f"\ndown {down / 1e6:.0f} MB/s, up {up / 1e6:.0f} MB/s")
    Figures.of("idle kernel's echo", idle)
    return Figures.of("/api/status", status), Figures.of("kernel's echo", echoes), min(down, up)


@pytest.mark.alone
async def test_jupyter_answers_at_once_under_full_load(tmp_path: Path) -> None:
    status, echo, rate = await measure(tmp_path, 10, 256 * MIB)
    assert status.p99 < LIMIT_SECONDS
    assert echo.p99 < LIMIT_SECONDS
    assert rate > 5_000_000


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_jupyter_answers_at_once_under_full_load_for_long(tmp_path: Path) -> None:
    status, echo, rate = await measure(tmp_path, 25, 1024 * MIB)
    assert status.p99 < LIMIT_SECONDS
    assert echo.p99 < LIMIT_SECONDS
    assert rate > 20_000_000
