"""What the teacher shares: a real dataset, a folder of lessons, and a file large enough to be timed.

The same bytes come out each time, so that one run can be compared with another.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from itertools import count, islice
from pathlib import Path

from notebooks.demo.errors import DemoError

NOTEBOOKS = Path(__file__).resolve().parent.parent
"""The folder of the notebooks that the demo runs and shares."""

DATASET = "penguins.csv"
LESSONS = "lessons"
LARGE = "weather.csv"
SHARES = (DATASET, LESSONS, LARGE)
"""What is shared: names below the teacher's root, and below each student's in the end."""

_ROWS_AT_ONCE = 20_000
_CHECKPOINTS = shutil.ignore_patterns(".ipynb_checkpoints")


def lay_out(root: Path, large_bytes: int) -> None:
    """Write everything that is shared below `root`; the large file has a little over `large_bytes`."""
    try:
        dataset = distribution("palmerpenguins").locate_file("palmerpenguins/data/penguins.csv")
    except PackageNotFoundError:
        raise DemoError("the dataset is missing: install jupyter-webtorrent[demo]") from None
    shutil.copyfile(str(dataset), root / DATASET)
    shutil.copytree(NOTEBOOKS / LESSONS, root / LESSONS, ignore=_CHECKPOINTS)
    with (root / LARGE).open("w", encoding="ascii", newline="") as file:
        file.write("time,station,temperature,pressure,rain\n")
        rows = _weather()
        while file.tell() < large_bytes:
            file.writelines(islice(rows, _ROWS_AT_ONCE))


def digests(root: Path, names: Iterable[str] = SHARES) -> dict[str, str]:
    """The SHA-256 of every file that `names` stand for below `root`, by its path with `/`."""
    found: dict[str, str] = {}
    for name in names:
        place = root / name
        paths = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in paths:
            if path.is_file():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256")
                found[path.relative_to(root).as_posix()] = digest.hexdigest()
    return found


def _weather() -> Iterator[str]:
    """One row an hour and station, for as long as anyone asks: invented, and the same each time."""
    chance = random.Random(20_240_101)
    stations = [f"station-{number:02}" for number in range(1, 41)]
    temperatures = [f"{tenth / 10:.1f}" for tenth in range(-150, 351)]
    pressures = [f"{tenth / 10:.1f}" for tenth in range(9_800, 10_400)]
    rains = ["0.0"] * 8 + [f"{tenth / 10:.1f}" for tenth in range(1, 40)]
    start = datetime(2000, 1, 1, tzinfo=UTC)
    for hours in count():
        hour = (start + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%MZ")
        drawn = zip(
            stations,
            chance.choices(temperatures, k=len(stations)),
            chance.choices(pressures, k=len(stations)),
            chance.choices(rains, k=len(stations)),
            strict=True,
        )
        for row in drawn:
            yield f"{hour},{','.join(row)}\n"
