"""The clock of an installation: the system's, or the demo's, which starts on a Tuesday at 05:40 and can jump."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from data.db import Database
from data.store import SqlStore, open_store

SETTING = "demo_clock"
_READ_AGAIN_AFTER_S = 1.0


def wall_clock() -> datetime:
    """The machine's own time: leases and retries count on it, because the demo's clock jumps."""
    return datetime.now(UTC)


class InstallationClock:
    """Fits the Clock port. The demo's clock is a setting, so that the server, workers and commands agree on it.

    The setting holds {"demo_at", "real_at", "running"}: at `real_at` it was `demo_at`; since then it ran, or stood.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._setting: dict[str, object] | None = None

    def now(self) -> datetime:
        setting = self._current()
        real = wall_clock()
        if setting is None:
            return real
        demo_at = datetime.fromisoformat(str(setting["demo_at"]))
        if not setting["running"]:
            return demo_at
        return demo_at + (real - datetime.fromisoformat(str(setting["real_at"])))

    @property
    def is_demo(self) -> bool:
        return self._current() is not None

    def jump(self, *, to: datetime, running: bool = True, by: str = "demo") -> None:
        """Sets the demo's clock, which makes this installation a demo; every process follows within a second."""
        real = wall_clock()
        value = {"demo_at": to.astimezone(UTC).isoformat(), "real_at": real.isoformat(), "running": running}
        with open_store(self._database) as store:
            store.set_setting(name=SETTING, value=value, by=by, now=real)
        with self._lock:
            self._setting, self._read_at = dict(value), time.monotonic()

    def _current(self) -> dict[str, object] | None:
        with self._lock:
            if time.monotonic() - self._read_at > _READ_AGAIN_AFTER_S:
                with self._database.reading() as connection:
                    self._setting = SqlStore(connection).setting(SETTING)
                self._read_at = time.monotonic()
            return self._setting
