"""The notebooks of `notebooks/`, run as they are: on the server that shares, and by its link on another."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from notebooks.demo.kernels import Output, text_of
from notebooks.demo.material import NOTEBOOKS, digests, lay_out
from notebooks.demo.papers import run_notebook
from notebooks.demo.programs import running_tracker
from notebooks.demo.servers import JupyterServer, running_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAPERS = ("quickstart.ipynb", "dataset.ipynb", "streaming.ipynb")


@dataclass(frozen=True, slots=True)
class Room:
    teacher: JupyterServer
    student: JupyterServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    folder = tmp_path_factory.mktemp("papers")
    async with (
        running_tracker(folder / "tracker.log") as tracker,
        running_server("teacher", folder / "teacher", tracker) as teacher,
        running_server("student", folder / "student", tracker) as student,
    ):
        yield Room(teacher, student)


async def outputs_of(
    server: JupyterServer, name: str, parameters: dict[str, str] | None = None
) -> dict[str, list[Output]]:
    """Run a notebook; the outputs of its code cells, by their ids, as it was saved with them."""
    await run_notebook(server, NOTEBOOKS / name, parameters)
    saved = (server.root / name).read_text("utf-8")
    assert token_of(server) not in saved
    return {
        cell["id"]: cell["outputs"]
        for cell in json.loads(saved)["cells"]
        if cell["cell_type"] == "code"
    }


def token_of(server: JupyterServer) -> str:
    return parse_qs(urlsplit(server.browser_url("")).query)["token"][0]


def link_in(outputs: list[Output]) -> str:
    (link,) = re.findall(r"magnet:\?\S+", text_of(outputs))
    return str(link)


def parts_of(outputs: list[Output]) -> dict[str, int]:
    """How many per cent of each file `%wt info` says are here."""
    found = re.findall(r"^  (\d+)% .* (\S+)$", text_of(outputs), re.MULTILINE)
    return {path: int(percent) for percent, path in found}


def same(mine: dict[str, list[Output]], yours: dict[str, list[Output]], cell: str) -> bool:
    return text_of(mine[cell]) == text_of(yours[cell]) != ""


@pytest.mark.parametrize("name", PAPERS)
async def test_a_notebook_is_kept_without_outputs_and_each_cell_has_a_name(name: str) -> None:
    notebook: dict[str, Any] = json.loads((NOTEBOOKS / name).read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


async def test_the_quickstart_runs_from_top_to_bottom(room: Room) -> None:
    teacher = room.teacher
    lay_out(teacher.root, large_bytes=0)
    outputs = await outputs_of(teacher, "quickstart.ipynb")
    assert re.search(r"^lessons: .*, already here -> ", text_of(outputs["fetch"]), re.MULTILINE)
    assert len(parts_of(outputs["info"])) == 3
    assert "aused" in text_of(outputs["pause"])
    for panel in ("share-panel", "fetch-panel", "transfers-panel", "transfer"):
        assert "application/vnd.jupyter.widget-view+json" in outputs[panel][0]["data"], panel
    assert "Removed lessons." in text_of(outputs["remove"])
    assert "lessons" not in [each.name for each in await teacher.transfers()]


async def test_a_dataset_is_read_by_its_link_as_by_who_shares_it(room: Room) -> None:
    shared = await outputs_of(room.teacher, "dataset.ipynb")
    assert parts_of(shared["part"]) == {"penguins.csv": 100, "weather.parquet": 100}
    link = link_in(shared["make"])
    read = await outputs_of(room.student, "dataset.ipynb", {"LINK": link})
    assert "penguins.csv" in text_of(read["look"])
    for cell in ("read-csv", "read-parquet", "known-hash"):
        assert same(shared, read, cell), cell
    parts = parts_of(read["part"])
    print(f"2 of 20 columns: {parts['weather.parquet']}% of the Parquet file was fetched")
    assert parts["penguins.csv"] == 100
    assert 0 < parts["weather.parquet"] < 25
    assert_arrived(room, "antarctica", 2)


async def test_a_lecture_is_read_and_plays_before_all_of_it_is_here(room: Room) -> None:
    shared = await outputs_of(room.teacher, "streaming.ipynb")
    link = link_in(shared["make"])
    seen = await outputs_of(room.student, "streaming.ipynb", {"LINK": link})
    (transfer,) = [each for each in await room.student.transfers() if each.name == "lecture"]
    player = seen["play"][-1]["data"]["text/html"]
    assert player.startswith("<video controls")
    assert f"/webtorrent/stream/{transfer.info_hash}/lecture.webm" in player
    assert text_of(seen["read"]).startswith("frame,light\n0,")
    assert same(shared, seen, "read")
    assert 0 < parts_of(seen["part"])["measurements.csv"] < 100
    assert same(shared, seen, "whole")
    assert transfer.downloaded >= transfer.total  # the beginning was read before it was fetched
    assert_arrived(room, "lecture", 2)


def assert_arrived(room: Room, folder: str, count: int) -> None:
    wanted = digests(room.teacher.root, [folder])
    assert len(wanted) == count
    assert digests(room.student.root, [folder]) == wanted
