"""The columns of a file are one list: what its importer reads, its template, and what the README explains."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from data.db import Database
from data.importers import counts, receipts, table
from data.importers.columns import WORDS, as_markdown, columns_of
from data.importers.kinds import KINDS
from data.importers.table import Row
from data.store import open_store
from routing.errors import Conflict
from tests.data.backorders.test_partial_files import EVERY_COLUMN, Rows

README = Path(__file__).resolve().parents[3] / "data" / "demo" / "README.md"

TEMPLATES = {name: kind.columns for name, kind in KINDS.items()} | {
    "receipts": receipts.COLUMNS,
    "vans": counts.COLUMNS,
}
OTHERS: dict[str, Rows] = {
    "counts": [{"depot": "NORTH", "sku": "OAT-1", "counted": "0"}],
    "released": [{"release": "R-1", "day": "2026-05-20", "order": "E-1", "customer": "C-1", "depot": "NORTH",
                  "sku": "OAT-1", "quantity": "1"}],
    "receipts": [{"number": "R-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "1"}],
    "vans": [{"vehicle": "Van 1", "sku": "OAT-1", "counted": "1"},
             {"vehicle": "Van 1", "cash": "1", "currency": "EUR"}],
}  # fmt: skip
ROWS_OF = EVERY_COLUMN | OTHERS


class Asked(dict[str, str]):
    """Cells that note which of them somebody asks for."""

    def __init__(self, cells: dict[str, str], names: set[str]) -> None:
        super().__init__(cells)
        self.names = names

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_template_of_a_file_has_every_column_that_is_read_and_no_other(
    sqlite_url: str, kind: str, monkeypatch: pytest.MonkeyPatch, now: Any
) -> None:
    asked: set[str] = set()

    def noting(**said: Any) -> Row:
        return Row(**said | {"cells": Asked(said["cells"], asked)})

    database = Database(sqlite_url)
    with open_store(database) as store:
        store.set_company(name="Example", currency="EUR", zone="Europe/Helsinki")
    for name in ("fleet", "suppliers", "products", "customers"):
        take(database, name, EVERY_COLUMN[name], now)
    monkeypatch.setattr(table, "Row", noting)
    take(database, kind, ROWS_OF[kind], now)
    assert asked == set(TEMPLATES[kind])
    database.close()


def take(database: Database, kind: str, rows: Rows, now: Any) -> None:
    columns = TEMPLATES[kind]
    content = "\n".join([",".join(columns), *(",".join(f'"{row.get(n, "")}"' for n in columns) for row in rows)])
    file = io.BytesIO(content.encode())
    with open_store(database) as store:
        if kind == "receipts":
            receipts.read_receipts(store, file, now=now)
        elif kind == "vans":
            counts.read_counts(file, vehicles={"Van 1": 1}, products={"OAT-1": 1})
        else:
            with suppress(Conflict):  # no ERP allocates here; its file is read before that is said
                KINDS[kind].work(store, file, now=now, by="test")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_column_is_explained_in_the_order_of_its_template(kind: str) -> None:
    assert tuple(WORDS[kind]) == tuple(TEMPLATES[kind])
    assert [each.name for each in columns_of(kind) if each.needed] == [
        name for name in TEMPLATES[kind] if name in _needed(kind)
    ]


def _needed(kind: str) -> tuple[str, ...]:
    return tuple({"receipts": receipts.NEEDED, "vans": counts.NEEDED}.get(kind) or KINDS[kind].needed)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_readme_of_the_demo_explains_every_column(kind: str) -> None:
    assert as_markdown(kind) in README.read_text(encoding="utf-8")
