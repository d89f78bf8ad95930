"""Returns and empties are asked for, planned, fetched, counted and inspected; nobody is promised them before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from data import tables
from data.exporters.books import delivery_rows
from data.queries.attempts import deliveries_of, door_ratios
from data.queries.today import figures
from data.queries.tracking import proven
from data.store import SqlStore, open_store
from routing.errors import Conflict, InvalidInput
from routing.model.proofs import DeliveryReport, DoorLine, Outcome
from routing.services.collecting import Fetching, cancel_collection, collect_goods
from routing.services.inspecting import Verdict, inspect_goods
from routing.services.releasing import unrelease
from tests.evening import EVENING, Driven
from tests.rounds import DAY, SIX


def asks(driven: Driven, quantity: int = 5, *, stop: int = 0, **values: Any) -> Fetching:
    facts: dict[str, Any] = {"why": "empties", "day": "2026-05-13", "now": EVENING, "by": "user:1"}
    with open_store(driven.database) as store:
        return collect_goods(
            store,
            site_id=driven.round.stops[stop].site_id,
            product_id=driven.round.product_id,
            quantity=quantity,
            **(facts | values),
        )


def cancels(driven: Driven, delivery_id: int) -> str:
    with open_store(driven.database) as store:
        return cancel_collection(store, delivery_id, now=EVENING, by="user:1", why="they keep them")


def kinds(driven: Driven, delivery_id: int) -> list[str]:
    return [row.kind for row in driven.rows(tables.event) if row.delivery_id == delivery_id]


def test_what_was_handed_over_can_be_fetched_once(driven: Driven) -> None:
    driven.says(0)
    with open_store(driven.database) as store:
        before = store.book(driven.round.depot_id, [driven.round.product_id], now=EVENING)
    made = asks(driven, 5)
    assert (made.quantity, made.day, made.orders) == (5, "2026-05-13", ("SO-1-1",))
    (delivery,) = [row for row in driven.rows(tables.delivery) if row.id == made.delivery_id]
    assert (delivery.direction, delivery.state, delivery.for_day) == ("collect", "released", "2026-05-13")
    with pytest.raises(InvalidInput, match=r"7 × SKU1 are at .* not 8"):
        asks(driven, 8)
    asks(driven, 7)
    with pytest.raises(InvalidInput, match="a collection has it already"):
        asks(driven, 1)
    assert driven.units(0) == {"delivered": 12}
    with open_store(driven.database) as store:
        assert store.book(driven.round.depot_id, [driven.round.product_id], now=EVENING) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": 0}, "1 or more"),
        ({"quantity": 2**40}, "1 or more"),
        ({"quantity": 13}, "12 × SKU1 are at .* not 13"),
        ({"why": "  "}, "Say why"),
        ({"why": "x" * 201}, "has 201 characters. Write it in 200"),
        ({"day": "2026-05-11"}, "from 2026-05-12 on"),
        ({"day": "2036-05-11"}, "within a year"),
        ({"stop": 1}, "No SKU1 is at"),  # still on the van
    ],
)
def test_a_collection_that_cannot_be_changes_nothing(driven: Driven, changes: dict[str, Any], words: str) -> None:
    driven.says(0)
    count = len(driven.rows(tables.delivery))
    with pytest.raises(InvalidInput, match=words):
        asks(driven, **changes)
    assert (len(driven.rows(tables.delivery)), len(driven.rows(tables.release))) == (count, 1)


def test_without_a_day_it_is_fetched_on_the_next_day_the_site_is_served(driven: Driven) -> None:
    driven.says(0)
    assert asks(driven, day="").day == "2026-05-13"


def test_it_is_cancelled_until_a_van_has_it(driven: Driven) -> None:
    driven.says(0)
    first = asks(driven, 5)
    assert cancels(driven, first.delivery_id) == first.number
    assert kinds(driven, first.delivery_id) == ["collection_asked", "collection_cancelled"]
    assert driven.units(0) == {"delivered": 12}, "its goods never moved"
    with pytest.raises(Conflict, match="cancelled before"):
        cancels(driven, first.delivery_id)
    second = asks(driven, 12)
    with driven.database.writing() as connection:
        connection.execute(update(tables.delivery).filter_by(id=second.delivery_id).values(state="dispatched"))
    with pytest.raises(Conflict, match="on a van already"):
        cancels(driven, second.delivery_id)
    with pytest.raises(InvalidInput, match="brings goods"):
        cancels(driven, driven.round.stops[0].delivery_id)


def test_the_story_says_why_nothing_is_fetched_also_where_no_order_has_it(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(update(tables.product).values(returnable=True))
        connection.execute(update(tables.order_line).values(cancelled=tables.order_line.c.quantity))
        connection.execute(update(tables.empties_line).values(order_id=None))
    driven.says(0)
    made = asks(driven, 20)
    with driven.database.writing() as connection:
        connection.execute(delete(tables.delivery_line).where(tables.delivery_line.c.delivery_id == made.delivery_id))
        connection.execute(update(tables.empties_line).values(order_id=None))
    with open_store(driven.database) as store:
        cancel_collection(store, made.delivery_id, now=EVENING, by="user:1", why="they keep the crates")
    said = [each for each in driven.rows(tables.event) if each.kind == "collection_cancelled"]
    assert [(each.delivery_id, each.actor, each.data["why"]) for each in said] == [
        (made.delivery_id, "user:1", "they keep the crates")
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("loaded", "is on a van already"),
        ("under_way", "is on a van already"),
        ("done", "is done"),
        ("failed", "was not fetched: choose another day under Tasks"),
    ],
)
def test_what_is_fetched_is_never_told_to_be_unloaded_or_to_stay_with_its_order(
    driven: Driven, state: str, words: str
) -> None:
    driven.says(0)
    made = asks(driven)
    with driven.database.writing() as connection:
        connection.execute(update(tables.delivery).filter_by(id=made.delivery_id).values(state=state))
    for taking in (cancel_collection, unrelease):
        with open_store(driven.database) as store, pytest.raises(Conflict, match=words) as refused:
            taking(store, made.delivery_id, now=EVENING, by="user:1", why="a test")
        assert "Unload" not in str(refused.value)


def test_what_was_to_be_fetched_when_the_erp_took_over_can_still_be_cancelled(driven: Driven) -> None:
    driven.says(0)
    made = asks(driven)
    with driven.database.writing() as connection:
        connection.execute(insert(tables.setting).values(name="allocation", value={"by": "erp"}, at=EVENING))
    assert cancels(driven, made.delivery_id) == made.number


def test_an_order_that_ended_and_a_customer_on_hold_do_not_keep_its_goods_from_being_fetched(driven: Driven) -> None:
    driven.says(0)
    made = asks(driven)
    with driven.database.writing() as connection:
        connection.execute(update(tables.order).values(not_after=DAY, hold_reason="unpaid"))
    with driven.database.reading() as connection:
        facts = SqlStore(connection).day_facts(
            from_day="2026-05-13", to_day="2026-05-13", depot_ids=[driven.round.depot_id]
        )
    (found,) = [each for each in facts.deliveries if each.id == made.delivery_id]
    assert (found.direction, found.orders, found.promised) == ("collect", (), None)


def on_the_round(driven: Driven, made: Fetching) -> None:
    """The collection stands on the list of the round's third stop, together with what is brought there."""
    with driven.database.writing() as connection:
        connection.execute(update(tables.delivery).filter_by(id=made.delivery_id).values(state="dispatched"))
        connection.execute(
            insert(tables.stop_delivery).values(
                stop_id=driven.round.stops[2].stop_id, delivery_id=made.delivery_id, sequence=2
            )
        )


