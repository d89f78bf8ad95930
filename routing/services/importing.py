"""Orders and inbound come in by file: new ones get goods and a date, changed ones are taken over while nothing is on
its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

from routing.cycles import no_cycles
from routing.model.imports import ImportResult, LineIn, OrderIn
from routing.model.orders import AllocationPolicy, Book, LineChange, Preview, WaitingOrder
from routing.model.stock import Supply
from routing.model.tasks import TaskKind
from routing.rules.imports import FULFILLED, HEADER, Change, compare, content_hash, said_of, said_promised, speaks_of
from routing.rules.paying import collect_worth
from routing.rules.promises import NewPromise, with_held
from routing.rules.reach import with_orders, with_supplies
from routing.services import allocating, committing, reaching
from routing.services.asking import CALLED_OFF, ELSEWHERE
from routing.services.erp import refuse_if_erp
from routing.services.locking import locked_products

CANCELLED = "order_cancelled"
DELIVERED_ELSEWHERE = "order_delivered_elsewhere"
"""The event of an order that the shop fulfilled itself: what tells it from a cancelled one."""
CHANGED = "order_changed"
_KINDS = {"": CHANGED, FULFILLED: DELIVERED_ELSEWHERE}
MOST_CHANGED = 1_000
"""Orders and inbound lines that are remembered as they were; a file that changes more is decided with all that it is
tied to."""


@dataclass(slots=True)
class Pools:
    """What has to be decided again: product keys by depot, the keys of the orders that were written by depot, and how
    the orders and inbound lines written since stood before, by depot and id: None for a new one. `every`: too many were
    changed to remember how they stood."""

    products: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    orders: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    stood: dict[int, dict[int, WaitingOrder | None]] = field(default_factory=lambda: defaultdict(dict))
    supplies: dict[int, dict[int, Supply | None]] = field(default_factory=lambda: defaultdict(dict))
    let_go: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Orders by depot that were on hold, or waited for their payment, and are not any more."""
    every: bool = False

    def add(self, other: Pools) -> None:
        """Takes over what another batch of the same transaction changed. What an order was first, it was."""
        for depot_id, products in other.products.items():
            self.products[depot_id] |= products
        for depot_id, written in other.orders.items():
            self.orders[depot_id] |= written
        for depot_id, free in other.let_go.items():
            self.let_go[depot_id] |= free
        for depot_id, orders in other.stood.items():
            self.stood[depot_id] = {**orders, **self.stood[depot_id]}
        for depot_id, supplies in other.supplies.items():
            self.supplies[depot_id] = {**supplies, **self.supplies[depot_id]}
        changed = sum(order is not None for orders in self.stood.values() for order in orders.values())
        changed += sum(supply is not None for supplies in self.supplies.values() for supply in supplies.values())
        self.every |= other.every or changed > MOST_CHANGED
        if self.every:
            self.stood.clear()
            self.supplies.clear()


class Store(allocating.Store, Protocol):
    def orders(self, numbers: Collection[str], *, source: str = "own") -> dict[str, dict[str, Any]]: ...
    def add_orders(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]: ...
    def add_lines(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], int]: ...
    def change_order(self, order_id: int, values: Mapping[str, Any]) -> None: ...
    def keep_said(self, order_id: int, said: Mapping[str, Any]) -> None: ...
    def change_line(self, line_id: int, values: Mapping[str, Any]) -> None: ...
    def set_collect_at_door(self, order_id: int, amount: int) -> None: ...
    def assign_zones(self) -> int: ...
    def change_was_kept(self, order_id: int, content_hash: str) -> bool: ...
    def kept_changes(self, order_ids: Collection[int]) -> dict[int, tuple[str, ...]]: ...
    def end_kept_changes(self, order_ids: Collection[int], *, outcome: str, by: str, now: datetime) -> None: ...
    def append_events(self, events: Sequence[Mapping[str, Any]]) -> None: ...
    def waiting_orders(
        self, depot_id: int, order_ids: Collection[int], *, now: datetime
    ) -> dict[int, WaitingOrder]: ...
    def held_among(self, order_ids: Collection[int]) -> frozenset[int]: ...
    def promise_of(self, line_ids: Collection[int]) -> dict[int, tuple[int, str]]: ...


