"""A company's past, to measure the figures on: 180,000 lines of which 100,000 are open, 80,000 deliveries, 1,000,000
events. The database writes it itself from numbers, so that it stands in seconds on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, text

from data import tables

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 60
"""Two periods of thirty days."""
LAST = (FIRST + timedelta(days=DAYS - 1)).date()
NOW = FIRST + timedelta(days=DAYS)
SKUS, CUSTOMERS, VANS = 5_000, 3_000, 40

# In the sentences below n counts rows from 1. Orders have five lines; of every nine orders the first four were
# delivered, each line by a delivery of its own.
ORDER = "((n - 1) / 5 / 4 * 9 + (n - 1) / 5 % 4 + 1)"
"""The order of the n-th delivery."""
LINE = f"(({ORDER} - 1) * 5 + (n - 1) % 5 + 1)"
"""Its line."""
OUTCOME = "CASE WHEN n % 25 = 0 THEN 'not_home' WHEN n % 40 = 1 THEN 'closed' ELSE 'delivered' END"


def _ordered(order: str) -> str:
    """The day, counted from FIRST."""
    return f"({order} * 7919 % {DAYS - 5})"


def _went(order: str) -> str:
    """Two to four days later."""
    return f"({_ordered(order)} + 2 + {order} % 3)"


class _Past:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.on_sqlite = connection.dialect.name == "sqlite"

    def at(self, days: str, seconds: str = "0") -> str:
        """The moment so many days and seconds after FIRST."""
        if self.on_sqlite:
            whole = f"(({days}) * 86400 + ({seconds}))"
            return f"strftime('%Y-%m-%d %H:%M:%S.000000', '{FIRST.date()}', {whole} || ' seconds')"
        return f"(timestamptz '{FIRST.isoformat()}' + interval '1 second' * (({days}) * 86400 + ({seconds})))"

    def day(self, days: str) -> str:
        if self.on_sqlite:
            return f"date('{FIRST.date()}', ({days}) || ' days')"
        return f"to_char(date '{FIRST.date()}' + CAST({days} AS integer), 'YYYY-MM-DD')"

    def json(self, words: str) -> str:
        return words if self.on_sqlite else f"CAST({words} AS json)"

    def fill(self, table: str, rows: int, *, only: str = "1 = 1", **columns: str) -> None:
        """A row for each n up to `rows`; a column is what SQL makes of n."""
        names = ", ".join(columns)
        # On PostgreSQL n is wide: times a prime it does not fit an integer.
        numbers = "WITH RECURSIVE one(n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM one WHERE n <"
        words = ("INSERT INTO", table, f"({names})", numbers, f"{rows})", "SELECT", ", ".join(columns.values()))
        self.connection.execute(text(" ".join((*words, "FROM one WHERE", only)).replace(":", r"\:")))


def write_past(connection: Connection, *, orders: int = 36_000, events: int = 1_000_000) -> None:
    """`orders` is a multiple of nine."""
    past = _Past(connection)
    _parties(past)
    _orders(past, orders=orders)
    _stands(past, lines=5 * orders)
    _days(past)
    _doors(past, deliveries=20 * orders // 9, events=events)
    if not past.on_sqlite:
        connection.execute(text("ANALYZE"))  # what PostgreSQL does of itself after a while; SQLite never


def _parties(past: _Past) -> None:
    zone = "Europe/Helsinki"
    past.connection.execute(insert(tables.company), [{"id": 1, "name": "Example", "currency": "EUR", "zone": zone}])
    past.connection.execute(insert(tables.depot), [{"id": 1, "number": "D1", "name": "Depot", "zone": zone}])
    past.fill("product", SKUS, id="n", number="'P' || n", name="'Product ' || n")
    past.fill("customer", CUSTOMERS, id="n", number="'C' || n", name="'Customer ' || n")
    past.fill(
        "site", CUSTOMERS, id="n", customer_id="n", number="'S' || n", name="'Site ' || n", address="'Testgatan 1'"
    )
    # Each SKU comes four times: twice counted in, once late; once still to come.
    past.fill(
        "supply", 2 * SKUS, id="n", kind="'inbound'", number="'PO-' || n", depot_id="1", product_id=f"n % {SKUS} + 1",
        quantity="300", expected_at=past.at(f"n % {DAYS}", "36000"),
    )  # fmt: skip
    past.fill(
        "supply", 2 * SKUS, id=f"{2 * SKUS} + n", kind="'receipt'", number="'R-' || n", depot_id="1",
        product_id=f"n % {SKUS} + 1", inbound_id="n", quantity="300 - n % 9 / 8",
        counted_at=past.at(f"n % {DAYS} + n % 3 / 2", "30000"),
    )  # fmt: skip
    past.fill(
        "movement", 2 * SKUS, at=past.at(f"n % {DAYS}", "30000"), product_id=f"n % {SKUS} + 1", quantity="300",
        from_place="'supplier'", to_place="'depot:1'", supply_id=f"{2 * SKUS} + n", why="'received'", by="'bench'",
    )  # fmt: skip


def _orders(past: _Past, *, orders: int) -> None:
    lines, order = 5 * orders, "((n - 1) / 5 + 1)"
    past.fill(
        "customer_order", orders, id="n", number="'SO-' || n", customer_id=f"n % {CUSTOMERS} + 1",
        site_id=f"n % {CUSTOMERS} + 1", depot_id="1", ordered_at=past.at(_ordered("n"), "28800 + n % 28800"),
        currency="'EUR'", urgent_by="CASE WHEN n % 50 = 0 THEN 'sales' ELSE '' END",
    )  # fmt: skip
    past.fill(
        "order_line", lines, id="n", order_id=order, number="CAST((n - 1) % 5 + 1 AS varchar)",
        product_id=f"n * 7919 % {SKUS} + 1", quantity="n % 12 + 1",
    )  # fmt: skip
    past.fill(
        "allocation", lines, id="n", supply_id=f"{2 * SKUS} + n * 7919 % {SKUS} + 1", order_line_id="n",
        quantity="n % 12 + 1", allocated="n % 12 + 1", at=past.at(_ordered(order), "60000"),
    )  # fmt: skip
    first = f"{_went(order)} - n % 4 / 3"  # a fourth slips once
    why = "CASE n % 5 WHEN 0 THEN 'The customer asked for a later day' WHEN 1 THEN 'recount of P' || n % 40 "
    why += "WHEN 2 THEN 'Supplier ' || n % 20 || ' is late' WHEN 3 THEN 'receipt R-' || n % 500 "
    why += "ELSE 'The van broke down' END"
    past.fill(
        "promise", lines, order_line_id="n", version="1", promised_on=past.day(first), why="'order'", by="'bench'",
        made_at=past.at(_ordered(order), "60000"),
    )  # fmt: skip
    past.fill(
        "promise", lines, only="n % 4 = 3", order_line_id="n", version="2", promised_on=past.day(_went(order)),
        why=why, by="'bench'", made_at=past.at(f"{_ordered(order)} + 1", "30000"),
    )  # fmt: skip


def _stands(past: _Past, *, lines: int) -> None:
    """Every line as it came in; half of them a day later, when goods came; the delivered ones at their door."""
    order = "((n - 1) / 5 + 1)"
    done, covered = f"(({order} - 1) % 9 < 4)", "n % 2 = 0"
    came, went = past.day(_ordered(order)), past.day(_went(order))
    next_day = past.day(f"{_ordered(order)} + 1")
    units, short = "n % 12 + 1", "CASE WHEN n % 3 = 0 THEN n % 12 + 1 ELSE 0 END"
    ends = f"CASE WHEN {covered} THEN {next_day} WHEN {done} THEN {went} ELSE '9999-12-31' END"
    past.fill(
        "line_stand", lines, order_line_id="n", sequence="1", at=past.at(_ordered(order), "60000"), day=came,
        until_day=ends, ordered=units, open=units, backordered=short, covered="0",
    )  # fmt: skip
    past.fill(
        "line_stand", lines, only=covered, order_line_id="n", sequence="2", at=past.at(f"{_ordered(order)} + 1"),
        day=next_day, until_day=f"CASE WHEN {done} THEN {went} ELSE '9999-12-31' END", ordered=units, open=units,
        backordered="CASE WHEN n % 9 = 0 THEN 1 ELSE 0 END", covered="0",
    )  # fmt: skip
    past.fill(
        "line_stand", lines, only=done, order_line_id="n", sequence=f"CASE WHEN {covered} THEN 3 ELSE 2 END",
        at=past.at(_went(order), "40000"), day=went, until_day="'9999-12-31'", ordered=units, open="0",
        backordered="0", covered="0",
    )  # fmt: skip


def _days(past: _Past) -> None:
    """The vans of each day, each with one route of one trip."""
    vans, day = DAYS * VANS, f"((n - 1) / {VANS})"
    past.fill("vehicle", VANS, id="n", number="'V' || n", name="'Van ' || n", depot_id="1")
    past.fill("driver", VANS, id="n", number="'D' || n", name="'Driver ' || n", depot_id="1")
    past.fill(
        "shift", vans, id="n", day=past.day(day), depot_id="1", vehicle_id=f"(n - 1) % {VANS} + 1",
        driver_id=f"(n - 1) % {VANS} + 1", starts="'06:00'", ends="'16:00'",
    )  # fmt: skip
    past.fill(
        "plan", DAYS, id="n", from_day=past.day("n - 1"), to_day=past.day("n - 1"), depot_ids="'[1]'",
        problem="''", engine="'bench'", cost="0", served_by_tier="'[]'", why="'planned'", by="'bench'",
        made_at=past.at("n - 1"),
    )  # fmt: skip
    past.fill(
        "route", vans, id="n", plan_id=f"{day} + 1", shift_id="n", starts_at=past.at(day, "14400"),
        ends_at=past.at(day, "50000"), breaks="'[]'", cost="0",
    )  # fmt: skip
    past.fill("trip", vans, id="n", route_id="n", departs_at=past.at(day, "14400"), returns_at=past.at(day, "50000"))
    past.fill(
        "manifest", vans, id="n", plan_id=f"{day} + 1", route_id="n", shift_id="n", driver_id=f"(n - 1) % {VANS} + 1",
        day=past.day(day), content="'{}'", dispatched_at=past.at(day, "14000"), by="'bench'",
    )  # fmt: skip
    past.fill("release", DAYS, id="n", depot_id="1", released_at=past.at("n - 1", "10000"), by="'bench'", for_day="''")


def _doors(past: _Past, *, deliveries: int, events: int) -> None:
    """Each with the window it was told, an arrival, a report; one in twenty-five found nobody at home."""
    day, van = _went(ORDER), f"({_went(ORDER)} * {VANS} + n % {VANS} + 1)"
    arrives = "18000 + n / 40 % 30 * 900"
    arrived, reported = past.at(day, f"{arrives} + n % 50 * 60 - 900"), past.at(day, f"{arrives} + n % 50 * 60 - 600")
    past.fill(
        "delivery", deliveries, id="n", number="'DL-' || n", release_id=f"{day} + 1", site_id=f"n % {CUSTOMERS} + 1",
        depot_id="1", for_day=past.day(day), state="'done'", oldest_ordered_at=past.at(_ordered(ORDER)),
    )  # fmt: skip
    past.fill("delivery_line", deliveries, delivery_id="n", allocation_id=LINE, quantity=f"{LINE} % 12 + 1")
    planned = past.at(day, arrives)
    past.fill(
        "stop", deliveries, id="n", trip_id=van, sequence="n", site_id=f"n % {CUSTOMERS} + 1", arrival=planned,
        start=planned, departure=planned, load="'[]'",
    )  # fmt: skip
    past.fill("stop_delivery", deliveries, stop_id="n", delivery_id="n")
    hour = "(6 + n / 40 % 30 / 4)"
    past.fill(
        "promise", deliveries, order_line_id=LINE, version=f"CASE WHEN {LINE} % 4 = 3 THEN 3 ELSE 2 END",
        promised_on=past.day(day), window_from=_clock(hour), window_to=_clock(f"({hour} + 2)"), why="'dispatched'",
        by="'bench'", made_at=past.at(day, "13900"), told_at=past.at(day, "13900"),
    )  # fmt: skip
    at = past.at(f"n % {DAYS}", "n % 86400")
    past.fill(
        "event", deliveries, id="n", kind="'stop.arrived'", actor="'bench'", shift_id=van, delivery_id="n",
        data=past.json("""'{"deliveries": [' || n || ']}'"""), captured_at=arrived, received_at=arrived,
        previous_hash="n - 1", hash="n",
    )  # fmt: skip
    past.fill(
        "event", events, only=f"n > {deliveries}", id="n", kind=f"CASE WHEN n <= {deliveries} + 1000 THEN "
        "'inbound_slipped' WHEN n % 3 = 0 THEN 'allocated' WHEN n % 3 = 1 THEN 'promised' ELSE 'stop.outcome' END",
        actor="'bench'", captured_at=at, received_at=at, previous_hash="n - 1", hash="n",
        data=past.json(
            f"""CASE WHEN n <= {deliveries} + 1000
            THEN '{{"inbound": "PO-' || (n - {deliveries}) || '", "lines": [{{"sku":'
            || ' "P' || ((n - {deliveries}) % {SKUS} + 1) || '", "was": "2026-04-02T10:00:00+00:00"}}]}}'
            ELSE '{{"from": "2026-04-02", "to": "2026-04-03", "why": "some words that an event has"}}' END"""
        ),
    )  # fmt: skip
    past.fill(
        "proof", deliveries, id="n", event_id="n", delivery_id="n", manifest_id=van, site_id=f"n % {CUSTOMERS} + 1",
        outcome=OUTCOME, captured_at=reported, received_at=reported,
    )  # fmt: skip
    past.fill(
        "proof_line", deliveries, only=f"({OUTCOME}) = 'delivered'", proof_id="n", allocation_id=LINE,
        delivered=f"{LINE} % 12 + 1 - CASE WHEN n % 30 = 7 THEN 1 ELSE 0 END",
    )  # fmt: skip
    for why, origin, place, when in (
        ("loaded", "'depot:1'", f"'vehicle:' || {van}", "13000"),
        ("delivered", f"'vehicle:' || {van}", "'delivered'", "40000"),
    ):
        past.fill(
            "movement", deliveries, at=past.at(day, when), product_id=f"{LINE} * 7919 % {SKUS} + 1", quantity="1",
            from_place=origin, to_place=place, allocation_id=LINE, delivery_id="n", why=f"'{why}'", by="'bench'",
        )  # fmt: skip


def _clock(hour: str) -> str:
    return f"CASE WHEN {hour} < 10 THEN '0' ELSE '' END || {hour} || ':00'"
