"""The `%wt` magic: hands a line to one of the `commands`.

Whatever goes wrong is one line, and the cell counts as failed, so that Run All stops there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from jupyter_webtorrent.kernel import arguments
from jupyter_webtorrent.kernel.commands.fetch import fetch
from jupyter_webtorrent.kernel.commands.info import info
from jupyter_webtorrent.kernel.commands.listing import ls
from jupyter_webtorrent.kernel.commands.manage import pause, remove, resume
from jupyter_webtorrent.kernel.commands.play import play
from jupyter_webtorrent.kernel.commands.share import share
from jupyter_webtorrent.kernel.completion import match
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line

_COMMANDS: dict[str, Callable[[argparse.Namespace], Transfer | None]] = {
    "fetch": fetch,
    "info": info,
    "ls": ls,
    "pause": pause,
    "play": play,
    "remove": remove,
    "resume": resume,
    "share": share,
}


@magics_class
class WebTorrentMagics(Magics):
    """`%wt COMMAND …`."""

    @line_magic
    def wt(self, line: str) -> Transfer | None:
        """Share and fetch files peer to peer: `%wt --help` has the commands."""
        try:
            options = arguments.parse(line)
            return _COMMANDS[options.command](options)
        except arguments.HelpRequested as help_text:
            print(help_text, end="")
            return None
        except KeyboardInterrupt:
            raise UsageError(
                "Interrupted: what has begun goes on in the background; %wt ls shows how far it is."
            ) from None
        except WebTorrentError as error:
            raise UsageError(one_line(str(error))) from None


def register(shell: InteractiveShell) -> None:
    """Add the magic and its completion to a shell."""
    shell.register_magics(WebTorrentMagics)
    if match not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(match)