def take_orders(store: Store, orders: Sequence[OrderIn], result: ImportResult, *, now: datetime, by: str) -> Pools:
    """Writes new and changed orders of one source (none when `result.dry_run`) and counts into `result`.

    The caller has locked the depots. Returns what to decide again: `settle_changed` does that once for the whole file.
    """
    pools = Pools()
    existing = store.orders([order.number for order in orders], source=orders[0].source) if orders else {}
    new: list[OrderIn] = []
    changed: list[tuple[OrderIn, Mapping[str, Any], Change, str]] = []
    as_here: dict[int, OrderIn] = {}
    for order in orders:
        row = existing.get(order.number)
        if row is None and (order.closed or not order.lines):
            result.settle(order.closed or "nothing to deliver")
            continue
        if row is None:
            result.created += 1
            result.lines += len(order.lines)
            if not result.dry_run:
                new.append(order)
                pools.products[order.depot_id] |= {line.product_id for line in order.lines}
            continue
        fingerprint = content_hash(order)
        if row["content_hash"] == fingerprint:
            result.unchanged += 1
            as_here[row["id"]] = order
            if row["said"] is None and not result.dry_run:  # it came in before that was kept
                store.keep_said(row["id"], said_of(order, None))
            continue
        change = compare(row, order)
        if change.problem:
            result.left_out(order.row, f"Order {order.number} was left out. {change.problem}")
        elif not change.differences:
            result.unchanged += 1
            as_here[row["id"]] = order
            if not result.dry_run and not order.closed:
                store.change_order(row["id"], {"content_hash": fingerprint, "said": said_of(order, row["said"])})
        elif row["cancelled_at"] is not None:
            result.left_out(order.row, f"Order {order.number} was left out: it is closed here. Give it a new number.")
        elif change.moves_goods and any(line["on_its_way"] for line in row["lines"]):
            _keep_for_a_person(store, order, row, change, fingerprint, result, now=now)
        else:
            result.changed += 1
            if change.cancels:
                (result.delivered_elsewhere if change.cancels == FULFILLED else result.cancelled).append(order.number)
            if not result.dry_run:
                changed.append((order, row, change, fingerprint))
    _change_all(store, changed, pools, now=now, by=by)
    if not result.dry_run:
        taken_over = {row["id"]: order for order, row, _change, _fingerprint in changed}
        _end_kept(store, taken_over, outcome="taken over from the file", now=now, by=by)
        _end_kept(store, as_here, outcome="the file took the change back", now=now, by=by)
    keys = _add(store, new, now=now, by=by)
    for order in new:
        pools.orders[order.depot_id].add(keys[order.number])
        pools.stood[order.depot_id][keys[order.number]] = None
    return pools


def _change_all(
    store: Store,
    changed: Sequence[tuple[OrderIn, Mapping[str, Any], Change, str]],
    pools: Pools,
    *,
    now: datetime,
    by: str,
) -> None:
    rows = [row for _order, row, _change, _fingerprint in changed]
    held = store.held_among([row["id"] for row in rows])
    for depot_id in sorted({row["depot_id"] for row in rows}):
        here = [row["id"] for row in rows if row["depot_id"] == depot_id]
        pools.stood[depot_id] |= dict.fromkeys(here) | store.waiting_orders(depot_id, here, now=now)
    for order, row, change, fingerprint in changed:
        _change(store, order, row, change, fingerprint, now=now, by=by)
        pools.orders[order.depot_id].add(row["id"])
        pools.orders[row["depot_id"]].add(row["id"])
        pools.products[order.depot_id] |= {line.product_id for line in order.lines}
        pools.products[row["depot_id"]] |= {line["product_id"] for line in row["lines"]}
        if order.depot_id != row["depot_id"]:
            pools.stood[order.depot_id][row["id"]] = None
    let_go = held - store.held_among(held)
    for entry in changed:
        if entry[1]["id"] in let_go:
            pools.let_go[entry[0].depot_id].add(entry[1]["id"])


@dataclass(slots=True)
class Settled:
    """What allocating a file did to orders that are not in it: lines that lose goods or a day, or hear of something;
    and the warnings about them and about the file's own. `besides`: other lines of which customers hear, of an earlier
    day or their first one, and with `tell` whatever those of the file's own orders hear."""

    lines: list[LineChange] = field(default_factory=list)
    besides: list[LineChange] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, preview: Preview, *, own: Collection[int], quiet: Collection[int], tell: bool) -> None:
        """`quiet`: orders whose customers hear nothing; without `tell` nobody does."""
        for line in preview.lines:
            if line.order_id not in own and line.suffers:
                self.lines.append(line)
            elif tell and line.order_id not in quiet and line.is_heard:
                self.besides.append(line)
        self.warnings += preview.warnings


