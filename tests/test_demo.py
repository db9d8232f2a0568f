"""`make demo` in its short form: the same lesson with a smaller file, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from notebooks.demo.errors import DemoError
from notebooks.demo.kernels import running_kernel, text_of
from notebooks.demo.material import SHARES, digests, lay_out
from notebooks.demo.papers import code_cell, run_notebook
from notebooks.demo.programs import running, running_tracker
from notebooks.demo.servers import JupyterServer, running_server

CHECKOUT = Path(__file__).resolve().parent.parent


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The demo as `make` runs it; what it leaves behind is left below `folder`."""
    environment = {name: value for name, value in os.environ.items() if name != "KEEP"}
    with subprocess.Popen(
        [sys.executable, "-m", "notebooks.demo", "--megabytes", "3", *options],
        cwd=CHECKOUT,
        env={**environment, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[JupyterServer]:
    async with (
        running_tracker(tmp_path / "tracker.log") as tracker,
        running_server("teacher", tmp_path / "teacher", tracker) as server,
    ):
        yield server


def test_a_lesson_reaches_both_students_over_both_transports(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    table = [re.split("  +", line) for line in output.splitlines() if line.startswith(SHARES)]
    assert [(what, *rest[:3]) for what, _size, *rest in table] == [
        *((name, "student 1", "teacher", "tcp") for name in SHARES),
        *((name, "student 2", "student 1", "webrtc") for name in SHARES),
    ]
    assert "sha256 match" in output.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_servers_that_were_kept_end_with_ctrl_c(tmp_path: Path) -> None:
    with demo(tmp_path, "--keep") as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if "sha256 match" in line:
                break
        urls = re.findall(r"http://127\.0\.0\.1:\d+/lab/tree/\w+\.ipynb\?token=\w+", output)
        pids = [int(pid) for pid in re.findall(r"\(process (\d+)\)", output)]
        alive = [pid for pid in pids if is_running(pid)]
        process.send_signal(signal.SIGINT)
        process.wait()
    assert process.returncode == 0, output
    assert len(urls) == 3
    assert alive == pids[1:], "the teacher's first server is gone, the others are up"
    assert not any(is_running(pid) for pid in pids)
    assert list(tmp_path.iterdir()) == []


async def test_a_cell_that_fails_is_shown_with_what_it_printed(
    server: JupyterServer, tmp_path: Path
) -> None:
    cells = [
        code_cell("%load_ext jupyter_webtorrent", "load"),
        code_cell("%wt share nothing.csv", "share"),
        code_cell("raise SystemError('never run')", "after"),
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    broken = tmp_path / "broken.ipynb"
    broken.write_text(json.dumps(notebook))
    with pytest.raises(DemoError, match=r"teacher's broken\.ipynb, cell 'share' failed") as caught:
        await run_notebook(server, broken)
    first, *_, last = caught.value.details.splitlines()  # what took long has told of it in between
    assert first == "%wt share nothing.csv"
    assert last.startswith("UsageError: ")
    assert "nothing.csv" in last


async def test_outputs_are_collected_as_a_notebook_shows_them(server: JupyterServer) -> None:
    (server.root / "any.ipynb").touch()
    async with running_kernel(server, "any.ipynb") as kernel:
        streams = await kernel.execute("print('a')\nprint('b')\n6 * 7", seconds=30)
        updated = await kernel.execute(
            "shown = display('old', display_id=True)\nshown.update('new')", seconds=30
        )
        cleared = await kernel.execute(
            "from IPython.display import clear_output\nprint('old')\nclear_output(wait=True)\nprint('new')",
            seconds=30,
        )
        with pytest.raises(DemoError, match="a cell took over 1 s"):
            await kernel.execute("import time\nprint('begun')\ntime.sleep(60)", seconds=1)
    assert streams.ok
    assert [output["output_type"] for output in streams.outputs] == ["stream", "execute_result"]
    assert text_of(streams.outputs) == "a\nb\n42\n"
    assert text_of(updated.outputs) == "'new'\n"
    assert text_of(cleared.outputs) == "new\n"


async def test_a_program_that_ends_at_its_start_is_quoted(tmp_path: Path) -> None:
    async with running("it", "-c", "print('out of paper')", log=tmp_path / "log") as program:
        with pytest.raises(DemoError, match="it ended at its start") as caught:
            await program.ready(lambda: None)
    assert caught.value.details == "out of paper"


def test_the_material_is_the_same_each_time_and_every_change_shows(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        lay_out(tmp_path / name, 100_000)
    before = digests(tmp_path / "one")
    assert before == digests(tmp_path / "two")
    assert len(before) == 5
    with (tmp_path / "two" / "weather.csv").open("ab") as file:
        file.write(b"\n")
    changed = digests(tmp_path / "two").items() - before.items()
    assert [path for path, _ in changed] == ["weather.csv"]
