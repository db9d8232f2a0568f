"""The lesson: a teacher shares, one student fetches, the teacher leaves, another student fetches.

Everything is as in a class, but for the links, which the demo carries from notebook to notebook.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.protocol.magnet import MagnetLink
from notebooks.demo.errors import DemoError
from notebooks.demo.material import DATASET, LARGE, LESSONS, NOTEBOOKS, SHARES, digests, lay_out
from notebooks.demo.observer import Move, Observer
from notebooks.demo.papers import run_notebook
from notebooks.demo.programs import running_tracker
from notebooks.demo.report import table
from notebooks.demo.servers import JupyterServer, running_server

LESSON_SECONDS = 300.0
_PARAMETER_OF = {DATASET: "DATASET", LESSONS: "LESSONS", LARGE: "WEATHER"}
"""Which parameter of the student's notebook takes the link of which share."""


async def hold_lesson(folder: Path, *, large_bytes: int, keep: bool) -> None:
    """Hold the lesson below `folder`, printing as it goes; DemoError if anything is not as it should be.

    With `keep` it then leaves the servers up until it is cancelled.
    """
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(LESSON_SECONDS):
                await _hold(folder, stack, large_bytes=large_bytes, keep=keep)
        except TimeoutError:
            raise DemoError(f"the lesson took over {LESSON_SECONDS:.0f} s") from None
        if keep:
            with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C is how this is meant to end
                await asyncio.Event().wait()


async def _hold(folder: Path, stack: AsyncExitStack, *, large_bytes: int, keep: bool) -> None:
    tracker = await stack.enter_async_context(running_tracker(folder / "tracker.log"))
    _say(f"tracker: {tracker}")

    async def open_server(name: str) -> JupyterServer:
        place = folder / name.replace(" ", "-")
        server = await stack.enter_async_context(running_server(name, place, tracker))
        _say(f"{name}'s Jupyter server: {server.url} (process {server.pid})")
        return server

    teacher = await open_server("teacher")
    first = await open_server("student 1")
    second = await open_server("student 2")

    await asyncio.to_thread(lay_out, teacher.root, large_bytes)
    _say("\nteacher.ipynb runs: %wt share")
    links = _links(await run_notebook(teacher, NOTEBOOKS / "teacher.ipynb"), tracker)

    _say("student.ipynb runs on student 1's server: %wt fetch")
    moves = await _fetch(first, [teacher, second], links)
    arrived = await _compare(teacher, first)

    await teacher.stop()
    _say("the teacher's server is gone")

    _say("student.ipynb runs on student 2's server: %wt fetch")
    moves += await _fetch(second, [first], links)
    arrived += await _compare(teacher, second)

    _say(f"\n{table(moves)}\n")
    _check(moves)
    if keep:
        teacher = await open_server("teacher")
        _say("\nThe servers stay up until Ctrl-C:")
        for server, notebook in (
            (teacher, "teacher.ipynb"),
            (first, "student.ipynb"),
            (second, "student.ipynb"),
        ):
            _say(f"  {server.name}: {server.browser_url(notebook)}")
    _say(f"{arrived} files arrived, each with the teacher's bytes: sha256 match")


def _links(printed: str, tracker: str) -> dict[str, str]:
    """The links that the teacher's notebook printed, by the name of what they stand for."""
    links: dict[str, str] = {}
    for magnet in re.findall(r"magnet:\?\S+", printed):
        link = MagnetLink.from_text(magnet)
        if link.trackers != (tracker,):
            raise DemoError(f"a link names other trackers than {tracker}", magnet)
        links[link.name or ""] = magnet
    if sorted(links) != sorted(SHARES):
        raise DemoError(f"the teacher's notebook printed no link for each of {SHARES}", printed)
    return links


async def _fetch(
    student: JupyterServer, others: Sequence[JupyterServer], links: dict[str, str]
) -> list[Move]:
    """Run the student's notebook on a server, with the links filled in."""
    parameters = {_PARAMETER_OF[name]: link for name, link in links.items()}
    try:
        observer = await Observer.begin(others)
        await run_notebook(student, NOTEBOOKS / "student.ipynb", parameters)
        return await observer.moves(student)
    except DemoError as error:
        state = await _progress(student)
        raise DemoError(str(error), f"{error.details.rstrip()}\n{state}") from error


async def _progress(student: JupyterServer) -> str:
    """How far a student's transfers are, and why they are no further."""
    try:
        transfers = await student.transfers()
    except DemoError as error:
        return str(error)
    return "\n".join(
        f"{text.name_of(status)}: {text.progress_line(status)}" for status in transfers
    )


async def _compare(teacher: JupyterServer, student: JupyterServer) -> int:
    """How many files arrived; DemoError if one is missing or differs from the teacher's."""
    wanted = await asyncio.to_thread(digests, teacher.root)
    found = await asyncio.to_thread(digests, student.root)
    wrong = [path for path, digest in wanted.items() if found.get(path) != digest]
    wrong += [path for path in found if path not in wanted]
    if wrong:
        raise DemoError(
            f"{student.name}'s files are not the teacher's: sha256 differs", "\n".join(wrong)
        )
    return len(found)


def _check(moves: Sequence[Move]) -> None:
    """Hold the moves against what the lesson is to show; DemoError if it shows something else."""
    for move in moves:
        expected = "teacher" if move.to == "student 1" else "student 1"
        if move.senders != (expected,):
            senders = " and ".join(move.senders) or "nobody"
            raise DemoError(f"{move.to} got {move.name} from {senders}, not from {expected}")
    shown = {transport for move in moves for transport in move.by_transport}
    if shown != {"tcp", "webrtc"}:
        raise DemoError(
            f"both TCP and WebRTC were to be seen, not only {' and '.join(sorted(shown))}"
        )


def _say(line: str) -> None:
    print(line, flush=True)
