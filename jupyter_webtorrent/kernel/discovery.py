"""Finds the Jupyter server beside this kernel, and the token that it lets this kernel in by.

Reads the environment and Jupyter's runtime folder; sends nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jupyter_core.paths import jupyter_runtime_dir

from jupyter_webtorrent.kernel.errors import NoServerError
from jupyter_webtorrent.schema.discovery import (
    API_PATH,
    CERTIFICATE_VARIABLE,
    URL_VARIABLE,
    pass_file_name,
)

NO_SERVER = (
    "No Jupyter server with jupyter_webtorrent answers this kernel: open the notebook in JupyterLab or "
    "Notebook 7 where jupyter-webtorrent is installed, and restart that server if it ran before."
)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the API is, and how to enter. The token shows in no repr and no error."""

    url: str
    """Ends in `/`."""
    token: str = field(default="", repr=False)
    certificate: str | None = None
    """The path of the one TLS certificate (PEM) to trust; None: the system's authorities."""
    published: bool = True
    """The extension itself told of it; else it is a Jupyter server's, which may run without."""


def find_server() -> ServerAddress:
    """The server that started this kernel; raises NoServerError where there is none."""
    url = os.environ.get(URL_VARIABLE)
    published = bool(url)
    url = url or _url_of_parent()
    if not url.endswith("/"):
        url += "/"
    certificate = os.environ.get(CERTIFICATE_VARIABLE) or None
    return ServerAddress(url, _token_for(urlsplit(url)), certificate, published)


def _url_of_parent() -> str:
    """The API of the server whose process started this kernel, by the file it left for local programs."""
    pid = os.environ.get("JPY_PARENT_PID", "")
    info = _read(Path(jupyter_runtime_dir(), f"jpserver-{pid}.json")) if pid.isdigit() else {}
    url = info.get("url")
    if not isinstance(url, str):
        raise NoServerError(NO_SERVER)
    return url.rstrip("/") + "/" + API_PATH


def _token_for(api: SplitResult) -> str:
    """The token for the server at that address; empty if none is known."""
    for info in _server_files():
        token, url = info.get("token"), info.get("url")
        if token and isinstance(token, str) and isinstance(url, str) and _same(urlsplit(url), api):
            return token
    return os.environ.get("JUPYTERHUB_API_TOKEN", "")


def _same(server: SplitResult, api: SplitResult) -> bool:
    """Whether a server's URL, or its API's, leads to that API; host names differ with who wrote them."""
    path = server.path.rstrip("/") + "/"
    return server.port == api.port and api.path in (path, path + API_PATH)


def _server_files() -> Iterator[dict[str, Any]]:
    """What servers left for local programs: our parent's first, then the newest.

    Elsewhere than on Windows the parent is known by its process id; there, and behind a provisioner, only the
    address tells whose file it is.
    """
    folder = Path(jupyter_runtime_dir())
    pid = os.environ.get("JPY_PARENT_PID", "")
    parents = [f"jpserver-{pid}.json"]
    if pid.isdigit():
        parents.append(pass_file_name(int(pid)))
    found = []
    for pattern in ("jpserver-*.json", "webtorrent-*.json"):
        for path in folder.glob(pattern):
            try:
                found.append((path.name in parents, path.stat().st_mtime, path))
            except OSError:
                continue
    for _, _, path in sorted(found, reverse=True):
        yield _read(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        info = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}
