"""How a kernel finds the Jupyter server beside it: the names both sides agree on.

The server extension publishes these; the kernel's client reads them. Neither imports the other.
"""

from __future__ import annotations

from msgspec import Struct

URL_VARIABLE = "JUPYTER_WEBTORRENT_URL"
"""Environment variable: the API's URL with a trailing slash. It holds no secret."""

CERTIFICATE_VARIABLE = "JUPYTER_WEBTORRENT_CERTIFICATE"
"""Environment variable: the path of the server's own TLS certificate (PEM), where it uses one."""

API_PATH = "webtorrent/api/"
"""Below the Jupyter server's base URL, as is the next."""

STREAM_PATH = "webtorrent/stream/"
"""Followed by an info hash, `/`, and a file's path in the torrent."""

NOT_LOGGED_IN = (
    "The token or login is missing, wrong or expired: log in to this Jupyter server again."
)
"""What the API says to strangers."""


class KernelPass(Struct, frozen=True):
    """The content of `webtorrent-<pid>.json` in the runtime folder, readable by its owner alone.

    Written only by a server that has no token of its own; the token opens nothing but this API.
    """

    url: str
    token: str


def pass_file_name(server_pid: int) -> str:
    """The KernelPass file of the Jupyter server with that process id."""
    return f"webtorrent-{server_pid}.json"
