"""Importing a big file as a job: first it is read to its end with nothing changed, which a person may stop; then it is
written, all of it in the transaction that ends the job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from data.store import SqlStore
from routing.errors import Cancelled
from web.clock import wall_clock
from web.importing import Asked, import_document, run_import, try_on_others
from web.jobs import Progress, Write
from web.wiring import Installation

BIG_BYTES = 256 * 1024
"""From here on a browser does not wait for its answer."""


def start_import(store: SqlStore, asked: Asked, *, sha256: str) -> int:
    """Writes the job down; returns its id."""
    data = asdict(asked) | {"mapping": dict(asked.mapping), "sha256": sha256}
    return store.add_job(kind="import", data=data, by=asked.by, now=wall_clock(), max_attempts=1)


def import_job(
    installation: Installation, data: Mapping[str, Any], progress: Progress, cancelled: Callable[[], bool]
) -> dict[str, Any] | Write:
    """`data` as `start_import` writes it. Raises FileRefused, InvalidInput, NotFound, Cancelled: nothing changed."""
    values = dict(data)
    uploads, sha256 = installation.uploads, str(values.pop("sha256"))
    asked, path, now = Asked(**values), uploads.path(sha256), installation.clock.now()

    def tell(done: int, of: int) -> None:
        if cancelled():
            raise Cancelled("The import was stopped. Nothing was changed.")
        progress({"read": done, "of": of})

    with path.open("rb") as file, installation.database.reading() as connection:
        tried, _ = run_import(SqlStore(connection), file, replace(asked, dry_run=True), now=now, progress=tell)
    if asked.dry_run:
        with path.open("rb") as file:
            try_on_others(installation.database, file, asked, tried, now=now)
        return import_document(tried)

    def write(store: SqlStore) -> dict[str, Any]:
        # Sent twice, it may have been taken in and dropped meanwhile: then that is said.
        with uploads.path(sha256).open("rb") as file:
            result, _ = run_import(store, file, asked, now=now)
        uploads.drop(sha256)
        return import_document(result)

    return write
