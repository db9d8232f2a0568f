"""The messages of a WebSocket tracker, both directions: `ws_messages` to and from JSON text, checked.

Sockets, time and who is told what are left to `net.trackers.websocket` (the
client) and `tracker` (the server). No BEP: bittorrent-tracker and libtorrent define the wire.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from jupyter_webtorrent.protocol.announce import (
    MAX_SCRAPE_HASHES,
    Event,
    SwarmCounts,
    bounded_interval,
)
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.json_members import JsonMembers, id20
from jupyter_webtorrent.protocol.ws_messages import (
    DEFAULT_INTERVAL,
    Action,
    Announce,
    AnnounceResponse,
    Answer,
    Failure,
    Offer,
    RelayedAnswer,
    RelayedOffer,
    Reply,
    Request,
    Scrape,
    ScrapeResponse,
    TrackerWarning,
)

MAX_FRAME_BYTES = 1 << 20
MAX_SDP_BYTES = 1 << 14
MAX_OFFERS = 10

NO_TORRENT = InfoHash(bytes(20))
"""Stands for "no torrent" in failures: clients drop the socket on a message without a hash."""

_EVENTS: dict[str, Event] = {event: event for event in get_args(Event)}


class BadRequestError(TrackerMessageError):
    """A request that is not valid: answer with `failure`, and keep the socket."""

    def __init__(self, reason: str, info_hash: InfoHash | None, action: Action) -> None:
        super().__init__(reason)
        self.failure = Failure(info_hash, reason, action)


def encode_request(request: Request) -> str:
    """A client's message as JSON text; raises TrackerMessageError if it is over a limit."""
    match request:
        case Announce():
            return _encode(_announce(request))
        case Answer():
            return _encode(
                {
                    "action": "announce",
                    "info_hash": _text(request.info_hash.digest),
                    "peer_id": _text(request.peer_id.raw),
                    "to_peer_id": _text(request.to_peer_id.raw),
                    "answer": _description("answer", request.sdp),
                    "offer_id": _text(request.offer_id),
                }
            )
        case Scrape():
            if len(request.info_hashes) > MAX_SCRAPE_HASHES:
                raise TrackerMessageError(
                    f"{len(request.info_hashes)} info hashes in a scrape, over {MAX_SCRAPE_HASHES}"
                )
            hashes = [_text(info_hash.digest) for info_hash in request.info_hashes]
            return _encode({"action": "scrape", "info_hash": hashes})


def encode_reply(reply: Reply) -> str:
    """A tracker's message as JSON text, always with `action` and `info_hash`.

    Raises TrackerMessageError if it is over a limit.
    """
    match reply:
        case AnnounceResponse():
            members: dict[str, object] = {
                "action": "announce",
                "info_hash": _text(reply.info_hash.digest),
                # libtorrent reads whole seconds only
                "interval": max(1, round(reply.interval)),
            }
            if reply.complete is not None:
                members["complete"] = reply.complete
            if reply.incomplete is not None:
                members["incomplete"] = reply.incomplete
            if reply.warning:
                members["warning message"] = reply.warning
            return _encode(members)
        case RelayedOffer() | RelayedAnswer():
            kind = "offer" if isinstance(reply, RelayedOffer) else "answer"
            return _encode(
                {
                    "action": "announce",
                    "info_hash": _text(reply.info_hash.digest),
                    "peer_id": _text(reply.peer_id.raw),
                    kind: _description(kind, reply.sdp),
                    "offer_id": _text(reply.offer_id),
                }
            )
        case ScrapeResponse():
            files = {
                _text(info_hash.digest): {
                    "complete": counts.complete,
                    "incomplete": counts.incomplete,
                    "downloaded": counts.downloaded,
                }
                for info_hash, counts in reply.swarms.items()
            }
            first = _text(next(iter(reply.swarms), NO_TORRENT).digest)
            return _encode({"action": "scrape", "info_hash": first, "files": files})
        case Failure():
            named = _text((reply.info_hash or NO_TORRENT).digest)
            return _encode(
                {"action": reply.action, "info_hash": named, "failure reason": reply.reason}
            )
        case TrackerWarning():
            named = _text((reply.info_hash or NO_TORRENT).digest)
            return _encode(
                {"action": "announce", "info_hash": named, "warning message": reply.reason}
            )


def parse_request(frame: str | bytes) -> Request:
    """Read a client's message.

    Raises BadRequestError, whose `failure` names the torrent where that much could be read.
    Unknown fields and events (`paused`, `update`) are ignored; counters may be numeric strings.
    """
    info_hash: InfoHash | None = None
    action: Action = "announce"
    try:
        message = JsonMembers.of_frame(frame, max_bytes=MAX_FRAME_BYTES)
        named = message.get("action")
        if named == "scrape":
            action = "scrape"
            return Scrape(_scraped_hashes(message))
        if named != "announce":
            raise TrackerMessageError("the action is neither announce nor scrape")
        info_hash = _info_hash(message)
        if message.get("answer") is not None:
            return Answer(
                info_hash=info_hash,
                peer_id=PeerId(message.id20("peer_id")),
                to_peer_id=PeerId(message.id20("to_peer_id")),
                offer_id=message.id20("offer_id"),
                sdp=_sdp(message, "answer"),
            )
        offers = _offers(message)
        numwant = message.count("numwant")
        return Announce(
            info_hash=info_hash,
            peer_id=PeerId(message.id20("peer_id")),
            uploaded=message.count("uploaded") or 0,
            downloaded=message.count("downloaded") or 0,
            left=message.count("left"),
            event=_event(message),
            numwant=len(offers) if numwant is None else numwant,
            offers=offers,
        )
    except TrackerMessageError as error:
        raise BadRequestError(str(error), info_hash, action) from None


