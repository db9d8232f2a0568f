"""Files of transfers over HTTP: ranges, who may read, and what happens while they arrive, with two real engines."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPResponse

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.host import EngineHost, HostStream
from jupyter_webtorrent.engine.stream import MAX_STREAMS, FileStream
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    ShareRequest,
    TransferStatus,
)
from jupyter_webtorrent.server.attachment import attachment
from jupyter_webtorrent.server.extension import WebTorrentApp
from jupyter_webtorrent.server.streaming import CHUNK_BYTES

Fetch = Callable[..., Awaitable[HTTPResponse]]
Get = Callable[..., Awaitable[HTTPResponse]]

MB = 1_000_000
UNKNOWN = "ab" * 20
TEXT = b"species,island\n" * 900
NAMES = {
    "course/penguins.csv": TEXT,
    "course/empty.csv": b"",
    "course/page.html": b"<script>alert(1)</script>",
    "course/drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "course/a & b/größe \u202e#?%25.txt": b"hello",
    "course/lesson.ipynb": b"{}",
    "course/blob": bytes(range(256)) * 5000,
}


@pytest.fixture
def course(jp_root_dir: Path) -> str:
    for name, content in NAMES.items():
        path = jp_root_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return "course"


@pytest.fixture
async def shared(extension: WebTorrentApp, jp_root_dir: Path, course: str) -> str:
    """The info hash of a folder that this server shares."""
    request = ShareRequest([str(jp_root_dir / course)])
    return (await asyncio.wrap_future(extension.host.share(request))).info_hash


@pytest.fixture
def get(jp_fetch: Fetch) -> Get:
    """GET a file of a transfer, with headers and more as keywords; any status is an answer."""

    async def get(
        info_hash: str, path: str, *, method: str = "GET", params: Any = None, **headers: str
    ) -> HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await jp_fetch(
            *("webtorrent", "stream", info_hash, *path.split("/")),
            method=method,
            params=params,
            headers=named,
            request_timeout=60,
            decompress_response=False,
            raise_error=False,
        )

    return get


def line_of(answer: HTTPResponse) -> str:
    content = json.loads(answer.body)
    assert list(content) == ["message"]
    return str(content["message"])


async def test_a_whole_file_comes_with_what_a_browser_must_know(get: Get, shared: str) -> None:
    answer = await get(shared.upper(), "penguins.csv")
    assert (answer.code, answer.body) == (200, TEXT)
    headers = answer.headers
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Length"] == str(len(TEXT))
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert {"sandbox", "default-src 'none'"} <= {part.strip() for part in policy.split(";")}
    assert "Content-Disposition" not in headers


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("bytes=0-", 0, 13500), ("bytes=7-9", 7, 10), ("bytes=-3", 13497, 13500)],
)
async def test_one_range_is_answered_with_these_bytes(
    get: Get, shared: str, wanted: str, start: int, stop: int
) -> None:
    answer = await get(shared, "penguins.csv", Range=wanted, Accept_Encoding="gzip")
    assert (answer.code, answer.body) == (206, TEXT[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(TEXT)}"
    assert answer.headers["Content-Length"] == str(stop - start)
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("wanted", ["bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1"])
async def test_what_is_no_range_is_ignored(get: Get, shared: str, wanted: str) -> None:
    answer = await get(shared, "penguins.csv", Range=wanted)
    assert (answer.code, answer.body) == (200, TEXT)


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=13500-",
        "bytes=-0",
        f"bytes={'9' * 150}-",
        "bytes=" + ",".join(f"{at}-{at}" for at in range(1000)),
    ],
    ids=["beyond", "nothing", "overflow", "1000 ranges"],
)
async def test_a_range_that_cannot_be_is_a_416_with_the_length(
    get: Get, shared: str, wanted: str
) -> None:
    answer = await get(shared, "penguins.csv", Range=wanted)
    assert answer.code == 416
    assert answer.headers["Content-Range"] == "bytes */13500"
    assert line_of(answer).startswith("The file has 13500 bytes: ")


async def test_an_empty_file_is_an_empty_answer_and_has_no_range(get: Get, shared: str) -> None:
    answer = await get(shared, "empty.csv")
    assert (answer.code, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")
    answer = await get(shared, "empty.csv", Range="bytes=0-")
    assert (answer.code, answer.headers["Content-Range"]) == (416, "bytes */0")


async def test_content_that_a_client_has_is_not_sent_again(get: Get, shared: str) -> None:
    etag = (await get(shared, "penguins.csv")).headers["Etag"]
    same = await get(shared, "penguins.csv", If_None_Match=etag)
    assert (same.code, same.body) == (304, b"")
    fresh = await get(shared, "penguins.csv", Range="bytes=0-4", If_Range=etag)
    assert (fresh.code, fresh.body) == (206, TEXT[:5])
    for other in ('"else"', f"W/{etag}", "Sat, 01 Jan 2000 00:00:00 GMT"):
        stale = await get(shared, "penguins.csv", Range="bytes=0-4", If_Range=other)
        assert (stale.code, stale.body) == (200, TEXT)


async def test_head_tells_the_length_and_sends_nothing(get: Get, shared: str) -> None:
    answer = await get(shared, "penguins.csv", method="HEAD", Range="bytes=0-4")
    assert (answer.code, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == "13500"
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (await get(shared, "nothing.csv", method="HEAD")).code == 404


@pytest.mark.parametrize("path", ["page.html", "drawing.svg", "lesson.ipynb", "blob"])
async def test_what_could_run_is_an_attachment(get: Get, shared: str, path: str) -> None:
    answer = await get(shared, path)
    assert answer.body == NAMES[f"course/{path}"]
    assert answer.headers["Content-Disposition"] == attachment(path)
    assert "html" not in answer.headers["Content-Type"]


async def test_a_download_has_a_name_that_fits_every_system(get: Get, shared: str) -> None:
    answer = await get(shared, "a & b/größe \u202e#?%25.txt", params={"download": "1"})
    assert answer.body == b"hello"
    assert answer.headers["Content-Disposition"] == attachment("größe _#_%25.txt")


@pytest.mark.parametrize(
    ("info_hash", "path", "line"),
    [
        (UNKNOWN, "penguins.csv", UNKNOWN),
        (None, "penguins", "there is no file penguins in course"),
        (None, "../course/penguins.csv", "nothing at this address"),
        ("abc", "penguins.csv", "nothing at this address"),
    ],
)
async def test_what_is_not_there_is_a_404_in_one_line(
    get: Get, shared: str, info_hash: str | None, path: str, line: str
) -> None:
    if path.startswith(".."):
        shared = "abc"
    answer = await get(info_hash or shared, path)
    assert answer.code == 404
    assert line in line_of(answer)


async def test_a_stranger_reads_nothing(get: Get, shared: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await get(shared, "penguins.csv", method=method, Authorization="token wrong")
        assert answer.code == 403


async def test_who_may_not_read_reads_nothing(
    get: Get, shared: str, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    class Denial(Authorizer):
        def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
            asked.append((action, resource))
            return False

    monkeypatch.setitem(jp_serverapp.web_app.settings, "authorizer", Denial(parent=jp_serverapp))
    for method in ("GET", "HEAD"):
        assert (await get(shared, "penguins.csv", method=method)).code == 403
    assert asked == [("read", "webtorrent")] * 2


async def test_a_cookie_reads_from_jupyters_own_pages_alone(
    get: Get, jp_fetch: Fetch, shared: str, jp_serverapp: Any
) -> None:
    token = jp_serverapp.identity_provider.token
    login = await jp_fetch(
        "webtorrent/api", "session", params={"token": token}, headers={"Authorization": ""}
    )
    cookie = "; ".join(line.split(";")[0] for line in login.headers.get_list("Set-Cookie"))
    own = f"http://127.0.0.1:{jp_serverapp.port}"
    mine = {"Authorization": "", "Cookie": cookie, "Host": own.removeprefix("http://")}
    answer = await get(shared, "penguins.csv", **mine, Referer=f"{own}/lab")
    assert (answer.code, answer.body) == (200, TEXT)
    for foreign in ({"Referer": "http://elsewhere.example/"}, {}):
        assert (await get(shared, "penguins.csv", **mine, **foreign)).code == 403
    foreign = {"Origin": "http://elsewhere.example", "Referer": f"{own}/lab"}
    assert (await get(shared, "penguins.csv", **mine, **foreign)).code == 404
    assert (await get(shared, "penguins.csv", Host="elsewhere.example")).code == 403


async def test_reading_counts_as_activity(get: Get, shared: str, jp_serverapp: Any) -> None:
    settings = jp_serverapp.web_app.settings
    before = settings.get("api_last_activity")
    await get(shared, "penguins.csv")
    assert settings["api_last_activity"] != before


# While a file arrives


class Film:
    """A file that a teacher's engine gives to this server's, slowly."""

    def __init__(self, extension: WebTorrentApp, data: bytes, status: TransferStatus) -> None:
        self.extension = extension
        self.data = data
        self.info_hash = status.info_hash

    @property
    def host(self) -> EngineHost:
        return self.extension.host

    async def done(self) -> int:
        details = await asyncio.wrap_future(self.host.details(self.info_hash))
        return details.transfer.done

    async def readers(self) -> int:
        """How many files are open for reading; those that wait for bytes, or have some fetched ahead."""

        async def count(session: Any) -> int:
            return len(session.torrent(InfoHash.from_text(self.info_hash)).data.streams._open)

        return await asyncio.wrap_future(self.host._submit(count))

    async def until_readers(self, count: int) -> None:
        async with asyncio.timeout(10):
            while await self.readers() != count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
def teacher(tmp_path: Path) -> Iterator[EngineHost]:
    config = EngineConfig(
        trackers=(),
        stun_servers=(),
        listen_host="127.0.0.1",
        transports=frozenset({"tcp"}),
        dht=False,
        lan_discovery=False,
        up_limit=2 * MB,
        limit_lan=True,
    )
    host = EngineHost(config)
    yield host
    host.close()


@pytest.fixture
def listening(http_server: object) -> None:
    """The server takes connections, as it else does with the first `jp_fetch`."""


@pytest.fixture
async def film(
    teacher: EngineHost,
    extension: WebTorrentApp,
    jp_root_dir: Path,
    tmp_path: Path,
    listening: None,
) -> Film:
    data = random.Random(7).randbytes(30 * MB)
    path = tmp_path / "film.mp4"
    path.write_bytes(data)
    shared = await asyncio.wrap_future(teacher.share(ShareRequest([str(path)])))
    request = FetchRequest(shared.magnet, str(jp_root_dir))
    return Film(extension, data, await asyncio.wrap_future(extension.host.fetch(request)))


@asynccontextmanager
async def hanging(
    film: Film, jp_serverapp: Any, wanted: str = "bytes=0-"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that has asked, and reads only what the test reads."""
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    own.setblocking(False)
    await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", jp_serverapp.port))
    reader, writer = await asyncio.open_connection(sock=own, limit=1 << 16)
    request = [
        f"GET {jp_serverapp.base_url}webtorrent/stream/{film.info_hash}/film.mp4 HTTP/1.1",
        f"Host: 127.0.0.1:{jp_serverapp.port}",
        f"Authorization: token {jp_serverapp.identity_provider.token}",
        f"Range: {wanted}",
    ]
    writer.write("\r\n".join([*request, "", ""]).encode())
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_seek_to_the_end_is_answered_long_before_the_file_is_there(
    get: Get, film: Film
) -> None:
    answer = await get(film.info_hash, "film.mp4", Range="bytes=-200000")
    assert (answer.code, answer.body) == (206, film.data[-200_000:])
    assert await film.done() < 0.3 * len(film.data)
    await film.until_readers(0)


