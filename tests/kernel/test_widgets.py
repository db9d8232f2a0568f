from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from ipywidgets import HTML, HTMLMath, Label  # type: ignore[import-untyped]
from ipywidgets.widgets.widget import _instances  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import watch, widgets
from jupyter_webtorrent.kernel.client import Client
from jupyter_webtorrent.kernel.errors import ServerUnavailableError
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.kernel.widgets import CopyField, FetchPanel, SharePanel, TransferView, Words
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.scripted import HASH, Answer, ScriptedClient, status
from tests.kernel.servers import JupyterServer

SEEDING = TransferState.SEEDING
FAILED = TransferState.FAILED


@pytest.fixture(autouse=True)
def no_watch_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(watch, "_BUSY_PAUSE", 0.001)
    monkeypatch.setattr(watch, "_CALM_PAUSE", 0.001)
    monkeypatch.setattr(watch, "_LOST_PAUSE", 0.001)
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("webtorrent-"):
            thread.join(5)
            assert not thread.is_alive()


def shown(view: TransferView) -> tuple[str, float, str, str]:
    """Its name, how far its bar is, the bar's style, and the line below."""
    name, bar, detail, _ = view.children
    return name.value, bar.value, bar.bar_style, detail.value


def view_of(*answers: Answer) -> TransferView:
    """A view that has been shown the first answer, and then every other one."""
    client = ScriptedClient(*answers)
    reached = threading.Event()
    transfer = Transfer(client, status(TransferState.METADATA, name="", total=0))
    original = client.transfers

    def transfers() -> object:
        if client.asked > len(answers):
            reached.set()
        return original()

    client.transfers = transfers  # type: ignore[method-assign, assignment]
    view = TransferView(transfer)
    assert reached.wait(5)
    return view


def test_a_view_begins_with_what_is_known() -> None:
    view = view_of([status(TransferState.METADATA, name="", total=0)])
    assert shown(view) == (
        HASH,
        0.0,
        "",
        "looking for the files among 1 peer",
    )
    view.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            [status(done=560)],
            ("penguins.csv", 0.56, "", "560 B of 1 kB, 2.1 kB/s from 1 peer"),
        ),
        (
            [status(SEEDING)],
            ("penguins.csv", 1.0, "success", "sharing 1 kB: 0 B/s to 1 peer"),
        ),
        (
            [status(FAILED, done=560, error="the disk is full")],
            ("penguins.csv", 0.56, "danger", "failed: the disk is full"),
        ),
        ([], ("penguins.csv", 0.1, "", "no longer in the list of this server")),
        (
            ServerUnavailableError("No Jupyter server answers."),
            ("penguins.csv", 0.1, "", "No Jupyter server answers."),
        ),
    ],
)
def test_a_view_follows_its_transfer(answer: Answer, expected: tuple[str, float, str, str]) -> None:
    view = view_of([status(done=100)], answer)
    assert shown(view) == expected
    view.close()


def test_a_fetch_that_has_not_arrived_points_nowhere() -> None:
    view = view_of([msgspec.structs.replace(status(done=560), downloaded=560)])
    assert shown(view)[3] == "560 B of 1 kB, 2.1 kB/s from 1 peer"
    view.close()


def test_a_long_path_is_broken_at_no_hyphen() -> None:
    words = Words()
    words.show("a" * 80 + " " + "b" * 80 + "-ccc")
    assert [label.value for label in words.children] == ["a" * 80, "b" * 80 + "-ccc"]
    words.close()


def test_hostile_names_are_neither_markup_nor_mathematics() -> None:
    name = "<img src=x onerror=alert(1)> $\\href{javascript:alert(1)}{x}$ \x1b[31m\u202e.csv"
    view = view_of([status(FAILED, name=name, notice=name, error=name)])
    words = [child for child in view.children if isinstance(child, Words)]
    assert len(words) == 1
    assert len(words[0].children) > 1
    for child in (*view.children, *words[0].children):
        assert not isinstance(child, HTML | HTMLMath)
        if isinstance(child, Label):
            assert not set(child.value) & set("$\\\x1b\u202e")
        assert not getattr(child, "description_allow_html", False)
    view.close()


def test_a_closed_view_is_not_kept_up_to_date() -> None:
    view = view_of([status(done=100)])
    view.close()
    children = view.children
    assert all(child.comm is None for child in children)


def test_a_copy_field_springs_back() -> None:
    field = CopyField()
    field.show("magnet:?xt=urn:btih:" + HASH)
    field.value = "oops"
    assert field.value == "magnet:?xt=urn:btih:" + HASH
    field.close()


@pytest.fixture
def kernel(servers: list[JupyterServer], monkeypatch: pytest.MonkeyPatch) -> Client:
    return servers[0].enter(monkeypatch)


def test_a_share_panel_gives_the_link_and_a_fetch_panel_takes_it(
    kernel: Client, servers: list[JupyterServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("panel.csv").write_text("a,b\n" * 900)
    panel = SharePanel(" panel.csv ")
    panel.start().join(10)
    assert panel.view is not None
    magnet = panel.view.children[-1].value
    assert magnet.startswith("magnet:?xt=urn:btih:")
    assert panel.children[-1] is panel.view
    assert not panel.button.disabled
    listening = kernel.session().listening
    panel.close()

    student = servers[1].enter(monkeypatch)
    fetching = FetchPanel(f"{magnet}&x.pe={listening}", "from panel")
    fetching.button.click()
    while fetching.view is None:
        assert fetching.error.value == ""
    Transfer(student, student.transfers()[-1]).wait(10)
    assert (servers[1].root / "from panel" / "panel.csv").read_text() == "a,b\n" * 900
    fetching.close()


def test_a_mistake_in_a_panel_is_a_line_in_it_and_goes_with_the_next_try(kernel: Client) -> None:
    panel = SharePanel()
    panel.start().join(10)
    assert panel.error.value == "Name a file or folder first."
    panel.path.value = "not there.csv"
    panel.start().join(10)
    assert "not there.csv" in panel.error.value
    Path("there.csv").write_text("1")
    panel.path.value = "there.csv"
    panel.start().join(10)
    assert panel.error.value == ""
    assert {line.layout.display for line in panel.error.children} == {"none"}
    panel.close()

    fetching = FetchPanel()
    fetching.start().join(10)
    assert fetching.error.value == "Paste a link first."
    fetching.link.value = "hello"
    fetching.start().join(10)
    assert fetching.error.value.startswith("A link is a magnet link")
    fetching.close()


def test_a_panel_without_a_server_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("JUPYTER_WEBTORRENT_URL", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    panel = FetchPanel("magnet:?xt=urn:btih:" + HASH)
    panel.start().join(10)
    assert panel.error.value.startswith("No Jupyter server with jupyter")
    assert panel.view is None
    panel.close()


def test_a_rich_display_is_a_view_of_its_own() -> None:
    client = ScriptedClient([status()])
    bundle = widgets.live_view(Transfer(client, status()))
    model_id = bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    _instances[model_id].close()
