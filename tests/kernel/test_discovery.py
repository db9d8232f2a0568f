from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel.discovery import find_server
from jupyter_webtorrent.kernel.errors import ServerUnavailableError

HUB = "JUPYTERHUB_API_TOKEN"
URL = "JUPYTER_WEBTORRENT_URL"
CERTIFICATE = "JUPYTER_WEBTORRENT_CERTIFICATE"
PARENT = "JPY_PARENT_PID"

Leave = Callable[..., Path]


@pytest.fixture
def leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Leave:
    """Leaves a server's file in the runtime folder, in an environment without any server."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    for name in (HUB, URL, CERTIFICATE, PARENT):
        monkeypatch.delenv(name, raising=False)

    def leave(name: str, *, url: str, token: str = "", age: float = 0) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"url": url, "token": token, "pid": 1}))
        os.utime(path, (1e9 - age, 1e9 - age))
        return path

    return leave


def test_the_address_in_the_environment_comes_first_and_the_parents_file_has_the_token(
    leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave("jpserver-7.json", url="http://my-host:8888/lab/", token="mine", age=100)
    leave("jpserver-8.json", url="http://localhost:8888/lab/", token="stale")
    monkeypatch.setenv(URL, "http://127.0.0.1:8888/lab/webtorrent/api/")
    monkeypatch.setenv(PARENT, "7")
    server = find_server()
    assert (server.url, server.token) == ("http://127.0.0.1:8888/lab/webtorrent/api/", "mine")


def test_without_an_address_the_parents_file_has_both(
    leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave("jpserver-7.json", url="http://localhost:8888/a%40b/", token="mine")
    leave("jpserver-8.json", url="http://localhost:9999/", token="other")
    monkeypatch.setenv(PARENT, "7")
    server = find_server()
    assert (server.url, server.token) == ("http://localhost:8888/a%40b/webtorrent/api/", "mine")


def test_where_the_parent_is_no_process_id_the_newest_file_of_that_address_has_the_token(
    leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave("jpserver-7.json", url="http://localhost:8888/", token="crashed", age=100)
    leave("jpserver-8.json", url="http://localhost:8888/", token="running")
    leave("jpserver-9.json", url="http://localhost:8889/", token="other port")
    leave("jpserver-10.json", url="http://localhost:8888/x/", token="other base")
    monkeypatch.setenv(URL, "http://localhost:8888/webtorrent/api")
    monkeypatch.setenv(PARENT, "1234")
    assert find_server().token == "running"


def test_a_server_without_a_token_has_left_a_pass(
    leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave("jpserver-7.json", url="http://localhost:8888/")
    leave("webtorrent-7.json", url="http://localhost:8888/webtorrent/api/", token="pass")
    monkeypatch.setenv(URL, "http://localhost:8888/webtorrent/api/")
    monkeypatch.setenv(PARENT, "7")
    assert find_server().token == "pass"


def test_a_hubs_token_serves_where_the_file_has_none(
    leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave("jpserver-7.json", url="http://localhost:8888/user/ada/")
    monkeypatch.setenv(PARENT, "7")
    monkeypatch.setenv(HUB, "hub")
    server = find_server()
    assert server.url == "http://localhost:8888/user/ada/webtorrent/api/"
    assert server.token == "hub"


def test_a_server_that_lets_everyone_in_needs_no_token(
    leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, "http://localhost:8888/webtorrent/api/")
    monkeypatch.setenv(CERTIFICATE, "/srv/server.pem")
    server = find_server()
    assert server.token == ""
    assert server.certificate == "/srv/server.pem"


@pytest.mark.parametrize("parent", [None, "", "7", "../etc/x", "-7"])
def test_without_a_server_it_says_so_in_one_line(
    leave: Leave, monkeypatch: pytest.MonkeyPatch, parent: str | None
) -> None:
    if parent is not None:
        monkeypatch.setenv(PARENT, parent)
    with pytest.raises(ServerUnavailableError, match="No Jupyter server with jupyter_webtorrent"):
        find_server()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"url": 7, "token": 8}', "\0"])
def test_files_that_are_no_servers_are_passed_over(
    leave: Leave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "jpserver-9.json").write_text(content)
    (tmp_path / "jpserver-dir.json").mkdir()
    leave("jpserver-7.json", url="http://localhost:8888/", token="mine", age=9e8)
    monkeypatch.setenv(URL, "http://localhost:8888/webtorrent/api/")
    assert find_server().token == "mine"


def test_the_token_does_not_show(leave: Leave, monkeypatch: pytest.MonkeyPatch) -> None:
    leave("jpserver-7.json", url="http://localhost:8888/", token="s3cret")
    monkeypatch.setenv(PARENT, "7")
    assert "s3cret" not in repr(find_server())
