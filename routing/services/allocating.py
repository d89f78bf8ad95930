"""Reads the ATP ledger and lets the rule decide what becomes of it: receiving, importing, another policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.cycles import no_cycles
from routing.model.days import today_of
from routing.model.notices import Notice
from routing.model.orders import (
    AllocationPolicy,
    AllocationRule,
    Book,
    DeliveryDays,
    Preview,
    WaitingLine,
)
from routing.model.parties import Company, Depot
from routing.model.proofs import Outcome as DoorOutcome
from routing.model.stock import Claim
from routing.model.tasks import TaskKind
from routing.rules.allocation import Outcome, allocate
from routing.rules.by_itself import DAY_IS_PAST, LET_GO, MOST_UNSENT, moved_by_itself
from routing.rules.door import tried_why
from routing.rules.own_promises import decided
from routing.rules.policies import PolicyBook
from routing.rules.preview import preview_of
from routing.rules.promises import (
    AT_CUSTOMERS_WISH,
    HAS_ITS_DATE_AGAIN,
    Dates,
    NewPromise,
    expected_days,
    new_promises,
    wished_promises,
    with_promises,
)
from routing.rules.reach import moved_along
from routing.rules.room import Room
from routing.services import asking
from routing.services.erp import refuse_if_erp
from routing.services.locking import KnowsRelated, LocksInSteps
from routing.services.untold import FOUND_LATE, first_causes, lost_untold, taken_along, told_lost


class Reader(KnowsRelated, Protocol):
    """What simulating needs."""

    def erp_allocates(self) -> bool: ...
    def open_products(self, depot_id: int) -> frozenset[int]: ...
    def book(
        self,
        depot_id: int,
        product_ids: Collection[int],
        *,
        now: datetime,
        policies: PolicyBook | None = None,
        reaching: bool = False,
        ranked_by: AllocationRule | None = None,
    ) -> Book: ...
    def depot(self, depot_id: int) -> Depot: ...
    def tried_lines(self, line_ids: Collection[int]) -> dict[int, DoorOutcome]: ...
    def delivery_days(self, depot_id: int, site_ids: Collection[int]) -> dict[int, DeliveryDays]: ...
    def stops_are_limited(self) -> bool: ...
    def setting(self, name: str, default: Any = None) -> Any: ...
    def stops_outside(self, depot_id: int, line_ids: Collection[int]) -> list[tuple[int, str, int]]: ...
    def promised_in_a_row(self, line_ids: Collection[int], *, why: str) -> dict[int, int]: ...
    def allocation_policy(self, *, on_day: str) -> AllocationPolicy: ...


class Store(Reader, LocksInSteps, asking.Store, Protocol):
    """What committing needs."""

    def set_claims(self, changes: Sequence[tuple[int, int, int, int]], *, at: datetime) -> None: ...
    def add_claims(self, claims: Iterable[Claim], *, at: datetime) -> None: ...
    def move_committed(
        self, *, line_id: int, from_supply: int, to_supply: int | None, quantity: int, at: datetime
    ) -> list[int]: ...
    def check_allocations(self, depot_id: int, product_ids: Collection[int]) -> None: ...
    def set_expected(self, days: Mapping[int, str], own: Mapping[int, str] | None = None) -> None: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def add_promises(
        self, promises: Iterable[NewPromise], *, by: str, made_at: datetime, told: Collection[int] = ()
    ) -> None: ...
    def waiting_lines(self, depot_id: int, order_ids: Collection[int]) -> dict[int, list[WaitingLine]]: ...
    def company(self) -> Company: ...
    def add_notice(self, message: Notice, *, made_at: datetime) -> bool: ...
    def add_tasks(self, asked: Sequence[Mapping[str, Any]]) -> None: ...
    def append_events(self, events: Sequence[Mapping[str, Any]]) -> None: ...
    def windows_of(self, line_ids: Collection[int]) -> dict[int, tuple[str, str]]: ...
    def asked_about(self, *, kind: TaskKind, subject_kind: str, subject_ids: Collection[int]) -> set[int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rule decided about a book, not yet written. `before` is the book as the database has it, with the days
    that customers moved as promised. `unsent`: lines that were not sent again, by their key, with how often a day was
    promised so far: their customers are called, not written to."""

    before: Book
    outcome: Outcome
    dates: Dates
    promises: tuple[NewPromise, ...]
    preview: Preview
    unsent: Mapping[int, int] = field(default_factory=dict)
    held: frozenset[int] = frozenset()
    """The orders that are on hold, by their key: nobody is told a day of theirs."""


def horizon_setting(depot_id: int) -> str:
    """The setting that keeps the last ISO day that was within a depot's reservation horizon when it was decided."""
    return f"horizon_day:{depot_id}"


