from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import msgspec
import pytest
from ipywidgets import HTML, HTMLMath, Label, Widget  # type: ignore[import-untyped]
from ipywidgets.widgets.widget import _instances  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import client as clients
from jupyter_webtorrent.kernel import text, widgets
from jupyter_webtorrent.kernel.client import Client
from jupyter_webtorrent.kernel.errors import ServerUnavailableError
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.kernel.widgets import (
    CopyField,
    FetchPanel,
    SharePanel,
    TransfersPanel,
    TransferView,
    Words,
)
from jupyter_webtorrent.kernel.widgets.anywidgets import Busy, CopyButton, PieceBar, RatePlot
from jupyter_webtorrent.kernel.widgets.parts import Fold
from jupyter_webtorrent.schema.transfers import FileStatus, TransferState
from tests.hostile_names import HOSTILE_NAMES
from tests.kernel.scripted import HASH, Answer, PanelServer, ScriptedClient, status
from tests.kernel.servers import JupyterServer
from tests.kernel.widget_tools import all_in, buttons_in, is_shown, until, words_in

pytestmark = pytest.mark.usefixtures("quick_watch")

SEEDING = TransferState.SEEDING
FAILED = TransferState.FAILED
PAUSED = TransferState.PAUSED


def view_of(server: PanelServer) -> TransferView:
    return TransferView(Transfer(server, server.now[0]))


def shown(view: TransferView) -> tuple[str, float, str, str]:
    """Its name, how far its bar is, the bar's style, and the lines below."""
    return view.name.value, view.bar.value, view.bar.bar_style, view.detail.value


def settle(server: PanelServer) -> None:
    """Wait for a panel's thread, and until what was looked at before is shown no more."""
    for thread in threading.enumerate():
        if thread.name == "webtorrent-panel":
            thread.join(5)
    looks = server.asked
    until(lambda: server.asked > looks + 2)


def test_a_view_begins_with_what_is_known() -> None:
    view = view_of(PanelServer(status(TransferState.METADATA, name="", total=0)))
    assert shown(view) == (HASH, 0.0, "", "looking for the files among 1 peer")
    view.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([status(done=560)], ("penguins.csv", 0.56, "", "560 B of 1 kB, 2.1 kB/s from 1 peer")),
        ([status(SEEDING)], ("penguins.csv", 1.0, "success", "sharing 1 kB: 0 B/s to 1 peer")),
        (
            [status(FAILED, done=560, error="the disk is full")],
            ("penguins.csv", 0.56, "danger", "failed: the disk is full"),
        ),
        ([], ("penguins.csv", 0.1, "", "no longer in the list of this Jupyter server")),
        (
            ServerUnavailableError("No Jupyter server answers."),
            ("penguins.csv", 0.1, "", "No Jupyter server answers."),
        ),
    ],
)
def test_a_view_follows_its_transfer(answer: Answer, expected: tuple[str, float, str, str]) -> None:
    now = status(done=100)
    view = TransferView(Transfer(ScriptedClient([now], [now], answer), now))
    until(lambda: shown(view)[3].startswith(expected[3]) and shown(view)[:3] == expected[:3])
    assert is_shown(view.controls) is (answer != [] and isinstance(answer, list))
    view.close()


def test_a_view_names_the_kernel_where_the_engine_is_in_it() -> None:
    server = PanelServer(status(done=100))
    server.place = "this kernel"
    view = view_of(server)
    server.set()
    until(lambda: view.detail.value == "no longer in the list of this kernel")
    view.close()


def test_a_view_says_over_what_its_peers_are_connected_and_where_it_all_went() -> None:
    view = view_of(
        PanelServer(
            msgspec.structs.replace(
                status(SEEDING, peers=3, paths=["/elsewhere/penguins.csv"]),
                downloaded=1000,
                peers_by_transport={"tcp": 1, "webrtc": 2},
            )
        )
    )
    assert "-> /elsewhere/penguins.csv" in view.detail.value
    assert "2 over webrtc, 1 over tcp" in view.detail.value
    view.close()


