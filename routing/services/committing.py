"""Writes what was decided of a book: units first, then dates, promises, notices, tasks and events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from routing.cycles import no_cycles
from routing.model.orders import LineChange, WaitingOrder
from routing.model.stock import Claim
from routing.model.tasks import TaskKind
from routing.rules.by_itself import DAY_IS_PAST
from routing.rules.promises import AT_CUSTOMERS_WISH, HAS_ITS_DATE_AGAIN, NewPromise
from routing.services import asking
from routing.services.allocating import Decision, Store
from routing.services.asking import Asked
from routing.services.telling import delays, moved_words, tell_dates
from routing.services.untold import remember_untold

PROMISE_LOST = "promise_lost"
"""The event of lines that were promised a day and have none any more: the slip, on the day on which it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Who hears of it: the lines that a notice tells of, and what each order's customer is asked."""

    lines: frozenset[int] = frozenset()
    asked: Mapping[int, Asked]


@no_cycles()
def write(
    store: Store,
    decision: Decision,
    *,
    by: str,
    now: datetime,
    why: str,
    tell: bool,
    quiet: Collection[int] = (),
) -> None:
    """Writes the decision: units first, then dates, promises, notices, tasks and events.

    `tell`: whether customers hear of new dates. `quiet`: the keys of orders whose customers hear nothing though others
    do: an import never writes to people about the orders of its file.
    """
    still = (
        {line.id for order in decision.before.orders if order.id in quiet for line in order.lines} if quiet else set()
    )
    # Nobody is written to about the day that they wish for themselves before there is one, nor while they are held.
    dated = decision.dates.expected
    held = {line.id for order in decision.before.orders if order.id in decision.held for line in order.lines}
    aloud = [
        promise
        for promise in decision.promises
        if promise.line_id not in still
        and (promise.why != AT_CUSTOMERS_WISH or (dated.get(promise.line_id) and promise.line_id not in held))
    ]
    changed = [change for change in decision.preview.lines if change.order_id not in quiet]
    write_units(store, decision, by=by, now=now)
    _write_dates(store, decision)
    told = _Told(asked={})
    if tell:
        told = _tell(store, decision, aloud, changed, by=by, now=now, why=why)
    # A promise is what the customer was told: without telling, only a line that had no date gets its first one, and one
    # that its customer moved the day that this gives.
    promises = [
        promise
        for promise in decision.promises
        if promise.first or promise.why == AT_CUSTOMERS_WISH or (tell and promise.line_id not in still)
    ]
    store.add_promises(_with_windows(store, promises), by=by, made_at=now, told=told.lines)
    remember_untold(store, decision.before, promises=aloud, changes=changed, tell=tell, by=by, now=now, why=why)
    if still and tell:
        remember_untold(
            store,
            decision.before,
            promises=[promise for promise in decision.promises if promise.line_id in still],
            changes=[change for change in decision.preview.lines if change.order_id in quiet],
            tell=False,
            by=by,
            now=now,
            why=why,
        )
    if tell:
        _done_with(store, decision, quiet=quiet, by=by, now=now)
    made = {promise.line_id: promise for promise in promises}
    wished = {promise.line_id for promise in promises if promise.why == AT_CUSTOMERS_WISH}
    tasks: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for order, changes in _of_orders(decision):
        tasks += _falls_apart(order, changes, broken=order.id in decision.outcome.broken, why=why, now=now)
        no_date = [change for change in changes if change.line_id not in wished and _has_no_date(change)]
        if no_date and tell and order.id not in quiet:
            tasks.append(_no_date(order, no_date, made, told=told, why=why, now=now))
        elif tell and order.id not in quiet:
            tasks += _not_sent(order, decision, made, now=now)
        events += _story(order, changes, no_date, by=by, why=why, now=now)
    store.add_tasks(tasks)
    store.append_events(events)


