"""The server's settings become the engine's, and a mistake in one is told without its secret."""

from __future__ import annotations

import pytest
from traitlets import TraitError

from jupyter_webtorrent.protocol.ice_servers import TurnServer
from jupyter_webtorrent.server.extension import WebTorrentApp


def test_turn_servers_are_read() -> None:
    app = WebTorrentApp(turn_servers=["turn:me:some-secret@relay.example"])
    expected = TurnServer("relay.example", username="me", password="some-secret")
    assert app.engine_config().turn_servers == (expected,)


def test_a_turn_server_that_cannot_be_read_is_refused_without_its_password() -> None:
    with pytest.raises(TraitError, match="should look like") as caught:
        WebTorrentApp(turn_servers=["turn:me:some-secret@"])
    assert "some-secret" not in str(caught.value)
