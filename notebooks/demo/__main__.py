"""The command: what it may be told, and how it ends."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path

from notebooks.demo.errors import DemoError
from notebooks.demo.lesson import hold_lesson

_ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals that cancel the lesson, so that what was started is ended; SIGHUP but for nohup."""


def main() -> int:
    """Hold the lesson: 0 if everything arrived, 1 with a line why not, 130 if interrupted."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="wt-demo-", ignore_cleanup_errors=True) as folder:
        try:
            asyncio.run(_run(Path(folder), options))
        except DemoError as error:
            print(f"demo: {error}", file=sys.stderr)
            if error.details:
                print(error.details, file=sys.stderr)
            return 1
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 130
    return 0


async def _run(folder: Path, options: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    for name in _ENDINGS:
        number = getattr(signal, name, None)
        if number is not None and (
            name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN
        ):
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels by itself
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await hold_lesson(folder, large_bytes=round(options.megabytes * 1e6), keep=options.keep)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m notebooks.demo",
        description="A lesson on this machine: what a teacher shares arrives at two students.",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        default=os.environ.get("KEEP", "") not in ("", "0"),
        help="leave the servers up until Ctrl-C (also: KEEP=1 in the environment)",
    )
    parser.add_argument(
        "--megabytes", type=float, default=60.0, help="the large file's size (default: 60)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
