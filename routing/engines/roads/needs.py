"""What a build will need of this machine, said before it starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from routing.engines.roads.blobs import unpacked_bytes
from routing.errors import FileRefused, RegionError

# Measured on extracts of 1.5 and 2.5 MB of dense city and suburb, with room above: a build needs its own programs,
# and per megabyte of extract the roads of one profile at a time.
_MEMORY_MIB, _MEMORY_MIB_PER_MB = 450, 180
_DISK_MIB, _DISK_MIB_PER_MB = 8, 45
# A node is three bytes at least and 60 when it is read; an ordinary extract is packed two to three times.
_MEMORY_MIB_PER_UNPACKED_MB = 25
_MOST_PACKED, _ANY_PACKED_BYTES = 40, 10_000_000
# A place's extract is not there yet: square kilometres of a dense city are 40 kB each.
_MB_PER_KM2 = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    memory_mib: int
    disk_mib: int


def needs_of(extract_bytes: int, unpacked: int = 0) -> Needs:
    """By the bytes of the file, and by those it holds once unpacked where they ask for more.

    >>> needs_of(10_000_000, 25_000_000)
    Needs(memory_mib=2250, disk_mib=458)
    >>> needs_of(90_000, 96_000_000)
    Needs(memory_mib=2850, disk_mib=12)
    """
    megabytes = extract_bytes / 1e6
    read_mib = max(_MEMORY_MIB_PER_MB * megabytes, _MEMORY_MIB_PER_UNPACKED_MB * unpacked / 1e6)
    return Needs(
        memory_mib=round(_MEMORY_MIB + read_mib),
        disk_mib=round(_DISK_MIB + _DISK_MIB_PER_MB * megabytes),
    )


def needs_of_file(pbf: Path, called: str) -> Needs:
    """What a build of this extract needs. Raises FileRefused where there is none, it is no .osm.pbf, or it is packed as
    no map is."""
    refuse_missing(pbf, called)
    size, unpacked = pbf.stat().st_size, unpacked_bytes(pbf)
    if unpacked is None:
        raise FileRefused(
            f"{called} cannot be read as an OpenStreetMap extract: it is truncated, or no .osm.pbf. Other "
            "formats (.osm, .o5m) are not taken: convert it with osmium cat, or download the .osm.pbf.",
            code="extract_unreadable",
            file=called,
        )
    if unpacked > _ANY_PACKED_BYTES and unpacked > _MOST_PACKED * size:
        raise FileRefused(
            f"{called} has {size / 1e6:,.1f} MB and would unpack to {unpacked / 1e6:,.0f} MB: no map is packed like "
            "that. Download the extract again, from a place you trust.",
            code="extract_unbelievable",
            file=called,
        )
    return needs_of(size, unpacked)


def refuse_missing(pbf: Path, called: str) -> None:
    """Raises FileRefused where there is no file to read."""
    if pbf.is_file():
        return
    missing = f"{called} is a pipe, a device or a folder" if pbf.exists() else f"There is no file {called}"
    raise FileRefused(f"{missing}. Give the path of a .osm.pbf extract.", code="extract_missing", file=called)


def needs_of_place(area_km2: float) -> Needs:
    return needs_of(round(area_km2 * _MB_PER_KM2 * 1e6))


def refuse_too_little(needs: Needs, folder: Path, name: str) -> None:
    """Raises RegionError when this machine has not what a build in this folder needs."""
    for what, need, free, mend in (
        ("memory", needs.memory_mib, free_memory_mib(), "Close other programs, or build it on a larger machine"),
        ("disk", needs.disk_mib, shutil.disk_usage(folder).free // 2**20, "Make room"),
    ):
        if free is not None and free < need:
            raise RegionError(
                f"Building region {name} needs about {need:,} MiB of {what} and {free:,} MiB are free. {mend}, or take "
                "a smaller extract.",
                code=f"too_little_{what}",
                region=name,
            )


def free_memory_mib(root: Path = Path("/")) -> int | None:
    """What the machine or the container still has, the smaller; None where neither says."""
    said: list[int] = []
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                said.append(int(line.split()[1]) // 1024)
    except OSError:
        pass
    try:
        limit = (root / "sys/fs/cgroup/memory.max").read_text().strip()
        used = int((root / "sys/fs/cgroup/memory.current").read_text())
        # Pages of files are given back when memory is asked for.
        files = next(
            int(line.split()[1])
            for line in (root / "sys/fs/cgroup/memory.stat").read_text().splitlines()
            if line.startswith("file ")
        )
        if limit != "max":
            said.append((int(limit) - used + files) // 2**20)
    except (OSError, ValueError, StopIteration):
        pass
    return max(0, min(said)) if said else None
