"""Who may do what: held against every route and verb that the extension serves, whoever added it."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tornado.httpclient import HTTPResponse
from tornado.web import RequestHandler

from jupyter_webtorrent.engine.host import EngineHost
from jupyter_webtorrent.schema.discovery import NOT_LOGGED_IN
from jupyter_webtorrent.server import extension as extension_module
from jupyter_webtorrent.server.extension import WebTorrentApp
from tests.server.answers import API, Fetch, refusal

UNKNOWN = "ab" * 20
EXAMPLES = {
    "([0-9a-fA-F]{40})": UNKNOWN,
    "(pause|resume)": "pause",
    "openapi.json": "openapi.json",
    "(.+)": "a.csv",
    ".*": "nothing",
}
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """One thing that can be asked."""

    verb: str
    path: str

    @property
    def changes(self) -> bool:
        return self.verb not in ("GET", "HEAD")

    async def ask(self, fetch: Fetch, **options: Any) -> HTTPResponse:
        """The answer, whatever its status."""
        body = "{}" if self.changes and self.verb != "DELETE" else None
        return await fetch(self.path, method=self.verb, body=body, raise_error=False, **options)


def is_json(answer: HTTPResponse) -> bool:
    """Whether an answer has a body, and not that of a WebSocket's refusal."""
    return bool(answer.body) and answer.headers["Content-Type"].startswith("application/json")


def routes_of(handlers: list[tuple[str, type[Any]]]) -> list[Route]:
    routes = []
    for pattern, handler in handlers:
        path = pattern
        for group, example in EXAMPLES.items():
            path = path.replace(group, example)
        assert re.fullmatch(pattern, path), f"no example of {pattern}"
        routes += [
            Route(verb, path)
            for verb in VERBS
            if getattr(handler, verb.lower()) is not getattr(RequestHandler, verb.lower())
        ]
    return routes


ROUTES = routes_of(extension_module.ROUTES)
CHANGES = [route for route in ROUTES if route.changes]
READS = [route for route in ROUTES if not route.changes]


def test_no_route_of_the_extension_is_left_out(extension: WebTorrentApp) -> None:
    assert routes_of([(route[0], route[1]) for route in extension.handlers]) == ROUTES
    assert {route.verb for route in ROUTES} >= set(VERBS) - {"HEAD"}


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@pytest.mark.parametrize("header", ["", "token wrong", "Bearer wrong"])
async def test_no_route_answers_a_stranger(jp_fetch: Fetch, route: Route, header: str) -> None:
    answer = await route.ask(jp_fetch, headers={"Authorization": header})
    assert answer.code == 403
    if is_json(answer):
        assert json.loads(answer.body) == {"message": NOT_LOGGED_IN}


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_every_route_asks_the_authorizer_for_one_right(
    jp_fetch: Fetch, deny: Callable[..., None], route: Route
) -> None:
    needed, other = ("write", "read") if route.changes else ("read", "write")
    deny((needed, "webtorrent"))
    answer = await route.ask(jp_fetch)
    assert answer.code == 403
    if route.verb != "HEAD" and not route.path.endswith("events"):  # which has words of its own
        assert f"not authorized to {needed} on resource: webtorrent" in str(answer.body)
    deny((other, "webtorrent"))
    assert (await route.ask(jp_fetch)).code != 403


@pytest.fixture
async def cookie(jp_fetch: Fetch, jp_serverapp: Any) -> str:
    """What a browser has after its login."""
    token = jp_serverapp.identity_provider.token
    login = await jp_fetch(API, "session", params={"token": token}, headers={"Authorization": ""})
    cookies = SimpleCookie()
    for line in login.headers.get_list("Set-Cookie"):
        cookies.load(line)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())


