"""Reads what was counted on the vans in the evening: goods by SKU, cash by currency.

One row a van and SKU, `vehicle,sku,counted,,`, or a van and its cash, `vehicle,,,112.50,EUR`. `vehicle` is the name or
number of the vehicle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from data.importers.table import Row, read_table
from routing.errors import FileRefused
from routing.model.money import minor_digits

COLUMNS = ("vehicle", "sku", "counted", "cash", "currency")
NEEDED = ("vehicle", "sku", "counted")
MOST_SHOWN = 5
MOST_COUNTED = 1_000_000
"""Base units of one SKU on one van; above it, it is a slip of the finger."""
LONGEST_COUNT = 20
"""Digits. Of a number of thousands of them no integer is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VanCount:
    """Base units by product, minor units by currency."""

    goods: dict[int, int] = field(default_factory=dict)
    cash: dict[str, int] = field(default_factory=dict)


def read_counts(file: BinaryIO, *, vehicles: Mapping[str, int], products: Mapping[str, int]) -> dict[int, VanCount]:
    """The counts by vehicle. `vehicles` and `products` give keys by what a person may write.

    A count is taken whole or not at all: raises FileRefused naming the first faulty rows, and nothing is used.
    """
    found: dict[int, VanCount] = defaultdict(VanCount)
    faults: list[str] = []
    for row in read_table(file, kind="counts", columns=COLUMNS, needed=NEEDED):
        wrong = row.fault or _take(row, found, vehicles, products)
        if wrong:
            faults.append(f"row {row.number}: {wrong}")
    if faults:
        more = f" And {len(faults) - MOST_SHOWN} more." if len(faults) > MOST_SHOWN else ""
        raise FileRefused(
            f"The counts file was not used. {'; '.join(faults[:MOST_SHOWN])}.{more} Mend it and close again.",
            code="counts_refused",
        )
    return dict(found)


def _take(row: Row, found: dict[int, VanCount], vehicles: Mapping[str, int], products: Mapping[str, int]) -> str:
    cells = row.cells
    vehicle_id = vehicles.get(cells["vehicle"])
    if vehicle_id is None:
        return f'no van named "{cells["vehicle"][:40]}" went out that day'
    count = found[vehicle_id]
    if cells["sku"]:
        product_id = products.get(cells["sku"])
        if product_id is None:
            return f'there is no SKU "{cells["sku"][:40]}"'
        if not (cells["counted"].isascii() and cells["counted"].isdecimal()):
            return f'"{cells["counted"][:20]}" is no count of {cells["sku"]}: write a whole number of 0 or more'
        if len(cells["counted"]) > LONGEST_COUNT or int(cells["counted"]) > MOST_COUNTED:
            return f'"{cells["counted"][:20]}" of {cells["sku"]} is more than a van carries: check the number'
        if product_id in count.goods:
            return f"{cells['sku']} was counted twice on {cells['vehicle']}: write the sum in one row"
        count.goods[product_id] = int(cells["counted"])
        return ""
    cash, currency = cells.get("cash", ""), cells.get("currency", "")
    if not cash or not currency:
        return "it names neither a SKU with its count nor cash with its currency"
    amount = minor_units(cash, currency)
    if amount is None:
        return f'"{cash[:20]}" is no amount: write it like 112.50'
    if currency in count.cash:
        return f"the cash of {cells['vehicle']} was counted twice: write the sum in one row"
    count.cash[currency] = amount
    return ""


MOST_CASH = 10_000_000
"""What no driver carries home: above it, it is a slip of the finger or nonsense."""


def minor_units(text: str, currency: str) -> int | None:
    """112.50 or 112,50 as 11250; None when it is no amount of 0 or more with the currency's decimals at most.

    >>> minor_units("112,50", "EUR"), minor_units("112", "JPY"), minor_units("112.50", "JPY")
    (11250, 112, None)
    """
    digits = minor_digits(currency)
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    fits = amount.is_finite() and 0 <= amount < MOST_CASH and amount == round(amount, digits)
    return int(amount.scaleb(digits)) if fits else None
