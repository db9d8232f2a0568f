"""A lesson as two people see it in JupyterLab: cells, their outputs, and the panel at the left."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

LARGE = 60_000_000
SMALL = 1_000_000


async def test_the_panel_shows_a_file_on_its_way_from_one_lab_to_the_other(
    teacher: Lab, student: Lab
) -> None:
    original = _write(teacher, "big.bin", LARGE)

    shared = await teacher.run_cell("%wt share big.bin")
    link = _link_in(await shared.inner_text())
    await expect(teacher.row("big.bin")).to_contain_text("Seeding")

    async with teacher.sending_at_most(5_000_000):
        fetching = await student.start_cell(f'%wt fetch "{link}"')
        await expect(student.row("big.bin")).to_contain_text("Downloading")
        first = await _progress_beyond(student.progress("big.bin"), 0)
        await expect(fetching.locator(".progress-bar")).to_be_visible()
        await asyncio.gather(
            _progress_beyond(student.progress("big.bin"), first),
            expect(teacher.row("big.bin")).to_contain_text(re.compile(r"↑ [1-9]")),
        )
        await student.photograph("downloading")
        await teacher.photograph("uploading")
        await student.photograph("downloading-narrow", width=800)
        await student.choose_theme("Dark")
        await student.photograph("downloading-dark")

    outputs = await student.finish(fetching)
    await expect(student.row("big.bin")).to_contain_text("Seeding")
    await expect(student.progress("big.bin")).to_have_attribute("aria-valuenow", "100")
    await expect(outputs).to_contain_text(
        [re.compile("100%"), re.compile("from 1 peer over webrtc")]
    )
    assert _sha256(student.root / "big.bin") == _sha256(original)
    await expect(teacher.row("big.bin")).to_contain_text("60.0 MB sent")
    listed = await teacher.run_cell("%wt ls")
    await expect(listed).to_contain_text(re.compile(r"big\.bin +60 MB +100% +seeding"))
    await student.photograph("complete-dark")
    await student.choose_theme("Light")
    await student.photograph("complete")
    await teacher.photograph("uploaded")


async def test_a_mistake_is_answered_in_one_line(student: Lab) -> None:
    outputs = await student.run_cell("%wt fetch nonsense")
    await student.photograph("mistake")
    answer = await outputs.inner_text()
    assert len(answer.strip().splitlines()) == 1
    assert "nonsense" in answer
    assert "Traceback" not in answer


async def test_a_paused_transfer_says_so_until_it_goes_on(teacher: Lab) -> None:
    _write(teacher, "paused.bin", SMALL)
    link = _link_in(await (await teacher.run_cell("%wt share paused.bin")).inner_text())
    await expect(teacher.row("paused.bin")).to_contain_text("Seeding")
    await teacher.ask("POST", f"torrents/{_hash_in(link)}/pause")
    await expect(teacher.row("paused.bin")).to_contain_text("Paused")
    await teacher.photograph("paused")
    await teacher.ask("POST", f"torrents/{_hash_in(link)}/resume")
    await expect(teacher.row("paused.bin")).to_contain_text("Seeding")


def _write(lab: Lab, name: str, size: int) -> Path:
    path = lab.root / name
    path.write_bytes(random.Random(name).randbytes(size))
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link_in(text: str) -> str:
    links = re.findall(r"magnet:\?\S+", text)
    assert len(links) == 1, text
    return str(links[0])


def _hash_in(link: str) -> str:
    """The info hash of a link."""
    found = re.search(r"btih:([0-9a-f]{40})", link)
    assert found is not None
    return found[1]


async def _progress_beyond(bar: Locator, percent: int) -> int:
    """Wait until a bar shows more than that, and not yet all."""
    between = "|".join(str(number) for number in range(percent + 1, 100))
    await expect(bar).to_have_attribute("aria-valuenow", re.compile(f"^({between})$"))
    return int(await bar.get_attribute("aria-valuenow") or 0)
