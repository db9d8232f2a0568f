"""A port mapped by UPnP (Internet Gateway Device): asks the gateway over HTTP, and believes nobody else.

Needs async-upnp-client, of the extra `upnp`: import this module only when it is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from urllib.parse import urlsplit

import aiohttp
from async_upnp_client.client import UpnpRequester, UpnpService
from async_upnp_client.client_factory import UpnpFactory
from async_upnp_client.const import HttpRequest, HttpResponse
from async_upnp_client.exceptions import UpnpActionError, UpnpError
from async_upnp_client.search import SsdpSearchListener
from async_upnp_client.utils import CaseInsensitiveDict

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.gateway import Gateway, Mapped, own_address_to
from jupyter_webtorrent.protocol.printable import one_line

DEVICE = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
"""Newer versions answer to this one too (UPnP Device Architecture 1.1, section 1.3.2)."""
SERVICES = (
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
)

SEARCHES = 3
SEARCH_SECONDS = 1.0
"""Between two searches."""
TOTAL_SECONDS = 10.0
"""For one mapping, the search included."""
MAX_BODY_BYTES = 1 << 20
MAX_REQUESTS = 40
"""In one mapping: a description names one more document for each service."""

PORT_TAKEN = 718
PERMANENT_ONLY = 725
OTHER_PORTS = 3
"""Ports by chance that are tried when another machine has ours."""


class Upnp:
    """A MappingMethod."""

    name = "UPnP"

    def __init__(self, gateway: Gateway, random: Random) -> None:
        self._gateway = gateway
        self._random = random
        self._service: UpnpService | None = None
        self._external_port: int | None = None
        """What may be mapped now, whether or not it was answered."""

    async def map(self, port: int, lifetime: int) -> Mapped:
        async with self._asking():
            if self._service is None:
                self._service = await self._find()
            await self._add(self._service, port, lifetime)
            answer = await self._service.action("GetExternalIPAddress").async_call()
        assert self._external_port is not None
        return Mapped(str(answer["NewExternalIPAddress"]), self._external_port, lifetime)

    async def unmap(self) -> None:
        if self._service is not None and self._external_port is not None:
            service, port, self._external_port = self._service, self._external_port, None
            async with self._asking():
                await service.action("DeletePortMapping").async_call(
                    NewRemoteHost="", NewExternalPort=port, NewProtocol="TCP"
                )

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Everything that goes wrong is a NetError, after which the gateway is searched for anew."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                yield
        except NetError:
            self._service = None
            raise
        except TimeoutError:
            self._service = None
            raise NetError("the gateway does not answer") from None
        except UpnpActionError as error:
            self._service = None
            raise NetError(f"the gateway refused: {one_line(str(error))}") from error
        # What the gateway sent went through the library's parsers, which raise what they will.
        except Exception as error:
            self._service = None
            raise NetError(
                f"the gateway's answer cannot be used: {one_line(str(error))}"
            ) from error

    async def _add(self, service: UpnpService, port: int, lifetime: int) -> None:
        wishes = [self._external_port or port]
        wishes += [self._random.randrange(49152, 65536) for _ in range(OTHER_PORTS)]
        for external_port in wishes:
            self._external_port = external_port
            try:
                await self._add_port(service, port, lifetime)
            except UpnpActionError as error:
                if error.error_code == PERMANENT_ONLY:
                    await self._add_port(service, port, 0)
                elif error.error_code == PORT_TAKEN:
                    self._external_port = None  # another machine's: not ours to take back
                    continue
                else:
                    raise
            return
        raise NetError("the gateway has given the port to another machine")

    async def _add_port(self, service: UpnpService, port: int, lifetime: int) -> None:
        await service.action("AddPortMapping").async_call(
            NewRemoteHost="",
            NewExternalPort=self._external_port,
            NewProtocol="TCP",
            NewInternalPort=port,
            NewInternalClient=own_address_to(self._gateway),
            NewEnabled=True,
            NewPortMappingDescription="jupyter-webtorrent",
            NewLeaseDuration=lifetime,
        )

    async def _find(self) -> UpnpService:
        factory = UpnpFactory(_GatewayRequester(self._gateway.host), non_strict=True)
        device = await factory.async_create_device(await self._location())
        for name in SERVICES:
            service = device.find_service(name)
            if service is not None:
                return service
        raise NetError("the gateway maps no ports")

    async def _location(self) -> str:
        """Where the gateway describes itself."""
        found = asyncio.get_running_loop().create_future()

        def heard(headers: CaseInsensitiveDict) -> None:
            location = headers.get_lower("location")
            sender = headers.get_lower("_host")
            if not found.done() and location and sender == self._gateway.host:
                found.set_result(str(location))

        listener = SsdpSearchListener(
            callback=heard,
            source=(own_address_to(self._gateway), 0),
            target=self._gateway.ssdp,
            timeout=1,
            search_target=DEVICE,
        )
        await listener.async_start()
        try:
            for _ in range(SEARCHES):
                listener.async_search()
                await asyncio.wait([found], timeout=SEARCH_SECONDS)
                if found.done():
                    return str(found.result())
        finally:
            listener.async_stop()
            await asyncio.sleep(0)  # the socket closes in the loop's next turn
        raise NetError("the gateway does not answer")


class _GatewayRequester(UpnpRequester):
    """HTTP with the gateway alone, whatever URLs it names; its answers are bounded."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._requests = 0

    async def async_http_request(self, http_request: HttpRequest) -> HttpResponse:
        """Raises UpnpError."""
        if urlsplit(http_request.url).hostname != self._host:
            raise UpnpError("it names another machine")
        self._requests += 1
        if self._requests > MAX_REQUESTS:
            raise UpnpError(f"it describes itself in over {MAX_REQUESTS} documents")
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
            client.request(
                http_request.method,
                http_request.url,
                headers={**http_request.headers, "Accept-Encoding": "identity"},
                data=http_request.body,
                allow_redirects=False,
            ) as response,
        ):
            body = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise UpnpError(f"an answer over {MAX_BODY_BYTES:,} bytes")
            return HttpResponse(response.status, response.headers, body.decode(errors="replace"))
