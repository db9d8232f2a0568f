from __future__ import annotations

import pytest

from jupyter_webtorrent.protocol.media import (
    OTHER_TYPE,
    MediaKind,
    is_shown_by_browsers,
    media_kind,
    media_type,
)


@pytest.mark.parametrize(
    ("path", "kind", "media"),
    [
        ("week 1/lecture.MP4", MediaKind.VIDEO, "video/mp4"),
        ("a.b.webm", MediaKind.VIDEO, "video/webm"),
        ("talk.opus", MediaKind.AUDIO, "audio/ogg"),
        ("map.png", MediaKind.IMAGE, "image/png"),
        ("paper.pdf", MediaKind.PDF, "application/pdf"),
        ("penguins.csv", MediaKind.TABLE, "text/csv; charset=utf-8"),
        ("lesson.ipynb", MediaKind.NOTEBOOK, "application/x-ipynb+json"),
        ("README.md", MediaKind.TEXT, "text/plain; charset=utf-8"),
        ("page.html", MediaKind.TEXT, "text/plain; charset=utf-8"),
        ("README", MediaKind.OTHER, OTHER_TYPE),
        ("mp4", MediaKind.OTHER, OTHER_TYPE),
        ("folder.mp4/data", MediaKind.OTHER, OTHER_TYPE),
        ("data.csv.", MediaKind.OTHER, OTHER_TYPE),
        ("", MediaKind.OTHER, OTHER_TYPE),
    ],
)
def test_the_ending_says_what_a_file_is(path: str, kind: MediaKind, media: str) -> None:
    assert (media_kind(path), media_type(path)) == (kind, media)


@pytest.mark.parametrize(
    "path", ["page.html", "PAGE.HTM", "drawing.svg", "feed.xml", "x.xhtml", "x.js.unknown", "x"]
)
def test_what_could_run_is_not_opened_by_a_browser(path: str) -> None:
    assert not is_shown_by_browsers(path)
    assert "html" not in media_type(path)


def test_what_is_harmless_is_opened_by_a_browser() -> None:
    assert all(map(is_shown_by_browsers, ("a.mp4", "a.mp3", "a.png", "a.csv", "a.md", "a.py")))