def test_a_view_shows_which_pieces_are_here_until_all_are() -> None:
    server = PanelServer(status(done=250))
    view = view_of(server)
    until(lambda: view.pieces.done == [100, 50, 0, 0])
    assert view.pieces.summary == "Piece map: 37% of 4 pieces of 250 B are here"
    server.set(status(SEEDING))
    until(lambda: view.pieces.done == [100])
    until(lambda: server.asked > 5)
    asked = server.details_asked
    looks = server.asked
    until(lambda: server.asked > looks + 5)
    assert server.details_asked == asked
    view.close()


def test_a_view_is_paused_resumed_and_cancelled_with_a_second_click() -> None:
    server = PanelServer(status())
    view = view_of(server)
    buttons_in(view)["Pause"].click()
    settle(server)
    buttons_in(view)["Resume"].click()
    settle(server)
    buttons_in(view)["Cancel"].click()
    assert sorted(buttons_in(view)) == [
        "Do nothing",
        "Remove and delete files",
        "Remove, keep files",
    ]
    buttons_in(view)["Do nothing"].click()
    assert sorted(buttons_in(view)) == ["Cancel", "Pause"]
    assert server.asked_for == [("pause", HASH), ("resume", HASH)]
    buttons_in(view)["Cancel"].click()
    buttons_in(view)["Remove and delete files"].click()
    until(lambda: "no longer" in view.detail.value)
    assert server.asked_for[-1] == ("remove", HASH, True)
    until(lambda: buttons_in(view) == {})
    view.close()


def test_what_is_shared_from_its_own_place_cannot_be_deleted() -> None:
    view = view_of(PanelServer(msgspec.structs.replace(status(SEEDING), shared=True)))
    buttons_in(view)["Remove"].click()
    assert sorted(buttons_in(view)) == ["Do nothing", "Remove, keep files"]
    view.close()


def test_what_the_server_refuses_is_a_line_below_the_buttons() -> None:
    server = PanelServer(status())
    view = view_of(server)

    def refuse(info_hash: str) -> object:
        raise ServerUnavailableError("Not now.")

    server.pause = refuse  # type: ignore[method-assign, assignment]
    buttons_in(view)["Pause"].click()
    until(lambda: view.trouble.value == "Not now.")
    until(lambda: not view.controls.pause.disabled)
    view.close()


def test_a_closed_view_is_not_kept_up_to_date() -> None:
    server = PanelServer(status(done=100))
    view = view_of(server)
    everything = list(all_in(view))
    view.close()
    assert all(each.comm is None for each in everything)


def test_a_long_path_is_broken_at_no_hyphen() -> None:
    words = Words()
    words.show("a" * 80 + " " + "b" * 80 + "-ccc")
    assert [label.value for label in words.children] == ["a" * 80, "b" * 80 + "-ccc"]
    words.close()


def test_a_copy_field_springs_back() -> None:
    field = CopyField("Link", "link")
    field.show("magnet:?xt=urn:btih:" + HASH)
    line, button = field.children
    line.value = "oops"
    assert field.value == button.value == "magnet:?xt=urn:btih:" + HASH
    field.close()


