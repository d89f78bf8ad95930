"""Every kind of file that can be imported: what reads it, and its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data.importers import (
    customers,
    fleet,
    inbound,
    orders,
    products,
    released,
    sites,
    sources,
    stock_counts,
    substitutes,
    suppliers,
)
from routing.model.imports import ImportResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`work` is called as (store, file, now, by, dry_run, file_name, reading). `columns`: all that it reads.

    `needed`: those without which a file is no such file; the others may be missing, and then it says nothing of them.
    `of_all`: needed ones that may be said once for the whole file."""

    name: str
    work: Callable[..., ImportResult]
    columns: Sequence[str]
    needed: Sequence[str]
    of_all: Sequence[str] = ()


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="fleet",
            work=fleet.import_fleet,
            columns=fleet.COLUMNS,
            needed=fleet.NEEDED,
        ),
        Kind(
            name="suppliers",
            work=suppliers.import_suppliers,
            columns=suppliers.COLUMNS,
            needed=suppliers.NEEDED,
        ),
        Kind(
            name="products",
            work=products.import_products,
            columns=products.COLUMNS,
            needed=products.NEEDED,
        ),
        Kind(
            name="customers",
            work=customers.import_customers,
            columns=customers.COLUMNS,
            needed=customers.NEEDED,
        ),
        Kind(
            name="sites",
            work=sites.import_sites,
            columns=sites.COLUMNS,
            needed=sites.NEEDED,
        ),
        Kind(
            name="orders",
            work=orders.import_orders,
            columns=orders.COLUMNS,
            needed=orders.NEEDED,
            of_all=("depot",),
        ),
        Kind(name="inbound", work=inbound.import_inbound, columns=inbound.COLUMNS, needed=inbound.NEEDED),
        Kind(
            name="counts",
            work=stock_counts.import_stock_counts,
            columns=stock_counts.COLUMNS,
            needed=stock_counts.NEEDED,
        ),
        Kind(name="sources", work=sources.import_sources, columns=sources.COLUMNS, needed=sources.NEEDED),
        Kind(
            name="substitutes",
            work=substitutes.import_substitutes,
            columns=substitutes.COLUMNS,
            needed=substitutes.NEEDED,
        ),
        Kind(name="released", work=released.import_released, columns=released.COLUMNS, needed=released.NEEDED),
    )
}
"""In the order in which a new installation takes them: orders name customers and products."""