def _tell(
    store: Store,
    decision: Decision,
    aloud: Sequence[NewPromise],
    changed: Sequence[LineChange],
    *,
    by: str,
    now: datetime,
    why: str,
) -> _Told:
    """Asks and tells whoever is to hear of these promises and changes."""
    # Of a book of 15,000 orders a receipt moves a tenth: whoever hears of nothing is passed over once, not five times.
    moved = {promise.line_id for promise in aloud} | {change.line_id for change in changed if change.loses}
    before = decision.before
    some = replace(before, orders=tuple(o for o in before.orders if any(line.id in moved for line in o.lines)))
    late = delays(some, promises=aloud, changes=changed)
    asked = asking.ask(store, late, by=by, now=now)
    told = tell_dates(store, some, promises=aloud, changes=changed, asked=asked, why=why, now=now)
    kept = {promise.line_id for promise in aloud if promise.again and not promise.slip}
    if kept:
        orders = {order.id for order in decision.before.orders if any(line.id in kept for line in order.lines)}
        asking.settle_kept(store, orders - set(asked), by=by, now=now)
    return _Told(lines=frozenset(told), asked=asked)


def _of_orders(decision: Decision) -> Iterator[tuple[WaitingOrder, list[LineChange]]]:
    """The orders of which something changes or falls apart, by id, each with what changes."""
    changes: dict[int, list[LineChange]] = defaultdict(list)
    for change in decision.preview.lines:
        if change.changed or change.loses:
            changes[change.order_id].append(change)
    for order in decision.before.orders:
        if order.id in changes or order.id in decision.outcome.broken:
            yield order, changes.get(order.id, [])


def _has_no_date(change: LineChange) -> bool:
    lost = change.loses or _loses_while_held(change)
    return lost or bool(change.old_day and not change.new_day and change.waits)


def _loses_while_held(change: LineChange) -> bool:
    """Its customer hears of it when it is let go; the slip is known, and counted, now."""
    return bool(change.on_hold and change.promised_on and change.old_day and not change.new_day)


def _falls_apart(
    order: WaitingOrder, changes: Sequence[LineChange], *, broken: bool, why: str, now: datetime
) -> Iterator[dict[str, Any]]:
    """The tasks about an order that was to go whole and of which a part is missing."""
    said = []
    if broken:
        said.append(
            f"Order {order.number} ships complete and was covered; now part of it is missing ({why}). "
            "Wait for the rest, or ask the customer whether a part may go."
        )
    if torn := [change for change in changes if change.torn]:
        parts = ", ".join(f"{change.released_lost} × {change.sku}" for change in torn)
        said.append(
            f"Order {order.number} ships whole lines and was released with one that is not whole any "
            f"more: {parts} missing ({why}). Take its delivery back, or ask the customer whether a "
            "part may go."
        )
    for sentence in said:
        yield dict(
            kind=TaskKind.SHIP_COMPLETE_BROKEN,
            subject_kind="order",
            subject_id=order.id,
            sentence=sentence,
            made_at=now,
            assignee=order.salesperson,
        )


def _story(
    order: WaitingOrder,
    changes: Sequence[LineChange],
    no_date: Sequence[LineChange],
    *,
    by: str,
    why: str,
    now: datetime,
) -> Iterator[dict[str, Any]]:
    """The events of one order: what it was given, and what lost its date."""
    about = {"actor": by, "captured_at": now, "received_at": now, "order_id": order.id}
    if moved := [change for change in changes if change.changed]:
        lines: list[dict[str, object]] = [_change_data(change) for change in moved]
        yield {**about, "kind": "allocated", "data": {"why": _why_of(moved, why), "lines": lines}}
    # No promise can be made of goods without a date: what the figures count as the slip is this, on the day on
    # which it is known, also of what is told later, or when it is let go.
    lost = [change for change in no_date if change.old_day and (change.loses or _loses_while_held(change))]
    if lost:
        missed = {change.line_id for change in lost}
        lines = [
            {"line": line.id, "promised": line.promised_on, "version": line.promise_version}
            for line in order.lines
            if line.id in missed
        ]
        yield {**about, "kind": PROMISE_LOST, "data": {"why": _why_of(lost, why), "lines": lines}}


