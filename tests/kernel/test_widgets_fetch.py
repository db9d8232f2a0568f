from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel import client as clients
from jupyter_webtorrent.kernel.widgets import FetchPanel, fetch
from jupyter_webtorrent.kernel.widgets.chooser import PAGE, FileChooser
from jupyter_webtorrent.schema.transfers import FetchRequest, FileStatus, TransferState
from tests.kernel.scripted import HASH, PanelServer, status
from tests.kernel.widget_tools import all_in, buttons_in, is_shown, until, words_in

pytestmark = pytest.mark.usefixtures("quick_watch")

FILES = [FileStatus(index, f"lesson/{index}.csv", 1000, 0, False) for index in range(3)]


def panel_of(server: PanelServer, monkeypatch: pytest.MonkeyPatch) -> FetchPanel:
    monkeypatch.setattr(clients, "connect", lambda: server)
    panel = FetchPanel(HASH)
    panel.start().join(5)
    return panel


def many(count: int) -> list[FileStatus]:
    return [FileStatus(index, f"{index:05}.csv", 10, 0, False) for index in range(count)]


def chooser_of(files: Sequence[FileStatus]) -> FileChooser:
    return FileChooser(files, lambda: None)


def listed(chooser: FileChooser) -> list[str]:
    return [box.description for box in chooser.boxes if is_shown(box)]


def test_files_are_shown_before_anything_is_fetched_and_those_chosen_are_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    server = PanelServer(files=FILES)
    panel = panel_of(server, monkeypatch)
    assert panel.name.value == "penguins.csv: 3 files, 3 kB"
    assert panel.chooser is not None
    panel.chooser.boxes[1].value = False
    panel.folder.value = "here"
    panel.start_fetch().join(5)
    look, begin = server.asked_for
    assert look == FetchRequest(link=HASH, folder="", on_demand=True)
    assert begin == FetchRequest(link=HASH, folder=str(tmp_path / "here"), files=[0, 2])
    assert panel.view is not None
    assert panel.children[-1] is panel.view
    panel.close()
    assert len(server.asked_for) == 2


def test_all_files_are_no_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    server = PanelServer(files=FILES)
    panel = panel_of(server, monkeypatch)
    panel.start_fetch().join(5)
    assert server.asked_for[-1] == FetchRequest(link=HASH, folder=str(tmp_path))
    panel.close()


def test_nothing_chosen_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panel_of(PanelServer(files=FILES), monkeypatch)
    assert panel.chooser is not None
    buttons_in(panel)["None"].click()
    assert panel.fetch.disabled
    buttons_in(panel)["All"].click()
    assert not panel.fetch.disabled
    panel.start_cancel().join(5)
    panel.close()


def test_a_link_that_nobody_answers_says_so_and_leaves_nothing_when_it_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "_PATIENCE", 0.0)
    server = PanelServer()
    server.looked_up = TransferState.METADATA
    panel = panel_of(server, monkeypatch)
    assert panel.busy.active
    assert panel.name.value.startswith("looking for the files")
    assert "Whoever shares it must be online" in panel.name.value
    assert list(buttons_in(panel)) == ["Cancel"]
    panel.start_cancel().join(5)
    assert server.asked_for[-1] == ("remove", HASH, True)
    assert not panel.busy.active
    assert list(buttons_in(panel)) == ["Look"]
    panel.close()


def test_a_look_that_somebody_removes_says_where_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = PanelServer()
    server.place = "this kernel"
    server.looked_up = TransferState.METADATA
    panel = panel_of(server, monkeypatch)
    server.set()
    until(lambda: panel.name.value == "no longer in the list of this kernel")
    panel.close()


def test_an_answer_that_comes_later_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer(files=FILES)
    server.looked_up = TransferState.METADATA
    panel = panel_of(server, monkeypatch)
    assert panel.chooser is None
    server.set(status(TransferState.ON_DEMAND))
    until(lambda: panel.chooser is not None)
    assert "3 files, 3 kB" in panel.name.value
    panel.start_cancel().join(5)
    panel.close()


def test_a_link_that_cannot_be_fetched_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer()
    server.looked_up = TransferState.METADATA
    panel = panel_of(server, monkeypatch)
    server.set(status(TransferState.FAILED, error="The tracker is <b>gone</b>"))
    until(lambda: panel.error.value)
    assert panel.error.value == "This link cannot be fetched: The tracker is <b>gone</b>"
    until(lambda: server.now == [])
    assert list(buttons_in(panel)) == ["Look"]
    panel.close()


def test_what_was_there_before_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer(status(done=100), files=FILES)
    server.looked_up = TransferState.DOWNLOADING
    panel = panel_of(server, monkeypatch)
    assert "(in the list already: " in panel.name.value
    panel.start_cancel().join(5)
    assert [each for each in server.asked_for if isinstance(each, tuple)] == []
    panel.close()


def test_what_somebody_fetches_meanwhile_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer(files=FILES)
    panel = panel_of(server, monkeypatch)
    server.set(status(TransferState.DOWNLOADING))
    panel.start_cancel().join(5)
    assert server.now == [status(TransferState.DOWNLOADING)]
    assert panel.error.value == ""
    panel.close()


def test_a_closed_panel_removes_what_it_only_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    server = PanelServer(files=FILES)
    panel = panel_of(server, monkeypatch)
    everything = list(all_in(panel))
    panel.close()
    until(lambda: server.now == [])
    assert all(each.comm is None for each in everything)


def test_ten_thousand_files_are_a_page_of_boxes_and_a_filter() -> None:
    chooser = chooser_of(many(10_000))
    assert len(listed(chooser)) == PAGE
    assert "1 to 50 of 10000 files" in words_in(chooser)
    assert chooser.summary.value == "10,000 of 10000 files chosen, 100 kB"
    chooser.next.click()
    assert listed(chooser)[0] == "00050.csv (10 B)"
    chooser.filter.value = "077.CSV"
    assert listed(chooser) == [f"{n:02}077.csv (10 B)" for n in range(10)]
    chooser.none.click()
    assert len(chooser.chosen) == 9_990
    chooser.filter.value = "no such name"
    assert listed(chooser) == []
    chooser.filter.value = ""
    assert not chooser.is_all
    chooser.close()


def test_the_last_page_shows_what_is_left() -> None:
    chooser = chooser_of(many(PAGE + 2))
    assert chooser.back.disabled
    chooser.next.click()
    assert listed(chooser) == ["00050.csv (10 B)", "00051.csv (10 B)"]
    assert chooser.next.disabled
    chooser.boxes[1].value = False
    assert chooser.chosen == set(range(PAGE + 1))
    chooser.back.click()
    assert all(box.value for box in chooser.boxes)
    chooser.close()


def test_a_single_file_is_no_choice() -> None:
    chooser = chooser_of(many(1))
    assert listed(chooser) == []
    assert chooser.summary.value == "00000.csv, 10 B"
    assert chooser.is_all
    chooser.close()
