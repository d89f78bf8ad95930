"""Goods: products, supply, who it is allocated to, and the ledger of where it is."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Index, Integer, Table, UniqueConstraint, false

from data.tables.base import Moment, count, key, metadata, refers, version, word

product = Table(
    "product",
    metadata,
    key(),
    word("source", default="own"),
    word("number"),  # the SKU
    word("name"),
    word("barcode", default=""),  # what a scanner reads off it: a GTIN or whatever stands there
    word("unit", default="pcs"),
    count("case_pack", default=1),
    count("pallet_pack", default=0),
    count("weight_g", default=None, nullable=True),  # per base unit; None: not known, blocks planning
    count("volume_cm3", default=None, nullable=True),
    count("pieces", default=1),
    count("price", default=0),
    word("currency", default=""),
    refers("supplier_id", "supplier", nullable=True),
    # A crate, keg or pallet that customers give back, also one that none of our deliveries brought.
    Column("returnable", Boolean, nullable=False, default=False, server_default=false()),
    version(),
    UniqueConstraint("source", "number"),
    CheckConstraint("case_pack >= 1", name="case_pack"),
    Index("ix_product_barcode", "barcode"),
)

product_supplier = Table(
    "product_supplier",  # who can bring a product, beside those who did
    metadata,
    key(),
    refers("product_id", "product"),
    refers("supplier_id", "supplier"),
    UniqueConstraint("product_id", "supplier_id"),
)

product_substitute = Table(
    "product_substitute",  # what may go out instead: `gives` units of the substitute for `replaces` of the product
    metadata,
    key(),
    refers("product_id", "product"),
    refers("substitute_id", "product"),
    count("gives", default=1),
    count("replaces", default=1),
    count("preference", default=1),  # 1 is asked for first
    UniqueConstraint("product_id", "substitute_id"),
    CheckConstraint("product_id <> substitute_id", name="another"),
    CheckConstraint("gives >= 1 AND replaces >= 1", name="ratio"),
)

shelf_count = Table(
    "shelf_count",  # what a file of counts said last: said again, it is no new count
    metadata,
    key(),
    refers("depot_id", "depot"),
    refers("product_id", "product"),
    count("counted", default=None),
    word("by"),
    Column("at", Moment, nullable=False),
    UniqueConstraint("depot_id", "product_id"),
)

supply = Table(
    "supply",
    metadata,
    key(),
    word("kind"),  # inbound | receipt
    word("source", default="own"),
    word("number"),
    refers("depot_id", "depot"),
    refers("product_id", "product"),
    refers("supplier_id", "supplier", nullable=True),
    refers("inbound_id", "supply", nullable=True),  # the inbound that this receipt fulfils
    Column("quantity", Integer, nullable=False),
    count("quarantined", default=0),  # of `quantity`, not sellable
    count("received", default=0),  # of an inbound: already counted in by receipts
    count("closed_short", default=0),  # of an inbound: will not come
    Column("expected_at", Moment),
    Column("counted_at", Moment),
    Column("cancelled_at", Moment),
    Column("said", JSON(none_as_null=True)),  # of an inbound: quantity and date as its file said them last
    version(),
    UniqueConstraint("source", "kind", "number", "product_id"),
    CheckConstraint("kind IN ('inbound', 'receipt')", name="kind"),
    CheckConstraint("quantity >= 0", name="quantity"),
    CheckConstraint("quarantined >= 0 AND quarantined <= quantity", name="quarantined"),
    CheckConstraint("received >= 0", name="received"),
    Index("ix_supply_sku_depot", "product_id", "depot_id"),
)

allocation = Table(
    "allocation",
    metadata,
    key(),
    refers("supply_id", "supply"),
    refers("order_line_id", "order_line"),
    # Where the units of this promise are. They add up to `quantity`; the line's state is derived from them.
    Column("quantity", Integer, nullable=False),
    count("allocated", default=0),
    count("released", default=0),
    count("picked", default=0),
    count("loaded", default=0),
    count("delivered", default=0),
    count("short", default=0),
    count("refused", default=0),
    count("damaged", default=0),
    Column("at", Moment, nullable=False),
    UniqueConstraint("supply_id", "order_line_id"),
    CheckConstraint("quantity >= 0", name="quantity"),
    CheckConstraint(
        "allocated >= 0 AND released >= 0 AND picked >= 0 AND loaded >= 0 AND delivered >= 0"
        " AND short >= 0 AND refused >= 0 AND damaged >= 0",
        name="states",
    ),
    CheckConstraint(
        "allocated + released + picked + loaded + delivered + short + refused + damaged = quantity",
        name="adds_up",
    ),
)

movement = Table(
    "movement",  # append-only: where goods went
    metadata,
    key(),
    Column("at", Moment, nullable=False, index=True),
    refers("product_id", "product", index=False),
    Column("quantity", Integer, nullable=False),
    word("from_place"),  # supplier | customer | depot:1 | vehicle:3 | quarantine:1
    word("to_place"),  # depot:1 | vehicle:3 | delivered | returned:1 | quarantine:1 | lost
    refers("allocation_id", "allocation", nullable=True),
    refers("delivery_id", "delivery", nullable=True),
    refers("supply_id", "supply", nullable=True),
    word("why"),
    word("by"),
    CheckConstraint("quantity > 0", name="quantity"),
    # Whole, because the figures ask of every product whether any of it was on a shelf.
    Index("ix_movement_of_product", "product_id", "at", "from_place", "to_place", "quantity"),
)
