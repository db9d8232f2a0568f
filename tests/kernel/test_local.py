"""No Jupyter server beside the kernel: the same calls run an engine inside it."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel import client, local
from jupyter_webtorrent.kernel.client import Client, connect
from jupyter_webtorrent.kernel.errors import (
    RequestRefusedError,
    ServerUnavailableError,
    TransferFailedError,
)
from jupyter_webtorrent.kernel.local import NOTICE, LocalAccess
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    ShareRequest,
    TransferChange,
    TransferState,
)
from jupyter_webtorrent.storage.journal import Journal
from tests.kernel.alone import SETTINGS, LoneKernel, Person
from tests.kernel.test_real_kernel import printed

DATA = os.urandom(3_000_000)
NOBODY = "magnet:?xt=urn:btih:" + "cd" * 20 + "&dn=nobody.csv&x.pe=127.0.0.1:9"


@pytest.fixture
def teacher(tmp_path: Path) -> Person:
    person = Person(tmp_path / "teacher")
    (person.work / "data.csv").write_bytes(DATA)
    return person


@pytest.fixture
def student(tmp_path: Path) -> Person:
    return Person(tmp_path / "student")


@pytest.fixture
def sharing(teacher: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAccess]:
    with teacher.access(monkeypatch) as access:
        yield access


@pytest.fixture
def fetching(
    student: Person, sharing: LocalAccess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalAccess]:
    with student.access(monkeypatch) as access:
        yield access


def test_what_one_kernel_shares_another_fetches(
    teacher: Person, student: Person, sharing: LocalAccess, fetching: LocalAccess
) -> None:
    shared = sharing.share(ShareRequest([str(teacher.work / "data.csv")]))
    folder = student.work / "new" / "folder"
    begun = fetching.fetch(FetchRequest(shared.magnet, str(folder)))
    (path,) = Transfer(fetching, begun).wait(20).paths
    assert path == folder / "data.csv"
    assert path.read_bytes() == DATA
    assert (
        fetching.read(shared.info_hash, "data.csv", 1_000_001, 1_500_000)
        == (DATA[1_000_001:2_500_001])
    )
    assert fetching.read(shared.info_hash, "data.csv", 2_999_990, 100) == DATA[-10:]
    assert fetching.session().transfers == 1

    assert fetching.pause(shared.info_hash).state is TransferState.PAUSED
    assert fetching.resume(shared.info_hash).state is TransferState.SEEDING
    fetching.remove(shared.info_hash, delete_data=True)
    assert not path.exists()
    with pytest.raises(TransferFailedError, match="is no longer there"):
        fetching.transfer(shared.info_hash)


def test_a_change_leaves_alone_what_it_does_not_name(teacher: Person, sharing: LocalAccess) -> None:
    shared = sharing.share(ShareRequest([str(teacher.work / "data.csv")]))
    sharing.change(shared.info_hash, TransferChange(up_limit=1000))
    details = sharing.change(shared.info_hash, TransferChange(down_limit=2000))
    assert (details.up_limit, details.down_limit) == (1000, 2000)
    details = sharing.change(shared.info_hash, TransferChange(up_limit=None))
    assert (details.up_limit, details.down_limit) == (None, 2000)
    assert sharing.change(shared.info_hash, TransferChange()) == details
    with pytest.raises(RequestRefusedError, match="cannot be chosen now"):
        sharing.change(shared.info_hash, TransferChange({0: FilePriority.HIGH}))


def test_mistakes_are_refused_in_one_line_as_by_a_server(
    sharing: LocalAccess, teacher: Person
) -> None:
    with pytest.raises(RequestRefusedError, match=r"^there is no transfer cdcd"):
        sharing.details("cd" * 20)
    with pytest.raises(RequestRefusedError, match=r"^a link is a magnet link"):
        sharing.fetch(FetchRequest("nonsense", str(teacher.work)))
    below_a_file = str(teacher.work / "data.csv" / "folder")
    with pytest.raises(
        RequestRefusedError, match=r"^There can be no folder .*: Not a directory\.$"
    ):
        sharing.fetch(FetchRequest(NOBODY, below_a_file))
    with pytest.raises(RequestRefusedError, match=r"no\.csv"):
        sharing.share(ShareRequest([str(teacher.work / "no.csv")]))


def test_settings_are_those_of_a_server_and_what_was_chosen_lies_over_them(
    teacher: Person, student: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    teacher.configure(SETTINGS + f"c.WebTorrentApp.listen_port = {port}\n")
    with teacher.access(monkeypatch) as access:
        assert access.session().listening is None
        access.share(ShareRequest([str(teacher.work / "data.csv")]))
        assert access.session().listening == f"127.0.0.1:{port}"
    teacher.configure(SETTINGS + "c.WebTorrentApp.listen_port = 1\n")
    teacher.choose(listen_port=port)
    with teacher.access(monkeypatch) as access:  # and goes on with what was shared
        assert access.session().listening == f"127.0.0.1:{port}"

    student.configure("c.WebTorrentApp.listen_port = 'eighty'\n")
    with (
        pytest.raises(WebTorrentError, match=r"^A setting of WebTorrentApp cannot be used"),
        student.access(monkeypatch),
    ):
        pass


def test_an_interrupt_ends_a_read_and_the_transfer_goes_on(
    fetching: LocalAccess, student: Person
) -> None:
    begun = fetching.fetch(FetchRequest(NOBODY, str(student.work)))
    main = threading.get_ident()
    waiting = threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGINT))
    waiting.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetching.read(begun.info_hash, "nobody.csv", 0, 10)
    assert time.monotonic() - began < 5
    waiting.join()
    assert fetching.transfer(begun.info_hash).state is TransferState.METADATA


def test_it_is_said_once_where_transfers_run(
    sharing: LocalAccess, teacher: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    sharing.transfers()
    assert capsys.readouterr() == ("", "")
    request = ShareRequest([str(teacher.work / "data.csv")])
    sharing.share(request)
    sharing.share(request)
    out, err = capsys.readouterr()
    assert out + err == NOTICE + "\n"


# Which it is, server or kernel


class Page(http.server.BaseHTTPRequestHandler):
    """A Jupyter server without the extension: a page that says there is nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def bare_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def parent_at(student: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process as a kernel; the one engine of its own is forgotten afterwards."""
    student.enter(monkeypatch)
    monkeypatch.setattr(client, "local_access", local.local_access)
    yield
    local.local_access.cache_clear()


def leave_file(person: Person, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (person.home / "runtime").mkdir(exist_ok=True)
    (person.home / "runtime" / "jpserver-7.json").write_text(json.dumps({"url": url, "token": "t"}))
    monkeypatch.setenv("JPY_PARENT_PID", "7")


@pytest.mark.usefixtures("parent_at")
def test_without_a_server_and_beside_one_without_the_extension_it_is_the_kernel(
    student: Person, bare_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = connect()
    assert alone.place == "this kernel"
    monkeypatch.setenv("JPY_PARENT_PID", "12345")  # a program that is no server started the kernel
    assert connect() is alone
    leave_file(student, bare_server, monkeypatch)
    assert connect() is alone
    assert hash(alone) == hash(connect())


@pytest.mark.usefixtures("parent_at")
def test_a_server_that_is_away_for_the_moment_is_no_reason_for_a_second_engine(
    student: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        leave_file(student, url, monkeypatch)
        with pytest.raises(ServerUnavailableError, match="Connection refused"):
            connect()
        monkeypatch.setenv("JUPYTER_WEBTORRENT_URL", url + "webtorrent/api/")
        server = connect()
        assert isinstance(server, Client)
        with pytest.raises(ServerUnavailableError, match="Connection refused"):
            server.transfers()


# Whole kernels and scripts


def ended_cleanly(person: Person) -> bool:
    """Whether the one transfer need not be checked again."""
    journal = Journal.open(person.state)
    (torrent,) = journal.take().values()
    journal.close(clean=True)
    return torrent.clean


def test_lone_kernels_share_and_fetch_and_a_restart_goes_on(
    teacher: Person, student: Person
) -> None:
    sharing, fetching = LoneKernel(teacher), LoneKernel(student)
    try:
        sharing.run("%load_ext jupyter_webtorrent")
        said = printed(sharing.run("%wt share data.csv"))
        assert said.startswith(NOTICE + "\nmagnet:?")
        magnet = said.split()[len(NOTICE.split())]
        sharing.restart()
        sharing.run("%load_ext jupyter_webtorrent")
        again = printed(sharing.run("%wt ls"))
        assert "data.csv" in again
        assert NOTICE not in again
        listening = printed(
            sharing.run(
                "from jupyter_webtorrent.kernel.client import connect\n"
                "print(connect().session().listening)"
            )
        ).strip()

        fetching.run("%load_ext jupyter_webtorrent")
        fetching.run(f"%wt fetch -b '{magnet}'")
        fetching.restart()
        messages = fetching.run(
            f"import jupyter_webtorrent as wt\nwt.fetch('{magnet}&x.pe={listening}').wait(30)"
        )
        (bundle,) = [
            each["content"]["data"] for each in messages if each["msg_type"] == "execute_result"
        ]
        assert bundle["text/plain"].startswith("<Transfer data.csv: sharing 3 MB")
        assert "application/vnd.jupyter.widget-view+json" in bundle
        assert (student.work / "data.csv").read_bytes() == DATA
    finally:
        sharing.close()
        fetching.close()
    assert ended_cleanly(teacher)
    assert ended_cleanly(student)


def test_a_script_says_so_beside_its_output_and_ends_cleanly(teacher: Person) -> None:
    script = "import jupyter_webtorrent as wt; print(wt.share('data.csv').magnet)"
    ended = teacher.run("-W", "error", "-c", script)
    assert ended.returncode == 0
    assert re.fullmatch(r"magnet:\?\S+\n", ended.stdout)
    assert ended.stderr == NOTICE + "\n"
    assert ended_cleanly(teacher)


def test_plain_ipython_has_the_magic_too(teacher: Person) -> None:
    cells = (
        "get_ipython().run_line_magic('load_ext', 'jupyter_webtorrent')\n%wt share data.csv\n%wt ls"
    )
    ended = teacher.run("-m", "IPython", "--colors=NoColor", "-c", cells)
    assert ended.returncode == 0, ended.stderr
    assert NOTICE in ended.stderr
    assert ended.stdout.startswith("magnet:?")
    assert "seeding" in ended.stdout


FORK = """
import os, sys
import jupyter_webtorrent as wt
from jupyter_webtorrent.kernel.client import connect
wt.share("data.csv")
child = os.fork()
if child == 0:
    shared = [status.name for status in connect().transfers()]
    wt.share("other.csv")
    print(shared, [status.name for status in connect().transfers()], flush=True)
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print([status.name for status in connect().transfers()])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_an_engine_of_its_own_and_leaves_the_parents_alone(
    teacher: Person,
) -> None:
    (teacher.work / "other.csv").write_bytes(DATA[:1000])
    ended = teacher.run("-c", FORK)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["[] ['other.csv']", "['data.csv']"]


def test_the_engine_is_imported_by_the_first_share_and_not_before(teacher: Person) -> None:
    heavy = ("aiortc", "aiohttp", "ipywidgets", "pandas", "fsspec", "jupyter_server")
    script = (
        "import sys, jupyter_webtorrent as wt\n"
        "from jupyter_webtorrent.kernel.client import connect\n"
        "wt.share, wt.Transfer, connect()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ended = teacher.run("-c", script)
    assert ended.stdout == "[]\n", ended.stderr
