"""Amounts on every page: the same decimals as in files and in the database."""

from __future__ import annotations

import pytest

from data.importers.cells import Cells
from data.importers.table import Row
from web.formats import money, with_days_written


@pytest.mark.parametrize(
    ("written", "currency", "shown"),
    [("12.50", "EUR", "€12.50"), ("1250", "JPY", "¥1,250"), ("12.500", "KWD", "KWD12.500")],
)
def test_what_a_file_says_is_what_a_page_says(written: str, currency: str, shown: str) -> None:
    cells = Cells(Row(number=2, cells={"price": written}))
    assert money(cells.money("price", currency), currency) == shown


@pytest.mark.parametrize(("currency", "most"), [("EUR", "1000000"), ("JPY", "100000000"), ("KWD", "100000")])
def test_too_dear_a_price_is_told_the_limit_in_its_own_currency(currency: str, most: str) -> None:
    cells = Cells(Row(number=2, cells={"price": "100000001", "limit": most}))
    assert (cells.money("price", currency), cells.money("limit", currency)) == (0, 100_000_000), "the limit itself fits"
    assert cells.faults == [f"column price: 100000001 is out of range: write 0 to {most}"]


def test_a_kept_reason_is_shown_with_its_days_as_people_write_them() -> None:
    assert with_days_written("inbound IN-1 comes on 2026-03-12") == "inbound IN-1 comes on Thu 12 Mar"
    for other in ("PO-2026-03-12", "2026-13-40", "asks for another day", ""):
        assert with_days_written(other) == other
