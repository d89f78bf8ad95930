"""What a build will need of this machine, said before it starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from routing.errors import RegionError

# Measured on extracts of 1.5 and 2.5 MB of dense city and suburb, with room above: a build needs its own programs,
# and per megabyte of extract the roads of one profile at a time.
_MEMORY_MIB, _MEMORY_MIB_PER_MB = 450, 180
_DISK_MIB, _DISK_MIB_PER_MB = 8, 45
# A place's extract is not there yet: square kilometres of a dense city are 40 kB each.
_MB_PER_KM2 = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    memory_mib: int
    disk_mib: int


def needs_of(extract_bytes: int) -> Needs:
    """
    >>> needs_of(10_000_000)
    Needs(memory_mib=2250, disk_mib=458)
    """
    megabytes = extract_bytes / 1e6
    return Needs(
        memory_mib=round(_MEMORY_MIB + _MEMORY_MIB_PER_MB * megabytes),
        disk_mib=round(_DISK_MIB + _DISK_MIB_PER_MB * megabytes),
    )


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
