"""Kernels and scripts with no Jupyter server beside them, each with Jupyter folders of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from jupyter_webtorrent.kernel.local import LocalAccess
from tests.kernel.servers import PROJECT

SETTINGS = """
c.WebTorrentApp.listen_host = "127.0.0.1"
c.WebTorrentApp.trackers = []
c.WebTorrentApp.stun_servers = []
c.WebTorrentApp.transports = ["tcp"]
"""


class Person:
    """Someone with a home folder, whose notebooks and scripts run in `work`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.work = home / "work"
        self.state = home / "data" / "webtorrent"
        self.work.mkdir(parents=True)
        self.configure(SETTINGS)

    def configure(self, settings: str) -> None:
        folder = self.home / "config"
        folder.mkdir(exist_ok=True)
        (folder / "jupyter_webtorrent_config.py").write_text(settings)

    def choose(self, **settings: object) -> None:
        """What a server's settings panel would have kept."""
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "settings.json").write_text(json.dumps(settings))

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JPY_", "JUPYTER", "PYTEST"))
        }
        return kept | {
            "HOME": str(self.home),
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "IPYTHONDIR": str(self.home / "ipython"),
            "PYTHONPATH": str(PROJECT),
        }

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make this process look like one of this person's, without a server."""
        environment = self.environment
        for name in os.environ.keys() - environment.keys():
            if name.startswith(("JPY_", "JUPYTER")):
                monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(self.work)

    @contextmanager
    def access(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAccess]:
        """An engine in this process, as in one of this person's kernels."""
        self.enter(monkeypatch)
        access = LocalAccess()
        access.session()
        try:
            yield access
        finally:
            access.close()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A program in the work folder, to its end."""
        return subprocess.run(
            [sys.executable, *command],
            env=self.environment,
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


class LoneKernel:
    """A kernel that no Jupyter server started; `run` gives the messages that a cell sent."""

    def __init__(self, person: Person) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(env=person.environment, cwd=str(person.work))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def run(self, code: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        self._client.execute_interactive(
            code, output_hook=messages.append, timeout=60, allow_stdin=False
        )
        return messages

    def restart(self) -> None:
        self._manager.restart_kernel()
        self._client.wait_for_ready(timeout=60)

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel()
