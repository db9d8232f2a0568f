"""The processes that the demo starts, and the embedded tracker, one of them.

Each is a process of its own whose output goes to a file; it is ended by its id, and by nothing broader.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypeVar

from notebooks.demo.errors import DemoError

T = TypeVar("T")

START_SECONDS = 60.0
STOP_SECONDS = 15.0
_LOOK_SECONDS = 0.05
_LAST_LINES = 15


class Program:
    """A running process, called `name` in messages."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        """All that it has printed so far."""
        return self._log.read_text("utf-8", errors="replace")

    async def ready(self, probe: Callable[[], T | None]) -> T:
        """Ask `probe` until it has found something; DemoError if the program ends or takes too long."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while (found := probe()) is None:
                    if self._process.returncode is not None:
                        raise self._failure("ended at its start")
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise self._failure(f"did not start in {START_SECONDS:.0f} s") from None
        return found

    async def stop(self) -> None:
        """Ask it to end, then see to it; DemoError if it had to be killed."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
            raise self._failure(f"did not stop in {STOP_SECONDS:.0f} s and was killed") from None

    async def kill(self) -> None:
        """End it at once, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def _failure(self, what: str) -> DemoError:
        return DemoError(
            f"{self.name} {what}", "\n".join(self.output().splitlines()[-_LAST_LINES:])
        )


@contextlib.asynccontextmanager
async def running(
    name: str, *command: str, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """Run `command` in this interpreter's Python until the block ends; it may have been stopped by then.

    Ctrl-C in the terminal does not reach it: the demo ends what it started in its own order.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
            env=environment,
            start_new_session=True,
        )
    program = Program(name, process, log)
    try:
        yield program
    except BaseException:
        with contextlib.suppress(DemoError):  # the block's own error says more
            await program.stop()
        raise
    else:
        await program.stop()
    finally:  # a second Ctrl-C may have cut the stop short
        if process.returncode is None:
            process.kill()


@contextlib.asynccontextmanager
async def running_tracker(log: Path) -> AsyncIterator[str]:
    """The embedded tracker on 127.0.0.1; the URL to announce to."""
    command = ("-m", "jupyter_webtorrent.cli", "tracker", "--listen", "127.0.0.1:0", "--json")
    async with running("the tracker", *command, log=log) as program:
        urls = await program.ready(lambda: _announced_urls(program.output()))
        yield urls[0]


def _announced_urls(output: str) -> list[str] | None:
    for line in output.splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event.get("event") == "tracker":
                return list(event["urls"])
    return None
