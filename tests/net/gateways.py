"""Gateways on loopback that speak NAT-PMP or UPnP, and do what a test wants of them."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import cast

from aiohttp import web

PUBLIC = "11.22.33.44"
"""An address of the internet; nobody here sends anything to it."""


class NatPmpGateway(asyncio.DatagramProtocol):
    """Maps what it is asked for."""

    def __init__(self) -> None:
        self.address = PUBLIC
        self.result = 0
        self.lifetime = 3600
        self.silent = 0
        """Requests that it lets pass unanswered."""
        self.mapped: dict[int, int] = {}
        """Its own ports, and where they lead."""
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[NatPmpGateway]:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            transport.close()
            await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: tuple[str | object, ...]) -> None:
        self.requests.append(data)
        self.asked.set()
        if self.silent:
            self.silent -= 1
            return
        head = struct.pack(">BBHI", 0, data[1] + 128, self.result, 1)
        if data[1] == 0:
            body = IPv4Address(self.address).packed
        else:
            port, wish, lifetime = struct.unpack(">HHI", data[4:])
            if lifetime:
                self.mapped[wish or port] = port
            else:
                self.mapped = {out: to for out, to in self.mapped.items() if to != port}
            body = struct.pack(">HHI", port, wish or port, min(lifetime, self.lifetime))
        assert self._transport is not None
        self._transport.sendto(head + (b"" if self.result else body), addr)


class UpnpGateway(asyncio.DatagramProtocol):
    """An Internet Gateway Device of version 2 with one WANIPConnection."""

    def __init__(self) -> None:
        self.address = PUBLIC
        self.taken: set[int] = set()
        """Its ports that lead to other machines."""
        self.permanent_only = False
        self.location: str | None = None
        """Where it says that it describes itself; None: where it does."""
        self.control = "/control"
        self.mapped: dict[int, tuple[str, int, int]] = {}
        """Its own ports, and where they lead: host, port and seconds."""
        self.ssdp_port = 0
        self.requests: list[str] = []
        self._url = ""
        self._transport: asyncio.DatagramTransport | None = None

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[UpnpGateway]:
        app = web.Application()
        app.router.add_get("/device.xml", self._device)
        app.router.add_get("/service.xml", self._service)
        app.router.add_post("/control", self._control)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._url = f"http://127.0.0.1:{runner.addresses[0][1]}/device.xml"
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._transport = transport
        self.ssdp_port = transport.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            transport.close()
            await runner.cleanup()

    def datagram_received(self, data: bytes, addr: tuple[str | object, ...]) -> None:
        target = re.search(rb"\r\nST: ?(.*)\r\n", data)
        assert data.startswith(b"M-SEARCH * HTTP/1.1\r\n")
        assert target is not None
        answer = (
            "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nEXT:\r\n"
            f"LOCATION: {self.location or self._url}\r\nST: {target[1].decode()}\r\n"
            f"USN: uuid:gateway::{target[1].decode()}\r\n\r\n"
        )
        assert self._transport is not None
        self._transport.sendto(answer.encode(), addr)

    async def _device(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        return _xml(DEVICE.replace("CONTROL", self.control))

    async def _service(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        return _xml(SERVICE)

    async def _control(self, request: web.Request) -> web.Response:
        action = request.headers["SOAPAction"].strip('"').partition("#")[2]
        self.requests.append(action)
        fields = dict(re.findall(r"<(New\w+)>([^<]*)</", await request.text()))
        acts = cast(
            dict[str, Callable[[dict[str, str]], dict[str, str] | int]],
            {
                "AddPortMapping": self._add,
                "DeletePortMapping": self._delete,
                "GetExternalIPAddress": lambda _: {"NewExternalIPAddress": self.address},
            },
        )
        answer = acts[action](fields)
        if isinstance(answer, int):
            return _xml(FAULT.replace("CODE", str(answer)), status=500)
        body = "".join(f"<{name}>{value}</{name}>" for name, value in answer.items())
        return _xml(ANSWER.replace("ACTION", action).replace("BODY", body))

    def _add(self, fields: dict[str, str]) -> dict[str, str] | int:
        port, seconds = int(fields["NewExternalPort"]), int(fields["NewLeaseDuration"])
        assert fields.get("NewRemoteHost", "") == ""
        assert fields["NewProtocol"] == "TCP"
        if port in self.taken:
            return 718
        if self.permanent_only and seconds:
            return 725
        self.mapped[port] = (fields["NewInternalClient"], int(fields["NewInternalPort"]), seconds)
        return {}

    def _delete(self, fields: dict[str, str]) -> dict[str, str] | int:
        return {} if self.mapped.pop(int(fields["NewExternalPort"]), None) else 714


def _xml(text: str, status: int = 200) -> web.Response:
    return web.Response(text='<?xml version="1.0"?>' + text, content_type="text/xml", status=status)


TYPE = "urn:schemas-upnp-org:service:WANIPConnection:2"
DEVICE = f"""<root xmlns="urn:schemas-upnp-org:device-1-0">
<specVersion><major>1</major><minor>0</minor></specVersion>
<device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:2</deviceType>
<friendlyName>gateway</friendlyName><manufacturer>nobody</manufacturer>
<modelName>none</modelName><UDN>uuid:gateway</UDN>
<serviceList><service>
<serviceType>{TYPE}</serviceType><serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>
<SCPDURL>/service.xml</SCPDURL><controlURL>CONTROL</controlURL><eventSubURL>/event</eventSubURL>
</service></serviceList>
</device></root>"""

ANSWER = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>
<u:ACTIONResponse xmlns:u="{TYPE}">BODY</u:ACTIONResponse></s:Body></s:Envelope>"""

FAULT = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
<faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring>
<detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>CODE</errorCode>
<errorDescription>refused</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>"""

_IN = {
    "NewRemoteHost": "string",
    "NewExternalPort": "ui2",
    "NewProtocol": "string",
    "NewInternalPort": "ui2",
    "NewInternalClient": "string",
    "NewEnabled": "boolean",
    "NewPortMappingDescription": "string",
    "NewLeaseDuration": "ui4",
}


def _action(name: str, direction: str, arguments: list[str]) -> str:
    listed = "".join(
        f"<argument><name>{each}</name><direction>{direction}</direction>"
        f"<relatedStateVariable>{each[3:]}</relatedStateVariable></argument>"
        for each in arguments
    )
    return f"<action><name>{name}</name><argumentList>{listed}</argumentList></action>"


SERVICE = (
    '<scpd xmlns="urn:schemas-upnp-org:service-1-0"><actionList>'
    + _action("AddPortMapping", "in", list(_IN))
    + _action("DeletePortMapping", "in", list(_IN)[:3])
    + _action("GetExternalIPAddress", "out", ["NewExternalIPAddress"])
    + "</actionList><serviceStateTable>"
    + "".join(
        f'<stateVariable sendEvents="no"><name>{name[3:]}</name><dataType>{kind}</dataType>'
        "</stateVariable>"
        for name, kind in {**_IN, "NewExternalIPAddress": "string"}.items()
    )
    + "</serviceStateTable></scpd>"
)
