"""Other goods instead of what comes too late: offered only when they lie there, sent only after a yes, counted once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from data import tables
from data.db import Database
from data.health import check_rows
from data.importers.substitutes import import_substitutes
from data.queries.backorder_figures import Scope as Whose
from data.queries.backorder_figures import flow, stock
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import BackrouteError, Conflict, NotAllowed
from routing.model.imports import LineIn, OrderIn
from routing.rules.figures.figure import Period
from routing.rules.imports import HEADER, compare
from routing.rules.policies import PolicyRow, Scope
from routing.services.consenting import end_term
from routing.services.receiving import commit_receipt, reallocate
from routing.services.releasing import release_orders
from routing.services.substituting import Proposal, proposals, take
from routing.services.supplying import Slip, commit_slip
from tests.data.backorders.conftest import holdings

THURSDAY = datetime(2026, 5, 14, 5, 30, tzinfo=UTC)
SLIPPED = date(2026, 5, 21)


@dataclass
class Case:
    company: Any
    database: Database
    now: datetime
    products: dict[str, int]
    order: int

    def policy(self, value: str, *, scope: Scope = Scope.COMPANY, scope_id: int = 0) -> None:
        row = PolicyRow(
            scope=scope, scope_id=scope_id, name="substitutes", value=value, effective_from="2026-05-12"
        )  # fmt: skip
        with open_store(self.database) as store:
            store.set_policy(row, by="test", now=self.now)

    def offers(self, order: int | None = None) -> list[Proposal]:
        with self.database.reading() as connection:
            return proposals(SqlStore(connection), order or self.order, now=self.now)

    def take(self, *, by: str = "user:1", key: str = "", order: int | None = None, **values: Any) -> int:
        key = key or self.offers(order)[0].key
        return in_transaction(
            self.database, lambda store: take(store, order or self.order, key=key, now=self.now, by=by, **values)
        )

    def rows(self, *columns: Any) -> list[Any]:
        with self.database.reading() as connection:
            found = connection.execute(select(*columns).order_by(columns[0])).all()
        return [row[0] if len(columns) == 1 else tuple(row) for row in found]

    def lines(self) -> list[tuple[Any, ...]]:
        line = tables.order_line.c
        return [row[1:] for row in self.rows(line.id, line.number, line.quantity, line.cancelled, line.unit_price)]

    def holdings(self) -> dict[str, tuple[int, int]]:
        with open_store(self.database) as store:
            return holdings(store)

    def sentences(self) -> dict[str, str]:
        return dict(self.rows(tables.task.c.kind, tables.task.c.sentence))


@pytest.fixture
def case(company: Any, database: Database, now: datetime) -> Case:
    """SO-1 wants 12 OAT at 1.00, SO-2 too; the truck with 12 slips from 14 to 21 May. 7 packs BARISTA lie there, and 1
    goes for 5 OAT."""
    with company.open():
        products = {sku: company.product(sku, price=900, currency="EUR") for sku in ("OAT", "BARISTA", "RICE")}
        company.inbound(products["OAT"], 12, THURSDAY)
        order = company.order({products["OAT"]: 12}, customer={"business": False, "salesperson": "Sales 1"})
        company.order({products["OAT"]: 12})
        company.connection.execute(
            insert(tables.product_substitute).values(
                product_id=products["OAT"], substitute_id=products["BARISTA"], gives=1, replaces=5
            )
        )
    with open_store(database) as store:
        commit_receipt(store, company.receipt("BARISTA", 7), now=now, by="test")
        reallocate(
            store, depot_id=company.depot_id, product_ids=set(products.values()), now=now, by="test", why="new orders"
        )
    with open_store(database) as store:
        commit_slip(store, Slip(number="PO-1", to=SLIPPED), now=now, by="test")
    return Case(company, database, now, products, order)


def test_never_is_the_usual_and_then_nothing_is_offered_or_taken(case: Case) -> None:
    assert case.offers() == []
    case.policy("ask")
    key = case.offers()[0].key
    case.policy("never", scope=Scope.ORDER, scope_id=case.order)
    assert case.offers() == []
    with pytest.raises(NotAllowed, match="never"):
        case.take(key=key)


def test_an_offer_is_whole_times_the_ratio_never_dearer_and_comes_sooner(case: Case) -> None:
    case.policy("ask")
    (one,) = case.offers()
    assert (one.offer.replaced, one.offer.given, one.offer.price, one.day) == (10, 2, 500, "2026-05-12")
    assert (one.offer.agreed, one.offer.worth, one.offer.waits_on) == (1000, 1000, 2)
    with case.database.writing() as connection:
        connection.execute(update(tables.product).values(price=430))
    assert [each.offer.price for each in case.offers()] == [430]


def test_what_is_taken_stands_in_the_same_order_and_the_rest_goes_on_waiting(case: Case) -> None:
    case.policy("allowed")
    new = case.take()
    assert case.lines()[0] == ("1", 12, 10, 100)
    assert case.lines()[-1] == ("1-S1", 2, 0, 500)
    assert case.holdings()["SO-1"] == (2, 2), "2 packs on the shelf, and 2 of the truck"
    assert case.holdings()["SO-2"] == (0, 10), "what was given up goes to who waits next"
    promise = tables.promise.c
    promises = {
        row[1]: row[2:] for row in case.rows(promise.id, promise.order_line_id, promise.promised_on, promise.why)
    }
    assert promises[new] == ("2026-05-12", "at the customer's wish")
    data = case.rows(tables.notice.c.id, tables.notice.c.data)[-1][1]
    assert data["goods"] == [
        {"quantity": 2, "unit": "pcs", "name": "Product BARISTA", "instead_of": "10 pcs Product OAT"}
    ]
    assert "substituted" in case.rows(tables.event.c.kind)
    assert "refund" not in case.sentences(), "it costs what was agreed"
    assert case.offers() == [], "2 are less than one pack replaces"
    with case.database.reading() as connection:
        assert [check for check in check_rows(connection) if check.state == "fail"] == []


def test_a_cheaper_substitute_that_was_paid_for_makes_one_task_for_the_difference(case: Case) -> None:
    case.policy("allowed")
    with case.database.writing() as connection:
        connection.execute(update(tables.product).values(price=430))
    case.take()
    assert (
        "the difference to a cheaper substitute: 2 × BARISTA instead of 10 × OAT, 1.40 EUR"
        in case.sentences()["refund"]
    )


def test_who_agreed_to_no_messages_is_called_about_what_was_only_allowed(case: Case) -> None:
    case.policy("allowed")
    with case.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
    case.take()
    assert "2 × BARISTA come on Tue 12 May 2026 instead of 10 × OAT" in case.sentences()["call_customer"]


@pytest.mark.parametrize(("replaces", "is_done"), [(6, True), (5, False)])
def test_nobody_is_called_about_the_late_day_of_goods_that_others_replaced(
    case: Case, replaces: int, is_done: bool
) -> None:
    """A pack for 6 replaces all 12; a pack for 5 leaves 2 that come late, and the call about them stands."""
    case.policy("allowed")
    with case.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
        connection.execute(update(tables.customer).values(business=True))
        connection.execute(update(tables.product_substitute).values(replaces=replaces))
    with open_store(case.database) as store:
        commit_slip(store, Slip(number="PO-1", to=SLIPPED + timedelta(days=7)), now=case.now, by="test")
    case.take()
    task = tables.task.c
    rows = case.rows(task.id, task.kind, task.subject_kind, task.subject_id, task.outcome)
    calls = [row[2:] for row in rows if row[1] == "call_customer"]
    assert ("order", case.order, "takes a substitute" if is_done else "") in calls


def test_the_figures_count_what_was_ordered_once_and_no_backorder_any_more(case: Case) -> None:
    case.policy("allowed")
    period = Period(first=date(2026, 5, 1), last=date(2026, 5, 31), zone="Europe/Helsinki")
    with case.database.reading() as connection:
        before = flow(connection, period=period, scope=Whose(customer_id=1))
    case.take()
    with case.database.reading() as connection:
        assert flow(connection, period=period, scope=Whose(customer_id=1)) == before, (
            "it came in once, and was on no shelf then"
        )
        units = stock(connection, day=date(2026, 5, 12), scope=Whose())[0].units
    assert (units.numerator, units.denominator) == (2 + 12, 2 + 2 + 12)


def test_only_the_offer_that_was_seen_is_taken_and_another_order_may_have_been_faster(case: Case) -> None:
    case.policy("ask")
    seen = case.offers()[0].key
    with case.company.open():
        other = case.company.order({case.products["BARISTA"]: 6})
    with open_store(case.database) as store:
        reallocate(
            store,
            depot_id=case.company.depot_id,
            product_ids={case.products["BARISTA"]},
            now=case.now,
            by="test",
            why="new orders",
        )
    with pytest.raises(Conflict, match="not there any more"):
        case.take(key=seen)
    (next_one,) = case.offers()
    assert (next_one.offer.replaced, next_one.offer.given) == (5, 1)
    case.take()
    assert case.offers() == []
    assert other


def test_what_a_second_substitute_covers_more_of_is_offered_first(case: Case) -> None:
    case.policy("ask")
    rows = b"sku,substitute,gives,replaces,preference\nOAT,RICE,1,1,2\n"
    with open_store(case.database) as store:
        made = import_substitutes(store, BytesIO(rows), now=case.now, by="test")
        commit_receipt(store, case.company.receipt("RICE", 30), now=case.now, by="test")
    assert made.created == 1
    assert [(each.offer.substitute.sku, each.offer.given) for each in case.offers()] == [("RICE", 12)]


def test_an_order_that_ships_complete_takes_it_only_if_then_all_of_it_goes(case: Case) -> None:
    case.policy("ask")
    with case.database.writing() as connection:
        connection.execute(
            update(tables.order).where(tables.order.c.id == case.order).values(completeness="complete")
        )  # fmt: skip
    assert case.offers() == [], "2 oat drinks would still be missing"
    with case.database.writing() as connection:
        connection.execute(update(tables.product_substitute).values(replaces=4))
    (one,) = case.offers()
    assert (one.offer.replaced, one.offer.given) == (12, 3)
    case.take()
    assert case.holdings()["SO-1"] == (3, 0)


def test_released_units_are_never_replaced(case: Case) -> None:
    case.policy("ask")
    with open_store(case.database) as store:
        commit_receipt(store, case.company.receipt("OAT", 7), now=case.now, by="test")
        release_orders(store, depot_id=case.company.depot_id, for_day="2026-05-12", now=case.now, by="test")
    (one,) = case.offers()
    assert (one.offer.replaced, one.offer.given) == (5, 1)


def test_the_question_about_the_delay_is_settled_when_nothing_of_it_is_left(case: Case) -> None:
    case.policy("ask")
    with case.database.writing() as connection:
        connection.execute(update(tables.product_substitute).values(replaces=4))
    (question,) = case.rows(tables.delay_consent.c.id)
    new = case.take(by="customer", consent_id=question)
    asked = case.rows(
        tables.delay_consent.c.closed_why, tables.delay_consent.c.chosen, tables.delay_consent.c.answered_by
    )
    assert asked == [("substituted", str(new), "customer")]
    later = case.now + timedelta(days=9)
    assert not in_transaction(case.database, lambda store: end_term(store, question, now=later))
    with pytest.raises(Conflict, match="time to answer is over"):
        case.take(by="customer", key="1:2:3:4:5", consent_id=question)


def test_a_rest_that_waits_on_is_still_asked_about(case: Case) -> None:
    case.policy("ask")
    (question,) = case.rows(tables.delay_consent.c.id)
    case.take(by="customer", consent_id=question)
    assert case.rows(tables.delay_consent.c.closed_at) == [None]


def test_two_who_want_the_last_packs_at_once_get_them_once(case: Case) -> None:
    case.policy("allowed")
    with case.database.writing() as connection:
        connection.execute(update(tables.supply).where(tables.supply.c.number == "R-1").values(quantity=2))
    second = case.order + 1
    keys = {order: case.offers(order)[0].key for order in (case.order, second)}
    said: list[str] = []

    def press(order: int) -> None:
        try:
            case.take(order=order, key=keys[order])
            said.append("taken")
        except BackrouteError as problem:
            said.append(problem.code)

    threads = [threading.Thread(target=press, args=(order,)) for order in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["substitute_gone", "taken"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("OAT,OAT,1,1,1", "is the product itself"),
        ("OAT,NIL,1,1,1", "there is no product"),
        ("OAT,RICE,0,1,1", "out of range"),
        ("OAT,RICE,1,x,1", "whole number"),
        (",RICE,1,1,1", "must be filled"),
    ],
)
def test_a_row_that_cannot_be_right_is_left_out_and_says_why(case: Case, row: str, what: str) -> None:
    file = BytesIO(f"sku,substitute,gives,replaces,preference\n{row}\n".encode())
    with open_store(case.database) as store:
        result = import_substitutes(store, file, now=case.now, by="test")
    assert result.created == 0
    assert [what in error.what for error in result.errors] == [True]


def test_the_same_file_again_changes_nothing_and_a_dry_run_neither(case: Case) -> None:
    def run(rows: str, *, dry_run: bool = False) -> tuple[int, int, int]:
        file = BytesIO(f"sku;substitute;gives;replaces;preference\n{rows}\n".encode())
        with open_store(case.database) as store:
            made = import_substitutes(store, file, now=case.now, by="test", dry_run=dry_run)
        assert made.errors == []
        return made.created, made.changed, made.unchanged

    table = tables.product_substitute.c
    before = case.rows(table.id, table.gives, table.replaces, table.preference)
    assert run("OAT;RICE;2;3;2\nOAT;BARISTA;1;6;1", dry_run=True) == (1, 1, 0)
    assert case.rows(table.id, table.gives, table.replaces, table.preference) == before
    assert run("OAT;RICE;2;3;2\nOAT;BARISTA;1;6;1") == (1, 1, 0)
    assert run("OAT;RICE;2;3;2\nOAT;BARISTA;1;6;1") == (0, 0, 2)
    assert case.rows(table.id, table.gives, table.replaces, table.preference) == [(1, 1, 6, 1), (2, 2, 3, 2)]


def test_the_file_of_orders_knows_no_substitute_and_leaves_it_as_long_as_it_wants_the_line(case: Case) -> None:
    case.policy("allowed")
    case.take()
    with open_store(case.database) as store:
        row = store.orders(["SO-1"])["SO-1"]
    same = LineIn(number="1", product_id=case.products["OAT"], sku="OAT", quantity=12, unit_price=100)
    order = OrderIn(row=1, number="SO-1", **{name: row[name] for name in HEADER}, lines=(same,))
    assert compare(row, order).differences == ()
    fewer = compare(row, replace(order, lines=(replace(same, quantity=11),)))
    assert fewer.lines == {row["lines"][0]["id"]: {"quantity": 11, "cancelled": 10}}
    gone = compare(row, replace(order, lines=(replace(same, number="9"),)))
    assert [(what, new) for what, _old, new in gone.differences] == [
        ("line 1", "cancelled"), ("line 1-S1", "cancelled"), ("line 9", "12 × OAT"),
    ]  # fmt: skip
