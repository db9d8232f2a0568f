"""Files are watched and read in JupyterLab while they arrive, at a few MB/s, from the teacher's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Response, expect

from tests.ui.conftest import Classroom
from tests.ui.course import FILM, FILM_BYTES, HOSTILE, MP4, write_course
from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

BYTES_A_SECOND = 1_000_000
LAST_MINUTE = """async video => {
    video.muted = true;
    const event = name => new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener('error', () => reject(video.error.message), { once: true });
    });
    if (video.readyState < 1) {
        const known = event('loadedmetadata');
        if (video.preload === 'none') void video.play();
        await known;
    }
    const target = video.duration - 60;
    video.currentTime = target;
    await video.play();
    while (video.currentTime < target + 0.5) await event('timeupdate');
    return { duration: video.duration, played: video.currentTime - target };
}"""
PLAY = """async media => {
    media.muted = true;
    await media.play();
    while (media.currentTime < 0.2) await new Promise(resolve => setTimeout(resolve, 50));
    media.pause();
    return media.currentTime;
}"""
OPEN = """async file => {
    await jupyterapp.commands.execute('webtorrent:open-file', file);
}"""


@dataclass(frozen=True, slots=True)
class Course:
    """A folder that the teacher shares and the student fetches."""

    teacher: Lab
    student: Lab
    info_hash: str
    magnet: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def course(classroom: Classroom) -> Course:
    teacher, student = classroom.teacher, classroom.student
    await asyncio.to_thread(write_course, teacher.root / "course")
    shared = await teacher.ask("POST", "share", {"paths": ["course"]})
    chosen = await teacher.ask("PUT", "settings", {"up_limit": BYTES_A_SECOND, "limit_lan": True})
    assert chosen["effective"]["up_limit"] == BYTES_A_SECOND
    assert chosen["effective"]["limit_lan"]
    return Course(teacher, student, shared["info_hash"], shared["magnet"])


async def done_of(lab: Lab, info_hash: str, path: str) -> int:
    files = (await lab.ask("GET", f"torrents/{info_hash}"))["files"]
    return int(next(file["done"] for file in files if file["path"] == path))


async def show(lab: Lab, info_hash: str, path: str) -> Locator:
    """Open a file in the main area; its preview."""
    await lab.page.evaluate(OPEN, {"infoHash": info_hash, "path": path})
    return lab.page.locator(".jp-wt-Preview:visible")


@asynccontextmanager
async def answers(lab: Lab, path: str) -> AsyncIterator[list[Response]]:
    """What the page gets of a file's stream meanwhile."""
    seen: list[Response] = []

    def see(response: Response) -> None:
        url = urlsplit(response.url).path
        if "/webtorrent/stream/" in url and unquote(url).endswith(f"/{path}"):
            seen.append(response)

    lab.page.on("response", see)
    yield seen
    lab.page.remove_listener("response", see)


async def photographs(lab: Lab, moment: str) -> None:
    """In both themes, wide and narrow; light and wide at the end."""
    for theme in ("Dark", "Light"):
        await lab.choose_theme(theme)
        for width in (800, 1280):
            await lab.photograph(f"{moment}-{theme.lower()}-{width}", width=width)


async def test_a_seek_to_the_last_minute_plays_before_a_tenth_is_fetched(course: Course) -> None:
    student, info_hash = course.student, course.info_hash
    async with answers(student, FILM) as seen:
        await student.ask("POST", "fetch", {"link": course.magnet})
        preview = await show(student, info_hash, FILM)
        video = preview.locator("video")
        await expect(video).to_be_attached()
        played = await video.evaluate(LAST_MINUTE)
        done = await done_of(student, info_hash, FILM)
    await expect(preview.get_by_role("status").first).to_contain_text("Arriving: ")
    await photographs(student, "preview-film")
    print(
        f"a seek to the last minute of {FILM_BYTES / 1e6:.0f} MB ({played['duration']:.0f} s) played with"
        f" {done / FILM_BYTES:.1%} of it fetched, by {len(seen)} requests"
    )
    assert done < 0.1 * FILM_BYTES
    assert {response.status for response in seen} == {206}
    assert len(seen) > 1
    assert all("token" not in response.url for response in seen)


async def test_a_click_on_a_file_in_the_panel_plays_it(course: Course) -> None:
    student = course.student
    await student.open_panel()
    await student.row("course").click()
    await student.panel.get_by_role("tab", name="Files").click()
    for name, kind in (("talk.wav", "audio"), (FILM, "video")):
        await student.panel.get_by_role("button", name=name, exact=True).click()
        preview = student.page.locator(".jp-wt-Preview:visible")
        await expect(preview.get_by_role("heading", name=name)).to_be_visible()
        assert await student.axe_violations(".jp-wt-Preview:not(.lm-mod-hidden)") == []
        played = await preview.locator(kind).evaluate(PLAY)
        assert played >= 0.2


async def test_a_film_plays_in_a_notebook(course: Course) -> None:
    student = course.student
    await student.page.get_by_role("tab", name="lesson.ipynb").click()
    async with answers(student, FILM) as seen:
        outputs = await student.run_cell(
            "from IPython.display import display\n"
            "from jupyter_webtorrent.kernel.client import connect\n"
            "from jupyter_webtorrent.kernel.player import player\n"
            f"url = connect().stream_url({course.info_hash!r}, {FILM!r})\n"
            f"display(player({FILM!r}, url), raw=True)"
        )
        await expect(outputs.locator("video")).to_be_visible()
        assert seen == []  # until somebody presses play
    played = await outputs.locator("video").evaluate(LAST_MINUTE)
    assert played["played"] >= 0.5
    await student.photograph("play-in-notebook")
    await outputs.locator("video").evaluate("video => video.pause()")


