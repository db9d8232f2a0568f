"""The panels on the engine of the kernel itself, where no Jupyter server is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel import client as clients
from jupyter_webtorrent.kernel import sharing
from jupyter_webtorrent.kernel.widgets import FetchPanel, SharePanel, TransfersPanel
from tests.kernel.alone import Person
from tests.kernel.widget_tools import until, words_in

DATA = os.urandom(3_000_000)


def test_what_one_panel_shares_another_fetches_and_a_third_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, student = Person(tmp_path / "teacher"), Person(tmp_path / "student")
    (teacher.work / "data.csv").write_bytes(DATA)
    with teacher.access(monkeypatch) as theirs, student.access(monkeypatch) as ours:
        monkeypatch.setattr(sharing, "connect", lambda: theirs)
        monkeypatch.setattr(clients, "connect", lambda: theirs)
        monkeypatch.chdir(teacher.work)
        share = SharePanel("data.csv")
        share.start().join(20)
        assert share.view is not None
        (shared,) = theirs.transfers()

        monkeypatch.setattr(clients, "connect", lambda: ours)
        monkeypatch.chdir(student.work)
        transfers = TransfersPanel()
        fetch = FetchPanel(shared.magnet, "new")
        fetch.start().join(20)
        until(lambda: fetch.chooser is not None)
        assert "data.csv: 1 file, 3 MB" in words_in(fetch)
        fetch.start_fetch().join(20)
        path = student.work / "new" / "data.csv"
        until(lambda: path.exists() and path.read_bytes() == DATA)
        until(lambda: "sharing 3 MB" in words_in(transfers))
        assert "sharing 3 MB" in words_in(share)
        for panel in (share, fetch, transfers):
            panel.close()
