"""An HTTP client for URLs that strangers write: each hop is checked and connects to the address that was checked.

Says nothing of itself beyond the request: no cookies, credentials, proxies or compression. What to ask, and what to
make of the answer, is the caller's business.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import (
    Policy,
    Resolve,
    check_address,
    checked_url,
    resolve_checked,
    system_resolve,
)
from jupyter_webtorrent.net.reasons import plain_reason
from jupyter_webtorrent.protocol.urls import WEB_SCHEMES
from jupyter_webtorrent.version import __version__

MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_HEADERS: Final = {
    "Accept-Encoding": "identity",
    "User-Agent": f"jupyter-webtorrent/{__version__}",
}


class GuardedClient:
    """HTTP under the guard's policies; one for a session. `aclose` leaves nothing open."""

    def __init__(
        self, *, trusted_hosts: Collection[str] = (), resolve: Resolve = system_resolve
    ) -> None:
        """`trusted_hosts`: names or addresses that a person vouches for, wherever they are."""
        self._trusted = frozenset(host.lower() for host in trusted_hosts)
        self.resolve = resolve
        # One each: a connection that one policy allowed must not be used under another.
        self._sessions: dict[Policy, aiohttp.ClientSession] = {}

    @asynccontextmanager
    async def get(
        self,
        url: str,
        policy: Policy,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        silence: float = 20.0,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a GET after at most MAX_REDIRECTS redirects, of any other status.

        Under `Policy.NAMED` redirects within the same host and port stay named; all others are PUBLIC. `silence` is how
        many seconds connecting, or a pause in the answer, may take; neither the whole time nor the body is bounded.
        Raises NetError with the reason in one line, also for what goes wrong while the body is read.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=silence, sock_read=silence)
        try:
            response = await self._follow(url, policy, headers, timeout)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _as_net_error(error) from error
        try:
            encoding = response.headers.get("Content-Encoding", "")
            if encoding.strip().lower() not in ("", "identity"):
                raise NetError("it sent compressed data, which was not asked for")
            yield response
        except (aiohttp.ClientError, OSError) as error:
            raise _as_net_error(error) from error
        finally:
            response.release()

    async def aclose(self) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def _follow(
        self, url: str, policy: Policy, headers: Mapping[str, str], limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        first = checked_url(url, self._policy_of(url, policy), WEB_SCHEMES)
        target, hop = first, policy
        for _ in range(MAX_REDIRECTS + 1):
            session = self._session(self._policy_of(str(target), hop))
            response = await session.get(
                target, allow_redirects=False, timeout=limits, headers=headers
            )
            if response.status not in _REDIRECTS:
                return response
            response.close()
            location = response.headers.get("Location", "")
            following = str(target.join(URL(location, encoded=location.isascii())))
            hop = Policy.PUBLIC
            if policy is Policy.NAMED and _place(following) == _place(str(first)):
                hop = Policy.NAMED
            target = checked_url(following, self._policy_of(following, hop), WEB_SCHEMES)
        raise NetError(f"it redirects more than {MAX_REDIRECTS} times")

    def _policy_of(self, url: str, policy: Policy) -> Policy:
        return Policy.NAMED if _place(url)[0] in self._trusted else policy

    def _session(self, policy: Policy) -> aiohttp.ClientSession:
        if policy not in self._sessions:
            self._sessions[policy] = aiohttp.ClientSession(
                connector=guarded_connector(policy, self.resolve),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[policy]


def guarded_connector(policy: Policy, resolve: Resolve = system_resolve) -> aiohttp.TCPConnector:
    """A connector that opens no socket to an address that the policy refuses, literal or looked up."""

    def new_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        # aiohttp asks no resolver for a literal address; this is the very address that is connected to.
        family, kind, protocol, _, address = info
        check_address(str(address[0]), policy)
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        resolver=_GuardedResolver(policy, resolve), use_dns_cache=False, socket_factory=new_socket
    )


class _GuardedResolver(AbstractResolver):
    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await resolve_checked(host, self._policy, self._resolve)
        ]

    async def close(self) -> None:
        pass


def _place(url: str) -> tuple[str, int | None]:
    """A URL's host and port, to compare; none if it cannot be read."""
    try:
        target = URL(url, encoded=url.isascii())
    except ValueError:
        return "", None
    return (target.raw_host or "").lower(), target.port


def _as_net_error(error: Exception) -> NetError:
    return NetError(plain_reason(error) or "it does not speak HTTP")
