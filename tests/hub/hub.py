"""A real JupyterHub on 127.0.0.1, with its proxy and a single-user server for each person who is asked for.

People sign in by nothing but their name, and each has a home below the hub's folder. The server that a person
gets takes a token of the Hub's in place of a password.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from notebooks.demo.programs import Program, running
from notebooks.demo.servers import REQUEST_SECONDS, JupyterServer

PROJECT = Path(__file__).parents[2]
PROXY = PROJECT / "labextension" / "node_modules" / ".bin" / "configurable-http-proxy"
START_SECONDS = 60.0

_CONFIGURATION = """
import json

with open({settings!r}) as file:
    settings = json.load(file)
for part, values in settings.items():
    for name, value in values.items():
        setattr(c[part], name, value)
"""


class Hub:
    """A running Hub: people are let in by `person`."""

    def __init__(
        self, url: str, password: str, program: Program, http: aiohttp.ClientSession, homes: Path
    ) -> None:
        self.url = url
        self.password = password
        """Everybody's."""
        self._program = program
        self._http = http
        self._homes = homes
        self._tokens: dict[str, str] = {}

    @asynccontextmanager
    async def person(self, name: str) -> AsyncIterator[JupyterServer]:
        """Start a person's server; it is reached through the Hub's proxy with a token of that person's."""
        home = self._homes / name
        home.mkdir(parents=True)
        await self._ask("POST", f"users/{name}")
        await self._ask("POST", f"users/{name}/server")
        progress = await self._ask("GET", f"users/{name}/server/progress", raw=True)
        assert '"ready": true' in progress, progress + self._program.output()[-2000:]
        token = self._tokens[name] = (await self._ask("POST", f"users/{name}/tokens"))["token"]
        url = f"{self.url}user/{name}/"
        async with aiohttp.ClientSession(
            url,
            headers={"Authorization": f"token {token}"},
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
        ) as http:
            yield JupyterServer(name, home, self._program, url, token, http)
            await self._ask("DELETE", f"users/{name}/server")

    def token_of(self, person: JupyterServer) -> str:
        return self._tokens[person.name]

    @asynccontextmanager
    async def events(self, person: JupyterServer) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The events of a person's server, through the proxy."""
        url = f"{person.url}webtorrent/api/events"
        async with self._http.ws_connect(url, headers=self._identity(person)) as socket:
            yield socket

    async def status_of(self, url: str, person: JupyterServer) -> int:
        """The HTTP status that a person is answered with there."""
        async with self._http.get(url, headers=self._identity(person)) as response:
            return response.status

    def _identity(self, person: JupyterServer) -> dict[str, str]:
        return {"Authorization": f"token {self.token_of(person)}"}

    def log(self) -> str:
        """What the Hub, its proxy and the single-user servers have printed."""
        return self._program.output()

    async def _ask(self, method: str, path: str, *, raw: bool = False) -> Any:
        async with self._http.request(method, path) as response:
            text = await response.text()
        assert response.status < 300, f"{method} {path}: {response.status} {text}"
        return text if raw or not text else json.loads(text)


@asynccontextmanager
async def running_hub(folder: Path, settings_of_servers: dict[str, Any]) -> AsyncIterator[Hub]:
    """Run a Hub whose single-user servers have these settings, until the block ends."""
    homes = folder / "homes"
    homes.mkdir(parents=True)
    url = f"http://127.0.0.1:{_free_port()}/"
    token, password = secrets.token_hex(32), secrets.token_hex(16)
    single_user = folder / "single-user.json"
    single_user.write_text(json.dumps(settings_of_servers), "utf-8")
    settings = folder / "hub.json"
    hub = _hub_settings(folder, homes, single_user, url, token, password)
    settings.write_text(json.dumps(hub), "utf-8")
    configuration = folder / "jupyterhub_config.py"
    configuration.write_text(_CONFIGURATION.format(settings=str(settings)), "utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("IPYTHON", "JPY_", "JUPYTER", "PYTEST"))
    }
    async with (
        running(
            "the Hub",
            *("-m", "jupyterhub", f"--config={configuration}"),
            log=folder / "hub.log",
            environment={**environment, "PYTHONPATH": str(PROJECT), "HOME": str(folder)},
        ) as program,
        aiohttp.ClientSession(
            f"{url}hub/api/",
            headers={"Authorization": f"token {token}"},
            timeout=aiohttp.ClientTimeout(total=START_SECONDS),
        ) as http,
    ):
        await program.ready(lambda: "JupyterHub is now running" in program.output() or None)
        yield Hub(url, password, program, http, homes)


def _hub_settings(
    folder: Path, homes: Path, single_user: Path, url: str, token: str, password: str
) -> dict[str, Any]:
    return {
        "JupyterHub": {
            "bind_url": url,
            "hub_bind_url": f"http://127.0.0.1:{_free_port()}/hub/",
            "authenticator_class": "dummy",
            "spawner_class": "simple",
            "db_url": f"sqlite:///{folder}/hub.sqlite",
            "cookie_secret_file": f"{folder}/cookie-secret",
            "services": [{"name": "tests", "api_token": token}],
            "load_roles": [
                {
                    "name": "tests",
                    "services": ["tests"],
                    "scopes": ["admin:users", "admin:servers", "tokens"],
                }
            ],
        },
        "ConfigurableHTTPProxy": {
            "command": [str(PROXY)],
            "api_url": f"http://127.0.0.1:{_free_port()}",
            "pid_file": f"{folder}/proxy.pid",
        },
        "DummyAuthenticator": {"allow_all": True, "password": password},
        "SimpleLocalProcessSpawner": {"home_dir_template": f"{homes}/{{username}}"},
        "Spawner": {
            "cmd": [sys.executable, "-m", "jupyterhub.singleuser"],
            "args": [f"--config={single_user}"],
            "environment": {"JUPYTER_NO_CONFIG": "1", "PYTHONPATH": str(PROJECT)},
        },
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
