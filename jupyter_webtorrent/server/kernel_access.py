"""How this server's kernels find and enter the API.

A kernel normally uses the server's own token. A server without one (a password, or nothing) writes a token of
ours into a file that only its user can read; that token opens this API and nothing else.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec
from jupyter_core.paths import secure_write
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.web import RequestHandler

from jupyter_webtorrent.schema.discovery import (
    API_PATH,
    CERTIFICATE_VARIABLE,
    URL_VARIABLE,
    KernelPass,
    pass_file_name,
)

_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "[::1]"}


class KernelIdentity(IdentityProvider):
    """Who a request is from that carries our own token: not a browser, so no Origin and no XSRF cookie."""

    def get_user(self, handler: RequestHandler) -> User:
        return User(username="jupyter-webtorrent-kernel", name="Kernel", display_name="Kernel")

    def should_check_origin(self, handler: RequestHandler) -> bool:
        return False

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        return True


class KernelAccess:
    """The facts published for kernels, from `publish` to `withdraw`."""

    def __init__(self, serverapp: ServerApp) -> None:
        self._serverapp = serverapp
        self._token = ""
        self._environment: dict[str, str] = {}
        self.identity = KernelIdentity(parent=serverapp)

    @property
    def url(self) -> str:
        """The API, as a process on this machine reaches it."""
        server = self._serverapp
        host = _ANY_ADDRESS.get(server.ip) or (f"[{server.ip}]" if ":" in server.ip else server.ip)
        scheme = "https" if server.certfile else "http"
        return f"{scheme}://{host}:{server.port}" + url_path_join(server.base_url, API_PATH)

    def admits(self, authorization: str) -> bool:
        """Whether an Authorization header carries our own token."""
        scheme, _, token = authorization.partition(" ")
        return (
            bool(self._token)
            and scheme.lower() in ("token", "bearer")
            and hmac.compare_digest(token.strip().encode(), self._token.encode())
        )

    def publish(self) -> None:
        """Tell the kernels that will be started from now on; they inherit the environment."""
        self._environment = {URL_VARIABLE: self.url}
        if self._serverapp.certfile:
            self._environment[CERTIFICATE_VARIABLE] = os.path.abspath(self._serverapp.certfile)
        os.environ.update(self._environment)
        if not self._serverapp.identity_provider.token and not os.environ.get(
            "JUPYTERHUB_API_TOKEN"
        ):
            self._token = secrets.token_urlsafe(32)
            with secure_write(str(self._file), binary=True) as file:
                file.write(msgspec.json.encode(KernelPass(self.url, self._token)))

    def withdraw(self) -> None:
        """Undo `publish`; may be called any number of times."""
        for name, value in self._environment.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        self._environment = {}
        if self._token:
            self._token = ""
            with contextlib.suppress(OSError):
                self._file.unlink()

    @property
    def _file(self) -> Path:
        return Path(self._serverapp.runtime_dir, pass_file_name(os.getpid()))
