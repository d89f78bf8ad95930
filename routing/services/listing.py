"""The daily list of open backorders: one a day and recipient, only to who wants it and only when something is open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, time
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.model.backorders import Backorder, ListBefore
from routing.model.days import today_of
from routing.model.notices import Channel, Notice, NoticeKind
from routing.model.parties import Company, Contact
from routing.rules.backorder_list import list_data
from routing.rules.policies import PolicyBook, usual

DONE = "backorder_list_day"
"""The setting that keeps the day whose lists were made."""


class Store(Protocol):
    def policies(self) -> PolicyBook: ...
    def company(self) -> Company: ...
    def setting(self, name: str, default: Any = None) -> Any: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def backorders(self, *, customer_ids: Collection[int] | None = None) -> list[Backorder]: ...
    def buyers_by_mail(self, customer_ids: Collection[int]) -> list[Contact]: ...
    def last_list(self, *, customer_id: int, recipient: str, before_day: str) -> ListBefore | None: ...
    def add_notice(self, message: Notice, *, made_at: datetime) -> bool: ...


def lists_due(store: Store, *, now: datetime) -> bool:
    """Whether today's lists are to be made now: somebody gets one, its hour has come, and it was not done yet."""
    book = store.policies()
    if not any(row.name == "backorder_list" and row.value == "daily" for row in book.rows):
        return False
    local = now.astimezone(ZoneInfo(store.company().zone or "UTC"))
    day = local.date().isoformat()
    at = book.value("backorder_list_at", day=day) or usual("backorder_list_at")
    return local.time() >= time.fromisoformat(at) and store.setting(DONE) != day


def make_lists(store: Store, *, now: datetime) -> int:
    """Puts today's lists into the outbox; says how many. Running it again makes none twice."""
    if not lists_due(store, now=now):
        return 0
    company, book = store.company(), store.policies()
    day = today_of(now, company.zone or "UTC")
    by_customer: dict[int, list[Backorder]] = defaultdict(list)
    for line in store.backorders():
        if book.value("backorder_list", day=day, customer_id=line.customer_id) == "daily":
            by_customer[line.customer_id].append(line)
    made = 0
    for contact in store.buyers_by_mail(by_customer):
        # Who buys for one site hears of that site.
        lines = [line for line in by_customer[contact.customer_id] if contact.site_id in (None, line.site_id)]
        if not lines:
            continue
        before = store.last_list(customer_id=contact.customer_id, recipient=contact.address, before_day=day)
        made += store.add_notice(
            Notice(
                kind=NoticeKind.BACKORDER_LIST,
                subject_kind="customer",
                subject_id=contact.customer_id,
                occurrence=day,
                recipient=contact.address,
                channel=Channel.EMAIL,
                language=contact.language,
                contact_id=contact.id,
                data={
                    "company": company.name,
                    "phone": company.phone,
                    "customer": lines[0].customer,
                    "day": day,
                    **list_data(lines, before),
                },
            ),
            made_at=now,
        )
    store.set_setting(name=DONE, value=day, by="list", now=now)
    return made
