from __future__ import annotations

import pytest

from jupyter_webtorrent.kernel import client as clients
from jupyter_webtorrent.kernel.errors import ServerUnavailableError
from jupyter_webtorrent.kernel.widgets import TransfersPanel
from jupyter_webtorrent.kernel.widgets.transfers import MOST_ROWS
from jupyter_webtorrent.schema.transfers import FileStatus
from tests.kernel.scripted import HASH, PanelServer, ScriptedClient, other, status
from tests.kernel.widget_tools import all_in, buttons_in, until, words_in

pytestmark = pytest.mark.usefixtures("quick_watch")


def panel_of(server: ScriptedClient, monkeypatch: pytest.MonkeyPatch) -> TransfersPanel:
    monkeypatch.setattr(clients, "connect", lambda: server)
    return TransfersPanel()


def test_transfers_appear_and_go_with_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer()
    panel = panel_of(server, monkeypatch)
    assert panel.summary.value == "Nothing is shared or fetched yet."
    server.set(other("01" * 20, "old.csv"), status())
    until(lambda: list(panel.rows) == [HASH, "01" * 20])
    gone = list(all_in(panel.rows[HASH]))
    server.set(other("01" * 20, "old.csv"), other("02" * 20, "new.csv"))
    until(lambda: list(panel.rows) == ["01" * 20, "02" * 20])
    assert words_in(panel).index("new.csv") < words_in(panel).index("old.csv")
    until(lambda: all(each.comm is None for each in gone))
    panel.close()


def test_details_are_asked_for_only_while_a_row_is_unfolded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = PanelServer(status(), files=[FileStatus(0, "a/b.csv", 1000, 250, True)])
    panel = panel_of(server, monkeypatch)
    until(lambda: server.asked > 5)
    assert server.details_asked == 0
    row = panel.rows[HASH]
    row.fold.button.click()
    until(lambda: "Files (1)" in words_in(panel))
    words = words_in(panel)
    for line in (
        "\N{BULLET} a/b.csv: 1 kB, 25%",
        "\N{BULLET} 10.0.0.1:1 over webrtc, <b>x, has 50%: 1 B/s from it, 2 B/s to it",
        "\N{BULLET} wss://t.example: working, 1 seeder, 2 leechers",
        "\N{BULLET} 10.0.0.2:1 over tcp: It refuses.",
    ):
        assert line in words
    row.fold.button.click()
    asked = server.asked
    until(lambda: server.asked > asked + 1)
    folded = server.details_asked
    asked = server.asked
    until(lambda: server.asked > asked + 5)
    assert server.details_asked == folded
    panel.close()


def test_thousands_of_files_are_twenty_lines_and_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [FileStatus(index, f"{index}.csv", 1, 0, index > 0) for index in range(10_000)]
    panel = panel_of(PanelServer(status(), files=files), monkeypatch)
    panel.rows[HASH].fold.turn(True)
    until(lambda: "and 9,980 more" in words_in(panel))
    assert "0.csv: 1 B, not wanted" in words_in(panel)
    assert "20.csv" not in words_in(panel)
    panel.close()


def test_a_thousand_transfers_are_fifty_rows_and_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer(*(other(f"{index:040x}", f"{index}.csv") for index in range(1000)))
    panel = panel_of(server, monkeypatch)
    assert len(panel.rows) == MOST_ROWS
    assert "999.csv" in words_in(panel)
    assert "and 950 older ones" in words_in(panel)
    panel.close()


def test_the_rates_are_plotted_and_peers_are_counted_by_transport(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = PanelServer(status(), other("01" * 20, "b.csv"))
    panel = panel_of(server, monkeypatch)
    assert panel.plot.down == [4200]
    assert panel.plot.up == [0]
    assert panel.plot.down_label == "Receiving 4.2 kB/s"
    assert panel.plot.top_label == "5 kB/s"
    panel.close()


def test_a_server_that_goes_away_is_told_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ScriptedClient([status()], [status()], ServerUnavailableError("No server answers."))
    panel = panel_of(server, monkeypatch)
    until(lambda: panel.summary.value == "No server answers.")
    assert list(panel.rows) == [HASH]
    panel.close()


def test_a_transfer_is_removed_with_a_second_click(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer(status())
    panel = panel_of(server, monkeypatch)
    buttons_in(panel)["Cancel"].click()
    buttons_in(panel)["Remove, keep files"].click()
    until(lambda: not panel.rows)
    assert server.asked_for == [("remove", HASH, False)]
    panel.close()


def test_a_closed_panel_asks_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panel_of(PanelServer(status()), monkeypatch)
    panel.rows[HASH].fold.turn(True)
    everything = list(all_in(panel))
    panel.close()  # the fixture sees the thread end
    assert all(each.comm is None for each in everything)
