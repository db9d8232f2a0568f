from __future__ import annotations

from html.parser import HTMLParser

import pytest
from playwright.async_api import Route, expect

from jupyter_webtorrent.kernel.player import player
from jupyter_webtorrent.protocol.media import MediaKind
from tests.ui.browser import chromium

URL = "/user/ada/webtorrent/stream/" + "ab" * 20 + "/week%201/a"


class Tags(HTMLParser):
    """The elements of a fragment, with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("name", "tag"),
    [("lecture.mp4", "video"), ("talk.ogg", "audio"), ("map.png", "img"), ("data.csv", "a")],
)
def test_a_file_is_shown_by_its_kind(name: str, tag: str) -> None:
    bundle = player(name, URL)
    shown, attributes = Tags(bundle["text/html"]).found[0]
    assert shown == tag
    assert attributes.get("src", attributes.get("href")) == URL
    assert bundle["text/plain"] == f"{name}: {URL}"


@pytest.mark.parametrize("name", ["lecture.mp4", "talk.ogg"])
def test_a_saved_player_asks_for_nothing_until_it_is_pressed(name: str) -> None:
    assert Tags(player(name, URL)["text/html"]).found[0][1]["preload"] == "none"


def test_what_a_player_runs_is_the_same_for_every_name() -> None:
    def runs(name: str) -> list[str | None]:
        attributes = Tags(player(name, URL)["text/html"]).found[0][1]
        return [attributes["onerror"], attributes["onplaying"]]

    assert runs("lecture.mp4") == runs("'; alert(1); '.mp4")


def test_a_kind_that_is_known_counts_more_than_the_name() -> None:
    assert Tags(player("stream", URL, MediaKind.VIDEO)["text/html"]).found[0][0] == "video"


@pytest.mark.parametrize("ending", ["mp4", "mp3", "png", "pdf"])
@pytest.mark.parametrize(
    "name",
    [
        '"><script>alert(1)</script>.',
        "' onerror='alert(1)' .",
        "<img src=x onerror=alert(1)>.",
        "$x$ \\(y\\) \u202egnp.",
        "a\x1b[31m\nb.",
    ],
)
def test_a_hostile_name_is_text(name: str, ending: str) -> None:
    bundle = player(name + ending, URL)
    tags = Tags(bundle["text/html"])
    assert {tag for tag, _ in tags.found} <= {"video", "audio", "img", "a", "p"}
    for _, attributes in tags.found:
        assert set(attributes) <= {
            *("src", "href", "title", "alt", "style", "controls", "preload", "target"),
            *("role", "onerror", "onplaying"),
        }
    for text in (*bundle.values(), tags.text):
        assert not set("\x1b\n\u202e$") & set(text)


def test_a_hostile_url_stays_in_its_attribute() -> None:
    url = '/x"><script>alert(1)</script>'
    assert [tag for tag, _ in Tags(player("a.png", url)["text/html"]).found] == ["img"]


async def test_a_player_that_gets_nothing_asks_once_each_time_it_is_pressed() -> None:
    html = player("lecture.mp4", "http://jupyter.test/film")["text/html"]
    asked: list[str] = []

    async def answer(route: Route) -> None:
        if route.request.url.endswith("/film"):
            asked.append(route.request.url)
            await route.fulfill(status=503)
        else:
            await route.fulfill(content_type="text/html", body=html)

    async with chromium() as browser:
        page = await browser.new_page()
        await page.route("**/*", answer)
        await page.goto("http://jupyter.test/")
        assert asked == []
        for times in (1, 2):
            line = page.get_by_role("status")
            await line.evaluate("line => { line.textContent = ''; }")
            await page.locator("video").evaluate("video => { video.play().catch(() => null); }")
            await expect(line).to_contain_text("Press play to try again")
            await page.wait_for_timeout(200)
            assert len(asked) == times
