"""How headers that are not ours are read, as the import page lists it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from data.store.imports import ColumnMapping, ImportStore
from data.tables import user


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedHeader:
    """`who` said it: a person's name, or the actor's word."""

    mapping: ColumnMapping
    who: str


def remembered_headers(connection: Connection, kind: str) -> list[RememberedHeader]:
    """Those of one kind of file, the latest first."""
    names = {f"user:{row.id}": row.name or row.email for row in connection.execute(select(user))}
    return [
        RememberedHeader(mapping=one, who=names.get(one.by, one.by))
        for one in ImportStore(connection).mappings()
        if one.kind == kind
    ]
