"""A short pick: fewer goods are there than a delivery wants. Shown first, then committed in one transaction.

What is missing is taken from the lowest rank among what nobody has picked yet: unreleased before released, never what
is picked or loaded. So the order that is being picked keeps its goods when others' can cover them. The shelf is counted
anew, deliveries shrink or vanish, whoever gets a later date is told, and a delivery with nothing left leaves the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from routing.errors import BackrouteError, Conflict
from routing.model.days import day_words
from routing.model.orders import Book, Preview
from routing.model.picking import PickDelivery, PickLine
from routing.model.stock import ShelfOfReceipt
from routing.model.tasks import TaskKind
from routing.rules.allocation import recounted_shelves, with_count
from routing.rules.picking import left_on_shelf, put_back, short_of, unpicked_shelves, without_picked
from routing.services import allocating, committing, editing, picking, reaching
from routing.services.locking import LocksInSteps


class Reader(allocating.Reader, Protocol):
    def pick_deliveries(self, delivery_ids: Collection[int]) -> list[PickDelivery]: ...
    def picked_units(self, depot_id: int, product_ids: Collection[int]) -> dict[tuple[int, int], int]: ...
    def shelves(self, depot_id: int, product_id: int) -> list[ShelfOfReceipt]: ...


class Store(Reader, editing.EditsPlans, picking.Store, allocating.Store, Protocol):
    def set_counted(self, *, supply_id: int, quantity: int, was: int) -> None: ...
    def plans_with(self, delivery_id: int) -> list[tuple[int, str]]: ...
    def deliveries_of_lines(self, line_ids: Collection[int]) -> set[int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A short pick as it would be or was: `there` of `wanted` units of a SKU for a delivery, and who loses by it.

    `left` is what the delivery keeps of it afterwards. `shrunk` and `emptied` are the numbers of deliveries that lost
    goods or all of them, once it was committed; `tasks` the sentences that a person must act on.
    """

    delivery: PickDelivery
    sku: str
    name: str
    wanted: int
    there: int
    left: int
    preview: Preview
    shrunk: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()

    @property
    def covered(self) -> bool:
        """Whether others' unpicked goods cover all that this delivery wants."""
        return self.left == self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How the line that is short stands. `unpick` of its picked units are gone too; `changes` are of its receipts."""

    delivery: PickDelivery
    line: PickLine
    unpick: int
    changes: list[tuple[ShelfOfReceipt, int]]

    @property
    def why(self) -> str:
        return f"short pick of {self.line.sku}"


def simulate_short_pick(store: Reader, *, delivery_id: int, product_id: int, there: int, now: datetime) -> Short:
    """Who loses when only `there` units of the SKU are there for the delivery, picked ones included. Writes nothing.

    Fewer than its line has picked: some of those are gone (they are missing at the van). Otherwise the shelf is empty
    once they are taken: whoever finds too little takes all there is. Raises NotFound, InvalidInput, Conflict.
    """
    delivery = picking.one_delivery(store, delivery_id)
    seen, decision = _decide(store, delivery, product_id=product_id, there=there, now=now)
    return _short(seen, decision, there=there)


def commit_short_pick(store: Store, *, delivery_id: int, product_id: int, there: int, now: datetime, by: str) -> Short:
    """The same, written: the shelf's count, who holds what, dates, messages, tasks, and the plan without what is empty.

    Raises as `simulate_short_pick`, and Conflict when the day moved on meanwhile: look again.
    """
    before = picking.one_delivery(store, delivery_id)
    seen, decision = _decide(store, before, product_id=product_id, there=there, now=now, locking=store)
    delivery, line = seen.delivery, seen.line
    if seen.unpick:
        picking.unpick_lines(store, delivery_id=delivery_id, units={product_id: seen.unpick}, now=now, by=by)
    short = _short(seen, decision, there=there)
    for shelf, difference in seen.changes:
        store.set_counted(supply_id=shelf.id, quantity=shelf.quantity + difference, was=shelf.quantity)
        store.add_movement(
            at=now,
            product_id=product_id,
            quantity=-difference,
            from_place=f"depot:{delivery.depot_id}",
            to_place="lost",
            why=seen.why,
            by=by,
        )
    lost = sum(-difference for _shelf, difference in seen.changes)
    store.append_event(
        kind="short_pick",
        actor=by,
        captured_at=now,
        received_at=now,
        delivery_id=delivery.id,
        data={"delivery": delivery.number, "sku": line.sku, "there": there, "of": line.quantity, "lost": lost},
    )
    touched = _may_lose(store, short.preview)
    goods_before = {each.id: each for each in store.pick_deliveries(touched)}
    committing.write(store, decision, by=by, now=now, why=seen.why, tell=True)
    goods_after = store.pick_deliveries(touched)
    shrunk = [each for each in goods_after if each.quantity < goods_before[each.id].quantity]
    emptied = [each for each in shrunk if each.state == "unreleased"]
    tasks = [task for each in emptied if (task := _leave_plan(store, each, now=now, by=by))]
    return replace(
        short,
        left=_left(goods_after, delivery_id, product_id, short.left),
        shrunk=tuple(each.number for each in shrunk),
        emptied=tuple(each.number for each in emptied),
        tasks=tuple(tasks),
    )


def _decide(
    store: Reader,
    delivery: PickDelivery,
    *,
    product_id: int,
    there: int,
    now: datetime,
    locking: LocksInSteps | None = None,
) -> tuple[_Seen, allocating.Decision]:
    """Decided without what is picked: nobody loses that. No more of the book than the missing units reach."""
    depot_id = delivery.depot_id
    found = [_look(picking.one_delivery(store, delivery.id), product_id=product_id, there=there)]

    def without(book: Book) -> Book:
        # Under locks everything is read again, also what somebody picked while we waited.
        found[:] = [_look(picking.one_delivery(store, delivery.id), product_id=product_id, there=there)]
        return without_picked(book, _picked(store, depot_id, _inside(book), found[0]))

    def change(book: Book) -> Book:
        seen = found[0]
        shelves = unpicked_shelves(store.shelves(depot_id, product_id), _picked(store, depot_id, {product_id}, seen))
        unpicked = sum(shelf.here for shelf in shelves)
        on_shelf = left_on_shelf(picked=seen.line.picked, there=there, unpicked=unpicked)
        changes = recounted_shelves(shelves, on_shelf) if shelves else []
        found[:] = [replace(seen, changes=changes)]
        for shelf, difference in changes:
            book = with_count(book, shelf, product_id=product_id, difference=difference)
        return book

    # Units that are put back lock all that the delivery carries; what is shown first is decided with the same SKUs.
    beside = {line.product_id for line in delivery.lines}
    decision = reaching.decide_change(
        store, depot_id, {product_id}, change, now=now, why=found[0].why, locking=locking, seen=without, beside=beside
    )
    return found[0], decision


def _inside(book: Book) -> set[int]:
    """The SKUs that the book decides."""
    lines = {line.product_id for order in book.orders for line in order.lines if line.id not in book.outside}
    return lines | {supply.product_id for supply in book.supplies}


def _picked(store: Reader, depot_id: int, products: Collection[int], seen: _Seen) -> dict[tuple[int, int], int]:
    """What is picked and not gone, by (line, supply)."""
    picked = store.picked_units(depot_id, products)
    return put_back(picked, seen.line.units, seen.unpick) if seen.line.product_id in products else picked


def _look(delivery: PickDelivery, *, product_id: int, there: int) -> _Seen:
    if delivery.state != "released":
        raise Conflict(
            f"{delivery.number} is loaded, gone or taken back: nothing of it can be short on the shelf.",
            code="not_released",
            delivery=delivery.id,
        )
    line = delivery.line_of(product_id)
    if line is None:
        raise Conflict(f"This product is not in {delivery.number} any more. Look again.", code="not_in_delivery")
    if line.to_come:
        raise Conflict(
            f"{line.sku} for {delivery.number} is still on {line.to_come}: count that truck in, then pick.",
            code="to_come",
            delivery=delivery.id,
        )
    short_of(line, there, number=delivery.number)
    return _Seen(delivery=delivery, line=line, unpick=max(0, line.picked - there), changes=[])


def _short(seen: _Seen, decision: allocating.Decision, *, there: int) -> Short:
    mine = {each.line_id for each in seen.line.units}
    lost = sum(change.released_lost for change in decision.preview.lines if change.line_id in mine)
    return Short(
        delivery=seen.delivery,
        sku=seen.line.sku,
        name=seen.line.name,
        wanted=seen.line.quantity,
        there=there,
        left=max(0, seen.line.quantity - lost),
        preview=decision.preview,
    )


def _may_lose(store: Store, preview: Preview) -> list[int]:
    """Every waiting delivery with a line of which released units are lost."""
    return sorted(store.deliveries_of_lines({line.line_id for line in preview.lines if line.released_lost}))


def _left(goods: Sequence[PickDelivery], delivery_id: int, product_id: int, before: int) -> int:
    for each in goods:
        if each.id == delivery_id:
            line = each.line_of(product_id)
            return line.quantity if line else 0
    return before


def _leave_plan(store: Store, delivery: PickDelivery, *, now: datetime, by: str) -> str:
    """Takes an empty delivery out of the plan that it is in; the sentence of a task when the plan does not allow it."""
    for plan_id, day in store.plans_with(delivery.id):
        try:
            editing.take_out(store, plan_id=plan_id, delivery=delivery.id, by=by, now=now)
        except BackrouteError as problem:
            # The goods are gone whatever the plan says: a person takes the empty stop off it.
            sentence = (
                f"{delivery.number} for {delivery.site} has no goods any more, but could not be taken out of the plan "
                f"of {day_words(day)}: {problem} Take it off the route."
            )
            store.add_task(
                kind=TaskKind.EMPTY_DELIVERY,
                subject_kind="delivery",
                subject_id=delivery.id,
                sentence=sentence,
                made_at=now,
                urgent=True,
            )
            return sentence
    return ""
