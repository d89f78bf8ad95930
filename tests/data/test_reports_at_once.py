"""Reports of several phones, and what others do to the same goods, at one moment: each waits for its turn, none is
lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from data import tables
from data.db import Database
from data.store import open_store
from routing.errors import Conflict
from routing.model.proofs import DeliveryReport, DoorEvent, DoorLine, DoorReport, Outcome
from routing.services.delivering import Recorded, record
from routing.services.dispatching import dispatch_day
from routing.services.loading import load_route
from tests.rounds import DAY, SIX, Round, a_round, in_two_trips, row, waiting_at_the_depot


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """SQLite has one writer at a time; only PostgreSQL lets two of them meet."""
    opened = Database(postgres_url)
    yield opened
    opened.close()


def report(this: Round, *, stop: int = 0, key: str = "a", outcome: Outcome = Outcome.DELIVERED, **counts: int) -> Any:
    at = this.stops[stop]
    lines = (DoorLine(allocation_id=at.allocation_id, **counts),) if counts else ()
    return DoorReport(
        client_id=key,
        sequence=1,
        payload_sha256=f"{this.manifest_id} {stop} {outcome} {counts}",
        kind=DoorEvent.OUTCOME,
        stop_id=at.stop_id,
        captured_at=at.arrival,
        deliveries=(DeliveryReport(delivery_id=at.delivery_id, outcome=outcome, lines=lines),),
    )


def sends(store: Any, this: Round, said: DoorReport) -> Recorded:
    return record(
        store=store, manifest_id=this.manifest_id, report=said, now=said.captured_at + timedelta(hours=1), secret=b"s"
    )


class Locks:
    """The locks that a transaction asks for, in order: ("pool", product), ("row", 0) of shifts and deliveries, and
    ("chain", 0)."""

    def __init__(self, database: Database) -> None:
        self.asked: list[tuple[str, int]] = []
        event.listen(database.writer, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "pg_advisory_xact_lock(" in statement:
            self.asked.append(("pool", parameters["product"]) if "product" in parameters else ("chain", 0))

        elif "FOR NO KEY UPDATE" in statement:
            self.asked.append(("row", 0))

    @property
    def late(self) -> set[tuple[str, int]]:
        """Those first asked for out of turn: SKUs while a row is held, anything while the chain is held."""
        row, chain = self.asked.index(("row", 0)), self.asked.index(("chain", 0))
        assert row < chain
        return set(self.asked[row:]) - set(self.asked[:row]) - {("row", 0), ("chain", 0)}


@pytest.mark.parametrize(
    "said",
    [
        {"delivered": 8, "short": 4},
        {"delivered": 8, "damaged": 4},
        {"outcome": Outcome.MISSING},
        {"outcome": Outcome.DAMAGED},
    ],
    ids=["short", "damaged", "all missing", "all damaged"],
)
def test_a_report_waits_for_its_goods_before_it_lengthens_the_chain_of_events(
    database: Database, said: dict[str, Any]
) -> None:
    with database.writing() as connection:
        this = a_round(connection)
    locks = Locks(database)
    with open_store(database) as store:
        sends(store, this, report(this, **said))
    assert ("pool", this.product_id) in locks.asked, "what was short is given out again"
    assert locks.late == set()


def test_the_other_goods_of_an_order_that_came_short_are_waited_for_too(database: Database) -> None:
    with database.writing() as connection:
        this = a_round(connection)
        second = row(connection, tables.product, number="SKU2", name="Cups")
        order = connection.scalars(
            select(tables.order_line.c.order_id).where(tables.order_line.c.id == this.stops[0].order_line_id)
        ).one()
        row(connection, tables.order_line, order_id=order, number="2", product_id=second, quantity=3, unit_price=1)
    locks = Locks(database)
    with open_store(database) as store:
        sends(store, this, report(this, delivered=8, short=4))
    assert ("pool", second) in locks.asked
    assert locks.late == set()


def with_a_second_trip(database: Database) -> Round:
    """The last stop is of a second trip whose goods nobody has loaded; the van is out with the first."""
    with database.writing() as connection:
        made = a_round(connection)
        waiting_at_the_depot(connection, made)
        in_two_trips(connection, made.route_id, after=2)
    with open_store(database) as store:
        load_route(store, shift_id=made.shift_id, by="warehouse", now=SIX)
        dispatch_day(store, day=DAY, depot_ids=[made.depot_id], secret=b"s", by="desk", now=SIX)
        held = store.held_manifest(made.shift_id)
        assert held is not None
        return replace(made, manifest_id=held.id)


@pytest.mark.parametrize("kind", list(DoorEvent))
def test_goods_of_a_later_trip_are_waited_for_before_the_van_takes_them(database: Database, kind: DoorEvent) -> None:
    this = with_a_second_trip(database)
    locks = Locks(database)
    said = report(this, stop=len(this.stops) - 1, delivered=12)
    if kind is not DoorEvent.OUTCOME:
        said = replace(said, kind=kind, deliveries=())
    with open_store(database) as store:
        sends(store, this, said)
    with database.reading() as connection:
        loaded = connection.scalars(select(tables.event.c.delivery_id).where(tables.event.c.kind == "loaded")).all()
    assert this.stops[-1].delivery_id in loaded
    assert ("pool", this.product_id) in locks.asked
    assert locks.late == set()


def waits_for_a_lock(database: Database) -> None:
    """Returns when some transaction of this database waits for another."""
    pause = threading.Event()
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while True:
        with database.reading() as connection:
            if connection.scalar(text(query)):
                return
        pause.wait(0.01)


def the_later_of(database: Database, first: tuple[Round, DoorReport], second: tuple[Round, DoorReport]) -> Any:
    """What the second is answered, that came while the first was being written."""

    def follows() -> Recorded:
        with open_store(database) as store:
            return sends(store, *second)

    with ThreadPoolExecutor(1) as phone:
        with open_store(database) as store:
            sends(store, *first)
            answer = phone.submit(follows)
            waits_for_a_lock(database)
        return answer.result(timeout=60)


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.REFUSED, Outcome.MISSING, Outcome.NOT_HOME])
def test_of_two_phones_that_report_one_delivery_at_once_the_later_hears_that_it_was_reported(
    database: Database, outcome: Outcome
) -> None:
    with database.writing() as connection:
        one, other = a_round(connection, number="1"), a_round(connection, number="2", name="Another")
        # The dispatcher gave the delivery to the other van; the first one's phone has the list of the morning.
        values = {"stop_id": other.stops[0].stop_id, "delivery_id": one.stops[0].delivery_id}
        connection.execute(tables.stop_delivery.insert().values(**values, sequence=2))
    late = report(one, outcome=outcome)
    other_door = replace(late, client_id="b", stop_id=other.stops[0].stop_id)
    with pytest.raises(Conflict, match="already reported") as refused:
        the_later_of(database, (one, report(one, delivered=12)), (other, other_door))
    assert refused.value.code == "already_reported"
    with database.reading() as connection:
        assert connection.scalars(select(tables.proof.c.outcome)).all() == ["delivered"]


def test_of_two_phones_that_use_one_id_at_once_the_later_hears_that_it_was_used(database: Database) -> None:
    with database.writing() as connection:
        one, other = a_round(connection, number="1"), a_round(connection, number="2", name="Another")
    with pytest.raises(Conflict, match="used before for something else") as refused:
        the_later_of(
            database, (one, report(one, key="same", delivered=12)), (other, report(other, key="same", delivered=12))
        )
    assert refused.value.code == "key_reused"
