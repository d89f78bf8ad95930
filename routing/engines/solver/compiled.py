"""Where what is compiled is kept. Needs no numba: it is asked by processes that never search."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

PARTS = ("layout.py", "clock.py", "trips.py", "exact.py", "slack.py", "shipped.py", "kernel.py", "plain.py")
"""The files that are compiled together: a change in one is a change in all."""


def folder() -> Path:
    """A folder of its own for each state of the compiled files, beside the code or in `NUMBA_CACHE_DIR`."""
    here = Path(__file__).parent
    state = sha256(b"".join((here / part).read_bytes() for part in PARTS)).hexdigest()
    return Path(os.environ.get("NUMBA_CACHE_DIR") or here / "__pycache__") / f"kernel-{state[:16]}"
