"""The HTTP tracker client (BEP 3, 48): one GET for each announce or scrape, under the guard's policy.

The messages are `protocol.http_tracker`; when to announce is the caller's business.
"""

from __future__ import annotations

import asyncio

import aiohttp

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy, checked_url, resolve_checked
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.trackers.client import MAX_QUESTIONS_AT_ONCE, with_peers_named_by
from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.http_tracker import (
    MAX_REPLY_BYTES,
    TrackerFailureError,
    announce_url,
    parse_announce_response,
    parse_scrape_response,
    scrape_url,
)
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.urls import WEB_SCHEMES

QUESTION_SECONDS = 30.0
"""From the look-up of the tracker's name to the last byte of its reply."""


class HttpTracker:
    """A tracker at an http:// or https:// URL. Implements `TcpTracker`."""

    def __init__(self, url: str, http: GuardedClient, policy: Policy) -> None:
        """`policy`: where the URL may lead; redirects lead to public addresses. Raises NetError for a bad URL."""
        checked_url(url, policy, WEB_SCHEMES)
        self._url = url
        self._http = http
        self._policy = policy
        self._turns = asyncio.Semaphore(MAX_QUESTIONS_AT_ONCE)

    async def announce(self, announce: TcpAnnounce) -> TcpAnnounceResponse:
        body, host = await self._ask(announce_url(self._url, announce))
        response = parse_announce_response(body)
        if not response.peers:
            return response
        try:
            tellers = await resolve_checked(host, Policy.NAMED)
        except OSError:
            raise NetError(f"the name {host} does not resolve") from None
        return with_peers_named_by(response, map(str, tellers))

    async def scrape(self, info_hash: InfoHash) -> SwarmCounts:
        url = scrape_url(self._url, info_hash)
        if url is None:
            raise NetError("its URL has no form for a scrape")
        body, _ = await self._ask(url)
        return parse_scrape_response(body, info_hash)

    async def aclose(self) -> None:
        """Nothing is left open between two questions."""

    async def _ask(self, url: str) -> tuple[bytes, str]:
        """The reply to a GET, and the host that gave it, redirects followed."""
        async with self._turns:
            try:
                async with (
                    asyncio.timeout(QUESTION_SECONDS),
                    self._http.get(url, self._policy) as response,
                ):
                    body = await _read(response)
            except TimeoutError:
                raise NetError(f"no answer within {QUESTION_SECONDS:.0f} s") from None
        if response.status != 200:
            raise NetError(_failure(body) or f"it answered HTTP {response.status}")
        return body, response.url.raw_host or ""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise NetError(f"its reply is over {MAX_REPLY_BYTES:,} bytes")
    return bytes(body)


def _failure(body: bytes) -> str:
    """The reason that some trackers send along with an HTTP error."""
    try:
        parse_announce_response(body)
    except TrackerFailureError as error:
        return str(error)
    except TrackerMessageError:
        pass
    return ""
