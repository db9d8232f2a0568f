"""Bencode (BEP 3) to values and back: iterative, bounded, exact about where each byte stands.

Says nothing about what the values mean. Hostile input costs time linear in its length and never recursion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from jupyter_webtorrent.protocol.errors import BencodeError

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"
"""What decoding gives."""

_Container: TypeAlias = "list[Value] | dict[bytes, Value]"

Encodable: TypeAlias = (
    "int | bytes | str | Sequence[Encodable] | Mapping[bytes, Encodable] | Mapping[str, Encodable]"
)
"""What encoding takes: every Value, and text, which is written as UTF-8."""

MAX_DEPTH: Final = 100
"""Lists and dictionaries inside one another."""

MAX_ITEMS: Final = 500_000
"""List elements and dictionary entries, over all levels together."""

MAX_DIGITS: Final = 20
"""Of an integer, without its sign, and of a string's length."""

_BEYOND_MAX_DIGITS = 10**MAX_DIGITS
_INTEGER = re.compile(rb"i(0|-?[1-9][0-9]{0,%d})e" % (MAX_DIGITS - 1))
_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,%d}):" % (MAX_DIGITS - 1))
_ANY_NUMBER = re.compile(rb"i?-?([0-9]{0,%d})" % (MAX_DIGITS + 1))
_DIGIT_0, _DIGIT_9, _I, _L, _D, _E = b"09ilde"
_CLOSE = object()


def decode(data: bytes | bytearray | memoryview) -> Value:
    """The one value that `data` holds from end to end; raises BencodeError."""
    value, end, _ = _parse(bytes(data), 0)
    _require_end(end, len(data))
    return value


def decode_prefix(data: bytes | bytearray | memoryview, *, start: int = 0) -> tuple[Value, int]:
    """The value that begins at byte `start`, and the offset at which it ends (BEP 9 needs this).

    Raises BencodeError.
    """
    value, end, _ = _parse(bytes(data), start)
    return value, end


def decode_dict_with_spans(
    data: bytes | bytearray | memoryview,
) -> tuple[dict[bytes, Value], dict[bytes, tuple[int, int]]]:
    """A dictionary, and where the raw bytes of each of its values begin and end.

    An info hash is taken over such a span, because encoding anew would sort keys that came unsorted.
    Raises BencodeError, also if `data` holds anything but one dictionary.
    """
    value, end, marks = _parse(bytes(data), 0)
    if not isinstance(value, dict):
        raise BencodeError("not a bencoded dictionary: it does not begin with 'd'")
    _require_end(end, len(data))
    # marks: where each key and each value of the dictionary ends, in turn
    return value, dict(zip(value, zip(marks[::2], marks[1::2], strict=True), strict=True))


def encode(value: Encodable) -> bytes:
    """Bencode with the keys of dictionaries sorted as raw bytes.

    Raises BencodeError over the limits that decoding has too, and TypeError for anything else
    than integers, bytes, text, sequences and mappings.
    """
    parts: list[bytes] = []
    pending: list[object] = [value]
    depth = 0
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            item = item.encode()
        if isinstance(item, bytes):
            parts.append(b"%d:%b" % (len(item), item))
        elif isinstance(item, int):
            if not -_BEYOND_MAX_DIGITS < item < _BEYOND_MAX_DIGITS:
                raise BencodeError(f"cannot bencode an integer of over {MAX_DIGITS} digits")
            parts.append(b"i%de" % item)
        elif item is _CLOSE:
            depth -= 1
            parts.append(b"e")
        elif isinstance(item, Mapping | Sequence):
            depth += 1
            if depth > MAX_DEPTH:
                raise BencodeError(f"cannot bencode what is over {MAX_DEPTH} levels deep")
            pending.append(_CLOSE)
            if isinstance(item, Mapping):
                parts.append(b"d")
                for key, entry in sorted(_raw_keys(item).items(), reverse=True):
                    pending += (entry, key)
            else:
                parts.append(b"l")
                pending += reversed(item)
        else:
            raise TypeError(f"cannot bencode {type(item).__name__}")
    return b"".join(parts)


def _raw_keys(mapping: Mapping[object, object]) -> dict[bytes, object]:
    raw: dict[bytes, object] = {}
    for key, entry in mapping.items():
        if isinstance(key, bytes):
            raw[key] = entry
        elif isinstance(key, str):
            raw[key.encode()] = entry
        else:
            raise TypeError(f"a bencoded dictionary has no {type(key).__name__} keys")
    if len(raw) != len(mapping):
        raise BencodeError("cannot bencode a dictionary with the same key twice")
    return raw


def _require_end(end: int, size: int) -> None:
    if end != size:
        raise BencodeError(f"not bencode: {size - end} bytes too many, from byte {end}")


def _parse(data: bytes, start: int) -> tuple[Value, int, list[int]]:
    """The value at `start`, where it ends, and where each key and item directly in it ends."""
    marks: list[int] = []
    around: list[
        tuple[_Container | None, bytes | None]
    ] = []  # what `current` is in, outermost first
    current: _Container | None = None  # the innermost open one
    key: bytes | None = None  # in `current`, still without its value
    items = 0
    position, size = start, len(data)
    value: Value
    while True:
        if position >= size:
            raise BencodeError(f"not bencode: it is cut short at byte {position}")
        lead = data[position]
        if _DIGIT_0 <= lead <= _DIGIT_9:
            number = _LENGTH.match(data, position)
            if number is None:
                raise _number_error(data, position)
            begin = number.end()
            position = begin + int(number[1])
            if position > size:
                raise BencodeError(
                    f"not bencode: a string of {position - begin:,} bytes from byte {begin},"
                    f" of which only {size - begin:,} are there"
                )
            value = data[begin:position]
        elif lead == _E and current is not None and key is None:
            value = current
            position += 1
            current, key = around.pop()
        elif key is None and isinstance(current, dict):
            raise BencodeError(
                f"not bencode: a dictionary key that is no string at byte {position}"
            )
        elif lead == _I:
            number = _INTEGER.match(data, position)
            if number is None:
                raise _number_error(data, position)
            value = int(number[1])
            position = number.end()
        elif lead in (_L, _D):
            if len(around) == MAX_DEPTH:
                raise BencodeError(f"not bencode: over {MAX_DEPTH} levels deep at byte {position}")
            around.append((current, key))
            current, key = ({} if lead == _D else []), None
            position += 1
            continue
        else:
            raise BencodeError(f"not bencode: no value begins at byte {position}")

        if current is None:
            return value, position, marks
        if isinstance(current, list):
            current.append(value)
            items += 1
        elif key is not None:
            current[key] = value
            key = None
            items += 1
        else:
            # Only a string or what just closed can be here, and nothing opens where a key must stand.
            assert isinstance(value, bytes)
            key = value
            if key in current:
                raise BencodeError(
                    f"not bencode: a dictionary key comes again before byte {position}"
                )
        if items > MAX_ITEMS:
            raise BencodeError(f"not bencode: over {MAX_ITEMS:,} items at byte {position}")
        if len(around) == 1:
            marks.append(position)


def _number_error(data: bytes, position: int) -> BencodeError:
    number = _ANY_NUMBER.match(data, position)
    assert number is not None  # it matches the empty string too
    digits = number[1]
    if len(digits) > MAX_DIGITS:
        reason = f"a number of over {MAX_DIGITS} digits"
    elif number.end() == len(data):
        reason = "a number that is cut short"
    elif digits.startswith(b"0"):
        reason = "a number with leading zeros, or -0,"
    else:
        reason = "something else than a number"
    return BencodeError(f"not bencode: {reason} at byte {position}")
