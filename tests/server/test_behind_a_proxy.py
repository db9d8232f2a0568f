"""The API below a base URL, behind a proxy that shows it under another prefix."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from yarl import URL

from jupyter_webtorrent.schema.transfers import TransferEvent, TransferState
from tests.kernel.servers import JupyterServer, jupyter_server
from tests.server.reverse_proxy import ReverseProxy


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    folder = tmp_path_factory.mktemp("proxied")
    options = ("--ServerApp.base_url=/inner/", "--ServerApp.trust_xheaders=True")
    with jupyter_server(folder / "server", *options) as server:
        (server.root / "data.csv").write_text("1,2\n" * 999)
        yield server


@pytest_asyncio.fixture
async def proxy(server: JupyterServer) -> AsyncIterator[ReverseProxy]:
    target = str(server.info["url"])
    async with ReverseProxy(target, "/user/ab/proxy/8888/").running() as proxy:
        yield proxy


class Page:
    """A browser's page, or a program with a token, on the outer side of the proxy."""

    def __init__(self, proxy: ReverseProxy, headers: dict[str, str]) -> None:
        self.api = proxy.url + "webtorrent/api/"
        self.headers = headers
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        url = URL(self.api + path, encoded=True)
        async with self.session.request(method, url, json=body, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status < 300, text
            return json.loads(text) if text else None

    async def shared(self) -> str:
        return str((await self.ask("POST", "share", {"paths": ["data.csv"]}))["info_hash"])

    async def events(self) -> aiohttp.ClientWebSocketResponse:
        url = URL(self.api + "events", encoded=True)
        return await self.session.ws_connect(url, headers=self.headers)


async def told(socket: aiohttp.ClientWebSocketResponse) -> TransferEvent:
    return msgspec.json.decode(await socket.receive_str(timeout=10), type=TransferEvent)


@pytest_asyncio.fixture
async def page(proxy: ReverseProxy, server: JupyterServer) -> AsyncIterator[Page]:
    page = Page(proxy, {"Authorization": f"token {server.info['token']}"})
    async with page.session:
        yield page


async def test_requests_pass(page: Page) -> None:
    info_hash = await page.shared()
    listed = await page.ask("GET", "torrents")
    assert [each["info_hash"] for each in listed] == [info_hash]
    changed = await page.ask("PATCH", f"torrents/{info_hash}", {"up_limit": 9})
    assert changed["up_limit"] == 9
    assert (await page.ask("PUT", "settings", {"up_limit": 8}))["effective"]["up_limit"] == 8
    await page.ask("DELETE", f"torrents/{info_hash}")
    assert await page.ask("GET", "torrents") == []


async def test_the_description_leads_to_the_outer_address(page: Page) -> None:
    description = await page.ask("GET", "openapi.json")
    document = URL(page.api + "openapi.json", encoded=True)
    base = document.join(URL(description["servers"][0]["url"]))
    async with page.session.get(
        URL(f"{base}/api/session", encoded=True), headers=page.headers
    ) as answer:
        assert answer.status == 200


async def test_events_pass_and_begin_anew_after_a_cut(page: Page, proxy: ReverseProxy) -> None:
    socket = await page.events()
    await told(socket)
    info_hash = await page.shared()
    while not (event := await told(socket)).transfers:
        pass
    assert event.transfers[0].info_hash == info_hash

    await proxy.cut()
    assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
    again = await page.events()
    assert [each.info_hash for each in (await told(again)).transfers] == [info_hash]
    await page.ask("DELETE", f"torrents/{info_hash}")
    while not (event := await told(again)).removed:
        pass
    assert event.removed == [info_hash]
    await again.close()


async def test_where_the_proxy_refuses_websockets_polling_tells_the_same(
    page: Page, proxy: ReverseProxy
) -> None:
    proxy.takes_websockets = False
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await page.events()
    info_hash = await page.shared()
    async with asyncio.timeout(10):
        while True:
            (transfer,) = await page.ask("GET", "torrents")
            if transfer["state"] == TransferState.SEEDING.value:
                break
    assert transfer["info_hash"] == info_hash
    await page.ask("DELETE", f"torrents/{info_hash}")


@pytest.mark.parametrize(
    ("origin", "status"), [("{own}", 202), ("http://elsewhere.example", 404), ("null", 404)]
)
async def test_a_page_of_the_outer_address_may_change_things_and_others_may_not(
    proxy: ReverseProxy, server: JupyterServer, origin: str, status: int
) -> None:
    own = str(URL(proxy.url).origin())
    page = Page(proxy, {"Origin": origin.format(own=own)})
    async with page.session:
        login = URL(f"{page.api}session?token={server.info['token']}", encoded=True)
        async with page.session.get(login, headers={"Origin": own}) as answer:
            assert answer.status == 200
        headers = {**page.headers, "Cookie": "_xsrf=x", "X-XSRFToken": "x"}
        async with page.session.post(
            URL(page.api + "share", encoded=True), json={"paths": ["data.csv"]}, headers=headers
        ) as answer:
            assert answer.status == status, await answer.text()
