"""The other side of a server under load: a process that seeds one file, and fetches the server's over and over.

Its one argument is a folder. The first line of its output is the link to its file; the first line of its input is
the link to fetch. It ends when its input does.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.host import EngineHost
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest

CONFIG = EngineConfig(
    trackers=(),
    stun_servers=(),
    listen_host="127.0.0.1",
    transports=frozenset({"tcp"}),
)


def fetch_again_and_again(host: EngineHost, link: str, folder: Path, stop: threading.Event) -> None:
    while not stop.is_set():
        info_hash = host.fetch(FetchRequest(link=link, folder=str(folder))).result().info_hash
        while not stop.is_set() and not host.details(info_hash).result().transfer.is_complete:
            time.sleep(0.1)
        host.remove(info_hash, delete_data=True).result()


def main() -> None:
    os.nice(10)  # in life it is on another machine
    folder = Path(sys.argv[1])
    host = EngineHost(CONFIG)
    stop = threading.Event()
    try:
        print(host.share(ShareRequest([str(folder / "seeded.bin")])).result().magnet, flush=True)
        link = sys.stdin.readline().strip()
        if not link:  # nobody is there any more
            return
        fetching = threading.Thread(target=fetch_again_and_again, args=(host, link, folder, stop))
        fetching.start()
        sys.stdin.read()
        stop.set()
        fetching.join()
    finally:
        host.close()


if __name__ == "__main__":
    main()
