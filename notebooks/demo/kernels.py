"""A kernel of a Jupyter server, driven over its WebSocket as JupyterLab does it: code in, outputs out.

Speaks the JSON form of Jupyter's messaging protocol 5; what a notebook is, is left to `papers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from notebooks.demo.errors import DemoError
from notebooks.demo.servers import JupyterServer

Output = dict[str, Any]
"""One output of a cell, as a notebook file holds it (nbformat 4)."""

_OUTPUT_FIELDS = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}
"""Of each message that is an output, what the notebook file keeps."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of one cell."""

    ok: bool
    count: int | None
    outputs: list[Output]


class Kernel:
    """A running kernel, one request at a time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, client_id: str) -> None:
        self._socket = socket
        self._client_id = client_id

    async def execute(self, code: str, *, seconds: float) -> Execution:
        """Run a cell's source; DemoError if it takes longer than `seconds` or the kernel goes away."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        outputs = _Outputs()
        try:
            async with asyncio.timeout(seconds):
                reply = await self._request("execute_request", content, outputs)
        except TimeoutError:
            raise DemoError(f"a cell took over {seconds:.0f} s", outputs.text()) from None
        return Execution(reply["status"] == "ok", reply.get("execution_count"), outputs.values)

    async def _request(
        self, kind: str, content: dict[str, Any], outputs: _Outputs
    ) -> dict[str, Any]:
        """The reply's content, once the kernel is idle again: by then every output has come."""
        identity = uuid.uuid4().hex
        header = {
            "msg_id": identity,
            "msg_type": kind,
            "session": self._client_id,
            "username": "demo",
            "version": "5.3",
        }
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "buffers": [],
            "channel": "shell",
        }
        await self._socket.send_str(json.dumps(message))
        reply: dict[str, Any] | None = None
        idle = False
        async for frame in self._socket:
            # Binary frames carry widgets' buffers: nothing that a cell's outputs are made of.
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            answer = json.loads(frame.data)
            if answer.get("parent_header", {}).get("msg_id") != identity:
                continue
            if answer["channel"] == "shell":
                reply = answer["content"]
            elif answer["msg_type"] == "status":
                idle = answer["content"]["execution_state"] == "idle"
            else:
                outputs.receive(answer)
            if reply is not None and idle:
                return reply
        raise DemoError("the kernel went away while a cell ran", outputs.text())


class _Outputs:
    """Collects a cell's outputs the way a notebook shows them."""

    def __init__(self) -> None:
        self.values: list[Output] = []
        self._by_display: dict[str, Output] = {}
        self._clear = False

    def receive(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            self._clear = True
            if not content.get("wait", False):
                self._clear_now()
        elif kind == "update_display_data":
            shown = self._by_display.get(content.get("transient", {}).get("display_id", ""))
            if shown is not None:
                shown.update(data=content["data"], metadata=content["metadata"])
        elif kind in _OUTPUT_FIELDS:
            self._clear_now()
            self._add(message)

    def text(self) -> str:
        return text_of(self.values)

    def _add(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        output: Output = {
            "output_type": kind,
            **{name: content[name] for name in _OUTPUT_FIELDS[kind]},
        }
        last = self.values[-1] if self.values else {}
        if kind == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
            return
        self.values.append(output)
        display_id = content.get("transient", {}).get("display_id")
        if display_id is not None:
            self._by_display[display_id] = output

    def _clear_now(self) -> None:
        if self._clear:
            self.values.clear()
            self._by_display.clear()
            self._clear = False


@contextlib.asynccontextmanager
async def running_kernel(server: JupyterServer, notebook: str) -> AsyncIterator[Kernel]:
    """A kernel for `notebook`, a path below the server's root; it works in the notebook's folder."""
    session_id, kernel_id = await server.start_session(notebook)
    client_id = uuid.uuid4().hex
    try:
        async with server.channels(kernel_id, client_id) as socket:
            yield Kernel(socket, client_id)
    finally:
        with contextlib.suppress(DemoError):  # a server that is gone has no kernel left either
            await server.end_session(session_id)


def text_of(outputs: list[Output]) -> str:
    """Outputs as plain text, for a terminal."""
    parts = []
    for output in outputs:
        match output["output_type"]:
            case "stream":
                parts.append(output["text"])
            case "error":
                parts.append(f"{output['ename']}: {output['evalue']}\n")
            case _:
                parts.append(output["data"].get("text/plain", "") + "\n")
    return "".join(parts)
