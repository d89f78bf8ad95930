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

from routing.errors import BackrouteError, Conflict, NotFound
from routing.model.days import day_words
from routing.model.orders import Book, Preview
from routing.model.picking import PickDelivery
from routing.model.stock import ShelfOfReceipt
from routing.rules.allocation import recounted_shelves, with_quantity
from routing.rules.picking import left_on_shelf, put_back, short_of, unpicked_shelves, without_picked
from routing.services import allocating, editing, picking


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
    delivery: PickDelivery
    sku: str
    name: str
    wanted: int
    unpick: int
    changes: list[tuple[ShelfOfReceipt, int]]
    before: Book
    after: Book
    why: str


def simulate_short_pick(store: Reader, *, delivery_id: int, product_id: int, there: int, now: datetime) -> Short:
    """Who loses when only `there` units of the SKU are there for the delivery, picked ones included. Writes nothing.

    Fewer than its line has picked: some of those are gone (they are missing at the van). Otherwise the shelf is empty
    once they are taken: whoever finds too little takes all there is. Raises NotFound, InvalidInput, Conflict.
    """
    found = store.pick_deliveries([delivery_id])
    if not found:
        raise NotFound(f"There is no delivery {delivery_id}.", delivery=delivery_id)
    products = store.related_products(found[0].depot_id, {product_id})
    seen = _look(store, found[0], products, product_id=product_id, there=there, now=now)
    return _short(store, seen, there=there, now=now)[0]


def commit_short_pick(store: Store, *, delivery_id: int, product_id: int, there: int, now: datetime, by: str) -> Short:
    """The same, written: the shelf's count, who holds what, dates, messages, tasks, and the plan without what is empty.

    Raises as `simulate_short_pick`, and Conflict when the day moved on meanwhile: look again.
    """
    before = picking.one_delivery(store, delivery_id)
    products = allocating.locked_products(
        store, before.depot_id, {product_id} | {line.product_id for line in before.lines}
    )
    delivery = picking.one_delivery(store, delivery_id)
    seen = _look(store, delivery, products, product_id=product_id, there=there, now=now)
    if seen.unpick:
        picking.unpick_lines(store, delivery_id=delivery_id, units={product_id: seen.unpick}, now=now, by=by)
    short, decision = _short(store, seen, there=there, now=now)
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
        data={"delivery": delivery.number, "sku": seen.sku, "there": there, "of": seen.wanted, "lost": lost},
    )
    touched = _may_lose(store, short.preview)
    goods_before = {each.id: each for each in store.pick_deliveries(touched)}
    allocating.write(store, decision, by=by, now=now, why=seen.why, tell=True)
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


def _look(
    store: Reader | Store,
    delivery: PickDelivery,
    products: Collection[int],
    *,
    product_id: int,
    there: int,
    now: datetime,
) -> _Seen:
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
    unpick = max(0, line.picked - there)
    picked = put_back(store.picked_units(delivery.depot_id, products), line.units, unpick)
    shelves = unpicked_shelves(store.shelves(delivery.depot_id, product_id), picked)
    unpicked = sum(shelf.here for shelf in shelves)
    on_shelf = left_on_shelf(picked=line.picked, there=there, unpicked=unpicked)
    before = without_picked(store.book(delivery.depot_id, products, now=now), picked)
    after = before
    changes = recounted_shelves(shelves, on_shelf) if shelves else []
    sellable = {supply.id: supply.quantity for supply in after.supplies}
    for shelf, difference in changes:
        after = with_quantity(after, supply_id=shelf.id, quantity=sellable[shelf.id] + difference)
    return _Seen(
        delivery=delivery,
        sku=line.sku,
        name=line.name,
        wanted=line.quantity,
        unpick=unpick,
        changes=changes,
        before=before,
        after=after,
        why=f"short pick of {line.sku}",
    )


def _short(store: Reader | Store, seen: _Seen, *, there: int, now: datetime) -> tuple[Short, allocating.Decision]:
    policy = allocating.policy_of(store, seen.before.depot_id, now)
    decision = allocating.decide(store, seen.before, seen.after, policy=policy, now=now, why=seen.why)
    mine = {each.line_id for line in seen.delivery.lines if line.sku == seen.sku for each in line.units}
    lost = sum(change.released_lost for change in decision.preview.lines if change.line_id in mine)
    short = Short(
        delivery=seen.delivery,
        sku=seen.sku,
        name=seen.name,
        wanted=seen.wanted,
        there=there,
        left=max(0, seen.wanted - lost),
        preview=decision.preview,
    )
    return short, decision


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
                kind="empty_delivery",
                subject_kind="delivery",
                subject_id=delivery.id,
                sentence=sentence,
                made_at=now,
                urgent=True,
            )
            return sentence
    return ""
