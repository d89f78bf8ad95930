"""What became of every order line that was on a van on a day or in a period, by the references that the ERP knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from data.queries.lost import counted_back, lost_after_the_door, lost_of
from data.queries.needs import SETTLED
from data.queries.paying import paid_by_proof
from data.tables import (
    allocation,
    corrected_report,
    current_plan,
    customer,
    delivery,
    delivery_line,
    depot,
    event,
    link,
    manifest,
    order,
    order_line,
    product,
    promise,
    proof,
    proof_line,
    site,
    stop,
    stop_delivery,
    supply,
    trip,
    unassigned,
)
from routing.errors import NotFound
from routing.model.days import day_words
from routing.model.payments import Paid, PayMethod
from routing.model.proofs import Outcome

PARTLY = "partly_delivered"
NOT_DISPATCHED = "not_dispatched"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineResult:
    """One order line, base units. `delivered`, `short`, `damaged`, `refused` are of this day. `open` and `credited` are
    of now: open is ordered less cancelled, less all that was ever delivered or refused; credited is what of the line is
    paid back, refused units and ones that were never handed over. `returned` was reported as not handed over and is
    none of these: it comes back with the van, and of it those that did not are `lost` instead.

    `counted_back` and `lost` are what the count of the van found and did not find, whatever the door had said: sent =
    delivered + counted_back + lost, once it is counted. Of 5 sent, 3 delivered and 2 short, of which the count finds 1:
    delivered 3, short 2, counted_back 1, lost 1. Of 12 that nobody took and 7 that came back: returned 7, counted_back
    7, lost 5.

    Of 12 units that came back undelivered and were credited then: sent 12, returned 12, credited 12, ordered 0, open 0.

    `ordered` is less what was cancelled. Of what the ERP released it is all: what came back is cancelled with us only,
    and it was ordered all the same. Of 48 released and 40 handed over: ordered 48, delivered 40, short 8, open 0.

    `outcome` is the word of the last report of the day, PARTLY where of a line handed over not all was; "" while nobody
    has reported. `at` is in `zone`. NOT_DISPATCHED: the ERP released it for this day, no van had it; `reason` is the
    word of the plan that left it out, "not_planned" without one, "" of all other lines.
    A report that somebody corrected keeps its row, as it was said first; a row follows for each correction, with its
    reason in `correction`, nothing sent, the new outcome, and in the counts only what it changed: 8 of 12 that were 10
    after all give 8 delivered and 4 short, then 2 and -2. The rows of a line add up.
    `due_at_door` and `paid_at_door`, minor units in `currency`, are of the whole order with what was handed over of it
    that day, and stand on its first line; `paid_by` names the methods; `paid_cash`, `paid_card` and `paid_other` add up
    to what was paid. In the row of a correction they are differences.
    `proof_link` is "" without a report. `source` is where the order came in from; `customer_number` and `site_number`
    are what customer and site are called there.
    """

    source: str
    order: str
    line: str
    erp_reference: str
    line_erp_reference: str
    customer_reference: str
    customer_number: str
    customer: str
    site_number: str
    site: str
    depot: str
    sku: str
    unit: str
    ordered: int
    sent: int
    delivered: int
    short: int
    damaged: int
    refused: int
    returned: int
    lost: int
    counted_back: int
    credited: int
    open: int
    promised_on: str
    expected_on: str
    day: str
    delivery: str
    outcome: str
    at: datetime | None
    zone: str
    recipient: str
    proof_link: str
    reason: str = ""
    correction: str = ""
    due_at_door: int = 0
    paid_at_door: int = 0
    paid_by: str = ""
    paid_cash: int = 0
    paid_card: int = 0
    paid_other: int = 0
    currency: str = ""


def day_results(
    connection: Connection, *, day: str, today: str = "", address_of: Callable[[int], str] = lambda _link_id: ""
) -> tuple[LineResult, ...]:
    """Every line of every delivery on a list of that day, by order and line, and once the day is over, which `today`
    says, what the ERP released for it and nobody took along. Raises NotFound when there was none.

    `address_of` gives the address of a link's page.
    """
    found = _of_day(connection, day, today, address_of)
    if found is None:
        raise NotFound(f"Nothing was dispatched on {day_words(day)}, so there are no results.", day=day)
    return found


def _of_day(
    connection: Connection, day: str, today: str, address_of: Callable[[int], str]
) -> tuple[LineResult, ...] | None:
    riding = list(
        connection.scalars(
            select(stop_delivery.c.delivery_id)
            .join(stop, stop.c.id == stop_delivery.c.stop_id)
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(manifest, manifest.c.route_id == trip.c.route_id)
            .where(manifest.c.day == day)
            .distinct()
        )
    )
    stayed = _stayed(connection, day, riding) if day < today else {}
    if not riding and not stayed:
        return None
    last = _last_reports(connection, day, riding)
    counts = _counts(connection, day, riding)
    links = {key: address_of(link_id) for key, link_id in _proof_links(connection, last).items()}
    carried = _carried(connection, day, riding, counts, reported=last.keys())
    back = counted_back(connection, riding, day=day)
    missing = lost_after_the_door(connection, riding, day=day)
    carried |= {line_id: mine for line_id, mine in stayed.items() if line_id not in carried}
    served = _served(connection, carried)
    promised = _promised(connection, carried)
    of_the_erp = _of_the_erp(connection, carried)
    corrected = _corrections(connection, day, riding)
    money = _paid(connection, day, riding)
    found: list[LineResult] = []
    begun: set[int] = set()
    for row in connection.execute(_lines(list(carried))):
        mine = carried[row.id]
        # Of several deliveries of a line that day, the one reported last speaks.
        key = max(mine.deliveries, key=lambda each: (last[each].at.timestamp() if each in last else 0.0, each))
        report = last.get(key)
        result = _result(
            row,
            mine,
            report,
            day=day,
            ordered=row.quantity - (0 if row.id in of_the_erp else row.cancelled),
            lost=mine.lost + missing.get(row.id, 0),
            counted_back=back.get(row.id, 0),
            still_open=max(0, row.quantity - row.cancelled - served.get(row.id, 0)),
            promised_on=promised.get(row.id, ""),
            proof_link=links.get(key, ""),
        )
        # An order's money stands on its first line, once.
        if paid := money.pop(row.order_id, []):
            by_method: Counter[PayMethod] = Counter()
            for each in paid:
                by_method.update(dict(each.collected))
            result = replace(
                result,
                due_at_door=sum(each.due for each in paid),
                paid_at_door=by_method.total(),
                paid_by=", ".join(each for each in PayMethod if each in by_method),
                paid_cash=by_method[PayMethod.CASH],
                paid_card=by_method[PayMethod.CARD],
                paid_other=by_method[PayMethod.OTHER],
            )
        is_first = row.order_id not in begun
        begun.add(row.order_id)
        found += _as_told(result, _of_line(corrected, row.id, row.order_id if is_first else None))
    return tuple(found)


def _lines(line_ids: Collection[int]) -> Select[*tuple[Any, ...]]:
    """What stands of these lines before anything is reported, by order."""
    return (
        select(
            order_line.c.id,
            order_line.c.order_id,
            order_line.c.number.label("line"),
            order_line.c.erp_reference.label("line_erp_reference"),
            order_line.c.quantity,
            order_line.c.cancelled,
            order_line.c.credited,
            order_line.c.expected_on,
            order.c.source,
            order.c.number.label("order"),
            order.c.erp_reference,
            order.c.customer_reference,
            order.c.currency,
            customer.c.number.label("customer_number"),
            customer.c.name.label("customer"),
            site.c.number.label("site_number"),
            site.c.name.label("site"),
            depot.c.number.label("depot"),
            site.c.zone,
            depot.c.zone.label("depot_zone"),
            product.c.number.label("sku"),
            product.c.unit,
        )
        .join(order, order.c.id == order_line.c.order_id)
        .join(customer, customer.c.id == order.c.customer_id)
        .join(site, site.c.id == order.c.site_id)
        .join(depot, depot.c.id == order.c.depot_id)
        .join(product, product.c.id == order_line.c.product_id)
        .where(order_line.c.id.in_(line_ids))
        .order_by(order.c.number, order_line.c.id)
    )


def _result(
    row: Row[Any],
    mine: _Carried,
    report: _Report | None,
    *,
    day: str,
    ordered: int,
    lost: int,
    counted_back: int,
    still_open: int,
    promised_on: str,
    proof_link: str,
) -> LineResult:
    """What one line says of itself, what was carried of it on the day, and what was reported of it last."""
    return LineResult(
        source=row.source,
        order=row.order,
        line=row.line,
        erp_reference=row.erp_reference,
        line_erp_reference=row.line_erp_reference,
        customer_reference=row.customer_reference,
        customer_number=row.customer_number,
        customer=row.customer,
        site_number=row.site_number,
        site=row.site,
        depot=row.depot,
        sku=row.sku,
        unit=row.unit,
        ordered=ordered,
        sent=mine.sent,
        delivered=mine.delivered,
        short=mine.short,
        damaged=mine.damaged,
        refused=mine.refused,
        returned=mine.returned,
        lost=lost,
        counted_back=counted_back,
        credited=row.credited,
        open=still_open,
        promised_on=promised_on,
        expected_on=row.expected_on if still_open else "",
        day=day,
        delivery=", ".join(mine.deliveries.values()),
        outcome=_outcome(report, mine),
        at=report.at if report else None,
        zone=row.zone or row.depot_zone,
        recipient=report.recipient if report else "",
        proof_link=proof_link,
        reason=mine.stayed,
        currency=row.currency,
    )


_MONEY = ("due_at_door", "paid_at_door", *(f"paid_{method}" for method in PayMethod))
"""What is of the whole order, and stands on its first line."""
_COUNTED = ("delivered", "short", "damaged", "refused", "returned", *_MONEY)
"""What a correction says as differences."""


def _of_line(corrected: Sequence[_Correction], line_id: int, order_id: int | None) -> list[_Correction]:
    """The corrections that say something new of a line. `order_id`: it is the first of its order, which has the money
    of all of them; each correction once."""
    found: dict[int, _Correction] = {}
    for each in corrected:
        if each.order_line_id == line_id:
            of_order = each.order_id == order_id
            without_money = replace(each, due_at_door=0, paid_at_door=0, paid_cash=0, paid_card=0, paid_other=0)
            found[each.id] = each if of_order else without_money
        elif each.order_id == order_id and any(getattr(each, name) for name in _MONEY) and each.id not in found:
            found[each.id] = replace(each, delivered=0, short=0, damaged=0, refused=0, returned=0, of_it=False)
    return [
        each
        for each in found.values()
        if any(getattr(each, name) for name in _COUNTED) or each.outcome_before != each.outcome_after
    ]


def _paid(connection: Connection, day: str, delivery_ids: Collection[int]) -> dict[int, list[Paid]]:
    """By order what was due and collected at its doors that day."""
    proofs = connection.scalars(
        select(proof.c.id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .where(manifest.c.day == day, proof.c.delivery_id.in_(delivery_ids))
    ).all()
    found: dict[int, list[Paid]] = defaultdict(list)
    for of_proof in paid_by_proof(connection, proofs).values():
        for each in of_proof:
            if each.order_id is not None:
                found[each.order_id].append(each)
    return found


def _as_told(result: LineResult, corrections: Sequence[_Correction]) -> list[LineResult]:
    """What was reported first, then what each correction changed."""
    if not corrections:
        return [result]
    changed = {name: sum(getattr(each, name) for each in corrections) for name in _COUNTED}
    first = replace(result, **{name: getattr(result, name) - units for name, units in changed.items()})
    told = [
        replace(first, outcome=_word(corrections[0].outcome_before, first) if corrections[0].of_it else first.outcome)
    ]
    for each in corrections:
        so_far = {name: sum(getattr(one, name) for one in told) + getattr(each, name) for name in _COUNTED}
        told.append(
            replace(
                result,
                sent=0,
                lost=0,
                counted_back=0,
                outcome=_word(each.outcome_after, replace(first, **so_far)) if each.of_it else result.outcome,
                at=each.at,
                correction=each.why,
                **{name: getattr(each, name) for name in _COUNTED},
            )
        )
    return told


def period_results(
    connection: Connection,
    *,
    from_day: str,
    to_day: str,
    today: str = "",
    address_of: Callable[[int], str] = lambda _link_id: "",
) -> Iterator[LineResult]:
    """The same for every day of a period that had any, day by day. Raises NotFound when none had."""
    days = set(
        connection.scalars(select(manifest.c.day).where(manifest.c.day.between(from_day, to_day)).distinct())
    ) | set(
        connection.scalars(
            _released_by_erp(delivery.c.for_day)
            .where(delivery.c.for_day.between(from_day, to_day), delivery.c.for_day < today)
            .distinct()
        )
    )
    if not days:
        raise NotFound(
            f"Nothing was dispatched from {day_words(from_day)} to {day_words(to_day)}, so there are no results.",
            day=from_day,
        )
    return (each for day in sorted(days) for each in _of_day(connection, day, today, address_of) or ())


# ---------------------------------------------------------------------------- what was reported


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    event_id: int
    outcome: str
    at: datetime
    recipient: str


@dataclass(slots=True, kw_only=True)
class _Carried:
    """Sums of one order line over the day's deliveries, whose numbers are by key."""

    deliveries: dict[int, str]
    stayed: str = ""
    """Why no van had it."""
    sent: int = 0
    delivered: int = 0
    short: int = 0
    damaged: int = 0
    refused: int = 0
    returned: int = 0
    lost: int = 0