async def test_nothing_behind_a_range_is_fetched_for_it(get: Get, film: Film) -> None:
    await get(film.info_hash, "film.mp4", Range="bytes=0-9")
    seen: list[int] = []
    read = FileStream.read

    async def noted(self: Any, offset: int, length: int, *, ahead: int) -> bytes:
        seen.append(ahead)
        return await read(self, offset, length, ahead=ahead)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileStream, "read", noted)
        await get(film.info_hash, "film.mp4", Range=f"bytes=0-{CHUNK_BYTES + 9}")
    assert seen == [10, 0]


async def test_a_client_that_hangs_up_ends_what_is_fetched_for_it(
    film: Film, jp_serverapp: Any
) -> None:
    async with hanging(film, jp_serverapp, "bytes=20000000-") as (reader, _):
        await reader.readuntil(b"\r\n\r\n")
        assert await film.readers() == 1
    await film.until_readers(0)
    async with hanging(film, jp_serverapp, "bytes=-1000"):  # and one that waits for its first byte
        await film.until_readers(1)
    await film.until_readers(0)


async def test_no_more_is_read_than_a_client_takes(
    extension: WebTorrentApp, jp_serverapp: Any, tmp_path: Path, listening: None
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(20 * MB))
    status = await asyncio.wrap_future(extension.host.share(ShareRequest([str(path)])))
    film = Film(extension, b"", status)
    read, furthest = HostStream.read, [0]

    def noted(self: Any, offset: int, length: int, *, ahead: int) -> Any:
        furthest[0] = offset + length
        return read(self, offset, length, ahead=ahead)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostStream, "read", noted)
        async with hanging(film, jp_serverapp) as (reader, _):
            taken = 0
            for _step in range(3):
                for _part in range(64):
                    taken += len(await reader.read(1 << 14))
                before = -1
                while furthest[0] != before:  # until it rests
                    before = furthest[0]
                    await asyncio.sleep(0.2)
                assert furthest[0] - taken < 4 * CHUNK_BYTES
    await film.until_readers(0)