def test_what_the_driver_fetched_is_counted_and_inspected_before_it_is_promised(driven: Driven) -> None:
    driven.says(0)
    made = asks(driven, 5, now=SIX + timedelta(hours=3))
    on_the_round(driven, made)
    allocation = driven.round.stops[0].allocation_id
    driven.says(1)
    driven.says(2)
    driven.reports(2, made.delivery_id, Outcome.DELIVERED, (DoorLine(allocation_id=allocation, collected=4),))
    (done,) = [row for row in driven.rows(tables.delivery) if row.id == made.delivery_id]
    assert (done.state, driven.units(0)) == ("done", {"delivered": 12})
    told = [row for row in driven.rows(tables.notice) if str(made.delivery_id) in row.occurrence]
    assert not told, "that something was fetched is no message that something was brought"
    assert driven.on_van() == {driven.round.product_id: 4}
    driven.closes(4)
    depot, product = driven.round.depot_id, driven.round.product_id
    assert driven.goods_at(f"returned:{depot}") == 4
    with open_store(driven.database) as store:
        assert store.goods_at(f"depot:{depot}").get(product, 0) <= 0
        inspect_goods(
            store, depot_id=depot, product_id=product, place="returned", quantity=4, verdict=Verdict.STOCK,
            now=EVENING, by="user:1",
        )  # fmt: skip
    # One of the five was not there: it may be asked for again with the seven that were never asked for.
    with open_store(driven.database) as store:
        (left,) = store.handed_over(site_id=driven.round.stops[0].site_id, product_id=product)
    assert left.quantity == 8


