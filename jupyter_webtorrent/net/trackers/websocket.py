"""The WebSocket tracker client: one socket to one tracker URL, shared by all torrents of a session.

Owns the socket, its reconnecting and who hears what. The messages are `protocol.ws_tracker`; when
to announce, and with which offers, is the listener's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable
from typing import ParamSpec, Protocol

import aiohttp
from yarl import URL

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy, Resolve, checked_url, system_resolve
from jupyter_webtorrent.net.http import guarded_connector
from jupyter_webtorrent.net.reasons import plain_reason
from jupyter_webtorrent.net.trackers.backoff import FIRST_RETRY, SHORTEST, Backoff
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.message_budget import MessageBudget
from jupyter_webtorrent.protocol.ws_messages import (
    AnnounceResponse,
    Failure,
    RelayedAnswer,
    RelayedOffer,
    Reply,
    Request,
    ScrapeResponse,
    TrackerWarning,
)
from jupyter_webtorrent.protocol.ws_tracker import MAX_FRAME_BYTES, encode_request, parse_reply

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 20.0
HEARTBEAT = 30.0
"""Seconds of silence before a ping; half of that again without a pong closes the socket."""
CLOSE_TIMEOUT = 1.0
"""Seconds given to the last messages (`stopped`) and the closing handshake."""
MAX_UNSENT_BYTES = MAX_FRAME_BYTES
MAX_BAD_MESSAGES = 10
"""Unreadable messages in a row that end a connection."""
MAX_URL_CHARACTERS = 2000


Args = ParamSpec("Args")


class TrackerListener(Protocol):
    """One torrent's ear. Called from the event loop; must not block, may call the tracker back."""

    def connected(self) -> None:
        """The socket is open, for the first time or again: announce anew."""

    def announced(self, response: AnnounceResponse) -> None: ...

    def offered(self, offer: RelayedOffer) -> None: ...

    def answered(self, answer: RelayedAnswer) -> None: ...

    def failed(self, reason: str) -> None:
        """The connection or a request failed, in one plain line; connecting goes on by itself."""


