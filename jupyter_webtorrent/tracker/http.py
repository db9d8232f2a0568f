"""HTTP announces and scrapes of the embedded tracker: aiohttp around `AddressSwarms`.

Every answer is bencode, refusals too. The query is read as it stood in the request line, for decoding it as text would
lose bytes of info hashes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from aiohttp import web

from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.http_tracker import (
    encode_announce_response,
    encode_failure,
    encode_scrape_response,
    parse_announce,
    parse_scrape,
)
from jupyter_webtorrent.protocol.message_budget import MESSAGE_BURST, MESSAGES_PER_SECOND
from jupyter_webtorrent.protocol.token_bucket import KeyedBuckets
from jupyter_webtorrent.tracker.addresses import AddressSwarms
from jupyter_webtorrent.tracker.errors import RefusedError

MAX_BUDGETS = 10_000
"""IP addresses of which is known how much they asked lately; the one that asked longest ago is forgotten."""


class HttpAnnounces:
    """The handlers; one connection serves one request."""

    def __init__(self, rng: random.Random) -> None:
        self._swarms = AddressSwarms(rng)
        self._budgets = KeyedBuckets(MESSAGES_PER_SECOND, MESSAGE_BURST, MAX_BUDGETS)

    def announce(self, request: web.Request, room: str) -> web.Response:
        def answer(now: float, ip: str, query: str) -> bytes:
            response = self._swarms.announce(
                now, room, ip, parse_announce(query), our_ip=_ip(request, "sockname")
            )
            return encode_announce_response(response)

        return self._answer(request, answer)

    async def scrape(self, request: web.Request) -> web.Response:
        def answer(now: float, _ip: str, query: str) -> bytes:
            return encode_scrape_response(self._swarms.scrape(now, "", parse_scrape(query)))

        return self._answer(request, answer)

    def _answer(
        self, request: web.Request, answer: Callable[[float, str, str], bytes]
    ) -> web.Response:
        now = asyncio.get_running_loop().time()
        status = 200
        try:
            ip = _ip(request, "peername")
            if self._budgets.try_take(ip, now):
                body = answer(now, ip, request.raw_path.partition("?")[2])
            else:
                status, body = 429, encode_failure("too many requests from this address")
        except (TrackerMessageError, RefusedError) as error:
            body = encode_failure(str(error))
        response = web.Response(status=status, body=body, content_type="text/plain")
        response.force_close()
        return response


def _ip(request: web.Request, end: str) -> str:
    """The IP address of one end of the connection, IPv4 also where it came in by an IPv6 socket."""
    transport = request.transport
    found = None if transport is None else transport.get_extra_info(end)
    if not found:
        raise RefusedError("the connection is gone")
    address = ip_address(found[0].partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)
