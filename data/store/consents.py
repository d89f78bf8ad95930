"""The store's part for delay consent: what was asked, what was answered, what is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from data.queries.by_the_shop import units_by_the_shop
from data.queries.needs import COMMITTED, ORDERED, SERVED, SETTLED, newest_promise
from data.queries.orders import delivered_elsewhere
from data.queries.questions import answers_due
from data.store.part import StorePart, parts
from data.tables import (
    allocation,
    customer,
    delay_consent,
    delay_consent_line,
    depot,
    notice,
    order,
    order_line,
    product,
    promise,
    site,
    task,
)
from routing.errors import NotFound
from routing.model.consents import Answer, AskedOf, Became, Consent, NewConsent, OpenLine, Refund, Silence
from routing.model.notices import NoticeKind
from routing.model.tasks import TaskKind
from routing.rules.paying import payment_of


class ConsentStore(StorePart):
    # ------------------------------------------------------------------ asking

    def asked_of(self, order_ids: Collection[int]) -> dict[int, AskedOf]:
        """Who the orders are of, as far as it decides whether they are asked."""
        found: dict[int, AskedOf] = {}
        for part in parts(order_ids):
            query = (
                select(order, customer.c.business, depot.c.zone.label("depot_zone"))
                .join(customer, customer.c.id == order.c.customer_id)
                .join(depot, depot.c.id == order.c.depot_id)
                .where(order.c.id.in_(part))
            )
            for row in self.connection.execute(query):
                days = (row.wanted_on, row.not_before, row.not_after)
                found[row.id] = AskedOf(
                    customer_id=row.customer_id, business=row.business, days=days, zone=row.depot_zone
                )
        return found

    def asked_until(self, order_ids: Collection[int], *, at: datetime) -> dict[int, datetime]:
        """By order: when the answer to the question that was asked at this moment is due, if one was."""
        found: dict[int, datetime] = {}
        for part in parts(set(order_ids)):
            query = (
                select(delay_consent.c.order_id, delay_consent.c.due_at)
                .where(delay_consent.c.order_id.in_(part), delay_consent.c.asked_at == at)
                .order_by(delay_consent.c.id)
            )
            found |= {row.order_id: row.due_at for row in self.connection.execute(query)}
        return found

    def promises_so_far(self, line_ids: Collection[int]) -> dict[int, list[tuple[str, str]]]:
        """(ISO day, why) of every promise of the lines, oldest first."""
        found: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for part in parts(line_ids):
            query = select(promise).where(promise.c.order_line_id.in_(part)).order_by(promise.c.version)
            for row in self.connection.execute(query):
                found[row.order_line_id].append((row.promised_on, row.why))
        return found

    def times_asked(self, line_ids: Collection[int]) -> dict[int, int]:
        """How often the customer was asked about each line before."""
        found: dict[int, int] = {}
        for part in parts(line_ids):
            query = (
                select(delay_consent_line.c.order_line_id, func.count().label("times"))
                .where(delay_consent_line.c.order_line_id.in_(part))
                .group_by(delay_consent_line.c.order_line_id)
            )
            found |= {row.order_line_id: row.times for row in self.connection.execute(query)}
        return found

    def agreed_to_wait(self, line_ids: Collection[int]) -> set[int]:
        """The lines of which the customer, asked last when no date was known, said that they wait for them."""
        last: dict[int, bool] = {}
        for part in parts(line_ids):
            query = (
                select(delay_consent_line.c.order_line_id, delay_consent)
                .join(delay_consent, delay_consent.c.id == delay_consent_line.c.consent_id)
                .where(delay_consent_line.c.order_line_id.in_(part))
                .order_by(delay_consent.c.id)
            )
            for row in self.connection.execute(query):
                by_word = row.answer == Answer.ACCEPT.value and row.answered_by != "silence"
                last[row.order_line_id] = by_word and not row.day
        return {line_id for line_id, agreed in last.items() if agreed}

    def add_consent(self, new: NewConsent) -> int:
        """Asks the question; what was asked about the order before is closed by it, its task too."""
        older = self.connection.scalars(
            update(delay_consent)
            .where(delay_consent.c.order_id == new.order_id, delay_consent.c.closed_at.is_(None))
            .values(closed_at=new.asked_at, closed_why="newer", version=delay_consent.c.version + 1)
            .returning(delay_consent.c.id)
        ).all()
        if older:
            self.connection.execute(
                update(task)
                .where(task.c.subject_kind == "consent", task.c.subject_id.in_(older), task.c.done_at.is_(None))
                .values(done_at=new.asked_at, outcome="asked again, about another day", version=task.c.version + 1)
            )
        consent_id: int = self.connection.execute(
            insert(delay_consent)
            .values(
                order_id=new.order_id,
                day=new.day,
                delay_case=new.case,
                silence=new.silence.value,
                before=list(new.days_before),
                asked_at=new.asked_at,
                due_at=new.due_at,
            )
            .returning(delay_consent.c.id)
        ).scalar_one()
        self.connection.execute(
            insert(delay_consent_line),
            [
                {
                    "consent_id": consent_id,
                    "order_line_id": line.line_id,
                    "promise_version": line.promise_version,
                    "was_on": line.was_on,
                    "now_on": line.now_on,
                }
                for line in new.lines
            ],
        )
        return consent_id

    def answers_due(self, line_ids: Collection[int]) -> dict[int, str]:
        """By line: the last ISO day for an answer about its new date, where the question is open and unanswered."""
        return answers_due(self.connection, line_ids)

    # ------------------------------------------------------------------ answering

    def consent(self, consent_id: int, *, lock: bool = False) -> Consent:
        """The question as it stands, with everything of its order that is open. Raises NotFound.

        `lock`: whoever answers it meanwhile waits until this transaction ends.
        """
        found = self.consents([consent_id], lock=lock)
        if consent_id not in found:
            raise NotFound("This question is not there. Look at the order.", code="consent", consent=consent_id)
        return found[consent_id]

    def consents(self, consent_ids: Collection[int], *, lock: bool = False) -> dict[int, Consent]:
        """The questions by key, each as `consent` has it; those that are not there are left out."""
        found: dict[int, Consent] = {}
        for part in parts(set(consent_ids)):
            query = select(delay_consent).where(delay_consent.c.id.in_(part)).order_by(delay_consent.c.id)
            rows = self.connection.execute(query.with_for_update() if lock else query).all()
            heads = self._heads([row.order_id for row in rows])
            asked: dict[int, dict[int, Row[Any]]] = defaultdict(dict)
            for each in self.connection.execute(
                select(delay_consent_line).where(delay_consent_line.c.consent_id.in_([row.id for row in rows]))
            ):
                asked[each.consent_id][each.order_line_id] = each
            lines = self._open_lines([row.order_id for row in rows])
            became = self._what_became(asked, heads)
            for row in rows:
                found[row.id] = _consent(
                    row, heads[row.order_id], lines[row.order_id], asked[row.id], became=became.get(row.id)
                )
        return found

    def _heads(self, order_ids: Collection[int]) -> dict[int, Row[Any]]:
        query = (
            select(
                order,
                customer.c.name.label("customer"),
                customer.c.language,
                customer.c.salesperson,
                site.c.name.label("site"),
                depot.c.zone.label("depot_zone"),
                delivered_elsewhere().label("elsewhere"),
            )
            .join(customer, customer.c.id == order.c.customer_id)
            .join(site, site.c.id == order.c.site_id)
            .join(depot, depot.c.id == order.c.depot_id)
            .where(order.c.id.in_(order_ids))
        )
        return {row.id: row for row in self.connection.execute(query)}

    def delay_of(self, order_id: int) -> Consent | None:
        """The newest question about the order that may still be answered; None when there is none."""
        found = self.connection.scalar(
            select(delay_consent.c.id)
            .where(
                delay_consent.c.order_id == order_id,
                or_(delay_consent.c.closed_at.is_(None), delay_consent.c.closed_why == "silence"),
            )
            .order_by(delay_consent.c.id.desc())
            .limit(1)
        )
        if found is None:
            return None
        asked = self.consent(found)
        return None if asked.on_its_way else asked

    def open_questions(self, order_ids: Collection[int]) -> list[int]:
        """The keys of the questions about these orders that nobody has settled."""
        found: list[int] = []
        for part in parts(set(order_ids)):
            query = select(delay_consent.c.id).where(
                delay_consent.c.order_id.in_(part), delay_consent.c.closed_at.is_(None)
            )
            found += self.connection.scalars(query)
        return sorted(found)

    def _what_became(
        self, asked: Mapping[int, Mapping[int, Row[Any]]], heads: Mapping[int, Row[Any]]
    ) -> dict[int, Became]:
        """By question: what became of its goods, where nothing of them is to come any more."""
        line_ids = {line_id for lines in asked.values() for line_id in lines}
        query = (
            select(
                order_line.c.id,
                order_line.c.order_id,
                order_line.c.number,
                order_line.c.cancelled,
                ORDERED.label("wanted"),
                func.coalesce(func.sum(SETTLED), 0).label("settled"),
            )
            .outerjoin(allocation, allocation.c.order_line_id == order_line.c.id)
            .where(order_line.c.id.in_(line_ids))
            .group_by(order_line.c.id)
        )
        lines = {row.id: row for row in self.connection.execute(query)}
        shops = units_by_the_shop(self.connection, {row.order_id for row in lines.values() if row.cancelled})
        found: dict[int, Became] = {}
        for consent_id, of_it in asked.items():
            theirs = [lines[line_id] for line_id in of_it if line_id in lines]
            over = bool(theirs) and bool(heads[theirs[0].order_id].cancelled_at)
            if not theirs or (not over and any(row.wanted > row.settled for row in theirs)):
                continue
            if not over and any(row.settled for row in theirs):
                found[consent_id] = Became.CAME
            elif (over and heads[theirs[0].order_id].elsewhere) or any(
                shops.get((row.order_id, row.number)) for row in theirs
            ):
                found[consent_id] = Became.ELSEWHERE
            else:
                found[consent_id] = Became.CANCELLED
        return found

    def _open_lines(self, order_ids: Collection[int]) -> dict[int, list[Row[Any]]]:
        """What of each order is still open, line by line."""
        sums = (
            select(
                allocation.c.order_line_id,
                func.sum(SERVED).label("served"),
                func.sum(COMMITTED).label("committed"),
            )
            .group_by(allocation.c.order_line_id)
            .subquery()
        )
        latest = newest_promise(order_line.c.id)
        still_open = ORDERED - func.coalesce(sums.c.served, 0)
        query = (
            select(
                order_line,
                product.c.number.label("sku"),
                product.c.name.label("product"),
                product.c.unit,
                still_open.label("open"),
                func.coalesce(sums.c.committed, 0).label("committed"),
                promise.c.promised_on,
                promise.c.version.label("promise_version"),
            )
            .join(product, product.c.id == order_line.c.product_id)
            .outerjoin(sums, sums.c.order_line_id == order_line.c.id)
            .outerjoin(promise, (promise.c.order_line_id == order_line.c.id) & (promise.c.version == latest))
            .where(order_line.c.order_id.in_(order_ids), still_open > 0)
            .order_by(order_line.c.id)
        )
        found: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in self.connection.execute(query):
            found[row.order_id].append(row)
        return found

    def set_consent(self, consent_id: int, values: Mapping[str, Any]) -> None:
        self.connection.execute(
            update(delay_consent)
            .where(delay_consent.c.id == consent_id)
            .values(**values, version=delay_consent.c.version + 1)
        )

    def cancel_if_empty(self, order_id: int, *, now: datetime) -> bool:
        """Cancels the order when every unit of it was; says whether it did."""
        self.touched_orders.add(order_id)
        left = select(order_line.c.id).where(
            order_line.c.order_id == order_id, order_line.c.cancelled < order_line.c.quantity
        )
        done = self.connection.execute(
            update(order)
            .where(order.c.id == order_id, order.c.cancelled_at.is_(None), ~left.exists())
            .values(cancelled_at=now, version=order.c.version + 1)
        )
        return bool(done.rowcount)

    def consent_was_sent(self, consent: Consent) -> bool:
        """Whether a message that asks this very question was handed over to anybody."""
        sent = self.connection.scalars(
            select(notice.c.data).where(
                notice.c.kind == NoticeKind.DATE_CHANGED.value,
                notice.c.subject_kind == "order",
                notice.c.subject_id == consent.order_id,
                notice.c.status == "sent",
            )
        )
        return any(data.get("consent_id") == consent.id for data in sent)

    def open_refund(self, order_id: int) -> Refund | None:
        """What an open task already asks somebody to give back for this order."""
        data = self.connection.scalar(
            select(task.c.data).where(
                task.c.kind == TaskKind.REFUND.value,
                task.c.subject_kind == "order",
                task.c.subject_id == order_id,
                task.c.done_at.is_(None),
            )
        )
        return None if data is None else Refund(amount=data["amount"], by=data["by"], goods=data["goods"])

    # ------------------------------------------------------------------ what is due

    def consents_due(self, *, now: datetime) -> Sequence[int]:
        """The questions whose term has ended without an answer and was not acted on yet, oldest first."""
        query = (
            select(delay_consent.c.id)
            .where(
                delay_consent.c.closed_at.is_(None),
                delay_consent.c.due_at <= now,
                delay_consent.c.answer == "",
                delay_consent.c.silent_at.is_(None),
            )
            .order_by(delay_consent.c.due_at, delay_consent.c.id)
        )
        return self.connection.scalars(query).all()


def _consent(
    row: Row[Any],
    head: Row[Any],
    lines: Sequence[Row[Any]],
    asked: Mapping[int, Row[Any]],
    *,
    became: Became | None,
) -> Consent:
    return Consent(
        id=row.id,
        order_id=row.order_id,
        order=head.number,
        references=(head.customer_reference,) if head.customer_reference else (),
        customer_id=head.customer_id,
        customer=head.customer,
        language=head.language,
        site_id=head.site_id,
        site=head.site,
        depot_id=head.depot_id,
        zone=head.depot_zone,
        salesperson=head.salesperson,
        currency=head.currency,
        payment=payment_of(head.payment, amount=head.collect_at_door, worth=head.collect_worth),
        days=(head.wanted_on, head.not_before, head.not_after),
        days_before=(row.before[0], row.before[1], row.before[2]),
        day=row.day,
        silence=Silence(row.silence),
        asked_at=row.asked_at,
        due_at=row.due_at,
        answer=Answer(row.answer) if row.answer else None,
        chosen=row.chosen,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
        silent_at=row.silent_at,
        closed_at=row.closed_at,
        closed_why=row.closed_why,
        version=row.version,
        lines=() if head.cancelled_at else tuple(_open_line(each, asked.get(each.id)) for each in lines),
        became=became,
    )


def _open_line(row: Row[Any], asked: Row[Any] | None) -> OpenLine:
    return OpenLine(
        id=row.id,
        number=row.number,
        product_id=row.product_id,
        sku=row.sku,
        name=row.product,
        unit=row.unit,
        open=row.open,
        committed=row.committed,
        price=row.unit_price,
        expected_on=row.expected_on,
        promised_on=row.promised_on or "",
        promise_version=row.promise_version or 0,
        asked=asked is not None,
        was_on=asked.was_on if asked is not None else "",
        now_on=asked.now_on if asked is not None else "",
    )
