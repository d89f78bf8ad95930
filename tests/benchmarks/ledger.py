"""A ledger of 100,000 open lines over 5,000 SKUs, written in bulk: what the speed of the promise is measured on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from data import tables
from routing.model.stock import Receipt

NOW = datetime(2026, 5, 12, 2, 40, tzinfo=UTC)
CUSTOMERS = 3_000
DAYS = ("mon,tue,wed,thu,fri", "tue,thu", "mon,wed,fri", "mon,thu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The keys that a measurement needs. `trucks` are the dated inbound rows of the first depot by product."""

    depots: tuple[int, ...]
    products: tuple[int, ...]
    trucks: dict[int, int]
    lines: int

    def receipt(self, number: str, skus: int, *, seed: int = 1) -> list[Receipt]:
        """A truck with `skus` SKUs at the first depot, each counted short of its inbound."""
        chosen = sorted(random.Random(seed).sample(sorted(self.trucks), skus))
        return [
            Receipt(
                number=number,
                depot_id=self.depots[0],
                product_id=product_id,
                sku=f"P{product_id:05d}",
                quantity=60,
                counted_at=NOW,
                inbound_id=self.trucks[product_id],
            )
            for product_id in chosen
        ]


def write_ledger(connection: Connection, *, lines: int, skus: int, depots: int = 1, seed: int = 7) -> Ledger:
    """Orders of 1 to 12 lines; three tiers; 15 % ship complete and 5 % per line; 5 % of the customers never lose and
    10 % may give up stock; 30 customers with a policy of their own; stock for a third, inbound for most of the rest."""
    chance = random.Random(seed)

    def add(table: Any, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), 10_000):
            connection.execute(insert(table), rows[start : start + 10_000])

    add(tables.company, [{"id": 1, "name": "Example", "currency": "EUR", "zone": "Europe/Helsinki"}])
    depot_ids = tuple(range(1, depots + 1))
    add(
        tables.depot,
        [{"id": key, "number": f"D{key}", "name": f"Depot {key}", "zone": "Europe/Helsinki"} for key in depot_ids],
    )
    add(
        tables.product,
        [
            {"id": key, "number": f"P{key:05d}", "name": f"Product {key}", "case_pack": chance.choice((1, 6, 12))}
            for key in range(1, skus + 1)
        ],
    )
    ranks = ["never_loses"] * 5 + ["may_give_up"] * 10 + ["normal"] * 85
    add(
        tables.customer,
        [
            {
                "id": key,
                "number": f"C{key}",
                "name": f"Café {key}",
                "tier": chance.choice((1, 1, 2, 3)),
                "rank_rule": chance.choice(ranks),
            }
            for key in range(1, CUSTOMERS + 1)
        ],
    )
    add(
        tables.site,
        [
            {
                "id": key,
                "customer_id": key,
                "number": f"S{key}",
                "name": f"Café {key}",
                "address": "Testgatan 1",
                "delivery_days": chance.choice(DAYS),
            }
            for key in range(1, CUSTOMERS + 1)
        ],
    )
    add(
        tables.policy,
        [
            {
                "scope": "customer",
                "scope_id": key * 100,
                "name": "completeness" if key % 2 else "rank_rule",
                "value": "complete" if key % 2 else "may_give_up",
                "effective_from": "2026-01-01",
                "by": "bench",
                "at": NOW,
            }
            for key in range(1, 31)
        ],
    )
    ships = ["complete"] * 15 + ["per_line"] * 5 + ["partial"] * 80
    orders: list[dict[str, Any]] = []
    order_lines: list[dict[str, Any]] = []
    while len(order_lines) < lines:
        key = len(orders) + 1
        customer_id = chance.randint(1, CUSTOMERS)
        orders.append(
            {
                "id": key,
                "number": f"SO-{key}",
                "customer_id": customer_id,
                "site_id": customer_id,
                "depot_id": chance.choice(depot_ids),
                "ordered_at": NOW - timedelta(minutes=chance.randint(60, 60 * 24 * 30)),
                "wanted_on": chance.choice(("", "", "", "2026-05-20", "2026-07-01")),
                "completeness": chance.choice(ships),
                "currency": "EUR",
            }
        )
        wanted = chance.sample(range(1, skus + 1), min(chance.randint(1, 12), lines - len(order_lines)))
        order_lines += [
            {
                "id": len(order_lines) + n,
                "order_id": key,
                "number": str(n),
                "product_id": product_id,
                "quantity": 6 * chance.randint(1, 8),
                "unit_price": chance.randint(50, 900),
            }
            for n, product_id in enumerate(wanted, start=1)
        ]
    add(tables.order, orders)
    add(tables.order_line, order_lines)
    supplies: list[dict[str, Any]] = []
    trucks: dict[int, int] = {}
    for depot_id in depot_ids:
        for product_id in range(1, skus + 1):
            kinds = chance.choice((("receipt",), ("receipt", "dated"), ("dated",), ("dated", "dated"), ("undated",)))
            for n, kind in enumerate(kinds):
                key = len(supplies) + 1
                stock = kind == "receipt"
                supplies.append(
                    {
                        "id": key,
                        "kind": "receipt" if stock else "inbound",
                        "number": f"{'R' if stock else 'PO'}-{depot_id}-{product_id}-{n}",
                        "depot_id": depot_id,
                        "product_id": product_id,
                        "quantity": 12 * chance.randint(4, 40 // depots),
                        "counted_at": NOW - timedelta(days=1) if stock else None,
                        "expected_at": NOW + timedelta(days=chance.randint(0, 20)) if kind == "dated" else None,
                    }
                )
                if kind == "dated" and depot_id == depot_ids[0]:
                    trucks.setdefault(product_id, key)
    add(tables.supply, supplies)
    return Ledger(depots=depot_ids, products=tuple(range(1, skus + 1)), trucks=trucks, lines=len(order_lines))
