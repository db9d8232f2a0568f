"""A peer's process: lines of JSON come out, a signal goes in, and nothing of it outlives the `with`.

What the lines mean is the caller's affair; they are those of `jupyter-webtorrent --json`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.interop.deadline import Deadline

REPOSITORY = Path(__file__).parents[3]

STOP_SECONDS = 10.0
"""What a program that was asked to end may take for it."""
GRACE_SECONDS = 3.0
"""The same at the end of its `with`, where nobody asks how it ended."""


class PeerError(AssertionError):
    """A peer failed, or was silent for too long; what it wrote to stderr is part of the message."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a peer's stdout."""

    when: float
    """`time.monotonic()` at which it was read."""
    text: str
    fields: Mapping[str, Any]
    """Empty when the line is not a JSON object."""

    @property
    def event(self) -> str:
        return str(self.fields.get("event", ""))


class PeerProcess:
    """A running program; use it as a context manager.

    It gets a process group of its own, so that what it started (a browser) ends with it, and it is
    told to end if this process is killed before it can do so itself.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.started = time.monotonic()
        self._seen: list[Line] = []
        self._lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        with contextlib.ExitStack() as files:
            self._errors: IO[bytes] = files.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
            assert self._process.stdout is not None
            self._output = files.enter_context(self._process.stdout)
            self._files = files.pop_all()
        self._reader = threading.Thread(target=self._read, name=f"stdout of {name}", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def expect(self, event: str, deadline: Deadline) -> Line:
        """Return the first line with this event, even one that came before the call.

        Raises PeerError on an `error` event, at the end of the output, and at the deadline.
        """
        return self.expect_line(lambda line: line.event == event, f"“{event}”", deadline)

    def expect_line(self, wanted: Callable[[Line], bool], what: str, deadline: Deadline) -> Line:
        """Return the first line that `wanted` accepts; `what` names it in the error."""
        for line in self._seen:
            if wanted(line):
                return line
        while True:
            try:
                line_or_end = self._lines.get(timeout=deadline.remaining)
            except queue.Empty:
                raise self.failure(f"said no {what} within {deadline.seconds:g} s") from None
            if line_or_end is None:
                self._lines.put(None)
                raise self.failure(f"ended with {self._process.wait()} and never said {what}")
            self._seen.append(line_or_end)
            if wanted(line_or_end):
                return line_or_end
            if line_or_end.event == "error":
                raise self.failure(f"gave up: {line_or_end.fields.get('message')}")

    def drain(self) -> list[Line]:
        """All lines that came so far and no `expect` has passed."""
        lines = []
        with contextlib.suppress(queue.Empty):
            while (line := self._lines.get_nowait()) is not None:
                lines.append(line)
        return lines

    def peak_memory(self) -> int:
        """The most bytes of memory that the program has held so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) << 10

    def wait(self, deadline: Deadline) -> int:
        """Wait for the program to end by itself; return its exit code."""
        try:
            return self._process.wait(timeout=deadline.remaining)
        except subprocess.TimeoutExpired:
            raise self.failure(f"did not end within {deadline.seconds:g} s") from None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask the program to end, wait until it has; return its exit code."""
        self._process.send_signal(how)
        return self.wait(Deadline(STOP_SECONDS))

    def close(self) -> None:
        """End the program, gently if it lets us, and whatever it started."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._files.close()

    def stderr(self) -> str:
        """Everything it wrote to stderr so far."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode(errors="replace")

    def failure(self, what: str) -> PeerError:
        """An error that tells all there is to know about this process."""
        said = "\n".join(line.text for line in self._seen[-20:])
        return PeerError(f"{self.name} {what}\nstdout:\n{said}\nstderr:\n{self.stderr()[-8000:]}")

    def _read(self) -> None:
        for raw in self._output:
            self._lines.put(_parse(raw))
        self._lines.put(None)


def _parse(raw: bytes) -> Line:
    when = time.monotonic()
    text = raw.decode(errors="replace").rstrip("\n")
    try:
        fields = json.loads(text)
    except ValueError:
        fields = {}
    return Line(when, text, fields if isinstance(fields, dict) else {})
