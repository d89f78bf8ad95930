"""A Shopify orders export as the shop writes it: 79 columns, one row a line item, the order on its first row only."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

HEADER = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at", "Accepts Marketing",
    "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code", "Discount Amount", "Shipping Method",
    "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem compare at price", "Lineitem sku",
    "Lineitem requires shipping", "Lineitem taxable", "Lineitem fulfillment status", "Billing Name", "Billing Street",
    "Billing Address1", "Billing Address2", "Billing Company", "Billing City", "Billing Zip", "Billing Province",
    "Billing Country", "Billing Phone", "Shipping Name", "Shipping Street", "Shipping Address1", "Shipping Address2",
    "Shipping Company", "Shipping City", "Shipping Zip", "Shipping Province", "Shipping Country", "Shipping Phone",
    "Notes", "Note Attributes", "Cancelled at", "Payment Method", "Payment Reference", "Refunded Amount", "Vendor",
    "Outstanding Balance", "Employee", "Location", "Device ID", "Id", "Tags", "Risk Level", "Source",
    "Lineitem discount", "Tax 1 Name", "Tax 1 Value", "Tax 2 Name", "Tax 2 Value", "Tax 3 Name", "Tax 3 Value",
    "Tax 4 Name", "Tax 4 Value", "Tax 5 Name", "Tax 5 Value", "Phone", "Receipt Number", "Duties",
    "Billing Province Name", "Shipping Province Name", "Payment ID", "Payment Terms Name", "Next Payment Due At",
    "Payment References",
)  # fmt: skip


def item(sku: str = "OAT-1", quantity: object = 2, price: object = "12.50", **cells: str) -> dict[str, str]:
    return {
        "Lineitem quantity": str(quantity), "Lineitem name": f"Product {sku}", "Lineitem price": str(price),
        "Lineitem sku": sku, "Lineitem requires shipping": "true", "Lineitem taxable": "true",
        "Lineitem fulfillment status": "pending", "Vendor": "Example Wholesale",
    } | cells  # fmt: skip


def order(number: int, *items: dict[str, str], **cells: str) -> list[dict[str, str]]:
    """The rows of order #number. `cells` are the order's, by their names with _ for blanks."""
    email = f"buyer{number}@cafe.example"
    head = {
        "Financial Status": "paid", "Paid at": "2024-05-01 09:58:13 +0000", "Fulfillment Status": "unfulfilled",
        "Accepts Marketing": "yes", "Currency": "EUR", "Subtotal": "22.50", "Shipping": "5.90", "Taxes": "4.35",
        "Total": "28.40", "Discount Code": "SPRING", "Discount Amount": "2.50", "Shipping Method": "Standard",
        "Created at": "2024-05-01 09:58:12 +0000", "Billing Name": f"Buyer {number}",
        "Billing Address1": f"Testgatan {number}", "Billing City": "Helsinki", "Billing Zip": "'00100",
        "Billing Country": "FI", "Shipping Name": f"Buyer {number}", "Shipping Street": f"Testgatan {number}, A 3",
        "Shipping Address1": f"Testgatan {number}", "Shipping Address2": "A 3", "Shipping City": "Helsinki",
        "Shipping Zip": "'00100", "Shipping Country": "FI", "Shipping Phone": "'+358 99 555 0100",
        "Notes": 'Ring twice,\nthen wait; "really"', "Id": str(5_000_000_000 + number), "Source": "web",
        "Refunded Amount": "0.00", "Outstanding Balance": "0.00", "Risk Level": "Low",
    }  # fmt: skip
    head |= {name.replace("_", " "): cell for name, cell in cells.items()}
    rows = []
    for index, each in enumerate(items or (item(),)):
        rows.append({"Name": f"#{number}", "Email": email} | (head if index == 0 else {}) | each)
    return rows


def as_export(orders: Sequence[Sequence[dict[str, str]]], *, header: Sequence[str] = HEADER) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for rows in orders:
        writer.writerows([row.get(name, "") for name in header] for row in rows)
    return out.getvalue().encode()


def many(count: int, *, seed: int = 1) -> tuple[bytes, int, int]:
    """An export of `count` orders of 1 to 4 lines, one in ten of which needs nothing; (file, open orders, lines)."""
    chance = random.Random(seed)
    orders, still, lines = [], 0, 0
    for number in range(1001, 1001 + count):
        skus = chance.sample(range(400), chance.randint(1, 4))
        items = [item(f"SKU-{n}", chance.randint(1, 24), f"{chance.randint(100, 9000) / 100:.2f}") for n in skus]
        at = datetime(2024, 5, 1, 9, 58, tzinfo=UTC) + timedelta(minutes=7 * (number - 1001))
        cells = {"Created_at": f"{at:%Y-%m-%d %H:%M:%S} +0000"}
        if number % 10 == 0:
            cells |= chance.choice(
                [
                    {"Cancelled_at": "2024-05-02 08:00:00 +0000", "Financial_Status": "voided"},
                    {"Financial_Status": "refunded"},
                    {"Fulfillment_Status": "fulfilled", "Fulfilled_at": "2024-05-03 08:00:00 +0000"},
                ]
            )
        else:
            still, lines = still + 1, lines + len(items)
        orders.append(order(number, *items, **cells))
    return as_export(orders), still, lines
