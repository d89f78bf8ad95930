"""Goods lose their date before the day that was promised: that is the slip, known then, told then, counted once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from data import tables
from data.db import Database
from data.queries.backorder_figures import Scope as Whose
from data.queries.order_state import order_document
from data.queries.orders import order_list
from data.queries.period_figures import period_figures
from data.queries.results import day_results
from data.queries.standing import standings
from data.store import SqlStore, open_store
from routing.model.proofs import Outcome
from routing.rules.figures.slips import Cause
from routing.services.importing import settle
from routing.services.overdue import give_up_dates
from routing.services.supplying import Slip, simulate_slip
from routing.services.telling import how_they_hear
from tests.backorder_world import DEPOT, World


@pytest.fixture
def world(database: Database) -> World:
    """12 oat drinks of a truck that comes tomorrow are promised to SO-1 for the day it is wanted, in eight days."""
    made = World(database)
    made.expect(product=1, quantity=12, days=1)
    made.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=8)
    return made


def slips(world: World) -> dict[str, int]:
    """By cause, of today."""
    today = world.now.date()
    with world.database.reading() as connection:
        found = period_figures(connection, first=today, last=today, now=world.now, scope=Whose()).slips
    return {cause.value: lines for cause, lines in found.by_cause}


def tasks(world: World) -> list[str]:
    query = select(tables.task.c.sentence).where(tables.task.c.kind == "no_date", tables.task.c.done_at.is_(None))
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def on_the_shelf(world: World) -> None:
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=True, more_to_come=False)


def cancelled(world: World) -> None:
    world.slip(which=0, days=None)


def overdue(world: World) -> None:
    world.now += timedelta(days=5)
    with open_store(world.database) as store:
        give_up_dates(store, DEPOT, now=world.now)


def recounted(world: World) -> None:
    on_the_shelf(world)
    world.recount(product=1, off_by=-12)


def picked_short(world: World) -> None:
    """SO-2 goes today, and for it the shelf is found empty: what lay there for SO-1 is gone too."""
    on_the_shelf(world)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=2, completeness="partial", wanted_in=0)
    world.now += timedelta(days=1)
    world.release()
    assert [each.state for each in world.deliveries()] == ["released"]
    world.short_pick(which=0, product=1, missing=12)


def ruled(world: World) -> None:
    """Shared fairly with SO-2, SO-1 gets 8 of 12 and SO-2 4: what SO-1 lacks has no date."""
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    world.policy(name="allocation_rule", value="fair_share")


CAUSES = [
    (cancelled, Cause.SUPPLIER, 1, "inbound PO-1 is cancelled", "supplier_cancelled"),
    (overdue, Cause.SUPPLIER, 1, "inbound PO-1 is overdue", "supplier_late"),
    (recounted, Cause.COUNT, 1, "recount of OAT", "counted_anew"),
    (picked_short, Cause.COUNT, 2, "short pick of OAT", "counted_anew"),
    (ruled, Cause.POLICY, 1, "policy", "not_enough"),
]


@pytest.mark.parametrize(
    ("happens", "cause", "lines", "why", "reason"), CAUSES, ids=[each[0].__name__ for each in CAUSES]
)
def test_a_date_lost_before_its_day_is_a_slip_when_it_is_known(
    world: World, happens: Callable[[World], None], cause: Cause, lines: int, why: str, reason: str
) -> None:
    assert slips(world) == {}
    happens(world)
    with world.database.reading() as connection:
        data = connection.scalars(select(tables.notice.c.data).where(tables.notice.c.kind == "date_changed")).all()
    assert [each["why"] for each in data if "SO-1" in each["references"]] == [[reason]], "the customer reads why"
    assert slips(world) == {cause.value: lines}
    (asked,) = [each for each in tasks(world) if "SO-1" in each]
    assert why in asked
    with open_store(world.database) as store:
        settle(store, {DEPOT: {1, 2}}, now=world.now, by="desk", tell=True, why="looked at again")
    assert slips(world) == {cause.value: lines}, "once, whatever is decided again"
    world.now += timedelta(days=1)
    world.expect(product=1, quantity=24, days=30)
    assert slips(world) == {}, "the day that the supplier names afterwards is the same slip"


def test_who_is_asked_for_consent_is_asked_when_the_date_is_lost_and_once(world: World) -> None:
    world.policy(name="delay_consent", value="on")
    cancelled(world)
    query = select(tables.delay_consent.c.order_id, tables.delay_consent.c.day)
    with world.database.reading() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [(1, "")]
    with open_store(world.database) as store:
        settle(store, {DEPOT: {1, 2}}, now=world.now, by="desk", tell=True, why="looked at again")
    with world.database.reading() as connection:
        assert len(connection.execute(query).all()) == 1


def test_what_a_file_took_in_silence_is_told_with_the_next_decision_by_its_own_cause(world: World) -> None:
    """An older order of a file takes the truck of SO-1, and nobody is told. Then cups are counted in."""
    with open_store(world.database) as store:
        line: dict[str, Any] = {"number": "1", "product_id": 1, "quantity": 12, "unit_price": 100}
        older = store.connection.execute(
            insert(tables.order)
            .values(number="SO-0", customer_id=2, site_id=2, depot_id=DEPOT, currency="EUR",
                    ordered_at=world.now - timedelta(days=30))
            .returning(tables.order.c.id)
        ).scalar_one()  # fmt: skip
        store.connection.execute(insert(tables.order_line).values(order_id=older, **line))
        store.connection.execute(update(tables.customer).values(rank_rule="normal"))
        settle(store, {DEPOT: {1}}, now=world.now, by="file", tell=False, why="order file of Monday")
    assert (slips(world), tasks(world)) == ({"order": 1}, [])
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    (asked,) = tasks(world)
    assert "order file of Monday" in asked
    assert slips(world) == {"order": 1}
    with world.database.writing() as connection:
        connection.execute(update(tables.task).values(done_at=world.now))
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert tasks(world) == [], "once"


# ---------------------------------------------------------------------------- who is told, and by whom


def notices(world: World) -> list[tuple[str, str]]:
    """(recipient, day) of every message about a date that changed, oldest first; "" without a day."""
    query = select(tables.notice).where(tables.notice.c.kind == "date_changed").order_by(tables.notice.c.id)
    with world.database.reading() as connection:
        return [(row.recipient, row.data["day"]) for row in connection.execute(query)]


def open_tasks(world: World) -> dict[str, str]:
    """Sentences by kind of what is open about SO-1, with one of a kind at most."""
    query = (
        select(tables.task.c.kind, tables.task.c.sentence)
        .where(tables.task.c.subject_kind == "order", tables.task.c.subject_id == 1, tables.task.c.done_at.is_(None))
        .order_by(tables.task.c.kind)
    )
    with world.database.reading() as connection:
        found = [(row.kind, row.sentence) for row in connection.execute(query)]
    assert len({kind for kind, _sentence in found}) == len(found)
    return dict(found)


def nobody_to_write_to(world: World) -> None:
    with world.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))


def test_a_business_customer_whose_date_is_lost_is_told_once_as_the_simulation_said(world: World) -> None:
    with world.database.reading() as connection:
        store = SqlStore(connection)
        (shown,) = simulate_slip(store, Slip(number="PO-1", to=None), now=world.now)
        hear = how_they_hear(store, shown.lines, now=world.now)
    assert (hear.by_message, hear.by_call, hear.of(1)) == (1, 0, "message")
    cancelled(world)
    assert notices(world) == [("b@cafe.example", "")]
    with world.database.reading() as connection:
        data = connection.scalars(select(tables.notice.c.data)).all()[-1]
    assert [line["quantity"] for line in data["goods"]] == [12]
    assert "is told by message" in open_tasks(world)["no_date"]
    with open_store(world.database) as store:
        settle(store, {DEPOT: {1, 2}}, now=world.now, by="desk", tell=True, why="looked at again")
    assert len(notices(world)) == 1


def test_a_part_that_moves_and_a_part_without_a_date_are_one_message(database: Database) -> None:
    """Oat drink of PO-1 comes a week later than promised, cups of PO-2 not at all: by one recount of the shelf both."""
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12), (2, 12)], site=1, completeness="partial", wanted_in=2)
    with open_store(database) as store:
        line = {"depot_id": DEPOT, "product_id": 1, "quantity": 12, "expected_at": world.now + timedelta(days=9)}
        store.save_inbound(None, {"number": "PO-9", **line})
        store.connection.execute(
            update(tables.supply).where(tables.supply.c.kind == "receipt").values(quantity=0, received=0)
        )
        settle(store, {DEPOT: {1, 2}}, now=world.now, by="desk", tell=True, why="recount")
    ((recipient, day),) = notices(world)
    assert (recipient, day > world.today) == ("b@cafe.example", True)
    with database.reading() as connection:
        data = connection.scalars(select(tables.notice.c.data).where(tables.notice.c.kind == "date_changed")).one()
    assert [line["name"] for line in data["goods"]] == ["Oat"]
    assert [(line["name"], line["undated"]) for line in data["waiting"]] == [("Cup", True)]


def test_a_date_lost_after_a_slip_leaves_one_task_that_says_how_it_stands(world: World) -> None:
    nobody_to_write_to(world)
    world.slip(which=0, days=12)
    assert list(open_tasks(world)) == ["call_customer"]
    cancelled(world)
    (said,) = open_tasks(world).values()
    assert "no date any more" in said
    assert "nobody there agreed to messages" in said
    assert notices(world) == []
    world.expect(product=1, quantity=12, days=30)
    assert list(open_tasks(world)) == ["call_customer"], "the date is known: nobody looks for a supplier any more"


def test_who_was_told_of_no_date_is_told_when_it_comes_as_promised_after_all(world: World) -> None:
    with world.database.reading() as connection:
        promised = connection.scalars(select(tables.promise.c.promised_on)).one()
    cancelled(world)
    world.now += timedelta(hours=1)
    world.expect(product=1, quantity=12, days=2)
    assert notices(world) == [("b@cafe.example", ""), ("b@cafe.example", promised)]
    assert open_tasks(world) == {}
    assert slips(world) == {"supplier": 1}, "it has its day again: no second slip"
    with world.database.reading() as connection:
        assert connection.scalars(select(tables.promise.c.promised_on)).all() == [promised, promised]
    world.expect(product=1, quantity=12, days=3)
    assert len(notices(world)) == 2, "once"
    world.slip(which=1, days=None)
    world.slip(which=2, days=None)
    assert notices(world)[2:] == [("b@cafe.example", "")], "lost a second time is told a second time"


def test_a_date_that_came_back_in_silence_is_told_with_the_next_decision(world: World) -> None:
    cancelled(world)
    with open_store(world.database) as store:
        key = store.save_inbound(
            None,
            {
                "number": "PO-7", "depot_id": DEPOT, "product_id": 1, "quantity": 12,
                "expected_at": world.now + timedelta(days=2),
            },
        )  # fmt: skip
        assert key
        settle(store, {DEPOT: {1}}, now=world.now, by="file", tell=False, why="a file")
    assert len(notices(world)) == 1
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert [day for _to, day in notices(world)] == ["", "2026-05-20"]


def test_a_question_about_no_date_is_settled_when_it_comes_as_promised_and_silence_cancels_nothing(
    world: World,
) -> None:
    world.policy(name="delay_consent", value="on")
    world.policy(name="consent_rule", value="us_mail_order")
    cancelled(world)
    query = select(tables.delay_consent.c.silence, tables.delay_consent.c.closed_why)
    with world.database.reading() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [("cancel", "")]
    world.expect(product=1, quantity=12, days=2)
    with world.database.reading() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [("cancel", "kept")]
        assert SqlStore(connection).consents_due(now=world.now + timedelta(days=90)) == []


def test_what_has_reached_its_customer_is_expected_on_no_day_any_more(database: Database) -> None:
    """Of SO-1 the oat drinks are at the door; the cups are to come tomorrow, and are what the order waits for."""
    world = World(database)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12), (2, 4)], site=1, completeness="partial", wanted_in=0)
    world.now += timedelta(days=1)
    world.release()
    world.drive_out()
    world.load(van=0)
    with database.reading() as connection:
        oat, _cup = order_document(connection, source="own", number="SO-1")["lines"]
    assert oat["expected_on"] == world.today, "it is on the van"
    world.at_the_door(which=0, outcome=Outcome.DELIVERED, parts=(0, 0, 0))
    world.now += timedelta(minutes=1)
    with database.reading() as connection:
        oat, cup = order_document(connection, source="own", number="SO-1")["lines"]
        (told,) = day_results(connection, day=world.today)
        stands = standings(connection, day=world.today, now=world.now)
        (row,) = order_list(connection, stands=stands.of, today=world.today)
    assert [(line["open"], line["expected_on"]) for line in (oat, cup)] == [(0, ""), (4, "")]
    assert (told.open, told.expected_on, row.expected_on, row.undated) == (0, "", "", 1)