@pytest.mark.parametrize("route", CHANGES, ids=" ".join)
async def test_a_change_by_cookie_needs_the_xsrf_token(
    jp_fetch: Fetch, cookie: str, route: Route
) -> None:
    headers = {"Authorization": "", "Cookie": cookie}
    answer = await route.ask(jp_fetch, headers=dict(headers))
    assert (answer.code, b"_xsrf" in answer.body) == (403, True)
    headers.update({"Cookie": f"{cookie}; _xsrf=from-the-page", "X-XSRFToken": "from-the-page"})
    assert (await route.ask(jp_fetch, headers=headers)).code != 403


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_a_page_of_another_site_gets_nothing(
    jp_fetch: Fetch, cookie: str, route: Route
) -> None:
    xsrf = {"Cookie": f"{cookie}; _xsrf=x", "X-XSRFToken": "x"}
    headers = {"Authorization": "", **xsrf, "Origin": "http://elsewhere.example"}
    answer = await route.ask(jp_fetch, headers=headers)
    assert answer.code in (400, 403, 404)  # 400: a GET that does not ask for a WebSocket
    assert "Access-Control-Allow-Origin" not in answer.headers
    if is_json(answer):
        assert list(json.loads(answer.body)) == ["message"]


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_a_name_that_was_rebound_to_this_machine_gets_nothing(
    jp_fetch: Fetch, route: Route
) -> None:
    answer = await route.ask(jp_fetch, headers={"Host": "rebound.example"})
    assert answer.code == 403


@pytest.mark.parametrize("route", READS, ids=" ".join)
async def test_to_read_changes_nothing(
    jp_fetch: Fetch, route: Route, monkeypatch: pytest.MonkeyPatch, jp_root_dir: Path
) -> None:
    def forbidden(*args: object, **options: object) -> None:
        pytest.fail("a GET that changes things")

    reading = {"status", "transfers", "details", "metainfo", "read", "open_stream", "subscribe"}
    for name in vars(EngineHost).keys() - reading - {"close"}:
        if not name.startswith("_"):
            monkeypatch.setattr(EngineHost, name, forbidden)
    monkeypatch.setattr(WebTorrentApp, "choose", forbidden)
    query = {"link": UNKNOWN, "data": "true", "folder": "x", "_method": "DELETE"}
    answer = await route.ask(jp_fetch, params=query)
    assert answer.code < 500
    assert os.listdir(jp_root_dir) == []


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_the_token_is_in_no_answer_and_no_line_of_the_log(
    jp_fetch: Fetch, jp_serverapp: Any, caplog: pytest.LogCaptureFixture, route: Route
) -> None:
    token = jp_serverapp.identity_provider.token
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        for headers in ({"Authorization": ""}, {"Authorization": f"token {token}"}):
            answer = await route.ask(jp_fetch, params={"token": token}, headers=headers)
            assert token not in str(answer.headers.get_list("Location"))
            assert token.encode() not in answer.body
            assert all(token not in value for _, value in answer.headers.get_all())
    assert token not in caplog.text


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:9/announce/x.torrent?token=HUSH",
        "http://me:HUSH@127.0.0.1:9/announce/x.torrent",
    ],
)
async def test_a_refused_link_is_told_and_logged_without_its_secrets(
    jp_fetch: Fetch, extension: WebTorrentApp, caplog: pytest.LogCaptureFixture, link: str
) -> None:
    with caplog.at_level(logging.INFO):
        body = json.dumps({"link": link})
        code, message = await refusal(jp_fetch(API, "fetch", method="POST", body=body))
    assert code == 409
    assert "http://127.0.0.1:9/announce/x.torrent" in message
    assert "HUSH" not in message
    assert "HUSH" not in caplog.text


async def test_a_failure_inside_is_logged_without_the_token(
    jp_fetch: Fetch,
    jp_serverapp: Any,
    extension: WebTorrentApp,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(extension.host, "status", broken)
    token = jp_serverapp.identity_provider.token
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        code, _ = await refusal(jp_fetch(API, "session", params={"token": token}))
    assert code == 500
    assert "ZeroDivisionError" in caplog.text
    assert token not in caplog.text
