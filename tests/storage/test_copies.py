"""Copies of notebooks that an editor saves meanwhile."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from jupyter_webtorrent.storage import copies
from jupyter_webtorrent.storage.copies import NotebookCopies
from jupyter_webtorrent.storage.create import create_info
from jupyter_webtorrent.storage.errors import DiskTroubleError, FileChangedError

NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(copies, "PAUSE_SECONDS", 0.0)
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"


def test_a_notebook_is_copied_and_nothing_else(place: Path, tmp_path: Path) -> None:
    notebook, data = tmp_path / "lesson.IPYNB", tmp_path / "data.csv"
    notebook.write_text(NOTEBOOK)
    stand_in = NotebookCopies(place).stand_in
    first, second = stand_in(notebook), stand_in(notebook)
    assert first.read_text() == second.read_text() == NOTEBOOK
    assert first != second
    assert first.name == "lesson.IPYNB"
    assert stand_in(data) == data


def test_a_torrent_of_copies_is_the_same_and_served_from_them(place: Path, tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "lesson.ipynb").write_text(NOTEBOOK)
    (tmp_path / "course" / "data.csv").write_text("a,b")
    plain = create_info([tmp_path / "course"])
    copied = create_info([tmp_path / "course"], stand_in=NotebookCopies(place).stand_in)
    assert copied.info == plain.info
    assert [path.is_relative_to(place) for path in copied.files] == [False, True]


def test_a_notebook_that_is_saved_meanwhile_is_copied_again(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = tmp_path / "lesson.ipynb"
    notebook.write_text(NOTEBOOK)
    copyfile, saves = shutil.copyfile, 3

    def copy_and_save(source: Path, target: Path) -> None:
        nonlocal saves
        copyfile(source, target)
        if saves:
            saves -= 1
            notebook.write_text(NOTEBOOK + " " * saves)

    monkeypatch.setattr(shutil, "copyfile", copy_and_save)
    assert NotebookCopies(place).stand_in(notebook).read_text() == NOTEBOOK
    assert not saves


def test_half_a_notebook_whose_times_show_no_change_is_not_taken(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = tmp_path / "lesson.ipynb"
    notebook.write_text(NOTEBOOK[:20])

    def save_the_rest(_seconds: float) -> None:
        notebook.write_text(NOTEBOOK)

    monkeypatch.setattr(copies.time, "sleep", save_the_rest)  # type: ignore[attr-defined]
    assert NotebookCopies(place).stand_in(notebook).read_text() == NOTEBOOK


def test_what_is_no_notebook_but_is_called_one_is_copied_as_it_is(
    place: Path, tmp_path: Path
) -> None:
    notebook = tmp_path / "odd.ipynb"
    notebook.write_bytes(b"[" * 100_000 + b"\xff")
    assert NotebookCopies(place).stand_in(notebook).read_bytes() == notebook.read_bytes()


def test_a_notebook_that_never_rests_is_refused(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = tmp_path / "lesson.ipynb"
    notebook.write_text(NOTEBOOK)
    copyfile = shutil.copyfile

    def copy_and_save(source: Path, target: Path) -> None:
        copyfile(source, target)
        os.utime(notebook, ns=(0, notebook.stat().st_mtime_ns + 1))

    monkeypatch.setattr(shutil, "copyfile", copy_and_save)
    with pytest.raises(FileChangedError, match=r"lesson\.ipynb is changing all the time"):
        NotebookCopies(place).stand_in(notebook)


def test_a_notebook_that_cannot_be_read_is_one_line(place: Path, tmp_path: Path) -> None:
    with pytest.raises(DiskTroubleError, match=r"cannot copy gone\.ipynb: No such file"):
        NotebookCopies(place).stand_in(tmp_path / "gone.ipynb")
