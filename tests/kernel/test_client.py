from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from IPython.core.ultratb import VerboseTB

from jupyter_webtorrent.kernel.client import Client, connect
from jupyter_webtorrent.kernel.discovery import ServerAddress
from jupyter_webtorrent.kernel.errors import (
    NoAnswerError,
    RequestRefusedError,
    ServerUnavailableError,
    TransferFailedError,
)
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest, TransferState
from tests.kernel.scripted import HASH, status

TOKEN = "s3cret-t0ken"


class Server(ThreadingHTTPServer):
    """Answers every request alike, and remembers the last one."""

    daemon_threads = True
    answer: tuple[int, bytes] = (200, b"[]")
    request: tuple[str, str, str | None, bytes] = ("", "", None, b"")
    streams_lack: int = 0
    """Bytes at the end of a file's stream that never come."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.request = (
            self.command,
            self.path,
            self.headers["Authorization"],
            self.rfile.read(length),
        )
        code, body = self.server.answer
        self.send_response(code)
        lacking = self.server.streams_lack if "/stream/" in self.path else 0
        self.send_header("Content-Length", str(len(body) + lacking))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(port: int = 0) -> Iterator[Server]:
    with Server(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Client:
    return Client(address(server.server_port))


def address(port: int) -> ServerAddress:
    return ServerAddress(f"http://127.0.0.1:{port}/lab/webtorrent/api/", TOKEN)


def test_a_request_carries_its_model_and_the_token(server: Server, client: Client) -> None:
    server.answer = (202, msgspec.json.encode(status()))
    assert client.fetch(FetchRequest("magnet:?", "/home/me")).name == "penguins.csv"
    method, path, authorization, body = server.request
    assert (method, path) == ("POST", "/lab/webtorrent/api/fetch")
    assert authorization == f"token {TOKEN}"
    assert msgspec.json.decode(body, type=FetchRequest).folder == "/home/me"


def test_a_path_that_is_no_text_is_told_in_a_line(client: Client) -> None:
    with pytest.raises(RequestRefusedError, match=r"^'a\\udcff\.csv' is not valid Unicode"):
        client.share(ShareRequest(["a\udcff.csv"]))


def test_one_transfer_is_asked_for_by_its_info_hash(server: Server, client: Client) -> None:
    server.answer = (200, msgspec.json.encode([status()]))
    assert client.transfer(HASH).info_hash == HASH
    assert server.request[1] == f"/lab/webtorrent/api/torrents?info_hash={HASH}"
    server.answer = (200, b"[]")
    with pytest.raises(TransferFailedError, match="no longer there"):
        client.transfer(HASH)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (TransferState.PAUSED, r"^penguins\.csv was paused before all that was to be read of it"),
        (
            TransferState.DOWNLOADING,
            r"^penguins\.csv could not be read to the end, for this Jupyter server broke off",
        ),
    ],
)
def test_a_read_that_breaks_off_tells_how_the_transfer_is(
    server: Server, client: Client, state: TransferState, message: str
) -> None:
    server.answer = (200, msgspec.json.encode([status(state)]))
    server.streams_lack = 5
    with pytest.raises(WebTorrentError, match=message):
        client.read(HASH, "penguins.csv", 0, 1000)


def test_a_removal_says_whether_the_data_goes_too_and_when_it_is_not_meant(
    server: Server, client: Client
) -> None:
    server.answer = (204, b"")
    client.remove(HASH)
    assert server.request[:2] == ("DELETE", f"/lab/webtorrent/api/torrents/{HASH}")
    client.remove(HASH, delete_data=True)
    assert server.request[1] == f"/lab/webtorrent/api/torrents/{HASH}?data=true"
    client.remove(HASH, delete_data=True, only_on_demand=True)
    assert server.request[1] == f"/lab/webtorrent/api/torrents/{HASH}?data=true&on_demand=true"


@pytest.mark.parametrize("code", [400, 404, 409, 413])
def test_a_refusal_is_the_servers_own_line(server: Server, client: Client, code: int) -> None:
    server.answer = (code, b'{"message": "there is no file data.csv"}')
    with pytest.raises(RequestRefusedError, match=r"^there is no file data\.csv$"):
        client.transfers()


@pytest.mark.parametrize(
    ("code", "body", "line"),
    [
        (404, b"<html>404</html>", "runs without jupyter_webtorrent"),
        (403, b'{"message": "Forbidden"}', "does not know this kernel's token"),
        (503, b'{"message": "going down"}', "refuses: going down"),
        (302, b"", "Found"),
        (502, b"\xff", "refuses: Bad Gateway"),
        (200, b"<html>", "not this version"),
        (200, b'[{"info_hash": 7}]', "not this version"),
        (200, b"\xff\xfe", "not this version"),
    ],
)
def test_what_is_not_our_server_is_told_in_a_line(
    server: Server, client: Client, code: int, body: bytes, line: str
) -> None:
    server.answer = (code, body)
    with pytest.raises(WebTorrentError, match=line) as caught:
        client.transfers()
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        ServerUnavailableError, match=r"No Jupyter server .* \(Connection refused\)"
    ):
        Client(address(port)).transfers()


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = Client(address(listener.getsockname()[1]), timeout=0.05)
        with pytest.raises(ServerUnavailableError, match="takes too long to answer"):
            silent.transfers()


def test_a_server_that_talks_nonsense_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1024)
                peer.sendall(b"220 ftp ready\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        with pytest.raises(ServerUnavailableError, match="BadStatusLine"):
            Client(address(listener.getsockname()[1])).transfers()
        thread.join()


@pytest.mark.parametrize("url", ["http+unix://x/", "file:///x/", "x/"])
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(ServerUnavailableError, match="by http or https"):
        Client(ServerAddress(url)).transfers()


def test_a_certificate_that_is_gone_is_told_in_a_line() -> None:
    client = Client(ServerAddress("https://localhost:1/", certificate="/gone.pem"))
    with pytest.raises(ServerUnavailableError, match=r"/gone\.pem cannot be read"):
        client.transfers()


def test_the_token_shows_in_no_traceback_even_with_all_variables(
    server: Server, client: Client
) -> None:
    server.answer = (403, b'{"message": "Forbidden"}')
    for faulty in (client, Client(address(1))):
        try:
            faulty.transfers()
        except WebTorrentError as error:
            shown = VerboseTB(theme_name="nocolor").text(
                type(error), error, error.__traceback__
            ) + "".join(traceback.format_exception(error))
            assert "transfers" in shown
            assert TOKEN not in shown


def test_one_server_has_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_WEBTORRENT_URL", "http://localhost:1/webtorrent/api/")
    first = connect()
    assert connect() is first
    monkeypatch.setenv("JUPYTER_WEBTORRENT_URL", "http://localhost:2/webtorrent/api/")
    assert connect() is not first


def test_a_wait_outlasts_a_server_that_goes_away_and_comes_back_at_its_address() -> None:
    with serving() as server:
        server.answer = (200, msgspec.json.encode([status(done=100)]))
        port = server.server_port
        transfer = Transfer(Client(address(port)), status())
        pauses = transfer.pauses(None)
        next(pauses)
        assert transfer.trouble == ""
    next(pauses)
    assert transfer.trouble == "this Jupyter server does not answer, trying again"
    with serving(port) as server:
        server.answer = (503, b'{"message": "starting"}')  # as a hub's proxy would
        next(pauses)
        assert transfer.trouble
        server.answer = (200, b"[]")  # what it had is not restored yet
        next(pauses)
        server.answer = (200, msgspec.json.encode([status(TransferState.SEEDING)]))
        assert list(pauses) == []
        assert transfer.trouble == ""


@pytest.mark.parametrize(
    ("code", "may_pass"), [(403, False), (500, False), (502, True), (503, True)]
)
def test_only_what_may_pass_is_worth_another_try(
    server: Server, client: Client, code: int, may_pass: bool
) -> None:
    server.answer = (code, b"{}")
    with pytest.raises(ServerUnavailableError) as caught:
        client.transfers()
    assert isinstance(caught.value, NoAnswerError) is may_pass
