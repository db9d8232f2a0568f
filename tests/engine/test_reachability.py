"""Which addresses a session's links name, and when the gateway is asked for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_webtorrent.engine import reachability
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.net.gateway import Gateway
from jupyter_webtorrent.schema.transfers import ShareRequest
from tests.net.gateways import PUBLIC, NatPmpGateway


async def shared(folder: Path, config: EngineConfig) -> tuple[list[str], str | None, str]:
    """The hosts that the link of a share names, the session's external address, and why."""
    path = folder / "data.csv"
    path.write_bytes(b"data")
    async with Session(config) as session:
        torrent = await session.share(ShareRequest([str(path)], trackers=[]))
        await session.port_mapping_known()
        hosts = [peer.host for peer in session.magnet(torrent).peers]
        status = session.status()
        return hosts, status.external, status.port_mapping


async def test_a_mapped_port_is_named_in_links_and_closed_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with NatPmpGateway().listen() as gateway:
        monkeypatch.setattr(
            reachability, "default_gateway", lambda: Gateway("127.0.0.1", gateway.port)
        )
        config = EngineConfig(port_mapping=True, lan_discovery=False, dht=False)
        hosts, external, message = await shared(tmp_path, config)
        assert hosts[-1] == PUBLIC
        assert external is not None
        assert external.startswith(f"{PUBLIC}:")
        assert message.endswith("mapped by NAT-PMP")
        assert gateway.mapped == {}


@pytest.mark.parametrize(
    "config",
    [
        EngineConfig(lan_discovery=False, dht=False),
        EngineConfig(port_mapping=True, listen_host="127.0.0.1"),
    ],
    ids=["off by default", "not on loopback"],
)
async def test_the_gateway_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: EngineConfig
) -> None:
    async with NatPmpGateway().listen() as gateway:
        monkeypatch.setattr(
            reachability, "default_gateway", lambda: Gateway("127.0.0.1", gateway.port)
        )
        hosts, external, message = await shared(tmp_path, config)
        assert PUBLIC not in hosts
        assert external is None
        assert message == ""
        assert gateway.requests == []
