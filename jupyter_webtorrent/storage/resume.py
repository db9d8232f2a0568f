"""Goes on where an earlier session stopped, without hashing what is as that session left it.

Only looks at files and their stamps. The pieces in doubt are named for the caller to check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.data import FileSlot
from jupyter_webtorrent.storage.files import plain_errors, require_possible, stat_below
from jupyter_webtorrent.storage.journal import KeptFile, KeptPlace, KeptProgress
from jupyter_webtorrent.storage.locks import PartLock
from jupyter_webtorrent.storage.paths import shown
from jupyter_webtorrent.storage.placement import Chooser, Placement
from jupyter_webtorrent.storage.store import PieceStore


@dataclass(frozen=True, slots=True)
class Resumed:
    """A torrent of an earlier session, opened."""

    store: PieceStore
    have: Bitfield
    """Pieces that were confirmed, in files that are as they were."""
    doubtful: list[int]
    """To be checked before they count: what came after the last commit, and what is in a changed file."""


def resume_download(
    info: Info, folder: Path, wanted: Collection[int], kept: KeptProgress, *, clean: bool
) -> Resumed | None:
    """Go on with a download, or pass on a finished one; None if it is not where it was left.

    After a clean stop a part must be untouched. After any other its size and inode must be as they were: our
    own writes moved its time. Raises BusyError if another transfer writes it, and other StorageErrors.
    """
    have = _confirmed(info, kept)
    require_possible(folder)
    folder = folder.absolute()
    chosen = frozenset(index for index in wanted if not info.files[index].padding)
    chooser = Chooser(info, folder, chosen)
    with plain_errors(f"go on with {chooser.label} in {shown(str(folder))}"):
        placement = None if have is None else _placement(chooser, kept.place)
        if have is None or placement is None:
            return None
        try:
            changed = _changed_parts(placement.slots, kept.place.files, clean=clean)
        except BaseException:
            chooser.abandon(placement)
            raise
        if changed is None:
            chooser.abandon(placement)
            return None
    store = PieceStore.resumed(info, placement, chooser, chosen)
    changed |= _changed_files(placement.slots, kept.place.files)
    parts = {index for index, slot in enumerate(placement.slots) if slot.writable}
    unconfirmed = set() if clean else _pieces(info, parts) - set(have)
    return _resumed(info, store, have, changed, unconfirmed)


def resume_seed(info: Info, files: Sequence[Path], kept: KeptProgress | None) -> Resumed:
    """Share files again, those that are there; all of it is in doubt if nothing is known of them."""
    store = PieceStore.open_seed(info, files, complete=False)
    have = None if kept is None else _confirmed(info, kept)
    if kept is None or have is None:
        nothing = Bitfield(info.piece_count)
        return Resumed(store, nothing, list(range(info.piece_count)))
    return _resumed(info, store, have, _changed_files(store.slots, kept.place.files), set())


def _confirmed(info: Info, kept: KeptProgress) -> Bitfield | None:
    """The kept pieces; None if the record is of another torrent."""
    if len(kept.place.files) != len(info.files):
        return None
    try:
        return Bitfield.from_bytes(kept.have, info.piece_count)
    except ProtocolError:
        return None


def _placement(chooser: Chooser, place: KeptPlace) -> Placement | None:
    """The kept place, its part locked; None if there is no such place any more."""
    names = next((each for each in chooser.candidates() if each.number == place.number), None)
    targets = (each.target for each in chooser.candidates())
    if names is None or place.target not in targets:
        return None
    names = replace(names, target=place.target)
    parts = chooser.slots(names.part, writable=True)
    finished = chooser.slots(names.target, writable=False)
    slots = [
        part if file.writable else there
        for part, there, file in zip(parts, finished, place.files, strict=True)
    ]
    for slot, file in zip(slots, place.files, strict=True):
        slot.delivered = file.delivered
    lock = None
    if any(slot.writable and not slot.padding for slot in slots):
        lock = PartLock.acquire(chooser.folder, names.lock, chooser.owner, chooser.label)
        if lock is None:
            return None
        if lock.owner != chooser.owner:
            lock.release(remove=not lock.owner)
            return None
    return Placement(chooser.folder, names, slots, lock, place.merging, place.adopted, place.notice)


def _changed_parts(
    slots: Sequence[FileSlot], files: Iterable[KeptFile], *, clean: bool
) -> set[int] | None:
    """Files of the part that are not those that were left; None if one is gone, or has a second name."""
    changed = set()
    for index, (slot, file) in enumerate(zip(slots, files, strict=True)):
        if slot.padding or not slot.writable:
            continue
        now = slot.current_stamp()
        if file.stamp and not now:
            return None
        found = stat_below(slot.root, slot.parts)
        if found is not None and found.st_nlink > 1:
            return None
        if clean:
            if now != file.stamp:
                changed.add(index)
        elif now and file.stamp and (now[0], now[2]) != (file.stamp[0], file.stamp[2]):
            changed.add(index)
    return changed


def _changed_files(slots: Sequence[FileSlot], files: Iterable[KeptFile]) -> set[int]:
    """Finished or shared files that are not as they were."""
    return {
        index
        for index, (slot, file) in enumerate(zip(slots, files, strict=True))
        if not (slot.padding or slot.writable) and slot.stamp != file.stamp
    }


def _resumed(
    info: Info, store: PieceStore, have: Bitfield, changed: set[int], unconfirmed: set[int]
) -> Resumed:
    touched = _pieces(info, changed)
    for piece in touched:
        have.discard(piece)
    store.trust(have)
    return Resumed(store, have, sorted(touched | unconfirmed))


def _pieces(info: Info, files: Iterable[int]) -> set[int]:
    return {piece for index in files for piece in info.layout.pieces_of_file(index)}
