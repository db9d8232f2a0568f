"""A real Jupyter server with the extension, in the test's own event loop."""

# Fixtures are found by their names: importing one is using it.
# ruff: noqa: F401, F811

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jupyter_server.auth import Authorizer
from pytest_jupyter.jupyter_core import (
    echo_kernel_spec,
    jp_config_dir,
    jp_data_dir,
    jp_env_config_path,
    jp_env_jupyter_path,
    jp_environ,
    jp_home_dir,
    jp_kernel_dir,
    jp_runtime_dir,
    jp_system_config_path,
    jp_system_jupyter_path,
)
from pytest_jupyter.jupyter_server import (
    jp_argv,
    jp_auth_header,
    jp_base_url,
    jp_configurable_serverapp,
    jp_fetch,
    jp_http_port,
    jp_logging_stream,
    jp_nbconvert_templates,
    jp_root_dir,
    jp_server_cleanup,
    jp_serverapp,
    jp_template_dir,
    jp_web_app,
    jp_ws_fetch,
)
from pytest_jupyter.pytest_tornasync import (
    http_server,
    http_server_client,
    http_server_port,
)
from tornado.httpclient import HTTPResponse
from traitlets.config import Config

from jupyter_webtorrent.server.extension import WebTorrentApp
from tests.server.answers import API, Fetch


@pytest_asyncio.fixture
async def jp_asyncio_loop() -> AsyncIterator[asyncio.AbstractEventLoop]:
    """pytest-asyncio's loop in the place of pytest-jupyter's own, so that both run one."""
    yield asyncio.get_running_loop()


@pytest.fixture
def jp_server_config() -> Config:
    return Config(
        {
            "ServerApp": {
                "jpserver_extensions": {
                    "jupyter_webtorrent": True,
                    "jupyter_server_terminals": False,  # it warns of its own handlers
                },
                "allow_unauthenticated_access": False,
            },
            "WebTorrentApp": {"trackers": [], "stun_servers": [], "listen_host": "127.0.0.1"},
        }
    )


@pytest.fixture
def extension(jp_serverapp: Any) -> WebTorrentApp:
    (app,) = jp_serverapp.extension_manager.extension_apps["jupyter_webtorrent"]
    assert isinstance(app, WebTorrentApp)
    return app


@pytest.fixture
def dataset(jp_root_dir: Path) -> Path:
    """A small file in the folder that Jupyter serves."""
    path = jp_root_dir / "penguins.csv"
    path.write_text("species,island\n" * 900)
    return path


@pytest.fixture
def post(jp_fetch: Fetch) -> Callable[..., Awaitable[HTTPResponse]]:
    def post(route: str, **fields: Any) -> Awaitable[HTTPResponse]:
        return jp_fetch(API, route, method="POST", body=json.dumps(fields))

    return post


class _Denial(Authorizer):
    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) not in _Denial.denied

    denied: frozenset[tuple[str, str]] = frozenset()


@pytest.fixture
def deny(jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes rights away from every user, by action and resource."""
    jp_serverapp.web_app.settings["authorizer"] = _Denial(parent=jp_serverapp)

    def deny(*rights: tuple[str, str]) -> None:
        monkeypatch.setattr(_Denial, "denied", frozenset(rights))

    return deny