def policy_of(store: Reader, depot_id: int, now: datetime) -> AllocationPolicy:
    """The policy in force today at the depot."""
    return store.allocation_policy(on_day=today_at(store, depot_id, now))


def today_at(store: Reader, depot_id: int, now: datetime) -> str:
    """The ISO day on the wall of the depot: the one by which its policies begin and end."""
    return today_of(now, store.depot(depot_id).zone)


@no_cycles()
def decide(
    store: Reader,
    before: Book,
    after: Book,
    *,
    policy: AllocationPolicy,
    now: datetime,
    why: str,
    outcome: Outcome | None = None,
    named: Collection[int] = (),
    along: Collection[int] = (),
    beside_the_calendar: bool = False,
) -> Decision:
    """What becomes of everybody in the book: `before` is how it stands, `after` with the receipt, recount or change.

    `outcome`, if `after` was allocated already. `named`: the SKUs that it is about, whose lines the preview has all;
    of others it has what moves. `along`: those decided only
    because they moved while nobody was told; their lines, and whoever's promise had stopped holding before, keep that
    cause, and what only they reach moved along with them. `beside_the_calendar`: what moves though its goods stay as
    they are, because its day was past or it was released for another one, keeps that cause. Whoever is on hold in
    `before` and not in `after` is let go, and hears of what moved meanwhile. Raises Conflict where the ERP allocates.
    """
    refuse_if_erp(store)
    zone = ZoneInfo(store.depot(before.depot_id).zone)
    days = store.delivery_days(before.depot_id, {order.site_id for order in after.orders})
    stops: list[tuple[int, str, int]] = []
    if any(each.stops_a_day is not None for each in days.values()):
        stops = store.stops_outside(before.depot_id, {line.id for order in after.orders for line in order.lines})
    if wished := wished_promises(after.orders, days):
        before, after = with_promises(before, wished), with_promises(after, wished)
    promised: Mapping[int, str] = {}
    if policy.rule.asks_for_promises:
        found = decided(after, policy, days=days, room=partial(Room, stops), today=now.astimezone(zone).date(), now=now)
        after, outcome, dates, promised = found.book, found.outcome, found.dates, found.promised
    else:
        outcome = outcome or allocate(after, policy, today=now.astimezone(zone).date())
        dates = expected_days(after, outcome, days=days, policy=policy, now=now, room=Room(stops))
    told = told_lost(store, before.depot_id)
    made = [
        *wished,
        *new_promises(after.orders, dates.expected, policy=policy, why=why, told_lost=told, not_before=promised),
    ]
    silent = lost_untold(store, before.depot_id)
    let_go = _let_go(before, after)
    # What lost its day while it was held is told now, unless its customer had heard so before the hold.
    silent |= {
        line_id: (line.product_id, LET_GO)
        for line_id, line in let_go.items()
        if line.promised_on and not dates.expected.get(line_id) and line_id not in told
    }
    kept = taken_along(store, before.depot_id)
    causes = _along_causes(after, kept=kept, named=named, along=along)
    first = first_causes(store, before.depot_id)
    causes |= _earlier_causes(after, made, dates.expected, first=first, kept=kept, along=along)
    causes |= {line_id: why for line_id, (_product, why) in silent.items() if not dates.expected.get(line_id)}
    today = now.astimezone(zone).date().isoformat()
    alone = moved_by_itself(before, after, outcome, dates.expected, today=today) if beside_the_calendar else {}
    causes = alone | causes
    broken = causes | _broken_before(store, after, made, dates.expected, first=first, today=today)
    broken |= dict.fromkeys(let_go, LET_GO)
    # What is shown of a line is what its promise's row says: its own cause, not that of another line of its goods.
    causes = {line_id: broken[line_id] for line_id in causes}
    promises = tuple(
        replace(promise, why=broken[promise.line_id])
        if promise.line_id in broken
        and not promise.first
        and promise.why not in (HAS_ITS_DATE_AGAIN, AT_CUSTOMERS_WISH)
        else promise
        for promise in made
    )
    unsent = _not_sent_again(store, promises)
    promises = tuple(promise for promise in promises if promise.line_id not in unsent)
    return Decision(
        before=before,
        outcome=outcome,
        dates=dates,
        promises=promises,
        unsent=unsent,
        held=frozenset(order.id for order in after.orders if order.held),
        preview=preview_of(
            before,
            after,
            outcome,
            dates.expected,
            promises,
            policy,
            causes,
            silent=silent,
            about=named,
            kept=dates.kept,
        ),
    )


def _let_go(before: Book, after: Book) -> dict[int, WaitingLine]:
    """The lines of orders that were on hold in the one book and are not in the other, by key."""
    held = {order.id for order in before.orders if order.held}
    return {line.id: line for order in after.orders if order.id in held and not order.held for line in order.lines}


