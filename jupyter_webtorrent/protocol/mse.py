"""Message Stream Encryption: a handshake that looks like noise, and then RC4 or plain text.

It hides from equipment that looks for BitTorrent; it keeps nothing secret from who knows the info hash. There is
no BEP: this is the protocol of Vuze, as libtorrent speaks it too. Bytes in, bytes out; who is dialled this way is
the engine's business.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from enum import IntFlag
from random import Random

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash

PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
    16,
)
GENERATOR = 2
KEY_BYTES = 96
PRIVATE_BITS = 160
MAX_PAD_BYTES = 512
MAX_PAYLOAD_BYTES = 1 << 12
"""Of what the peer sends along with its handshake, which is a BitTorrent handshake and little more."""
DISCARDED_BYTES = 1024
VERIFICATION = bytes(8)

_OFFER = struct.Struct(">8sIH")
"""VC, crypto_provide or crypto_select, and the length of a pad."""
_UINT16 = struct.Struct(">H")


class Method(IntFlag):
    """What may follow the handshake (crypto_provide, crypto_select)."""

    PLAIN = 1
    RC4 = 2


ANY_METHOD = Method.PLAIN | Method.RC4


class Rc4:
    """One direction's key stream, its first 1,024 bytes thrown away."""

    def __init__(self, key: bytes) -> None:
        self._context: CipherContext = Cipher(ARC4(key), mode=None).encryptor()
        self._context.update(bytes(DISCARDED_BYTES))

    def apply(self, data: bytes) -> bytes:
        """Encrypt, or decrypt."""
        return self._context.update(data)

    def apply_in_place(self, data: bytearray | memoryview) -> None:
        self._context.update_into(data, data)


class MseHandshake:
    """What both sides do. `receive` what comes, send what it returns, until `is_done`.

    A ProtocolError means: close the connection. No more than a few kilobytes are ever kept.
    """

    def __init__(self, random: Random, methods: Method) -> None:
        self.is_done = False
        self.encryptor: Rc4 | None = None
        """For what is sent from then on; None: as it is."""
        self.decryptor: Rc4 | None = None
        self.payload = b""
        """Once done: what the peer sent beyond its handshake, decrypted."""
        self._random = random
        self._methods = methods
        self._private = random.getrandbits(PRIVATE_BITS) | 1
        self._received = b""
        self._step: Callable[[], bytes | None] = self._read_key

    def receive(self, data: bytes) -> bytes:
        """Take in what came; returns what is to be sent."""
        self._received += data
        answer = b""
        while not self.is_done:
            step = self._step()
            if step is None:
                break
            answer += step
        return answer

    def _public_key(self) -> bytes:
        """Ours, and a pad that hides where it ends."""
        key = pow(GENERATOR, self._private, PRIME).to_bytes(KEY_BYTES, "big")
        return key + self._pad()

    def _pad(self) -> bytes:
        return self._random.randbytes(self._random.randrange(MAX_PAD_BYTES + 1))

    def _secret(self) -> bytes | None:
        """S, once the peer's key has come."""
        if len(self._received) < KEY_BYTES:
            return None
        theirs = int.from_bytes(self._take(KEY_BYTES), "big")
        if not 1 < theirs < PRIME - 1:
            raise ProtocolError("the peer's Diffie-Hellman key is not one")
        return pow(theirs, self._private, PRIME).to_bytes(KEY_BYTES, "big")

    def _read_key(self) -> bytes | None:
        raise NotImplementedError

    def _synchronize(self, mark: bytes) -> bool:
        """Skip the peer's pad, up to and with the mark that ends it; False: it has not all come."""
        found = self._received[: MAX_PAD_BYTES + len(mark)].find(mark)
        if found < 0:
            if len(self._received) >= MAX_PAD_BYTES + len(mark):
                raise ProtocolError("the peer's encrypted handshake does not fit this torrent")
            return False
        self._take(found + len(mark))
        return True

    def _take(self, count: int) -> bytes:
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def _finish(self, method: Method, ours: Rc4, theirs: Rc4, payload: bytes = b"") -> None:
        if method is Method.RC4:
            self.encryptor, self.decryptor = ours, theirs
            self._received = theirs.apply(self._received)
        self.payload = payload + self._received
        self._received = b""
        self.is_done = True


