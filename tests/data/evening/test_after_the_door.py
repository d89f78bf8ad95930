"""After the door: short and damaged goods are replaced by rank, refusals are decided, returns are inspected first."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.queries.results import day_results
from data.store import open_store
from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.proofs import Outcome
from routing.model.stock import Receipt
from routing.services.deciding import Decision, decide_door
from routing.services.inspecting import Verdict, inspect_goods
from routing.services.receiving import commit_receipt
from tests.evening import EVENING, Driven
from tests.rounds import DAY, SIX


def decides(driven: Driven, decision: Decision, **values: Any) -> str:
    (task,) = [each for each in driven.rows(tables.task) if each.kind in ("door_decision", "redelivery")]
    with open_store(driven.database) as store:
        return decide_door(store, task_id=task.id, decision=decision, now=EVENING, by="user:1", **values)


def inspects(driven: Driven, quantity: int, verdict: Verdict, place: str = "returned") -> Any:
    with open_store(driven.database) as store:
        return inspect_goods(
            store, depot_id=driven.round.depot_id, product_id=driven.round.product_id, place=place, quantity=quantity,
            verdict=verdict, now=EVENING, by="user:1",
        )  # fmt: skip


def holds(driven: Driven, stop: int) -> int:
    """Unreleased units that the stop's line holds of any supply."""
    with driven.database.reading() as connection:
        line = driven.round.stops[stop].order_line_id
        return sum(
            connection.scalars(select(tables.allocation.c.allocated).where(tables.allocation.c.order_line_id == line))
        )


def stock(driven: Driven, quantity: int) -> None:
    with open_store(driven.database) as store:
        commit_receipt(
            store,
            Receipt(
                number="R-NEW", depot_id=driven.round.depot_id, product_id=driven.round.product_id, sku="SKU1",
                quantity=quantity, counted_at=SIX,
            ),
            now=SIX, by="test",
        )  # fmt: skip


def test_damaged_and_short_goods_are_replaced_from_stock_at_once(driven: Driven) -> None:
    stock(driven, 10)
    driven.says(0, delivered=8, short=1, damaged=3)
    assert holds(driven, 0) == 4
    # They are still in the van: until it is counted nobody can look at them at the depot.
    assert driven.goods_at(f"quarantine:{driven.round.depot_id}") == 0
    assert driven.on_van()[driven.round.product_id] == 36 - 8
    driven.says(1)
    driven.says(2)
    driven.closes(3)
    assert driven.goods_at(f"quarantine:{driven.round.depot_id}") == 3
    assert (driven.goods_at("lost"), driven.on_van()) == (1, {})


def test_without_stock_they_wait_in_their_old_place(driven: Driven) -> None:
    driven.says(0, delivered=8, short=4)
    driven.says(1, delivered=9, short=3)
    assert (holds(driven, 0), holds(driven, 1)) == (0, 0)
    stock(driven, 5)
    # Stop 1 ordered as early, its line came first: its 4, then 1 of the other's 3.
    assert (holds(driven, 0), holds(driven, 1)) == (4, 1)


@pytest.mark.parametrize("decision", [Decision.CREDIT, Decision.CANCEL])
def test_refused_goods_that_are_credited_or_cancelled_are_not_wanted_again(driven: Driven, decision: Decision) -> None:
    stock(driven, 10)
    driven.says(0, delivered=8, refused=4)
    assert "4 refused units" in decides(driven, decision)
    assert (holds(driven, 0), driven.units(0)) == (0, {"delivered": 8, "refused": 4})
    with pytest.raises(Conflict, match="decided already"):
        decides(driven, decision)


def priced(driven: Driven, price: int) -> None:
    with driven.database.writing() as connection:
        connection.execute(tables.order_line.update().values(unit_price=price))


def results(driven: Driven) -> list[Any]:
    with driven.database.reading() as connection:
        return list(day_results(connection, day=DAY))


def test_a_credit_of_refused_goods_is_a_refund_with_its_amount_a_message_and_a_column(driven: Driven) -> None:
    priced(driven, 250)
    driven.says(0, delivered=8, refused=4)
    assert decides(driven, Decision.CREDIT) == "4 refused units of D-1-1 are credited. That is 10.00 EUR."
    (refund,) = [each for each in driven.rows(tables.task) if each.kind == "refund"]
    # Tuesday 12 May and seven working days, by the policy's usual value.
    assert refund.sentence == (
        "Refund Café 12 at the corner by Thu 21 May 2026 what was paid for order SO-1-1, now credited: "
        "4 × SKU1, 10.00 EUR. Was nothing paid, say so."
    )
    (told,) = [each for each in driven.rows(tables.notice) if each.kind == "credited"]
    assert (told.data["goods"][0]["quantity"], told.data["references"]) == (4, ["SO-1-1", "PO-1-1"])
    first = results(driven)[0]
    assert (first.refused, first.credited, first.open) == (4, 4, 0)


def test_a_cancelled_refusal_is_told_once_and_pays_nothing_back(driven: Driven) -> None:
    priced(driven, 250)
    driven.says(0, delivered=8, refused=4)
    assert decides(driven, Decision.CANCEL) == "4 refused units of D-1-1 are cancelled."
    assert "refund" not in {each.kind for each in driven.rows(tables.task)}
    assert [each.kind for each in driven.rows(tables.notice) if each.kind in ("credited", "cancelled")] == ["cancelled"]
    assert (results(driven)[0].credited, results(driven)[0].open) == (0, 0)