async def test_a_paused_file_is_refused_with_a_line_and_what_is_there_is_read(
    get: Get, film: Film
) -> None:
    beginning = await get(film.info_hash, "film.mp4", Range="bytes=0-999")
    await asyncio.wrap_future(film.host.pause(film.info_hash))
    answer = await get(film.info_hash, "film.mp4", Range="bytes=-1000")
    assert answer.code == 409
    assert line_of(answer) == "the transfer is paused, and these bytes are not here yet"
    again = await get(film.info_hash, "film.mp4", Range="bytes=0-999")
    assert again.body == beginning.body == film.data[:1000]


@pytest.mark.parametrize("end", ["pause", "remove"])
async def test_an_answer_that_cannot_go_on_is_cut_off(
    film: Film, jp_serverapp: Any, end: str
) -> None:
    async with hanging(film, jp_serverapp) as (reader, _):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 206")
        await asyncio.wrap_future(getattr(film.host, end)(film.info_hash))
        async with asyncio.timeout(20):
            rest = 0
            while part := await reader.read(1 << 16):
                rest += len(part)
        assert rest < len(film.data)


async def test_a_read_that_waits_hears_of_a_pause(get: Get, film: Film) -> None:
    reading = asyncio.ensure_future(get(film.info_hash, "film.mp4", Range="bytes=-5000000"))
    await film.until_readers(1)
    await asyncio.wrap_future(film.host.pause(film.info_hash))
    answer = await reading
    assert answer.code == 409
    await film.until_readers(0)