def test_a_door_where_nothing_could_be_fetched_is_tried_again(driven: Driven) -> None:
    driven.says(0)
    made = asks(driven, 5, now=SIX + timedelta(hours=3))
    on_the_round(driven, made)
    driven.says(1)
    driven.says(2)
    driven.reports(2, made.delivery_id, Outcome.CLOSED, ())
    driven.closes(None)
    with driven.database.reading() as connection:
        row = connection.execute(select(tables.delivery).filter_by(id=made.delivery_id)).one()
    assert (row.state, row.attempts, row.waits_for, row.for_day) == ("released", 1, "", "2026-05-13")


def test_a_customer_who_hands_nothing_over_is_asked_by_a_person_before_a_van_comes_again(driven: Driven) -> None:
    driven.says(0)
    made = asks(driven, 5, now=SIX + timedelta(hours=3))
    on_the_round(driven, made)
    driven.says(1)
    driven.says(2)
    driven.reports(2, made.delivery_id, Outcome.REFUSED, ())
    (row,) = [row for row in driven.rows(tables.delivery) if row.id == made.delivery_id]
    assert (row.state, row.waits_for) == ("failed", "decision")
    (task,) = driven.rows(tables.task)
    assert (task.kind, task.subject_id) == ("door_decision", made.delivery_id)


def test_goods_that_were_refused_say_nothing_of_what_is_to_be_fetched_at_that_door(driven: Driven) -> None:
    driven.says(0)
    made = asks(driven, 5, now=SIX + timedelta(hours=3))
    on_the_round(driven, made)
    driven.says(1)
    at = driven.round.stops[2]
    both = tuple(
        DeliveryReport(delivery_id=each, outcome=Outcome.REFUSED) for each in (at.delivery_id, made.delivery_id)
    )
    driven.sends(2, both)
    states = {row.id: row.state for row in driven.rows(tables.delivery)}
    assert (states[at.delivery_id], states[made.delivery_id]) == ("done", "dispatched")
    assert [each.subject_id for each in driven.rows(tables.task)] == [at.delivery_id]
    with pytest.raises(Conflict, match="still open on this route"):
        driven.closes(12)
    driven.reports(2, made.delivery_id, Outcome.REFUSED, ())
    fetching = [each.sentence for each in driven.rows(tables.task) if each.subject_id == made.delivery_id]
    assert len(fetching) == 1
    assert "nothing was given to the driver. Try again, or give it up?" in fetching[0]


@pytest.mark.parametrize(("outcome", "fetched"), [(Outcome.DELIVERED, 5), (Outcome.CLOSED, 0)])
def test_a_collection_is_no_delivery_in_the_figures_of_the_day(driven: Driven, outcome: Outcome, fetched: int) -> None:
    def counted() -> tuple[int, int, int, int]:
        with driven.database.reading() as connection:
            (depot,) = figures(connection, day=DAY, now=EVENING).depots
            deliveries = deliveries_of(connection, first=DAY, last=DAY)
        ratio = door_ratios(deliveries)["otif"]
        return depot.done, depot.failed, ratio.numerator, ratio.denominator

    driven.says(0)
    made = asks(driven, 5, day=DAY, now=SIX + timedelta(hours=3))
    on_the_round(driven, made)
    driven.says(1)
    driven.says(2)
    before = counted()
    lines = (DoorLine(allocation_id=driven.round.stops[0].allocation_id, collected=fetched),) if fetched else ()
    driven.reports(2, made.delivery_id, outcome, lines)
    assert {row.id: row.state for row in driven.rows(tables.delivery)}[made.delivery_id] in ("done", "failed")
    assert counted() == before
    assert before[0] == 3