@no_cycles()
def settle_changed(
    store: Store, pools: Pools, *, now: datetime, by: str, tell: bool, why: str, tell_others: bool = False
) -> Settled:
    """Allocates what came in and gives every line its first date, as `settle` does, and decides no more of the book
    than that reaches.

    `tell_others`: customers of orders that are not in the file hear what it does to them, as of a receipt, also when
    those of the file hear nothing. Who was on hold and is let go by the file is one of them: they were told nothing so
    far.
    """
    refuse_if_erp(store)
    if pools.every:
        return settle(
            store, pools.products, now=now, by=by, tell=tell, why=why, tell_others=tell_others, written=pools.orders,
            let_go=pools.let_go,
        )  # fmt: skip
    settled = Settled()
    _give_zones(store, pools.products)
    for depot_id, product_ids in sorted(pools.products.items()):
        if not product_ids:
            continue
        stood = partial(_as_it_stood, orders=pools.stood.get(depot_id, {}), supplies=pools.supplies.get(depot_id, {}))
        own: Collection[int] = pools.orders.get(depot_id, ())
        let_go = pools.let_go.get(depot_id, set())
        decision = reaching.decide_change(
            store,
            depot_id,
            product_ids,
            partial(with_held, order_ids=let_go, held=False),
            now=now,
            why=why,
            locking=store,
            stood=stood,
            seen=partial(with_held, order_ids=let_go, held=True) if let_go else None,
        )
        quiet = () if tell else set(own) - let_go
        committing.write(store, decision, by=by, now=now, why=why, tell=tell or tell_others, quiet=quiet)
        settled.add(decision.preview, own=own, quiet=quiet, tell=tell or tell_others)
        # The book of a depot is let go before the next one is read.
        del decision
    return settled


def _as_it_stood(
    book: Book, *, orders: Mapping[int, WaitingOrder | None], supplies: Mapping[int, Supply | None]
) -> Book:
    return with_supplies(with_orders(book, orders), supplies)


@no_cycles()
def settle(
    store: Store,
    pools: Mapping[int, Collection[int]],
    *,
    now: datetime,
    by: str,
    tell: bool,
    why: str,
    tell_others: bool = False,
    written: Mapping[int, Collection[int]] = MappingProxyType({}),
    let_go: Mapping[int, Collection[int]] = MappingProxyType({}),
) -> Settled:
    """Allocates what came in and gives every line its first date. Without `tell` no customer hears of it, but with
    `tell_others` those whose orders, by depot, were not `written` now.

    Raises Conflict where the ERP allocates, also for a file that is only tried.
    """
    refuse_if_erp(store)
    settled = Settled()
    _give_zones(store, pools)
    for depot_id, product_ids in sorted(pools.items()):
        if not product_ids:
            continue
        products = locked_products(store, depot_id, product_ids)
        book = store.book(depot_id, products, now=now)
        policy: AllocationPolicy = allocating.policy_of(store, depot_id, now)
        free = frozenset(let_go.get(depot_id, ()))
        held = with_held(book, free, held=True) if free else book
        decision = allocating.decide(store, held, book, policy=policy, now=now, why=why, beside_the_calendar=True)
        own = written.get(depot_id, ())
        quiet = () if tell else set(own) - free
        committing.write(store, decision, by=by, now=now, why=why, tell=tell or tell_others, quiet=quiet)
        settled.add(decision.preview, own=own, quiet=quiet, tell=tell or tell_others)
        del book, held, decision
    return settled


def _give_zones(store: Store, pools: Mapping[int, Collection[int]]) -> None:
    """A site that ordered for the first time is served by that depot from now on."""
    if any(pools.values()):
        store.assign_zones()


def _add(store: Store, orders: Sequence[OrderIn], *, now: datetime, by: str) -> dict[str, int]:
    """Their keys by number."""
    keys = store.add_orders(
        [
            {name: getattr(order, name) for name in HEADER}
            | {"source": order.source, "number": order.number, "content_hash": content_hash(order)}
            | {"said": said_of(order, None)}
            | {"collect_worth": collect_worth((each.quantity, each.unit_price) for each in order.lines)}
            | _hold(order.hold_reason, now)
            for order in orders
        ]
    )
    line_keys = store.add_lines([_line(keys[order.number], line) for order in orders for line in order.lines])
    events: list[dict[str, Any]] = []
    for order in orders:
        order_id = keys[order.number]
        line_ids = {line.number: line_keys[order_id, line.number] for line in order.lines}
        _promises(store, order, line_ids, {}, why="told before import", by=by, made_at=now)
        events.append(
            {
                "kind": "order_received",
                "actor": by,
                "captured_at": order.ordered_at.astimezone(UTC),
                "received_at": now,
                "order_id": order_id,
                "data": {
                    "order": order.number,
                    "lines": [
                        {"line": line.number, "sku": line.sku, "quantity": line.quantity} for line in order.lines
                    ],
                },
            }
        )
    store.append_events(events)
    return keys


def _line(order_id: int, line: LineIn) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "number": line.number,
        "product_id": line.product_id,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
    }


