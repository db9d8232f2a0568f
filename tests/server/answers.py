"""What the tests of the HTTP API ask, and what they make of refusals."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse

from jupyter_webtorrent.protocol.printable import one_line

Fetch = Callable[..., Awaitable[HTTPResponse]]

API = "webtorrent/api"


async def refusal(answer: Awaitable[HTTPResponse]) -> tuple[int, str]:
    """The status and the one line of a request that must be refused."""
    with pytest.raises(HTTPClientError) as caught:
        await answer
    assert caught.value.response is not None
    body = json.loads(caught.value.response.body)
    assert list(body) == ["message"]
    assert body["message"] == one_line(body["message"])
    return caught.value.code, body["message"]
