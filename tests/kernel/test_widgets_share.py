from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from jupyter_webtorrent.kernel import client as clients
from jupyter_webtorrent.kernel import sharing
from jupyter_webtorrent.kernel.torrent_file import save_beside
from jupyter_webtorrent.kernel.widgets import SharePanel, browser
from jupyter_webtorrent.kernel.widgets.browser import FolderBrowser
from jupyter_webtorrent.kernel.widgets.qr import qr_png, short_link
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import ShareRequest
from tests.kernel.scripted import HASH, PanelServer
from tests.kernel.widget_tools import buttons_in, is_shown, until, words_in

pytestmark = pytest.mark.usefixtures("quick_watch")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b/deep/c.txt", "b/d.txt", "a.csv", "Z/e.txt", ".hidden", ".git/config"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1234")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def chooser(folder: Path) -> FolderBrowser:
    return FolderBrowser(folder)


def names(chooser: FolderBrowser) -> list[str]:
    return [label for label, _ in chooser.entries.options]


def select(chooser: FolderBrowser, *labels: str) -> None:
    chooser.entries.index = tuple(map(names(chooser).index, labels))


def test_folders_come_first_and_hidden_files_are_left_out(chooser: FolderBrowser) -> None:
    assert names(chooser) == ["b/", "Z/", "a.csv (4 B)"]
    assert words_in(chooser) == "Nothing is chosen yet."
    chooser.close()


def test_what_is_chosen_stays_so_in_other_folders(chooser: FolderBrowser, folder: Path) -> None:
    select(chooser, "a.csv (4 B)")
    assert chooser.open_button.disabled
    select(chooser, "a.csv (4 B)", "b/")
    assert chooser.open_button.disabled
    select(chooser, "b/")
    chooser.open_button.click()
    assert chooser.folder == folder / "b"
    assert list(chooser.chosen) == []
    select(chooser, "deep/", "d.txt (4 B)")
    chooser.go(folder)
    select(chooser, "a.csv (4 B)")
    assert list(chooser.chosen) == [folder / "b" / "deep", folder / "b" / "d.txt", folder / "a.csv"]
    assert words_in(chooser) == f"Chosen: b{os.sep}deep, b{os.sep}d.txt, a.csv"
    chooser.go(folder / "b")
    assert chooser.entries.index == (0, 1)
    chooser.clear.click()
    assert list(chooser.chosen) == []
    assert chooser.entries.index == ()
    chooser.close()


def test_breadcrumbs_lead_back(chooser: FolderBrowser, folder: Path) -> None:
    chooser.go(folder / "b" / "deep")
    buttons_in(chooser)["b"].click()
    assert chooser.folder == folder / "b"
    chooser.close()


def test_a_folder_that_went_is_a_line(chooser: FolderBrowser, folder: Path) -> None:
    chooser.go(folder / "gone")
    assert "gone cannot be opened: No such file or directory." in words_in(chooser)
    assert chooser.folder == folder
    chooser.close()


def test_a_folder_of_thousands_is_listed_in_part(
    chooser: FolderBrowser, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "MOST_ENTRIES", 2)
    chooser.go(folder)
    assert names(chooser) == ["b/", "Z/"]
    assert "1 more file not listed: name what you mean below." in words_in(chooser)
    chooser.close()


def panel_of(server: PanelServer, monkeypatch: pytest.MonkeyPatch) -> SharePanel:
    monkeypatch.setattr(sharing, "connect", lambda: server)
    monkeypatch.setattr(clients, "connect", lambda: server)
    return SharePanel()


def test_what_is_chosen_and_what_is_typed_is_shared_with_the_options(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = PanelServer()
    panel = panel_of(server, monkeypatch)
    select(panel.browser, "b/")
    panel.path.value = " Z/e.txt "
    panel.options.name.value = "all of it"
    panel.options.private.value = True
    panel.options.trackers.value = "wss://one.example\nudp://two.example:1"
    panel.options.ratio.value = 2
    panel.options.hours.value = 0.5
    panel.start().join(5)
    assert server.asked_for == [
        ShareRequest(
            [str(folder / "b"), str(folder / "Z" / "e.txt")],
            name="all of it",
            trackers=["wss://one.example", "udp://two.example:1"],
            private=True,
            seed_ratio=2,
            seed_seconds=1800,
            copy_notebooks=True,
        )
    ]
    assert not panel.busy.active
    panel.close()


def test_a_share_gives_the_torrent_file_beside_the_data_and_a_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = panel_of(PanelServer(), monkeypatch)
    select(panel.browser, "a.csv (4 B)")
    panel.start().join(5)
    view = panel.view
    assert view is not None
    assert not is_shown(view.saved)
    view.save.click()
    until(lambda: view.saved.value)
    assert view.saved.value == str(folder / "a.csv.torrent")
    assert (folder / "a.csv.torrent").read_bytes() == b"d4:infode"
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(view.qr.value)))
    assert code.text == f"magnet:?xt=urn:btih:{HASH}"
    panel.close()


def test_a_panel_shows_its_newest_share_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = panel_of(PanelServer(), monkeypatch)
    select(panel.browser, "a.csv (4 B)")
    panel.start().join(5)
    first = panel.view
    panel.start().join(5)
    assert first is not None
    assert first.comm is None
    assert panel.children[-1] is panel.view is not first
    panel.close()


def test_a_panel_closed_while_it_hashes_leaves_no_view(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = PanelServer()
    panel = panel_of(server, monkeypatch)
    select(panel.browser, "a.csv (4 B)")
    share = server.share

    def slow(request: ShareRequest) -> object:
        panel.close()
        return share(request)

    server.share = slow  # type: ignore[method-assign, assignment]
    panel.start().join(5)
    assert panel.view is None  # and the fixture sees that nobody watches it


def test_the_link_in_a_code_is_short_and_leads_to_the_same() -> None:
    trackers = "".join(f"&tr=wss%3A%2F%2F{n}.example" for n in range(6))
    peers = "".join(f"&x.pe=10.0.0.{n}:6881" for n in range(6))
    link = short_link(f"magnet:?xt=urn:btih:{HASH}&dn={'n' * 200}{trackers}{peers}")
    assert link.startswith(f"magnet:?xt=urn:btih:{HASH}&tr=")
    assert (link.count("tr="), link.count("x.pe="), link.count("dn=")) == (3, 4, 0)
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(link))))
    assert code.text == link


def test_a_torrent_file_replaces_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    assert save_beside(data, b"1").name == "data.csv.torrent"
    assert save_beside(data, b"1").name == "data.csv.torrent"
    assert save_beside(data, b"2").name == "data.csv (1).torrent"
    assert (tmp_path / "data.csv.torrent").read_bytes() == b"1"
    assert len(save_beside(tmp_path / ("ü" * 127), b"3").name.encode()) < 255


def test_a_torrent_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WebTorrentError, match="cannot be written: No such file or directory"):
        save_beside(tmp_path / "gone" / "data.csv", b"1")
