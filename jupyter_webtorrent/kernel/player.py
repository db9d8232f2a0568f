"""How a notebook shows a file that is still arriving: the display bundle of a player, an image or a link.

The bytes are the server's to stream; here is only the HTML around its URL.
"""

from __future__ import annotations

from html import escape

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.protocol.media import MediaKind, media_kind

_FITTING = "max-width: 100%; max-height: 75vh"
_LINE = "It cannot be played at the moment. Press play to try again."
_READY_AGAIN = f"this.src = this.src; this.nextElementSibling.textContent = '{_LINE}'"
_NO_LINE = "this.nextElementSibling.textContent = ''"


def player(name: str, url: str, kind: MediaKind | None = None) -> dict[str, str]:
    """The MIME bundle that plays or shows a file, by `kind` or else by the ending of `name`.

    `url` is what `Access.stream_url` tells: path-absolute and without a token, for outputs are saved.
    """
    label = text.label(text.short_name(name))
    safe_url, safe_label = escape(url), escape(label)
    match media_kind(name) if kind is None else kind:
        case MediaKind.VIDEO:
            html = _player("video", safe_url, safe_label, _FITTING)
        case MediaKind.AUDIO:
            html = _player("audio", safe_url, safe_label, "width: 100%; max-width: 40em")
        case MediaKind.IMAGE:
            html = f'<img src="{safe_url}" alt="{safe_label}" style="{_FITTING}">'
        case _:
            html = f'<a href="{safe_url}" target="_blank">{safe_label}</a>'
    return {"text/html": html, "text/plain": f"{label}: {url}"}


def _player(tag: str, url: str, label: str, style: str) -> str:
    """A player that asks for nothing until a person presses play, for a notebook may have many.

    When the browser gives up it is ready to be pressed again, and says so: a new source asks for nothing, as
    `load()` would at once, and then again and again.
    """
    return (
        f'<{tag} controls preload="none" src="{url}" title="{label}" style="{style}"'
        f' onerror="{_READY_AGAIN}" onplaying="{_NO_LINE}">'
        f'<a href="{url}?download=1">{label}</a></{tag}><p role="status"></p>'
    )
