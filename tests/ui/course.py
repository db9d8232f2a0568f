"""A course's folder for the tests to share: a film of about 100 MB, a sound, an image, a PDF, a table, a notebook.

All of it is made here, the film by writing a short clip of noise, which nothing can compress, again and again.
"""

from __future__ import annotations

import json
import math
import random
import struct
import wave
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.video.frame import VideoFrame

FILM: Final = "lecture.webm"
MP4: Final = "lecture.mp4"
HOSTILE: Final = "<img src=x onerror=alert(1)>.csv"
FILM_BYTES: Final = 100_000_000
_FRAMES_A_SECOND: Final = 5
_CLIP_SECONDS: Final = 2
_WIDTH, _HEIGHT = 320, 180

NOTEBOOK: Final[dict[str, Any]] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"trusted": True},
    "cells": [
        {
            "cell_type": "markdown",
            "metadata": {"trusted": True},
            "source": "# Islands\n\nWhere *penguins* live. <script>window.owned = 1</script>\n"
            "![](http://elsewhere.example/spy.png)",
        },
        {
            "cell_type": "code",
            "metadata": {"trusted": True},
            "execution_count": 3,
            "source": "species.value_counts()",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "Adelie 152\n"},
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "application/javascript": "window.owned = 2",
                        "text/html": "<b>Gentoo</b> 124<img src=x onerror='window.owned = 3'>"
                        "<img src='http://elsewhere.example/spy.png'>"
                        "<p style='background: url(http://elsewhere.example/spy.png)'>styled</p>",
                    },
                },
            ],
        },
    ],
}


def write_course(folder: Path) -> None:
    """Fill a new folder; takes a few seconds."""
    folder.mkdir()
    _write_film(folder / FILM)
    _write_mp4(folder / MP4)
    _write_sound(folder / "talk.wav")
    (folder / "map.png").write_bytes(_png(640, 400))
    (folder / "paper.pdf").write_bytes(_pdf())
    rows = [f"{number},Adelie,{180 + number % 30}" for number in range(1, 1001)]
    (folder / "penguins.csv").write_text("\n".join(["number,species,flipper", *rows, ""]))
    (folder / HOSTILE).write_text('a,"<script>window.owned = 4</script>"\n1,<b>2</b>\n')
    (folder / "lesson.ipynb").write_text(json.dumps(NOTEBOOK))
    (folder / "README.md").write_text("# Read me\n\nfirst\n")
    (folder / "model.bin").write_bytes(bytes(1000))


def _write_film(path: Path) -> None:
    frames, sounds = _clip()
    with av.open(str(path), "w") as film:
        picture = film.add_stream("libvpx", rate=_FRAMES_A_SECOND)
        picture.width, picture.height = _WIDTH, _HEIGHT
        sound = film.add_stream("libopus", rate=48_000)
        written = turn = 0
        while written < FILM_BYTES:
            start = turn * _CLIP_SECONDS
            packets = [
                (at + start, stream, data, is_key)
                for stream, clip in ((picture, frames), (sound, sounds))
                for at, data, is_key in clip
            ]
            for at, stream, data, is_key in sorted(packets, key=lambda packet: packet[0]):
                packet = av.Packet(data)
                packet.stream = stream
                packet.time_base = Fraction(1, 1000)
                packet.pts = packet.dts = round(at * 1000)
                packet.is_keyframe = is_key
                film.mux(packet)
                written += len(data)
            turn += 1


def _write_mp4(path: Path) -> None:
    """Two seconds of H.264, its index at the end, as most recorders leave it."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=_FRAMES_A_SECOND)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        for number in range(_FRAMES_A_SECOND * _CLIP_SECONDS):
            frame = VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 20]) * plane.buffer_size)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))


Clip = list[tuple[Fraction, bytes, bool]]


def _clip() -> tuple[Clip, Clip]:
    """The packets of two seconds: when each begins, its bytes, and whether it stands alone."""
    noise = random.Random(1)
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
    codec.time_base = Fraction(1, _FRAMES_A_SECOND)
    codec.bit_rate = 8_000_000
    codec.options = {"deadline": "realtime", "cpu-used": "8", "qmin": "0", "qmax": "10"}
    packets = []
    for number in range(_FRAMES_A_SECOND * _CLIP_SECONDS):
        frame = VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
        for plane in frame.planes:
            plane.update(noise.randbytes(plane.buffer_size))
        frame.pts = number
        packets += codec.encode(frame)
    packets += codec.encode(None)
    frames = [
        (Fraction(number, _FRAMES_A_SECOND), bytes(packet), packet.is_keyframe)
        for number, packet in enumerate(packets)
    ]
    opus: Any = av.CodecContext.create("libopus", "w")
    opus.sample_rate, opus.layout, opus.format = 48_000, "mono", "s16"
    opus.open()
    packets = []
    for number in range(_CLIP_SECONDS * 48_000 // opus.frame_size):
        sound = av.AudioFrame("s16", "mono", opus.frame_size)
        sound.planes[0].update(noise.randbytes(sound.planes[0].buffer_size))
        sound.sample_rate, sound.pts = 48_000, number * opus.frame_size
        packets += opus.encode(sound)
    sounds = [
        (Fraction(number * opus.frame_size, 48_000), bytes(packet), True)
        for number, packet in enumerate(packets)
    ]
    return frames, sounds


def _write_sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        tone = (round(9_000 * math.sin(at / 5)) for at in range(80_000))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in tone))


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    row = b"\0" + b"".join(
        bytes((at * 255 // width, 120, 200 - at * 100 // width)) for at in range(width)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * height))
        + chunk(b"IEND", b"")
    )


def _pdf() -> bytes:
    text = b"BT /F1 24 Tf 60 120 Td (Palmer penguins) Tj ET"
    font = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 240] /Contents 4 0 R /Resources %s >>"
        % font,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
    ]
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    return content + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
