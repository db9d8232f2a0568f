"""The panels in a notebook, as a teacher in JupyterLab and a student in Notebook 7 use them."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Locator, expect

from jupyter_webtorrent.kernel import text
from tests.hostile_names import HOSTILE_NAMES
from tests.ui.browser import Watch
from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUDENT_APP = "notebook"
_RATES = re.compile("Receiving")


async def test_what_is_shared_in_a_panel_is_looked_at_chosen_and_fetched_in_another(
    teacher: Lab, student: Lab
) -> None:
    for name in ("penguins.csv", "lesson 1/sums.csv", "lesson 1/notes.txt", "lesson 1/plots/a.png"):
        _write(teacher, name, 3_000_000 if name.endswith("png") else 20_000)

    sharing = await _panel(teacher, "SharePanel")
    entries = sharing.get_by_role("listbox")
    assert (await _options(entries))[0] == "lesson 1/"
    assert (await _options(entries))[-1] == "penguins.csv (20 kB)"
    await _select(entries, "lesson 1/")
    await sharing.get_by_role("button", name="Open folder").click()
    await expect(entries.get_by_role("option").first).to_have_text("plots/")
    await _photograph(teacher, sharing, "share-panel")
    await sharing.get_by_role("button", name="root").click()
    await _select(entries, "lesson 1/")
    await expect(sharing).to_contain_text("Chosen: lesson 1")
    await sharing.get_by_role("button", name="Options").click()
    await _photograph(teacher, sharing, "share-panel-options")
    await sharing.get_by_role("button", name="Options").click()
    await sharing.get_by_role("button", name="Share", exact=True).click()
    link_field = sharing.get_by_label("Link", exact=True)
    await expect(link_field).to_have_value(re.compile("^magnet:"))
    link = await link_field.input_value()

    code = sharing.locator("img.widget-image")
    await code.scroll_into_view_if_needed()
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(await code.screenshot())))
    assert found.text.startswith("magnet:?xt=urn:btih:" + _hash_in(link))
    await sharing.get_by_role("button", name="Save .torrent").click()
    await expect(sharing.get_by_label(".torrent", exact=True)).to_have_value(
        str(teacher.root / "lesson 1.torrent")
    )
    assert (teacher.root / "lesson 1.torrent").read_bytes().startswith(b"d")
    await teacher.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await sharing.get_by_role("button", name="Copy link").click()
    await expect(sharing).to_contain_text("Copied")
    assert await teacher.page.evaluate("navigator.clipboard.readText()") == link
    await sharing.get_by_role("button", name="Copy path of the .torrent file").click()
    assert await teacher.page.evaluate("navigator.clipboard.readText()") == str(
        teacher.root / "lesson 1.torrent"
    )
    await _photograph(teacher, sharing, "share-panel-shared")

    fetching = await _panel(student, "FetchPanel")
    await fetching.get_by_label("Link", exact=True).fill("nonsense")
    await fetching.get_by_role("button", name="Look").click()
    await expect(fetching).to_contain_text("not 'nonsense'")
    await fetching.get_by_label("Link", exact=True).fill(link)
    await fetching.get_by_role("button", name="Look").click()
    await expect(fetching).to_contain_text("lesson 1: 3 files, 3.04 MB")
    await expect(fetching).to_contain_text("3 of 3 files chosen, 3.04 MB")
    assert not (student.root / "lesson 1").exists()
    await fetching.get_by_label("notes.txt (20 kB)").uncheck()
    await expect(fetching).to_contain_text("2 of 3 files chosen, 3.02 MB")
    await _photograph(student, fetching, "fetch-panel-files")
    await fetching.get_by_label("Folder").fill("from the teacher")
    await fetching.get_by_role("button", name="Fetch", exact=True).click()
    await expect(fetching).to_contain_text("sharing 3.02 MB")
    came = student.root / "from the teacher" / "lesson 1"
    for name in ("sums.csv", "plots/a.png"):
        assert (came / name).read_bytes() == (teacher.root / "lesson 1" / name).read_bytes()
    assert not (came / "notes.txt").exists()
    await _photograph(student, fetching, "fetch-panel-fetched")


async def test_all_transfers_are_watched_paused_unfolded_and_removed(
    teacher: Lab, student: Lab
) -> None:
    original = _write(teacher, "big.bin", 30_000_000)
    shared = await teacher.run_cell(
        "import jupyter_webtorrent as wt; print(wt.share('big.bin').magnet)"
    )
    link = (await shared.inner_text()).strip()
    panel = await _panel(student, "TransfersPanel")
    row = _row(panel, "big.bin")
    async with teacher.sending_at_most(2_000_000):
        await student.run_cell(f"wt.fetch({link!r}); None")
        await expect(row).to_contain_text("1 over webrtc")
        await row.get_by_role("button", name="Pause").click()
        await expect(row).to_contain_text("paused")
    await row.get_by_role("button", name="Details").click()
    await expect(row.get_by_role("img", name=re.compile("Piece map: .* pieces"))).to_be_visible()
    await expect(row).to_contain_text("Files (1)")
    await expect(row).to_contain_text("Trackers (1)")
    await expect(panel.get_by_role("img", name=_RATES)).to_be_visible()
    await _photograph(student, panel, "transfers-panel-paused")
    await row.get_by_role("button", name="Resume").click()
    await expect(row).to_contain_text("sharing 30 MB")
    assert (student.root / "big.bin").read_bytes() == original.read_bytes()
    await _photograph(student, panel, "transfers-panel")
    await row.get_by_role("button", name="Remove").click()
    await _photograph(student, panel, "transfers-panel-remove")
    await row.get_by_role("button", name="Remove and delete files").click()
    await expect(row).to_have_count(0)
    assert not (student.root / "big.bin").exists()


async def test_fifty_hostile_names_are_text_in_all_panels(teacher: Lab) -> None:
    folder = teacher.root / "hostile"
    folder.mkdir()
    for name in HOSTILE_NAMES:
        (folder / name).write_text(name, "utf-8")
    transfers = await _panel(teacher, "TransfersPanel")
    sharing = await _panel(teacher, "SharePanel('hostile')")
    entries = sharing.get_by_role("listbox")
    await _select(entries, "hostile/")
    await sharing.get_by_role("button", name="Open folder").click()
    await expect(entries.get_by_role("option")).to_have_count(len(HOSTILE_NAMES))
    await sharing.get_by_role("button", name="Share", exact=True).click()
    link_field = sharing.get_by_label("Link", exact=True)
    await expect(link_field).to_have_value(re.compile("^magnet:"))
    fetching = await _panel(teacher, "FetchPanel")
    await fetching.get_by_label("Link", exact=True).fill(await link_field.input_value())
    await fetching.get_by_role("button", name="Look").click()
    await expect(fetching.get_by_role("checkbox")).to_have_count(len(HOSTILE_NAMES))
    await teacher.run_cell(
        "import pathlib\n"
        "for path in pathlib.Path('hostile').iterdir():\n"
        "    wt.share(path, trackers=[]); None"
    )
    await expect(transfers.get_by_role("button", name="Details")).to_have_count(50)

    labels = await fetching.locator(".widget-checkbox").all_inner_texts()
    options = await _options(entries)
    names = await transfers.locator(".widget-label").all_text_contents()
    missing = [
        name
        for name in HOSTILE_NAMES
        for harmless in [text.label(text.short_name(name))]
        if not _holds(labels, harmless)
        or not _holds(options, text.short_name(name))
        or (harmless not in names and name in HOSTILE_NAMES[:40])
    ]
    assert missing == []
    for panel in (sharing, fetching, transfers):
        made = panel.locator(
            "script, iframe, b, a, style, meta, base, details, form, mjx-container, [onerror],"
            " button[data-commandlinker-command]"
        )
        await expect(made).to_have_count(0)
    await _photograph(teacher, transfers, "hostile")


async def test_where_the_page_may_not_copy_the_link_is_selected(teacher: Lab) -> None:
    _write(teacher, "plain.csv", 1000)
    view = await teacher.run_cell("import jupyter_webtorrent as wt; wt.share('plain.csv')")
    await teacher.page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })"
    )
    await view.get_by_role("button", name="Copy link").click()
    await expect(view).to_contain_text("Press Ctrl+C")
    selected = await teacher.page.evaluate(
        "document.activeElement.value.slice("
        "document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    )
    assert selected == await view.get_by_label("Link", exact=True).input_value()


async def test_a_link_that_nobody_answers_is_cancelled_and_leaves_nothing(student: Lab) -> None:
    fetching = await _panel(student, "FetchPanel")
    await fetching.get_by_label("Link", exact=True).fill("ab" * 20)
    await fetching.get_by_role("button", name="Look").click()
    await expect(fetching).to_contain_text("looking for the files")
    await expect(fetching.get_by_role("progressbar", name="Looking for the files")).to_be_visible()
    await _photograph(student, fetching, "fetch-panel-looking")
    await fetching.get_by_role("button", name="Cancel").click()
    await expect(fetching.get_by_role("button", name="Look")).to_be_visible()
    listed = await student.run_cell("%wt ls")
    assert "abab" not in await listed.inner_text()


async def test_files_and_torrents_open_beside_a_page_of_notebook_7(
    watch: Watch, teacher: Lab, student: Lab
) -> None:
    context = student.page.context
    (student.root / "beside.txt").write_text("Beside the notebook.", "utf-8")
    shared = await student.run_cell(
        "import jupyter_webtorrent as wt\nprint(wt.share('beside.txt').info_hash)"
    )
    info_hash = (await shared.last.inner_text()).strip()
    async with context.expect_page() as opening:
        await student.page.evaluate(
            "infoHash => void jupyterapp.commands.execute('webtorrent:open-file', { infoHash })",
            info_hash,
        )
    stream = await opening.value
    await expect(stream).to_have_url(re.compile(f"/webtorrent/stream/{info_hash}/beside.txt"))
    await expect(stream.locator("body")).to_have_text("Beside the notebook.")
    await stream.close()

    torrent = (teacher.root / "lesson 1.torrent").read_bytes()
    (student.root / "again.torrent").write_bytes(torrent)
    tree = await context.new_page()
    watch.over(tree)
    await tree.goto(f"{student.server.url}tree?token={student.server.token}")
    async with context.expect_page() as opening:
        await tree.get_by_text("again.torrent", exact=True).dblclick()
    page = await opening.value
    dialog = page.get_by_role("dialog", name="Fetch with WebTorrent")
    await expect(dialog).to_contain_text("lesson 1")
    async with page.expect_event("close"):
        await page.keyboard.down("Escape")  # there is no page left for the key to come up in
    await expect(tree.get_by_text("again.torrent", exact=True)).to_be_visible()
    await tree.close()


async def _panel(lab: Lab, made: str) -> Locator:
    call = made if "(" in made else f"{made}()"
    return (await lab.run_cell(f"import jupyter_webtorrent as wt\nwt.{call}")).last


async def _options(entries: Locator) -> list[str]:
    """ipywidgets writes every space in a list as one that does not break."""
    texts = await entries.get_by_role("option").all_text_contents()
    return [each.replace("\N{NO-BREAK SPACE}", " ") for each in texts]


async def _select(entries: Locator, name: str) -> None:
    option = entries.get_by_role("option").filter(has_text=name.replace(" ", "\N{NO-BREAK SPACE}"))
    await expect(option).to_be_attached()
    await entries.select_option(index=(await _options(entries)).index(name))


def _row(panel: Locator, name: str) -> Locator:
    """The innermost box that has a transfer's name and its buttons."""
    boxes = panel.locator(".widget-vbox")
    named = boxes.filter(has=panel.page.get_by_text(name, exact=True))
    return named.filter(has=panel.page.get_by_role("button", name="Details")).last


async def _photograph(lab: Lab, panel: Locator, moment: str) -> None:
    """Light and wide, dark and narrow."""
    for theme, width in (("Dark", 800), ("Light", 1280)):
        await lab.choose_theme(theme)
        await lab.page.set_viewport_size({"width": width, "height": 800})
        await panel.scroll_into_view_if_needed()
        await lab.photograph(f"{moment}-{theme.lower()}-{width}", width=width)


def _holds(texts: list[str], name: str) -> bool:
    return any(name in each for each in texts)


def _write(lab: Lab, name: str, size: int) -> Path:
    path = lab.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(name).randbytes(size))
    return path


def _hash_in(link: str) -> str:
    found = re.search(r"btih:([0-9a-f]{40})", link)
    assert found is not None
    return found[1]
