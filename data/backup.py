"""Backup and restore: one file for both databases, written while the installation runs.

A backup is a zip: `backup.json` (what it is), `tables/<table>.jsonl` (a JSON object a row, from one moment of the
database), `files/<sha256>`, `secret`. It holds everything, so it is readable by its owner only. What was backed up from
SQLite can be restored into PostgreSQL, and the other way round.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    LargeBinary,
    Table,
    bindparam,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError, StatementError

from data.db import Database
from data.files import FolderFiles
from data.migrate import newest_version, schema_version, upgrade_within
from data.tables import Moment, file, metadata
from routing.errors import Conflict, FileRefused, NotFound

FORMAT = 1
_BATCH = 500
_FILE = re.compile(r"files/[0-9a-f]{64}")
_LARGEST_FILE = 256 * 2**20
_LONGEST_ROW = 64 * 2**20
"""Bytes. What is longer was not written by us, and is not read into memory: it may be a bomb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a backup holds. `missing`: files whose row says they exist and whose bytes do not."""

    rows: Mapping[str, int]
    files: int
    missing: tuple[str, ...] = ()


def backup(*, database: Database, files: FolderFiles, secret: bytes, into: Path, now: datetime) -> Kept:
    """Writes the backup at `into`, in place of what is there, whole or not at all. Writers go on meanwhile."""
    into.parent.mkdir(parents=True, exist_ok=True)
    aside = into.with_name(f".{into.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                kept = _write(archive, database, files, secret, now)
            raw.flush()
            os.fsync(raw.fileno())
        aside.replace(into)
    finally:
        aside.unlink(missing_ok=True)
    return kept


def _write(archive: zipfile.ZipFile, database: Database, files: FolderFiles, secret: bytes, now: datetime) -> Kept:
    rows: dict[str, int] = {}
    wanted: list[str] = []
    with database.reading() as connection:
        for table in metadata.sorted_tables:
            with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as lines:
                rows[table.name] = 0
                for row in _rows(connection, table):
                    rows[table.name] += 1
                    lines.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        wanted.extend(connection.scalars(select(file.c.sha256).where(file.c.erased_at.is_(None))))
    missing = []
    for sha256 in wanted:
        try:
            archive.writestr(f"files/{sha256}", files.read(sha256), zipfile.ZIP_STORED)  # photos are compressed already
        except NotFound:
            missing.append(sha256)
    archive.writestr("secret", secret.hex())
    about = {
        "format": FORMAT,
        "schema": schema_version(database),
        "made_at": now.isoformat(),
        "rows": rows,
        "files": len(wanted) - len(missing),
    }
    archive.writestr("backup.json", json.dumps(about, indent=2))
    return Kept(rows=rows, files=len(wanted) - len(missing), missing=tuple(missing))


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    every = select(table).order_by(table.c.id)
    with connection.execute(every, execution_options={"yield_per": _BATCH}) as found:
        for row in found.mappings():
            yield {column.name: _plain(row[column.name]) for column in table.columns}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


# ---------------------------------------------------------------------------- restore


def restore(*, source: Path, home: Path, url: str, force: bool = False) -> Kept:
    """Brings the backup back into `home` and the database at `url`, all or nothing.

    Raises FileRefused when the file is no backup of ours or is damaged; Conflict when there is an installation in the
    way and `force` is not given, or when the backup was made by another version.
    """
    with _opened(source) as archive:
        disk = next(folder for folder in (home, *home.parents) if folder.is_dir())
        about = _about(archive, source, room=shutil.disk_usage(disk).free)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = Database(url)
        try:
            if not force and _occupied(target):
                raise Conflict(
                    f"There is an installation in {home} already. Restore into an empty folder (BACKROUTE_HOME=/path), "
                    "or give --force to replace it.",
                    code="occupied",
                )
            staged = home / f".restoring-{secrets.token_hex(4)}"
            try:
                count = _stage_files(archive, staged)
                _restore_database(archive, target, staged, about["rows"])
                shutil.copytree(staged / "files", home / "files", dirs_exist_ok=True)
                (staged / "secret").replace(home / "secret")
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        finally:
            target.close()
    return Kept(rows=about["rows"], files=count)


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except FileNotFoundError:
        raise FileRefused(f"There is no file {source}.", code="no_file") from None
    except (zipfile.BadZipFile, OSError) as problem:
        raise FileRefused(f"{source} is no backup, or it is damaged: {problem}. Use another one.") from problem


def _about(archive: zipfile.ZipFile, source: Path, *, room: int) -> dict[str, Any]:
    """What the backup says of itself, once nothing about the file contradicts it. `room`: bytes free in the home."""
    try:
        about = json.loads(archive.read("backup.json")) if _size(archive, "backup.json") <= _LONGEST_ROW else None
    except (KeyError, ValueError, RecursionError, zipfile.BadZipFile):
        about = None
    if not isinstance(about, dict):
        raise FileRefused(f"{source} is no backup of Backroute. Use one that `backroute backup` wrote.")
    if about.get("format") != FORMAT or about.get("schema") != newest_version():
        raise Conflict(
            f"{source} was made by another version of Backroute (schema {about.get('schema')}; this one has "
            f"{newest_version()}). Restore it with that version, then upgrade.",
            code="other_version",
        )
    rows = about.get("rows")
    if not isinstance(rows, dict) or set(rows) != set(metadata.tables):
        raise FileRefused(f"{source} does not say how many rows of each table it holds. Use another backup.")
    ours = {"backup.json", "secret", *(f"tables/{name}.jsonl" for name in metadata.tables)}
    names = archive.namelist()
    strange = next((name for name in names if name not in ours and not _FILE.fullmatch(name)), None)
    lacking = next((name for name in sorted(ours) if name not in names), None)
    if strange is not None or lacking is not None or len(set(names)) < len(names):
        what = f"lacks {lacking}" if lacking else f"holds {strange[:60]!r}, which is none of ours" if strange else ""
        raise FileRefused(f"{source} {what or 'holds something twice'}: it was changed. Use another backup.")
    needed = sum(entry.file_size for entry in archive.infolist())
    if needed > room:
        raise FileRefused(
            f"{source} holds {needed / 2**20:,.0f} MiB and there is room for {room / 2**20:,.0f}. Make room, or use "
            "another backup.",
            code="no_room",
        )
    damaged = archive.testzip()
    if damaged is not None:
        raise FileRefused(f"{source} is damaged at {damaged}. Use another backup.")
    return about


def _size(archive: zipfile.ZipFile, name: str) -> int:
    return archive.getinfo(name).file_size


def _occupied(database: Database) -> bool:
    if database.is_sqlite:
        path = Path(str(database.url.database))
        if not path.exists() or path.stat().st_size == 0:
            return False
    with database.reading() as connection:
        return bool(set(inspect(connection).get_table_names()) & set(metadata.tables))


def _stage_files(archive: zipfile.ZipFile, staged: Path) -> int:
    staged.mkdir(mode=0o700)
    folder = FolderFiles(staged / "files")
    folder.folder.mkdir()
    count = 0
    for name in archive.namelist():
        if name.startswith("files/"):
            content = archive.read(name) if _size(archive, name) <= _LARGEST_FILE else b""
            if folder.write(content) != name.removeprefix("files/"):
                raise FileRefused(f"The backup's {name} is not what its name says: it was changed. Use another backup.")
            count += 1
    secret = archive.read("secret") if _size(archive, "secret") == 64 else b""
    if not re.fullmatch(rb"[0-9a-f]{64}", secret):
        raise FileRefused("The backup's secret is none of ours: it was changed. Use another backup.")
    with os.fdopen(os.open(staged / "secret", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
        kept.write(secret)
    return count


def _restore_database(archive: zipfile.ZipFile, target: Database, staged: Path, rows: Mapping[str, int]) -> None:
    if not target.is_sqlite:
        with target.writing() as connection:  # everything in one transaction
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
            metadata.drop_all(connection)
            _fill(archive, connection, rows)
        return
    aside = Database(f"sqlite:///{staged / 'restored.db'}")
    try:
        with aside.writing() as connection:
            _fill(archive, connection, rows)
        with aside.writer.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                raw.execute("PRAGMA journal_mode=DELETE")
    finally:
        aside.close()
    path = Path(str(target.url.database))
    _refuse_in_use(path)
    target.close()
    for left in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        left.unlink(missing_ok=True)  # they belong to the database that is replaced
    (staged / "restored.db").replace(path)


def _refuse_in_use(path: Path) -> None:
    """Raises Conflict while a server or a command has the database open: it would go on writing into the old one."""
    if not path.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # only the last one that has it open may
    except sqlite3.OperationalError as problem:
        if "locked" in str(problem):
            raise Conflict(
                f"{path} is in use. Stop its server and every command, then restore again.", code="in_use"
            ) from None
    except sqlite3.DatabaseError:
        pass  # it is damaged: that is why it is replaced


def _fill(archive: zipfile.ZipFile, connection: Connection, rows: Mapping[str, int]) -> None:
    upgrade_within(connection)
    for table in metadata.sorted_tables:
        try:
            filled = _fill_table(archive, connection, table)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError, StatementError) as problem:
            if isinstance(problem, OperationalError):
                raise  # the database is at fault, not the backup
            said = str(getattr(problem, "orig", None) or problem).partition("\n")[0][:120]
            raise FileRefused(
                f"The backup's rows of {table.name} do not fit ({said}): it was changed or is damaged. "
                "Use another backup.",
                code="rows_damaged",
                table=table.name,
            ) from problem
        if filled != rows[table.name]:
            raise FileRefused(
                f"The backup holds {filled} rows of {table.name} and says it holds {rows[table.name]}: it was changed. "
                "Use another backup.",
                code="rows_damaged",
                table=table.name,
            )


def _rows_of(archive: zipfile.ZipFile, table: Table) -> Iterator[dict[str, Any]]:
    """Raises ValueError when a row is none of this table."""
    names = {column.name for column in table.columns}
    readers = {column.name: _reader(column) for column in table.columns}
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        while line := lines.readline(_LONGEST_ROW):
            row = json.loads(line)
            if not isinstance(row, dict) or set(row) != names:
                raise ValueError("a row has other columns")
            yield {name: readers[name](value) for name, value in row.items()}


def _fill_table(archive: zipfile.ZipFile, connection: Connection, table: Table) -> int:
    """Writes the table's rows; returns how many."""
    count = 0
    own = [column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
    later: list[dict[str, Any]] = []
    batch: list[dict[str, Any]] = []
    statement = insert(table).values(
        {column.name: bindparam(column.name, type_=_bound(column)) for column in table.columns}
    )
    for row in _rows_of(archive, table):
        count += 1
        # A row may refer to a later one of its own table: those are joined when all are there.
        if any(row[column.name] is not None for column in own):
            later.append({"key": row["id"], **{f"to_{column.name}": row[column.name] for column in own}})
            row |= {column.name: None for column in own}
        batch.append(row)
        if len(batch) == _BATCH:
            connection.execute(statement, batch)
            batch = []
    if batch:
        connection.execute(statement, batch)
    if later:
        joined: dict[str, Any] = {column.name: bindparam(f"to_{column.name}") for column in own}
        connection.execute(update(table).where(table.c.id == bindparam("key")).values(joined), later)
    if connection.dialect.name == "postgresql":
        highest = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        if highest:
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :highest)"),
                {"name": table.name, "highest": highest},
            )
    return count


def _bound(column: Column[Any]) -> Any:
    """JSON columns keep SQL's NULL apart from JSON's null; what was None is NULL."""
    return JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Moment):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if isinstance(column.type, LargeBinary):
        return lambda value: None if value is None else base64.b64decode(value)
    return lambda value: value
