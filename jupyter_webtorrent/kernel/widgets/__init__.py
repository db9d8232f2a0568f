"""Panels for a notebook, in JupyterLab, Notebook 7 and VS Code: share, fetch, all transfers, one transfer.

Compositions of core ipywidgets, and of a few small anywidgets for what those cannot do, without which everything
still works. Foreign text reaches labels, options and text nodes only, never HTML, and labels only without what
they would set as mathematics. No widget's state holds a token.
"""

from __future__ import annotations

from jupyter_webtorrent.kernel.widgets.fetch import FetchPanel
from jupyter_webtorrent.kernel.widgets.parts import CopyField, Words, progress_bar
from jupyter_webtorrent.kernel.widgets.share import SharePanel
from jupyter_webtorrent.kernel.widgets.transfers import TransfersPanel
from jupyter_webtorrent.kernel.widgets.view import TransferView, live_view

__all__ = [
    "CopyField",
    "FetchPanel",
    "SharePanel",
    "TransferView",
    "TransfersPanel",
    "Words",
    "live_view",
    "progress_bar",
]