def _change(
    store: Store,
    order: OrderIn,
    row: Mapping[str, Any],
    change: Change,
    fingerprint: str,
    *,
    now: datetime,
    by: str,
) -> None:
    header = dict(change.header)
    if "hold_reason" in header and row["hold_by"] in ("", "import"):  # a person's stays theirs, the file's beside it
        header |= _hold(order.hold_reason, now)
    if change.cancels:
        header["cancelled_at"] = now
    store.change_order(row["id"], header | {"content_hash": fingerprint, "said": said_of(order, row["said"])})
    for line_id, values in change.lines.items():
        store.change_line(line_id, values)
    added = [line for line in order.lines if line.number in change.added]
    made = store.add_lines([_line(row["id"], line) for line in added])
    stands = header.get("collect_at_door", row["collect_at_door"])
    if "collect_at_door" not in order.unsaid and order.collect_at_door and order.collect_at_door == stands:
        store.set_collect_at_door(row["id"], order.collect_at_door)  # of all that the order is now
    line_ids = {line["number"]: line["id"] for line in row["lines"]}
    line_ids |= {number: line_id for (_, number), line_id in made.items()}
    promised = store.promise_of(list(line_ids.values()))
    _promises(store, order, line_ids, promised, said=row["said"], why="changed in the order file", by=by, made_at=now)
    store.append_event(
        kind=CANCELLED if change.empties else _KINDS.get(change.cancels, CANCELLED),
        actor=by,
        captured_at=now,
        received_at=now,
        order_id=row["id"],
        data={"differences": change.differences},
    )
    if change.cancels or change.empties:
        _ask_no_more(store, row["id"], change.cancels, by=by, now=now)


def _ask_no_more(store: Store, order_id: int, cancels: str, *, by: str, now: datetime) -> None:
    """The goods have come by another way, or are not wanted any more: nobody has to call about them, answer, or find a
    supplier."""
    fulfilled = cancels == FULFILLED
    outcome = "delivered elsewhere, says the shop" if fulfilled else "cancelled in the order file"
    about = [
        (kind, "order", order_id) for kind in (TaskKind.CALL_CUSTOMER, TaskKind.NO_DATE, TaskKind.SHIP_COMPLETE_BROKEN)
    ]
    for consent_id in store.consents(store.open_questions([order_id]), lock=True):
        store.set_consent(consent_id, {"closed_at": now, "closed_why": ELSEWHERE if fulfilled else CALLED_OFF})
        about.append((TaskKind.DELAY_CONSENT, "consent", consent_id))
    for kind, subject_kind, subject_id in about:
        store.finish_tasks(kind=kind, subject_kind=subject_kind, subject_id=subject_id, outcome=outcome, by=by, now=now)


def _keep_for_a_person(
    store: Store,
    order: OrderIn,
    row: Mapping[str, Any],
    change: Change,
    fingerprint: str,
    result: ImportResult,
    *,
    now: datetime,
) -> None:
    if store.change_was_kept(row["id"], fingerprint):
        result.unchanged += 1
        return
    result.tasks += 1
    result.for_a_person.append(order.number)
    result.rows_for_a_person.append(order.row)
    if result.dry_run:
        return
    what = "; ".join(f"{name} {old or 'nothing'} → {new or 'nothing'}" for name, old, new in change.differences)
    store.add_task(
        kind=TaskKind.ORDER_CHANGED_AFTER_RELEASE,
        subject_kind="order",
        subject_id=row["id"],
        sentence=f"Order {order.number} changed in the file after goods were released: {what}. "
        "Take the release back and import again, or settle it with the customer.",
        made_at=now,
        data={"content_hash": fingerprint, "differences": change.differences},
    )


def _end_kept(store: Store, orders: Mapping[int, OrderIn], *, outcome: str, now: datetime, by: str) -> None:
    """What the file and the order here agree on again needs no person."""
    kept = store.kept_changes(orders)
    ended = [order_id for order_id, names in kept.items() if speaks_of(orders[order_id], names)]
    store.end_kept_changes(ended, outcome=outcome, by=by, now=now)


def _promises(
    store: Store,
    order: OrderIn,
    line_ids: Mapping[str, int],
    promised: Mapping[int, tuple[int, str]],
    *,
    said: Mapping[str, Any] | None = None,
    why: str,
    by: str,
    made_at: datetime,
) -> None:
    new = []
    for line in order.lines:
        version, day = promised.get(line_ids[line.number], (0, ""))
        # The day that it has said all along is no new promise: what was told since stands.
        if line.promised_on and line.promised_on not in (day, said_promised(said, line.number)):
            new.append(
                NewPromise(
                    line_id=line_ids[line.number],
                    version=version + 1,
                    promised_on=line.promised_on,
                    why=why,
                    first=version == 0,
                    slip=bool(day) and line.promised_on > day,
                )
            )
    store.add_promises(new, by=by, made_at=made_at, told=[promise.line_id for promise in new])


def _hold(reason: str, now: datetime) -> dict[str, Any]:
    return {"hold_reason": reason, "hold_by": "import" if reason else "", "hold_at": now if reason else None}
