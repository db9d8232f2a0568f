"""What `%wt` lines look like in a notebook: live progress with its button, mistakes, and what stays."""

from __future__ import annotations

import random
import re
import wave

import pytest
from playwright.async_api import expect

from tests.ui.browser import Watch
from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

LARGE = 60_000_000
NOBODY = "magnet:?xt=urn:btih:" + "ab" * 20 + "&dn=nobody.csv"


async def test_a_fetch_that_is_cancelled_while_its_cell_runs_goes_on_when_it_is_fetched_again(
    teacher: Lab, student: Lab
) -> None:
    content = random.Random(1).randbytes(LARGE)
    (teacher.root / "lecture.bin").write_bytes(content)
    link = await _share(teacher, "lecture.bin")

    async with teacher.sending_at_most(5_000_000):
        fetching = await student.start_cell(f"%wt fetch {link}")
        cancel = fetching.get_by_role("button", name="Cancel")
        await expect(cancel).to_be_visible()
        await expect(fetching).to_contain_text(
            re.compile(r"[1-9][\d.]* MB of 60 MB, .*B/s from 1 peer, .* left")
        )
        await student.photograph("cell-fetching")
        await student.photograph("cell-fetching-narrow", width=800)
        await cancel.click()
        outputs = await student.finish(fetching)
    await expect(outputs).to_contain_text(
        [
            re.compile(r"^ *\d+% [█░]+$"),
            re.compile("lecture.bin is cancelled. What came so far is kept"),
        ]
    )
    await expect(cancel).to_have_count(0)
    await expect(student.row("lecture.bin")).to_have_count(0)
    await student.photograph("cell-cancelled")
    assert not (student.root / "lecture.bin").exists()

    again = await student.run_cell(f"%wt fetch {link}")
    await expect(again.last).to_contain_text("lecture.bin: 60 MB from 1 peer over webrtc")
    assert (student.root / "lecture.bin").read_bytes() == content


async def test_a_kernel_restarts_in_the_middle_and_the_fetch_goes_on(
    watch: Watch, teacher: Lab, student: Lab
) -> None:
    content = random.Random(2).randbytes(LARGE // 2)
    (teacher.root / "restart.bin").write_bytes(content)
    link = await _share(teacher, "restart.bin")
    async with teacher.sending_at_most(5_000_000):
        fetching = await student.start_cell(f"%wt fetch {link}")
        await expect(fetching).to_contain_text(re.compile(r"[1-9][\d.]* MB of 30 MB"))
        await student.page.evaluate(
            "jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        await expect(student.row("restart.bin")).to_contain_text("Downloading")
    await student.run_cell("%load_ext jupyter_webtorrent")
    again = await student.run_cell(f"%wt fetch {link}")
    await expect(again.last).to_contain_text("restart.bin: 30 MB from 1 peer over webrtc")
    assert (student.root / "restart.bin").read_bytes() == content
    # JupyterLab's own, of what the kernel's last widgets said before it went.
    assert all(line.startswith("Comm not found") for line in watch.take())


async def test_a_recording_is_played_in_the_cell_and_its_output_holds_no_token(
    teacher: Lab, student: Lab
) -> None:
    with wave.open(str(teacher.root / "lecture.wav"), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(16_000 * 20))
    link = await _share(teacher, "lecture.wav")
    playing = await student.run_cell(f"%wt play {link}")
    player = playing.locator("audio")
    await expect(player).to_be_visible()
    await player.evaluate("audio => { audio.muted = true; return audio.play(); }")
    await expect(player).to_have_js_property("duration", 20)
    await player.evaluate("audio => audio.pause()")
    await expect(student.row("lecture.wav")).to_be_visible()
    await student.photograph("cell-playing")
    assert student.server.token not in await playing.first.inner_html()


async def test_cancel_is_heard_at_once(student: Lab) -> None:
    fetching = await student.start_cell(f"%wt fetch {NOBODY}")
    cancel = fetching.get_by_role("button", name="Cancel")
    await cancel.click()
    outputs = await student.finish(fetching)
    await expect(outputs.last).to_contain_text("nobody.csv is cancelled")


async def test_an_interrupted_cell_leaves_its_fetch_running_and_a_removal_ends_it(
    student: Lab,
) -> None:
    waiting = await student.start_cell(f"%wt fetch {NOBODY}")
    await expect(waiting.get_by_role("button", name="Cancel")).to_be_visible()
    await student.choose_theme("Dark")
    await student.photograph("cell-waiting-dark")
    await student.page.evaluate(
        "jupyterapp.commands.execute('notebook:interrupt-kernel')",
    )
    outputs = await student.finish(waiting)
    await expect(outputs.last).to_contain_text("Interrupted: what has begun goes on")
    await student.photograph("cell-interrupted-dark")
    await student.choose_theme("Light")
    await expect(student.row("nobody.csv")).to_be_visible()
    removed = await student.run_cell("%wt remove nobody.csv")
    await expect(removed).to_have_text("Removed nobody.csv.")
    await expect(student.row("nobody.csv")).to_have_count(0)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("%wt shore x", "UsageError: %wt has no command 'shore', did you mean %wt share?"),
        ("%wt share nothing.csv", "UsageError: cannot share .*nothing.csv: No such file"),
        ("%wt fetch magnet:?xt=urn:btih:zz", "UsageError: .*info hash"),
        ("%wt info '<img src=x onerror=alert(1)>'", "UsageError: No transfer is called '<img"),
        ("%%wt\nls", "UsageError: Cell magic `%%wt` not found"),
    ],
)
async def test_a_mistake_is_one_line(student: Lab, line: str, answer: str) -> None:
    outputs = await student.run_cell(line)
    await expect(outputs).to_have_text([re.compile(rf"^{answer}[^\n]*\n?$")])
    await student.photograph("cell-mistakes")


async def test_what_there_is_to_know_of_a_transfer_is_plain_text(student: Lab) -> None:
    hostile = "<b onclick=alert(1)>$x$ \x1b[31mred\u202e.csv"
    (student.root / hostile).write_text("species\n" * 500)
    await student.run_cell("import glob\n%wt share '{glob.glob(\"*onclick*\")[0]}'")
    listed = await student.run_cell("%wt ls")
    await expect(listed).to_contain_text("<b onclick=alert(1)>$x$ �[31mred�.csv")
    info = await student.run_cell("%wt info '{glob.glob(\"*onclick*\")[0]}'")
    await expect(info).to_contain_text(re.compile(r"trackers\n  \w+ +ws://127"))
    await student.photograph("cell-info")
    await student.photograph("cell-info-narrow", width=800)


async def _share(lab: Lab, name: str) -> str:
    text = await (await lab.run_cell(f"%wt share {name}")).inner_text()
    links = re.findall(r"magnet:\?\S+", text)
    assert len(links) == 1, text
    return str(links[0])
