"""Web seeds' servers, well-behaved and not: what each answer brings."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.webseed import (
    MAX_RETRY_AFTER,
    FileNotThereError,
    FileRange,
    HttpRanges,
    WebSeedError,
    file_url,
)
from jupyter_webtorrent.protocol.metainfo import Info, TorrentFile

DATA = bytes(range(256)) * 40
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """The URL of a server on this machine that answers so."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}/data.bin"
    finally:
        await runner.cleanup()


async def read(answer: Answer, offset: int, length: int) -> bytes:
    """What comes of a range of DATA; raises NetError."""
    got = bytearray()
    http = GuardedClient()
    try:
        async with serving(answer) as url:
            part = FileRange(url, offset, length, len(DATA))
            await HttpRanges(http).read(part, Policy.NAMED, got.extend)
    finally:
        await http.aclose()
    assert len(got) <= length
    return bytes(got)


def answering(status: int, body: bytes = b"", **headers: str) -> Answer:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return answer


async def test_a_range_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(DATA)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert "Cookie" not in request.headers
        assert "Authorization" not in request.headers
        assert "Referer" not in request.headers
        assert request.headers["Accept-Encoding"] == "identity"
        return web.FileResponse(tmp_path / "data.bin")

    assert await read(answer, 0, len(DATA)) == DATA
    assert await read(answer, 700, 3000) == DATA[700:3700]
    assert await read(answer, len(DATA) - 1, 1) == DATA[-1:]


async def test_a_server_that_ignores_ranges_is_read_from_the_beginning_only() -> None:
    whole = answering(200, DATA)
    assert await read(whole, 0, 100) == DATA[:100]
    with pytest.raises(WebSeedError, match="no parts of files"):
        await read(whole, 100, 100)


async def test_what_never_ends_is_read_no_further_than_asked() -> None:
    sent = 0

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        while sent < 1 << 28:
            await response.write(bytes(1 << 16))
            sent += 1 << 16
        return response

    assert await read(endless, 0, 1000) == bytes(1000)
    assert sent < 1 << 25


@pytest.mark.parametrize("status", [404, 410, 416])
async def test_a_file_that_is_not_there_is_told_apart(status: int) -> None:
    with pytest.raises(FileNotThereError, match=str(status)):
        await read(answering(status), 0, 10)


@pytest.mark.parametrize("status", [204, 400, 401, 403, 429, 500, 503])
async def test_any_other_answer_is_a_failure(status: int) -> None:
    with pytest.raises(WebSeedError, match=f"it answered {status}"):
        await read(answering(status), 0, 10)


@pytest.mark.parametrize(
    ("content_range", "why"),
    [
        ("", "which part"),
        ("bytes 0-9", "which part"),
        ("bytes 5-14/10240", "another part"),
        ("bytes 0-10/10240", "another part"),
        ("bytes 0-9/10241", "its file is 10,241 bytes"),
        (f"bytes 0-9/{'9' * 30}", "which part"),
    ],
)
async def test_a_part_that_was_not_asked_for_is_refused(content_range: str, why: str) -> None:
    with pytest.raises(WebSeedError, match=why):
        await read(answering(206, DATA[:10], Content_Range=content_range), 0, 10)


async def test_a_file_of_another_size_is_not_this_torrents() -> None:
    with pytest.raises(FileNotThereError, match="its file is 10 bytes, and the torrent's 10,240"):
        await read(answering(200, DATA[:10]), 0, 10)


async def test_an_answer_that_ends_early_is_a_failure() -> None:
    short = answering(206, DATA[:4], Content_Range="bytes 0-9/*")
    with pytest.raises(WebSeedError, match="4 bytes of 10"):
        await read(short, 0, 10)


async def test_compressed_data_is_never_unpacked() -> None:
    bomb = answering(200, gzip.compress(bytes(1 << 20)), Content_Encoding="gzip")
    with pytest.raises(NetError, match="compressed"):
        await read(bomb, 0, 10)


async def test_what_is_no_http_is_a_failure() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"220 mail.example ESMTP\r\n")
        request.transport.close()
        return web.Response()

    with pytest.raises(NetError):
        await read(answer, 0, 10)


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("", 0, 0),
        ("soon", 0, 0),
        ("120", 120, 120),
        ("99999999", MAX_RETRY_AFTER, MAX_RETRY_AFTER),
        (timedelta(seconds=600), 500, 600),
        (timedelta(days=-1), 0, 0),
        ("Fri, 31 Dec 9999 23:59:59 -1200", MAX_RETRY_AFTER, MAX_RETRY_AFTER),
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0, 0),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", 0, 0),
    ],
)
async def test_when_to_come_back_is_heeded(
    told: str | timedelta, least: float, most: float
) -> None:
    if isinstance(told, timedelta):
        told = format_datetime(datetime.now(UTC) + told, usegmt=True)
    with pytest.raises(WebSeedError) as raised:
        await read(answering(503, Retry_After=told), 0, 10)
    assert least <= raised.value.retry_after <= most


def info(*paths: str, single: bool = False) -> Info:
    files = [TorrentFile(tuple(path.split("/")), 10) for path in paths]
    name = paths[0] if single else "my folder"
    return Info.build(name, 1 << 14, bytes(20), files, single_file=single)


def test_urls_are_built_as_bep_19_says() -> None:
    one, many = info("a b.bin", single=True), info("x/ü #1?.csv", "y%2F.csv")
    assert file_url("http://h/data?raw=1", one, 0) == "http://h/data?raw=1"
    assert file_url("http://h/d/", one, 0) == "http://h/d/a%20b.bin"
    assert file_url("http://h/d/", many, 0) == "http://h/d/my%20folder/x/%C3%BC%20%231%3F.csv"
    assert file_url("http://h/d", many, 1) == "http://h/d/my%20folder/y%252F.csv"


@pytest.mark.parametrize("path", ["../secret", "a/./b", "a/../../b"])
def test_a_path_never_leads_out_of_the_web_seeds_folder(path: str) -> None:
    with pytest.raises(FileNotThereError):
        file_url("http://h/d/", info(path), 0)
