"""One person's Jupyter server: a process with a root, a state folder and a token of its own, and its API.

It runs with the settings written here and nobody else's: the user's Jupyter configuration, public trackers
and STUN servers play no part.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from jupyter_webtorrent.schema.transfers import SessionStatus, TransferDetails, TransferStatus
from notebooks.demo.errors import DemoError
from notebooks.demo.programs import Program, running

ValueT = TypeVar("ValueT")

REQUEST_SECONDS = 30.0


class JupyterServer:
    """A running server. `name` is whose it is, `root` the folder that it serves."""

    def __init__(
        self,
        name: str,
        root: Path,
        program: Program,
        url: str,
        token: str,
        http: aiohttp.ClientSession,
    ) -> None:
        self.name = name
        self.root = root
        self.url = url
        self._program = program
        self._token = token
        self._http = http

    @property
    def pid(self) -> int:
        return self._program.pid

    def browser_url(self, notebook: str) -> str:
        """Where a person opens `notebook`; holds the token."""
        return f"{self.url}lab/tree/{notebook}?token={self._token}"

    async def stop(self) -> None:
        """End the server, its kernels and its engine; DemoError if it does not go by itself."""
        await self._program.stop()

    async def session(self) -> SessionStatus:
        return await self._read(SessionStatus, "webtorrent/api/session")

    async def transfers(self) -> list[TransferStatus]:
        return await self._read(list[TransferStatus], "webtorrent/api/torrents")

    async def details(self, info_hash: str) -> TransferDetails:
        return await self._read(TransferDetails, f"webtorrent/api/torrents/{info_hash}")

    async def start_session(self, notebook: str) -> tuple[str, str]:
        """Start a kernel for `notebook`, as opening it does; the ids of the session and of its kernel."""
        request = {
            "path": notebook,
            "name": notebook,
            "type": "notebook",
            "kernel": {"name": "python3"},
        }
        session = json.loads(await self._request("POST", "api/sessions", json=request))
        return session["id"], session["kernel"]["id"]

    async def end_session(self, session_id: str) -> None:
        """Shut a notebook's kernel down. What it shared is the server's, and stays."""
        await self._request("DELETE", f"api/sessions/{session_id}")

    @contextlib.asynccontextmanager
    async def channels(
        self, kernel_id: str, client_id: str
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The WebSocket that carries a kernel's messages to and from the client of that name."""
        path = f"api/kernels/{kernel_id}/channels?session_id={client_id}"
        try:
            async with self._http.ws_connect(path, max_msg_size=0) as socket:
                yield socket
        except aiohttp.ClientError as error:
            raise DemoError(f"{self.name}: no way to the kernel: {error}") from error

    async def _read(self, model: type[ValueT], path: str) -> ValueT:
        return msgspec.json.decode(await self._request("GET", path), type=model)

    async def _request(self, method: str, path: str, *, json: object = None) -> bytes:
        try:
            async with self._http.request(method, path, json=json) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise DemoError(f"{self.name}'s server does not answer {path}: {reason}") from error
        if response.status >= 400:
            raise DemoError(
                f"{self.name}'s server answers {path} with {response.status} {response.reason}",
                content.decode("utf-8", errors="replace"),
            )
        return content


@contextlib.asynccontextmanager
async def running_server(name: str, folder: Path, tracker: str) -> AsyncIterator[JupyterServer]:
    """A server that keeps everything it writes below `folder`, and announces to `tracker` only."""
    root, runtime = folder / "root", folder / "runtime"
    for path in (root, runtime, folder / "tmp"):
        path.mkdir(parents=True, exist_ok=True)
    settings = folder / "settings.json"
    settings.write_text(json.dumps(_settings(root, tracker), indent=2), "utf-8")
    token = secrets.token_hex(24)
    log = folder / "server.log"
    command = ("-m", "jupyter_server", f"--config={settings}")
    environment = _environment(folder, runtime, token)
    async with running(f"{name}'s server", *command, log=log, environment=environment) as program:
        url = await program.ready(lambda: _published_url(runtime, program.pid))
        async with aiohttp.ClientSession(
            url,
            headers={"Authorization": f"token {token}"},
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
        ) as http:
            yield JupyterServer(name, root, program, url, token, http)


def _settings(root: Path, tracker: str) -> dict[str, dict[str, Any]]:
    extensions = {"jupyter_webtorrent": True}
    if find_spec("jupyterlab") is not None:
        extensions["jupyterlab"] = True
    return {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": 0,
            "root_dir": str(root),
            "open_browser": False,
            "allow_root": True,
            "jpserver_extensions": extensions,
        },
        "WebTorrentApp": {
            "trackers": [tracker],
            "stun_servers": [],
            "listen_host": "127.0.0.1",
            "loopback_candidates": True,
        },
        "LabApp": {  # ask nobody on the internet for news, updates or extensions
            "news_url": None,
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "extension_manager": "readonly",
        },
    }


def _environment(folder: Path, runtime: Path, token: str) -> Mapping[str, str]:
    """This process's environment, with every place that Jupyter keeps something in below `folder`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "JPY_", "IPYTHON"))
    }
    return {
        **inherited,
        "HOME": str(folder),
        "USERPROFILE": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_TOKEN": token,
    }


def _published_url(runtime: Path, pid: int) -> str | None:
    """Where the server with that process id says that it listens."""
    try:
        info = json.loads((runtime / f"jpserver-{pid}.json").read_text("utf-8"))
    except (OSError, ValueError):  # not there, or half written
        return None
    return str(info["url"])
