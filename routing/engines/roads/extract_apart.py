"""Extracts read and written by a process of their own, `extract_worker.py`.

libosmium ends the process on a name with a zero byte in it, or when the disk is full while it writes. Here that ends
nothing but the build, which says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from routing.engines.roads.extract import DISK_FULL, Extract
from routing.engines.roads.programs import Stop, finished
from routing.errors import FileRefused, RegionError

# Of its address space a process uses a part: threads reserve more than they take.
_ROOM_MIB = 4096
_FULL_BYTES = 64 * 1024
# Beyond its own name a process needs nothing that the caller has loaded.
_WORKER = "routing.engines.roads.extract_worker"


def read_apart(
    pbf: Path, region: Path, travelled: Path, *, called: str, memory_mib: int = 0, stop: Stop = bool
) -> Extract:
    """Write the normalised extract to `region`, what is travelled of it to `travelled`, and say what is in it.

    Raises FileRefused as `normalise` does; RegionError where it cannot be read without a crash, the disk is full or it
    needs more than `memory_mib` (0: as much as there is); whatever `stop` raises ends it.
    """
    found = _asked(
        {"do": "read", "pbf": str(pbf), "region": str(region), "travelled": str(travelled), "called": called},
        folder=region.parent, called=called, memory_mib=memory_mib, stop=stop,
    )  # fmt: skip
    return Extract.from_json(found)


def write_apart(elements: Sequence[Mapping[str, Any]], into: Path, *, called: str, stop: Stop = bool) -> None:
    """What Overpass answered, written to `into`. Raises ValueError where it is none; RegionError; whatever `stop`
    raises."""
    _asked({"do": "write", "into": str(into), "elements": elements}, folder=into.parent, called=called, stop=stop)


def merge_apart(
    files: Iterable[Path], into: Path, *, box: Sequence[float], dated: str, called: str, stop: Stop = bool
) -> None:
    """These put together, each thing once. `box` is (west, south, east, north). Raises RegionError; whatever `stop`
    raises."""
    _asked(
        {"do": "merge", "files": [str(file) for file in files], "into": str(into), "box": list(box), "dated": dated},
        folder=into.parent, called=called, stop=stop,
    )  # fmt: skip


def _asked(question: Mapping[str, Any], *, folder: Path, called: str, stop: Stop, memory_mib: int = 0) -> Any:
    done = finished(
        [sys.executable, "-m", _WORKER],
        doing=f"reading {called}",
        told=json.dumps(question),
        stop=stop,
        memory_mib=memory_mib + _ROOM_MIB if memory_mib else 0,
        environment=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
    )
    answer: dict[str, Any] = json.loads(done.answer) if done.returncode == 0 and done.answer else {"crashed": done.said}
    if "result" in answer:
        return answer["result"]
    if "refused" in answer:
        raise FileRefused(answer["refused"], code=answer["code"], **answer["fields"])
    if "nonsense" in answer:
        raise ValueError(answer["nonsense"])
    said = str(answer.get("crashed", ""))
    if any(words in said for words in DISK_FULL) or shutil.disk_usage(folder).free < _FULL_BYTES:
        raise RegionError(
            f"There is no room on the disk to read {called}. Make room, then build again; a region in use stays as it "
            "is.",
            code="disk",
        )
    if done.returncode == -signal.SIGKILL or "bad_alloc" in said or "MemoryError" in said:
        raise RegionError(
            f"{called} needs more memory than there is. Close other programs, build it on a larger machine, or take a "
            "smaller extract; a region in use stays as it is.",
            code="too_little_memory",
        )
    raise RegionError(
        f"{called} could not be read: the program that reads it crashed (code {done.returncode}), as it does on a "
        "damaged or forged file. Download the extract again; a region in use stays as it is.",
        code="extract_crashed",
        returncode=done.returncode,
    )
