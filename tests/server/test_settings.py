"""The server's settings become the engine's, and a mistake in one is told without its secret."""

from __future__ import annotations

import pytest
from traitlets import TraitError

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.protocol.ice_servers import TurnServer
from jupyter_webtorrent.server.extension import WebTorrentApp


def test_turn_servers_are_read() -> None:
    app = WebTorrentApp(turn_servers=["turn:me:some-secret@relay.example"])
    expected = TurnServer("relay.example", username="me", password="some-secret")
    assert app.running_config().turn_servers == (expected,)


def test_a_turn_server_that_cannot_be_read_is_refused_without_its_password() -> None:
    with pytest.raises(TraitError, match="should look like") as caught:
        WebTorrentApp(turn_servers=["turn:me:some-secret@"])
    assert "some-secret" not in str(caught.value)


DEFAULTS = EngineConfig()
SETTINGS: dict[str, object] = {
    "lan_discovery": False,
    "pex": False,
    "port_mapping": True,
    "encryption": "require",
    "down_limit": 2_000_000,
    "up_limit": 500_000,
    "limit_lan": True,
    "seed_ratio": 1.5,
    "seed_seconds": 3600.0,
    "upload_slots": 9,
    "max_peers": 77,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_the_engines(name: str) -> None:
    assert getattr(WebTorrentApp().running_config(), name) == getattr(DEFAULTS, name)
    config = WebTorrentApp(**{name: SETTINGS[name]}).running_config()
    assert getattr(config, name) == SETTINGS[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encryption", "always"),
        ("down_limit", 0),
        ("up_limit", -1),
        ("seed_ratio", -0.5),
        ("seed_seconds", -1),
        ("upload_slots", 0),
        ("max_peers", 0),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: object) -> None:
    with pytest.raises(TraitError):
        WebTorrentApp(**{name: value})
