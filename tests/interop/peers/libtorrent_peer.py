"""libtorrent as a peer, over TCP or over WebRTC: `python -m tests.interop.peers.libtorrent_peer share|fetch …`.

A process of its own, because libtorrent blocks and may crash. Its settings are its own defaults, save that it
looks for no peers but those it is told of, and what `--set` says.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterator

import libtorrent as lt

from tests.interop.peers.options import parse_options, say


def main() -> None:
    options = parse_options("libtorrent as a peer")
    session = lt.session(lt.session_params(_settings(options)))
    if options.verb == "share":
        _share(session, options)
    else:
        _fetch(session, options)


def _settings(options: Namespace) -> lt.settings_pack:
    tcp = options.transport == "tcp"
    category = lt.alert_category
    settings: lt.settings_pack = {
        "listen_interfaces": options.listen,
        "enable_incoming_tcp": tcp,
        "enable_outgoing_tcp": tcp,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "webtorrent_stun_server": "",
        **_encryption(options.encryption),
        "allow_multiple_connections_per_ip": True,
        "stop_tracker_timeout": 1,
        "alert_mask": category.status | category.error | category.connect | category.tracker,
    }
    if options.dht_node:
        settings |= {
            "enable_dht": True,
            "dht_bootstrap_nodes": ",".join(options.dht_node),
            "dht_restrict_routing_ips": False,
            "dht_restrict_search_ips": False,
            "dht_ignore_dark_internet": False,
            "dht_prefer_verified_node_ids": False,
        }
    for name, _, value in (each.partition("=") for each in options.set):
        settings[name] = json.loads(value)  # type: ignore[literal-required]
    return settings


def _encryption(choice: str | None) -> lt.settings_pack:
    """Its own defaults, none at all, or nothing else with plain text, RC4 or either after the handshake."""
    if choice is None:
        return {}
    policy = lt.enc_policy.disabled if choice == "off" else lt.enc_policy.forced
    levels = {"plain": lt.enc_level.plaintext, "rc4": lt.enc_level.rc4}
    return {
        "in_enc_policy": int(policy),
        "out_enc_policy": int(policy),
        "allowed_enc_level": int(levels.get(choice, lt.enc_level.both)),
        "prefer_rc4": choice == "rc4",
    }


def _share(session: lt.session, options: Namespace) -> None:
    torrent = _torrent(options)
    if options.torrent_file is not None:
        options.torrent_file.write_bytes(torrent)
    params = lt.load_torrent_buffer(torrent)
    params.trackers = options.tracker
    params.save_path = str(options.path.parent)
    params.flags |= lt.torrent_flags.seed_mode
    handle = session.add_torrent(params)
    while handle.status().state != lt.torrent_status.seeding:
        time.sleep(0.01)  # it hangs up on whoever comes before, who then waits seconds to try again
    say("magnet", magnet=lt.make_magnet_uri(params))
    if options.transport == "tcp":
        host, _, _ = options.listen.rpartition(":")
        say("listening", tcp=f"{host}:{session.listen_port()}")
    for alert in _alerts(session):
        _announce(handle, options)
        print(alert.message(), file=sys.stderr)


def _torrent(options: Namespace) -> bytes:
    """The .torrent file of what is shared."""
    flags = 0 if options.hybrid else lt.create_torrent.v1_only
    files = lt.list_files(str(options.path))
    torrent = lt.create_torrent(files, options.piece_length, flags)
    torrent.set_priv(options.private)
    lt.set_piece_hashes(torrent, str(options.path.parent))
    for url in options.web_seed:
        torrent.add_url_seed(url)
    for tier, url in enumerate(options.tracker):
        torrent.add_tracker(url, tier)
    return lt.bencode(torrent.generate())


def _fetch(session: lt.session, options: Namespace) -> None:
    magnet = options.link.startswith("magnet:")
    params = (lt.parse_magnet_uri if magnet else lt.load_torrent_file)(options.link)
    params.trackers = [*params.trackers, *options.tracker]
    params.save_path = str(options.folder)
    # A torrent's own: a session's limits do not count on loopback.
    params.download_limit = options.down_limit
    say("started")
    handle = session.add_torrent(params)
    if options.transport == "tcp":
        say("listening", tcp=f"127.0.0.1:{session.listen_port()}")
    for address in options.peer:
        host, _, port = address.rpartition(":")
        handle.connect_peer((host, int(port)))
    for alert in _alerts(session):
        _announce(handle, options)
        print(alert.message(), file=sys.stderr)
        if isinstance(alert, lt.torrent_finished_alert):
            say("verified")
            handle.flush_cache()
        elif isinstance(alert, lt.cache_flushed_alert):
            break
        elif isinstance(alert, lt.peer_connect_alert):
            say("connected", tcp=f"{alert.endpoint[0]}:{alert.endpoint[1]}")
        elif isinstance(alert, lt.peer_disconnected_alert):
            say("disconnected", reason=str(alert.error.message()))
        elif isinstance(alert, lt.torrent_error_alert | lt.file_error_alert):
            say("error", message=alert.message())
            sys.exit(1)
    status = handle.status()
    say("complete", paths=[str(options.folder / status.name)], bytes=status.total_wanted_done)


def _announce(handle: lt.torrent_handle, options: Namespace) -> None:
    """Ask the DHT again: libtorrent would wait a quarter of an hour after a try that came too early."""
    if options.dht_node:
        handle.force_dht_announce()


def _alerts(session: lt.session) -> Iterator[lt.alert]:
    """Alerts as they come; half a second at most passes before a signal is seen to."""
    while True:
        session.wait_for_alert(500)
        yield from session.pop_alerts()


if __name__ == "__main__":
    main()
