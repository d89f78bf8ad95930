"""Long tables read a page at a time, by key: no cursor stays open, and the memory holds one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, Row, Select

PAGE = 1_000


def pages(connection: Connection, query: Select[Any], key: Column[int]) -> Iterator[list[Row[Any]]]:
    """The rows in the order of `key`, in lists of at most PAGE. `query` selects the key as `key`."""
    last = 0
    while True:
        rows = list(connection.execute(query.where(key > last).order_by(key).limit(PAGE)))
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        last = rows[-1].key
