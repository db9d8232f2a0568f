"""A page of a real JupyterLab whose transfers are what a test says: states and numbers that take long to come about."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import Any

from playwright.async_api import Route, WebSocketRoute, expect

from tests.ui.lab import Lab
from tests.ui.servers import PROJECT

FIXTURES = PROJECT / "labextension" / "tests" / "fixtures"


def in_every_state() -> list[dict[str, Any]]:
    transfers: list[dict[str, Any]] = json.loads((FIXTURES / "torrents.json").read_text("utf-8"))
    return transfers


def thousand() -> list[dict[str, Any]]:
    transfers = in_every_state()
    model = next(each for each in transfers if each["state"] == "downloading")
    return [
        {**model, "info_hash": f"{number:040x}", "name": f"data-{number}.bin"}
        for number in range(1000)
    ]


class Stage:
    """Events and answers of its own in place of the server's."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.asked = 0
        self.changes: list[Any] = []
        self.refusal = ""
        self._details: dict[str, Any] = {}
        self._shown: set[str] = set()
        self._sockets: list[WebSocketRoute] = []
        self._connected = asyncio.Event()
        self._question = asyncio.Event()

    async def open(self) -> None:
        await self.lab.page.route_web_socket(re.compile("webtorrent/api/events"), self._connect)
        await self.lab.page.route(
            re.compile("webtorrent/api/torrents/[0-9a-f]{40}(\\?|$)"), self._answer
        )
        await self.lab.open_workspace("staged")
        await self._connected.wait()

    async def show(self, transfers: list[dict[str, Any]]) -> None:
        """These and no others, with none selected and nothing changed yet."""
        self._details = json.loads((FIXTURES / "details.json").read_text("utf-8"))
        self.changes, self.refusal = [], ""
        self._send([], sorted(self._shown))
        self.update(transfers)
        await expect(self.lab.panel.get_by_role("tablist")).not_to_be_attached()

    def update(self, transfers: list[dict[str, Any]]) -> None:
        self._shown = {transfer["info_hash"] for transfer in transfers}
        self._send(transfers, [])

    def _send(self, transfers: list[dict[str, Any]], removed: list[str]) -> None:
        event = {"transfers": transfers, "removed": removed, "down_rate": 0, "up_rate": 0}
        self._sockets[-1].send(json.dumps(event))

    async def asked_more(self) -> None:
        """Wait until details are asked for twice more."""
        for _ in range(2):
            self._question.clear()
            async with asyncio.timeout(10):
                await self._question.wait()

    async def asked_nothing_for(self, seconds: float) -> None:
        """Fail if details are asked for, but for a question that is on its way."""
        asked = self.asked
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.asked <= asked + 1:
                    self._question.clear()
                    await self._question.wait()
        assert self.asked <= asked + 1

    def _connect(self, socket: WebSocketRoute) -> None:
        self._sockets.append(socket)
        self._connected.set()

    async def _answer(self, route: Route) -> None:
        if route.request.method != "PATCH":
            self.asked += 1
            self._question.set()
        elif self.refusal:
            await route.fulfill(status=409, json={"message": self.refusal})
            return
        else:
            self._change(route.request.post_data_json)
        await route.fulfill(json=self._details)

    def _change(self, change: Any) -> None:
        self.changes.append(change)
        for index, priority in change.get("priorities", {}).items():
            for file in self._details["files"]:
                if file["index"] == int(index):
                    file["priority"] = priority
        self._details.update({key: change[key] for key in change if key.endswith("_limit")})
