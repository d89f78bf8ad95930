"""The one MetaData, and the column kinds that all tables share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, String, TypeDecorator
from sqlalchemy.engine import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. Goes in zoned, comes out zoned; a naive datetime is refused: nobody knows what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: pass a zoned datetime.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def refers(name: str, target: str, *, nullable: bool = False, index: bool = True) -> Column[Any]:
    """A foreign key, indexed because every one of them is followed backwards by some page."""
    return Column(name, Integer, ForeignKey(f"{target}.id"), nullable=nullable, index=index)


def word(name: str, *, default: str | None = None, nullable: bool = False) -> Column[str]:
    """A short text: a state, a code, a name."""
    return Column(name, String, nullable=nullable, default=default, server_default=default)


def count(name: str, *, default: int | None = 0, nullable: bool = False) -> Column[int]:
    return Column(
        name,
        Integer,
        nullable=nullable,
        default=default,
        server_default=None if default is None else str(default),
    )


def version() -> Column[int]:
    """Counts edits by people; a form that was opened on an older version is a conflict."""
    return Column("version", Integer, nullable=False, default=1, server_default="1")
