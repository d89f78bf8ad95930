"""osmnx's settings are global: what one reading needs is set for it, by one thread at a time, and put back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def osmnx_set(settings: Any, wanted: Mapping[str, Any]) -> Iterator[None]:
    """`settings` is `osmnx.settings`, passed in because importing osmnx takes seconds."""
    with _one_at_a_time:
        before = {name: getattr(settings, name) for name in wanted}
        # A request of osmnx pins its server's address for the whole process; a server of ours lives longer than that.
        look_up = socket.getaddrinfo
        try:
            for name, value in wanted.items():
                setattr(settings, name, value)
            yield
        finally:
            socket.getaddrinfo = look_up
            for name, value in before.items():
                setattr(settings, name, value)