def _no_date(
    order: WaitingOrder,
    lost: Sequence[LineChange],
    made: Mapping[int, NewPromise],
    *,
    told: _Told,
    why: str,
    now: datetime,
) -> dict[str, Any]:
    """The one task about goods without a date: who still has to hear of it, and that somebody must be able to bring
    them. `made`: the promises that were made with it, by line."""
    moved = [made[line.id] for line in order.lines if line.id in made]
    is_told = any(change.line_id in told.lines for change in lost)
    asked = told.asked.get(order.id)
    said = f"Order {order.number} of {order.customer} has no date any more ({_why_of(lost, why)})"
    call = not is_told and asked is None and any(change.promised_on and not change.on_hold for change in lost)
    if is_told:
        said += ". The customer is told by message: find a supplier."
    elif asked is not None:
        said += ". Another task asks to call the customer: find a supplier."
    elif not any(change.promised_on for change in lost):
        said += ", and none was promised: find a supplier."
    elif all(change.on_hold for change in lost):
        said += ". It is on hold, and its customer hears of it when it is let go: find a supplier."
    else:
        said += ", and nobody there agreed to messages. Call the customer, and find a supplier."
        if moved:
            day = max(promise.promised_on for promise in moved)
            said += f" What else it waits for {moved_words(order, moved, day=day)}."
    return dict(
        kind=TaskKind.NO_DATE,
        subject_kind="order",
        subject_id=order.id,
        sentence=said,
        made_at=now,
        assignee=order.salesperson,
        data={"skus": [change.sku for change in lost], "call": call},
    )


def _not_sent(
    order: WaitingOrder, decision: Decision, made: Mapping[int, NewPromise], *, now: datetime
) -> Iterator[dict[str, Any]]:
    """The task to call about goods that lie here and were not sent again and again: no further day is told by message.
    Where something of the order is promised a day now, that message speaks for it."""
    lines = [line for line in order.lines if line.id in decision.unsent]
    if not lines or any(line.id in made for line in order.lines):
        return
    goods = ", ".join(f"{line.needed} × {line.sku}" for line in lines[:3])
    if len(lines) > 3:
        goods += f" and {len(lines) - 3} more"
    days = max(decision.unsent[line.id] for line in lines)
    yield dict(
        kind=TaskKind.CALL_CUSTOMER,
        subject_kind="order",
        subject_id=order.id,
        sentence=f"Call {order.customer}: order {order.number} was promised a day {days} times, and {goods} still lies "
        "here. No further day was told: agree one that holds, and release it for that day.",
        made_at=now,
        assignee=order.salesperson,
        data={
            "day": max(decision.dates.expected.get(line.id, "") for line in lines),
            "why": DAY_IS_PAST,
            "lines": [line.id for line in lines],
            "again": False,
        },
    )


def _done_with(store: Store, decision: Decision, *, quiet: Collection[int], by: str, now: datetime) -> None:
    """Closes what a task asked for and this decides otherwise: a call about a day that is none any more, and the search
    for a supplier of what has a day again."""
    lost, dated = set(), set()
    by_order: dict[int, list[LineChange]] = defaultdict(list)
    for change in decision.preview.lines:
        if change.order_id not in quiet:
            by_order[change.order_id].append(change)
    for order in decision.before.orders:
        mine = by_order.get(order.id, [])
        if any(change.loses for change in mine):
            lost.add(order.id)
        elif mine and all(change.new_day or not change.promised_on for change in mine):
            dated.add(order.id)
    for kind, orders, outcome in (
        (TaskKind.CALL_CUSTOMER, lost, "it has no date any more: see the task about that"),
        (TaskKind.NO_DATE, dated, "it has a date again"),
    ):
        for order_id in sorted(store.asked_about(kind=kind, subject_kind="order", subject_ids=orders)):
            store.finish_tasks(kind=kind, subject_kind="order", subject_id=order_id, outcome=outcome, by=by, now=now)


def _with_windows(store: Store, promises: Sequence[NewPromise]) -> list[NewPromise]:
    """A promise that holds as before keeps the window that was agreed."""
    as_before = {promise.line_id for promise in promises if promise.why == HAS_ITS_DATE_AGAIN}
    windows = store.windows_of(as_before) if as_before else {}
    return [
        replace(promise, window_from=windows[promise.line_id][0], window_to=windows[promise.line_id][1])
        if promise.line_id in windows
        else promise
        for promise in promises
    ]


