"""Jupyter servers of their own processes, each with its own folders, as a class would have them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from jupyter_webtorrent.kernel.client import Client
from jupyter_webtorrent.kernel.discovery import find_server

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class JupyterServer:
    """A running server: `root` is what it serves, `runtime` where it leaves its files for kernels."""

    root: Path
    runtime: Path
    pid: int

    @property
    def info(self) -> dict[str, Any]:
        content = json.loads((self.runtime / f"jpserver-{self.pid}.json").read_text())
        assert isinstance(content, dict)
        return content

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> Client:
        """Make this process look like one of the server's kernels, in its root folder."""
        for name in ("JUPYTER_WEBTORRENT_URL", "JUPYTERHUB_API_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(self.runtime))
        monkeypatch.setenv("JPY_PARENT_PID", str(self.pid))
        monkeypatch.chdir(self.root)
        return Client(find_server())


@contextmanager
def jupyter_server(folder: Path, *options: str) -> Iterator[JupyterServer]:
    """Run a server below `folder` until the block ends; no tracker, no STUN server, loopback only."""
    root, runtime = folder / "root", folder / "runtime"
    for each in (root, runtime):
        each.mkdir(parents=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JPY_", "JUPYTER", "PYTEST"))
    }
    environment |= {
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(PROJECT),
    }
    settings = [
        "--no-browser",
        "--allow-root",
        "--port=0",
        "--ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.jpserver_extensions=jupyter_webtorrent=True",
        "--WebTorrentApp.listen_host=127.0.0.1",
        "--WebTorrentApp.trackers=[]",
        "--WebTorrentApp.stun_servers=[]",
        "--WebTorrentApp.transports=tcp",
    ]
    command = [sys.executable, "-m", "jupyter_server", *settings, *options]
    with subprocess.Popen(
        command, env=environment, cwd=root, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            _wait_until_running(process.stderr)
            reading = threading.Thread(target=process.stderr.read)
            reading.start()
            yield JupyterServer(root, runtime, process.pid)
        finally:
            process.terminate()
            process.wait()
    reading.join()


def _wait_until_running(log: IO[str]) -> None:
    lines: list[str] = []
    for line in log:
        lines.append(line)
        if "Kernels share and fetch through" in line:
            return
    pytest.fail("the server did not start:\n" + "".join(lines))