async def test_a_sound_plays(course: Course) -> None:
    preview = await show(course.student, course.info_hash, "talk.wav")
    assert await preview.locator("audio").evaluate(PLAY) >= 0.2
    seconds = await preview.locator("audio").evaluate("audio => audio.duration")
    assert seconds == pytest.approx(10, abs=0.1)
    await course.student.photograph("preview-sound")


async def test_the_play_command_plays_an_mp4(course: Course) -> None:
    student = course.student
    await student.page.get_by_role("tab", name="lesson.ipynb").click()
    outputs = await student.run_cell(f"%wt play {course.info_hash} {MP4}")
    assert await outputs.locator("video").evaluate(PLAY) >= 0.2
    await student.photograph("cell-playing-mp4")


async def test_an_image_is_shown_under_a_base_url_too(course: Course) -> None:
    for lab in (course.student, course.teacher):
        image = (await show(lab, course.info_hash, "map.png")).get_by_role("img", name="map.png")
        await expect(image).to_have_js_property("naturalWidth", 640)
    await course.student.photograph("preview-image")


async def test_a_film_that_is_shared_plays_under_a_base_url(course: Course) -> None:
    preview = await show(course.teacher, course.info_hash, FILM)
    played = await preview.locator("video").evaluate(LAST_MINUTE)
    assert played["played"] >= 0.5
    await preview.locator("video").evaluate("video => video.pause()")


async def test_a_table_is_shown_as_one(course: Course) -> None:
    preview = await show(course.student, course.info_hash, "penguins.csv")
    await expect(preview.get_by_role("columnheader")).to_have_text(["number", "species", "flipper"])
    await expect(preview.get_by_role("row")).to_have_count(200)
    await expect(preview).to_contain_text("The first 199 rows are shown.")
    await photographs(course.student, "preview-table")


async def test_a_text_is_shown_as_it_stands(course: Course) -> None:
    preview = await show(course.student, course.info_hash, "README.md")
    await expect(preview.locator("pre")).to_have_text("# Read me\n\nfirst\n")


async def test_a_notebook_is_read_and_nothing_of_it_runs(course: Course) -> None:
    preview = await show(course.student, course.info_hash, "lesson.ipynb")
    await expect(preview.get_by_role("heading", name="Islands")).to_be_visible()
    await expect(preview).to_contain_text("species.value_counts()")
    await expect(preview).to_contain_text("Adelie 152")
    await expect(preview.locator("b")).to_have_text("Gentoo")
    await expect(preview).to_contain_text("styled")
    await expect(preview.locator("script")).to_have_count(0)
    assert await course.student.page.evaluate("window.owned") is None
    await photographs(course.student, "preview-notebook")


async def test_a_pdf_is_shown_where_the_browser_can_and_can_be_saved(course: Course) -> None:
    student = course.student
    preview = await show(student, course.info_hash, "paper.pdf")
    if await student.page.evaluate("navigator.pdfViewerEnabled"):
        await expect(preview.locator("object[type='application/pdf']")).to_be_visible()
    else:
        await expect(preview).to_contain_text("This browser cannot show this file.")
    await student.photograph("preview-pdf")
    async with student.page.expect_download() as download:
        await preview.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "paper.pdf"
    content = (await (await download.value).path()).read_bytes()
    assert content == (course.teacher.root / "course" / "paper.pdf").read_bytes()


async def test_a_hostile_name_and_a_hostile_table_are_text(course: Course) -> None:
    student = course.student
    preview = await show(student, course.info_hash, HOSTILE)
    await expect(preview.get_by_role("heading", name=HOSTILE)).to_be_visible()
    await expect(student.page.get_by_role("tab", name=HOSTILE)).to_be_visible()
    await expect(preview.get_by_role("columnheader").last).to_have_text(
        "<script>window.owned = 4</script>"
    )
    await expect(preview.get_by_role("cell").last).to_have_text("<b>2</b>")
    assert await student.page.evaluate("window.owned") is None
    await student.photograph("preview-hostile")


async def test_what_has_no_preview_says_so(course: Course) -> None:
    preview = await show(course.student, course.info_hash, "model.bin")
    await expect(preview).to_contain_text("There is no preview of this kind of file.")
    await expect(preview).to_contain_text("1.0 kB")
    preview = await show(course.student, course.info_hash, "nothing.csv")
    await expect(preview).to_contain_text("There is no such file in this transfer.")
    await course.student.photograph("preview-nothing")


async def test_an_open_preview_is_there_after_a_reload(course: Course) -> None:
    student = course.student
    await show(student, course.info_hash, "map.png")
    await student.page.evaluate("jupyterapp.restored")
    saved = student.page.expect_response(
        lambda answer: "/api/workspaces/" in answer.url and answer.request.method == "PUT"
    )
    async with saved:
        await student.page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    await student.page.reload()
    await expect(student.page.get_by_role("img", name="map.png")).to_have_js_property(
        "naturalWidth", 640
    )
