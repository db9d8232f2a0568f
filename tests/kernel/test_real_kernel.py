"""The way of a whole cell: a server starts a kernel, and the kernel finds its way back by itself."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_server.auth.security import passwd

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.errors import ServerUnavailableError
from jupyter_webtorrent.schema.transfers import ShareRequest, TransferState
from tests.kernel.certificates import write_self_signed
from tests.kernel.servers import JupyterServer, jupyter_server

HASHED_PASSWORD = passwd("x", algorithm="sha1")  # type: ignore[no-untyped-call]
CSV = "species,island,bill_length_mm\n" * 450


class Kernel:
    """One kernel of a server; `run` gives the messages that a cell sent to the notebook."""

    def __init__(self, server: JupyterServer, kernel_id: str) -> None:
        file = server.runtime / f"kernel-{kernel_id}.json"
        self._client = BlockingKernelClient(connection_file=str(file))
        self._client.load_connection_file()
        # A kernel that is slow to start on a busy machine must not count as dead for want of a heartbeat.
        self._client.start_channels(hb=False)
        self._client.wait_for_ready(timeout=60)

    def run(self, code: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        self._client.execute_interactive(
            code, output_hook=messages.append, timeout=60, allow_stdin=False
        )
        return messages

    def begin(self, code: str) -> None:
        """Run a cell and wait for nothing."""
        self._client.execute(code, allow_stdin=False)

    def close(self) -> None:
        self._client.stop_channels()


def printed(messages: list[dict[str, Any]]) -> str:
    return "".join(each["content"]["text"] for each in messages if each["msg_type"] == "stream")


@pytest.fixture(scope="module")
def server(servers: list[JupyterServer]) -> JupyterServer:
    return servers[0]


def ask_for_kernels(server: JupyterServer, path: str = "") -> str:
    """POST to the server's kernels: a new one, or what the path says; the id of the one that answers."""
    info = server.info
    request = urllib.request.Request(
        info["url"] + "api/kernels" + path,
        data=b"{}",
        headers={"Authorization": f"token {info['token']}"},
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["id"])


@pytest.fixture(scope="module")
def kernel(server: JupyterServer) -> Iterator[Kernel]:
    kernel = Kernel(server, ask_for_kernels(server))
    kernel.run("%load_ext jupyter_webtorrent")
    yield kernel
    kernel.close()


def test_a_cell_shares_and_the_output_holds_no_token(server: JupyterServer, kernel: Kernel) -> None:
    (server.root / "penguins.csv").write_text(CSV)
    messages = kernel.run("%wt share penguins.csv")
    assert printed(messages).startswith("magnet:?xt=urn:btih:")
    messages += kernel.run("import jupyter_webtorrent as wt; wt.share('penguins.csv')")
    messages += kernel.run("wt.FetchPanel(), wt.SharePanel()")
    assert server.info["token"] not in str(messages)


def test_a_handle_is_a_live_panel_with_a_line_of_text_for_those_who_have_no_widgets(
    server: JupyterServer, kernel: Kernel
) -> None:
    (server.root / "<b>$x$.csv").write_text(CSV)
    messages = kernel.run("import jupyter_webtorrent as wt; wt.share('<b>$x$.csv').wait()")
    (result,) = [
        each["content"]["data"] for each in messages if each["msg_type"] == "execute_result"
    ]
    assert result["text/plain"].startswith("<Transfer <b>$x$.csv: sharing 13.5 kB")
    assert "application/vnd.jupyter.widget-view+json" in result
    states = [
        each["content"]["data"]["state"]
        for each in messages
        if each["msg_type"] in ("comm_open", "comm_msg")
    ]
    assert text.label("<b>$x$.csv") in [state.get("value") for state in states]
    assert not [state for state in states if "HTML" in state.get("_view_name", "")]


def test_a_cell_that_fetches_ends_in_plain_text_and_leaves_no_widget_behind(
    server: JupyterServer, kernel: Kernel
) -> None:
    nobody = "magnet:?xt=urn:btih:" + "cd" * 20 + "&dn=nobody.csv&x.pe=127.0.0.1%3A9"
    messages = kernel.run(f"%wt fetch --timeout 1 {nobody}")
    shown = [each for each in messages if each["msg_type"].endswith("display_data")]
    assert [each["msg_type"] for each in shown] == ["display_data", "update_display_data"]
    assert "application/vnd.jupyter.widget-view+json" in shown[0]["content"]["data"]
    assert shown[1]["content"]["data"] == {"text/plain": "  0% ░░░░░░░░░░░░░░░░░░░░░░░░"}
    assert "nobody.csv is not complete after 1.0 s" in printed(messages)
    assert not [each for each in messages if each["msg_type"] == "error"]


def test_a_fetch_outlives_a_restart_of_its_kernel_and_the_same_line_waits_for_it(
    servers: list[JupyterServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, student = servers
    (teacher.root / "restarted.csv").write_text(CSV)
    sharing = teacher.enter(monkeypatch)
    shared = sharing.share(ShareRequest([str(teacher.root / "restarted.csv")]))
    link = f"{shared.magnet}&x.pe={sharing.session().listening}"
    sharing.pause(shared.info_hash)

    kernel_id = ask_for_kernels(student)
    first = Kernel(student, kernel_id)
    first.run("%load_ext jupyter_webtorrent")
    first.begin(f"%wt fetch {link}")
    fetching = student.enter(monkeypatch)
    until(lambda: shared.info_hash in [each.info_hash for each in fetching.transfers()])
    first.close()
    ask_for_kernels(student, f"/{kernel_id}/restart")
    assert fetching.transfer(shared.info_hash).state is TransferState.METADATA

    sharing.resume(shared.info_hash)
    second = Kernel(student, kernel_id)
    second.run("%load_ext jupyter_webtorrent")
    lines = printed(second.run(f"%wt fetch {link}")).splitlines()
    second.close()
    assert lines[-1].startswith("restarted.csv: 13.5 kB")
    assert (student.root / "restarted.csv").read_text() == CSV


def until(happened: Callable[[], bool]) -> None:
    """Look again until it is so; the test's own timeout ends what never comes."""
    while not happened():
        time.sleep(0.05)


def test_a_kernel_enters_a_server_that_has_a_password_and_a_certificate_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_self_signed(tmp_path)
    with jupyter_server(
        tmp_path / "server",
        "--IdentityProvider.token=",
        f"--PasswordIdentityProvider.hashed_password={HASHED_PASSWORD}",
        f"--ServerApp.certfile={certificate}",
        f"--ServerApp.keyfile={key}",
    ) as server:
        monkeypatch.setenv("JUPYTER_WEBTORRENT_CERTIFICATE", str(certificate))
        assert server.enter(monkeypatch).transfers() == []

        other, _ = write_self_signed(tmp_path / "other")
        monkeypatch.setenv("JUPYTER_WEBTORRENT_CERTIFICATE", str(other))
        with pytest.raises(ServerUnavailableError, match="SSL"):
            server.enter(monkeypatch).transfers()
