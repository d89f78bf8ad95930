"""Who is asked about a delay, until when, and who is told: said before it is written as it is done after."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.model.orders import Preview
from routing.services.supplying import Slip, commit_slip, simulate_slip
from routing.services.telling import Hear, how_they_hear
from tests.backorder_world import World


@pytest.fixture
def world(database: Database) -> World:
    """36 oat drinks come tomorrow, 12 each for three cafés: Café 1 is private, Café 2 a business, Café 3 private and
    agreed to no messages."""
    made = World(database)
    with database.writing() as connection:
        connection.execute(update(tables.customer).values(business=False))
        connection.execute(update(tables.customer).where(tables.customer.c.id == 2).values(business=True))
        buyer = {"name": "Buyer", "role": "buyer", "channel": "email", "consent": True}
        connection.execute(insert(tables.contact), [buyer | {"customer_id": 2, "address": "two@cafe.example"}])
    made.expect(product=1, quantity=36, days=1)
    for site in (1, 2, 3):
        made.order(lines=[(1, 12)], site=site, completeness="partial", wanted_in=0)
    return made


def shown(world: World, days: int | None) -> tuple[Preview, Hear]:
    with world.database.reading() as connection:
        store = SqlStore(connection)
        (preview,) = simulate_slip(store, slip(world, days), now=world.now)
        return preview, how_they_hear(store, preview.lines, now=world.now)


def done(world: World, days: int | None) -> Hear:
    with open_store(world.database) as store:
        (preview,) = commit_slip(store, slip(world, days), now=world.now, by="buyer")
    with world.database.reading() as connection:
        return how_they_hear(SqlStore(connection), preview.lines, now=world.now)


def slip(world: World, days: int | None) -> Slip:
    return Slip(number="PO-1", to=None if days is None else (world.now + timedelta(days=days)).date())


def written(world: World) -> Hear:
    """What lies in the database of this moment: the messages, those that carry a question, and the calls."""
    with world.database.reading() as connection:
        notices = connection.execute(
            select(tables.notice).where(tables.notice.c.kind == "date_changed", tables.notice.c.made_at == world.now)
        ).all()
        asked = {row.subject_id: row.data["answer_by"] for row in notices if "answer_by" in row.data}
        calls = connection.execute(
            select(tables.delay_consent.c.order_id, tables.task.c.due_at)
            .join(tables.delay_consent, tables.delay_consent.c.id == tables.task.c.subject_id)
            .where(tables.task.c.kind == "delay_consent", tables.task.c.made_at == world.now)
        ).all()
    told = frozenset(row.subject_id for row in notices) - frozenset(asked)
    call_by = {row.order_id: row.due_at.astimezone(ZoneInfo("Europe/Helsinki")).date().isoformat() for row in calls}
    return Hear(message=told, call=frozenset(call_by), asked=asked, call_by=call_by)


@pytest.mark.parametrize("rule", ["own", "us_mail_order"])
@pytest.mark.parametrize("days", [8, None])
def test_who_is_asked_and_until_when_is_said_before_as_it_is_done(world: World, rule: str, days: int | None) -> None:
    """Today is 12 May. By our own rule they have three days; by the US one the first delay is answered before the new
    day, or without one within 30 days of the promised one. The second is due on the day that was promised last."""
    world.policy(name="consent_rule", value=rule)
    _preview, before = shown(world, days)
    assert (before.message, before.call, set(before.asked)) == ({2}, {3}, {1})
    with world.database.reading() as connection:
        assert connection.execute(select(tables.delay_consent)).all() == [], "saying it asks nobody"
    assert done(world, days) == before == written(world)
    first = before.asked[1]
    assert before.call_by == {3: first}, "whoever is called has the same term, and the task is due with it"
    assert first == ("2026-05-15" if rule == "own" else "2026-05-19" if days else "2026-06-12")
    if days is None:
        return
    world.now += timedelta(days=1)
    _preview, again = shown(world, 15)
    assert again.asked == {1: "2026-05-16" if rule == "own" else "2026-05-20"}
    assert done(world, 15) == again == written(world)


def test_where_the_policy_asks_nobody_everybody_is_told(world: World) -> None:
    world.policy(name="delay_consent", value="off")
    _preview, before = shown(world, 8)
    assert (before.by_message, before.by_call, before.asked) == (2, 1, {})
    done(world, 8)
    assert written(world).message == {1, 2}


def test_of_some_orders_alone_only_theirs_count() -> None:
    hear = Hear(
        message=frozenset({2}),
        call=frozenset({3, 6}),
        asked={1: "2026-05-15", 4: "2026-05-14"},
        call_by={3: "2026-05-16"},
    )
    assert [hear.answer_by(order) for order in (1, 2, 3, 6)] == ["2026-05-15", "", "2026-05-16", ""]
    assert (hear.calls_by, hear.among({3}).call_by) == (["2026-05-16"], {3: "2026-05-16"})
    assert [hear.of(order) for order in (1, 2, 3, 5)] == ["asked", "message", "call", ""]
    assert hear.answers_by == ["2026-05-14", "2026-05-15"]
    assert hear.among({1, 2}) == Hear(message=frozenset({2}), asked={1: "2026-05-15"})