async def test_more_readers_than_may_be_are_told_to_wait(
    get: Get, shared: str, extension: WebTorrentApp
) -> None:
    streams = [
        await asyncio.wrap_future(extension.host.open_stream(shared, "blob"))
        for _ in range(MAX_STREAMS)
    ]
    answer = await get(shared, "blob")
    assert answer.code == 503
    assert line_of(answer) == f"{MAX_STREAMS} readers are open; close one first"
    for stream in streams:
        await asyncio.wrap_future(stream.close())
    assert (await get(shared, "blob")).body == NAMES["course/blob"]


@pytest.mark.alone
async def test_jupyter_answers_while_files_are_read_at_full_speed(
    get: Get, jp_fetch: Fetch, extension: WebTorrentApp, tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(random.Random(1).randbytes(40 * MB))
    status = await asyncio.wrap_future(extension.host.share(ShareRequest([str(path)])))
    stop = asyncio.Event()

    async def play() -> int:
        count = 0
        while not stop.is_set():
            start = random.Random(count).randrange(30 * MB)
            wanted = f"bytes={start}-{start + 4 * MB}"
            count += len((await get(status.info_hash, "film.mp4", Range=wanted)).body)
        return count

    players = [asyncio.ensure_future(play()) for _ in range(3)]
    waits: list[float] = []
    began = time.perf_counter()
    for _ in range(100):
        before = time.perf_counter()
        await jp_fetch("api", "status")
        waits.append(time.perf_counter() - before)
        await asyncio.sleep(0.01)
    stop.set()
    sent = sum(await asyncio.gather(*players))
    seconds = time.perf_counter() - began
    p99 = sorted(waits)[98]
    print(f"/api/status p99 {p99 * 1000:.0f} ms while {sent / seconds / 1e6:.0f} MB/s were read")
    assert p99 < 0.1