def test_the_results_say_what_was_counted_back_of_refused_and_damaged_goods(driven: Driven) -> None:
    driven.says(0, Outcome.REFUSED)
    driven.says(1, delivered=6, damaged=4, short=2)
    driven.says(2, Outcome.NOT_HOME)
    assert [each.counted_back for each in results(driven)] == [0, 0, 0]
    driven.closes(29)
    first, second, third = results(driven)
    assert (first.refused, first.returned, first.counted_back) == (12, 0, 12)
    assert (second.damaged, second.short, second.counted_back) == (4, 2, 5)  # one that was called short was there
    assert (third.returned, third.lost, third.counted_back) == (12, 0, 12)
    assert (first.lost, second.lost) == (0, 1), "the other of the two that were short is nowhere"
    for each in (first, second, third):
        assert each.delivered + each.short + each.damaged + each.refused + each.returned == each.sent
        assert each.delivered + each.counted_back + each.lost == each.sent


def test_what_nobody_was_home_for_is_expected_on_the_day_on_which_it_goes_out_again(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(update(tables.order_line).values(expected_on=DAY, own_day=DAY))
    for stop in (0, 1):
        driven.says(stop)
    driven.says(2, Outcome.NOT_HOME)
    (goes_again,) = [row.for_day for row in driven.rows(tables.delivery) if row.state == "failed"]
    assert goes_again > DAY
    assert [each.expected_on for each in results(driven)] == ["", "", goes_again]
    days = {row.id: (row.expected_on, row.own_day) for row in driven.rows(tables.order_line)}
    assert days[driven.round.stops[2].order_line_id] == (goes_again, goes_again)
    assert days[driven.round.stops[0].order_line_id] == (DAY, DAY)


def test_undelivered_goods_that_are_credited_stand_in_the_results_of_their_day(driven: Driven) -> None:
    priced(driven, 250)
    driven.says(0, Outcome.WRONG_GOODS)
    for stop in (1, 2):
        driven.says(stop)
    driven.closes(12)
    assert decides(driven, Decision.CREDIT) == "D-1-1 is credited: its 12 units are free for others. That is 30.00 EUR."
    first = results(driven)[0]
    assert (first.order, first.delivery, first.outcome) == ("SO-1-1", "D-1-1", "wrong_goods")
    assert (first.sent, first.returned, first.credited, first.ordered, first.open) == (12, 12, 12, 0, 0)


def test_refused_goods_that_are_brought_again_wait_in_their_old_place(driven: Driven) -> None:
    stock(driven, 3)
    driven.says(0, delivered=8, refused=4)
    assert "wait for goods again" in decides(driven, Decision.REDELIVER)
    assert (holds(driven, 0), driven.units(0)) == (3, {"delivered": 8, "short": 4})


def test_a_delivery_that_waits_for_a_decision_goes_out_again_on_the_day_that_was_chosen(driven: Driven) -> None:
    driven.says(0, Outcome.WRONG_GOODS)
    with pytest.raises(InvalidInput, match="is over"):
        decides(driven, Decision.REDELIVER, for_day="2026-05-01")
    assert decides(driven, Decision.REDELIVER, for_day="2026-05-20") == "D-1-1 goes out again on Wed 20 May 2026."
    (delivery, *_others) = driven.rows(tables.delivery)
    assert (delivery.state, delivery.for_day, delivery.waits_for) == ("failed", "2026-05-20", "")
    assert driven.units(0) == {"loaded": 12}, "the goods stay the customer's"


def test_what_nobody_wants_any_more_is_free_for_others_once_the_van_was_counted(driven: Driven) -> None:
    driven.says(0, Outcome.WRONG_GOODS)
    for stop in (1, 2):
        driven.says(stop)
    with pytest.raises(Conflict, match="still on the van"):
        decides(driven, Decision.CANCEL)
    driven.closes(12)
    assert "its 12 units are free" in decides(driven, Decision.CANCEL)
    (delivery, *_others) = driven.rows(tables.delivery)
    assert (delivery.state, driven.units(0), holds(driven, 0)) == ("unreleased", {}, 0)
    assert [line.cancelled for line in driven.rows(tables.order_line)] == [12, 0, 0]


def test_returned_goods_are_promised_only_after_somebody_looked_at_them(driven: Driven) -> None:
    driven.says(0, delivered=6, refused=6)
    driven.says(1, delivered=7, short=5)
    driven.says(2)
    driven.closes(6)
    assert (holds(driven, 1), driven.goods_at(f"returned:{driven.round.depot_id}")) == (0, 6)
    inspects(driven, 1, Verdict.QUARANTINE)
    inspects(driven, 1, Verdict.WRITTEN_OFF)
    assert holds(driven, 1) == 0
    preview = inspects(driven, 4, Verdict.STOCK)
    assert sum(line.firm_after - line.firm_before for line in preview.lines) == 4
    assert (holds(driven, 1), driven.goods_at(f"returned:{driven.round.depot_id}")) == (4, 0)
    inspects(driven, 1, Verdict.STOCK, place="quarantine")
    assert holds(driven, 1) == 5
    with pytest.raises(Conflict, match="0 × SKU1 wait there"):
        inspects(driven, 1, Verdict.STOCK)


def test_an_inspection_that_cannot_be_is_refused(driven: Driven) -> None:
    for quantity, place, verdict in (
        (0, "returned", Verdict.STOCK), (1, "depot", Verdict.STOCK), (1, "quarantine", Verdict.QUARANTINE),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            inspects(driven, quantity, verdict, place)
    with pytest.raises(NotFound), open_store(driven.database) as store:
        decide_door(store, task_id=99, decision=Decision.CREDIT, now=EVENING, by="user:1")
