"""How much an extract holds once it is unpacked, read from the heads of its blocks in the file format of .osm.pbf.

Each block is four bytes that say how long its head is, the head (a kind and the length of the blob) and the blob: a
protobuf message that says how long it is unpacked. https://wiki.openstreetmap.org/wiki/PBF_Format
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_LONGEST_HEAD = 64 * 1024
# What stands before the packed data of a blob: the numbers of two fields.
_BEGINNING = 32
_RAW_SIZE = 2


def unpacked_bytes(pbf: Path) -> int | None:
    """The bytes of all its blocks unpacked; None where the file is no .osm.pbf. A file that ends in the middle of a
    block counts as far as it goes."""
    total = 0
    with pbf.open("rb") as file:
        kind, blob = _head(file)
        if kind != b"OSMHeader":
            return None
        size = pbf.stat().st_size
        while blob is not None:
            begins = file.tell()
            total += _raw_size(file.read(min(_BEGINNING, blob)), blob)
            if begins + blob >= size:
                break
            file.seek(begins + blob)
            kind, blob = _head(file)
    return total


def _head(file: BinaryIO) -> tuple[bytes, int | None]:
    """The kind of the next block and the length of its blob; None where no block begins."""
    length = int.from_bytes(file.read(4), "big")
    if not 0 < length <= _LONGEST_HEAD:
        return b"", None
    head = file.read(length)
    fields = _fields(head)
    kind, size = fields.get(1), fields.get(3)
    return (kind if isinstance(kind, bytes) else b""), (size if isinstance(size, int) and size > 0 else None)


def _raw_size(beginning: bytes, blob: int) -> int:
    fields = _fields(beginning)
    size = fields.get(_RAW_SIZE)
    # A block that is not packed says no size: it is as long as it is.
    return size if isinstance(size, int) else blob


def _fields(message: bytes) -> dict[int, int | bytes]:
    """The fields of a protobuf message as far as they are there: numbers, and bytes.

    >>> _fields(bytes([0x0A, 3]) + b"OSM" + bytes([0x18, 0x96, 0x01]))
    {1: b'OSM', 3: 150}
    """
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        value, at = _number(message, at)
        if key & 7 == 0:
            found[key >> 3] = value
        elif key & 7 == 2:
            found[key >> 3] = message[at : at + value]
            at += value
        else:
            break
    return found


def _number(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message):
        byte = message[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    return number, at
