"""Coverage-guided fuzzing of one parser: `python -m tests.fuzz.guided "peer wire" SECONDS`, or `all` in turn.

Needs the extra `fuzz`. What a run found is printed, and its input is kept in the working directory.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["jupyter_webtorrent"]):
    from tests.fuzz.targets import TARGETS, run

MAX_BYTES = 1 << 14


def main() -> int:
    name, seconds = sys.argv[1], int(sys.argv[2])
    if name != "all":
        return fuzz(name, seconds)
    for each in TARGETS:  # a process each: a run ends its process
        command = [sys.executable, "-m", "tests.fuzz.guided", each, str(seconds)]
        print(f"== {each}, {seconds} s", flush=True)
        if status := subprocess.run(command, check=False).returncode:
            return status
    return 0


def fuzz(name: str, seconds: int) -> int:
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(target.seeds):
            Path(folder, f"seed-{number}").write_bytes(seed)
        arguments = [
            sys.argv[0],
            f"-max_total_time={seconds}",
            f"-max_len={MAX_BYTES}",
            "-timeout=1",
            "-rss_limit_mb=512",
            "-print_final_stats=1",
            folder,
        ]
        atheris.Setup(arguments, lambda data: run(target, data))
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
