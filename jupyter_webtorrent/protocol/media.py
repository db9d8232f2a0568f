"""What a file is for the eye, by the ending of its name alone: how it is shown, and its media type.

labextension/src/media.ts has the same endings; a test holds the two together.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class MediaKind(Enum):
    """How a file is shown."""

    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    PDF = "pdf"
    TABLE = "table"
    """Rows of text, separated by commas or tabs."""
    NOTEBOOK = "notebook"
    TEXT = "text"
    OTHER = "other"
    """Nobody can say: it can only be saved."""


OTHER_TYPE: Final = "application/octet-stream"
_PLAIN: Final = "text/plain; charset=utf-8"
"""Of source code too: a browser shows it, and runs nothing."""

_TYPES: Final[dict[MediaKind, dict[str, str]]] = {
    MediaKind.VIDEO: {
        "m4v": "video/mp4",
        "mkv": "video/x-matroska",
        "mov": "video/quicktime",
        "mp4": "video/mp4",
        "ogv": "video/ogg",
        "webm": "video/webm",
    },
    MediaKind.AUDIO: {
        "aac": "audio/aac",
        "flac": "audio/flac",
        "m4a": "audio/mp4",
        "mp3": "audio/mpeg",
        "oga": "audio/ogg",
        "ogg": "audio/ogg",
        "opus": "audio/ogg",
        "wav": "audio/wav",
        "weba": "audio/webm",
    },
    MediaKind.IMAGE: {
        "avif": "image/avif",
        "bmp": "image/bmp",
        "gif": "image/gif",
        "jpeg": "image/jpeg",
        "jpg": "image/jpeg",
        "png": "image/png",
        "svg": "image/svg+xml",
        "webp": "image/webp",
    },
    MediaKind.PDF: {"pdf": "application/pdf"},
    MediaKind.TABLE: {
        "csv": "text/csv; charset=utf-8",
        "tsv": "text/tab-separated-values; charset=utf-8",
    },
    MediaKind.NOTEBOOK: {"ipynb": "application/x-ipynb+json"},
    MediaKind.TEXT: {
        "json": "application/json",
        **dict.fromkeys(
            (
                *("bib", "c", "cfg", "cpp", "css", "diff", "go", "h", "hpp", "htm", "html", "ini"),
                *("java", "jl", "js", "jsonl", "log", "markdown", "md", "patch", "py", "r", "rmd"),
                *("rs", "rst", "sh", "sql", "tex", "toml", "ts", "txt", "xml", "yaml", "yml"),
            ),
            _PLAIN,
        ),
    },
}
_BY_ENDING: Final = {
    ending: (kind, media_type)
    for kind, types in _TYPES.items()
    for ending, media_type in types.items()
}
KIND_OF_ENDING: Final = {ending: kind for ending, (kind, _) in _BY_ENDING.items()}
_ACTIVE: Final = frozenset({"htm", "html", "svg", "xml"})
"""What a browser that opens it by itself might run scripts of."""


def media_kind(path: str) -> MediaKind:
    """How a file is shown."""
    return _look_up(path)[0]


def media_type(path: str) -> str:
    """The Content-Type of a file; never one that a browser would run as a page."""
    return _look_up(path)[1]


def is_shown_by_browsers(path: str) -> bool:
    """Whether a browser may open it in a tab: harmless there, and not cut off from what it needs.

    A PDF viewer does not run in a sandbox, and a notebook or an unknown file is nothing to look at.
    """
    kind = media_kind(path)
    return _ending(path) not in _ACTIVE and kind not in (
        MediaKind.PDF,
        MediaKind.NOTEBOOK,
        MediaKind.OTHER,
    )


def _look_up(path: str) -> tuple[MediaKind, str]:
    return _BY_ENDING.get(_ending(path), (MediaKind.OTHER, OTHER_TYPE))


def _ending(path: str) -> str:
    _, dot, ending = path.rpartition("/")[2].rpartition(".")
    return ending.lower() if dot else ""
