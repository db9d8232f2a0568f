"""A person's JupyterLab or Notebook 7: a server of its own process, its own folders and token, the extension as built.

Nothing of it asks anybody anything: no news, no updates, no tracker but the one it is told, no STUN server.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from notebooks.demo.programs import Program, running

PROJECT = Path(__file__).parents[2]
LAB_EXTENSION = PROJECT / "jupyter_webtorrent" / "labextension"

App = Literal["jupyterlab", "notebook"]
"""What a person opens notebooks in."""


@dataclass(frozen=True, slots=True)
class LabServer:
    """A running server: `root` is the folder that it serves, `url` ends with its base URL."""

    root: Path
    url: str
    token: str
    app: App = "jupyterlab"
    program: Program | None = None
    """Its process, if `lab_server` runs it."""

    def notebook_url(self, name: str) -> str:
        """Where a person opens a notebook of the root folder; holds the token."""
        pages = "lab/tree" if self.app == "jupyterlab" else "notebooks"
        return f"{self.url}{pages}/{name}?token={self.token}"


@asynccontextmanager
async def lab_server(
    name: str,
    folder: Path,
    tracker: str,
    *,
    base_url: str = "/",
    app: App = "jupyterlab",
    again: LabServer | None = None,
) -> AsyncIterator[LabServer]:
    """Run a server that keeps all it writes below `folder` until the block ends.

    `again` is one that ran there before, whose port and token it takes. It speaks WebRTC alone, which is slow
    enough to be watched and needs the tracker.
    """
    if not (LAB_EXTENSION / "package.json").exists():
        raise FileNotFoundError("the JupyterLab extension is not built: make install")
    root, runtime, labextensions = folder / "root", folder / "runtime", folder / "labextensions"
    for path in (root, runtime, labextensions, folder / "tmp"):
        path.mkdir(parents=True, exist_ok=again is not None)
    if again is None:
        (labextensions / "jupyter-webtorrent").symlink_to(LAB_EXTENSION, target_is_directory=True)
        choose_no_news(folder / "user-settings")
    port = urlsplit(again.url).port if again is not None else None
    settings = folder / "settings.json"
    content = _settings(root, labextensions, tracker, base_url, port or 0)
    settings.write_text(json.dumps(content), "utf-8")
    token = again.token if again is not None else secrets.token_hex(24)
    async with running(
        f"{name}'s server",
        *("-m", app, f"--config={settings}"),
        log=folder / "server.log",
        environment=_environment(folder, runtime, token),
    ) as program:
        url = await program.ready(lambda: _published_url(runtime, program.pid))
        yield LabServer(root, url, token, app, program)


def choose_no_news(user_settings: Path) -> None:
    """What a person's “No” leaves behind, so that no question covers the page."""
    folder = user_settings / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True)
    choice = {"fetchNews": "false", "checkForUpdates": False}
    (folder / "notification.jupyterlab-settings").write_text(json.dumps(choice), "utf-8")


def _settings(
    root: Path, labextensions: Path, tracker: str, base_url: str, port: int
) -> dict[str, Any]:
    page = {"extra_labextensions_path": [str(labextensions)], "expose_app_in_browser": True}
    return {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "base_url": base_url,
            "root_dir": str(root),
            "open_browser": False,
            "allow_root": True,
            "jpserver_extensions": {
                "jupyter_lsp": True,  # JupyterLab's pages ask for it
                "jupyter_webtorrent": True,
                "jupyterlab": True,
            },
        },
        "LabApp": {
            **page,
            "news_url": None,
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        },
        "JupyterNotebookApp": page,
        "WebTorrentApp": {
            "trackers": [tracker],
            "stun_servers": [],
            "listen_host": "127.0.0.1",
            "transports": ["webrtc"],
            "loopback_candidates": True,
        },
    }


def _environment(folder: Path, runtime: Path, token: str) -> dict[str, str]:
    """This process's environment, with every place that Jupyter keeps something in below `folder`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("IPYTHON", "JPY_", "JUPYTER", "PYTEST"))
    }
    return {
        **inherited,
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_TOKEN": token,
        "PYTHONPATH": str(PROJECT),
    }


def _published_url(runtime: Path, pid: int) -> str | None:
    """Where the server with that process id says that it listens."""
    try:
        info = json.loads((runtime / f"jpserver-{pid}.json").read_text("utf-8"))
    except (OSError, ValueError):  # not there, or half written
        return None
    return str(info["url"])
