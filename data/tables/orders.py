"""What customers ordered, what they were promised, and what was released to go out."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint, text

from data.tables.base import Moment, count, key, metadata, refers, version, word

order = Table(
    "customer_order",  # ORDER is a word of SQL
    metadata,
    key(),
    word("source", default="own"),
    word("number"),
    refers("customer_id", "customer"),
    refers("site_id", "site"),
    refers("depot_id", "depot"),
    Column("ordered_at", Moment, nullable=False, index=True),
    word("wanted_on", default=""),  # ISO dates in the site's zone; empty: as soon as possible
    word("not_before", default=""),
    word("not_after", default=""),
    word("customer_reference", default=""),
    word("erp_reference", default=""),
    word("completeness", default="partial"),
    count("min_percent", default=0),
    count("min_value", default=0),
    count("max_wait_days", default=None, nullable=True),
    count("max_shipments", default=None, nullable=True),
    count("routing_tier", default=None, nullable=True),  # None: the customer's tier
    word("urgent_by", default=""),
    word("hold_reason", default=""),
    word("hold_by", default=""),
    Column("hold_at", Moment),
    word("payment", default="ok"),
    word("payment_why", default=""),  # who passed the gate by hand, when and why
    word("payment_by", default=""),
    Column("payment_at", Moment),
    count("collect_at_door", default=0),  # minor units, paid when it is handed over: of the whole order
    # What the order was worth when that was said, so that goods cancelled since keep their share of it.
    Column("collect_worth", BigInteger, nullable=False, default=0, server_default="0"),
    word("currency"),
    Column("note", Text, nullable=False, default="", server_default=""),
    Column("charged", JSON(none_as_null=True)),  # what a shop charged, in minor units: discounts, taxes, total
    word("content_hash", default=""),
    # What the file said last of what may be decided otherwise here (routing/rules/imports.py); None: of before.
    Column("said", JSON(none_as_null=True)),
    Column("cancelled_at", Moment),
    version(),
    UniqueConstraint("source", "number"),
    CheckConstraint("completeness IN ('partial', 'per_line', 'complete')", name="completeness"),
    CheckConstraint("payment IN ('ok', 'pending')", name="payment"),
    Index("ix_order_customer_reference", "customer_reference"),
    Index("ix_order_erp_reference", "erp_reference"),
)

order_line = Table(
    "order_line",
    metadata,
    key(),
    refers("order_id", "customer_order"),
    word("number"),
    refers("product_id", "product"),
    Column("quantity", Integer, nullable=False),  # base units
    count("unit_price", default=0),
    count("cancelled", default=0),  # base units taken off again
    count("credited", default=0),  # base units, refused or never handed over, whose money is given back
    word("expected_on", default=""),  # the live date, recalculated in silence
    word("own_day", default=""),  # when the line could go if its order did not wait for its other lines
    word("erp_reference", default=""),
    # A substitute: the line of the same order that it came for. No foreign key: SQLite would make the table anew.
    Column("instead_of_id", Integer, index=True),
    count("instead_of_units", default=0),  # how many of that line's units; they count in its `cancelled`
    UniqueConstraint("order_id", "number"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("cancelled >= 0 AND cancelled <= quantity", name="cancelled"),
)

order_window = Table(
    "order_window",
    metadata,
    key(),
    refers("order_id", "customer_order"),
    word("weekdays", default=""),
    word("opens"),
    word("closes"),
    word("kind", default="begin_by"),
    CheckConstraint("kind IN ('begin_by', 'finish_by')", name="kind"),
)

promise = Table(
    "promise",  # inserted, never changed
    metadata,
    key(),
    refers("order_line_id", "order_line", index=False),
    count("version", default=1),
    word("promised_on"),
    word("window_from", default=""),
    word("window_to", default=""),
    word("why"),
    word("by"),
    Column("made_at", Moment, nullable=False),
    Column("told_at", Moment),
    UniqueConstraint("order_line_id", "version"),
    Index("ix_promise_promised_on", "promised_on"),
    Index("ix_promise_made_at", "made_at"),
    # Whole, because the figures read a period's promises of everybody.
    Index("ix_promise_of_line", "order_line_id", "version", "made_at", "promised_on", "why"),
    Index("ix_promise_why", "why"),
)

line_stand = Table(
    "line_stand",  # how a line stood from a day until a day: what makes a figure of a past day countable
    metadata,
    key(),
    refers("order_line_id", "order_line"),
    count("sequence", default=1),  # 1: how it stood when it came in
    Column("at", Moment, nullable=False),
    word("day"),  # ISO, in the zone of its depot
    word("until_day", default="9999-12-31"),  # the day of the next row; the last one stands
    count("ordered"),  # base units, less what was cancelled
    count("open"),  # not handed over or refused yet
    count("backordered"),  # open and on no shelf for it; also when an inbound covers it
    count("covered"),  # of `backordered`: held on an inbound with a date. An attribute, in no rate
    UniqueConstraint("order_line_id", "sequence"),
    CheckConstraint(
        "covered >= 0 AND covered <= backordered AND backordered <= open AND open <= ordered", name="adds_up"
    ),
    # Whole, because the figures add up everybody's lines.
    Index(
        "ix_line_stand_until",
        "until_day",
        "day",
        "order_line_id",
        "open",
        "backordered",
        "covered",
        sqlite_where=text("open > 0"),
        postgresql_where=text("open > 0"),
    ),
    Index("ix_line_stand_day", "day", "until_day", "open", "backordered"),
)

release = Table(
    "release",
    metadata,
    key(),
    refers("depot_id", "depot"),
    Column("released_at", Moment, nullable=False),
    word("by"),
    word("for_day"),
)

delivery = Table(
    "delivery",
    metadata,
    key(),
    word("number"),
    refers("release_id", "release"),
    refers("site_id", "site"),
    refers("depot_id", "depot"),
    word("for_day"),  # the day it is meant for; a redelivery moves it
    word("direction", default="deliver"),
    word("state", default="released"),
    count("attempts", default=0),
    count("tier", default=1),
    Column("ready_at", Moment),
    Column("oldest_ordered_at", Moment, nullable=False),
    word("waits_for", default=""),  # why it is not planned: customer | address | ...
    word("staged_place", default=""),  # the lane or bay where it waits to be loaded; empty: nowhere yet
    Column("staged_at", Moment),
    version(),
    UniqueConstraint("number"),
    CheckConstraint("direction IN ('deliver', 'collect')", name="direction"),
    CheckConstraint(
        "state IN ('released', 'loaded', 'dispatched', 'under_way', 'done', 'failed', 'unreleased')",
        name="state",
    ),
)

delivery_line = Table(
    "delivery_line",
    metadata,
    key(),
    refers("delivery_id", "delivery"),
    refers("allocation_id", "allocation"),
    Column("quantity", Integer, nullable=False),
    # Of `quantity`, what was taken off the shelf for this delivery. The allocation's own count is the truth: this one
    # only says for which of its deliveries it was (routing/rules/picking.py).
    count("picked", default=0),
    UniqueConstraint("delivery_id", "allocation_id"),
    CheckConstraint("quantity > 0", name="quantity"),
)

delivery_ask = Table(
    "delivery_ask",  # what the ERP said that a door pays for one release of an order: that one, whatever others ask
    metadata,
    key(),
    refers("delivery_id", "delivery"),
    refers("order_id", "customer_order"),
    Column("amount", Integer, nullable=False),  # minor units of the order's currency; 0: it asks for nothing
    # What the order's goods on it were worth when that was said, so that what comes to nothing keeps its share.
    Column("worth", BigInteger, nullable=False),
    UniqueConstraint("delivery_id", "order_id"),
)

empties_line = Table(
    "empties_line",  # of a collection: what none of our deliveries brought, so that no allocation knows of it
    metadata,
    key(),
    refers("delivery_id", "delivery"),
    refers("product_id", "product"),
    refers("order_id", "customer_order", nullable=True),  # on whose page it was asked for
    Column("quantity", Integer, nullable=False),
    count("collected", default=0),
    UniqueConstraint("delivery_id", "product_id"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("collected >= 0", name="collected"),
)