def returnable(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(update(tables.product).values(returnable=True))


def test_empties_that_we_never_delivered_are_fetched_counted_and_inspected(driven: Driven) -> None:
    with pytest.raises(InvalidInput, match='say "yes" in the column "returnable"'):
        asks(driven, 5, stop=1)
    returnable(driven)
    made = asks(driven, 5, stop=1, now=SIX + timedelta(hours=3))
    assert (made.quantity, made.orders) == (5, ("SO-1-2",)), "on whose page it stands"
    with open_store(driven.database) as store:
        (seen,) = store.pick_deliveries([made.delivery_id])
        facts = store.day_facts(from_day="2026-05-13", to_day="2026-05-13", depot_ids=[driven.round.depot_id])
    assert [(line.sku, line.quantity, line.picked) for line in seen.lines] == [("SKU1", 5, 0)]
    (found,) = [each for each in facts.deliveries if each.id == made.delivery_id]
    assert [(goods.quantity, goods.weight_g) for goods in found.goods] == [(5, 1050)], "a van needs room for them"
    on_the_round(driven, made)
    driven.says(0)
    driven.says(1)
    driven.says(2)
    with open_store(driven.database) as store:
        door = store.doors(driven.round.manifest_id, [driven.round.stops[2].stop_id])[driven.round.stops[2].stop_id]
    (line,) = next(each.lines for each in door.deliveries if each.id == made.delivery_id)
    assert (line.allocation_id < 0, line.loaded) == (True, 5)
    counted = DoorLine(allocation_id=line.allocation_id, collected=4)
    driven.reports(2, made.delivery_id, Outcome.DELIVERED, (counted,))
    assert [(row.quantity, row.collected) for row in driven.rows(tables.empties_line)] == [(5, 4)]
    assert (driven.on_van(), driven.units(1)) == ({driven.round.product_id: 4}, {"delivered": 12})
    with driven.database.reading() as connection:
        said = proven(connection, made.delivery_id)
        (written,) = [row for row in delivery_rows(connection) if row[0] == made.number]
    assert said is not None
    assert [(line.product, line.loaded, line.collected) for line in said.lines] == [("Oat milk 1 l", 5, 4)]
    assert (written[2], written[12:14], written[18]) == ("collect", ["SKU1", 5], 4)
    driven.closes(4)
    depot, product = driven.round.depot_id, driven.round.product_id
    assert driven.goods_at(f"returned:{depot}") == 4
    with open_store(driven.database) as store:
        on_hand = store.goods_at(f"depot:{depot}").get(product, 0)
        inspect_goods(
            store, depot_id=depot, product_id=product, place="returned", quantity=4, verdict=Verdict.STOCK,
            now=EVENING, by="user:1",
        )  # fmt: skip
        assert store.goods_at(f"depot:{depot}").get(product, 0) == on_hand + 4


def test_what_we_delivered_is_fetched_first_and_the_rest_is_empties(driven: Driven) -> None:
    returnable(driven)
    driven.says(0)
    made = asks(driven, 20)
    assert [row.quantity for row in driven.rows(tables.empties_line)] == [8]
    with open_store(driven.database) as store:
        (seen,) = store.pick_deliveries([made.delivery_id])
        sheet = store._van_deliveries([made.delivery_id])[made.delivery_id]
    assert [(line.sku, line.quantity) for line in seen.lines] == [("SKU1", 20)]
    assert sorted(line.quantity for line in sheet.lines) == [8, 12]
    assert kinds(driven, made.delivery_id) == ["collection_asked", "collection_asked"]
    cancels(driven, made.delivery_id)
    with pytest.raises(InvalidInput, match="not over 10000 that we never delivered"):
        asks(driven, 10_013)


def collection_lines(driven: Driven, delivery_id: int) -> list[int]:
    """The keys of a collection's lines, goods before empties."""
    with open_store(driven.database) as store:
        stop_id = driven.round.stops[2].stop_id
        door = store.doors(driven.round.manifest_id, [stop_id])[stop_id]
    (lines,) = [each.lines for each in door.deliveries if each.id == delivery_id]
    return sorted((line.allocation_id for line in lines), reverse=True)


def test_no_more_goods_are_fetched_than_were_asked_for_and_of_empties_not_many_more(driven: Driven) -> None:
    """12 that we brought, 8 empties: of these a customer may hand over 24 more."""
    returnable(driven)
    driven.says(0)
    made = asks(driven, 20, now=SIX + timedelta(hours=3))
    on_the_round(driven, made)
    driven.says(1)
    driven.says(2)
    goods, empties = collection_lines(driven, made.delivery_id)
    moved = len(driven.rows(tables.movement))
    for wrong, words in (
        ({goods: 13, empties: 0}, "12 .* were to be fetched, but 13 are said to be collected. Count again: at most 12"),
        ({goods: 500, empties: 8}, "at most 12"),
        ({goods: 12, empties: 33}, "8 .* were to be fetched, but 33 .* at most 32. Is there more, ask the office"),
        ({goods: 12, empties: 2_147_483_647}, "at most 32"),
    ):
        lines = tuple(DoorLine(allocation_id=key, collected=count) for key, count in wrong.items())
        with pytest.raises(InvalidInput, match=words) as refused:
            driven.reports(2, made.delivery_id, Outcome.DELIVERED, lines)
        assert refused.value.code == "door_count"
        assert len(driven.rows(tables.movement)) == moved
    lines = (DoorLine(allocation_id=goods, collected=12), DoorLine(allocation_id=empties, collected=32))
    driven.reports(2, made.delivery_id, Outcome.DELIVERED, lines)
    assert driven.on_van() == {driven.round.product_id: 44}


def test_at_a_delivery_no_more_is_taken_back_than_was_handed_over(driven: Driven) -> None:
    with pytest.raises(InvalidInput, match=r"12 .* were handed over, but 13 are said to be collected"):
        driven.says(0, delivered=12, collected=13)
    driven.says(0, delivered=12, collected=12)
    assert driven.goods_at("delivered") == 0
