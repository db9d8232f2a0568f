"""No URL of a stranger makes us connect to this machine or its network, however it is spelled or reached."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from jupyter_webtorrent.engine import links
from jupyter_webtorrent.engine.offload import InlineOffload
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy, tracker_policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.trackers.http import HttpTracker
from jupyter_webtorrent.net.trackers.websocket import WebSocketTracker
from jupyter_webtorrent.net.webseed import FileRange, HttpRanges
from jupyter_webtorrent.protocol.announce import TcpAnnounce
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.ws_messages import AnnounceResponse, RelayedAnswer, RelayedOffer
from tests.net.canary import (
    FORBIDDEN,
    PUBLIC,
    Canary,
    PublicServer,
    addresses_of_all_kinds,
    canary,
    public_server,
)

NAMES = {
    "private.example": ["192.168.9.8"],
    "loopback.example": ["127.0.0.1"],
    "several.example": [PUBLIC, "127.0.0.1"],
    "sixth.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "zone.example": ["fe80::1%lo"],
    "nothing.example": [],
}
"""What a stranger's name server answers."""

SPELLINGS = (
    # as one writes it
    *("127.0.0.1", "127.0.0.2", "127.255.255.254", "localhost", "LOCALHOST", "localhost."),
    *(address for address in FORBIDDEN if ":" not in address),
    *(f"[{address}]" for address in FORBIDDEN if ":" in address),
    # IPv4 as resolvers read it
    *("2130706433", "017700000001", "0x7f000001", "0x7F.0x0.0x0.0x1", "0177.0.0.1", "127.1"),
    *("127.0.1", "0x7f.1", "127.0.0.01", "0", "0.0.0.0", "0.0.0.1", "00.0.0.0", "127.0.0.1."),
    *("3232237832", "0xa9fea9fe", "169.16689662", "255.255.255.255", "224.0.0.1", "240.0.0.1"),
    # IPv6
    *(
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
    ),
    *("[::ffff:0:127.0.0.1]", "[0000::0001]", "[fe80::1%25lo]", "[fe80::1%lo]", "[::1%251]"),
    *("[ff02::1]", "[::ffff:169.254.169.254]", "[::ffff:192.168.9.8]", "[64:ff9b::127.0.0.1]"),
    # characters that become others
    *("１２７.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "ｌｏｃａｌｈｏｓｔ", "%31%32%37.0.0.1"),  # noqa: RUF001
    *("127%2e0%2e0%2e1", "loc%61lhost", "%6c%6f%63%61%6c%68%6f%73%74", "127.0.0.1%00.example"),
    # tricks with what surrounds a host
    *(f"{PUBLIC}@127.0.0.1", f"user:{PUBLIC}@127.0.0.1", f"127.0.0.1\\@{PUBLIC}", "@127.0.0.1"),
    *(f"{PUBLIC}#@127.0.0.1", "127.0.0.1%2f", "127.0.0.1%23", "\t127.0.0.1", "127.0.0.1 "),
    # names that lead there
    *NAMES,
)

INFO_HASH = InfoHash(bytes(20))

Way = Callable[[GuardedClient, str], Awaitable[object]]


async def by_web_seed(http: GuardedClient, url: str) -> None:
    await HttpRanges(http).read(FileRange(url, 0, 100, 100), Policy.PUBLIC, lambda data: None)


async def by_exact_source(http: GuardedClient, url: str) -> None:
    await links.download(http, url, Policy.PUBLIC)


async def by_pasted_url(http: GuardedClient, url: str) -> None:
    await links.resolve(url, InlineOffload(), http)


async def by_http_tracker(http: GuardedClient, url: str) -> None:
    await HttpTracker(url, http, tracker_policy(url)).announce(
        TcpAnnounce(info_hash=INFO_HASH, peer_id=PeerId(bytes(20)), port=1, left=1)
    )


class FirstFailure:
    """Implements `TrackerListener`."""

    def __init__(self) -> None:
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def connected(self) -> None:
        self.reason.set_result("")

    def failed(self, reason: str) -> None:
        if not self.reason.done():
            self.reason.set_result(reason)

    def announced(self, response: AnnounceResponse) -> None: ...

    def offered(self, offer: RelayedOffer) -> None: ...

    def answered(self, answer: RelayedAnswer) -> None: ...


async def by_websocket_tracker(http: GuardedClient, url: str) -> None:
    url = url.replace("http", "ws", 1)
    tracker = WebSocketTracker(url, tracker_policy(url), resolve=http.resolve)
    listener = FirstFailure()
    tracker.subscribe(INFO_HASH, listener)
    try:
        reason = await listener.reason
    finally:
        await tracker.aclose()
    if reason:
        raise WebTorrentError(reason)


WAYS: dict[str, Way] = {
    "web seed": by_web_seed,
    "exact source": by_exact_source,
    "pasted URL": by_pasted_url,
    "HTTP tracker": by_http_tracker,
    "WebSocket tracker": by_websocket_tracker,
}


@dataclass
class Matrix:
    """How many attempts there were, and how each of them that was not refused ended."""

    tried: int = 0
    passed: list[str] = field(default_factory=list)


async def resolve(host: str) -> list[str]:
    name = host.lower().removesuffix(".")
    if name in NAMES:
        return NAMES[name]
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def run_matrix(
    server: PublicServer, bird: Canary, ways: Sequence[str], hops: Sequence[int]
) -> Matrix:
    """Try each spelling by each way, after each number of redirects."""
    matrix = Matrix()
    http = GuardedClient(resolve=resolve)
    try:
        for way in ways:
            for count in hops:
                if way == "pasted URL" and not count:
                    continue  # one that shows that it is local is what its person meant
                for host in SPELLINGS:
                    matrix.tried += 1
                    try:
                        url = server.url(f"http://{host}:{bird.port}/private", count)
                        await WAYS[way](http, url)
                    except WebTorrentError:
                        continue
                    matrix.passed.append(f"{way}, {count} hops: {host}")
    finally:
        await http.aclose()
    await asyncio.sleep(0)
    return matrix


@pytest.fixture(scope="module")
def addresses() -> Iterator[None]:
    with addresses_of_all_kinds():
        yield


@pytest.fixture
async def bird(addresses: None) -> AsyncIterator[Canary]:
    async with canary() as listening:
        yield listening


@pytest.fixture
async def server(bird: Canary) -> AsyncIterator[PublicServer]:
    async with public_server() as listening:
        yield listening


async def test_the_canary_is_within_reach(bird: Canary) -> None:
    """Without the guard, packets arrive: a matrix that counts none shows something."""
    loop = asyncio.get_running_loop()
    reached = 0
    for host in SPELLINGS:
        name = NAMES.get(host, [host.strip("[]")])
        try:
            numeric = 0 if host.lower() == "localhost" else socket.AI_NUMERICHOST
            found = await loop.getaddrinfo(
                name[-1], bird.port, type=socket.SOCK_STREAM, flags=numeric
            )
        except (OSError, UnicodeError, IndexError):
            continue
        address = ip_address(str(found[0][4][0]))
        inside = getattr(address, "ipv4_mapped", None) or address
        if inside.is_loopback or str(address) in (*FORBIDDEN, "0.0.0.0", "::"):
            _, writer = await asyncio.open_connection(str(address), bird.port)
            writer.close()
            await writer.wait_closed()
            reached += 1
    assert reached >= 40
    assert len(bird.reached) == reached


async def test_no_spelling_reaches_the_canary(bird: Canary, server: PublicServer) -> None:
    matrix = await run_matrix(server, bird, ["web seed", "HTTP tracker"], [0, 1])
    assert (matrix.passed, bird.reached) == ([], [])
    assert matrix.tried >= 2 * 2 * 60
    sockets = await run_matrix(server, bird, ["WebSocket tracker"], [0, 1])
    assert (sockets.passed, bird.reached) == ([], [])


@pytest.mark.prove
async def test_the_whole_matrix(bird: Canary, server: PublicServer) -> None:
    matrix = await run_matrix(server, bird, list(WAYS), [0, 1, 2, 3])
    print(
        f"SSRF: {len(SPELLINGS)} spellings, {len(WAYS)} ways in, 0 to 3 redirects:"
        f" {matrix.tried} attempts, {len(matrix.passed)} let through,"
        f" {len(bird.reached)} connections at the canary"
    )
    assert (matrix.passed, bird.reached) == ([], [])
    assert len(SPELLINGS) >= 60


@pytest.mark.parametrize("way", WAYS)
async def test_a_name_that_changes_its_mind_is_checked_each_time(
    bird: Canary, server: PublicServer, way: str
) -> None:
    answers = [[PUBLIC], ["127.0.0.1"], [PUBLIC], ["192.168.9.8"], ["::1"]]
    asked = 0

    async def rebinding(host: str) -> list[str]:
        nonlocal asked
        asked += 1
        return answers[(asked - 1) % len(answers)]

    http = GuardedClient(resolve=rebinding)
    for turn in range(20):
        url = f"http://turn{turn}.example:{server.port}/data"
        before = asked, server.requests
        try:
            await WAYS[way](http, url)
        except NetError as error:
            assert "may not lead to" in str(error) or "bytes" in str(error)  # noqa: PT017
        except WebTorrentError:
            pass
        # Looked up once, and connected to what that look-up gave: the second answer is never used unseen.
        assert asked == before[0] + 1
        assert server.requests - before[1] == (answers[(asked - 1) % len(answers)] == [PUBLIC])
    await http.aclose()
    assert bird.reached == []


@pytest.mark.parametrize("path", ["/", "/x?y=z", "/announce?y=z", "/api/announce"])
@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.9.8"])
async def test_a_websocket_tracker_nearby_is_asked_for_nothing_but_to_announce(
    bird: Canary, host: str, path: str
) -> None:
    http = GuardedClient()
    with pytest.raises(WebTorrentError, match="may not lead to"):
        await by_websocket_tracker(http, f"http://{host}:{bird.port}{path}")
    assert bird.reached == []
    with pytest.raises(WebTorrentError, match="closed"):
        await by_websocket_tracker(http, f"http://{host}:{bird.port}/announce")
    assert set(bird.reached) == {f"::ffff:{host}"}


async def test_a_fourth_redirect_is_not_followed(bird: Canary, server: PublicServer) -> None:
    server.data = bytes(100)
    http = GuardedClient()
    data = f"http://{PUBLIC}:{server.port}/data"
    await by_web_seed(http, server.url(data, 3))
    with pytest.raises(NetError, match="redirects more than 3 times"):
        await by_web_seed(http, server.url(data, 4))
    await http.aclose()


async def test_what_a_person_named_is_reached_wherever_it_is(server: PublicServer) -> None:
    runner_url = f"http://localhost:{server.port}/"
    http = GuardedClient(trusted_hosts=["LocalHost"], resolve=resolve)
    with pytest.raises(NetError, match="refused"):  # nobody listens there: it was tried
        await by_web_seed(http, runner_url)
    with pytest.raises(NetError, match="may not lead to"):
        await by_web_seed(http, f"http://127.0.0.1:{server.port}/")
    part = FileRange(f"http://127.0.0.1:{server.port}/", 0, 1, 1)
    with pytest.raises(NetError, match="refused"):
        await HttpRanges(http).read(part, Policy.NAMED, lambda data: None)
    await http.aclose()


async def test_a_named_host_may_not_send_us_to_another_one_nearby(
    bird: Canary, server: PublicServer
) -> None:
    http = GuardedClient(resolve=resolve)
    url = server.url(f"http://127.0.0.1:{bird.port}/", 1)
    with pytest.raises(NetError, match="may not lead to"):
        await HttpRanges(http).read(FileRange(url, 0, 1, 1), Policy.NAMED, lambda data: None)
    await http.aclose()
    assert bird.reached == []
