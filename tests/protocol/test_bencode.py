from __future__ import annotations

from random import Random
from time import process_time
from typing import cast

import bencode2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.bencode import Value
from jupyter_webtorrent.protocol.errors import BencodeError

LARGEST = 10**20 - 1

VALUES: st.SearchStrategy[Value] = st.recursive(
    st.integers(-LARGEST, LARGEST) | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.binary(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)
NEARLY_BENCODE = st.lists(
    st.sampled_from([b"i", b"l", b"d", b"e", b"0:", b"1:a", b"1:b", b"2:", b"-", b"0", b"7", b"x"]),
    max_size=14,
).map(b"".join)
DICTIONARY = b"d8:intervali120e5:filesld4:pathl1:a1:bee1:xi-3eee"


@given(VALUES)
def test_every_value_survives_the_round_trip(value: Value) -> None:
    wire = bencode.encode(value)
    assert bencode.decode(wire) == value
    assert bencode.decode(memoryview(wire)) == value
    assert bencode.decode(bytearray(wire)) == value


@given(VALUES)
def test_bencode2_writes_and_reads_the_same(value: Value) -> None:
    wire = bencode.encode(value)
    assert bencode2.bencode(value) == wire
    assert bencode2.bdecode(wire) == value


@given(st.binary(max_size=40) | NEARLY_BENCODE)
def test_any_bytes_give_a_value_or_the_typed_error(data: bytes) -> None:
    try:
        value = bencode.decode(data)
    except BencodeError as error:
        reason = str(error)
        assert "\n" not in reason
        with pytest.raises(bencode2.BencodeDecodeError):
            bencode2.bdecode(data)
        return
    # What is read is what was there, but for the order of keys, about which bencode2 is stricter.
    wire = bencode.encode(value)
    assert sorted(wire) == sorted(data)
    assert bencode2.bdecode(wire) == value


@given(VALUES, st.binary(max_size=5), st.binary(max_size=5))
def test_a_prefix_is_read_from_anywhere_and_says_where_it_ends(
    value: Value, before: bytes, after: bytes
) -> None:
    wire = bencode.encode(value)
    data = before + wire + after
    assert bencode.decode_prefix(data, start=len(before)) == (value, len(before) + len(wire))
    assert bencode.decode_prefix(memoryview(wire + after)) == (value, len(wire))


@given(st.dictionaries(st.binary(max_size=5), VALUES, max_size=5), st.randoms())
def test_spans_hold_the_raw_bytes_of_each_value_also_of_unsorted_keys(
    values: dict[bytes, Value], random: Random
) -> None:
    keys = list(values)
    random.shuffle(keys)
    wire = b"d" + b"".join(bencode.encode(key) + bencode.encode(values[key]) for key in keys) + b"e"
    decoded, spans = bencode.decode_dict_with_spans(wire)
    assert decoded == values
    assert spans.keys() == values.keys()
    for key, (start, end) in spans.items():
        assert wire[start:end] == bencode.encode(values[key])


def test_the_raw_span_of_an_unsorted_inner_dictionary_stays_as_it_came() -> None:
    wire = b"d4:infod1:bi1e1:ai2ee1:ai0ee"
    values, spans = bencode.decode_dict_with_spans(wire)
    assert values == {b"info": {b"b": 1, b"a": 2}, b"a": 0}
    assert wire[slice(*spans[b"info"])] == b"d1:bi1e1:ai2ee"
    assert bencode.encode(values) == b"d1:ai0e4:infod1:ai2e1:bi1eee"


@pytest.mark.parametrize("data", [b"le", b"i1e", b"0:", b"", b"de ", b"dede"])
def test_spans_are_of_one_dictionary_and_nothing_else(data: bytes) -> None:
    with pytest.raises(BencodeError):
        bencode.decode_dict_with_spans(data)


def test_a_cut_at_any_byte_is_an_error() -> None:
    assert bencode.decode(DICTIONARY)
    for cut in range(len(DICTIONARY)):
        with pytest.raises(BencodeError, match=r"cut short|of which only|no value"):
            bencode.decode(DICTIONARY[:cut])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut short at byte 0"),
        (b"i12", "a number that is cut short at byte 0"),
        (b"l12", "a number that is cut short at byte 1"),
        (b"i-", "a number that is cut short at byte 0"),
        (b"li01ee", "leading zeros, or -0, at byte 1"),
        (b"i-0e", "leading zeros, or -0, at byte 0"),
        (b"i-01e", "leading zeros, or -0, at byte 0"),
        (b"01:a", "leading zeros, or -0, at byte 0"),
        (b"i+1e", "something else than a number at byte 0"),
        (b"ie", "something else than a number at byte 0"),
        (b"i-e", "something else than a number at byte 0"),
        (b"i1 e", "something else than a number at byte 0"),
        (b"1.5:a", "something else than a number at byte 0"),
        (b"-1:a", "no value begins at byte 0"),
        (b"<html>", "no value begins at byte 0"),
        (b"e", "no value begins at byte 0"),
        (b"d1:ae", "no value begins at byte 4"),
        (b"5:abc", "5 bytes from byte 2, of which only 3 are there"),
        (b"99999999999999999999:", "99,999,999,999,999,999,999 bytes from byte 21"),
        (b"i1ei2e", "3 bytes too many, from byte 3"),
        (b"di1ei2ee", "key that is no string at byte 1"),
        (b"d1:ai1elee", "key that is no string at byte 7"),
        (b"d1:ai1edee", "key that is no string at byte 7"),
        (b"d1:ai1e1:ai2ee", "key comes again before byte 10"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(data: bytes, reason: str) -> None:
    with pytest.raises(BencodeError) as caught:
        bencode.decode(data)
    assert reason in str(caught.value)


def test_an_integer_has_at_most_20_digits() -> None:
    assert bencode.decode(b"i" + b"9" * 20 + b"e") == LARGEST
    assert bencode.decode(b"i-" + b"9" * 20 + b"e") == -LARGEST
    for data in (b"i" + b"9" * 21 + b"e", b"i-" + b"9" * 21 + b"e", b"9" * 21 + b":"):
        with pytest.raises(BencodeError, match="over 20 digits at byte 0"):
            bencode.decode(data)
    assert bencode.encode([LARGEST, -LARGEST]) == b"li%dei-%dee" % (LARGEST, LARGEST)
    for value in (LARGEST + 1, -LARGEST - 1, 10**1_000_000):
        with pytest.raises(BencodeError, match="over 20 digits"):
            bencode.encode(value)


def test_values_nest_100_levels_deep_and_no_deeper() -> None:
    deep = bencode.decode(b"l" * 100 + b"e" * 100)
    assert bencode.encode(deep) == b"l" * 100 + b"e" * 100
    with pytest.raises(BencodeError, match="over 100 levels deep at byte 100"):
        bencode.decode(b"l" * 101 + b"e" * 101)
    with pytest.raises(BencodeError, match="over 100 levels deep"):
        bencode.encode([deep])


def test_a_list_that_holds_itself_is_too_deep_to_write() -> None:
    endless: list[Value] = []
    endless.append(endless)
    with pytest.raises(BencodeError, match="over 100 levels deep"):
        bencode.encode(endless)


def test_there_are_at_most_500_000_items_over_all_levels() -> None:
    assert len(cast(list[Value], bencode.decode(b"l" + b"0:" * 500_000 + b"e"))) == 500_000
    with pytest.raises(BencodeError, match="over 500,000 items at byte 1000003"):
        bencode.decode(b"l" + b"0:" * 500_001 + b"e")
    half = b"l" + b"0:" * 250_000 + b"e"
    with pytest.raises(BencodeError, match="over 500,000 items"):
        bencode.decode(b"d1:a" + half + b"1:b" + half + b"e")


@pytest.mark.parametrize(
    "data",
    [
        b"i" + b"9" * 1_000_000 + b"e",
        b"9" * 1_000_000 + b":",
        b"l" * 1_000_000,
        b"d1:a" * 1_000_000,
        b"d" * 1_000_000,
        b"1" * 9 + b":",
        b"0" * 1_000_000,
        b"-" * 1_000_000,
    ],
    ids=["digits", "length", "lists", "dicts", "keys", "huge string", "zeros", "signs"],
)
def test_a_bomb_is_refused_at_once(data: bytes) -> None:
    began = process_time()
    with pytest.raises(BencodeError):
        bencode.decode(data)
    assert process_time() - began < 1


def test_10_megabytes_are_read_and_written_well_within_a_second() -> None:
    files: list[Value] = [{b"length": 5, b"path": [b"a", b"%d" % n]} for n in range(5_000)]
    torrent: Value = {b"info": {b"files": files, b"pieces": bytes(9_700_000)}}
    began = process_time()
    assert bencode.decode(bencode.encode(torrent)) == torrent
    assert process_time() - began < 1


def test_text_is_written_as_utf_8_and_keys_are_sorted_as_raw_bytes() -> None:
    assert bencode.encode("é") == b"2:\xc3\xa9"
    assert (
        bencode.encode({"b": "x", "é": 1, "a": ("t", b"u")}) == b"d1:al1:t1:ue1:b1:x2:\xc3\xa9i1ee"
    )
    assert bencode.encode({b"\xff": 1, b"B": 2, b"a": 3}) == b"d1:Bi2e1:ai3e1:\xffi1ee"


@pytest.mark.parametrize("value", [None, 1.5, {1: 2}, [None], {"a": {1}}])
def test_what_bencode_has_no_form_for_is_a_type_error(value: bencode.Encodable) -> None:
    with pytest.raises(TypeError, match=r"cannot bencode|no int keys"):
        bencode.encode(value)


def test_a_key_given_both_as_text_and_as_bytes_is_not_written_twice() -> None:
    twice = cast(bencode.Encodable, {"a": 1, b"a": 2})
    with pytest.raises(BencodeError, match="the same key twice"):
        bencode.encode(twice)
