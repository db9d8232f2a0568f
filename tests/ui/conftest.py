"""Two people with a JupyterLab each, on a hub's kind of URLs: a teacher and a student. One browser shows both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from notebooks.demo.papers import code_cell
from notebooks.demo.programs import running_tracker
from tests.ui.browser import Watch, chromium
from tests.ui.lab import SCREENSHOTS, Lab
from tests.ui.servers import App, LabServer, lab_server

# Two servers, two kernels and a browser share the machine.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def watch() -> Watch:
    """Over all pages of a module."""
    return Watch()


@pytest.fixture(autouse=True)
def no_page_complains(watch: Watch) -> Iterator[None]:
    """Fail a test in which a page logged an error or asked for anything beyond 127.0.0.1."""
    yield
    assert watch.take() == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone(watch: Watch, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """One person's page, for what takes no other; nothing is open in it yet."""
    SCREENSHOTS.mkdir(exist_ok=True)
    folder = tmp_path_factory.mktemp("lab")
    async with (
        running_tracker(folder / "tracker.log") as tracker,
        lab_server("the only", folder / "alone", tracker, base_url="/user/ada/") as server,
        chromium() as browser,
        _page("alone", server, browser, watch) as lab,
    ):
        yield lab


@dataclass(frozen=True, slots=True)
class Classroom:
    teacher: Lab
    student: Lab


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def classroom(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, watch: Watch
) -> AsyncIterator[Classroom]:
    """Both notebooks open, with `%wt` loaded and the panel in view; a module's STUDENT_APP may be Notebook 7."""
    app: App = getattr(request.module, "STUDENT_APP", "jupyterlab")
    SCREENSHOTS.mkdir(exist_ok=True)
    folder = tmp_path_factory.mktemp("labs")
    async with (
        running_tracker(folder / "tracker.log") as tracker,
        lab_server("the teacher", folder / "teacher", tracker, base_url="/user/ada/") as teacher,
        lab_server(
            "the student", folder / "student", tracker, base_url="/user/bob/", app=app
        ) as student,
        chromium() as browser,
        _page("teacher", teacher, browser, watch) as teachers_lab,
        _page("student", student, browser, watch) as students_lab,
    ):
        await asyncio.gather(_begin(teachers_lab), _begin(students_lab))
        yield Classroom(teachers_lab, students_lab)


@pytest.fixture
def teacher(classroom: Classroom) -> Lab:
    return classroom.teacher


@pytest.fixture
def student(classroom: Classroom) -> Lab:
    return classroom.student


@asynccontextmanager
async def _page(
    person: str, server: LabServer, browser: Browser, watch: Watch
) -> AsyncIterator[Lab]:
    """A browser profile of the person's own: cookies do not tell two ports apart."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        watch.over(page)
        yield Lab(person, server, page)
    finally:
        await context.close()


async def _begin(lab: Lab) -> None:
    notebook = {
        "cells": [code_cell("", "first")],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (lab.root / "lesson.ipynb").write_text(json.dumps(notebook), "utf-8")
    await lab.open("lesson.ipynb")
    if lab.server.app == "jupyterlab":
        await lab.open_panel()
        await lab.photograph("empty")
    await lab.run_cell("%load_ext jupyter_webtorrent")