def _last_reports(connection: Connection, day: str, delivery_ids: Collection[int]) -> dict[int, _Report]:
    rows = connection.execute(
        select(proof.c.delivery_id, proof.c.event_id, proof.c.outcome, proof.c.captured_at, proof.c.recipient)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .where(manifest.c.day == day, proof.c.delivery_id.in_(delivery_ids))
        .order_by(proof.c.attempt)
    )
    return {
        row.delivery_id: _Report(
            event_id=row.event_id, outcome=row.outcome, at=row.captured_at, recipient=row.recipient
        )
        for row in rows
    }


def _counts(
    connection: Connection, day: str, delivery_ids: Collection[int]
) -> dict[tuple[int, int], tuple[int, int, int, int]]:
    """(delivered, short, damaged, refused) of the day by delivery and allocation."""
    rows = connection.execute(
        select(
            proof.c.delivery_id,
            proof_line.c.allocation_id,
            func.sum(proof_line.c.delivered).label("delivered"),
            func.sum(proof_line.c.short).label("short"),
            func.sum(proof_line.c.damaged).label("damaged"),
            func.sum(proof_line.c.refused).label("refused"),
        )
        .join(proof, proof.c.id == proof_line.c.proof_id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .where(manifest.c.day == day, proof.c.delivery_id.in_(delivery_ids))
        .group_by(proof.c.delivery_id, proof_line.c.allocation_id)
    )
    return {(row.delivery_id, row.allocation_id): (row.delivered, row.short, row.damaged, row.refused) for row in rows}


def _carried(
    connection: Connection,
    day: str,
    delivery_ids: Collection[int],
    counts: dict[tuple[int, int], tuple[int, int, int, int]],
    *,
    reported: Collection[int],
) -> dict[int, _Carried]:
    found: dict[int, _Carried] = {}
    for row in connection.execute(
        select(
            delivery.c.id,
            delivery.c.number,
            delivery_line.c.allocation_id,
            delivery_line.c.quantity,
            allocation.c.order_line_id,
        )
        .join(delivery_line, delivery_line.c.delivery_id == delivery.c.id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .where(delivery.c.id.in_(delivery_ids), delivery.c.direction == "deliver")
        .order_by(delivery.c.id)
    ):
        mine = found.setdefault(row.order_line_id, _Carried(deliveries={}))
        mine.deliveries[row.id] = row.number
        delivered, short, damaged, refused = counts.get((row.id, row.allocation_id), (0, 0, 0, 0))
        mine.sent += row.quantity
        mine.delivered += int(delivered)
        mine.short += int(short)
        mine.damaged += int(damaged)
        mine.refused += int(refused)
        if row.id in reported:
            mine.returned += max(0, row.quantity - int(delivered + short + damaged + refused))
    for given_up in connection.execute(
        select(delivery.c.id, delivery.c.number, event.c.data)
        .join(event, event.c.delivery_id == delivery.c.id)
        .where(delivery.c.id.in_(delivery_ids), event.c.kind == "decided", delivery.c.state == "unreleased")
        .order_by(event.c.id)
    ):
        # Given up after it came back: the delivery lost its goods then, but they were on this van.
        for line_id, units in given_up.data.get("lines", {}).items():
            mine = found.setdefault(int(line_id), _Carried(deliveries={}))
            if given_up.id in mine.deliveries:
                continue
            mine.deliveries[given_up.id] = given_up.number
            mine.sent += units
            mine.returned += units
    for lost in lost_of(connection, delivery_ids):
        if lost.day < day:
            continue  # it was not on this day's list any more
        mine = found.setdefault(lost.order_line_id, _Carried(deliveries={}))
        mine.deliveries[lost.delivery_id] = lost.number
        mine.sent += lost.quantity
        if lost.day == day:
            mine.lost += lost.quantity
        else:
            mine.returned += lost.quantity
    return found


def _proof_links(connection: Connection, reports: dict[int, _Report]) -> dict[int, int]:
    """The newest proof link by delivery. A report about several deliveries has one link, and all of them get it."""
    of_event: dict[int, int] = {}
    rows = connection.execute(
        select(proof.c.event_id, link.c.id)
        .join(link, (link.c.subject_id == proof.c.delivery_id) & (link.c.subject_kind == "delivery"))
        .where(
            link.c.kind == "proof",
            link.c.revoked_at.is_(None),
            proof.c.event_id.in_([each.event_id for each in reports.values()]),
        )
        .order_by(link.c.id)
    )
    for row in rows:
        of_event[row.event_id] = row.id
    return {key: of_event[each.event_id] for key, each in reports.items() if each.event_id in of_event}


def _served(connection: Connection, line_ids: Collection[int]) -> dict[int, int]:
    """Units of each line that reached the customer or were refused, whenever that was."""
    rows = connection.execute(
        select(allocation.c.order_line_id, func.sum(SETTLED).label("units"))
        .where(allocation.c.order_line_id.in_(list(line_ids)))
        .group_by(allocation.c.order_line_id)
    )
    return {row.order_line_id: int(row.units) for row in rows}


def _of_the_erp(connection: Connection, line_ids: Collection[int]) -> set[int]:
    """Those of the lines that hold goods which the ERP released."""
    return set(
        connection.scalars(
            select(allocation.c.order_line_id)
            .join(supply, supply.c.id == allocation.c.supply_id)
            .where(allocation.c.order_line_id.in_(list(line_ids)), supply.c.source == "erp")
        )
    )


def _released_by_erp(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join(delivery_line, delivery_line.c.delivery_id == delivery.c.id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(supply, supply.c.id == allocation.c.supply_id)
        .where(supply.c.source == "erp", delivery.c.direction == "deliver", delivery.c.state != "unreleased")
    )


def _stayed(connection: Connection, day: str, riding: Collection[int]) -> dict[int, _Carried]:
    """What the ERP released for the day and no list had, by order line."""
    left = {
        row.delivery_id: row.reasons[0] if row.reasons else "competed_out"
        for row in connection.execute(
            select(unassigned.c.delivery_id, unassigned.c.reasons)
            .join(current_plan, current_plan.c.plan_id == unassigned.c.plan_id)
            .where(current_plan.c.day == day)
            .order_by(unassigned.c.id)
        )
    }
    found: dict[int, _Carried] = {}
    for row in connection.execute(
        _released_by_erp(delivery.c.id, delivery.c.number, allocation.c.order_line_id)
        .where(delivery.c.for_day == day, delivery.c.id.not_in(riding))
        .order_by(delivery.c.id)
    ):
        mine = found.setdefault(row.order_line_id, _Carried(deliveries={}, stayed=left.get(row.id, "not_planned")))
        mine.deliveries[row.id] = row.number
    return found


def _outcome(report: _Report | None, mine: _Carried) -> str:
    if mine.stayed:
        return NOT_DISPATCHED
    return "" if report is None else _word(report.outcome, mine)


def _word(outcome: str, counts: _Carried | LineResult) -> str:
    handed_over = Outcome(outcome).is_handed_over
    return PARTLY if handed_over and counts.short + counts.damaged + counts.refused else outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _Correction:
    """What somebody put right of one order line, as differences; the money is the whole order's."""

    id: int
    order_id: int
    order_line_id: int
    outcome_before: str
    outcome_after: str
    why: str
    at: datetime
    delivered: int
    short: int
    damaged: int
    refused: int
    returned: int
    due_at_door: int = 0
    paid_at_door: int = 0
    paid_cash: int = 0
    paid_card: int = 0
    paid_other: int = 0
    of_it: bool = True
    """It is of a delivery with this line; else the line only bears the money of its order."""


def _corrections(connection: Connection, day: str, delivery_ids: Collection[int]) -> list[_Correction]:
    """In the order in which they were made, one for each order line of the delivery that they say something new of."""
    found = []
    names = ("delivered", "short", "damaged", "refused")
    for row in connection.execute(
        select(corrected_report, proof.c.delivery_id)
        .join(proof, proof.c.id == corrected_report.c.proof_id)
        .join(manifest, manifest.c.id == proof.c.manifest_id)
        .join(delivery, delivery.c.id == proof.c.delivery_id)
        .where(manifest.c.day == day, proof.c.delivery_id.in_(delivery_ids), delivery.c.direction == "deliver")
        .order_by(corrected_report.c.id)
    ).all():
        of_line: dict[int, Counter[str]] = {}
        order_of: dict[int, int] = {}
        money = {
            order_id: _difference(row.paid_before or (), row.paid_after or (), order_id)
            for order_id in {each["order_id"] for each in (*(row.paid_after or ()), *(row.paid_before or ()))}
        }
        for line in connection.execute(
            select(delivery_line.c.allocation_id, allocation.c.order_line_id, order_line.c.order_id)
            .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
            .join(order_line, order_line.c.id == allocation.c.order_line_id)
            .where(delivery_line.c.delivery_id == row.delivery_id)
        ):
            order_of[line.order_line_id] = line.order_id
            changed = of_line.setdefault(line.order_line_id, Counter())
            for counts, sign in ((row.counts_after, 1), (row.counts_before, -1)):
                for name in names:
                    changed[name] += sign * counts.get(str(line.allocation_id), {}).get(name, 0)
        found += [
            _Correction(
                id=row.id,
                order_id=order_of[order_line_id],
                order_line_id=order_line_id,
                of_it=True,
                outcome_before=row.outcome_before,
                outcome_after=row.outcome_after,
                why=row.why,
                at=row.at,
                returned=-sum(changed[name] for name in names),
                **{name: changed[name] for name in names},
                **money.get(order_of[order_line_id], {}),
            )
            for order_line_id, changed in of_line.items()
            if any(changed.values())
            or any(money.get(order_of[order_line_id], {}).values())
            or row.outcome_before != row.outcome_after
        ]
    return found


def _difference(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], order_id: int
) -> dict[str, int]:
    """By how much what was due of an order and what was collected of it, by each method, changed."""
    found = dict.fromkeys(_MONEY, 0)
    for said, sign in ((after, 1), (before, -1)):
        for each in said:
            if each["order_id"] == order_id:
                found["due_at_door"] += sign * each["due"]
                for method, amount in each["collected"].items():
                    found["paid_at_door"] += sign * amount
                    found[f"paid_{method}"] += sign * amount
    return found


def _promised(connection: Connection, line_ids: Collection[int]) -> dict[int, str]:
    """The day of the latest promise of each line."""
    days: dict[int, str] = defaultdict(str)
    for row in connection.execute(
        select(promise.c.order_line_id, promise.c.promised_on)
        .where(promise.c.order_line_id.in_(list(line_ids)))
        .order_by(promise.c.version)
    ):
        days[row.order_line_id] = row.promised_on
    return days
