"""Keeps Python from looking for reference cycles where many values are made that have none."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_was_on = False


@contextmanager
def no_cycles() -> Iterator[None]:
    """For work on a whole book; as a decorator too, and one within another.

    Python looks through everything that lives each time a quarter more was made. A book of 100,000 lines is millions of
    frozen values without a cycle among them: the search took two fifths of the time. The process looks again as soon as
    nobody works on a book.
    """
    global _inside, _was_on
    with _lock:
        if not _inside:
            _was_on = gc.isenabled()
            gc.disable()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _was_on:
                gc.enable()
