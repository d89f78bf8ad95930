"""A promise slips and the customer is asked: what each answer does to days, promises, units and tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import open_store
from data.store.again import in_transaction
from routing.errors import Conflict
from routing.model.consents import Answer
from routing.rules.consent import Reply
from routing.rules.policies import PolicyRow, Scope
from routing.services.consenting import answer, end_term
from routing.services.receiving import reallocate
from routing.services.releasing import release_orders
from routing.services.supplying import Slip, commit_slip
from routing.services.switching import switch_allocation
from tests.data.backorders.conftest import holdings

THURSDAY = datetime(2026, 5, 14, 5, 30, tzinfo=UTC)
SLIPPED = date(2026, 5, 21)  # a Thursday


@dataclass
class Case:
    company: Any
    database: Database
    now: datetime
    first: int
    second: int

    def slip(self, to: date | None = SLIPPED, *, number: str = "PO-1", now: datetime | None = None) -> None:
        with open_store(self.database) as store:
            commit_slip(store, Slip(number=number, to=to), now=now or self.now, by="test")

    def consent_id(self) -> int:
        return max(self.rows(tables.delay_consent.c.id))

    def rows(self, *columns: Any) -> list[Any]:
        with self.database.reading() as connection:
            found = connection.execute(select(*columns).order_by(columns[0])).all()
        return [row[0] if len(columns) == 1 else tuple(row) for row in found]

    def say(self, said: Answer, *, now: datetime | None = None, by: str = "customer", **values: Any) -> Any:
        reply = Reply(answer=said, **values)
        return in_transaction(
            self.database, lambda store: answer(store, self.consent_id(), reply, now=now or self.now, by=by)
        )

    def end(self, now: datetime, *, sent: bool = True) -> bool:
        if sent:
            with self.database.writing() as connection:
                connection.execute(update(tables.notice).values(status="sent", sent_at=self.now))
        return in_transaction(self.database, lambda store: end_term(store, self.consent_id(), now=now))

    def tasks(self) -> dict[str, str]:
        return dict(self.rows(tables.task.c.kind, tables.task.c.sentence))

    def events(self) -> list[str]:
        kinds = self.rows(tables.event.c.id, tables.event.c.kind)
        return [kind for _id, kind in kinds if kind.startswith("consent")]

    def holdings(self) -> dict[str, tuple[int, int]]:
        with open_store(self.database) as store:
            return holdings(store)

    def consent(self) -> Mapping[str, Any]:
        with self.database.reading() as connection:
            query = select(tables.delay_consent).order_by(tables.delay_consent.c.id.desc())
            return connection.execute(query).mappings().first() or {}


@pytest.fixture
def case(company: Any, database: Database, now: datetime) -> Case:
    """A truck with 12 is due on Thursday 14 May; SO-1 and SO-2 want 12 each, SO-1 holds it and is promised Thursday."""
    with company.open():
        oat = company.product("OAT")
        company.inbound(oat, 12, THURSDAY)
        first = company.order({oat: 12}, customer={"business": False, "salesperson": "Sales 1"})
        second = company.order({oat: 12})
    with open_store(database) as store:
        reallocate(store, depot_id=company.depot_id, product_ids={oat}, now=now, by="test", why="new orders")
    return Case(company, database, now, first, second)


def policy(case: Case, name: str, value: str) -> None:
    row = PolicyRow(scope=Scope.COMPANY, name=name, value=value, effective_from="2026-05-12")
    with open_store(case.database) as store:
        store.set_policy(row, by="test", now=case.now)


def test_a_slip_asks_a_private_customer_and_no_business_one(case: Case) -> None:
    with case.database.writing() as connection:
        connection.execute(update(tables.customer).values(business=True))
    case.slip()
    assert case.rows(tables.delay_consent.c.id) == []
    with case.database.writing() as connection:
        connection.execute(update(tables.customer).values(business=False))
    case.slip(date(2026, 5, 28))
    assert case.rows(tables.delay_consent.c.order_id, tables.delay_consent.c.day) == [(case.first, "2026-05-28")]
    assert case.rows(tables.delay_consent_line.c.was_on, tables.delay_consent_line.c.promise_version) == [
        ("2026-05-21", 3)
    ]
    last = [data for kind, data in case.rows(tables.notice.c.kind, tables.notice.c.data) if kind == "date_changed"][-1]
    assert last["consent_id"] == case.consent_id()
    assert last["answer_by"] == "2026-05-15", "three days"


def test_a_yes_is_kept_and_the_same_press_again_changes_nothing(case: Case) -> None:
    case.slip()
    assert case.say(Answer.ACCEPT).changed
    before = case.rows(tables.event.c.id)
    assert not case.say(Answer.ACCEPT).changed
    assert case.rows(tables.event.c.id) == before
    kept = case.consent()
    assert (kept["answer"], kept["answered_by"], kept["answered_at"]) == ("accept", "customer", case.now)
    assert not case.end(kept["due_at"]), "answered: the end of the term finds nothing to do"


def test_another_day_moves_the_order_with_a_promise_that_is_not_our_slip(case: Case) -> None:
    case.slip()
    case.say(Answer.OTHER_DAY, day="2026-05-26")
    promised = case.rows(tables.promise.c.version, tables.promise.c.promised_on, tables.promise.c.why)
    assert promised[-1] == (3, "2026-05-26", "at the customer's wish")
    assert case.rows(tables.order.c.number, tables.order.c.wanted_on)[0] == ("SO-1", "2026-05-26")
    assert case.rows(tables.order_line.c.id, tables.order_line.c.expected_on)[0][1] == "2026-05-26"
    assert case.holdings() == {"SO-1": (0, 12)}, "it keeps its goods"
    notices = [kind for _id, kind in case.rows(tables.notice.c.id, tables.notice.c.kind)]
    assert notices.count("date_changed") == 1, "who chose the day is not told of it as a delay"
    version = case.consent()["version"]
    case.say(Answer.ACCEPT, seen=version)
    assert case.rows(tables.order.c.number, tables.order.c.wanted_on)[0] == ("SO-1", "")
    assert case.rows(tables.promise.c.version, tables.promise.c.promised_on)[-1] == (4, "2026-05-21")


def test_a_cancelled_order_gives_its_goods_to_the_next_and_asks_for_the_refund(case: Case) -> None:
    case.slip()
    case.say(Answer.CANCEL)
    assert case.holdings() == {"SO-2": (0, 12)}
    assert [bool(at) for _n, at in case.rows(tables.order.c.number, tables.order.c.cancelled_at)] == [True, False]
    assert "Refund Customer 1 by Thu 21 May 2026" in case.tasks()["refund"]
    assert "12 × OAT, 12.00 EUR" in case.tasks()["refund"]
    assert "cancelled" in [kind for _id, kind in case.rows(tables.notice.c.id, tables.notice.c.kind)]
    assert not case.say(Answer.CANCEL).changed
    with pytest.raises(Conflict, match="settled"):
        case.say(Answer.ACCEPT, seen=case.consent()["version"])


def test_who_did_not_pay_yet_gets_nothing_back(case: Case) -> None:
    case.slip()
    with case.database.writing() as connection:
        connection.execute(update(tables.order).values(payment="pending"))
    case.say(Answer.CANCEL)
    assert "refund" not in case.tasks()


def test_silence_becomes_a_task_of_the_salesperson_with_what_is_at_stake(case: Case) -> None:
    case.slip()
    due = case.consent()["due_at"]
    assert not case.end(due - timedelta(seconds=1)), "the term is not over"
    assert case.end(due)
    assert not case.end(due + timedelta(days=1)), "once"
    said = case.tasks()["delay_consent"]
    assert "Call Customer 1" in said
    assert "12 × OAT, 12.00 EUR" in said
    assert [row[1] for row in case.rows(tables.task.c.id, tables.task.c.assignee)] == ["Sales 1"]
    case.say(Answer.OTHER_DAY, day="2026-05-26", by="user:1", now=due + timedelta(hours=1))
    assert case.rows(tables.task.c.id, tables.task.c.outcome, tables.task.c.done_by)[0][1:] == (
        "wants it on Tue 26 May 2026", "user:1",
    )  # fmt: skip
    assert case.events() == ["consent_asked", "consent_silent", "consent_other_day"]


@pytest.mark.parametrize(("means", "goods"), [("accept", {"SO-1": (0, 12)}), ("cancel", {"SO-2": (0, 12)})])
def test_silence_may_be_consent_or_the_end_of_it(case: Case, means: str, goods: dict[str, tuple[int, int]]) -> None:
    policy(case, "consent_silence", means)
    case.slip()
    assert case.end(case.consent()["due_at"])
    assert case.holdings() == goods
    assert (case.consent()["answer"], case.consent()["answered_by"]) == (means, "silence")
    assert ("refund" in case.tasks()) is (means == "cancel")


def test_the_us_rule_takes_silence_at_a_first_short_delay_and_cancels_at_the_second(case: Case) -> None:
    """Promised 14 May. To 21 May: silence consents. Then to 28 May: without a yes by the 21st it is cancelled."""
    policy(case, "consent_rule", "us_mail_order")
    case.slip()
    assert (case.consent()["delay_case"], case.consent()["silence"]) == ("first_short", "accept")
    later = case.now + timedelta(days=7)
    case.slip(date(2026, 5, 28), now=later)
    assert case.rows(tables.delay_consent.c.id, tables.delay_consent.c.closed_why)[0][1] == "newer"
    second = case.consent()
    assert (second["delay_case"], second["silence"], second["day"]) == ("second", "cancel", "2026-05-28")
    assert second["due_at"] == datetime(2026, 5, 21, 21, tzinfo=UTC), "the 21st is over in Helsinki"
    assert case.end(second["due_at"])
    assert "by Tue 2 Jun 2026" in case.tasks()["refund"], "seven working days after Friday 22 May"


def test_a_delay_without_a_date_is_asked_about_and_told(case: Case) -> None:
    policy(case, "consent_rule", "us_mail_order")
    case.slip(None)
    asked = case.consent()
    assert (asked["delay_case"], asked["day"], asked["silence"]) == ("first_indefinite", "", "cancel")
    last = case.rows(tables.notice.c.id, tables.notice.c.kind, tables.notice.c.data)[-1]
    assert (last[1], last[2]["day"], last[2]["goods"][0]["quantity"]) == ("date_changed", "", 12)


def test_who_agreed_to_wait_without_a_date_may_cancel_long_after_and_is_not_cancelled_when_a_date_is_known(
    case: Case,
) -> None:
    """16 CFR 435.2(b)(1)(iii)(B): they said yes to waiting, and may take it back until the goods leave."""
    policy(case, "consent_rule", "us_mail_order")
    case.slip(None)
    case.say(Answer.ACCEPT)
    later = case.now + timedelta(days=60)
    with case.company.open():
        case.company.inbound(1, 12, datetime(2026, 7, 20, 5, 30, tzinfo=UTC))
    with open_store(case.database) as store:
        reallocate(store, depot_id=case.company.depot_id, product_ids={1}, now=later, by="test", why="a new truck")
    asked = case.consent()
    assert (asked["delay_case"], asked["day"], asked["silence"]) == ("agreed", "2026-07-20", "accept")
    assert asked["due_at"] > later + timedelta(days=7)


def test_who_agreed_to_wait_without_a_date_is_asked_anew_when_the_date_they_have_again_is_lost(case: Case) -> None:
    """The truck is there again for the promised 14 May, then it is not: the yes to waiting is not for that."""
    policy(case, "consent_rule", "us_mail_order")
    case.slip(None)
    case.say(Answer.ACCEPT)
    with case.company.open():
        case.company.inbound(1, 12, THURSDAY)
    later = case.now + timedelta(hours=1)
    with open_store(case.database) as store:
        reallocate(store, depot_id=case.company.depot_id, product_ids={1}, now=later, by="test", why="a new truck")
    case.slip(None, number="PO-2", now=case.now + timedelta(hours=2))
    assert len(case.rows(tables.delay_consent.c.id)) == 2
    asked = case.consent()
    assert (asked["delay_case"], asked["day"], asked["silence"]) == ("second", "", "cancel")
    assert asked["due_at"] == datetime(2026, 5, 14, 21, tzinfo=UTC), "the promised day is over in Helsinki"
    assert case.end(asked["due_at"])
    assert "by Tue 26 May 2026" in case.tasks()["refund"], "seven working days after Friday 15 May"


def test_who_agreed_to_wait_without_a_date_cancels_after_the_term(case: Case) -> None:
    case.slip(None)
    case.say(Answer.ACCEPT)
    later = case.consent()["due_at"] + timedelta(days=40)
    with pytest.raises(Conflict, match="over"):
        case.say(Answer.OTHER_DAY, day="2026-05-26", seen=case.consent()["version"], now=later)
    case.say(Answer.CANCEL, seen=case.consent()["version"], now=later)
    assert (case.consent()["answer"], case.holdings()) == ("cancel", {})


def test_where_the_erp_allocates_silence_that_means_cancel_becomes_one_task_with_the_day(case: Case) -> None:
    policy(case, "consent_silence", "cancel")
    case.slip()
    with open_store(case.database) as store:
        switch_allocation(store, erp=True, now=case.now, by="admin")
    due = case.consent()["due_at"]
    assert case.end(due)
    assert not case.end(due + timedelta(days=1)), "once"
    with open_store(case.database) as store:
        assert store.consents_due(now=due + timedelta(days=1)) == []
    assert case.tasks() == {
        "delay_consent": "Customer 1 did not answer, and silence means cancel: cancel 12 × OAT of order SO-1 in the "
        "ERP, which allocates here. Refund by Tue 26 May 2026 what was paid for it: 12.00 EUR."
    }


def test_who_agreed_to_no_messages_is_called_and_silence_never_consents_for_them(case: Case) -> None:
    policy(case, "consent_silence", "accept")
    with case.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
    case.slip()
    assert case.consent()["silence"] == "task"
    assert "agreed to no messages" in case.tasks()["delay_consent"]


def test_what_was_released_is_no_longer_asked_about(case: Case) -> None:
    case.slip(date(2026, 5, 13))
    case.slip(date(2026, 5, 15))
    with open_store(case.database) as store:
        release_orders(
            store, depot_id=case.company.depot_id, for_day="2026-05-15", now=case.now + timedelta(days=3), by="test"
        )
    with pytest.raises(Conflict, match="on their way"):
        case.say(Answer.CANCEL)
    assert case.end(case.consent()["due_at"])
    assert case.consent()["closed_why"] == "settled"


def test_two_answers_that_race_leave_one_of_them(case: Case) -> None:
    case.slip()
    outcomes: list[str] = []
    gate = threading.Barrier(2)

    def press(said: Answer) -> Callable[[], None]:
        def run() -> None:
            gate.wait()
            try:
                case.say(said, seen=1)
                outcomes.append(said.value)
            except Conflict as refused:
                outcomes.append(refused.code)

        return run

    threads = [threading.Thread(target=press(said)) for said in (Answer.ACCEPT, Answer.CANCEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = case.consent()["answer"]
    assert sorted(outcomes) == sorted([won, "consent_closed"])
    assert case.holdings() == ({"SO-1": (0, 12)} if won == "accept" else {"SO-2": (0, 12)})
    assert case.events() == ["consent_asked", f"consent_{won}"]


def test_an_import_that_tells_nobody_asks_nobody(case: Case) -> None:
    with open_store(case.database) as store:
        store.connection.execute(update(tables.supply).values(expected_at=THURSDAY + timedelta(days=7)))
        products = set(store.connection.scalars(select(tables.product.c.id)))
        reallocate(
            store, depot_id=case.company.depot_id, product_ids=products, now=case.now, by="test", why="x", tell=False
        )
    assert case.rows(tables.delay_consent.c.id) == []


@pytest.mark.parametrize("means", ["accept", "cancel"])
def test_who_got_no_message_did_not_keep_silent(case: Case, means: str) -> None:
    """Sending is off, as it is at first: nothing is agreed or cancelled behind anybody's back."""
    policy(case, "consent_silence", means)
    case.slip()
    assert case.end(case.consent()["due_at"], sent=False)
    assert case.holdings() == {"SO-1": (0, 12)}
    assert case.consent()["answer"] == ""
    assert "who got no message from us" in case.tasks()["delay_consent"]
