"""An order that is paid at the door: asked for once, collected once, counted in the evening, told to the ERP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from data import tables
from data.queries.driver import driver_route
from data.store import open_store
from routing.errors import Conflict, InvalidInput
from routing.model.payments import Payment, PayMethod
from routing.model.proofs import DeliveryReport, DoorEvent, DoorLine, DoorReport, Outcome
from routing.rules.paying import due_in_full
from routing.services.correcting import correct_report
from routing.services.delivering import Recorded, record
from routing.services.paying import ask_at_door
from tests.evening import EVENING, Driven
from tests.rounds import DAY, row


def eur(amount: int, method: PayMethod = PayMethod.CASH) -> Payment:
    return Payment(currency="EUR", amount=amount, method=method)


@pytest.fixture
def paid(driven: Driven) -> Driven:
    """The order of the first door asks for 100.00 EUR, that of the second for 50.00; 12 units of 2.50 each."""
    with driven.database.writing() as connection:
        connection.execute(update(tables.order_line).values(unit_price=250))
        connection.execute(update(tables.order).values(currency="EUR"))
    for stop, amount in ((0, 10000), (1, 5000)):
        asks(driven, stop, amount)
    return driven


def order_of(driven: Driven, stop: int) -> int:
    line_id = driven.round.stops[stop].order_line_id
    return next(int(each.order_id) for each in driven.rows(tables.order_line) if each.id == line_id)


def asks(driven: Driven, stop: int, amount: int) -> bool:
    with open_store(driven.database) as store:
        return ask_at_door(store, order_of(driven, stop), amount=amount, by="user:1", now=EVENING)


def report(driven: Driven, stop: int, *payments: Payment, outcome: Outcome = Outcome.DELIVERED, **counts: int) -> Any:
    at = driven.round.stops[stop]
    lines = (DoorLine(allocation_id=at.allocation_id, **counts),) if counts else ()
    return DoorReport(
        client_id=f"paid-{stop}", sequence=stop, payload_sha256=f"paid-{stop}", kind=DoorEvent.OUTCOME,
        captured_at=at.arrival, stop_id=at.stop_id, recipient="Goods-in 1", payments=payments,
        deliveries=(DeliveryReport(delivery_id=at.delivery_id, outcome=outcome, lines=lines),),
    )  # fmt: skip


def sends(driven: Driven, said: DoorReport) -> Recorded:
    with open_store(driven.database) as store:
        return record(
            store=store, manifest_id=driven.round.manifest_id, report=said, now=said.captured_at, secret=driven.secret
        )


def entries(driven: Driven) -> list[tuple[str, str, int]]:
    return [(each.kind, each.method, each.amount) for each in driven.rows(tables.cash_entry)]


def money_tasks(driven: Driven) -> list[Any]:
    return [each for each in driven.rows(tables.task) if each.kind == "cash_difference" and each.done_at is None]


def test_what_was_collected_is_booked_once_however_often_it_is_sent(paid: Driven) -> None:
    said = report(paid, 0, eur(10000))
    assert [sends(paid, said).repeated for _ in range(3)] == [False, True, True]
    assert entries(paid) == [("due", "cash", 10000), ("collected", "cash", 10000)]
    assert money_tasks(paid) == []
    (done,) = [each for each in paid.rows(tables.event) if each.kind == "delivery.done"]
    assert done.data["paid"] == [{"currency": "EUR", "due": 10000, "collected": {"cash": 10000}}]


def test_short_goods_are_not_asked_for_and_collecting_less_is_a_task_and_no_refusal(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(7000), delivered=9, short=3))
    assert entries(paid) == [("due", "cash", 7500), ("collected", "cash", 7000)]
    (task,) = money_tasks(paid)
    assert "75.00 EUR were due at the door, 70.00 EUR were collected, too little" in task.sentence
    sends(paid, report(paid, 1))  # a page from before this was there says nothing of money
    assert [each.subject_id for each in money_tasks(paid)] == [stop.delivery_id for stop in paid.round.stops[:2]]


def test_nothing_is_due_where_nothing_was_handed_over_and_all_of_it_the_next_time(paid: Driven) -> None:
    sends(paid, report(paid, 0, outcome=Outcome.NO_PAYMENT))
    assert entries(paid) == []
    assert money_tasks(paid) == []
    with open_store(paid.database) as store:
        (asked,) = store.doors(paid.round.manifest_id, [paid.round.stops[0].stop_id]).values()
    (delivery,) = asked.deliveries
    assert due_in_full(delivery.asks, {line.allocation_id: line.loaded for line in delivery.lines}) == {"EUR": 10000}


def test_money_for_an_order_whose_amount_was_taken_back_meanwhile_is_booked_and_asked_about(paid: Driven) -> None:
    assert asks(paid, 0, 0)
    sends(paid, report(paid, 0, eur(10000, PayMethod.CARD)))
    assert entries(paid) == [("collected", "card", 10000)]
    assert "0.00 EUR were due at the door, 100.00 EUR were collected, too much" in money_tasks(paid)[0].sentence


def test_money_in_another_currency_is_refused_and_nothing_is_recorded(paid: Driven) -> None:
    with pytest.raises(InvalidInput, match="Money in SEK"):
        sends(paid, report(paid, 0, Payment(currency="SEK", amount=10000)))
    assert entries(paid) == []
    assert paid.rows(tables.proof) == []


def test_only_cash_lies_in_the_till_and_what_was_paid_by_card_needs_no_count(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(10000, PayMethod.CARD)))
    sends(paid, report(paid, 1, eur(5000)))
    sends(paid, report(paid, 2))
    with open_store(paid.database) as store:
        (till,) = store.cash_of_shift(paid.round.shift_id)
    assert (till.due, till.collected, till.card, till.must_be_counted) == (15000, 5000, 10000, True)
    with pytest.raises(InvalidInput, match=r"50\.00 EUR were collected"):
        paid.closes(None)
    assert paid.closes(None, cash={"EUR": 4900}).cash_off == (("EUR", -100),)


def test_a_van_that_was_paid_by_card_only_is_closed_without_counting_money(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(10000, PayMethod.CARD)))
    sends(paid, report(paid, 1, eur(5000, PayMethod.CARD)))
    sends(paid, report(paid, 2))
    assert paid.closes(None).cash_off == ()


def test_the_results_say_what_was_due_and_paid_by_the_erps_references(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(9000), eur(1000, PayMethod.CARD)))
    sends(paid, report(paid, 1, eur(5000)))
    first, second, third = paid.results()
    assert (first.paid_cash, first.paid_card, first.paid_other) == (9000, 1000, 0)
    assert (second.paid_cash, second.paid_card, third.paid_cash) == (5000, 0, 0)
    assert (first.due_at_door, first.paid_at_door, first.paid_by) == (10000, 10000, "cash, card")
    assert (second.due_at_door, second.paid_at_door, second.paid_by, second.currency) == (5000, 5000, "cash", "EUR")
    assert (third.due_at_door, third.paid_at_door, third.paid_by) == (0, 0, "")


def corrects(driven: Driven, said: DeliveryReport) -> Any:
    with open_store(driven.database) as store:
        return correct_report(
            store=store, report=said, why="counted again", now=EVENING, by="user:1", secret=driven.secret
        )


def test_a_corrected_amount_takes_the_place_of_the_first_and_settles_the_question(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(1000)))
    assert len(money_tasks(paid)) == 1
    at = paid.round.stops[0]
    said = DeliveryReport(delivery_id=at.delivery_id, outcome=Outcome.DELIVERED, payments=(eur(10000),))
    done = corrects(paid, said)
    assert [each.total for each in (*done.paid_before, *done.paid_after)] == [1000, 10000]
    assert entries(paid) == [("due", "cash", 10000), ("collected", "cash", 10000)]
    assert money_tasks(paid) == []
    with pytest.raises(InvalidInput, match="reported like this already"):
        corrects(paid, said)
    told = [(each.paid_at_door, each.due_at_door, each.correction) for each in paid.results() if each.order == "SO-1-1"]
    assert told == [(1000, 10000, ""), (9000, 0, "counted again")]


def test_a_correction_from_cash_to_card_is_a_difference_by_method_and_moves_the_till(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(6000), eur(4000, PayMethod.CARD)))
    at = paid.round.stops[0]
    payments = (eur(2500), eur(7500, PayMethod.CARD))
    corrects(paid, DeliveryReport(delivery_id=at.delivery_id, outcome=Outcome.DELIVERED, payments=payments))
    told = [
        (each.paid_at_door, each.paid_cash, each.paid_card, each.correction)
        for each in paid.results()
        if each.order == "SO-1-1"
    ]
    assert told == [(10000, 6000, 4000, ""), (0, -3500, 3500, "counted again")]
    with open_store(paid.database) as store:
        (till,) = store.cash_of_shift(paid.round.shift_id)
    assert (till.collected, till.card) == (2500, 7500)


def test_corrected_counts_change_what_is_due_and_what_was_collected_stays(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(10000)))
    at = paid.round.stops[0]
    lines = (DoorLine(allocation_id=at.allocation_id, delivered=6, short=6),)
    corrects(paid, DeliveryReport(delivery_id=at.delivery_id, outcome=Outcome.DELIVERED, lines=lines))
    assert entries(paid) == [("due", "cash", 5000), ("collected", "cash", 10000)]
    assert "50.00 EUR were due at the door, 100.00 EUR were collected, too much" in money_tasks(paid)[0].sentence


def test_two_deliveries_of_one_order_ask_for_its_amount_together(paid: Driven) -> None:
    """The second door brings the rest of the first order: each asks for its half, whichever is reported first."""
    with paid.database.writing() as connection:
        connection.execute(
            update(tables.order_line)
            .where(tables.order_line.c.id == paid.round.stops[1].order_line_id)
            .values(order_id=order_of(paid, 0), number="2")
        )
    asks(paid, 0, 10001)
    with paid.database.reading() as connection:
        route = driver_route(connection, paid.round.manifest_id, now=EVENING)
    shown = [each.deliveries[0].asks for each in route.stops[:2]]
    assert [(each.worth, each.worth_before, each.asked_before) for (each,) in shown] == [
        (6000, 0, 0),
        (6000, 3000, 5001),
    ]
    sends(paid, report(paid, 1, eur(5000)))
    sends(paid, report(paid, 0, eur(5001)))
    assert [each for each in entries(paid) if each[0] == "due"] == [("due", "cash", 5000), ("due", "cash", 5001)]
    assert money_tasks(paid) == []


def test_an_order_of_which_nothing_is_to_come_asks_for_nothing_more(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(10000)))
    with pytest.raises(Conflict, match="still to come"):
        asks(paid, 0, 12000)
    assert not asks(paid, 0, 10000)
    for amount in (-1, 10**9):
        with pytest.raises(InvalidInput):
            asks(paid, 1, amount)


def test_a_payment_is_part_of_what_makes_a_report_the_same(paid: Driven) -> None:
    said = report(paid, 0, eur(10000))
    sends(paid, said)
    with pytest.raises(Conflict):
        sends(paid, replace(said, payments=(eur(1),), payload_sha256="another"))


def test_the_till_stays_with_the_van_when_another_driver_takes_it(paid: Driven) -> None:
    sends(paid, report(paid, 0, eur(10000)))
    with paid.database.writing() as connection:
        connection.execute(update(tables.shift).values(state="replaced"))
        taken_over = row(
            connection, tables.shift, day=DAY, depot_id=paid.round.depot_id, vehicle_id=paid.round.vehicle_id,
            driver_id=paid.round.driver_id, starts="09:00", ends="15:00", replaces_id=paid.round.shift_id,
        )  # fmt: skip
    with open_store(paid.database) as store:
        assert [each.collected for each in store.cash_of_shift(taken_over)] == [10000]
