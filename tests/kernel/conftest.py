"""A shell for magics and completion, and two Jupyter servers to talk to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NoReturn

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_webtorrent.kernel import client, watch
from jupyter_webtorrent.kernel.discovery import NO_SERVER
from jupyter_webtorrent.kernel.errors import NoServerError
from tests.kernel.servers import JupyterServer, jupyter_server


@pytest.fixture(autouse=True)
def no_engine_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test makes this process's own engine, which would use its user's settings and trackers."""

    def refuse() -> NoReturn:
        raise NoServerError(NO_SERVER)

    monkeypatch.setattr(client, "local_access", refuse)


@pytest.fixture(scope="session")
def shell() -> InteractiveShell:
    """An IPython shell with the extension, as in a terminal; it is not the one of `get_ipython()`."""
    config = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell(config=config)  # type: ignore[no-untyped-call]
    shell.run_line_magic("load_ext", "jupyter_webtorrent")
    return shell


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[JupyterServer]]:
    """A teacher's and a student's server; what one test shares there is still there for the next."""
    folder = tmp_path_factory.mktemp("servers")
    with (
        jupyter_server(folder / "teacher") as teacher,
        jupyter_server(folder / "student") as student,
    ):
        yield [teacher, student]


@pytest.fixture
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A watch without pauses; fails a test that leaves a thread of a widget behind."""
    for name in ("_BUSY_PAUSE", "_CALM_PAUSE", "_LOST_PAUSE"):
        monkeypatch.setattr(watch, name, 0.001)
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("webtorrent-"):
            thread.join(5)
            assert not thread.is_alive()