class WebSocketTracker:
    """A tracker at a ws:// or wss:// URL.

    The socket opens with the first subscription and closes with the last, once what was sent before
    is out. To be used from one event loop; `aclose` leaves no task behind.
    """

    def __init__(
        self,
        url: str,
        policy: Policy,
        *,
        rng: random.Random | None = None,
        resolve: Resolve = system_resolve,
    ) -> None:
        """`policy`: where the URL may lead. Raises NetError if it leads elsewhere, or is not a WebSocket tracker's."""
        self.url = url
        self._target = _checked_url(url, policy)
        self.policy = policy
        """Where it may lead from the next connection on."""
        self._resolve = resolve
        self._backoff = Backoff(rng or random.Random())
        self._listeners: dict[InfoHash, TrackerListener] = {}
        self._unsent: deque[str] = deque()
        self._unsent_bytes = 0
        self._changed = asyncio.Event()
        self._connected = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The tracker for people and logs: no path, as that may hold a room's secret."""
        return str(self._target.origin())

    def subscribe(self, info_hash: InfoHash, listener: TrackerListener) -> None:
        """Deliver a torrent's messages to `listener`; nothing is called before this returns."""
        if self._closed:
            raise RuntimeError("the tracker is closed")
        self._listeners[info_hash] = listener
        if self._connected:
            asyncio.get_running_loop().call_soon(self._greet, info_hash, listener)
        # A wait for the next attempt ends early: whoever asks now wants to know now.
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"tracker {self.name}")

    def unsubscribe(self, info_hash: InfoHash) -> None:
        """Deliver nothing more of this torrent; unknown ones are ignored."""
        self._listeners.pop(info_hash, None)
        self._changed.set()

    def send(self, message: Request) -> bool:
        """Queue a message; False if it is not: no connection, over a limit, too much unsent."""
        if not self._connected:
            return False
        try:
            text = encode_request(message)
        except TrackerMessageError as error:
            logger.warning("not sent to tracker %s: %s", self.name, error)
            return False
        if self._unsent_bytes + len(text) > MAX_UNSENT_BYTES:
            logger.debug("not sent to tracker %s: it does not read", self.name)
            return False
        self._unsent.append(text)
        self._unsent_bytes += len(text)
        self._changed.set()
        return True

    async def aclose(self) -> None:
        """Give queued messages CLOSE_TIMEOUT to leave, then close; may be called more than once."""
        self._closed = True
        self._listeners.clear()
        self._changed.set()
        if (task := self._task) is None:
            return
        if self._connected:
            await asyncio.wait([task], timeout=CLOSE_TIMEOUT)
        task.cancel()
        await asyncio.wait([task])

    async def _run(self) -> None:
        try:
            # Seen from `subscribe`, this loop's last test and the task's end are one step.
            while self._listeners:
                async with self._http_session() as http:
                    await self._keep_connected(http)
        finally:
            self._task = None

    async def _keep_connected(self, http: aiohttp.ClientSession) -> None:
        while self._listeners:
            reason = await self._connect_and_talk(http)
            if reason is None:
                continue
            delay = self._backoff.next()
            logger.debug("tracker %s: %s; again in %.0f s", self.name, reason, delay)
            for listener in list(self._listeners.values()):
                self._tell(listener.failed, reason)
            await self._wait_to_retry(delay)

    async def _wait_to_retry(self, delay: float) -> None:
        """Wait `delay` seconds; a torrent added meanwhile cuts that to FIRST_RETRY."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        end = start + delay
        known = set(self._listeners)
        while self._listeners and (left := end - loop.time()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
            if not self._listeners.keys() <= known:
                end = min(end, start + FIRST_RETRY)

    async def _connect_and_talk(self, http: aiohttp.ClientSession) -> str | None:
        """One connection from start to end; returns why it ended, None if we ended it ourselves."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                socket = await http.ws_connect(
                    self._target,
                    heartbeat=HEARTBEAT,
                    # aiohttp's limit is the first size that is too large
                    max_msg_size=MAX_FRAME_BYTES + 1,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
                )
        except NetError as error:
            return str(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return why_not_connected(error)
        async with socket, asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read(socket))
            writer = tasks.create_task(self._write(socket))
            self._connected = True
            for info_hash, listener in list(self._listeners.items()):
                self._greet(info_hash, listener)
            try:
                await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._connected = False
                self._unsent.clear()
                self._unsent_bytes = 0
                reader.cancel()
                writer.cancel()
        if not reader.cancelled():
            return reader.result()
        return "the connection was lost" if writer.result() else None

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        """Deliver messages until the socket closes; returns why it did."""
        loop = asyncio.get_running_loop()
        opened = loop.time()
        budget = MessageBudget(opened)
        bad = 0
        while True:
            message = await socket.receive()
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return why_closed(message)
            now = loop.time()
            try:
                reply = parse_reply(message.data)
            except TrackerMessageError as error:
                logger.debug("tracker %s sent what cannot be read: %s", self.name, error)
                bad += 1
                if bad >= MAX_BAD_MESSAGES:
                    return f"its messages cannot be read: {error}"
            else:
                bad = 0
                # A tracker that answers and hangs up at once must not be tried every second.
                if now - opened >= SHORTEST:
                    self._backoff.reset()
                self._deliver(reply)
            if pause := budget.spend(len(message.data), now):
                await asyncio.sleep(pause)

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Send what is queued, until no torrent is left and all of it is out.

        True if the connection broke before that.
        """
        while True:
            self._changed.clear()
            while self._unsent:
                text = self._unsent.popleft()
                self._unsent_bytes -= len(text)
                try:
                    await socket.send_str(text)
                except (ConnectionError, aiohttp.ClientError):
                    return True
            if not self._listeners:
                # At once, so that a torrent added from now on waits for the next connection.
                self._connected = False
                return False
            await self._changed.wait()

    def _deliver(self, reply: Reply) -> None:
        if isinstance(reply, ScrapeResponse | TrackerWarning):
            logger.debug("tracker %s: %s", self.name, reply)
            return
        named = reply.info_hash
        for info_hash in list(self._listeners) if named is None else [named]:
            listener = self._listeners.get(info_hash)
            if listener is None:
                continue
            match reply:
                case AnnounceResponse():
                    self._tell(listener.announced, reply)
                case RelayedOffer():
                    self._tell(listener.offered, reply)
                case RelayedAnswer():
                    self._tell(listener.answered, reply)
                case Failure():
                    self._tell(listener.failed, f"the tracker refused: {reply.reason}")

    def _http_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=guarded_connector(self.policy, self._resolve),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_refuse_redirects,),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )

    def _greet(self, info_hash: InfoHash, listener: TrackerListener) -> None:
        if self._connected and self._listeners.get(info_hash) is listener:
            self._tell(listener.connected)

    def _tell(
        self, callback: Callable[Args, None], *args: Args.args, **kwargs: Args.kwargs
    ) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            # One torrent's bug must not cost the others their tracker.
            logger.exception("a listener of tracker %s failed", self.name)


def why_not_connected(error: Exception) -> str:
    """One plain line for what `ws_connect` raised."""
    match error:
        case aiohttp.WSServerHandshakeError():
            return f"it answered HTTP {error.status}, not a WebSocket"
        case TimeoutError():
            return f"no answer within {CONNECT_TIMEOUT:.0f} s"
    return plain_reason(error) or "it does not speak WebSocket"


def why_closed(message: aiohttp.WSMessage) -> str:
    """One plain line for the message that ended a connection."""
    if message.type is aiohttp.WSMsgType.CLOSE:
        return f"the tracker closed the connection ({message.data})"
    if message.type is aiohttp.WSMsgType.ERROR:
        match message.data:
            case aiohttp.WebSocketError():
                return f"it broke the WebSocket protocol ({message.data.code})"
            case TimeoutError():
                return "it stopped answering"
    return "the connection was lost"


def _checked_url(url: str, policy: Policy) -> URL:
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or " " in url:
        raise NetError("a tracker URL is printable, without spaces and under 2,000 characters")
    try:
        # Percent-encoding is left as it came: trackers compare the bytes.
        target = URL(url, encoded=url.isascii())
        valid = target.scheme in ("ws", "wss") and target.host and target.port
    except ValueError:
        valid = False
    if not valid:
        raise NetError("a WebSocket tracker's URL is ws://host:port/path or wss://host/path")
    if target.user is not None or target.password is not None:
        raise NetError("a tracker URL holds no user name or password")
    return checked_url(url, policy, ("ws", "wss"))


async def _refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # Browsers follow none for a WebSocket, and each would be an address nobody named.
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise aiohttp.WSServerHandshakeError(
            response.request_info, response.history, status=response.status
        )
    return response