def parse_reply(frame: str | bytes) -> Reply:
    """Read a tracker's message; raises TrackerMessageError.

    A failure wins over everything else in the message, then an answer, an offer, a response.
    Failures and warnings come out as one printable line.
    """
    message = JsonMembers.of_frame(frame, max_bytes=MAX_FRAME_BYTES)
    failure = message.line("failure reason")
    warning = message.line("warning message")
    if failure:
        action: Action = "scrape" if message.get("action") == "scrape" else "announce"
        return Failure(_info_hash_if_named(message), failure, action)
    if message.get("action") == "scrape":
        return _scrape_response(message)
    if message.get("action") != "announce":
        raise TrackerMessageError("the action is neither announce nor scrape")
    if message.get("answer") is not None:
        return RelayedAnswer(
            info_hash=_info_hash(message),
            peer_id=PeerId(message.id20("peer_id")),
            offer_id=message.id20("offer_id"),
            sdp=_sdp(message, "answer"),
        )
    if message.get("offer") is not None:
        return RelayedOffer(
            info_hash=_info_hash(message),
            peer_id=PeerId(message.id20("peer_id")),
            offer_id=message.id20("offer_id"),
            sdp=_sdp(message, "offer"),
        )
    interval = message.count("interval")
    if interval is None:
        interval = message.count("min interval")
    complete = message.count("complete")
    if interval is None and complete is None:
        if warning:
            return TrackerWarning(_info_hash_if_named(message), warning)
        raise TrackerMessageError("neither a response, an offer, an answer nor a failure")
    return AnnounceResponse(
        info_hash=_info_hash(message),
        interval=DEFAULT_INTERVAL if interval is None else bounded_interval(interval),
        complete=complete,
        incomplete=message.count("incomplete"),
        warning=warning,
    )


def _info_hash(message: JsonMembers) -> InfoHash:
    return InfoHash(message.id20("info_hash"))


def _info_hash_if_named(message: JsonMembers) -> InfoHash | None:
    try:
        info_hash = _info_hash(message)
    except TrackerMessageError:
        return None
    return None if info_hash == NO_TORRENT else info_hash


def _sdp(message: JsonMembers, kind: str) -> str:
    """The `sdp` of the session description (RFC 8829) under `kind`."""
    description = JsonMembers.of(message.get(kind), kind)
    if description.get("type", kind) != kind:
        raise TrackerMessageError(f"the type of the {kind} is not {kind}")
    return _checked_sdp(description.text("sdp"))


def _checked_sdp(sdp: str) -> str:
    # The first test is enough to refuse five megabytes without encoding them.
    if len(sdp) > MAX_SDP_BYTES or len(sdp.encode()) > MAX_SDP_BYTES:
        raise TrackerMessageError(f"a session description over {MAX_SDP_BYTES} bytes")
    return sdp


def _event(message: JsonMembers) -> Event | None:
    return None if message.get("event") is None else _EVENTS.get(message.text("event"))


def _offers(message: JsonMembers) -> tuple[Offer, ...]:
    entries = message.get("offers", [])
    if not isinstance(entries, list):
        raise TrackerMessageError("offers is not a list")
    if len(entries) > MAX_OFFERS:
        raise TrackerMessageError(f"{len(entries)} offers in a message, over {MAX_OFFERS}")
    members = [JsonMembers.of(entry, "an offer") for entry in entries]
    return tuple(Offer(entry.id20("offer_id"), _sdp(entry, "offer")) for entry in members)


def _scraped_hashes(message: JsonMembers) -> tuple[InfoHash, ...]:
    named = message.get("info_hash")
    entries = named if isinstance(named, list) else [named]
    if not 0 < len(entries) <= MAX_SCRAPE_HASHES:
        raise TrackerMessageError(
            f"a scrape names 1 to {MAX_SCRAPE_HASHES} info hashes, not {len(entries)}"
        )
    return tuple(InfoHash(id20(entry, "info_hash")) for entry in entries)


def _scrape_response(message: JsonMembers) -> ScrapeResponse:
    files = message.get("files")
    if not isinstance(files, dict):
        raise TrackerMessageError("files is not a JSON object")
    if len(files) > MAX_SCRAPE_HASHES:
        raise TrackerMessageError(f"{len(files)} swarms in a scrape, over {MAX_SCRAPE_HASHES}")
    swarms = {}
    for name, value in files.items():
        counts = JsonMembers.of(value, "a swarm")
        swarms[InfoHash(id20(name, "info_hash"))] = SwarmCounts(
            counts.count("complete") or 0,
            counts.count("incomplete") or 0,
            counts.count("downloaded") or 0,
        )
    return ScrapeResponse(swarms)


def _announce(announce: Announce) -> dict[str, object]:
    if len(announce.offers) > MAX_OFFERS:
        raise TrackerMessageError(f"{len(announce.offers)} offers in a message, over {MAX_OFFERS}")
    members: dict[str, object] = {
        "action": "announce",
        "info_hash": _text(announce.info_hash.digest),
        "peer_id": _text(announce.peer_id.raw),
        "numwant": announce.numwant,
        "uploaded": announce.uploaded,
        "downloaded": announce.downloaded,
        "left": announce.left,
    }
    if announce.event is not None:
        members["event"] = announce.event
    if announce.event not in ("stopped", "completed"):
        members["offers"] = [
            {"offer": _description("offer", offer.sdp), "offer_id": _text(offer.offer_id)}
            for offer in announce.offers
        ]
    return members


def _description(kind: str, sdp: str) -> dict[str, str]:
    return {"type": kind, "sdp": _checked_sdp(sdp)}


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _encode(members: dict[str, object]) -> str:
    return msgspec.json.encode(members).decode()
