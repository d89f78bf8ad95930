"""The store's part for the daily list of backorders."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from data.queries.backorders import backorders
from data.store.part import StorePart, parts
from data.tables import contact, customer, notice
from routing.model.backorders import Backorder, ListBefore
from routing.model.notices import Channel, NoticeKind
from routing.model.parties import Contact


class BackorderStore(StorePart):
    def backorders(self, *, customer_ids: Collection[int] | None = None) -> list[Backorder]:
        """Every line that waits for stock, by customer, the soonest first."""
        return backorders(self.connection, customer_ids=customer_ids)

    def buyers_by_mail(self, customer_ids: Collection[int]) -> list[Contact]:
        """The buyers of these customers who agreed to e-mail; by id. An address that stands twice is one buyer,
        for the whole customer if it is that anywhere."""
        found: dict[tuple[int, str], Contact] = {}
        for part in parts(customer_ids):
            query = (
                select(contact, customer.c.language.label("customer_language"))
                .join(customer, customer.c.id == contact.c.customer_id)
                .where(
                    contact.c.customer_id.in_(part),
                    contact.c.role == "buyer",
                    contact.c.channel == Channel.EMAIL.value,
                    contact.c.consent.is_(True),
                )
                .order_by(contact.c.site_id.is_not(None), contact.c.id)
            )
            for row in self.connection.execute(query):
                found.setdefault(
                    (row.customer_id, row.address),
                    Contact(
                        id=row.id,
                        customer_id=row.customer_id,
                        site_id=row.site_id,
                        name=row.name,
                        channel=Channel.EMAIL,
                        address=row.address,
                        language=row.language or row.customer_language,
                    ),
                )
        return sorted(found.values(), key=lambda one: one.id)

    def last_list(self, *, customer_id: int, recipient: str, before_day: str) -> ListBefore | None:
        """What the newest list before an ISO day said to somebody; None when there was none."""
        row = self.connection.execute(
            select(notice.c.occurrence, notice.c.data)
            .where(
                notice.c.kind == NoticeKind.BACKORDER_LIST.value,
                notice.c.subject_kind == "customer",
                notice.c.subject_id == customer_id,
                notice.c.recipient == recipient,
                notice.c.occurrence < before_day,
            )
            .order_by(notice.c.occurrence.desc())
            .limit(1)
        ).first()
        if row is None:
            return None
        lines = {
            str(line["line"]): (
                line["quantity"],
                line["expected_on"],
                f"{line['quantity']} {line['unit']} {line['name']}",
            )
            for line in row.data["list"]
        }
        return ListBefore(day=row.occurrence, lines=lines)
