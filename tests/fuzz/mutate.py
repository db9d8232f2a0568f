"""Inputs that are nearly right: seeds with a few bytes changed, cut, doubled, spliced, by one seeded generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

_INTERESTING = (
    b"",
    b"\0",
    b"\xff",
    b"-1",
    b"0",
    b"99999999999999999999",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"e",
    b"d",
    b"l",
    b"i",
    b":",
    b"null",
    b"[]",
    b"{}",
    b"\r\n",
    b"%00",
    b"/../",
    b"\\",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
)
MAX_BYTES = 1 << 14


def mutations(seeds: Sequence[bytes], random: Random) -> Iterator[bytes]:
    """Without end; the seeds themselves come first."""
    pool = list(seeds)
    yield from pool
    while True:
        data = bytearray(random.choice(pool))
        for _ in range(1 + int(random.expovariate(0.5))):
            _mutate(data, pool, random)
        result = bytes(data[:MAX_BYTES])
        if len(pool) < 64 or random.random() < 0.01:
            pool.append(result)
        elif random.random() < 0.01:
            pool[random.randrange(len(seeds), len(pool))] = result
        del pool[256:]
        yield result


def _mutate(data: bytearray, pool: Sequence[bytes], random: Random) -> None:
    where = random.randint(0, len(data))
    length = min(int(random.expovariate(0.2)), len(data) - where)
    match random.randrange(7):
        case 0 if data:
            data[min(where, len(data) - 1)] = random.randrange(256)
        case 1 if data:
            data[min(where, len(data) - 1)] ^= 1 << random.randrange(8)
        case 2:
            del data[where : where + length]
        case 3:
            data[where:where] = random.choice(_INTERESTING)
        case 4:
            data[where:where] = data[where : where + length] * random.randint(1, 4)
        case 5:
            other = random.choice(pool)
            start = random.randint(0, len(other))
            data[where : where + length] = other[start : start + int(random.expovariate(0.05))]
        case _:
            data[where:where] = random.randbytes(length)
