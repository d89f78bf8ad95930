"""The bytes of photos and signatures that no proof has any more are removed from where they are kept."""

from __future__ import annotations

from data.db import Database
from data.files import FileStore
from data.store import SqlStore, open_store


def remove_erased(database: Database, files: FileStore) -> int:
    """Removes what is marked as erased and lies there still; returns how many files that were.

    What an earlier run marked and then broke off before is found again here. Each is removed while its row is locked:
    a report that brings the same picture waits for that, and then keeps its bytes anew (web/driver).
    """
    with database.reading() as connection:
        left = [sha256 for sha256 in SqlStore(connection).erased_files() if sha256 in files]
    removed = 0
    for sha256 in left:
        with open_store(database) as store:
            if store.locks_erased(sha256):
                files.erase(sha256)
                removed += 1
    return removed