class MseInitiator(MseHandshake):
    """The side that dialled; send `begin()` first."""

    def __init__(
        self, info_hash: InfoHash, random: Random, methods: Method, first_payload: bytes = b""
    ) -> None:
        super().__init__(random, methods)
        self._info_hash = info_hash
        self._first_payload = first_payload

    def begin(self) -> bytes:
        return self._public_key()

    def _read_key(self) -> bytes | None:
        secret = self._secret()
        if secret is None:
            return None
        skey = self._info_hash.digest
        self._ours, self._theirs = _keys(secret, skey)
        # Its encrypted VC is the mark: encrypting zeros yields the key stream itself.
        self._mark = self._theirs.apply(VERIFICATION)
        self._step = self._find_mark
        pad = self._pad()
        offer = _OFFER.pack(VERIFICATION, self._methods, len(pad))
        length = _UINT16.pack(len(self._first_payload))
        proof = _hash(b"req1", secret) + _xor(_hash(b"req2", skey), _hash(b"req3", secret))
        return proof + self._ours.apply(offer + pad + length + self._first_payload)

    def _find_mark(self) -> bytes | None:
        if not self._synchronize(self._mark):
            return None
        self._step = self._read_choice
        return b""

    def _read_choice(self) -> bytes | None:
        if len(self._received) < _OFFER.size - len(VERIFICATION):
            return None
        choice, self._pad_length = struct.unpack(">IH", self._theirs.apply(self._take(6)))
        if choice not in (Method.PLAIN, Method.RC4) or not choice & self._methods:
            raise ProtocolError(f"the peer chose the encryption {choice}, which was not offered")
        _check_pad(self._pad_length)
        self._choice = Method(choice)
        self._step = self._skip_pad
        return b""

    def _skip_pad(self) -> bytes | None:
        if len(self._received) < self._pad_length:
            return None
        self._theirs.apply(self._take(self._pad_length))
        self._finish(self._choice, self._ours, self._theirs)
        return b""


class MseResponder(MseHandshake):
    """The side that was dialled. `torrents` are those that it may be about.

    It takes plain text where the peer offers that and it is allowed: the handshake is what gets blocked.
    """

    def __init__(
        self, torrents: Callable[[], list[InfoHash]], random: Random, methods: Method
    ) -> None:
        super().__init__(random, methods)
        self._torrents = torrents

    def _read_key(self) -> bytes | None:
        secret = self._secret()
        if secret is None:
            return None
        self._shared = secret
        self._mark = _hash(b"req1", secret)
        self._step = self._find_mark
        return self._public_key()

    def _find_mark(self) -> bytes | None:
        if not self._synchronize(self._mark):
            return None
        self._step = self._find_torrent
        return b""

    def _find_torrent(self) -> bytes | None:
        if len(self._received) < 20:
            return None
        wanted = _xor(self._take(20), _hash(b"req3", self._shared))
        for info_hash in self._torrents():
            if _hash(b"req2", info_hash.digest) == wanted:
                self._theirs, self._ours = _keys(self._shared, info_hash.digest)
                self._step = self._read_offer
                return b""
        raise ProtocolError("no torrent here is the one of the peer's encrypted handshake")

    def _read_offer(self) -> bytes | None:
        if len(self._received) < _OFFER.size:
            return None
        mark, provided, length = _OFFER.unpack(self._theirs.apply(self._take(_OFFER.size)))
        if mark != VERIFICATION:
            raise ProtocolError("the peer's encrypted handshake is broken")
        _check_pad(length)
        common = provided & self._methods
        if not common:
            raise ProtocolError(f"the peer offers the encryption {provided}, which is not allowed")
        self._choice = Method.PLAIN if common & Method.PLAIN else Method.RC4
        self._pad_length = length
        self._step = self._skip_pad
        return b""

    def _skip_pad(self) -> bytes | None:
        if len(self._received) < self._pad_length + 2:
            return None
        tail = self._theirs.apply(self._take(self._pad_length + 2))
        (self._payload_length,) = _UINT16.unpack(tail[-2:])
        if self._payload_length > MAX_PAYLOAD_BYTES:
            raise ProtocolError(f"{self._payload_length} bytes come along with a handshake")
        self._step = self._read_payload
        return b""

    def _read_payload(self) -> bytes | None:
        if len(self._received) < self._payload_length:
            return None
        payload = self._theirs.apply(self._take(self._payload_length))
        pad = self._pad()
        answer = self._ours.apply(_OFFER.pack(VERIFICATION, self._choice, len(pad)) + pad)
        self._finish(self._choice, self._ours, self._theirs, payload)
        return answer


def _keys(secret: bytes, skey: bytes) -> tuple[Rc4, Rc4]:
    """The key streams of who dialled, and of who was dialled."""
    return Rc4(_hash(b"keyA", secret, skey)), Rc4(_hash(b"keyB", secret, skey))


def _check_pad(length: int) -> None:
    if length > MAX_PAD_BYTES:
        raise ProtocolError(f"a pad is at most {MAX_PAD_BYTES} bytes, not {length}")


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
