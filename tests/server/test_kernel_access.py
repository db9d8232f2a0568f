from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse

from jupyter_webtorrent.server.extension import WebTorrentApp

Fetch = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def published(extension: WebTorrentApp, jp_serverapp: Any) -> WebTorrentApp:
    """The extension of a server that has a token, as it is for its kernels."""
    extension.kernel_access.publish()
    return extension


@pytest.fixture
def tokenless(
    extension: WebTorrentApp, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> WebTorrentApp:
    """The extension of a server that is entered by password."""
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    jp_serverapp.identity_provider.token = ""
    jp_serverapp.identity_provider.hashed_password = "argon2:x"
    extension.kernel_access.publish()
    return extension


def pass_file(jp_serverapp: Any) -> Path:
    return Path(jp_serverapp.runtime_dir, f"webtorrent-{os.getpid()}.json")


def test_kernels_inherit_the_address_and_no_secret(
    published: WebTorrentApp, jp_serverapp: Any
) -> None:
    url = os.environ["JUPYTER_WEBTORRENT_URL"]
    assert url == f"http://localhost:{jp_serverapp.port}/a%40b/webtorrent/api/"
    assert jp_serverapp.identity_provider.token not in str(os.environ)
    assert not pass_file(jp_serverapp).exists()


@pytest.mark.parametrize(
    ("ip", "host"),
    [("0.0.0.0", "127.0.0.1"), ("", "127.0.0.1"), ("::", "[::1]"), ("10.0.0.7", "10.0.0.7")],
)
def test_a_server_on_every_address_is_reached_on_this_machine(
    extension: WebTorrentApp, jp_serverapp: Any, ip: str, host: str
) -> None:
    jp_serverapp.ip = ip
    assert extension.kernel_access.url.startswith(f"http://{host}:{jp_serverapp.port}/")


def test_a_certificate_of_the_server_is_published_for_pinning(
    extension: WebTorrentApp, jp_serverapp: Any, tmp_path: Path
) -> None:
    jp_serverapp.certfile = str(tmp_path / "server.pem")
    extension.kernel_access.publish()
    assert os.environ["JUPYTER_WEBTORRENT_URL"].startswith("https://")
    assert os.environ["JUPYTER_WEBTORRENT_CERTIFICATE"] == str(tmp_path / "server.pem")
    extension.kernel_access.withdraw()
    assert "JUPYTER_WEBTORRENT_CERTIFICATE" not in os.environ


async def test_a_server_without_a_token_lets_kernels_in_by_a_file_of_their_user(
    tokenless: WebTorrentApp, jp_serverapp: Any, jp_fetch: Fetch, dataset: Path
) -> None:
    file = pass_file(jp_serverapp)
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = json.loads(file.read_text())
    assert content["url"] == os.environ["JUPYTER_WEBTORRENT_URL"]

    headers = {"Authorization": f"token {content['token']}"}
    body = json.dumps({"paths": [str(dataset)]})
    answer = await jp_fetch("webtorrent/api/share", method="POST", body=body, headers=dict(headers))
    assert answer.code == 202
    for route, own in (("webtorrent/api/session", {}), ("api/contents", headers)):
        with pytest.raises(HTTPClientError) as caught:
            await jp_fetch(route, headers={"Authorization": "token wrong", **own})
        assert caught.value.code == 403


@pytest.mark.parametrize("header", ["", "token", "token ", "Basic {}", "token {}x", "{}"])
def test_only_the_very_token_is_admitted(
    tokenless: WebTorrentApp, jp_serverapp: Any, header: str
) -> None:
    token = json.loads(pass_file(jp_serverapp).read_text())["token"]
    assert tokenless.kernel_access.admits(f"Bearer {token}")
    assert not tokenless.kernel_access.admits(header.format(token))


def test_a_hub_has_tokens_of_its_own(
    extension: WebTorrentApp, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hub")
    jp_serverapp.identity_provider.token = ""
    extension.kernel_access.publish()
    assert not pass_file(jp_serverapp).exists()
    assert not extension.kernel_access.admits("token ")


async def test_nothing_is_left_behind(tokenless: WebTorrentApp, jp_serverapp: Any) -> None:
    token = json.loads(pass_file(jp_serverapp).read_text())["token"]
    await tokenless.stop_extension()
    await tokenless.stop_extension()
    assert "JUPYTER_WEBTORRENT_URL" not in os.environ
    assert not pass_file(jp_serverapp).exists()
    assert not tokenless.kernel_access.admits(f"token {token}")


def test_what_another_server_published_since_is_left_alone(
    published: WebTorrentApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_WEBTORRENT_URL", "http://localhost:1/other/")
    published.kernel_access.withdraw()
    assert os.environ["JUPYTER_WEBTORRENT_URL"] == "http://localhost:1/other/"
