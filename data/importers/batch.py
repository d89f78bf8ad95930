"""What every import notes about itself: the file, what it did, by whom."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import insert

from data.store import SqlStore
from data.tables import import_batch
from routing.model.imports import ImportResult

MOST_WARNINGS = 20
"""Sentences about orders that fall apart; the tasks have them all."""


def note_import(
    store: SqlStore, result: ImportResult, file: BinaryIO, *, file_name: str, now: datetime, by: str
) -> None:
    """Keeps a row about an import that changed something. One that changed nothing leaves nothing.

    Puts the faults into the order of the file's rows.
    """
    result.errors.sort(key=lambda error: error.row)
    if result.dry_run or not (result.created or result.changed or result.tasks):
        return
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    counts = {
        "created": result.created,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "lines": result.lines,
        "tasks": result.tasks,
        "errors": len(result.errors) + result.errors_left_off,
    }
    store.connection.execute(
        insert(import_batch).values(
            kind=result.kind,
            file_name=file_name,
            sha256=digest.hexdigest(),
            counts=counts,
            by=by,
            at=now,
        )
    )
