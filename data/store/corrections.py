"""The store's part for a report from a door that is put right: it is kept as it was, and the proof says it anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import case, delete, func, insert, select, update

from data.queries.empties import empties_of
from data.queries.needs import COMMITTED, ORDERED, SERVED
from data.queries.paying import asks_of, paid_by_proof
from data.store.carrying import CarryingStore
from data.store.orders import expect_on_the_day_of
from data.store.returns import left_at_the_customer
from data.tables import (
    allocation,
    cash_entry,
    corrected_report,
    delivery,
    delivery_line,
    empties_line,
    event,
    movement,
    notice,
    order,
    order_line,
    product,
    promise,
    proof,
    proof_line,
    task,
)
from routing.errors import Conflict, NotFound
from routing.model.corrections import ReportInHand, TooMuch
from routing.model.notices import NoticeKind
from routing.model.payments import OrderAsks, Paid
from routing.model.proofs import DoorLine, Outcome
from routing.model.tasks import TaskKind

ABOUT_A_DOOR = (TaskKind.DOOR_DECISION.value, TaskKind.REDELIVERY.value)
CORRECTED = "The report was corrected"
"""How the outcome of a question begins that a correction answered."""


class CorrectionStore(CarryingStore):
    def delivery_called(self, number: str) -> int:
        """The key of a delivery by its number. Raises NotFound."""
        key = self.connection.scalar(select(delivery.c.id).where(delivery.c.number == number.strip()))
        if key is None:
            raise NotFound(f'There is no delivery "{number[:40]}". Its number stands on the slip.', code="delivery")
        return int(key)

    def last_report(self, delivery_id: int) -> ReportInHand:
        """Raises NotFound for an unknown delivery or one of which nothing was reported."""
        key = self.connection.scalar(
            select(proof.c.id).where(proof.c.delivery_id == delivery_id).order_by(proof.c.attempt.desc()).limit(1)
        )
        if key is None:
            raise NotFound("Nothing was reported of this delivery, so there is nothing to correct.", code="no_report")
        return self._report(key)

    def reported_along(self, report: ReportInHand) -> list[ReportInHand]:
        """What the same report said of other deliveries at that door."""
        keys = self.connection.scalars(
            select(proof.c.id)
            .where(proof.c.event_id == report.event_id, proof.c.id != report.proof_id)
            .order_by(proof.c.id)
        ).all()
        return [self._report(key) for key in keys]

    def _report(self, proof_id: int) -> ReportInHand:
        row = self.connection.execute(
            select(proof, event.c.data).join(event, event.c.id == proof.c.event_id).where(proof.c.id == proof_id)
        ).one()
        lines = self.connection.execute(
            select(proof_line).where(proof_line.c.proof_id == proof_id).order_by(proof_line.c.id)
        )
        corrected = self.connection.scalars(
            select(corrected_report.c.at).where(corrected_report.c.proof_id == proof_id).order_by(corrected_report.c.id)
        ).all()
        counted = [
            DoorLine(
                allocation_id=each.allocation_id,
                delivered=each.delivered,
                short=each.short,
                damaged=each.damaged,
                refused=each.refused,
                collected=each.collected,
            )
            for each in lines
        ]
        empties = empties_of(self.connection, [row.delivery_id]).get(row.delivery_id, ())
        # Empties have no line of their own in a proof. Of a try for nothing none were counted.
        if counted or Outcome(row.outcome).is_handed_over or any(each.collected for each in empties):
            counted += [DoorLine(allocation_id=each.key, collected=each.collected) for each in empties]
        together = self.connection.scalars(
            select(corrected_report.c.at)
            .join(proof, proof.c.id == corrected_report.c.proof_id)
            .where(proof.c.event_id == row.event_id)
        ).all()
        return ReportInHand(
            proof_id=proof_id,
            event_id=row.event_id,
            delivery_id=row.delivery_id,
            manifest_id=row.manifest_id,
            stop_id=row.data["stop_id"],
            outcome=Outcome(row.outcome),
            recipient=row.recipient,
            received_at=row.received_at,
            lines=tuple(counted),
            times=len(corrected),
            written_at=(row.received_at, *together),
            held_by=self._vehicle_with(row.delivery_id),
            paid=paid_by_proof(self.connection, [proof_id]).get(proof_id, ()),
        )

    def asks_before(self, report: ReportInHand) -> tuple[OrderAsks, ...]:
        """What the orders of this delivery asked for at the door, as it was before this report."""
        asks = asks_of(self.connection, [report.delivery_id], without_proof=report.proof_id)
        return asks.get(report.delivery_id, ())

    def forget_paid(self, proof_id: int) -> None:
        """What was due and collected by this report; the caller writes what it says now."""
        self.connection.execute(delete(cash_entry).where(cash_entry.c.proof_id == proof_id))

    def answer_money_task(self, delivery_id: int, *, why: str, by: str, now: datetime) -> None:
        """Ends the open question why something else was collected with it than was due."""
        self.connection.execute(
            update(task)
            .where(
                task.c.subject_kind == "delivery",
                task.c.subject_id == delivery_id,
                task.c.kind == TaskKind.CASH_DIFFERENCE.value,
                task.c.done_at.is_(None),
            )
            .values(done_at=now, done_by=by, outcome=f"{CORRECTED}: {why}", version=task.c.version + 1)
        )

    def _vehicle_with(self, delivery_id: int) -> int | None:
        given = self.connection.scalar(
            select(movement.c.from_place)
            .where(
                movement.c.delivery_id == delivery_id,
                movement.c.to_place == "delivered",
                movement.c.from_place.like("vehicle:%"),
            )
            .order_by(movement.c.id.desc())
            .limit(1)
        )
        if given is not None:
            return int(given.partition(":")[2])
        return self.on_vans([delivery_id]).get(delivery_id)

    def correct_proof(
        self,
        *,
        report: ReportInHand,
        outcome: Outcome,
        lines: Sequence[DoorLine],
        recipient: str,
        event_id: int,
        why: str,
        by: str,
        now: datetime,
        paid: Sequence[Paid] = (),
    ) -> None:
        """Keeps what it said and writes what it says now. Raises Conflict when somebody corrected it meanwhile."""
        self.connection.execute(
            insert(corrected_report).values(
                proof_id=report.proof_id,
                event_id=event_id,
                outcome_before=report.outcome.value,
                outcome_after=outcome.value,
                recipient_before=report.recipient,
                counts_before=_counts(report.lines),
                counts_after=_counts(lines),
                paid_before=_paid(report.paid),
                paid_after=_paid(paid),
                why=why,
                by=by,
                at=now,
            )
        )
        done = self.connection.execute(
            update(proof)
            .where(proof.c.id == report.proof_id, proof.c.outcome == report.outcome.value)
            .values(outcome=outcome.value, recipient=recipient)
        )
        times = self.connection.scalar(select(func.count()).where(corrected_report.c.proof_id == report.proof_id))
        if not done.rowcount or times != report.times + 1:
            raise Conflict("Somebody corrected this report meanwhile. Look at it again.", code="shown_is_old")
        self.connection.execute(delete(proof_line).where(proof_line.c.proof_id == report.proof_id))
        if promised := [each for each in lines if not each.is_empties]:
            self.connection.execute(
                insert(proof_line), [{"proof_id": report.proof_id, **asdict(each)} for each in promised]
            )
        collected = {-each.allocation_id: each.collected for each in lines if each.is_empties}
        for before in report.lines:
            if before.is_empties:
                collected.setdefault(-before.allocation_id, 0)
        for key, units in collected.items():
            self.connection.execute(update(empties_line).where(empties_line.c.id == key).values(collected=units))

    def delivery_corrected(self, *, delivery_id: int, state: str, attempts: int, for_day: str, waits_for: str) -> None:
        """Raises Conflict when it has gone on since its door was reported."""
        done = self.connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state.in_(("done", "failed")))
            .values(
                state=state, attempts=attempts, for_day=for_day, waits_for=waits_for, version=delivery.c.version + 1
            )
        )
        if not done.rowcount:
            raise Conflict("This delivery went on meanwhile. Look at it again.", code="shown_is_old")
        expect_on_the_day_of(self.connection, delivery_id)

    def decided_since(self, delivery_id: int, since: datetime) -> str:
        """What a person decided about this door since it was reported; "" when nobody did."""
        said = self.connection.scalar(
            select(task.c.outcome)
            .where(
                task.c.subject_kind == "delivery",
                task.c.subject_id == delivery_id,
                task.c.kind.in_(ABOUT_A_DOOR),
                task.c.done_at >= since,
                task.c.outcome.not_like(f"{CORRECTED}%"),
            )
            .order_by(task.c.done_at.desc())
            .limit(1)
        )
        return "" if said is None else said or "done"

    def answer_door_tasks(self, delivery_id: int, *, why: str, by: str, now: datetime) -> int:
        """Ends the open questions about this door; how many there were."""
        return self.connection.execute(
            update(task)
            .where(
                task.c.subject_kind == "delivery",
                task.c.subject_id == delivery_id,
                task.c.kind.in_(ABOUT_A_DOOR),
                task.c.done_at.is_(None),
            )
            .values(done_at=now, done_by=by, outcome=f"{CORRECTED}: {why}", version=task.c.version + 1)
        ).rowcount

    def beyond_the_order(self, line_ids: Collection[int]) -> list[TooMuch]:
        """Lines of which more is with the customer, on its way or cleared to go than they want."""
        taken = func.sum(COMMITTED + SERVED)
        rows = self.connection.execute(
            select(order_line.c.id, order.c.number, product.c.name, (taken - ORDERED).label("over"))
            .join(allocation, allocation.c.order_line_id == order_line.c.id)
            .join(order, order.c.id == order_line.c.order_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(order_line.c.id.in_(list(line_ids)))
            .group_by(order_line.c.id, order.c.number, product.c.name)
            .having(taken > ORDERED)
            .order_by(order_line.c.id)
        ).all()
        again: dict[int, list[str]] = defaultdict(list)
        for row in self.connection.execute(
            select(allocation.c.order_line_id, delivery.c.number)
            .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
            .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
            .where(
                allocation.c.order_line_id.in_([row.id for row in rows]),
                delivery.c.direction == "deliver",
                delivery.c.state.not_in(("done", "failed", "unreleased")),
            )
            .distinct()
            .order_by(delivery.c.number)
        ):
            again[row.order_line_id].append(row.number)
        return [
            TooMuch(order=row.number, product=row.name, units=int(row.over), deliveries=tuple(again[row.id]))
            for row in rows
        ]

    def beyond_the_customer(self, allocation_ids: Collection[int]) -> list[TooMuch]:
        """Of these allocations what is fetched back, or is to be, beyond what the customer was given of them."""
        left = left_at_the_customer()
        rows = self.connection.execute(
            select(allocation.c.id, order.c.number, product.c.name, left.label("left"))
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .join(order, order.c.id == order_line.c.order_id)
            .join(product, product.c.id == order_line.c.product_id)
            .where(allocation.c.id.in_(list(allocation_ids)), left < 0)
            .order_by(allocation.c.id)
        ).all()
        by: dict[int, list[str]] = defaultdict(list)
        for row in self.connection.execute(
            select(delivery_line.c.allocation_id, delivery.c.number)
            .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
            .where(
                delivery_line.c.allocation_id.in_([row.id for row in rows]),
                delivery.c.direction == "collect",
                delivery.c.state != "unreleased",
            )
            .order_by(delivery.c.number)
        ):
            by[row.allocation_id].append(row.number)
        return [
            TooMuch(order=row.number, product=row.name, units=-int(row.left), deliveries=tuple(by[row.id]))
            for row in rows
        ]

    def want_again(self, *, line_id: int, quantity: int) -> None:
        """Of a line of the ERP: so many more of it count as brought, which were cancelled with us as not brought; at
        most what still is, because the ERP may have released some of them again."""
        self.touched_lines.add(line_id)
        self.connection.execute(
            update(order_line)
            .where(order_line.c.id == line_id)
            .values(cancelled=case((order_line.c.cancelled > quantity, order_line.c.cancelled - quantity), else_=0))
        )

    def withhold_door_news(self, report: ReportInHand, *, why: str) -> tuple[int, bool]:
        """Withholds what still waits of what a report had told; how many messages, and whether any had gone out."""
        theirs = (
            notice.c.subject_kind == "stop",
            notice.c.subject_id == report.stop_id,
            notice.c.kind.in_((NoticeKind.DELIVERED.value, NoticeKind.FAILED.value)),
            notice.c.made_at.in_(report.written_at),
        )
        held = self.connection.execute(
            update(notice)
            .where(*theirs, notice.c.status.in_(("waiting", "failed")))
            .values(status="withheld", problem=why, next_try_at=None)
        ).rowcount
        told = self.connection.scalar(
            select(func.count()).select_from(notice).where(*theirs, notice.c.status.in_(("sent", "sending")))
        )
        return held, bool(told)

    def promise_as_before(self, *, delivery_id: int, since: datetime, why: str, by: str, now: datetime) -> None:
        """Of the lines of this delivery that got a new promise by its report: what was promised before it."""
        lines = self.connection.scalars(
            select(allocation.c.order_line_id)
            .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
            .where(delivery_line.c.delivery_id == delivery_id)
            .distinct()
        ).all()
        for line_id in sorted(lines):
            rows = self.connection.execute(
                select(promise).where(promise.c.order_line_id == line_id).order_by(promise.c.version.desc())
            ).all()
            before = next((row for row in rows if row.made_at < since), None)
            if before is None or rows[0].made_at < since or rows[0].by != "backroute":
                continue
            self.connection.execute(
                insert(promise).values(
                    order_line_id=line_id,
                    version=rows[0].version + 1,
                    promised_on=before.promised_on,
                    window_from=before.window_from,
                    window_to=before.window_to,
                    why=why,
                    by=by,
                    made_at=now,
                    told_at=now,
                )
            )


def _paid(paid: Sequence[Paid]) -> list[dict[str, object]] | None:
    """As it is kept: None where nothing was due and nothing collected."""
    return [
        {
            "order_id": each.order_id,
            "currency": each.currency,
            "due": each.due,
            "collected": {method.value: amount for method, amount in each.collected},
        }
        for each in paid
    ] or None


def _counts(lines: Sequence[DoorLine]) -> dict[str, dict[str, int]]:
    names = ("delivered", "short", "damaged", "refused", "collected")
    return {str(each.allocation_id): {name: getattr(each, name) for name in names} for each in lines}
