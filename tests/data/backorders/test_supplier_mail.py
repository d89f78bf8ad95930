"""What is written to suppliers: one message a day and kind, only by a person's hand, in both databases."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.importers.sources import import_sources
from data.importers.suppliers import import_suppliers
from data.store import open_store
from routing.errors import Conflict, InvalidInput
from routing.model.notices import NoticeKind
from routing.rules.supplier_mail import Draft
from routing.services.supplier_mail import send_to_supplier, supplier_drafts
from tests.data.backorders.conftest import NOW, Company

OVERDUE, ORDER = NoticeKind.SUPPLIER_OVERDUE, NoticeKind.SUPPLIER_ORDER


@pytest.fixture
def mill(company: Company) -> int:
    """The mill brings oats: 30 days of 10, nothing here, 24 overdue since Sunday and 24 of nobody since Saturday."""
    with company.open():
        mill = company.add(tables.supplier, number="MILL", name="The Mill", email="mill@example.com", language="fi")
        farm = company.add(tables.supplier, number="FARM", name="Farm")
        oats = company.product("OAT", supplier_id=mill)
        for n in range(1, 31):
            company.order({oats: 10}, ordered_at=NOW - timedelta(days=n))
        company.inbound(oats, 24, NOW - timedelta(days=2), supplier_id=farm)
        company.inbound(company.product("TEA"), 24, NOW - timedelta(days=3))
        company.inbound(oats, 48, NOW + timedelta(days=2), supplier_id=mill)
    return mill


def drafts(company: Company, *, now: datetime = NOW) -> list[Draft]:
    with open_store(company.database) as store:
        return supplier_drafts(store, now=now)


def send(company: Company, mill: int, **values: Any) -> Draft:
    now = values.get("now", NOW)
    shown = next(each for each in drafts(company, now=now) if each.kind is ORDER)
    asked = {"supplier_id": mill, "kind": ORDER, "subject": "Order", "text": "Bring oats.", "mark": shown.mark}
    with open_store(company.database) as store:
        return send_to_supplier(store, **(asked | {"now": now, "by": "person 1"} | values))


def notices(company: Company) -> list[Any]:
    with company.database.reading() as connection:
        return list(connection.execute(select(tables.notice).order_by(tables.notice.c.id)))


def events(company: Company) -> list[Any]:
    with company.database.reading() as connection:
        wanted = tables.event.c.kind == "supplier_written_to"
        return list(connection.execute(select(tables.event).where(wanted)))


def test_who_brings_it_is_asked_and_the_usual_supplier_gets_the_order(company: Company, mill: int) -> None:
    # The point is 10 * 14 = 140; 72 on order for 300 wanted: 140 - (72 - 300) = 368 are missing, 31 cases of 12.
    found = [
        (
            each.supplier.number if each.supplier else "",
            each.kind,
            [(line["sku"], line["quantity"]) for line in each.lines],
        )
        for each in drafts(company)
    ]
    assert found == [
        ("FARM", OVERDUE, [("OAT", 24)]),
        ("MILL", ORDER, [("OAT", 372)]),
        ("", OVERDUE, [("TEA", 24)]),
    ]
    assert [each.missing for each in drafts(company)] == ["address", "", "supplier"]


def test_what_a_person_wrote_waits_in_the_outbox_once_a_day(company: Company, mill: int) -> None:
    assert notices(company) == []  # looking at drafts decides nothing
    send(company, mill, subject=" Order\r\nBcc: all@example.com ", text="  Bring\r\noats. ")
    (row,) = notices(company)
    assert (row.kind, row.subject_id, row.occurrence) == ("supplier_order", mill, "2026-05-12")
    assert (row.recipient, row.language, row.status) == ("mill@example.com", "fi", "waiting")
    assert row.data["written"] == {"subject": "Order Bcc: all@example.com", "text": "Bring\noats.\n"}
    (event,) = events(company)
    assert (event.actor, event.data["supplier"], event.data["lines"][0]["quantity"]) == ("person 1", "MILL", 372)
    assert [each.written_today for each in drafts(company) if each.kind is ORDER] == [True]
    with pytest.raises(Conflict, match="today already"):
        send(company, mill)
    with company.open():  # the same day, whatever the address is by now
        company.connection.execute(tables.supplier.update().values(email="other@example.com"))
    with pytest.raises(Conflict, match="today already"):
        send(company, mill)
    assert len(notices(company)) == 1
    send(company, mill, now=NOW + timedelta(days=1))
    assert [row.occurrence for row in notices(company)] == ["2026-05-12", "2026-05-13"]


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"mark": "of yesterday"}, Conflict, "has changed since it was shown"),
        ({"text": " \n "}, InvalidInput, "needs a subject and a text"),
        ({"subject": ""}, InvalidInput, "needs a subject and a text"),
        ({"text": "x" * 20_001}, InvalidInput, "too long"),
        ({"kind": OVERDUE}, Conflict, "nothing more to write"),
        ({"supplier_id": 2_000_000_000}, Conflict, "nothing more to write"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_changes_nothing(
    company: Company, mill: int, values: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        send(company, mill, **values)
    assert (notices(company), events(company)) == ([], [])


def test_a_supplier_without_an_address_is_said_with_the_mend(company: Company, mill: int) -> None:
    draft = drafts(company)[0]
    assert draft.supplier is not None
    with pytest.raises(InvalidInput, match="Farm has no e-mail address"):
        send(company, draft.supplier.id, kind=OVERDUE, mark=draft.mark)
    assert notices(company) == []


def test_an_address_and_a_language_come_in_by_either_file(company: Company, mill: int) -> None:
    with open_store(company.database) as store:
        by_sources = import_sources(
            store,
            io.BytesIO(b"supplier,sku,name,email,language,lead_days\nFARM,,Farm,farm@example.com,sv,\n"),
            now=NOW,
            by="test",
        )
        by_suppliers = import_suppliers(
            store,
            io.BytesIO(b"supplier,name,email,lead_days,language\nMILL,The Mill,new@example.com,,en\n"),
            now=NOW,
            by="test",
        )
        kept = import_suppliers(
            store, io.BytesIO(b"supplier,name,email,lead_days\nFARM,Farm,farm@example.com,\n"), now=NOW, by="test"
        )
        wrong = import_sources(
            store, io.BytesIO(b"supplier,sku,name,email,language,lead_days\nFARM,,,a@b@c,,\n"), now=NOW, by="test"
        )
    assert (by_sources.changed, by_suppliers.changed, kept.unchanged) == (1, 1, 1)
    assert "is no address" in wrong.errors[0].what
    found = {each.supplier.number: each.supplier for each in drafts(company) if each.supplier}
    assert (found["FARM"].email, found["FARM"].language) == ("farm@example.com", "sv")
    assert (found["MILL"].email, found["MILL"].language) == ("new@example.com", "en")
