"""In a language of made-up brackets whatever the extension says has them: nothing is said but by its translations."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Route, expect

from tests.ui.lab import Lab
from tests.ui.servers import PROJECT

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID = re.compile(
    r"""trans\.(__|_n)\(\s*((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?:,\s*'[^']*')?)"""
)
TEXT = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
UNIT = re.compile(r"[↓↑]? *[\d.,]* *(?:[kMG]?B)?(?:/s)?%?")
"""Numbers and units are international."""

TEXTS = """root => {
    const texts = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
        if (node.nodeType === Node.TEXT_NODE) {
            if (!node.parentElement.closest('pre, code, bdi, option[value=""]')) texts.push(node.data);
        } else {
            for (const name of ['aria-label', 'title', 'alt', 'aria-valuetext']) {
                if (node.hasAttribute(name)) texts.push(node.getAttribute(name));
            }
        }
    }
    return texts.map(text => text.trim()).filter(text => text);
}"""


def catalogue() -> dict[str, Any]:
    """Every text of the sources, in brackets."""
    made: dict[str, Any] = {
        "": {
            "domain": "jupyter_webtorrent",
            "language": "eo",
            "plural_forms": "nplurals=2; plural=(n != 1);",
        }
    }
    for path in (PROJECT / "labextension" / "src").rglob("*.ts*"):
        for call in SAID.finditer(path.read_text("utf-8")):
            texts = ["".join(found) for found in TEXT.findall(call[2])]
            made[texts[0]] = [f"«{text}»" for text in texts]
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def abroad(alone: Lab) -> AsyncIterator[Lab]:
    texts = catalogue()
    assert len(texts) > 150
    answer = {"data": {"jupyter_webtorrent": texts}, "message": ""}

    async def translate(route: Route) -> None:
        await route.fulfill(json=answer)

    await alone.page.route(re.compile("/api/translations/"), translate)
    await alone.page.goto(f"{alone.server.url}lab?token={alone.server.token}")
    tab = alone.page.get_by_role("tab", name="«Transfers»")
    await expect(tab).to_be_visible(timeout=40_000)
    await tab.click()
    yield alone
    await alone.page.unroute_all()


async def untranslated(place: Locator, *names: str) -> set[str]:
    """What is said there without brackets, and is no number or name of the test's own."""
    texts = await place.evaluate(TEXTS)
    assert texts
    return {
        text
        for text in texts
        if "«" not in text
        and not UNIT.fullmatch(text)
        and not any(name in text for name in (*names, "magnet:?", "/tmp/"))
    }


async def test_the_panel_speaks_the_persons_language(abroad: Lab) -> None:
    panel = abroad.page.get_by_role("region", name="«Transfers»")
    await expect(panel).to_contain_text("«Nothing is shared or fetched yet»")
    assert await untranslated(panel) == set()
    (abroad.root / "data.csv").write_bytes(b"1,2\n")
    await abroad.ask("POST", "share", {"paths": ["data.csv"]})
    row = panel.get_by_role("row").first
    await expect(row).to_contain_text("«Seeding»")
    await row.click()
    for tab in ("Overview", "Files", "Peers", "Trackers"):
        await panel.get_by_role("tab", name=f"«{tab}»").click()
        part = panel.get_by_role("tabpanel", name=f"«{tab}»")
        await expect(part).not_to_contain_text("«Loading")
        assert await untranslated(panel, "data.csv", "ws://") == set(), tab
    await abroad.photograph("translated")


async def test_the_launchers_card_is_among_those_that_jupyterlab_has(abroad: Lab) -> None:
    sections = abroad.page.locator(".jp-Launcher-section")
    ours = sections.filter(has=abroad.page.get_by_text("«Fetch a Shared Dataset»"))
    await expect(ours.locator(".jp-Launcher-sectionTitle")).to_have_text("Other")


async def test_the_dialogs_speak_the_persons_language(abroad: Lab) -> None:
    for command, options in (("fetch", "{}"), ("share", "{ paths: ['data.csv'] }")):
        await abroad.page.evaluate(
            f"void jupyterapp.commands.execute('webtorrent:{command}', {options})"
        )
        dialog = abroad.page.get_by_role("dialog")
        await expect(dialog.get_by_role("button", name="«Cancel»")).to_be_visible()
        assert await untranslated(dialog, "data.csv") == set(), command
        await abroad.page.keyboard.press("Escape")
        await expect(dialog).not_to_be_attached()
