"""What a customer or a person decided here stands when the order's file comes again and speaks of something else."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import open_store
from data.store.again import in_transaction
from routing.model.consents import Answer
from routing.rules.consent import Reply
from routing.services.consenting import answer
from routing.services.holding import hold_customer, hold_order
from routing.services.supplying import Slip, commit_slip
from tests.data.backorders.test_importers import CUSTOMER, INBOUND, ORDER, run, set_up

__all__ = ["set_up"]

TEA = {"sku": "TEA-1", "name": "Tea", "case_pack": "1", "price": "3.00"}


@pytest.fixture
def asked(set_up: Database, now: datetime) -> Database:
    """SO-17 wants 24 oat drinks and 6 teas, on a truck due on Thursday that slips a week: its customer is asked."""
    run(set_up, "products", [TEA], now)
    run(
        set_up,
        "inbound",
        [INBOUND | {"expected_at": "2026-05-14T05:30"}, INBOUND | {"number": "PO-2", "sku": "TEA-1"}],
        now,
    )
    with set_up.writing() as connection:
        connection.execute(update(tables.customer).values(business=False))
    run(set_up, "orders", BOTH, now)
    with open_store(set_up) as store:
        commit_slip(store, Slip(number="PO-1", to=date(2026, 5, 21)), now=now, by="test")
    return set_up


BOTH = [ORDER, ORDER | {"line": "2", "sku": "TEA-1", "quantity": "6", "unit_price": "3.00"}]


def noted(*rows: dict[str, str]) -> list[dict[str, str]]:
    """The same rows with another remark on the order: a change, and of nothing that a customer was asked."""
    return [row | {"note": "ring twice"} for row in rows]


def say(database: Database, said: Answer, now: datetime, **values: Any) -> None:
    with database.reading() as connection:
        consent_id = connection.execute(select(tables.delay_consent.c.id)).scalar_one()
    in_transaction(
        database, lambda store: answer(store, consent_id, Reply(answer=said, **values), now=now, by="customer")
    )


def lines(database: Database) -> list[tuple[str, int, int]]:
    with open_store(database) as store:
        return [
            (line["number"], line["quantity"], line["cancelled"]) for line in store.orders(["SO-17"])["SO-17"]["lines"]
        ]


def test_what_the_customer_cancelled_stays_cancelled(asked: Database, now: datetime) -> None:
    say(asked, Answer.CANCEL, now)
    assert lines(asked) == [("1", 24, 24), ("2", 6, 0)]
    run(asked, "orders", noted(*BOTH), now)
    assert lines(asked) == [("1", 24, 24), ("2", 6, 0)]


def test_the_day_that_the_customer_chose_stays(asked: Database, now: datetime) -> None:
    say(asked, Answer.OTHER_DAY, now, day="2026-05-26")
    run(asked, "orders", noted(*BOTH), now)
    with open_store(asked) as store:
        row = store.orders(["SO-17"])["SO-17"]
    assert row["wanted_on"] == "2026-05-26"


def test_the_promise_that_was_told_stays(set_up: Database, now: datetime) -> None:
    run(set_up, "inbound", [INBOUND | {"expected_at": "2026-05-14T05:30"}], now)
    promised = ORDER | {"promised_on": "2026-05-14"}
    run(set_up, "orders", [promised], now)
    with open_store(set_up) as store:
        commit_slip(store, Slip(number="PO-1", to=date(2026, 5, 21)), now=now, by="test")
    run(set_up, "orders", noted(promised), now)
    with open_store(set_up) as store:
        told = store.connection.execute(
            select(tables.promise.c.promised_on, tables.promise.c.why).order_by(tables.promise.c.version)
        ).all()
    assert [tuple(each) for each in told] == [
        ("2026-05-14", "told before import"),
        ("2026-05-21", "inbound PO-1 comes on 2026-05-21"),
    ]


def test_a_hold_of_the_file_and_its_end_leave_the_hold_of_a_person(set_up: Database, now: datetime) -> None:
    run(set_up, "orders", [ORDER], now)
    with open_store(set_up) as store:
        (order_id,) = store.order_ids(["SO-17"]).values()
        hold_order(store, order_id, reason="asks for another day", by="desk", now=now)
    run(set_up, "orders", [ORDER | {"hold": "credit check"}], now)
    run(set_up, "orders", [ORDER], now)
    with open_store(set_up) as store:
        row = store.orders(["SO-17"])["SO-17"]
    assert (row["hold_reason"], row["hold_by"]) == ("asks for another day", "desk")


def test_another_quantity_in_the_file_leaves_what_was_cancelled_here_cancelled(asked: Database, now: datetime) -> None:
    say(asked, Answer.CANCEL, now)
    more = [BOTH[0] | {"quantity": "30"}, BOTH[1]]
    run(asked, "orders", more, now)
    assert lines(asked) == [("1", 30, 24), ("2", 6, 0)], "6 more than before"
    run(asked, "orders", [BOTH[0] | {"quantity": "6"}, BOTH[1]], now)
    assert lines(asked) == [("1", 30, 24), ("2", 6, 0)], "the file has heard of it"
    run(asked, "orders", [BOTH[0] | {"quantity": "10"}, BOTH[1]], now)
    assert lines(asked) == [("1", 10, 0), ("2", 6, 0)]


def test_a_line_that_the_file_left_out_and_has_again_is_wanted_again(asked: Database, now: datetime) -> None:
    run(asked, "orders", BOTH[1:], now)
    assert lines(asked) == [("1", 24, 24), ("2", 6, 0)]
    run(asked, "orders", BOTH, now)
    assert lines(asked) == [("1", 24, 0), ("2", 6, 0)]


def test_another_day_in_the_file_is_news(asked: Database, now: datetime) -> None:
    say(asked, Answer.OTHER_DAY, now, day="2026-05-26")
    run(asked, "orders", [row | {"wanted_on": "2026-05-28"} for row in BOTH], now)
    with open_store(asked) as store:
        assert store.orders(["SO-17"])["SO-17"]["wanted_on"] == "2026-05-28"


def test_what_the_door_is_to_pay_by_a_persons_word_stays(set_up: Database, now: datetime) -> None:
    here = ORDER | {"collect_at_door": "10.00"}
    run(set_up, "orders", [here], now)
    with open_store(set_up) as store:
        (order_id,) = store.order_ids(["SO-17"]).values()
        store.set_collect_at_door(order_id, 4680)
    run(set_up, "orders", noted(here), now)
    with open_store(set_up) as store:
        assert store.orders(["SO-17"])["SO-17"]["collect_at_door"] == 4680


def test_an_order_of_before_is_remembered_when_its_file_comes_again(asked: Database, now: datetime) -> None:
    with asked.writing() as connection:
        connection.execute(update(tables.order).values(said=None))
    run(asked, "orders", BOTH, now)
    say(asked, Answer.CANCEL, now)
    run(asked, "orders", noted(*BOTH), now)
    assert lines(asked) == [("1", 24, 24), ("2", 6, 0)]


# ---------------------------------------------------------------------------- inbound


def expected(database: Database) -> tuple[int, str, bool]:
    """Quantity, day and whether it was cancelled, of the only inbound."""
    with database.reading() as connection:
        row = connection.execute(select(tables.supply).where(tables.supply.c.kind == "inbound")).one()
    return row.quantity, row.expected_at.date().isoformat(), row.cancelled_at is not None


@pytest.mark.parametrize(("to", "stands"), [(date(2026, 5, 21), ("2026-05-21", False)), (None, ("2026-05-12", True))])
def test_the_same_file_leaves_an_inbound_that_slipped_or_was_cancelled(
    set_up: Database, now: datetime, to: date | None, stands: tuple[str, bool]
) -> None:
    run(set_up, "inbound", [INBOUND], now)
    with open_store(set_up) as store:
        commit_slip(store, Slip(number="PO-1", to=to), now=now, by="test")
    result = run(set_up, "inbound", [INBOUND], now)
    assert (result.changed, result.unchanged) == (0, 1)
    assert expected(set_up) == (96, *stands)
    result = run(set_up, "inbound", [INBOUND | {"supplier": "SUP-2"}], now)
    assert result.changed == 1
    assert expected(set_up) == (96, *stands)


def test_another_day_or_quantity_of_an_inbound_is_news(set_up: Database, now: datetime) -> None:
    run(set_up, "inbound", [INBOUND], now)
    with open_store(set_up) as store:
        commit_slip(store, Slip(number="PO-1", to=date(2026, 5, 21)), now=now, by="test")
    run(set_up, "inbound", [INBOUND | {"quantity": "90"}], now)
    assert expected(set_up) == (90, "2026-05-21", False), "the file says nothing new of the day"
    run(set_up, "inbound", [INBOUND | {"quantity": "90", "expected_at": "2026-05-19T05:30"}], now)
    assert expected(set_up) == (90, "2026-05-19", False)
    run(set_up, "inbound", [INBOUND | {"quantity": "0"}], now)
    run(set_up, "inbound", [INBOUND | {"quantity": "90"}], now)
    assert expected(set_up) == (90, "2026-05-12", False), "wanted again after all"


def test_a_day_that_the_file_names_too_is_what_it_said_last(set_up: Database, now: datetime) -> None:
    run(set_up, "inbound", [INBOUND], now)
    with open_store(set_up) as store:
        commit_slip(store, Slip(number="PO-1", to=date(2026, 5, 21)), now=now, by="test")
        at = store.connection.execute(select(tables.supply.c.expected_at)).scalar_one()
    named = INBOUND | {"expected_at": at.isoformat()}
    assert run(set_up, "inbound", [named], now).unchanged == 1
    with open_store(set_up) as store:
        commit_slip(store, Slip(number="PO-1", to=date(2026, 5, 28)), now=now, by="test")
    assert run(set_up, "inbound", [named], now).unchanged == 1
    assert expected(set_up) == (96, "2026-05-28", False)


# ---------------------------------------------------------------------------- customers


def held(database: Database) -> tuple[str, str]:
    with database.reading() as connection:
        row = connection.execute(select(tables.customer)).one()
    return row.payment_hold, row.payment_hold_by


def test_the_same_file_leaves_a_payment_hold_as_a_person_decided(set_up: Database, now: datetime) -> None:
    owes = CUSTOMER | {"payment_hold": "owes"}
    run(set_up, "customers", [owes], now)
    assert held(set_up) == ("owes", "import")
    with open_store(set_up) as store:
        hold_customer(store, 1, reason="", by="desk", now=now, why="has paid")
    assert run(set_up, "customers", [owes], now).changed == 0
    assert held(set_up) == ("", "")


def test_a_payment_hold_of_the_file_and_its_end_leave_that_of_a_person(set_up: Database, now: datetime) -> None:
    with open_store(set_up) as store:
        hold_customer(store, 1, reason="talks to the bank", by="desk", now=now)
    run(set_up, "customers", [CUSTOMER | {"payment_hold": "owes"}], now)
    assert held(set_up) == ("talks to the bank; owes", "desk")
    run(set_up, "customers", [CUSTOMER], now)
    assert held(set_up) == ("talks to the bank", "desk")