def test_a_fold_says_what_its_button_will_do() -> None:
    fold = Fold("Options", [Label("inside")])
    assert not is_shown(fold.content)
    assert fold.button.tooltip == "Show options"
    fold.button.click()
    assert is_shown(fold.content)
    assert fold.button.tooltip == "Hide options"
    fold.close()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_neither_markup_nor_mathematics(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("")
    server = PanelServer(
        status(name=name, notice=name),
        files=[FileStatus(index, name, 1, 0, True) for index in (0, 1)],
    )
    monkeypatch.setattr(clients, "connect", lambda: server)
    transfers, sharing, fetching = TransfersPanel(), SharePanel(), FetchPanel(HASH)
    (row,) = transfers.rows.values()
    row.fold.turn(True)
    until(lambda: "Files (2)" in words_in(transfers))
    fetching.start().join()
    until(lambda: fetching.chooser is not None)
    sharing.browser.entries.index = (0,)
    harmless = text.label(text.short_name(name))
    assert row.name.value == harmless
    if not name.startswith(" "):
        assert text.short_name(name) in sharing.browser.entries.options[0][0]
        assert fetching.chooser is not None
        assert fetching.chooser.boxes[0].description.startswith(harmless[:40])
    for each in [each for panel in (transfers, sharing, fetching) for each in all_in(panel)]:
        assert not isinstance(each, HTML | HTMLMath)
        assert not getattr(each, "description_allow_html", False)
        if isinstance(each, Label):
            assert "\\" not in each.value
            assert each.value.count("$") < 2
        for trait in ("value", "description", "tooltip"):
            value = each.trait_values().get(trait)
            assert not set(value if isinstance(value, str) else "") & set(
                "\x1b\u202e\n\r\x07\u200b"
            )
    for panel in (transfers, sharing, fetching):
        panel.close()


def test_no_widget_holds_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    server = PanelServer(status(done=100), files=[FileStatus(0, "a", 1, 0, True)])
    monkeypatch.setattr(clients, "connect", lambda: server)
    panels = [TransfersPanel(), SharePanel("a"), FetchPanel(HASH), view_of(server)]
    state = json.dumps(Widget.get_manager_state()["state"], default=repr)
    assert HASH in state
    assert server.address.token == "t0ken"
    assert "t0ken" not in state
    for panel in panels:
        panel.close()


@pytest.mark.parametrize("made", [CopyButton, Busy, PieceBar, RatePlot])
def test_what_a_page_runs_asks_no_host_and_writes_no_html(made: type[Widget]) -> None:
    source = made._esm + made._css
    assert set(re.findall(r"\w+://[^'\"\s]*", source)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|\bimport\b|@import|url\(|eval", source
    )


def test_a_saved_notebook_reads_what_a_panel_was(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer(status(done=100))
    monkeypatch.setattr(clients, "connect", lambda: server)
    for panel in (TransfersPanel(), SharePanel(), FetchPanel(), view_of(server)):
        plain = panel._repr_mimebundle_()["text/plain"]
        assert "run this cell again" in plain or plain.startswith("penguins.csv: 100 B of 1 kB")
        assert not plain.endswith("\N{HORIZONTAL ELLIPSIS}")
        panel.close()


def test_a_panel_without_a_server_says_so_and_can_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> Client:
        raise ServerUnavailableError("No server answers.")

    monkeypatch.setattr(clients, "connect", refuse)
    fetching, transfers = FetchPanel("magnet:?xt=urn:btih:" + HASH), TransfersPanel()
    fetching.start().join(10)
    assert fetching.error.value == transfers.summary.value == "No server answers."
    monkeypatch.setattr(clients, "connect", lambda: PanelServer(status()))
    buttons_in(transfers)["Try again"].click()
    assert "penguins.csv" in words_in(transfers)
    assert "Try again" not in buttons_in(transfers)
    fetching.close()
    transfers.close()


def test_a_rich_display_is_a_view_of_its_own() -> None:
    client = PanelServer(status())
    bundle = widgets.live_view(Transfer(client, status()))
    model_id = bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    _instances[model_id].close()


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
    magnet = panel.view.transfer.magnet.value
    assert magnet.startswith("magnet:?xt=urn:btih:")
    assert panel.children[-1] is panel.view
    assert not panel.button.disabled
    listening = kernel.session().listening
    panel.close()

    student = servers[1].enter(monkeypatch)
    fetching = FetchPanel(f"{magnet}&x.pe={listening}", "from panel")
    fetching.start().join(10)
    until(lambda: fetching.chooser is not None)
    assert fetching.name.value == "panel.csv: 1 file, 3.6 kB"
    assert not (servers[1].root / "from panel").exists()
    fetching.start_fetch().join(10)
    assert fetching.error.value == ""
    Transfer(student, student.transfers()[-1]).wait(10)
    assert (servers[1].root / "from panel" / "panel.csv").read_text() == "a,b\n" * 900
    fetching.close()


def test_a_mistake_in_a_panel_is_a_line_in_it_and_goes_with_the_next_try(kernel: Client) -> None:
    panel = SharePanel()
    panel.start().join(10)
    assert panel.error.value == "Choose files or folders first."
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