def _why_of(changes: Sequence[LineChange], why: str) -> str:
    """What moved these lines of one order: an earlier cause only where nothing of it is this decision's."""
    return changes[0].moved_by if changes and all(change.moved_by for change in changes) else why


def _write_dates(store: Store, decision: Decision) -> None:
    expected, own = decision.dates.expected, decision.dates.own
    days: dict[int, str] = {}
    by_itself: dict[int, str] = {}
    dated = 0
    for order in decision.before.orders:
        for line in order.lines:
            key = line.id
            day, own_day = expected.get(key), own.get(key, line.own_day)
            if day is not None:
                dated += 1
                if day != line.expected_on or own_day != line.own_day:
                    days[key], by_itself[key] = day, own_day
    if dated < len(expected):  # lines that nobody waited with before
        known = {line.id for order in decision.before.orders for line in order.lines}
        days |= {key: day for key, day in expected.items() if key not in known}
        by_itself |= {key: day for key, day in own.items() if key not in known}
    store.set_expected(days, by_itself)


def write_units(store: Store, decision: Decision, *, by: str, now: datetime) -> None:
    holdings, outcome = decision.before.holdings, decision.outcome
    committed = {(one.line_id, one.supply_id): one.committed for one in holdings if one.committed}
    for line_id, moves in _moves(committed, outcome.committed).items():
        for from_supply, to_supply, quantity in moves:
            touched = store.move_committed(
                line_id=line_id, from_supply=from_supply, to_supply=to_supply, quantity=quantity, at=now
            )
            for delivery_id in touched if to_supply is None else ():
                store.append_event(
                    kind="goods_missing",
                    actor=by,
                    captured_at=now,
                    received_at=now,
                    delivery_id=delivery_id,
                    data={"line": line_id, "quantity": quantity},
                )
    was = {(one.line_id, one.supply_id): one.allocated for one in holdings if one.allocated}
    new: list[Claim] = []
    less: list[tuple[int, int, int, int]] = []
    more: list[tuple[int, int, int, int]] = []
    for claim in outcome.claims:
        key, units = (claim.line_id, claim.supply_id), claim.quantity
        before = was.pop(key, 0)
        if not before:
            new.append(claim)
        elif units != before:
            (more if units > before else less).append((*key, before, units))
    less += [(*key, before, 0) for key, before in was.items()]
    # Give back before taking, so that no supply is promised twice even for a moment.
    store.set_claims([*sorted(less), *more], at=now)
    store.add_claims(new, at=now)
    outside = decision.before.outside
    products = {line.product_id for order in decision.before.orders for line in order.lines if line.id not in outside}
    store.check_allocations(decision.before.depot_id, products)


def _moves(was: Mapping[tuple[int, int], int], target: Sequence[Claim]) -> dict[int, list[tuple[int, int | None, int]]]:
    """Per line: (from supply, to supply or None for lost, units)."""
    now_at = {(claim.line_id, claim.supply_id): claim.quantity for claim in target}
    less: dict[int, list[list[int]]] = defaultdict(list)
    more: dict[int, list[list[int]]] = defaultdict(list)
    for key in sorted(was.keys() | now_at.keys()):
        difference = now_at.get(key, 0) - was.get(key, 0)
        if difference:
            (more if difference > 0 else less)[key[0]].append([key[1], abs(difference)])
    moves: dict[int, list[tuple[int, int | None, int]]] = defaultdict(list)
    for line_id, sources in less.items():
        for source, units in sources:
            for target_slot in more[line_id]:
                n = min(units, target_slot[1])
                if n:
                    moves[line_id].append((source, target_slot[0], n))
                    target_slot[1] -= n
                    units -= n
            if units:
                moves[line_id].append((source, None, units))
    return moves


def _change_data(change: LineChange) -> dict[str, object]:
    return {
        "sku": change.sku,
        "firm": [change.firm_before, change.firm_after],
        "provisional": [change.provisional_before, change.provisional_after],
        "day": [change.old_day, change.new_day],
    }