def _not_sent_again(store: Reader, promises: Iterable[NewPromise]) -> dict[int, int]:
    """The lines that would be promised another day only because the last ones passed and nothing was sent, too often
    already to be believed: by line, how many days were promised with this row of them."""
    passed = {promise.line_id for promise in promises if promise.slip and promise.why in (DAY_IS_PAST, FOUND_LATE)}
    row = store.promised_in_a_row(passed, why=DAY_IS_PAST) if passed else {}
    return {line_id: days + 1 for line_id, days in row.items() if days >= MOST_UNSENT}


def beside_what_comes_anyway(decision: Decision, anyway: Decision) -> Decision:
    """The decision with its causes apart: whose promise would break as late, or lose its day, though it were not made
    keeps the cause that `anyway` names."""
    slips = {promise.line_id: promise for promise in anyway.promises if promise.slip}
    loses = {line.line_id: line.moved_by or DAY_IS_PAST for line in anyway.preview.lines if line.loses}
    causes = {
        promise.line_id: slips[promise.line_id].why
        for promise in decision.promises
        if promise.slip and promise.line_id in slips and promise.promised_on <= slips[promise.line_id].promised_on
    } | {line.line_id: loses[line.line_id] for line in decision.preview.lines if line.loses and line.line_id in loses}
    if not causes:
        return decision
    return replace(
        decision,
        promises=tuple(
            replace(each, why=causes[each.line_id]) if each.line_id in causes else each for each in decision.promises
        ),
        preview=replace(
            decision.preview,
            lines=tuple(
                replace(each, moved_by=each.moved_by or causes[each.line_id]) if each.line_id in causes else each
                for each in decision.preview.lines
            ),
        ),
    )


def _broken_before(
    store: Reader,
    book: Book,
    promises: Iterable[NewPromise],
    expected: Mapping[int, str],
    *,
    first: Mapping[int, str],
    today: str,
) -> dict[int, str]:
    """What broke a promise that slips now, by line, where it did not hold before either: what moved it when nobody was
    told, or the door where its goods were for nothing. The shown effect stays this decision's: it may well have brought
    the goods that were missing. Who had a day and is moved to a later one than that, is moved by this decision."""
    slips = {promise.line_id for promise in promises if promise.slip}
    if not slips:
        return {}
    # A day that is over moves by itself: that is nobody's doing either.
    stood = {
        line.id
        for order in book.orders
        for line in order.lines
        if line.id in slips and (line.expected_on < today or expected[line.id] <= line.expected_on)
    }
    tried = store.tried_lines(stood)
    whys = {line_id: why for line_id, why in first.items() if line_id in stood}
    return whys | {line_id: tried_why(outcome) for line_id, outcome in tried.items()}


def _along_causes(
    book: Book, *, kept: Mapping[int, str], named: Collection[int], along: Collection[int]
) -> dict[int, str]:
    """By line, of goods that are decided only because others are taken along."""
    if not along:
        return {}
    skus = {line.product_id: line.sku for order in book.orders for line in order.lines}
    moved = moved_along(book.orders, named=named, along=along)
    return {
        line.id: f"moved along with {skus.get(moved[line.product_id], 'other goods')}: "
        f"{kept.get(moved[line.product_id], FOUND_LATE)}"
        for order in book.orders
        for line in order.lines
        if line.product_id in moved
    }


def _earlier_causes(
    book: Book,
    promises: Iterable[NewPromise],
    expected: Mapping[int, str],
    *,
    first: Mapping[int, str],
    kept: Mapping[int, str],
    along: Collection[int],
) -> dict[int, str]:
    """What moved the lines that this decision does not move, by line: those of goods taken along, and those whose
    promise slips to the day that they are expected on already. A line's own `first` cause goes before the one that is
    `kept` of its goods, which may be another line's."""
    slips = {promise.line_id for promise in promises if promise.slip}
    return {
        line.id: first.get(line.id) or kept.get(line.product_id, FOUND_LATE)
        for order in book.orders
        for line in order.lines
        if line.product_id in along or (line.id in slips and line.expected_on == expected.get(line.id, ""))
    }


def with_keys(decision: Decision, keys: Mapping[int, int]) -> Decision:
    """The decision about supplies that have been written since, by the keys they got. `keys` in rising order."""

    def renamed(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        return tuple(replace(one, supply_id=keys[one.supply_id]) if one.supply_id in keys else one for one in claims)

    outcome = decision.outcome
    return replace(
        decision,
        outcome=replace(outcome, claims=renamed(outcome.claims), committed=renamed(outcome.committed)),
    )
