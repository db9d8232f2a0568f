"""Share datasets and notebooks peer to peer, from Jupyter.

Holds what Jupyter looks up by name (server extension, lab extension, `%load_ext`) and the few names a notebook
uses; everything is imported on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_webtorrent.version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_webtorrent.kernel.pooch_downloader import WebTorrentDownloader
    from jupyter_webtorrent.kernel.sharing import fetch, share
    from jupyter_webtorrent.kernel.torrent_url import url
    from jupyter_webtorrent.kernel.transfer import Transfer
    from jupyter_webtorrent.kernel.widgets import FetchPanel, SharePanel, TransfersPanel

__all__ = [
    "FetchPanel",
    "SharePanel",
    "Transfer",
    "TransfersPanel",
    "WebTorrentDownloader",
    "__version__",
    "fetch",
    "share",
    "url",
]

_HOMES = {
    "FetchPanel": "jupyter_webtorrent.kernel.widgets",
    "SharePanel": "jupyter_webtorrent.kernel.widgets",
    "Transfer": "jupyter_webtorrent.kernel.transfer",
    "TransfersPanel": "jupyter_webtorrent.kernel.widgets",
    "WebTorrentDownloader": "jupyter_webtorrent.kernel.pooch_downloader",
    "fetch": "jupyter_webtorrent.kernel.sharing",
    "share": "jupyter_webtorrent.kernel.sharing",
    "url": "jupyter_webtorrent.kernel.torrent_url",
}


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext jupyter_webtorrent`: adds the `%wt` magic and its completion."""
    from jupyter_webtorrent.kernel.magic import register

    register(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_webtorrent.server.extension import WebTorrentApp

    return [{"module": "jupyter_webtorrent", "app": WebTorrentApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-webtorrent"}]
